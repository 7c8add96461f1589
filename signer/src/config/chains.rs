//! The chains of a configuration.

use std::collections::BTreeSet;

use endpoint::Url;
use finality::{ConsumerHeight, SignerChain};

use super::error::ConfigRule;
use super::model::{ChainSettings, HighestVote, KeySettings, NodeSettings};
use super::problems::shown;
use super::read::some;
use super::table::Table;
use crate::node::NodeKind;
use crate::session::VoteRules;

/// The length that chains allow their ids is 50.
const MAX_CHAIN_ID_BYTES: usize = 128;

pub(super) fn chains(
    root: &Table<'_>,
    keys: &[KeySettings],
    warnings: &mut Vec<String>,
) -> Vec<ChainSettings> {
    let problems = root.problems;
    let mut chains: Vec<ChainSettings> = Vec::new();
    for table in some(root, "chain") {
        let consumer = table.child("consumer").map(|consumer| {
            (consumer.required_text("verifying_chain_id"), consumer.required_text("address"))
        });
        let committed_only = table.boolean("committed_only").is_none_or(|only| only.value);
        let most_above = table.integer("most_above").unwrap_or(VoteRules::default().most_above);
        let votes_per_minute = table.small_integer("votes_per_minute").unwrap_or(600);
        let votes_at_once = table.small_integer("votes_at_once").unwrap_or(1000);
        let sign_any_message = table.boolean("sign_any_message").is_some_and(|any| any.value);
        let highest_votes = highest_votes(&table, keys);
        let node = table.child("node").map(|node| (node.place().clone(), self::node(&node)));
        if let Some((place, _)) = &node
            && sign_any_message
        {
            problems.add(place, ConfigRule::Excluded { other: "sign_any_message" });
        }
        let node = node.and_then(|(_, node)| node);
        let Some(given) = table.required_text("chain_id") else { continue };
        let chain_id = given.value;
        if chain_id.len() > MAX_CHAIN_ID_BYTES || chain_id.chars().any(char::is_control) {
            let must = format!("a text of at most {MAX_CHAIN_ID_BYTES} bytes without control characters");
            problems.add(&given.place, ConfigRule::Choice { found: shown(&chain_id), must });
        }
        if chains.iter().any(|chain| chain.chain.chain_id == chain_id) {
            problems.add(&given.place, ConfigRule::Duplicate { found: shown(&chain_id) });
        }
        if !committed_only {
            warnings.push(format!("votes on {chain_id:?} are signed for heights that are not committed"));
        }
        if sign_any_message {
            warnings.push(format!("messages that are no votes are signed on {chain_id:?}"));
        }
        if let Some(NodeSettings { url, .. }) = node.as_ref().filter(|node| node.url.is_exposed()) {
            warnings.push(format!(
                "the node of {chain_id:?} is asked in plaintext at {url}: whoever is on the way can answer in its place"
            ));
        }
        let chain = match consumer {
            Some((Some(verifying), Some(address))) => {
                SignerChain::consumer(chain_id, &verifying.value, &address.value)
            }
            _ => SignerChain::genesis(chain_id),
        };
        if let Some(other) = chains.iter().find(|other| same_contexts(&other.chain, &chain)) {
            warnings.push(format!(
                "{:?} and {:?} have the same signing contexts: what a key signs for one is valid on the other",
                other.chain.chain_id, chain.chain_id
            ));
        }
        chains.push(ChainSettings {
            chain,
            committed_only,
            most_above,
            votes_per_minute,
            votes_at_once,
            sign_any_message,
            highest_votes,
            node,
        });
    }
    if let (Some(with), Some(without)) =
        (chains.iter().find(|chain| chain.node.is_some()), chains.iter().find(|chain| chain.node.is_none()))
    {
        warnings.push(format!(
            "{:?} has a node and {:?} has none: whoever chooses the votes of one can combine them against the same key on the other",
            with.chain.chain_id, without.chain.chain_id
        ));
    }
    chains
}

fn same_contexts(one: &SignerChain, other: &SignerChain) -> bool {
    one.vote_context == other.vote_context && one.commitment_context == other.commitment_context
}

fn highest_votes(table: &Table<'_>, keys: &[KeySettings]) -> Vec<HighestVote> {
    let mut seen = BTreeSet::new();
    let mut votes = Vec::new();
    for vote in table.children("highest_votes") {
        let height = vote.integer("height");
        if !vote.has("height") {
            vote.missing("height", "");
        }
        let Some(given) = vote.required_text("key") else { continue };
        let Some(key) = keys.iter().map(|key| &key.name).find(|name| name.as_str() == given.value) else {
            let known = keys.iter().map(|key| key.name.to_string()).collect();
            let rule = ConfigRule::UnknownName { found: shown(&given.value), what: "key", known };
            vote.problems.add(&given.place, rule);
            continue;
        };
        if !seen.insert(key) {
            vote.problems.add(&given.place, ConfigRule::Duplicate { found: key.to_string() });
        }
        votes.extend(height.map(|height| HighestVote { key: key.clone(), height: ConsumerHeight(height) }));
    }
    votes
}

fn node(table: &Table<'_>) -> Option<NodeSettings> {
    let problems = table.problems;
    let kind = match table.text("kind") {
        None => Some(NodeKind::CometBft),
        Some(given) => {
            let must = NodeKind::ALL.map(|kind| format!("{:?}", kind.as_str())).join(" or ");
            let kind = given.value.parse::<NodeKind>();
            let wrong = |()| ConfigRule::Choice { found: shown(&given.value), must };
            problems.take(&given.place, kind.map_err(wrong))
        }
    };
    let given = table.required_text("url")?;
    let url = given.value.parse::<Url>();
    let wrong = |cause| ConfigRule::NodeUrl { found: shown(&given.value), cause };
    let url = problems.take(&given.place, url.map_err(wrong))?;
    Some(NodeSettings { kind: kind?, url })
}
