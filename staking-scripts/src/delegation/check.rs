//! Checking a stake request against the parameters: every rule, and a list of all that are broken.

use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxOut};

use super::included::ChainRules;
use super::rules::{Part, StakeViolation};
use super::{RunningStake, SignedSlashing, StakeRequest};
use crate::extension::ExtensionTransaction;
use crate::funded::Funded;
use crate::outputs::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::parameters::Parameters;
use crate::relay::MAX_WEIGHT;
use crate::relay::OutputTooSmall;
use crate::slashing::{Slashable, SlashingTerms, SlashingTransaction};
use crate::spend::sum;
use crate::timelock::Timelock;
use crate::unbonding::UnbondingTransaction;

/// A stake request that keeps every rule, with its transactions as the protocol's own. It exists only through [`StakeRequest::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedStake {
    pub(super) staking: Funded<StakingOutput>,
    pub(super) unbonding: UnbondingTransaction,
    pub(super) slashing: SlashingTransaction,
    pub(super) unbonding_slashing: SlashingTransaction,
    pub(super) extension: Option<ExtensionTransaction>,
}

impl AcceptedStake {
    /// The stake, at its place in the staking transaction.
    pub const fn staking(&self) -> &Funded<StakingOutput> {
        &self.staking
    }

    /// The unbonding transaction.
    pub const fn unbonding(&self) -> &UnbondingTransaction {
        &self.unbonding
    }

    /// The slashing transaction of the stake.
    pub const fn slashing(&self) -> &SlashingTransaction {
        &self.slashing
    }

    /// The slashing transaction of the unbonding stake.
    pub const fn unbonding_slashing(&self) -> &SlashingTransaction {
        &self.unbonding_slashing
    }

    /// The extension that the staking transaction is, if it is one.
    pub const fn extension(&self) -> Option<&ExtensionTransaction> {
        self.extension.as_ref()
    }
}

impl StakeRequest {
    /// Checks everything that the committee must make sure of before it signs (and that the secured chain checks again): times, amounts and
    /// keys, every field of the four transactions, the staker's signatures, the proof of possession, and for an extension what binds it to
    /// the running stake.
    ///
    /// `parameters` is the version in force where the stake is registered or included; `previous` the version that the running stake was
    /// made under, for an extension. `chain` is for a request that says where the staking transaction was included; without, the stake is registered
    /// before, and nothing is known of a block.
    ///
    /// # Errors
    /// Every violation, in the order of the request's fields.
    pub fn check(
        &self,
        parameters: &Parameters,
        previous: Option<&Parameters>,
        chain: ChainRules,
    ) -> Result<AcceptedStake, Vec<StakeViolation>> {
        let mut findings = Findings(Vec::new());
        let accepted = self.checked(parameters, previous, &mut findings);
        findings.0.extend(self.check_included(parameters, chain));
        match accepted {
            Some(accepted) if findings.0.is_empty() => Ok(accepted),
            _ => Err(findings.0),
        }
    }

    fn checked(
        &self,
        parameters: &Parameters,
        previous: Option<&Parameters>,
        findings: &mut Findings,
    ) -> Option<AcceptedStake> {
        let times = self.check_bounds(parameters, findings);
        let (claim, proof) = &self.possession;
        findings.note(proof.verify(&self.staker, claim));
        let parties = findings.note(parameters.parties(self.staker, self.staked_to.keys()));
        let ((staking_time, unbonding_time), parties) = (times?, parties?);
        let staking_output = findings.note(StakingOutput::new(parties.clone(), staking_time))?;
        let unbonding_output = findings.note(UnbondingOutput::new(parties, unbonding_time))?;

        // What slashing leaves of the stake, and of the unbonding stake, goes to the same script.
        let refund = findings.note(SlashingRefundOutput::new(self.staker, unbonding_time))?;
        let staking = self.staking(staking_output, findings)?;
        let extension = match (&self.extends, previous) {
            (Some(running), Some(previous)) => self.extension(running, previous, &staking, findings),
            (Some(running), None) => {
                let txid = running.staking_transaction.compute_txid();
                let reason = "the parameters that it was made under are not known".to_owned();
                findings.0.push(StakeViolation::RunningStake { txid, reason });
                None
            }
            (None, _) => None,
        };
        let terms = SlashingTerms { unbonding_time, ..parameters.slashing_terms() };
        let slashing = slashing(Part::Slashing, &self.slashing, &staking, (&terms, &refund), findings);
        let unbonding = self.unbonding(parameters, &staking, unbonding_output, findings)?;
        let unbonding_slashing =
            slashing_of_unbonding(&self.unbonding_slashing, &unbonding, (&terms, &refund), findings);
        Some(AcceptedStake {
            staking,
            unbonding,
            slashing: slashing?,
            unbonding_slashing: unbonding_slashing?,
            extension,
        })
    }

