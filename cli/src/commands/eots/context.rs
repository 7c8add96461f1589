//! `eots context`: computes a signing context of a consumer chain.

use clap::ValueEnum;
use finality::{AccountAddress, Operation, SigningContext};
use serde::{Deserialize, Serialize};

use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "A signature made for one operation, chain or contract is not valid for any other.\n\n\
    Example:\n  btcstake eots context --operation finality-vote --chain-id test-1 --address bbn1addr"
)]
pub(crate) struct Args {
    /// The operation to sign for.
    #[arg(long)]
    operation: OperationName,
    /// The consumer chain.
    #[arg(long)]
    chain_id: String,
    /// The address of the module or contract that verifies, as text; bech32 in upper case is read as the
    /// chain writes it, in lower case.
    #[arg(long)]
    address: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum OperationName {
    /// A finality provider's proof of possession.
    ProviderPop,
    /// A randomness commitment.
    Commitment,
    /// A finality vote.
    FinalityVote,
    /// A staker's proof of possession.
    StakerPop,
}

impl From<OperationName> for Operation {
    fn from(name: OperationName) -> Self {
        match name {
            OperationName::ProviderPop => Self::FinalityProviderPop,
            OperationName::Commitment => Self::RandomnessCommitment,
            OperationName::FinalityVote => Self::FinalityVote,
            OperationName::StakerPop => Self::StakerPop,
        }
    }
}

/// A signing context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The signing context: 64 hex digits.
    pub signing_context: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.signing_context.clone()
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        // The chain writes its addresses in lower case.
        let written: Option<AccountAddress> = self.address.parse().ok();
        let address = written.as_ref().map_or(self.address.as_str(), AccountAddress::as_str);
        let context = SigningContext::consumer(self.operation.into(), &self.chain_id, address);
        Printout::of(&Output { signing_context: context.to_string() })
    }
}
