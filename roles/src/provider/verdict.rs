//! What is to be done about a vote that the chain does not take.

use babylon::node::Refusal;

/// What is to be done about a vote that the chain does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: it has the vote, of whoever was first.
    Voted,
    /// Nothing: it needs none.
    Settled,
    /// No vote of this provider is taken now.
    NoneIsTaken,
    /// It may be sent again.
    Later,
}

/// Returns what is to be done about a vote, by the errors of the finality module (v4.1.0), of which a
/// simulation has only the text.
pub(super) fn verdict(refusal: &Refusal) -> Verdict {
    let says = |texts: &[&str]| texts.iter().any(|text| refusal.log.contains(text));
    if says(&["duplicated finality vote"]) {
        return Verdict::Voted;
    }
    if says(&["already finalized and timestamped", "does not have voting power"]) {
        return Verdict::Settled;
    }
    if says(&["already been slashed", "already been jailed", "is deleted", "is jailed", "is slashed"]) {
        return Verdict::NoneIsTaken;
    }
    Verdict::Later
}
