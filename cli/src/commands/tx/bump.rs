//! `tx bump`: a child that pays for a staking transaction.

use anyhow::{Context, ensure};
use bitcoin::Amount;
use staking_scripts::{ChildTransaction, FeeBump, sign_psbt};

use super::built::Fields;
use super::given::{Given, transaction};
use super::spend::SpendArgs;
use crate::commands::NetworkName;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The child spends the change, and pays what the parent lacks at the rate. The parent stays as it is: replacing it would void everything that \
    is signed in advance. A withdrawal is not bumped so, but built again at a higher rate; unbonding and slashing transactions cannot be bumped at all.\n\n\
    Example:\n  btcstake tx bump @stake.tx --fee-sat 825 --change-output 1 --fee-rate 20 \
    --network regtest --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45"
)]
pub(crate) struct Args {
    /// The staking transaction or extension as it waits, with its signatures: hex, @FILE or -.
    #[arg(value_name = "TRANSACTION", value_parser = transaction)]
    transaction: Given,
    /// What it pays, as `psbt finalize` says.
    #[arg(long)]
    fee_sat: u64,
    /// Which of its outputs is the change.
    #[arg(long, value_name = "INDEX")]
    change_output: u32,
    /// The Bitcoin network of the transaction.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    spend: SpendArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let Given { transaction, explanation, finished, .. } = &self.transaction;
        ensure!(finished, "the transaction {} lacks signatures, and does not wait for a block", explanation.txid);
        // What is of no known kind may be a stake that does not announce itself.
        ensure!(
            matches!(explanation.kind.fee_bump(), None | Some(FeeBump::Child)),
            "the transaction {} is of the kind {}, which has no child",
            explanation.txid,
            explanation.kind.as_str()
        );
        let (fee, to) = (Amount::from_sat(self.fee_sat), self.spend.to(self.network)?);
        let child = ChildTransaction::paying_for(transaction, fee, self.change_output, to, self.spend.fee_rate)?;
        let signed = match (&self.spend.signer.secret_key_file, self.spend.signer.signed) {
            (Some(key), _) => Some(sign_psbt(child.psbt(), key).context("--secret-key-file")?.0),
            (None, signed) => signed,
        };
        match signed {
            None => Fields::unsigned(child.psbt(), child.fee(), Some(child.vsize())).output(),
            Some(signed) => {
                let transaction = child.finalize(&signed)?;
                Fields::finished(&signed, &transaction, child.fee()).output()
            }
        }
    }
}
