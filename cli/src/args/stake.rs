//! A stake's delegation under parameters of either form, for the steps that a phase-1 stake has too.

use anyhow::Context;
use bitcoin::Amount;
use bitcoin::absolute::Height;
use staking_scripts::delegation::{CovenantQuorum, DelegationRelation, Stake, StakeOnChain, StakeState};
use staking_scripts::phase1::Phase1Rules;
use staking_scripts::{CovenantCommittee, Delegation, StakeViolation};

use super::chain::ChainArgs;
use super::files::{Files, invalid_signatures};
use super::parameters::AnyParameters;
use crate::view::violation::message;

/// A delegation and the parameters it is made under, of either form.
pub(crate) enum AnyFiles {
    /// Of Babylon Genesis.
    Genesis(Files),
    /// Of phase 1: the stake is not registered on Babylon Genesis, or the parameters are those of phase 1.
    Phase1(Phase1Files),
}

/// The delegation of a phase-1 stake, and parameters of either form.
pub(crate) struct Phase1Files {
    pub(crate) delegation: Delegation,
    pub(crate) params: AnyParameters,
    pub(crate) chain: ChainArgs,
    /// Warnings about the parameters.
    notes: Vec<String>,
}

impl Phase1Files {
    /// Returns the files with other parameters, and a warning about them.
    pub(super) fn under(self, params: AnyParameters, note: String) -> Self {
        Self { params, notes: vec![note], ..self }
    }

    /// Returns the rules that the stake was made under.
    pub(crate) fn rules(&self) -> anyhow::Result<Phase1Rules<'_>> {
        Ok(self.params.of_delegation(&self.delegation).context("--delegation")?.1)
    }

    /// Returns the rules for the stake in the block of this height: of the version in force there.
    pub(crate) fn rules_at(&self, height: Height) -> anyhow::Result<Phase1Rules<'_>> {
        self.params.in_force(height)
    }

    /// Returns how many covenant members have signed the unbonding transaction, and the quorum, with a
    /// warning for each member whose signature does not verify.
    pub(crate) fn covenant_quorum(&self) -> anyhow::Result<(CovenantQuorum, Vec<String>)> {
        let found = self.delegation.unbonding_quorum(self.rules()?.parameters().covenant)?;
        let warnings = invalid_signatures(&found).collect();
        Ok((found, warnings))
    }

    fn confirmations(&self) -> anyhow::Result<u32> {
        let (number, _) = self.params.of_delegation(&self.delegation).context("--delegation")?;
        let of_network = self.chain.depth().saturating_add(1);
        Ok(self.params.confirmations(number).unwrap_or(of_network))
    }
}

/// Returns a warning for each rule of phase 1 that a delegation breaks.
pub(crate) fn phase1_warnings(found: &[StakeViolation]) -> Vec<String> {
    let warning = |found: &StakeViolation| {
        format!("the stake breaks the rule {} of phase 1: {}", found.rule(), message(found))
    };
    // What a step needs and is absent is an error of its own.
    let found = found.iter().filter(|found| !matches!(found, StakeViolation::Absent(_)));
    found.map(warning).collect()
}

impl AnyFiles {
    /// Returns the delegation with its parameters: as one of a phase-1 stake where either is of phase 1.
    pub(crate) fn new(delegation: Delegation, params: AnyParameters, chain: ChainArgs) -> Self {
        match params {
            AnyParameters::Genesis(params) if !delegation.is_phase1() => {
                Self::Genesis(Files::new(delegation, params, chain))
            }
            params => Self::Phase1(Phase1Files { delegation, params, chain, notes: Vec::new() }),
        }
    }

    pub(crate) const fn delegation(&self) -> &Delegation {
        match self {
            Self::Genesis(files) => &files.delegation,
            Self::Phase1(files) => &files.delegation,
        }
    }

