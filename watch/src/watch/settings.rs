//! What the core goes by.

use staking_scripts::{Parameters, ParametersHistory, Phase1Parameters};

/// What is done where a slashing transaction on Bitcoin shows a provider's key without an equivocation: the
/// provider gave its key or signature to somebody who chose what to slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnSelective {
    /// Somebody is told, and nothing more.
    #[default]
    Alert,
    /// The key is used as if evidence had given it: every stake of the provider is slashed.
    Slash,
    /// That too, and the secured chain is told of it. **This publishes the key.**
    Publish,
}

/// What the core goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Every version of the parameters.
    pub parameters: ParametersHistory<Parameters>,
    /// How many blocks must be on one for what it has to count as final (k).
    pub depth: u32,
    /// What is done about selective slashing.
    pub on_selective: OnSelective,
    /// The parameters of phase 1. With them, phase-1 stakes are found in the blocks: those that keep every
    /// rule which their block shows. Whether a cap on the sum of all stakes was reached is not looked at, and
    /// they count from `depth` on, not from the confirmations of phase 1.
    pub phase1: Option<ParametersHistory<Phase1Parameters>>,
}

impl Settings {
    /// Returns the settings of a watchtower that tells of selective slashing alone, and finds no phase-1
    /// stakes.
    pub const fn new(parameters: ParametersHistory<Parameters>, depth: u32) -> Self {
        Self { parameters, depth, on_selective: OnSelective::Alert, phase1: None }
    }
}
