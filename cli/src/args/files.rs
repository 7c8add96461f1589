//! A delegation with the parameters that it is made under, and what is checked of it.

use anyhow::{Context, ensure};
use bitcoin::absolute::Height;
use staking_scripts::delegation::{
    CheckedStake, CovenantQuorum, CovenantSignaturesError, PresignedTransactions, StakeTransactions,
};
use staking_scripts::{
    CheckRules, CheckedDelegation, CovenantCommittee, Delegation, DelegationError, InForce, Parameters,
    ParametersAt, ParametersHistory, StakeViolation,
};

use super::chain::ChainArgs;
use crate::view::violation::{Refused, message};

/// A delegation and the parameters it is made under, as read from their files.
pub(crate) struct Files {
    pub(crate) delegation: Delegation,
    pub(crate) params: ParametersHistory<Parameters>,
    pub(crate) chain: ChainArgs,
    /// Warnings about the parameters.
    notes: Vec<String>,
}

impl Files {
    pub(crate) const fn new(
        delegation: Delegation,
        params: ParametersHistory<Parameters>,
        chain: ChainArgs,
    ) -> Self {
        Self { delegation, params, chain, notes: Vec::new() }
    }

    /// Returns the files with other parameters, and a warning about them.
    pub(super) fn under(self, params: ParametersHistory<Parameters>, note: String) -> Self {
        Self { params, notes: vec![note], ..self }
    }

    /// Returns the parameters that the delegation is made under.
    pub(crate) fn parameters(&self) -> anyhow::Result<&Parameters> {
        Ok(self.delegation.parameters(&self.params).context("--delegation")?.1)
    }

    /// Returns the covenant committee that the stake was made with.
    pub(crate) fn covenant(&self) -> anyhow::Result<&CovenantCommittee> {
        Ok(self.parameters()?.covenant())
    }

    /// Returns the committee of the running stake that the delegation extends, where it is known.
    pub(crate) fn previous_covenant(&self) -> Option<&CovenantCommittee> {
        self.delegation.previous_parameters(&self.params).map(Parameters::covenant)
    }

    /// Returns the delegation with its transactions when it keeps every rule, or every rule that it breaks.
    pub(crate) fn check(&self, in_force: InForce) -> Result<CheckedDelegation, Vec<StakeViolation>> {
        check(&self.delegation, &self.params, self.chain, in_force)
    }

    /// Checks under the parameters that the delegation names, for steps that end at a broken rule; a proof of
    /// possession may be absent.
    ///
    /// # Errors
    /// [`Refused`], with every rule that is broken.
    pub(crate) fn checked(&self) -> anyhow::Result<CheckedStake> {
        let (history, in_force, chain) = (&self.params, InForce::AsStated, self.chain.rules());
        let checked = self.delegation.check_stake(&CheckRules { history, in_force, chain });
        Ok(checked.map_err(|found| Refused::new(&found))?)
    }

    /// Returns the pre-signed transactions as the delegation has them, with what differs from those that are
    /// drafted here.
    ///
    /// # Errors
    /// [`Refused`] when they break rules; and when one is absent, or they are of no stake in the file.
    pub(crate) fn presigned(&self) -> anyhow::Result<(PresignedTransactions, Vec<String>)> {
        let parameters = self.parameters()?;
        match self.delegation.presigned(parameters) {
            Ok(found) => {
                let differences = found.differences(parameters).iter().map(ToString::to_string).collect();
                Ok((found, differences))
            }
            Err(DelegationError::Broken(found)) => Err(Refused::new(&found).into()),
            Err(error) => Err(anyhow::Error::new(error).context("--delegation")),
        }
    }

    /// Returns every rule that the delegation breaks, under the parameters that it is made under.
    pub(crate) fn violations(&self) -> Vec<StakeViolation> {
        self.check(InForce::AsStated).err().unwrap_or_default()
    }

    /// Returns the transactions that covenant members sign, whether the stake keeps the rules or not.
    ///
    /// # Errors
    /// When a pre-signed transaction is absent or not of this stake, or the delegation is of an extension and
    /// the running stake is not known.
    pub(crate) fn transactions(&self) -> anyhow::Result<StakeTransactions> {
        let found = self.delegation.transactions(self.covenant()?, self.previous_covenant());
        let found = found.context("--delegation")?;
        ensure!(
            found.extension().is_some() || self.delegation.extends.is_none(),
            "--delegation extends a stake of which not enough is known; --previous-delegation must be its delegation"
        );
        Ok(found)
    }

