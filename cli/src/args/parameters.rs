//! Parameters files of either form: of Babylon Genesis, or of phase 1.

use anyhow::Context;
use bitcoin::absolute::Height;
use staking_scripts::delegation::DelegationError;
use staking_scripts::parameters::{ParametersError, ParametersVersion, ParametersViolation};
use staking_scripts::phase1::Phase1Rules;
use staking_scripts::{Delegation, Parameters, ParametersHistory, Phase1Parameters};

use super::{argument, input};

/// All versions of parameters of either form.
#[derive(Debug, Clone)]
pub(crate) enum AnyParameters {
    /// Those of Babylon Genesis, as its nodes print them.
    Genesis(ParametersHistory<Parameters>),
    /// Those of phase 1, as they were published.
    Phase1(ParametersHistory<Phase1Parameters>),
}

/// Parses the path of a parameters file of either form.
pub(crate) fn any_parameters_file() -> argument::Parser<AnyParameters> {
    argument::file(any_parameters)
}

fn any_parameters(path: &str) -> anyhow::Result<AnyParameters> {
    Ok(AnyParameters::from_json(&input::text_file(path)?, false)?)
}

impl AnyParameters {
    /// Reads a file's text, in the form that it has, or as one of phase 1.
    pub(crate) fn from_json(text: &str, phase1: bool) -> Result<Self, ParametersError> {
        if phase1 {
            return ParametersHistory::from_json(text).map(Self::Phase1);
        }
        match ParametersHistory::from_json(text) {
            Ok(history) => Ok(Self::Genesis(history)),
            Err(ParametersError::OtherKind { .. }) => ParametersHistory::from_json(text).map(Self::Phase1),
            Err(error) => Err(error),
        }
    }

    /// Returns whether the versions' numbers are known.
    pub(crate) const fn is_numbered(&self) -> bool {
        match self {
            Self::Genesis(history) => history.is_numbered(),
            Self::Phase1(history) => history.is_numbered(),
        }
    }

    /// Returns the number of versions.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Genesis(history) => history.iter().len(),
            Self::Phase1(history) => history.iter().len(),
        }
    }

    /// Returns the rules that only new stakes must keep, and that a version breaks.
    pub(crate) fn violations(&self) -> Vec<ParametersViolation> {
        match self {
            Self::Genesis(history) => history.violations(),
            Self::Phase1(_) => Vec::new(),
        }
    }

    /// Returns those of Babylon Genesis, for a step that phase 1 does not have.
    ///
    /// # Errors
    /// When these are of phase 1.
    pub(crate) fn genesis(self) -> Result<ParametersHistory<Parameters>, ParametersError> {
        let (found, expected) = ("phase-1 parameters", "those of Babylon Genesis");
        match self {
            Self::Genesis(history) => Ok(history),
            Self::Phase1(_) => Err(ParametersError::OtherKind { found, expected }),
        }
    }

    /// Returns the rules of a phase-1 stake under each version, from number 0 on.
    pub(crate) fn rules(&self) -> Vec<Phase1Rules<'_>> {
        match self {
            Self::Genesis(history) => Phase1Rules::of_history(history),
            Self::Phase1(history) => Phase1Rules::of_history(history),
        }
    }

    /// Returns the rules that a phase-1 stake's delegation was made under, and their version's number.
    pub(crate) fn of_delegation(
        &self,
        delegation: &Delegation,
    ) -> Result<(usize, Phase1Rules<'_>), DelegationError> {
        match self {
            Self::Genesis(history) => delegation.phase1_rules(history),
            Self::Phase1(history) => delegation.phase1_rules(history),
        }
    }

    /// Returns the rules of the version in force at this height, for a stake in the block of this height.
    pub(crate) fn in_force(&self, height: Height) -> anyhow::Result<Phase1Rules<'_>> {
        fn number<P: ParametersVersion>(
            history: &ParametersHistory<P>,
            height: Height,
        ) -> Result<usize, ParametersError> {
            history.in_force(height).map(|(number, _)| number)
        }
        let number = match self {
            Self::Genesis(history) => number(history, height)?,
            Self::Phase1(history) => number(history, height)?,
        };
        let rules = self.rules().into_iter().nth(number);
        Ok(rules.context("no version of this number")?.at(height))
    }

    /// Returns how many confirmations a phase-1 stake must have under the version of this number; `None`
    /// where the parameters of Babylon Genesis do not say.
    pub(crate) fn confirmations(&self, number: usize) -> Option<u32> {
        match self {
            Self::Genesis(_) => None,
            Self::Phase1(history) => history.get(number).map(|version| version.confirmation_depth.into()),
        }
    }
}
