//! The check of the pre-signed transactions against those that the protocol builds for the stake.

use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction};

use super::build::PresignedTransactions;
use super::data::PresignedSlashing;
use super::error::{DelegationError, field};
use super::role::StakeTransaction;
use super::rules::StakeViolation;
use crate::outputs::leaf::SpendPath;
use crate::outputs::output::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::outputs::relay::{MAX_WEIGHT, UnsafeOutput};
use crate::parameters::Parameters;
use crate::transactions::funded::{Funded, HasTaproot};
use crate::transactions::leaf_transaction::LeafTransaction as _;
use crate::transactions::sighash::{leaf_sighash, sum};
use crate::transactions::slashing::{Slashable, SlashingParameters, SlashingTransaction, VERSIONS};
use crate::transactions::unbonding::UnbondingTransaction;

/// The rules that a delegation or a transaction breaks.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<StakeViolation>);

impl Findings {
    /// Returns the value, or records the violation.
    pub(super) fn note<T>(&mut self, result: Result<T, impl Into<StakeViolation>>) -> Option<T> {
        result.map_err(|rule| self.0.push(rule.into())).ok()
    }

    pub(super) fn require(&mut self, holds: bool, rule: impl FnOnce() -> StakeViolation) {
        if !holds {
            self.0.push(rule());
        }
    }

    /// Returns the part that is given, or records its absence.
    pub(super) fn present<T>(&mut self, name: &'static str, given: Option<T>) -> Option<T> {
        if given.is_none() {
            self.0.push(StakeViolation::Absent(name));
        }
        given
    }

