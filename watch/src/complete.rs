//! Completing slashing transactions with a finality provider's key.

use bitcoin::Transaction;
use eots::SecretKey;
use staking_scripts::delegation::{DelegationError, SlashedOutput};
use staking_scripts::{Delegation, Parameters, ParametersHistory};

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
