//! The covenant committee.

use bitcoin::XOnlyPublicKey;

use crate::outputs::error::{InvalidParties, MAX_KEYS};

/// The covenant committee: its members' keys, and how many of them must sign.
///
/// The order in which the keys are given does not matter; scripts have them ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantCommittee {
    members: Vec<XOnlyPublicKey>,
    quorum: u16,
}

impl CovenantCommittee {
    /// Returns the committee of these members, `quorum` of whom must sign.
    ///
    /// # Errors
    /// [`InvalidParties`] when the quorum is 0 or above the number of members, when a key is given twice,
    /// or when there are more than 999 members.
    pub fn new(
        members: impl IntoIterator<Item = XOnlyPublicKey>,
        quorum: u16,
    ) -> Result<Self, InvalidParties> {
        let mut members: Vec<_> = members.into_iter().collect();
        if quorum == 0 {
            return Err(InvalidParties::QuorumZero);
        }
        if usize::from(quorum) > members.len() {
            return Err(InvalidParties::QuorumAboveMembers { quorum, members: members.len() });
        }
        if members.len() > MAX_KEYS {
            return Err(InvalidParties::TooManyMembers(members.len()));
        }
        members.sort_by_key(XOnlyPublicKey::serialize);
        match first_repeated(&members) {
            Some(key) => Err(InvalidParties::DuplicateMember(key)),
            None => Ok(Self { members, quorum }),
        }
    }

    /// Returns the members' keys, ascending.
    pub fn members(&self) -> &[XOnlyPublicKey] {
        &self.members
    }

    /// Returns the quorum: the number of members that must sign. A script takes exactly this many signatures,
    /// never more.
    pub const fn quorum(&self) -> u16 {
        self.quorum
    }

    /// Returns whether `key` is a member's.
    pub fn contains(&self, key: &XOnlyPublicKey) -> bool {
        self.members.binary_search_by_key(&key.serialize(), XOnlyPublicKey::serialize).is_ok()
    }
}

/// Returns the first key that occurs twice in a sorted list.
pub(crate) fn first_repeated(sorted: &[XOnlyPublicKey]) -> Option<XOnlyPublicKey> {
    sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| a == b).map(|(a, _)| *a)
}
