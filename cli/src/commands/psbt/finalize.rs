//! `psbt finalize`: a staking transaction, complete.

use anyhow::{Context, bail, ensure};
use bitcoin::{Psbt, Transaction, psbt};
use staking_scripts::{CovenantAnswer, finalize_psbt, review_psbt};

use crate::commands::tx::{Fields, psbt as read_psbt};
use crate::files::{self, DelegationArgs};
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The transaction must be the delegation's staking transaction, byte for byte, and the delegation must keep every rule and have the answers of a \
    covenant quorum: a stake that is broadcast before waits for its timelock if they never answer. --without-quorum completes it all the same.\n\n\
    Example:\n  btcstake psbt finalize --delegation verified.json --params params.json --psbt @stake.psbt"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// The PSBT with the signatures of the coins: base64, or @FILE of base64 or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = read_psbt)]
    psbt: Psbt,
    /// Complete it although a quorum of the covenant committee has not answered.
    #[arg(long)]
    without_quorum: bool,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let accepted = self.files.accepted()?;
        let quorum = usize::from(accepted.quorum());
        let answers = files::verify_answers(&accepted, &self.files.delegation)?;
        ensure!(
            answers >= quorum || self.without_quorum,
            "{answers} covenant members have answered, and {quorum} must before the stake is broadcast (or give --without-quorum)"
        );
        let request = self.files.delegation.request()?;
        let (found, expected) = (&self.psbt.unsigned_tx, &request.staking_transaction);
        let spends = |transaction: &Transaction| {
            transaction.input.iter().map(|input| (input.previous_output, input.sequence)).collect::<Vec<_>>()
        };
        // Scripts of nested coins come with the signatures; the rest must be the same already.
        let same = spends(found) == spends(expected) && found.output == expected.output;
        ensure!(
            same,
            "--psbt is of {}, and the delegation's staking transaction is {}",
            found.compute_txid(),
            expected.compute_txid()
        );
        let unsigned = |(number, input): (usize, &psbt::Input)| {
            let signed = input.tap_key_sig.is_some()
                || !input.partial_sigs.is_empty()
                || !input.tap_script_sigs.is_empty()
                || input.final_script_witness.is_some();
            (!signed).then_some(number)
        };
        let unsigned = self.psbt.inputs.iter().enumerate().find_map(unsigned);
        if let Some((number, input)) = unsigned.and_then(|number| Some((number, found.input.get(number)?))) {
            bail!("--psbt: nobody has signed input {number}, which spends {}", input.previous_output);
        }
        let transaction = match accepted.extension() {
            Some(extension) => {
                let staker = extension.signatures(&self.psbt)?.staker;
                let staker = staker.context("--psbt: the staker has not signed the running stake")?;
                let answers = self.files.delegation.covenant_answers.iter().map(CovenantAnswer::from);
                let covenant: Vec<_> = answers.filter_map(|answer| answer.extension).collect();
                extension.finalize(&staker, &covenant, &self.psbt)?
            }
            None => finalize_psbt(&self.psbt).context("--psbt")?,
        };
        let (found, expected) = (transaction.compute_txid(), request.staking_transaction.compute_txid());
        ensure!(
            found == expected,
            "--psbt is of {found}, and the delegation's staking transaction is {expected}"
        );
        let fee =
            review_psbt(&self.psbt).fee.context("--psbt does not say what its inputs spend, or pays more")?;
        Fields::finished(&self.psbt, &transaction, fee).question_fee(None).output()
    }
}
