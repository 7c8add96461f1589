//! What kind of transaction it is, and what can be done about its fee.

/// What a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionKind {
    /// It pays to a staking output, and spends none of the protocol's: a phase-1 stake, which says so with
    /// its OP_RETURN, or one whose output is recognised.
    Stake,
    /// Its one input spends a staking output through the unbonding path, into one output.
    Unbonding,
    /// Its first input spends a staking output through the unbonding path, beside a second one that funds the
    /// new stake.
    Extension,
    /// Its one input spends a staking or unbonding output through the slashing path, into two outputs.
    Slashing,
    /// It spends one or more matured outputs through the timelock path, and none through another.
    Withdrawal,
    /// Nothing in it shows the protocol, or it spends the protocol's outputs in a shape that the protocol
    /// does not have: then the paths are named all the same. A staking output cannot be told from any other
    /// Taproot output until it is spent, or its keys are known.
    Unknown,
}

impl TransactionKind {
    /// The kind as one lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stake => "stake",
            Self::Unbonding => "unbonding",
            Self::Extension => "extension",
            Self::Slashing => "slashing",
            Self::Withdrawal => "withdrawal",
            Self::Unknown => "unknown",
        }
    }
}

/// What can be done about the fee of a transaction that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeBump {
    /// A child of its change pays for both ([`ChildTransaction`](crate::transactions::ChildTransaction)).
    /// Replacing it would change its id, and void every pre-signed transaction.
    Child,
    /// It is made anew at a higher rate, which replaces it (BIP-125).
    Replacement,
    /// Nothing: all of it is pre-signed, its fee included, by people who sign no second one; and what
    /// it pays can be spent by nobody yet, so it has no child.
    Nothing,
}

impl TransactionKind {
    /// What can be done about its fee; `None` for what is not of the protocol.
    ///
    /// The fee of an unbonding transaction is a parameter. The output that slashing burns to can be spent by
    /// nobody, the refund only after the unbonding time.
    pub const fn fee_bump(self) -> Option<FeeBump> {
        match self {
            Self::Stake | Self::Extension => Some(FeeBump::Child),
            Self::Withdrawal => Some(FeeBump::Replacement),
            Self::Unbonding | Self::Slashing => Some(FeeBump::Nothing),
            Self::Unknown => None,
        }
    }
}
