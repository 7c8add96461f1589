//! The signing of withdrawals.

use anyhow::Context;
use staking_scripts::{LeafTransaction, WithdrawalTransaction};

use crate::args::spend::{Signer, SpendArgs};
use crate::view::transaction::BuiltTransaction;

/// Returns the withdrawal: signed with the key or the PSBT that is given, or unsigned without either.
pub(super) fn finalize(
    withdrawal: &WithdrawalTransaction,
    spend: &SpendArgs,
) -> anyhow::Result<BuiltTransaction> {
    let rate = Some(spend.fee_rate);
    let staker = match spend.signer.read()? {
        Some(Signer::Key(key)) => withdrawal.sign_as_staker(&key).context("--secret-key-file")?,
        Some(Signer::Psbt(signed)) => {
            let staker = withdrawal.signatures(&signed).context("--signed")?.staker;
            staker.context("--signed has no signature of the staker")?
        }
        None => {
            let built = BuiltTransaction::unsigned(withdrawal.psbt(), withdrawal.fee(), withdrawal.vsize());
            return Ok(built.question_fee(rate));
        }
    };
    let transaction = withdrawal.finalize(&staker)?;
    let built = BuiltTransaction::finalized(withdrawal.psbt(), &transaction, withdrawal.fee());
    Ok(built.question_fee(rate))
}