    pub(crate) const fn chain(&self) -> &ChainArgs {
        match self {
            Self::Genesis(files) => &files.chain,
            Self::Phase1(files) => &files.chain,
        }
    }

    /// Returns the covenant committee that the stake was made with.
    pub(crate) fn covenant(&self) -> anyhow::Result<&CovenantCommittee> {
        match self {
            Self::Genesis(files) => files.covenant(),
            Self::Phase1(files) => Ok(files.rules()?.parameters().covenant),
        }
    }

    /// Returns the stake's outputs.
    pub(crate) fn stake(&self) -> anyhow::Result<Stake> {
        self.delegation().stake(self.covenant()?).context("--delegation")
    }

    /// Returns the relation of transactions to the delegation.
    pub(crate) fn relation(&self) -> anyhow::Result<DelegationRelation<'_>> {
        Ok(match self {
            Self::Genesis(files) => DelegationRelation::new(&files.delegation, files.parameters()?),
            Self::Phase1(files) => DelegationRelation::new(&files.delegation, *files.rules()?.parameters()),
        })
    }

    /// Returns how many covenant members have signed what the stake needs of them, and the quorum, with a
    /// warning for each member whose signatures do not verify.
    ///
    /// # Errors
    /// When a pre-signed transaction is absent or not of this stake.
    pub(crate) fn covenant_quorum(&self) -> anyhow::Result<(CovenantQuorum, Vec<String>)> {
        match self {
            Self::Genesis(files) => files.covenant_quorum(),
            Self::Phase1(files) => files.covenant_quorum(),
        }
    }

    /// Returns every rule that the delegation breaks, under the parameters that it is made under.
    pub(crate) fn violations(&self) -> anyhow::Result<Vec<StakeViolation>> {
        Ok(match self {
            Self::Genesis(files) => files.violations(),
            Self::Phase1(files) => files.delegation.check_phase1(files.rules()?),
        })
    }

    /// Returns a warning for each rule that the delegation breaks, for steps that go on all the same.
    pub(crate) fn warnings(&self) -> anyhow::Result<Vec<String>> {
        Ok(match self {
            Self::Genesis(files) => files.warnings(),
            Self::Phase1(files) => {
                let broken = phase1_warnings(&self.violations()?);
                files.notes.iter().cloned().chain(broken).collect()
            }
        })
    }

    /// Returns the warnings of a step that uses the covenant signatures: [`warnings`](Self::warnings), and
    /// one for each covenant member whose signatures do not verify.
    pub(crate) fn covenant_warnings(&self) -> anyhow::Result<Vec<String>> {
        let invalid = self.covenant_quorum().map(|(_, warnings)| warnings).unwrap_or_default();
        Ok(self.warnings()?.into_iter().chain(invalid).collect())
    }

    /// Returns the state of the stake on a chain.
    pub(crate) fn state(&self, chain: &StakeOnChain) -> anyhow::Result<StakeState> {
        let (delegation, covenant) = (self.delegation(), self.covenant()?);
        Ok(match self {
            Self::Genesis(files) => {
                delegation.state(chain, covenant, files.previous_covenant(), files.chain.depth())?
            }
            Self::Phase1(files) => delegation.phase1_state(chain, covenant, files.confirmations()?)?,
        })
    }
}

/// Where a phase-1 stake stands, for the rules of the height and the cap.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct PlaceArgs {
    /// The sum of the active phase-1 stakes before this one, in satoshis, for a staking cap: only who has
    /// followed the chain knows it.
    #[arg(long, value_name = "SATOSHIS")]
    staked_before_sat: Option<u64>,
}

impl PlaceArgs {
    /// Returns the rules for a stake that stands here.
    pub(crate) fn on<'a>(&self, rules: Phase1Rules<'a>, height: Option<Height>) -> Phase1Rules<'a> {
        let rules = height.map_or(rules, |height| rules.at(height));
        self.staked_before_sat.map_or(rules, |staked| rules.after(Amount::from_sat(staked)))
    }
}