    /// Returns the violations, each once: both slashing transactions may lack the same part.
    pub(super) fn each_once(self) -> Vec<StakeViolation> {
        let mut once: Vec<StakeViolation> = Vec::with_capacity(self.0.len());
        for found in self.0 {
            if !once.contains(&found) {
                once.push(found);
            }
        }
        once
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

/// Returns the versions and the number of outputs that a pre-signed transaction may have.
const fn shape(part: StakeTransaction) -> (&'static [Version], usize) {
    match part {
        StakeTransaction::Slashing | StakeTransaction::UnbondingSlashing => (&VERSIONS, 2),
        StakeTransaction::Staking | StakeTransaction::Unbonding => (&[Version::TWO], 1),
    }
}

/// Checks the form of a pre-signed transaction, whatever it spends and pays. Returns whether it is right.
pub(super) fn form(part: StakeTransaction, given: &Transaction, findings: &mut Findings) -> bool {
    let (before, (versions, expected)) = (findings.count(), shape(part));
    findings.require(versions.contains(&given.version), || StakeViolation::Version {
        part,
        found: given.version.0,
    });
    findings.require(given.lock_time.to_consensus_u32() == 0, || StakeViolation::LockTime(part));
    findings.require(given.input.len() == 1, || StakeViolation::Inputs { part, found: given.input.len() });
    if let Some(input) = given.input.first() {
        let is_final = input.sequence == Sequence::MAX && input.script_sig.is_empty();
        findings.require(is_final, || StakeViolation::Input { part, found: input.sequence });
    }
    let found = given.output.len();
    findings.require(found == expected, || StakeViolation::Outputs { part, found, expected });
    for output in &given.output {
        findings
            .note(UnsafeOutput::check_amount(output).map_err(|reason| StakeViolation::Dust { part, reason }));
    }
    findings
        .require(given.weight() <= MAX_WEIGHT, || StakeViolation::TooHeavy { part, found: given.weight() });
    findings.count() == before
}

/// Checks the outpoint that it spends, and the scripts that it pays to.
fn place(
    part: StakeTransaction,
    given: &Transaction,
    spends: OutPoint,
    scripts: &[&ScriptBuf],
    findings: &mut Findings,
) {
    if let Some(input) = given.input.first() {
        let (found, expected) = (input.previous_output, spends);
        findings.require(found == expected, || StakeViolation::Spends { part, found, expected });
    }
    self::scripts(part, given, scripts, findings);
}

/// Checks the scripts that it pays to.
pub(super) fn scripts(
    part: StakeTransaction,
    given: &Transaction,
    scripts: &[&ScriptBuf],
    findings: &mut Findings,
) {
    for (index, (output, expected)) in given.output.iter().zip(scripts).enumerate() {
        findings.require(output.script_pubkey == **expected, || StakeViolation::OutputScript {
            part,
            index,
            found: output.script_pubkey.clone(),
            expected: (*expected).clone(),
        });
    }
}

/// Checks the unbonding transaction, and returns it where it is exactly the protocol's. `in_form` is the
/// result of [`form`].
pub(super) fn unbonding(
    given: &Transaction,
    staking: &Funded<StakingOutput>,
    output: UnbondingOutput,
    fee: Amount,
    in_form: bool,
    findings: &mut Findings,
) -> Option<UnbondingTransaction> {
    let (part, before) = (StakeTransaction::Unbonding, findings.count());
    place(part, given, staking.outpoint(), &[&output.taproot().script_pubkey()], findings);
    let found = fee_of(staking.amount(), given);
    findings.require(found == fee, || StakeViolation::UnbondingFee { found, expected: fee });
    if !in_form || findings.count() > before {
        return None;
    }
    let built = UnbondingTransaction::new(staking, output, fee);
    let built = findings.note(built.map_err(|reason| StakeViolation::Unpayable { part, reason }))?;
    same(part, built.unsigned(), given, findings).then_some(built)
}

/// Returns the unbonding output with the outpoint and amount of the unbonding transaction given, right or
/// wrong; `None` when that has no output.
pub(super) fn given_unbonding(
    given: &Transaction,
    output: UnbondingOutput,
) -> Option<Funded<UnbondingOutput>> {
    let amount = given.output.first()?.value;
    Some(Funded::new(output, OutPoint::new(given.compute_txid(), 0), amount))
}

/// Checks a slashing transaction and the staker's signature, and returns it where it is exactly the
/// protocol's. `in_form` is the result of [`form`].
pub(super) fn slashing<O: Slashable>(
    part: StakeTransaction,
    given: &PresignedSlashing,
    source: &Funded<O>,
    rules: (&SlashingParameters, &SlashingRefundOutput),
    in_form: bool,
    findings: &mut Findings,
) -> Option<SlashingTransaction> {
    let before = findings.count();
    let built = unsigned_slashing(part, &given.transaction, source, rules, in_form, findings);
    let signed = given.staker_signature.as_ref();
    let signed = signed.map(|signature| is_signed(&given.transaction, source, signature));
    findings.require(signed.is_some(), || StakeViolation::Absent("staker_signatures"));
    findings.require(signed != Some(false), || StakeViolation::StakerSignature(part));
    built.filter(|_| findings.count() == before)
}

/// Checks a slashing transaction without its signature. It must pay at least the lowest fee, and slash at
/// least the slashing rate.
fn unsigned_slashing<O: Slashable>(
    part: StakeTransaction,
    given: &Transaction,
    source: &Funded<O>,
    (slashing, refund): (&SlashingParameters, &SlashingRefundOutput),
    in_form: bool,
    findings: &mut Findings,
) -> Option<SlashingTransaction> {
    let before = findings.count();
    place(
        part,
        given,
        source.outpoint(),
        &[&slashing.pk_script, &refund.taproot().script_pubkey()],
        findings,
    );
    let destination = UnsafeOutput::check_slashing_script(&slashing.pk_script);
    findings.note(destination.map_err(StakeViolation::SlashingDestination));
    let (least, found) = (slashing.fee, fee_of(source.amount(), given));
    findings.require(found >= least, || StakeViolation::FeeTooSmall { part, found, least });
    if let Some(slashed) = given.output.first() {
        let (found, expected) = (slashed.value, slashing.rate.slashed_amount(source.amount()));
        let enough = found >= expected && found > Amount::ZERO;
        findings.require(enough, || StakeViolation::OutputAmount { part, index: 0, found, expected });
    }
    if !in_form || findings.count() > before {
        return None;
    }
    let [slashed, refunded] = given.output.as_slice() else { return None };
    let built =
        SlashingTransaction::laid_out(source, refund.clone(), given.version, slashed.clone(), refunded.value);
    let built = findings.note(built.map_err(|reason| StakeViolation::Unpayable { part, reason }))?;
    same(part, built.unsigned(), given, findings).then_some(built)
}

/// The pre-signed transactions as a delegation has them.
pub(super) struct Given<'a> {
    pub(super) unbonding: &'a Transaction,
    pub(super) slashing: &'a Transaction,
    pub(super) unbonding_slashing: &'a Transaction,
}

impl Given<'_> {
    /// Returns the transactions as they are, where they keep every rule of the parameters that concerns them,
    /// whoever built them.
    pub(super) fn check(
        &self,
        staking: &Funded<StakingOutput>,
        parameters: &Parameters,
    ) -> Result<PresignedTransactions, DelegationError> {
        let (parties, rules) = (staking.output().parties(), parameters.slashing_parameters());
        let output = UnbondingOutput::new(parties.clone(), rules.unbonding_time);
        let output = field("finality_providers", output)?;
        let refund = SlashingRefundOutput::new(*parties.staker(), rules.unbonding_time);
        let rules = (&rules, &field("unbonding_time_blocks", refund)?);
        let mut findings = Findings::default();
        let found = self.find(staking, output, parameters.unbonding_fee(), rules, &mut findings);
        found.ok_or_else(|| DelegationError::Broken(findings.each_once()))
    }

