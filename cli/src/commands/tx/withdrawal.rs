//! The signing of withdrawals.

use anyhow::Context;
use staking_scripts::{LeafTransaction, WithdrawalTransaction};

use crate::args::spend::{Signer, SpendArgs, returned_signature};
use crate::view::transaction::BuiltTransaction;

/// Returns the withdrawal: signed with the key or the PSBT that is given, or unsigned without either.
pub(super) fn finalize(
    withdrawal: &WithdrawalTransaction,
    spend: &SpendArgs,
) -> anyhow::Result<BuiltTransaction> {
    let (rate, mut given) = (Some(spend.fee_rate), None);
    let (staker, warnings) = match spend.signer.read()? {
        Some(Signer::Key(key)) => (withdrawal.sign_as_staker(&key).context("--secret-key-file")?, Vec::new()),
        Some(Signer::Psbt(signed)) => {
            let found = returned_signature(withdrawal, signed.psbt())?;
            given = Some(signed);
            found
        }
        None => {
            let built = BuiltTransaction::unsigned(withdrawal.psbt(), withdrawal.fee(), withdrawal.vsize());
            return Ok(built.question_fee(rate));
        }
    };
    let transaction = withdrawal.finalize(&staker)?;
    let built = BuiltTransaction::finalized(withdrawal.psbt(), &transaction, withdrawal.fee());
    let built = BuiltTransaction { warnings, ..built }.question_fee(rate);
    Ok(match &given {
        Some(given) => built.in_version_of(given),
        None => built,
    })
}
