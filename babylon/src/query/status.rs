//! What the chain says of a stake, in one word.

/// What the chain says of a stake. It has no word for slashed or withdrawn ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DelegationStatus {
    /// Covenant members have still to sign.
    Pending,
    /// They have, and its inclusion is not proven.
    Verified,
    /// It gives power.
    Active,
    /// It was unbonded, or its output spent otherwise.
    Unbonded,
    /// Its time is over.
    Expired,
}

impl DelegationStatus {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Verified, Self::Active, Self::Unbonded, Self::Expired];

    /// Returns the status of which this is the chain's word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Returns the status of this number; `None` where there is none.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.number() == number)
    }

    /// Returns its number in the chain's messages, from 0.
    pub const fn number(self) -> u32 {
        match self {
            Self::Pending => 0,
            Self::Verified => 1,
            Self::Active => 2,
            Self::Unbonded => 3,
            Self::Expired => 4,
        }
    }

    /// Returns the chain's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Verified => "VERIFIED",
            Self::Active => "ACTIVE",
            Self::Unbonded => "UNBONDED",
            Self::Expired => "EXPIRED",
        }
    }
}
