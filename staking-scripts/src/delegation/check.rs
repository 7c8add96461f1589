//! The check of a delegation against the parameters, which lists every rule that is broken.

use std::collections::BTreeMap;

use bitcoin::Transaction;
use bitcoin::absolute::Height;

use super::build::PresignedTransactions;
use super::checked::{CheckedDelegation, CheckedStake, StakeTransactions};
use super::data::{Delegation, ParametersAt, PreviousStake};
use super::error::DelegationError;
use super::included::ChainRules;
use super::presigned::{self, Findings};
use super::role::StakeTransaction;
use super::rules::StakeViolation;
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::output::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::outputs::parties::Parties;
use crate::outputs::providers::StakedTo;
use crate::outputs::timelock::Timelock;
use crate::parameters::{Parameters, ParametersHistory};
use crate::transactions::extension::{ExtensionError, ExtensionTransaction};
use crate::transactions::funded::Funded;
use crate::transactions::possible::check_possible;
use crate::transactions::slashing::SlashingParameters;

/// The version of the parameters that a delegation is checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// The version in force at this Bitcoin height, which the caller knows: of its own tip. A covenant member
    /// must not use the staker's height: earlier versions have other times and rates, and a stake that ends
    /// soon looks young. Of a stake that is proven to be in a block whose height the anchor tells
    /// ([`ChainRules::anchor`]), the version in force at that block, as for Babylon Genesis.
    At(Height),
    /// The last version.
    Latest,
    /// The version that the delegation names, or was found where it names none
    /// ([`Delegation::parameters`]); for running stakes.
    AsStated,
}

/// The rules that a delegation is checked against.
#[derive(Debug, Clone, Copy)]
pub struct CheckRules<'a> {
    /// All versions of the parameters.
    pub history: &'a ParametersHistory<Parameters>,
    /// The version to check against.
    pub in_force: InForce,
    /// The rules of the two chains of a stake.
    pub chain: ChainRules,
}

impl Delegation {
    /// Checks every rule that the covenant committee must check before it signs (and that the chain checks
    /// again): the parameters version, times, amounts and keys, every field of the four transactions, the
    /// staker's signatures, the proof of possession, and for an extension its relation to the running stake.
    ///
    /// What depends on the chain's state is not checked: that the staking transaction was not registered
    /// before, that providers are known and not slashed, that a running stake is active and of the same
    /// account, and that an extension's funding coin is not a stake.
    ///
    /// # Errors
    /// Every [`StakeViolation`]. A rule that depends on another broken one is not checked: without valid keys
    /// and times there is no staking output to look for.
    pub fn check(&self, rules: &CheckRules<'_>) -> Result<CheckedDelegation, Vec<StakeViolation>> {
        self.check_in_force(rules, self.proof_is_present())
    }

    /// Checks as [`check`](Self::check) does, and takes a delegation without a proof of possession: of a
    /// stake that Babylon Genesis has registered, and so has seen the proof. A proof that is there must be
    /// valid.
    ///
    /// # Errors
    /// Every [`StakeViolation`].
    pub fn check_stake(&self, rules: &CheckRules<'_>) -> Result<CheckedStake, Vec<StakeViolation>> {
        self.check_in_force(rules, None).map(|CheckedDelegation(stake)| stake)
    }

    /// Checks as [`check`](Self::check) does, of a stake that the caller has from a node of Babylon Genesis
    /// that it trusts: the chain has verified the proof of possession, and no node has it any more.
    ///
    /// # Errors
    /// Every [`StakeViolation`].
    pub fn check_registered(&self, rules: &CheckRules<'_>) -> Result<CheckedDelegation, Vec<StakeViolation>> {
        self.check_in_force(rules, None)
    }

    fn proof_is_present(&self) -> Option<StakeViolation> {
        self.proof_of_possession.is_none().then_some(StakeViolation::Absent("proof_of_possession"))
    }

