//! A transaction that somebody has seen, under parameters: what it breaks, as far as it tells by itself.

use bitcoin::{Amount, Transaction};

use super::advance::{self, Findings};
use super::rules::{Part, StakeViolation};
use crate::explain::{Explanation, TransactionKind};
use crate::leaf::{LeafKeys, Path};
use crate::outputs::SlashingRefundOutput;
use crate::parameters::Parameters;
use crate::spend::sum;

impl Explanation {
    /// The rules that a transaction breaks under these parameters: those of the form of what is signed in advance, the committee that its leaves
    /// name, where slashing pays to, and the times it waits for. With `held`, what all of its inputs hold, fees and what is slashed too.
    ///
    /// What a leaf does not reveal is not looked at: an unbonding does not name its finality providers, so that its output cannot be told. Nothing
    /// is said of a transaction of no kind, or of a stake that announces itself but for its time.
    pub fn violations(
        &self,
        transaction: &Transaction,
        held: Option<Amount>,
        parameters: &Parameters,
    ) -> Vec<StakeViolation> {
        let mut findings = Findings::default();
        for leaf in self.spent.iter().map(|spent| &spent.keys) {
            committee(leaf, parameters, &mut findings);
            if let LeafKeys::Timelock { timelock, .. } = leaf {
                let known = *timelock == parameters.unbonding_time() || parameters.staking_time().contains(timelock);
                findings.require(known, || StakeViolation::Timelock { found: timelock.blocks() });
            }
        }
        if let Some(said) = &self.announcement {
            let times = parameters.staking_time();
            findings.require(times.contains(&said.staking_time), || StakeViolation::StakingTime {
                found: said.staking_time.blocks().into(),
                least: times.start().blocks(),
                most: times.end().blocks(),
            });
        }
        let fee = held.and_then(|held| held.checked_sub(sum(&transaction.output)?));
        let first = self.spent.first().map(|spent| &spent.keys);
        match (self.kind, first) {
            (TransactionKind::Unbonding, _) => {
                advance::form(Part::Unbonding, transaction, &mut findings);
                let expected = parameters.unbonding_fee();
                let found = fee.filter(|found| *found != expected);
                findings.0.extend(found.map(|found| StakeViolation::UnbondingFee { found, expected }));
            }
            (TransactionKind::Slashing, Some(leaf)) => {
                slashing(transaction, leaf, held.zip(fee), parameters, &mut findings);
            }
            _ => {}
        }
        findings.0
    }
}

fn committee(leaf: &LeafKeys, parameters: &Parameters, findings: &mut Findings) {
    let (members, quorum) = leaf.covenant();
    let known = parameters.covenant();
    let same = quorum == known.quorum()
        && members.len() == known.members().len()
        && members.iter().all(|member| known.contains(member));
    findings.require(leaf.path() == Path::Timelock || same, || StakeViolation::Committee);
}

fn slashing(
    transaction: &Transaction,
    leaf: &LeafKeys,
    amounts: Option<(Amount, Amount)>,
    parameters: &Parameters,
    findings: &mut Findings,
) {
    let part = Part::Slashing;
    advance::form(part, transaction, findings);
    let Some(refund) = findings.note(SlashingRefundOutput::new(*leaf.staker(), parameters.unbonding_time())) else {
        return;
    };
    let scripts = [parameters.slashing_pk_script().clone(), refund.taproot().script_pubkey()];
    advance::scripts(part, transaction, &scripts.each_ref(), findings);
    if let (Some((held, fee)), Some(slashed)) = (amounts, transaction.output.first()) {
        let least = parameters.min_slashing_fee();
        findings.require(fee >= least, || StakeViolation::FeeTooSmall { part, found: fee, least });
        let (found, expected) = (slashed.value, parameters.slashing_rate().slashed_amount(held));
        findings.require(found >= expected, || StakeViolation::OutputAmount { part, index: 0, found, expected });
    }
}
