//! The chains that are served, and their nodes.

use std::sync::Arc;

use super::{StartError, as_error};
use crate::config::ChainSettings;
use crate::node::NodeError;
use crate::service::{AskedNode, ServedChain};
use crate::session::VoteRules;

/// Asks each node for its last block: one of another chain stops the start, one that is away does not.
pub(super) fn check_nodes(chains: &[ServedChain]) -> Result<(), StartError> {
    for ServedChain { chain, node, .. } in chains {
        let Some(asked) = node else { continue };
        let chain_id = &chain.chain_id;
        match asked.node().tip() {
            Ok(tip) => tracing::info!(%chain_id, %tip, "the chain's own node says what is voted for"),
            Err(cause @ NodeError::OtherChain { .. }) => {
                return Err(StartError::Node(chain_id.clone(), cause));
            }
            Err(error) => {
                let error = as_error(&error);
                tracing::warn!(%chain_id, error, "no vote is signed until the chain's own node answers");
            }
        }
    }
    Ok(())
}

/// Returns what the service does for a chain.
pub(super) fn served(settings: &ChainSettings) -> ServedChain {
    let ChainSettings { chain, committed_only, most_above, votes_per_minute, sign_any_message, node, .. } =
        settings;
    // A node has nothing above its last block, however long the signer was away.
    let most_above = if node.is_some() { u64::MAX } else { *most_above };
    let rules = VoteRules { committed_only: *committed_only, most_above };
    let node = node.as_ref().map(|node| {
        let node = node.kind.node(node.url.clone(), &chain.chain_id);
        Arc::new(AskedNode::new(node))
    });
    ServedChain {
        chain: chain.clone(),
        rules,
        votes_per_minute: *votes_per_minute,
        sign_any_message: *sign_any_message,
        node,
    }
}