    /// Checks under the parameters in force; `unproven` is broken beside.
    fn check_in_force(
        &self,
        rules: &CheckRules<'_>,
        unproven: Option<StakeViolation>,
    ) -> Result<CheckedDelegation, Vec<StakeViolation>> {
        // The version to check against; `None` for the one that the delegation names.
        let expected = match rules.in_force {
            InForce::At(tip) => {
                let height = self.proven_height(rules.chain).map_or(tip, |included| included.min(tip));
                Some(rules.history.in_force(height).map(|(number, _)| number))
            }
            InForce::Latest => Some(Ok(rules.history.iter().len().saturating_sub(1))),
            InForce::AsStated => None,
        };
        let in_force = match (self.parameters, &expected) {
            (ParametersAt::Unstated, Some(Ok(number))) => rules.history.get(*number).map(|it| (*number, it)),
            _ => None,
        };
        let stated = in_force.map_or_else(|| self.parameters(rules.history), Ok);
        let (found, parameters) = stated.map_err(|error| vec![unresolved(error)])?;
        let version = match expected {
            Some(Err(error)) => Some(StakeViolation::NotInForce(error)),
            Some(Ok(expected)) if found != expected => {
                Some(StakeViolation::ParametersVersion { found, expected })
            }
            _ => None,
        };
        let previous = self.previous_parameters(rules.history);
        let tip = match rules.in_force {
            InForce::At(height) => Some(height),
            InForce::Latest | InForce::AsStated => None,
        };
        let broken = version.into_iter().chain(unproven).collect();
        self.every_rule(parameters, previous, (rules.chain, tip), broken)
    }

    /// Checks as [`check`](Self::check) does, under parameters that the caller knows to be in force at the
    /// stake's registration or inclusion. `previous` is the version that the running stake was made under,
    /// for an extension.
    ///
    /// # Errors
    /// Every [`StakeViolation`].
    pub fn check_under(
        &self,
        parameters: &Parameters,
        previous: Option<&Parameters>,
        chain: ChainRules,
    ) -> Result<CheckedDelegation, Vec<StakeViolation>> {
        self.every_rule(parameters, previous, (chain, None), self.proof_is_present().into_iter().collect())
    }

    /// Checks every rule but the presence of a proof of possession; `broken` are broken already, and the tip
    /// is the caller's own.
    fn every_rule(
        &self,
        parameters: &Parameters,
        previous: Option<&Parameters>,
        (chain, tip): (ChainRules, Option<Height>),
        broken: Vec<StakeViolation>,
    ) -> Result<CheckedDelegation, Vec<StakeViolation>> {
        let mut findings = Findings(broken);
        self.check_stake_kind(chain, &mut findings);
        let checked = self.checked(parameters, previous, &mut findings);
        findings.0.extend(self.check_included(parameters, chain, tip));
        match checked {
            Some(checked) if findings.0.is_empty() => Ok(CheckedDelegation(checked)),
            _ => Err(findings.each_once()),
        }
    }

