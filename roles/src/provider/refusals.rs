//! What the chain says of one of several messages.

use babylon::client::SendError;
use babylon::node::{NodeError, Refusal, RefusalKind};

/// What is to be done about a vote that the chain does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: it has the vote, or needs none.
    Settled,
    /// No vote of this provider is taken now.
    NoneIsTaken,
    /// It may be sent again.
    Later,
}

/// Returns the message that made a transaction fail, by its place, and why.
pub(super) fn culprit(error: &SendError) -> Option<(usize, &Refusal)> {
    let refusal = refusal(error)?;
    let rest = refusal.log.split("message index: ").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, refusal))
}

pub(super) fn refusal(error: &SendError) -> Option<&Refusal> {
    match error {
        SendError::Failed { refusal, .. } | SendError::Node(NodeError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

/// Returns whether a transaction is too large for a block, so that a smaller one may fit.
pub(super) fn is_too_large(error: &SendError) -> bool {
    refusal(error).is_some_and(|refusal| {
        refusal.kind() == RefusalKind::OutOfGas
            || ["exceeds block max gas", "tx too large", "Tx too large"]
                .iter()
                .any(|text| refusal.log.contains(text))
    })
}

/// Returns what is to be done about a vote, by the errors of the finality module (v4.1.0), of which a
/// simulation has only the text.
pub(super) fn verdict(refusal: &Refusal) -> Verdict {
    let says = |texts: &[&str]| texts.iter().any(|text| refusal.log.contains(text));
    if says(&["duplicated finality vote", "already finalized and timestamped", "does not have voting power"])
    {
        return Verdict::Settled;
    }
    if says(&["already been slashed", "already been jailed", "is deleted", "is jailed", "is slashed"]) {
        return Verdict::NoneIsTaken;
    }
    Verdict::Later
}
