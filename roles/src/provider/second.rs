//! What one node's word is not enough for.

use babylon::node::NodeError;
use babylon::{query, with_causes};
use finality::{ConsumerHeight, Signer};

use super::daemon::{ProviderDaemon, ProviderParts};

/// How many blocks the second node may be behind the first when a commitment leaves a gap.
const MOST_APART: u64 = 100;

impl<S: Signer> ProviderDaemon<'_, S> {
    /// Returns whether the provider was slashed, of which its node has told: there is evidence that verifies,
    /// or the second node says so too. One node's word would end the daemon otherwise.
    pub(super) fn is_slashed(&self) -> Result<bool, NodeError> {
        let ProviderParts { node, second, signer, .. } = &self.parts;
        let public_key = signer.public_key();
        // Of selective slashing there is none, and a node may not say.
        let is_proven = matches!(query::evidence(*node, &public_key), Ok(Some(_)));
        match second {
            _ if is_proven => Ok(true),
            Some(second) => {
                Ok(query::finality_provider(*second, &public_key)?.is_some_and(|found| found.is_slashed))
            }
            None => Ok(false),
        }
    }

    /// Returns why a commitment that leaves a gap is not made now: the second node is not as far as the
    /// first.
    pub(super) fn not_so_far(&self, tip: ConsumerHeight) -> Option<String> {
        let second = self.parts.second?;
        match second.status() {
            Ok(status) if status.height.saturating_add(MOST_APART) >= tip => None,
            Ok(status) => Some(format!(
                "the node is at height {tip}, and the second one at {}: a gap would stay for ever",
                status.height
            )),
            Err(error) => Some(with_causes(&error)),
        }
    }
}
