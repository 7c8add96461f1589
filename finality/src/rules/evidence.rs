//! Evidence, as each implementation makes it of a provider's votes at one height.

use crate::vote::{Evidence, FinalityVote, NoEvidence};

/// Which of two contradicting votes evidence calls canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Canonical {
    /// The one for the chain's own block. A vote for a fork alone is stored without a canonical one, and
    /// slashes nobody until that one comes; two votes for two forks do not slash.
    OfTheChain,
    /// The one seen first, as the contract does not know the rollup's blocks.
    FirstSeen,
    /// No evidence is made.
    NoEvidence,
}

/// What a chain has of a provider's votes at one height.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceState {
    /// Nothing against it.
    None,
    /// A vote for a fork, and none for the chain's block: this vote for a fork, the last one that came.
    ForkOnly(Box<FinalityVote>),
    /// Both: the provider is slashed.
    Complete(Box<Evidence>),
}

/// Returns what a chain has, from a provider's votes at one height in the order in which they were taken, and
/// the chain's block there. A vote that came when the evidence was complete changes nothing: slashed
/// providers are not heard.
///
/// # Errors
/// [`NoEvidence`] when the votes are not of one provider, height and context, or do not verify.
pub fn evidence_of(
    canonical: Canonical,
    votes: &[FinalityVote],
    block: Option<&[u8; 32]>,
) -> Result<EvidenceState, NoEvidence> {
    let complete =
        |canonical, fork| Ok(EvidenceState::Complete(Box::new(Evidence::from_votes(canonical, fork)?)));
    match (canonical, block) {
        (Canonical::FirstSeen, _) => match contradicting(votes) {
            Some((first, second)) => complete(first, second),
            None => Ok(EvidenceState::None),
        },
        (Canonical::OfTheChain, Some(block)) => {
            let mut kept = None;
            let mut fork = None;
            for vote in votes {
                if vote.message.block_hash() == block {
                    kept = kept.or(Some(vote));
                } else {
                    fork = Some(vote);
                }
                if let (Some(kept), Some(fork)) = (kept, fork) {
                    return complete(kept, fork);
                }
            }
            Ok(fork.map_or(EvidenceState::None, |fork| EvidenceState::ForkOnly(Box::new(fork.clone()))))
        }
        // Without a block of its own the chain takes no vote.
        (Canonical::OfTheChain, None) | (Canonical::NoEvidence, _) => Ok(EvidenceState::None),
    }
}

/// Returns the evidence in a provider's votes at one height, whatever its chain makes of them: of the first
/// two for different blocks. It names an equivocator at once, also where the chain waits for a vote for its
/// own block.
///
/// # Errors
/// [`NoEvidence`] as [`evidence_of`].
pub fn equivocation(votes: &[FinalityVote]) -> Result<Option<Evidence>, NoEvidence> {
    contradicting(votes).map(|(first, second)| Evidence::from_votes(first, second)).transpose()
}

/// Returns the first vote, and the first for another block.
fn contradicting(votes: &[FinalityVote]) -> Option<(&FinalityVote, &FinalityVote)> {
    let (first, others) = votes.split_first()?;
    let second = others.iter().find(|vote| vote.message.block_hash() != first.message.block_hash())?;
    Some((first, second))
}
