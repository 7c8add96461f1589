//! The kinds of transactions, and how the fee of each can be raised.

/// The kind of a transaction in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionKind {
    /// A staking transaction: it pays to a staking output that is recognised, and spends no output of the
    /// protocol. The OP_RETURN data of a phase-1 stake alone make none.
    Stake,
    /// An unbonding transaction: its one input, which is final, spends a staking output through the unbonding
    /// path, and its one output is a Taproot output.
    Unbonding,
    /// An extension: its first input spends a staking output through the unbonding path, and its second one
    /// funds the new stake.
    Extension,
    /// A slashing transaction: its one input, which is final, spends a staking or unbonding output through
    /// the slashing path, and the second of its two outputs is a Taproot output: of an unbonding output, the
    /// slashing refund output with the same timelock.
    Slashing,
    /// A withdrawal: it spends one or more outputs through the timelock path, and none through another path.
    Withdrawal,
    /// A transaction without anything of the protocol, or one that spends the protocol's outputs in another
    /// form than the protocol's, or that cannot be valid: then the paths are named all the same. A staking
    /// output looks like any other Taproot output until it is spent, or its keys are known.
    Unknown,
}

impl TransactionKind {
    /// Returns the kind as one lower-case word.
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

/// The means of raising the fee of an unconfirmed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeBump {
    /// Child pays for parent: a child spends its change and pays for both
    /// ([`ChildTransaction`](crate::transactions::ChildTransaction)). Replacing it would change its id, and
    /// void every pre-signed transaction.
    Child,
    /// Replace by fee (BIP-125): a new transaction at a higher rate replaces it.
    Replacement,
    /// Nothing: it is pre-signed with its fee, so it cannot be replaced; and nobody can spend its outputs
    /// yet, so it has no child.
    Nothing,
}

impl TransactionKind {
    /// Returns how the fee can be raised; `None` for a transaction that is not of the protocol.
    ///
    /// The fee of an unbonding transaction is a parameter. Nobody can spend the slashed output when it burns,
    /// and the refund can be spent only after the unbonding time.
    pub const fn fee_bump(self) -> Option<FeeBump> {
        match self {
            Self::Stake | Self::Extension => Some(FeeBump::Child),
            Self::Withdrawal => Some(FeeBump::Replacement),
            Self::Unbonding | Self::Slashing => Some(FeeBump::Nothing),
            Self::Unknown => None,
        }
    }
}