    /// Returns how many covenant members have signed and the quorum, with a warning for each member whose
    /// signatures do not verify, and one for members above the quorum.
    ///
    /// # Errors
    /// When a pre-signed transaction is absent or not of this stake.
    pub(crate) fn covenant_quorum(&self) -> anyhow::Result<(CovenantQuorum, Vec<String>)> {
        let found = self.delegation.covenant_quorum(self.covenant()?, self.previous_covenant())?;
        let warnings = invalid_signatures(&found).chain(surplus(&found)).collect();
        Ok((found, warnings))
    }

    /// Returns a warning for each rule that the delegation breaks, for steps that go on all the same. What a
    /// step needs and is absent is an error of its own.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let found = self.violations();
        let version = match self.delegation.parameters {
            ParametersAt::Unstated => self.delegation.parameters(&self.params).ok(),
            _ => None,
        };
        let taken = version.map(|(number, _)| {
            format!("the delegation names no parameters version; {number} is taken, by its outputs")
        });
        let broken = found.iter().filter(|found| !matches!(found, StakeViolation::Absent(_)));
        let broken = broken
            .map(|found| format!("the delegation breaks the rule {}: {}", found.rule(), message(found)));
        self.notes.iter().cloned().chain(taken).chain(broken).collect()
    }

    /// Returns the warnings of a step that uses the covenant signatures: [`warnings`](Self::warnings), and
    /// those of [`covenant_quorum`](Self::covenant_quorum).
    pub(crate) fn covenant_warnings(&self) -> Vec<String> {
        let invalid = self.covenant_quorum().map(|(_, warnings)| warnings).unwrap_or_default();
        self.warnings().into_iter().chain(invalid).collect()
    }
}

/// Returns a warning for each covenant member whose signatures do not verify.
pub(super) fn invalid_signatures(found: &CovenantQuorum) -> impl Iterator<Item = String> {
    let warning = |error: &CovenantSignaturesError| {
        format!("covenant_signatures: {:#}", anyhow::Error::new(error.clone()))
    };
    found.invalid.iter().map(warning)
}

/// Returns a warning when more covenant members than the quorum have signed.
pub(crate) fn surplus(found: &CovenantQuorum) -> Option<String> {
    let CovenantQuorum { signed, quorum, .. } = found;
    (*signed > usize::from(*quorum)).then(|| {
        format!("{signed} covenant members have signed; the quorum is {quorum}, and a transaction takes no more than that")
    })
}

/// Checks a delegation, as [`Files::check`] does.
pub(crate) fn check(
    delegation: &Delegation,
    history: &ParametersHistory<Parameters>,
    chain: ChainArgs,
    in_force: InForce,
) -> Result<CheckedDelegation, Vec<StakeViolation>> {
    delegation.check(&CheckRules { history, in_force, chain: chain.rules() })
}

/// Returns what only the state of the chains tells of a delegation: `registered` (whether the staking
/// transaction was registered before), `provider_known`, `provider_slashed` and `funding_is_a_stake` (whether
/// a coin that is spent is another stake); of an extension `running_stake_active` and `same_account` too; and
/// without an inclusion `age`, whether the stake is in a block all the same, and how much of its staking time
/// is left.
pub(crate) fn not_checked(delegation: &Delegation) -> Vec<&'static str> {
    let always = ["registered", "provider_known", "provider_slashed", "funding_is_a_stake"];
    let of_extension: &[&str] = match delegation.extends {
        Some(_) => &["running_stake_active", "same_account"],
        None => &[],
    };
    let age = delegation.inclusion.is_none().then_some("age");
    always.into_iter().chain(of_extension.iter().copied()).chain(age).collect()
}

/// Returns which parameters must be in force: those of a height that the caller knows, or the last version.
pub(crate) fn in_force(
    history: &ParametersHistory<Parameters>,
    height: Option<Height>,
) -> anyhow::Result<InForce> {
    let Some(height) = height else { return Ok(InForce::Latest) };
    history.in_force(height).context("--height")?;
    Ok(InForce::At(height))
}
