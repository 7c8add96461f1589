//! The chains that are served, and their nodes.

use std::sync::Arc;

use super::{StartError, as_error};
use crate::config::ChainSettings;
use crate::node::NodeError;
use crate::service::{AskedNode, ServedChain};
use crate::session::VoteRules;

/// Asks each node for its last block: one of another chain stops the start, one that is away does not.
pub(super) fn check_nodes(chains: &[ServedChain]) -> Result<(), StartError> {
    // All at once: a start waits for the slowest alone.
    let asked: Vec<_> = std::thread::scope(|scope| {
        let ask = |chain: &'_ ServedChain| {
            let node = chain.node.clone()?;
            let asking = std::thread::Builder::new().spawn_scoped(scope, move || node.node().tip()).ok()?;
            Some((chain.chain.chain_id.clone(), asking))
        };
        let asking: Vec<_> = chains.iter().filter_map(ask).collect();
        asking.into_iter().filter_map(|(chain_id, tip)| Some((chain_id, tip.join().ok()?))).collect()
    });
    for (chain_id, tip) in asked {
        match tip {
            Ok(tip) => tracing::info!(%chain_id, %tip, "the chain's own node says what is voted for"),
            Err(cause @ NodeError::OtherChain { .. }) => {
                return Err(StartError::Node(chain_id, cause));
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
    let ChainSettings {
        chain,
        committed_only,
        most_above,
        votes_per_minute,
        votes_at_once,
        sign_any_message,
        node,
        ..
    } = settings;
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
        votes_at_once: *votes_at_once,
        sign_any_message: *sign_any_message,
        node,
    }
}