    fn checked(
        &self,
        parameters: &Parameters,
        previous: Option<&Parameters>,
        findings: &mut Findings,
    ) -> Option<CheckedStake> {
        let times = self.check_bounds(parameters, findings);
        if let Some((message, proof)) = &self.proof_of_possession {
            let proven = proof.verify(&self.staker, message);
            findings.note(proven.map_err(StakeViolation::Possession));
        }
        self.check_staking_transaction(findings);
        let unbonding_given = findings.present("unbonding_transaction", self.unbonding_transaction.as_ref());
        let slashing_given = findings.present("slashing_transaction", self.slashing.as_ref());
        let later_given =
            findings.present("unbonding_slashing_transaction", self.unbonding_slashing.as_ref());
        // These checks need no other part of the delegation.
        let mut form = |part, given: Option<&Transaction>| {
            given.is_some_and(|given| presigned::form(part, given, findings))
        };
        let slashing_form = form(StakeTransaction::Slashing, slashing_given.map(|given| &given.transaction));
        let unbonding_form = form(StakeTransaction::Unbonding, unbonding_given);
        let later_form =
            form(StakeTransaction::UnbondingSlashing, later_given.map(|given| &given.transaction));
        let parties = findings.note(parameters.parties(self.staker, self.staked_to.keys()));
        let ((staking_time, unbonding_time), parties) = (times?, parties?);
        let staking_output = findings.note(StakingOutput::new(parties.clone(), staking_time))?;
        let unbonding_output = findings.note(UnbondingOutput::new(parties, unbonding_time))?;
        // Both slashing transactions pay to the same slashing refund output.
        let refund = findings.note(SlashingRefundOutput::new(self.staker, unbonding_time))?;
        let slashing = SlashingParameters { unbonding_time, ..parameters.slashing_parameters() };

        let staking = self.staking(staking_output, findings)?;
        let extension = self.extension(previous.map(Parameters::covenant), &staking, findings);
        let (rules, part) = ((&slashing, &refund), StakeTransaction::Slashing);
        let slashing = slashing_given
            .and_then(|given| presigned::slashing(part, given, &staking, rules, slashing_form, findings));
        // The slashing of an unbonding transaction is checked even when that one breaks rules.
        let pending =
            unbonding_given.and_then(|given| presigned::given_unbonding(given, unbonding_output.clone()));
        let fee = parameters.unbonding_fee();
        let unbonding = unbonding_given.and_then(|given| {
            presigned::unbonding(given, &staking, unbonding_output, fee, unbonding_form, findings)
        });
        let part = StakeTransaction::UnbondingSlashing;
        let later = later_given.zip(pending);
        let unbonding_slashing = later.and_then(|(given, source)| {
            presigned::slashing(part, given, &source, rules, later_form, findings)
        });
        let presigned = PresignedTransactions {
            unbonding: unbonding?,
            slashing: slashing?,
            unbonding_slashing: unbonding_slashing?,
        };
        Some(CheckedStake(StakeTransactions { staking, presigned, extension }))
    }

    /// Checks times and amount, and returns the staking time and the unbonding time where they are valid
    /// timelocks.
    fn check_bounds(&self, parameters: &Parameters, findings: &mut Findings) -> Option<(Timelock, Timelock)> {
        let (times, amounts) = (parameters.staking_time(), parameters.staking_amount());
        let staking_time = Timelock::from_blocks(self.staking_time_blocks).ok();
        findings.require(staking_time.is_some_and(|time| times.contains(&time)), || {
            StakeViolation::StakingTime {
                found: self.staking_time_blocks,
                least: times.start().blocks(),
                most: times.end().blocks(),
            }
        });
        findings.require(amounts.contains(&self.staking_amount), || StakeViolation::StakingAmount {
            found: self.staking_amount,
            least: *amounts.start(),
            most: *amounts.end(),
        });
        let unbonding_time = Timelock::from_blocks(self.unbonding_time_blocks).ok();
        findings.require(unbonding_time == Some(parameters.unbonding_time()), || {
            StakeViolation::UnbondingTime {
                found: self.unbonding_time_blocks,
                expected: parameters.unbonding_time().blocks(),
            }
        });
        staking_time.zip(unbonding_time)
    }

    /// Checks the kind of stake: for Babylon Genesis one finality provider and a proof of possession without
    /// signing context, for consumer chains one for each and a proof with the chain's signing context.
    fn check_stake_kind(&self, chain: ChainRules, findings: &mut Findings) {
        let expected = chain.signing_context;
        if let Some((message, _)) = &self.proof_of_possession {
            let found = *message.context();
            findings.require(found == expected, || StakeViolation::SigningContext { found, expected });
        }
        let on_genesis = matches!(self.staked_to, StakedTo::Genesis(_));
        findings.require(on_genesis == expected.is_genesis(), || StakeViolation::StakeKind {
            genesis: expected.is_genesis(),
        });
    }

