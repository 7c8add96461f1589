//! What the chain says of one of several messages.

use babylon::client::SendError;
use babylon::node::{NodeError, Refusal, RefusalKind};

/// Returns the message that made a transaction fail, by its place, and why.
pub(crate) fn culprit(error: &SendError) -> Option<(usize, &Refusal)> {
    let refusal = refusal(error)?;
    let rest = refusal.log.split("message index: ").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((digits.parse().ok()?, refusal))
}

pub(crate) fn refusal(error: &SendError) -> Option<&Refusal> {
    match error {
        SendError::Failed { refusal, .. } | SendError::Node(NodeError::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

/// Returns whether a transaction is too large for a block, so that a smaller one may fit.
pub(crate) fn is_too_large(error: &SendError) -> bool {
    if matches!(error, SendError::TooMuchGas { .. }) {
        return true;
    }
    refusal(error).is_some_and(|refusal| {
        refusal.kind() == RefusalKind::OutOfGas
            || ["exceeds block max gas", "is greater than max gas", "tx too large", "Tx too large"]
                .iter()
                .any(|text| refusal.log.contains(text))
    })
}
