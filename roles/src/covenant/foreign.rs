//! Whether the chain's parameters are mainnet's.

use babylon::with_causes;
use bitcoin::Network;
use bitcoin::absolute::Height;
use staking_scripts::{Parameters, ParametersHistory};

/// Returns what the chain's parameters lack of mainnet's that are built in, or contradict, where the network
/// is mainnet: a node alone is not believed which committee and which slashing script a mainnet stake has.
/// Newer versions than those that are built in are the node's word.
pub(super) fn foreign(
    history: &ParametersHistory<Parameters>,
    network: Network,
    bitcoin_height: u32,
) -> Option<String> {
    if network != Network::Bitcoin {
        return None;
    }
    match history.differences_from_mainnet(Height::from_consensus(bitcoin_height).ok()) {
        Ok(found) if found.is_empty() => None,
        Ok(found) => {
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            Some(found.join("; "))
        }
        Err(error) => Some(with_causes(&error)),
    }
}