    /// Checks that a block can include the staking transaction.
    fn check_staking_transaction(&self, findings: &mut Findings) {
        let transaction = &self.staking_transaction;
        findings.require(!transaction.is_coinbase(), || StakeViolation::Coinbase);
        findings.note(check_possible(transaction).map_err(StakeViolation::Impossible));
    }

    fn staking(&self, output: StakingOutput, findings: &mut Findings) -> Option<Funded<StakingOutput>> {
        let found = Funded::find_holding(output, &self.staking_transaction, self.staking_amount);
        let staking = findings.note(found.map_err(StakeViolation::StakingOutput))?;
        let (found, expected) = (staking.amount(), self.staking_amount);
        findings.require(found == expected, || StakeViolation::StakedAmount { found, expected });
        Some(staking)
    }

    fn extension(
        &self,
        previous: Option<&CovenantCommittee>,
        staking: &Funded<StakingOutput>,
        findings: &mut Findings,
    ) -> Option<ExtensionTransaction> {
        let running = self.extends.as_ref()?;
        let txid = running.txid;
        let stake = findings.note(running.stake.as_ref().ok_or(StakeViolation::RunningStakeAbsent(txid)))?;
        let previous = findings.note(previous.ok_or(StakeViolation::RunningStakeParameters(txid)))?;
        findings.note(self.keeps_providers(stake));
        let wrong = |cause| StakeViolation::RunningStakeParties(txid, cause);
        let parties = Parties::new(self.staker, stake.staked_to.keys(), previous.clone()).map_err(wrong);
        let time = Timelock::from_blocks(stake.staking_time_blocks);
        let time = time.map_err(|cause| StakeViolation::RunningStakeTime(txid, cause));
        let (parties, time) = (findings.note(parties), findings.note(time));
        let output = findings.note(StakingOutput::new(parties?, time?).map_err(wrong))?;
        let old = stake.find(output).map_err(|cause| StakeViolation::RunningStakeOutput(txid, cause));
        let old = findings.note(old)?;
        let (given, funding) = (&self.staking_transaction, running.funding.clone());
        let extension = ExtensionTransaction::recognise(&old, staking, given, funding);
        findings.note(extension.map_err(StakeViolation::Extension))
    }

    /// Returns the extension, where the staking transaction is one and enough is known of the running stake.
    pub(super) fn known_extension(
        &self,
        previous: Option<&CovenantCommittee>,
        staking: &Funded<StakingOutput>,
    ) -> Option<ExtensionTransaction> {
        self.extension(previous, staking, &mut Findings::default())
    }

    /// Refuses a finality provider that is moved to another chain, and the other kind of stake.
    fn keeps_providers(&self, running: &PreviousStake) -> Result<(), StakeViolation> {
        let (StakedTo::Consumers(old), StakedTo::Consumers(new)) = (&running.staked_to, &self.staked_to)
        else {
            // The one key of a stake for Babylon Genesis is compared with the parties.
            let same =
                matches!((&running.staked_to, &self.staked_to), (StakedTo::Genesis(_), StakedTo::Genesis(_)));
            return if same { Ok(()) } else { Err(StakeViolation::OtherStakeKind) };
        };
        let chains: BTreeMap<_, _> = new.iter().map(|(chain, key)| (key, chain)).collect();
        let moved = old.iter().find(|(chain, key)| chains.get(key).is_some_and(|other| other != chain));
        match moved {
            Some((_, key)) => Err(StakeViolation::Extension(ExtensionError::ProviderMoved(*key))),
            None => Ok(()),
        }
    }
}

/// Returns the rule that a delegation breaks whose parameters version is not known.
fn unresolved(error: DelegationError) -> StakeViolation {
    match error {
        DelegationError::NotInForce(error) => StakeViolation::StatedNotInForce(error),
        DelegationError::NoSuchVersion { version, last } => StakeViolation::NoSuchVersion { version, last },
        // A history has a version, so that one is found for a delegation that names none.
        _ => StakeViolation::NoSuchVersion { version: 0, last: 0 },
    }
}
