//! Checking a stake request against the parameters: every rule, and a list of all that are broken.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Amount, Transaction};

use super::advance::{self, Findings};
use super::included::ChainRules;
use super::rules::{Part, StakeViolation};
use super::{RunningStake, StakeRequest};
use crate::outputs::providers::StakedTo;
use crate::outputs::timelock::Timelock;
use crate::outputs::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::parameters::Parameters;
use crate::transactions::extension::{ExtensionError, ExtensionTransaction};
use crate::transactions::funded::Funded;
use crate::transactions::slashing::{SlashingTerms, SlashingTransaction};
use crate::transactions::spend::sum;
use crate::transactions::unbonding::UnbondingTransaction;

/// A stake request that keeps every rule, with its transactions as the protocol's own. It exists only through
/// [`StakeRequest::check`].
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
    /// Checks everything that the committee must make sure of before it signs (and that the secured chain
    /// checks again): times, amounts and keys, every field of the four transactions, the staker's signatures,
    /// the proof of possession, and for an extension what binds it to the running stake.
    ///
    /// `parameters` is the version in force where the stake is registered or included, which is the caller's
    /// to know: a staker that names it could choose one of old. `previous` is the version that the running
    /// stake was made under, for an extension. `chain` says which dialect the secured chain speaks, and is
    /// for a request that says where the staking transaction was included; without, the stake is registered
    /// before, and nothing is known of a block.
    ///
    /// What only the secured chain's state tells is not checked: that the staking transaction was not
    /// registered before, that providers are known and not slashed, that a running stake is active and of the
    /// same account, and that an extension's funding is no stake itself.
    ///
    /// # Errors
    /// Every violation. Where one rule must hold for another to mean anything, only the first is named:
    /// without sound keys and times there is no staking output to look for.
    pub fn check(
        &self,
        parameters: &Parameters,
        previous: Option<&Parameters>,
        chain: ChainRules,
    ) -> Result<AcceptedStake, Vec<StakeViolation>> {
        let mut findings = Findings::default();
        self.check_dialect(chain, &mut findings);
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
        self.check_staking_transaction(findings);
        // What needs no other part of the request.
        let [slashing_form, unbonding_form, later_form] = [
            advance::form(Part::Slashing, &self.slashing.transaction, findings),
            advance::form(Part::Unbonding, &self.unbonding_transaction, findings),
            advance::form(Part::UnbondingSlashing, &self.unbonding_slashing.transaction, findings),
        ];
        let parties = findings.note(parameters.parties(self.staker, self.staked_to.keys()));
        let ((staking_time, unbonding_time), parties) = (times?, parties?);
        let staking_output = findings.note(StakingOutput::new(parties.clone(), staking_time))?;
        let unbonding_output = findings.note(UnbondingOutput::new(parties, unbonding_time))?;
        // What slashing leaves of the stake, and of the unbonding stake, goes to the same script.
        let refund = findings.note(SlashingRefundOutput::new(self.staker, unbonding_time))?;
        let terms = SlashingTerms { unbonding_time, ..parameters.slashing_terms() };

        let staking = self.staking(staking_output, findings)?;
        let extension = self.extension(previous, &staking, findings);
        let slash_to = (&terms, &refund);
        let slashing =
            advance::slashing(Part::Slashing, &self.slashing, &staking, slash_to, slashing_form, findings);
        let given = &self.unbonding_transaction;
        // Even of an unbonding that is wrong it can be said what is wrong with its slashing.
        let waiting = advance::given_unbonding(given, unbonding_output.clone());
        let fee = parameters.unbonding_fee();
        let unbonding = advance::unbonding(given, &staking, unbonding_output, fee, unbonding_form, findings);
        let (part, later) = (Part::UnbondingSlashing, &self.unbonding_slashing);
        let unbonding_slashing = advance::slashing(part, later, &waiting?, slash_to, later_form, findings);
        Some(AcceptedStake {
            staking,
            unbonding: unbonding?,
            slashing: slashing?,
            unbonding_slashing: unbonding_slashing?,
            extension,
        })
    }

    /// The two times, where they are any.
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

    /// One provider and a proof without a context on genesis, providers of chains and a proof with the
    /// chain's context elsewhere.
    fn check_dialect(&self, chain: ChainRules, findings: &mut Findings) {
        let (found, expected) = (self.possession.0.signing_context(), chain.signing_context);
        findings.require(found.copied() == expected, || StakeViolation::SigningContext {
            found: found.copied(),
            expected,
        });
        let on_genesis = matches!(self.staked_to, StakedTo::Genesis(_));
        findings.require(on_genesis == expected.is_none(), || StakeViolation::Dialect {
            genesis: expected.is_none(),
        });
    }

    /// What any transaction must keep to be in a block.
    fn check_staking_transaction(&self, findings: &mut Findings) {
        let transaction = &self.staking_transaction;
        findings.require(!transaction.is_coinbase(), || StakeViolation::Coinbase);
        if let Err(reason) = possible(transaction) {
            findings.0.push(StakeViolation::Impossible(reason));
        }
    }

    fn staking(&self, output: StakingOutput, findings: &mut Findings) -> Option<Funded<StakingOutput>> {
        let found = Funded::find(output, &self.staking_transaction).map_err(StakeViolation::StakingOutput);
        let staking = findings.note(found)?;
        let (found, expected) = (staking.amount(), self.staking_amount);
        findings.require(found == expected, || StakeViolation::StakedAmount { found, expected });
        Some(staking)
    }

    fn extension(
        &self,
        previous: Option<&Parameters>,
        staking: &Funded<StakingOutput>,
        findings: &mut Findings,
    ) -> Option<ExtensionTransaction> {
        let running = self.extends.as_ref()?;
        let wrong = |reason: &dyn ToString| StakeViolation::RunningStake {
            txid: running.staking_transaction.compute_txid(),
            reason: reason.to_string(),
        };
        let unknown = || wrong(&"the parameters that it was made under are not known");
        let previous = findings.note(previous.ok_or_else(unknown))?;
        findings.note(self.keeps_providers(running));
        let parties = previous.parties(self.staker, running.staked_to.keys()).map_err(|e| wrong(&e));
        let time = Timelock::from_blocks(running.staking_time_blocks).map_err(|e| wrong(&e));
        let (parties, time) = (findings.note(parties), findings.note(time));
        let output = findings.note(StakingOutput::new(parties?, time?).map_err(|e| wrong(&e)))?;
        let old = findings.note(Funded::find(output, &running.staking_transaction).map_err(|e| wrong(&e)))?;
        let (given, funding) = (&self.staking_transaction, running.funding.clone());
        let extension = ExtensionTransaction::recognise(&old, staking, given, funding);
        findings.note(extension.map_err(StakeViolation::Extension))
    }

    /// Every provider is kept, and for its chain.
    fn keeps_providers(&self, running: &RunningStake) -> Result<(), StakeViolation> {
        let (StakedTo::Consumers(old), StakedTo::Consumers(new)) = (&running.staked_to, &self.staked_to)
        else {
            // Of one provider there is only the key, which is compared with the parties.
            let same =
                matches!((&running.staked_to, &self.staked_to), (StakedTo::Genesis(_), StakedTo::Genesis(_)));
            return if same { Ok(()) } else { Err(StakeViolation::OtherDialect) };
        };
        let chains: BTreeMap<_, _> = new.iter().map(|(chain, key)| (key, chain)).collect();
        let moved = old.iter().find(|(chain, key)| chains.get(key).is_some_and(|other| other != chain));
        match moved {
            Some((_, key)) => Err(StakeViolation::Extension(ExtensionError::ProviderMoved(*key))),
            None => Ok(()),
        }
    }
}

/// Whether a block can hold a transaction at all, as far as the transaction tells (Bitcoin Core's
/// `CheckTransaction`).
fn possible(transaction: &Transaction) -> Result<(), &'static str> {
    /// A block has four million weight units, and what stands outside the witnesses counts fourfold.
    const MOST_BYTES: usize = 1_000_000;
    if transaction.input.is_empty() || transaction.output.is_empty() {
        return Err("it has no inputs, or no outputs");
    }
    if transaction.base_size() > MOST_BYTES {
        return Err("it is larger than a block");
    }
    let paid = sum(&transaction.output);
    if paid.is_none_or(|paid| paid > Amount::MAX_MONEY) {
        return Err("it pays more than 21 million bitcoin");
    }
    let mut spent = BTreeSet::new();
    if !transaction.input.iter().all(|input| spent.insert(input.previous_output)) {
        return Err("it spends an output twice");
    }
    if !transaction.is_coinbase() && transaction.input.iter().any(|input| input.previous_output.is_null()) {
        return Err("it spends no output");
    }
    Ok(())
}
