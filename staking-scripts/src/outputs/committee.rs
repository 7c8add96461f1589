//! The covenant committee.

use bitcoin::XOnlyPublicKey;

/// The covenant committee: its members' keys, and how many of them must sign.
///
/// The order in which the keys are given does not matter; scripts have them ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantCommittee {
    members: Vec<XOnlyPublicKey>,
    quorum: u16,
}

/// No committee can be made of these keys and this quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCommittee {
    /// The quorum is 0.
    #[error("a quorum of 0 would let the staker spend without the covenant committee")]
    QuorumZero,
    /// The quorum is above the number of members.
    #[error("a quorum of {quorum} cannot be reached by {members} members")]
    QuorumAboveMembers {
        /// The quorum given.
        quorum: u16,
        /// How many members there are.
        members: usize,
    },
    /// A key is given twice.
    #[error("the covenant key {0} is given twice")]
    DuplicateMember(XOnlyPublicKey),
    /// There are more members than a script can hold.
    #[error("{0} covenant members do not fit a script, which holds at most {MAX_KEYS}")]
    TooManyMembers(usize),
}

/// The most keys in one `multi_a` (BIP-387): 999.
pub(crate) const MAX_KEYS: usize = 999;

impl CovenantCommittee {
    /// The committee of these members, `quorum` of whom must sign.
    ///
    /// # Errors
    /// [`InvalidCommittee`] when the quorum is 0 or above the number of members, when a key is given twice,
    /// or when there are more than 999 members.
    pub fn new(
        members: impl IntoIterator<Item = XOnlyPublicKey>,
        quorum: u16,
    ) -> Result<Self, InvalidCommittee> {
        let mut members: Vec<_> = members.into_iter().collect();
        if quorum == 0 {
            return Err(InvalidCommittee::QuorumZero);
        }
        if usize::from(quorum) > members.len() {
            return Err(InvalidCommittee::QuorumAboveMembers { quorum, members: members.len() });
        }
        if members.len() > MAX_KEYS {
            return Err(InvalidCommittee::TooManyMembers(members.len()));
        }
        members.sort_by_key(XOnlyPublicKey::serialize);
        match first_repeated(&members) {
            Some(key) => Err(InvalidCommittee::DuplicateMember(key)),
            None => Ok(Self { members, quorum }),
        }
    }

    /// The members' keys, ascending.
    pub fn members(&self) -> &[XOnlyPublicKey] {
        &self.members
    }

    /// How many members must sign; a script takes exactly this many signatures, never more.
    pub const fn quorum(&self) -> u16 {
        self.quorum
    }

    /// Whether `key` is a member's.
    pub fn contains(&self, key: &XOnlyPublicKey) -> bool {
        self.members.binary_search_by_key(&key.serialize(), XOnlyPublicKey::serialize).is_ok()
    }
}

/// The first key that stands twice in a sorted list.
pub(crate) fn first_repeated(sorted: &[XOnlyPublicKey]) -> Option<XOnlyPublicKey> {
    sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| a == b).map(|(a, _)| *a)
}
