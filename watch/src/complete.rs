//! Completing slashing transactions with a finality provider's key.

use bitcoin::Transaction;
use eots::SecretKey;
use staking_scripts::delegation::{DelegationError, ReadySlashing, SlashedOutput};
use staking_scripts::{Delegation, Parameters, ParametersHistory};

/// The slashing transactions of a stake, of which a provider's signature alone is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyStake {
    /// That of the staking output.
    pub staking: ReadySlashing,
    /// That of the unbonding output.
    pub unbonding: ReadySlashing,
}

impl ReadyStake {
    /// Returns both slashing transactions of a delegation; `None` where one is not there, or too few have
    /// signed it. No signature is verified.
    pub fn of(delegation: &Delegation, parameters: &ParametersHistory<Parameters>) -> Option<Self> {
        let (_, version) = delegation.parameters(parameters).ok()?;
        let ready = |which| delegation.ready_slashing(which, version.covenant()).ok();
        Some(Self { staking: ready(SlashedOutput::Staking)?, unbonding: ready(SlashedOutput::Unbonding)? })
    }

    /// Completes the transactions of many stakes, and verifies every signature in them, all at once. `None`
    /// for each stake of which one cannot be completed so.
    pub fn complete(stakes: &[&Self], key: &SecretKey) -> Vec<Option<Candidates>> {
        let both = stakes.iter().flat_map(|ready| [&ready.staking, &ready.unbonding]);
        let mut completed = ReadySlashing::complete(both, key).into_iter();
        let mut next = || completed.next()?.ok();
        let of_stake = |_| match (next(), next()) {
            (Some(staking), Some(unbonding)) => {
                Some(Candidates { staking: Ok(staking), unbonding: Ok(unbonding) })
            }
            _ => None,
        };
        stakes.iter().map(of_stake).collect()
    }
}

/// The slashing transactions of a stake, each completed or impossible.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    /// That of the staking output.
    pub staking: Result<Transaction, String>,
    /// That of the unbonding output.
    pub unbonding: Result<Transaction, String>,
}

impl Candidates {
    /// Completes both slashing transactions of a delegation, under the version of the parameters that it was
    /// made under. Every signature in them is verified.
    pub fn of(delegation: &Delegation, key: &SecretKey, parameters: &ParametersHistory<Parameters>) -> Self {
        let complete = |output| {
            let (_, version) = delegation.parameters(parameters)?;
            delegation.slash(output, key, version.covenant())
        };
        let said = |result: Result<Transaction, DelegationError>| result.map_err(|error| with_causes(&error));
        Self {
            staking: said(complete(SlashedOutput::Staking)),
            unbonding: said(complete(SlashedOutput::Unbonding)),
        }
    }

    /// Returns that of an output.
    pub const fn get(&self, output: SlashedOutput) -> &Result<Transaction, String> {
        match output {
            SlashedOutput::Staking => &self.staking,
            SlashedOutput::Unbonding => &self.unbonding,
        }
    }
}

/// Returns an error's text with its causes.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
