//! Whether the chain and the Bitcoin node see the same Bitcoin, and both of now.

use std::time::{Duration, SystemTime};

use babylon::node::ChainNode;
use babylon::query;
use babylon::with_causes;
use chain::{BlockHeight, ChainSource};

use super::alert::{CovenantAlert, CovenantFacts};
use super::daemon::CovenantPolicy;

/// How many blocks the two may differ.
const MOST_APART: u32 = 2;

/// What is wrong, and why.
pub(super) type Trouble = (CovenantAlert, String);

/// Compares the tips, and notes their heights.
pub(super) fn compare(
    node: &dyn ChainNode,
    bitcoin: &dyn ChainSource,
    policy: &CovenantPolicy,
    now: SystemTime,
    facts: &mut CovenantFacts,
) -> Result<(), Trouble> {
    let of_node = |error: babylon::node::NodeError| (CovenantAlert::Node, with_causes(&error));
    let of_bitcoin = |error: chain::NodeError| (CovenantAlert::BitcoinNode, with_causes(&error));
    let status = node.status().map_err(of_node)?;
    let known = query::light_client_tip(node).map_err(of_node)?;
    let tip = bitcoin.tip().map_err(of_bitcoin)?;
    facts.bitcoin_height = tip.height.to_u32();
    facts.light_client_height = known.height;
    if status.is_catching_up {
        return Err((CovenantAlert::Stale, "the chain's node is still catching up".to_owned()));
    }
    if bitcoin.is_syncing().map_err(of_bitcoin)? {
        return Err((
            CovenantAlert::Stale,
            "the Bitcoin node has not all blocks of its chain yet".to_owned(),
        ));
    }
    let made = at(u64::try_from(status.time.unix_timestamp()).unwrap_or_default());
    stale("the chain", made, policy.chain_stale_after, now)?;
    let header = bitcoin.header(&tip.hash).map_err(of_bitcoin)?.header;
    stale("Bitcoin", at(header.time.into()), policy.bitcoin_stale_after, now)?;
    if tip.height.to_u32().abs_diff(known.height) > MOST_APART {
        let reason = format!(
            "the Bitcoin node is at height {}, and the chain knows Bitcoin up to {}",
            tip.height, known.height
        );
        return Err((CovenantAlert::Differing, reason));
    }
    // The lower of both tips is in the chain of the other; of what is higher nobody else knows yet.
    let (is_same, reason) = match known.height.checked_sub(tip.height.to_u32()).filter(|above| *above > 0) {
        None => {
            let own = bitcoin.block_hash(BlockHeight::new(known.height)).map_err(of_bitcoin)?;
            (own == known.hash, format!("{own} by the Bitcoin node and {} by the chain", known.hash))
        }
        Some(above) => {
            // The chain may have learned of more blocks since it told its tip.
            let depth = query::header_depth(node, tip.hash).map_err(of_node)?;
            (
                depth.is_some_and(|depth| depth >= above),
                format!("{} by the Bitcoin node and another by the chain", tip.hash),
            )
        }
    };
    match is_same {
        true => Ok(()),
        false => {
            let height = known.height.min(tip.height.to_u32());
            Err((CovenantAlert::Differing, format!("the Bitcoin block at height {height} is {reason}")))
        }
    }
}

/// The time of these seconds since 1970.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn stale(what: &str, made: SystemTime, after: Duration, now: SystemTime) -> Result<(), Trouble> {
    match now.duration_since(made) {
        Ok(age) if age > after => {
            Err((CovenantAlert::Stale, format!("the last block of {what} is {} seconds old", age.as_secs())))
        }
        _ => Ok(()),
    }
}
