//! `psbt finalize`: finalizes a staking transaction.

use anyhow::{Context, bail, ensure};
use bitcoin::Transaction;
use bitcoin::psbt::Input;
use staking_scripts::LeafTransaction;
use staking_scripts::psbt::{VersionedPsbt, finalize_psbt, review_psbt};
use staking_scripts::transactions::LeafSignatures;

use crate::args::argument::Argument;
use crate::args::delegation::DelegationArgs;
use crate::args::files::surplus;
use crate::args::psbt::{self, PsbtFormatArgs};
use crate::view::output::Printout;
use crate::view::signatures::{check_weight, unasked};
use crate::view::transaction::BuiltTransaction;
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "The transaction must be the delegation's staking transaction, byte for byte, and the delegation must keep every rule and have the signatures of a \
    covenant quorum: a stake that is broadcast without them stays locked for its staking time if they never sign. --without-quorum finalizes it all the same.\n\n\
    Example:\n  btcstake psbt finalize --delegation verified.json --params params.json --psbt @stake.psbt"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// The PSBT with the signatures of the coins, of version 0 or 2: base64 or hex, or @FILE of either or of
    /// its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser())]
    psbt: Argument<VersionedPsbt>,
    /// Finalize it although fewer covenant members than the quorum have signed.
    #[arg(long)]
    without_quorum: bool,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (files, given) = (self.files.read()?, self.psbt.read()?);
        let psbt = given.psbt();
        let checked = files.checked()?;
        let signatures = &files.delegation.covenant_signatures;
        if let Err(error) = checked.may_be_broadcast(signatures)
            && !self.without_quorum
        {
            let invalid = checked.covenant_quorum(signatures).invalid;
            let invalid = invalid.into_iter().map(|error| format!("; {:#}", anyhow::Error::new(error)));
            let invalid: String = invalid.collect();
            let message = format!("{error}{invalid}; --without-quorum finalizes it all the same");
            return Err(Refused::because("covenant_quorum", message).into());
        }
        let staking = &files.delegation.staking_transaction;
        let (found, expected) = (&psbt.unsigned_tx, staking);
        let spends = |transaction: &Transaction| {
            transaction.input.iter().map(|input| (input.previous_output, input.sequence)).collect::<Vec<_>>()
        };
        // Scripts of nested coins come with the signatures; the rest must be the same already.
        let same = spends(found) == spends(expected) && found.output == expected.output;
        ensure!(
            same,
            "--psbt is of transaction {}; must be of {}, the delegation's staking transaction",
            found.compute_txid(),
            expected.compute_txid()
        );
        let unsigned = |(number, input): (usize, &Input)| {
            let signed = input.tap_key_sig.is_some()
                || !input.partial_sigs.is_empty()
                || !input.tap_script_sigs.is_empty()
                || input.final_script_witness.is_some();
            (!signed).then_some(number)
        };
        let unsigned = psbt.inputs.iter().enumerate().find_map(unsigned);
        if let Some((number, input)) = unsigned.and_then(|number| Some((number, found.input.get(number)?))) {
            bail!("--psbt: input {number}, which spends {}, is not signed", input.previous_output);
        }
        check_weight(psbt)?;
        let mut warnings = Vec::new();
        let transaction = match checked.extension() {
            Some(extension) => {
                let LeafSignatures { staker, other_leaves, .. } = extension.signatures(psbt)?;
                warnings.extend(unasked("--psbt", false, &other_leaves));
                let staker = staker.context("--psbt: the staker has not signed the running stake")?;
                let previous =
                    files.previous_covenant().context("--delegation: the running stake is not known")?;
                files.delegation.extend(&staker, psbt, files.covenant()?, previous)?
            }
            None => finalize_psbt(psbt).context("--psbt")?,
        };
        let (found, expected) = (transaction.compute_txid(), staking.compute_txid());
        ensure!(
            found == expected,
            "--psbt is of transaction {found}; must be of {expected}, the delegation's staking transaction"
        );
        let fee = review_psbt(psbt)
            .context("--psbt")?
            .fee
            .context("--psbt: the outputs that its inputs spend are absent, or less than it pays")?;
        let built = BuiltTransaction::finalized(psbt, &transaction, fee).in_version_of(&given);
        let mut built = BuiltTransaction { warnings, ..built }.question_fee(None);
        built.warnings.extend(surplus(&checked.covenant_quorum(signatures)));
        built.print(self.format.form())
    }
}
