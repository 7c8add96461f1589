//! `tx bump`: a child that pays for a staking transaction.

use anyhow::{Context, ensure};
use bitcoin::{Address, Amount, FeeRate, Psbt};
use eots::SecretKey;
use staking_scripts::{ChildTransaction, FeeBump, sign_psbt};

use super::built::{self, Fields};
use super::given::{Given, transaction};
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The child spends the change, and pays what the parent lacks at the rate. The parent stays as it is: replacing it would void everything that \
    is signed in advance. A withdrawal is not bumped so, but built again at a higher rate; unbonding and slashing transactions cannot be bumped at all.\n\n\
    Example:\n  btcstake tx bump @stake.tx --fee-sat 825 --change-output 1 --fee-rate 20 \
    --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45"
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
    /// Where the change goes.
    #[arg(long, value_name = "ADDRESS", value_parser = built::address)]
    to: Address,
    /// The fee rate that both together pay, in satoshis for a virtual byte.
    #[arg(long, value_name = "RATE", value_parser = built::fee_rate)]
    fee_rate: FeeRate,
    /// File with the secret key of the change, where it is a Taproot output of one key; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: Option<SecretKey>,
    /// The PSBT of the child that a wallet signed: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = built::psbt, conflicts_with = "secret_key_file")]
    signed: Option<Psbt>,
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
        let (fee, to) = (Amount::from_sat(self.fee_sat), self.to.script_pubkey());
        let child = ChildTransaction::paying_for(transaction, fee, self.change_output, to, self.fee_rate)?;
        let signed = match (&self.secret_key_file, self.signed) {
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
