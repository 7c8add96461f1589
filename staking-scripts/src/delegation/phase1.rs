//! The delegation of a phase-1 stake. It has no slashing transactions and no proof of possession: covenant
//! members sign its unbonding transaction alone, when the staker asks for it.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::Transaction;

use super::covenant::{CovenantQuorum, CovenantSignaturesError, MOST_COPIES};
use super::data::{Delegation, ParametersAt};
use super::error::DelegationError;
use super::presigned::{self, Findings};
use super::role::StakeTransaction;
use super::rules::StakeViolation;
use super::status::{StakeOnChain, StakeState, StakeStatus, StakeTimes};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::op_return::OpReturnData;
use crate::outputs::output::UnbondingOutput;
use crate::outputs::providers::StakedTo;
use crate::parameters::{CommonParameters, ParametersHistory, ParametersVersion};
use crate::phase1::{Phase1Error, Phase1Rules, Phase1Stake, contradictions, contradictions_in};
use crate::transactions::leaf_transaction::{CovenantTransaction as _, LeafTransaction as _};
use crate::transactions::unbonding::UnbondingTransaction;

impl Delegation {
    /// Returns what is known of a phase-1 stake: its outputs, and its unbonding transaction, under the
    /// parameters, of either form, in force at the height of the block that includes it. It can be withdrawn,
    /// and unbonded with the covenant's signatures; it names the height of the rules, where they have one.
    /// [`Phase1Stake::find`] has the rules that the stake breaks.
    ///
    /// # Errors
    /// The errors of [`Phase1Stake::find`].
    pub fn phase1<'a>(
        transaction: &Transaction,
        rules: impl Into<Phase1Rules<'a>>,
    ) -> Result<Self, Phase1Error> {
        let rules = rules.into();
        let parameters = rules.parameters();
        let Phase1Stake { staking, finality_provider, .. } = Phase1Stake::find(transaction, rules)?;
        let parties = staking.output().parties();
        let output = UnbondingOutput::new(parties.clone(), parameters.unbonding_time)?;
        // A stake that is too small for the fee cannot be unbonded, but can be withdrawn.
        let unbonding = UnbondingTransaction::new(&staking, output, parameters.unbonding_fee).ok();
        Ok(Self {
            parameters: rules.height().map_or(ParametersAt::Unstated, ParametersAt::Height),
            staker: *parties.staker(),
            staked_to: StakedTo::Genesis(finality_provider),
            staking_time_blocks: staking.output().staking_time().blocks().into(),
            staking_amount: staking.amount(),
            unbonding_time_blocks: parameters.unbonding_time.blocks().into(),
            staking_transaction: transaction.clone(),
            unbonding_transaction: unbonding.map(|unbonding| unbonding.unsigned().clone()),
            slashing: None,
            unbonding_slashing: None,
            extends: None,
            inclusion: None,
            proof_of_possession: None,
            covenant_signatures: Vec::new(),
        })
    }

    /// Returns whether it is of a phase-1 stake that is not registered on Babylon Genesis: there are the
    /// OP_RETURN data of one, and no slashing transaction.
    pub fn is_phase1(&self) -> bool {
        let plain = self.slashing.is_none() && self.unbonding_slashing.is_none() && self.extends.is_none();
        plain && OpReturnData::of(&self.staking_transaction).is_ok()
    }

    /// Returns the number of the version of the parameters that the stake was made under, and its rules: the
    /// version that the delegation names; where it names none, the last whose committee makes the staking
    /// output, or the last of all.
    ///
    /// # Errors
    /// The errors of [`ParametersAt::resolve`].
    pub fn phase1_rules<'a, P>(
        &self,
        history: &'a ParametersHistory<P>,
    ) -> Result<(usize, Phase1Rules<'a>), DelegationError>
    where
        P: ParametersVersion,
        &'a P: Into<CommonParameters<'a>>,
    {
        let rules = || Phase1Rules::of_history(history).into_iter().enumerate();
        let makes = |rules: &Phase1Rules<'_>| self.stake(rules.parameters().covenant).is_ok();
        let found = match self.parameters {
            ParametersAt::Unstated => rules().rfind(|(_, rules)| makes(rules)),
            stated => {
                let (number, _) = stated.resolve(history)?;
                rules().nth(number)
            }
        };
        let (number, found) = found.or_else(|| rules().next_back()).ok_or(DelegationError::Unstated)?;
        match self.parameters {
            ParametersAt::Height(height) => Ok((number, found.at(height))),
            _ => Ok((number, found)),
        }
    }

    /// Returns every rule of phase 1 that the delegation breaks: those of the stake, those of the unbonding
    /// transaction, and what its fields, its OP_RETURN data and its staking output say differently. It needs
    /// no signature.
    pub fn check_phase1<'a>(&self, rules: impl Into<Phase1Rules<'a>>) -> Vec<StakeViolation> {
        let rules = rules.into();
        let (parameters, mut findings) = (rules.parameters(), Findings::default());
        let stake = Phase1Stake::find(&self.staking_transaction, rules);
        let said = OpReturnData::of(&self.staking_transaction).ok();
        if let Some(said) = said {
            let own = self.make_staking_output(parameters.covenant).ok();
            let by_fields = own.map(|output| contradictions(&said, &output)).unwrap_or_default();
            let hidden = match (&stake, by_fields.as_slice()) {
                (Err(_), []) => contradictions_in(&self.staking_transaction, &said, *parameters),
                _ => Vec::new(),
            };
            findings.0.extend(by_fields.into_iter().chain(hidden).map(StakeViolation::Phase1));
        }
        let (found, expected) = (self.unbonding_time_blocks, parameters.unbonding_time.blocks());
        findings.require(found == u32::from(expected), || StakeViolation::UnbondingTime { found, expected });
        if let Some(stake) = findings.note(stake.map_err(StakeViolation::Phase1)) {
            findings.0.extend(stake.broken.iter().cloned().map(StakeViolation::Phase1));
            let (found, expected) = (stake.staking.amount(), self.staking_amount);
            findings.require(found == expected, || StakeViolation::StakedAmount { found, expected });
            self.check_phase1_unbonding(&stake, parameters, &mut findings);
        }
        findings.each_once()
    }

    fn check_phase1_unbonding(
        &self,
        stake: &Phase1Stake,
        parameters: &CommonParameters<'_>,
        findings: &mut Findings,
    ) {
        let given = findings.present("unbonding_transaction", self.unbonding_transaction.as_ref());
        let parties = stake.staking.output().parties().clone();
        let output = findings.note(UnbondingOutput::new(parties, parameters.unbonding_time));
        if let Some((given, output)) = given.zip(output) {
            let in_form = presigned::form(StakeTransaction::Unbonding, given, findings);
            let fee = parameters.unbonding_fee;
            presigned::unbonding(given, &stake.staking, output, fee, in_form, findings);
        }
    }

    /// Returns how many covenant members have signed the unbonding transaction, each counted once, and the
    /// quorum: all that unbonding a phase-1 stake needs of them. Signatures that do not verify do not count,
    /// and do not spoil the others.
    ///
    /// # Errors
    /// The errors of [`unbonding`](Self::unbonding).
    pub fn unbonding_quorum(&self, covenant: &CovenantCommittee) -> Result<CovenantQuorum, DelegationError> {
        let unbonding = self.unbonding(covenant)?;
        let (mut signed, mut tries, mut invalid) = (BTreeSet::new(), BTreeMap::new(), Vec::new());
        for given in &self.covenant_signatures {
            let member = given.unbonding.member;
            let tried: &mut usize = tries.entry(member).or_default();
            if *tried == 1 {
                invalid.push(CovenantSignaturesError::RepeatedMember(member));
            }
            *tried = tried.saturating_add(1);
            if *tried > MOST_COPIES || signed.contains(&member) {
                continue;
            }
            match unbonding.verify_covenant(&given.unbonding) {
                Ok(()) => drop(signed.insert(member)),
                Err(error) => invalid.push(CovenantSignaturesError::Unbonding(error)),
            }
        }
        Ok(CovenantQuorum { signed: signed.len(), quorum: covenant.quorum(), invalid })
    }

    /// Returns the state of a phase-1 stake, as [`state`](Self::state) does for others: it counted from
    /// `confirmations` confirmations on ([`Phase1Parameters::confirmation_depth`]; at the tip it has one),
    /// and needed no signature of the covenant. Before that it is pending. Whether it broke a rule, and so
    /// never counted, is not told here: [`check_phase1`](Self::check_phase1) has that.
    ///
    /// [`Phase1Parameters::confirmation_depth`]: crate::parameters::Phase1Parameters::confirmation_depth
    ///
    /// # Errors
    /// The errors of [`stake`](Self::stake).
    pub fn phase1_state(
        &self,
        chain: &StakeOnChain,
        covenant: &CovenantCommittee,
        confirmations: u32,
    ) -> Result<StakeState, DelegationError> {
        let stake = self.stake(covenant)?;
        let unbonding = self.unbonding(covenant).ok().map(|unbonding| unbonding.txid());
        let times = StakeTimes::of(&stake);
        let state = chain.state(times, unbonding, true, confirmations.saturating_sub(1));
        let status = match state.status {
            StakeStatus::Verified => StakeStatus::Pending,
            status => status,
        };
        Ok(StakeState { status, ..state })
    }
}
