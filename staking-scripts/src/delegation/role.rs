//! The transactions of a stake, by their roles.

use std::fmt;

/// A transaction of a stake, by its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StakeTransaction {
    /// The staking transaction.
    Staking,
    /// The unbonding transaction.
    Unbonding,
    /// The slashing transaction of the staking output.
    Slashing,
    /// The slashing transaction of the unbonding output.
    UnbondingSlashing,
}

impl fmt::Display for StakeTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Staking => "staking transaction",
            Self::Unbonding => "unbonding transaction",
            Self::Slashing => "slashing transaction",
            Self::UnbondingSlashing => "unbonding slashing transaction",
        })
    }
}
