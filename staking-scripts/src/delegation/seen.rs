//! The rules of parameters that a transaction breaks by itself, without its delegation.

use bitcoin::{Amount, Transaction};

use super::presigned::{self, Findings};
use super::role::StakeTransaction;
use super::rules::StakeViolation;
use crate::explain::{Explanation, TransactionKind};
use crate::outputs::descriptor::ProtocolOutput;
use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::outputs::output::SlashingRefundOutput;
use crate::outputs::timelock::Timelock;
use crate::parameters::{CommonParameters, Parameters};
use crate::transactions::sighash::sum;

/// Returns the rules that a transaction breaks under these parameters, of either form, by itself: the form of
/// pre-signed transactions, the committee of the leaves, the scripts of slashing, and the timelocks. With
/// `held`, the sum of its inputs, fees and slashed amounts too.
///
/// What a leaf does not reveal is not checked: an unbonding transaction does not reveal its finality
/// providers, so its output is not known. A transaction of unknown kind is not checked; a phase-1 stake is by
/// [`Phase1Stake::find`](crate::phase1::Phase1Stake::find), and of its OP_RETURN data only the staking time
/// is here. Parameters of phase 1 have no rules of slashing.
pub fn broken_rules<'a>(
    explanation: &Explanation,
    transaction: &Transaction,
    held: Option<Amount>,
    parameters: impl Into<CommonParameters<'a>>,
) -> Vec<StakeViolation> {
    let (parameters, mut findings) = (&parameters.into(), Findings::default());
    for leaf in explanation.spent.iter().map(|spent| &spent.keys) {
        committee(leaf, parameters, &mut findings);
        if let LeafKeys::Timelock { timelock, .. } = leaf {
            let known = *timelock == parameters.unbonding_time || parameters.staking_time.contains(timelock);
            findings.require(known, || StakeViolation::Timelock { found: timelock.blocks() });
        }
    }
    if let Some(said) = explanation.op_return.as_ref().filter(|_| explanation.outputs.is_empty()) {
        staking_time(said.staking_time, parameters, &mut findings);
    }
    for paid in &explanation.outputs {
        let amount = transaction.output.get(paid.index).map(|out| out.value);
        output(&paid.output, amount, parameters, &mut findings);
    }
    let fee = held.and_then(|held| held.checked_sub(sum(&transaction.output)?));
    let first = explanation.spent.first().map(|spent| &spent.keys);
    match (explanation.kind, first) {
        (TransactionKind::Unbonding, _) => {
            presigned::form(StakeTransaction::Unbonding, transaction, &mut findings);
            let expected = parameters.unbonding_fee;
            let found = fee.filter(|found| *found != expected);
            findings.0.extend(found.map(|found| StakeViolation::UnbondingFee { found, expected }));
        }
        (TransactionKind::Slashing, Some(leaf)) => {
            if let Some(genesis) = parameters.genesis {
                slashing(transaction, leaf, held.zip(fee), genesis, &mut findings);
            }
        }
        _ => {}
    }
    findings.0
}

/// Checks an output that is recognised.
fn output(
    paid: &ProtocolOutput,
    amount: Option<Amount>,
    parameters: &CommonParameters<'_>,
    findings: &mut Findings,
) {
    if let ProtocolOutput::Staking(output) = paid {
        staking_time(output.staking_time(), parameters, findings);
        let amounts = parameters.staking_amount;
        if let Some(found) = amount.filter(|amount| !amounts.contains(amount)) {
            findings.0.push(StakeViolation::StakingAmount {
                found,
                least: *amounts.start(),
                most: *amounts.end(),
            });
        }
    } else {
        let (found, expected) = (paid.timelock(), parameters.unbonding_time);
        findings.require(found == expected, || StakeViolation::UnbondingTime {
            found: found.blocks().into(),
            expected: expected.blocks(),
        });
    }
    let named = findings.0.contains(&StakeViolation::Committee);
    if let Some(leaf) = paid.taproot().leaf(SpendPath::Slashing).filter(|_| !named) {
        committee(&leaf.keys, parameters, findings);
    }
}

fn staking_time(found: Timelock, parameters: &CommonParameters<'_>, findings: &mut Findings) {
    let times = parameters.staking_time;
    findings.require(times.contains(&found), || StakeViolation::StakingTime {
        found: found.blocks().into(),
        least: times.start().blocks(),
        most: times.end().blocks(),
    });
}

fn committee(leaf: &LeafKeys, parameters: &CommonParameters<'_>, findings: &mut Findings) {
    let (members, quorum) = leaf.covenant();
    let known = parameters.covenant;
    let same = quorum == known.quorum()
        && members.len() == known.members().len()
        && members.iter().all(|member| known.contains(member));
    findings.require(leaf.path() == SpendPath::Timelock || same, || StakeViolation::Committee);
}

fn slashing(
    transaction: &Transaction,
    leaf: &LeafKeys,
    amounts: Option<(Amount, Amount)>,
    parameters: &Parameters,
    findings: &mut Findings,
) {
    let part = StakeTransaction::Slashing;
    presigned::form(part, transaction, findings);
    let Some(refund) = findings.note(SlashingRefundOutput::new(*leaf.staker(), parameters.unbonding_time()))
    else {
        return;
    };
    let scripts = [parameters.slashing_pk_script().clone(), refund.taproot().script_pubkey()];
    presigned::scripts(part, transaction, &scripts.each_ref(), findings);
    if let (Some((held, fee)), Some(slashed)) = (amounts, transaction.output.first()) {
        let least = parameters.min_slashing_fee();
        findings.require(fee >= least, || StakeViolation::FeeTooSmall { part, found: fee, least });
        let (found, expected) = (slashed.value, parameters.slashing_rate().slashed_amount(held));
        findings.require(found >= expected, || StakeViolation::OutputAmount {
            part,
            index: 0,
            found,
            expected,
        });
    }
}