    /// The two times, where they are any.
    fn check_bounds(&self, parameters: &Parameters, findings: &mut Findings) -> Option<(Timelock, Timelock)> {
        let (times, amounts) = (parameters.staking_time(), parameters.staking_amount());
        let staking_time = Timelock::from_blocks(self.staking_time_blocks).ok();
        findings.require(staking_time.is_some_and(|time| times.contains(&time)), || StakeViolation::StakingTime {
            found: self.staking_time_blocks,
            least: times.start().blocks(),
            most: times.end().blocks(),
        });
        findings.require(amounts.contains(&self.staking_amount), || StakeViolation::StakingAmount {
            found: self.staking_amount,
            least: *amounts.start(),
            most: *amounts.end(),
        });
        let unbonding_time = Timelock::from_blocks(self.unbonding_time_blocks).ok();
        findings.require(unbonding_time == Some(parameters.unbonding_time()), || StakeViolation::UnbondingTime {
            found: self.unbonding_time_blocks,
            expected: parameters.unbonding_time().blocks(),
        });
        staking_time.zip(unbonding_time)
    }

    fn staking(&self, output: StakingOutput, findings: &mut Findings) -> Option<Funded<StakingOutput>> {
        let transaction = &self.staking_transaction;
        findings.require(!transaction.is_coinbase(), || StakeViolation::Coinbase);
        let staking = findings.note(Funded::find(output, transaction).map_err(StakeViolation::StakingOutput))?;
        let (found, expected) = (staking.amount(), self.staking_amount);
        findings.require(found == expected, || StakeViolation::StakedAmount { found, expected });
        Some(staking)
    }

    fn extension(
        &self,
        running: &RunningStake,
        previous: &Parameters,
        staking: &Funded<StakingOutput>,
        findings: &mut Findings,
    ) -> Option<ExtensionTransaction> {
        let wrong = |reason: &dyn ToString| StakeViolation::RunningStake {
            txid: running.staking_transaction.compute_txid(),
            reason: reason.to_string(),
        };
        let parties = previous.parties(self.staker, running.staked_to.keys()).map_err(|e| wrong(&e));
        let time = Timelock::from_blocks(running.staking_time_blocks).map_err(|e| wrong(&e));
        let (parties, time) = (findings.note(parties), findings.note(time));
        let output = findings.note(StakingOutput::new(parties?, time?).map_err(|e| wrong(&e)))?;
        let old = findings.note(Funded::find(output, &running.staking_transaction).map_err(|e| wrong(&e)))?;
        let (given, funding) = (&self.staking_transaction, running.funding.clone());
        let extension = ExtensionTransaction::recognise(&old, staking, given, funding);
        findings.note(extension.map_err(StakeViolation::Extension))
    }

    fn unbonding(
        &self,
        parameters: &Parameters,
        staking: &Funded<StakingOutput>,
        output: UnbondingOutput,
        findings: &mut Findings,
    ) -> Option<UnbondingTransaction> {
        let (part, given) = (Part::Unbonding, &self.unbonding_transaction);
        let expected = output.taproot().script_pubkey();
        let fee = parameters.unbonding_fee();
        let before = findings.0.len();
        shape(part, given, staking.outpoint(), &[Version::TWO], &[&expected], findings);
        let found = fee_of(staking.amount(), given);
        findings.require(found == fee, || StakeViolation::UnbondingFee { found, expected: fee });
        dust(part, given, findings);
        if findings.0.len() > before {
            return None;
        }
        let built = UnbondingTransaction::new(staking, output, fee);
        let built =
            findings.note(built.map_err(|error| StakeViolation::Unpayable { part, reason: error.to_string() }))?;
        same(part, built.unsigned(), given, findings).then_some(built)
    }
}

fn slashing_of_unbonding(
    given: &SignedSlashing,
    unbonding: &UnbondingTransaction,
    terms: (&SlashingTerms, &SlashingRefundOutput),
    findings: &mut Findings,
) -> Option<SlashingTransaction> {
    slashing(Part::UnbondingSlashing, given, &unbonding.unbonding_output(), terms, findings)
}

