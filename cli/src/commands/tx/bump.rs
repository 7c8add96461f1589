//! `tx bump`: a child that pays for a staking transaction.

use anyhow::{Context, ensure};
use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, OutPoint, Transaction};
use eots::SecretKey;
use staking_scripts::{ChildError, ChildTransaction, DelegationFile, FeeBump, key_path_script, sign_psbt};

use super::built::Fields;
use super::given::{Given, transaction};
use super::spend::SpendArgs;
use crate::commands::NetworkName;
use crate::files;
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
    /// What the parent paid, as `psbt finalize` says. It is believed, unless the transaction is a finished
    /// PSBT, which says what it spends.
    #[arg(long)]
    fee_sat: u64,
    /// Which of its outputs is the change: not the stake.
    #[arg(long, value_name = "INDEX")]
    change_output: u32,
    /// The delegation of the stake, which tells which output is no change.
    #[arg(long, value_name = "FILE", value_parser = files::delegation)]
    delegation: Option<DelegationFile>,
    /// The Bitcoin network of the transaction.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    spend: SpendArgs,
}

/// The flag to which an error is due.
fn named(error: ChildError) -> anyhow::Error {
    let flag = match &error {
        ChildError::NotNeeded(_) | ChildError::FeeRateTooHigh(_) => "--fee-rate",
        ChildError::Destination(_) => "--to",
        ChildError::Incomplete(_) => "--signed",
        _ => "--change-output",
    };
    anyhow::Error::new(error).context(flag)
}

/// Where the stake is: what its unbonding transaction spends.
fn staking_output(delegation: &DelegationFile) -> anyhow::Result<OutPoint> {
    let unbonding: Transaction =
        deserialize_hex(&delegation.unbonding_transaction).context("unbonding_transaction")?;
    let input = unbonding.input.first().context("unbonding_transaction: it has no input")?;
    Ok(input.previous_output)
}

impl Args {
    /// What can be told of the parent's fee without a node.
    fn check_fee(&self) -> anyhow::Result<()> {
        let held = self
            .transaction
            .input_amounts
            .iter()
            .try_fold(Amount::ZERO, |sum, held| sum.checked_add((*held)?));
        let Some(held) = held else { return Ok(()) };
        let fee = held
            .checked_sub(self.transaction.explanation.paid)
            .context("the transaction pays more than it spends")?;
        let (said, fee) = (self.fee_sat, fee.to_sat());
        ensure!(
            said == fee,
            "--fee-sat: the transaction pays {fee} sat, as its PSBT says, and not {said} sat"
        );
        Ok(())
    }

    /// Whether the output can be the change.
    fn check_change(&self) -> anyhow::Result<()> {
        let Given { transaction, .. } = &self.transaction;
        let (txid, number, count) =
            (transaction.compute_txid(), self.change_output, transaction.output.len());
        let output = usize::try_from(number).ok().and_then(|number| transaction.output.get(number));
        let output = output.with_context(|| {
            format!("--change-output: {number} is no change: the transaction {txid} has {count} outputs")
        })?;
        if let Some(delegation) = &self.delegation {
            let stake = staking_output(delegation).context("--delegation")?;
            ensure!(
                stake.txid == txid,
                "--delegation is of the staking transaction {}, not of {txid}",
                stake.txid
            );
            ensure!(stake.vout != number, "--change-output: output {number} is the stake itself");
        }
        let script = &output.script_pubkey;
        let own = |key: &SecretKey| *script == key_path_script(key.public_key());
        ensure!(
            self.spend.signer.secret_key_file.as_ref().is_none_or(own),
            "--change-output: output {number} pays to {script}, which is not the address of the key of --secret-key-file"
        );
        Ok(())
    }

    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let Given { transaction, explanation, finished, .. } = &self.transaction;
        ensure!(
            finished,
            "the transaction {} lacks signatures, and does not wait for a block",
            explanation.txid
        );
        // What is of no known kind may be a stake that does not announce itself.
        ensure!(
            matches!(explanation.kind.fee_bump(), None | Some(FeeBump::Child)),
            "the transaction {} is of the kind {}, which has no child",
            explanation.txid,
            explanation.kind.as_str()
        );
        self.check_fee()?;
        self.check_change()?;
        let (fee, to, rate) =
            (Amount::from_sat(self.fee_sat), self.spend.to(self.network)?, self.spend.fee_rate);
        let child =
            ChildTransaction::paying_for(transaction, fee, self.change_output, to, rate).map_err(named)?;
        let signed = match (&self.spend.signer.secret_key_file, self.spend.signer.signed) {
            (Some(key), _) => Some(sign_psbt(child.psbt(), key).context("--secret-key-file")?.0),
            (None, signed) => signed,
        };
        let fields = match signed {
            None => Fields::unsigned(child.psbt(), child.fee(), Some(child.vsize())),
            Some(signed) => {
                let transaction = child.finalize(&signed).map_err(named)?;
                Fields::finished(&signed, &transaction, child.fee())
            }
        };
        fields.question_fee(Some(rate)).output()
    }
}