    fn find(
        &self,
        staking: &Funded<StakingOutput>,
        output: UnbondingOutput,
        fee: Amount,
        rules: (&SlashingParameters, &SlashingRefundOutput),
        findings: &mut Findings,
    ) -> Option<PresignedTransactions> {
        use StakeTransaction::{Slashing, Unbonding, UnbondingSlashing};
        let in_form = form(Unbonding, self.unbonding, findings);
        let pending = given_unbonding(self.unbonding, output.clone());
        let unbonding = unbonding(self.unbonding, staking, output, fee, in_form, findings);
        let in_form = form(Slashing, self.slashing, findings);
        let slashing = unsigned_slashing(Slashing, self.slashing, staking, rules, in_form, findings);
        let in_form = form(UnbondingSlashing, self.unbonding_slashing, findings);
        let unbonding_slashing = pending.and_then(|source| {
            let given = self.unbonding_slashing;
            unsigned_slashing(UnbondingSlashing, given, &source, rules, in_form, findings)
        });
        Some(PresignedTransactions {
            unbonding: unbonding?,
            slashing: slashing?,
            unbonding_slashing: unbonding_slashing?,
        })
    }
}

/// Returns whether the staker's signature verifies over the transaction given, which spends `source`.
fn is_signed<O: HasTaproot>(
    given: &Transaction,
    source: &Funded<O>,
    signature: &bitcoin::secp256k1::schnorr::Signature,
) -> bool {
    let Some(leaf) = source.output().taproot().leaf(SpendPath::Slashing) else { return false };
    let sighash = leaf_sighash(given, &[source.tx_out()], 0, leaf.hash());
    let verifies = |sighash| SECP256K1.verify_schnorr(signature, &Message::from(sighash), leaf.keys.staker());
    sighash.is_some_and(|sighash| verifies(sighash).is_ok())
}

/// Returns the fee of a transaction that spends `spent`; 0 when it pays more than that.
fn fee_of(spent: Amount, given: &Transaction) -> Amount {
    sum(&given.output).and_then(|paid| spent.checked_sub(paid)).unwrap_or(Amount::ZERO)
}

/// Checks that the transaction to be signed is the one given, whatever was checked before.
fn same(part: StakeTransaction, built: &Transaction, given: &Transaction, findings: &mut Findings) -> bool {
    let same = built.compute_txid() == given.compute_txid();
    findings.require(same, || StakeViolation::Differs(part));
    same
}