/// A slashing transaction must pay at least the fee of the terms, and slash at least what their rate says.
fn slashing<O: Slashable>(
    part: Part,
    SignedSlashing { transaction: given, staker }: &SignedSlashing,
    source: &Funded<O>,
    (terms, refund): (&SlashingTerms, &SlashingRefundOutput),
    findings: &mut Findings,
) -> Option<SlashingTransaction> {
    let before = findings.0.len();
    let versions = [Version::ONE, Version::TWO];
    shape(part, given, source.outpoint(), &versions, &[&terms.pk_script, &refund.taproot().script_pubkey()], findings);
    let (least, found) = (terms.fee, fee_of(source.amount(), given));
    findings.require(found >= least, || StakeViolation::FeeTooSmall { part, found, least });
    dust(part, given, findings);
    let [slashed, refunded] = given.output.as_slice() else { return None };
    let (found, expected) = (slashed.value, terms.rate.slashed_amount(source.amount()));
    let enough = found >= expected && found > Amount::ZERO;
    findings.require(enough, || StakeViolation::OutputAmount { part, index: 0, found, expected });
    if findings.0.len() > before {
        return None;
    }
    let amounts = [slashed.value, refunded.value];
    let built = SlashingTransaction::laid_out(source, terms, refund.clone(), given.version, amounts);
    let built = findings.note(built.map_err(|error| StakeViolation::Unpayable { part, reason: error.to_string() }))?;
    findings.require(built.verify_staker(staker).is_ok(), || StakeViolation::StakerSignature(part));
    same(part, built.unsigned(), given, findings).then_some(built)
}

/// What holds of every transaction that is signed in advance.
fn shape(
    part: Part,
    given: &Transaction,
    spends: OutPoint,
    versions: &[Version],
    scripts: &[&ScriptBuf],
    findings: &mut Findings,
) {
    findings.require(versions.contains(&given.version), || StakeViolation::Version { part, found: given.version.0 });
    findings.require(given.lock_time.to_consensus_u32() == 0, || StakeViolation::LockTime(part));
    findings.require(given.input.len() == 1, || StakeViolation::Inputs { part, found: given.input.len() });
    if let Some(input) = given.input.first() {
        let (found, expected) = (input.previous_output, spends);
        findings.require(found == expected, || StakeViolation::Spends { part, found, expected });
        let is_final = input.sequence == Sequence::MAX && input.script_sig.is_empty();
        findings.require(is_final, || StakeViolation::Input { part, found: input.sequence });
    }
    let (found, expected) = (given.output.len(), scripts.len());
    findings.require(found == expected, || StakeViolation::Outputs { part, found, expected });
    for (index, (output, expected)) in given.output.iter().zip(scripts).enumerate() {
        findings.require(output.script_pubkey == **expected, || StakeViolation::OutputScript {
            part,
            index,
            found: output.script_pubkey.clone(),
            expected: (*expected).clone(),
        });
    }
    findings.require(given.weight() <= MAX_WEIGHT, || StakeViolation::TooHeavy { part, found: given.weight() });
}

/// What a transaction that spends `spent` leaves; 0 when it pays more than that.
fn fee_of(spent: Amount, given: &Transaction) -> Amount {
    sum(&given.output).and_then(|paid| spent.checked_sub(paid)).unwrap_or(Amount::ZERO)
}

fn dust(part: Part, given: &Transaction, findings: &mut Findings) {
    for output in &given.output {
        let small = |output: &TxOut| OutputTooSmall::check(output);
        findings.note(small(output).map_err(|reason| StakeViolation::Dust { part, reason }));
    }
}

/// The last look: what is about to be signed is what was given, whatever was checked before.
fn same(part: Part, built: &Transaction, given: &Transaction, findings: &mut Findings) -> bool {
    let same = built.compute_txid() == given.compute_txid();
    let reason = || "it differs from what the protocol makes of these terms".to_owned();
    findings.require(same, || StakeViolation::Unpayable { part, reason: reason() });
    same
}

/// Collects what is wrong.
struct Findings(Vec<StakeViolation>);

impl Findings {
    /// The value, or the violation noted.
    fn note<T>(&mut self, result: Result<T, impl Into<StakeViolation>>) -> Option<T> {
        result.map_err(|rule| self.0.push(rule.into())).ok()
    }

    fn require(&mut self, holds: bool, rule: impl FnOnce() -> StakeViolation) {
        if !holds {
            self.0.push(rule());
        }
    }
}
