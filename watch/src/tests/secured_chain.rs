//! The secured chain as a source: lists with pages, what blocks tell, and nodes that do not behave. The
//! entries are what a node of the chain answered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use babylon::node::{Answer, BlockHeader, ChainNode, Event, Executed, NodeError, NodeStatus, Query, Refusal};
use finality::ConsumerHeight;
use serde_json::{Value, json};

use crate::sources::{Heard, SecuredChain};

fn sample(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/node").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn entry(name: &str) -> Value {
    let found = sample(&format!("samples/rest-delegation-{name}.json"));
    found.get("btc_delegation").cloned().unwrap_or(found)
}

/// A node that answers from a table of paths.
#[derive(Debug, Default)]
struct Node {
    height: Mutex<u64>,
    answers: Mutex<BTreeMap<String, Value>>,
    events: Mutex<BTreeMap<u64, Vec<Event>>>,
    has_no_events: bool,
    fails: Mutex<bool>,
}

impl Node {
    fn at(height: u64) -> Self {
        let node = Self { height: Mutex::new(height), ..Self::default() };
        node.set("evidences", sample("answers/rest-evidences.json"));
        node
    }

    fn set(&self, path: &str, answer: Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn page(&self, path: &str, entries: &[Value], next: Option<&str>) {
        self.set(
            path,
            json!({ "btc_delegations": entries, "pagination": { "next_key": next, "total": "0" } }),
        );
    }

    fn happens(&self, height: u64, events: Vec<Event>) {
        self.events.lock().unwrap().insert(height, events);
        *self.height.lock().unwrap() = height;
    }
}

impl ChainNode for Node {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        if *self.fails.lock().unwrap() {
            return Err(NodeError::NoIndex);
        }
        Ok(NodeStatus {
            chain_id: "bbn-1".to_owned(),
            height: ConsumerHeight(*self.height.lock().unwrap()),
            time: time::OffsetDateTime::UNIX_EPOCH,
            is_catching_up: false,
        })
    }

    fn header(&self, _: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        Ok(None)
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        if *self.fails.lock().unwrap() {
            return Err(NodeError::NoIndex);
        }
        let (path, parameters) = query.path.split_once('?').unwrap_or((&query.path, ""));
        let name = path.rsplit('/').next().unwrap();
        let key = parameters.split('&').find_map(|part| part.strip_prefix("pagination.key="));
        let name = match key.filter(|key| !key.is_empty()) {
            Some(key) => format!("{name} {key}"),
            None => name.to_owned(),
        };
        let empty = json!({ "btc_delegations": [], "pagination": { "next_key": null, "total": "0" } });
        let found = self.answers.lock().unwrap().get(&name).cloned();
        if found == Some(Value::Null) {
            return Err(NodeError::Refused(Refusal::new("", 5, "not found")));
        }
        Ok(Answer::Json(found.unwrap_or(empty).to_string()))
    }

    fn broadcast(&self, _: &[u8]) -> Result<(), NodeError> {
        Ok(())
    }

    fn executed(&self, _: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        Ok(None)
    }

    fn block_events(&self, height: ConsumerHeight) -> Result<Option<Vec<Event>>, NodeError> {
        match self.has_no_events {
            true => Err(NodeError::NotOffered { what: "events" }),
            false => Ok(Some(self.events.lock().unwrap().get(&height.0).cloned().unwrap_or_default())),
        }
    }
}

/// In words.
fn said(heard: Heard) -> String {
    match heard {
        Heard::Stake { delegation, status, is_new, .. } => {
            let txid = delegation.staking_transaction.compute_txid().to_string();
            let status = status.map_or("-", |status| status.as_str());
            format!("{} {status}{}", &txid[..8], if is_new { " new" } else { "" })
        }
        Heard::Status { stake, status } => format!("{} is {}", &stake.to_string()[..8], status.as_str()),
        Heard::Evidence(evidence) => format!("evidence {}", &evidence.public_key.to_string()[..8]),
        Heard::Unreadable { what } => format!("unreadable {}", what.split(':').next().unwrap()),
    }
}

/// Steps until nothing waits, or it fails.
fn all(chain: &mut SecuredChain<'_>, now: Instant) -> (Vec<String>, Result<(), NodeError>) {
    let heard = RefCell::new(Vec::new());
    for _ in 0..500 {
        match chain.step(now, &mut |one| heard.borrow_mut().push(said(one))) {
            Ok(true) => {}
            Ok(false) => return (heard.into_inner(), Ok(())),
            Err(error) => return (heard.into_inner(), Err(error)),
        }
    }
    panic!("it does not come to rest: {:?}", heard.into_inner());
}

#[test]
fn lists_have_pages_and_bad_entries() {
    let node = Node::at(100);
    let mut broken = entry("verified");
    broken["staking_tx_hex"] = json!("00");
    node.page("ACTIVE", &[entry("active")], Some("AQ=="));
    node.page("ACTIVE AQ%3D%3D", &[broken, entry("extension-active")], None);
    node.page("VERIFIED", &[entry("verified")], None);
    node.page("EXPIRED", &[entry("expired")], None);
    let mut chain = SecuredChain::new(&node);
    let begun = Instant::now();
    let (heard, result) = all(&mut chain, begun);
    result.unwrap();
    let evidence: Vec<_> = heard.iter().filter(|one| one.starts_with("evidence")).cloned().collect();
    assert!(!evidence.is_empty(), "{heard:?}");
    let stakes: Vec<_> = heard.iter().filter(|one| !one.starts_with("evidence")).cloned().collect();
    assert_eq!(stakes.len(), 5, "{stakes:?}");
    let of = |status: &str| stakes.iter().filter(|one| one.ends_with(status)).count();
    assert_eq!((of("VERIFIED"), of("ACTIVE"), of("EXPIRED")), (1, 2, 1), "{stakes:?}");
    assert!(stakes.iter().any(|one| one.starts_with("unreadable the stake")), "{stakes:?}");
    // Nothing is new: nothing is heard; evidence after a minute, all after hours.
    assert_eq!(all(&mut chain, begun + Duration::from_secs(30)).0, Vec::<String>::new());
    assert_eq!(all(&mut chain, begun + Duration::from_secs(61)).0, evidence);
    assert_eq!(all(&mut chain, begun + Duration::from_secs(7 * 3600)).0.len(), heard.len());
}

#[test]
fn blocks_tell_what_happens_after_the_list() {
    let node = Node::at(100);
    let mut chain = SecuredChain::new(&node);
    let begun = Instant::now();
    all(&mut chain, begun).1.unwrap();
    let active = entry("active");
    let delegation = babylon::staking_scripts::Delegation::from_chain_json(
        &json!({ "btc_delegation": active }).to_string(),
    );
    let txid = delegation.unwrap().remove(0).staking_transaction.compute_txid().to_string();
    let event = |kind: &str, attributes: &[(&str, Value)]| Event {
        kind: format!("babylon.btcstaking.v1.{kind}"),
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect(),
    };
    let keys: Vec<Value> = active["fp_btc_pk_list"].as_array().unwrap().clone();
    let created = event(
        "EventBTCDelegationCreated",
        &[
            ("staking_tx_hex", active["staking_tx_hex"].clone()),
            ("finality_provider_btc_pks_hex", json!(keys)),
            ("params_version", json!("0")),
            ("previous_staking_tx_hash_hex", json!("")),
        ],
    );
    node.happens(101, vec![created]);
    // The node that is asked is behind the one that told.
    node.set(&txid, Value::Null);
    let (heard, _) = all_or_waiting(&mut chain, begun);
    assert!(heard.iter().all(|one| !one.contains("new")), "{heard:?}");
    node.set(&txid, json!({ "btc_delegation": active }));
    assert_eq!(all_or_waiting(&mut chain, begun).0, Vec::<String>::new());
    let begun = begun + Duration::from_secs(6);
    let (heard, _) = all_or_waiting(&mut chain, begun);
    assert_eq!(heard, [format!("{} - new", &txid[..8])]);
    let quorum = event("EventCovenantQuorumReached", &[("staking_tx_hash", json!(txid))]);
    let times = [("staking_tx_hash", json!(txid)), ("start_height", json!("3")), ("end_height", json!("9"))];
    let included = event("EventBTCDelegationInclusionProofReceived", &times);
    let odd = event("EventBTCDelegationExpired", &[]);
    node.happens(102, vec![quorum, odd, included]);
    let (heard, result) = all_or_waiting(&mut chain, begun);
    result.unwrap();
    assert_eq!(
        heard,
        [
            "unreadable an event at height 102",
            &format!("{} is ACTIVE", &txid[..8]),
            &format!("{} -", &txid[..8])
        ]
    );
    // It fails, and nothing is lost.
    *node.fails.lock().unwrap() = true;
    let expired = event("EventBTCDelegationExpired", &[("staking_tx_hash", json!(txid))]);
    node.happens(103, vec![expired]);
    all_or_waiting(&mut chain, begun).1.unwrap_err();
    *node.fails.lock().unwrap() = false;
    assert_eq!(all_or_waiting(&mut chain, begun).0, [format!("{} is EXPIRED", &txid[..8])]);
}

/// As [`all`], for some steps: a stake that the node does not have yet is asked for again and again.
fn all_or_waiting(chain: &mut SecuredChain<'_>, now: Instant) -> (Vec<String>, Result<(), NodeError>) {
    let mut heard = Vec::new();
    for _ in 0..4 {
        match chain.step(now, &mut |one| heard.push(said(one))) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return (heard, Err(error)),
        }
    }
    (heard, Ok(()))
}

#[test]
fn pages_that_never_end_are_left() {
    let node = Node::at(100);
    node.page("ACTIVE", &[entry("active")], Some("AQ=="));
    node.page("ACTIVE AQ%3D%3D", &[entry("active")], Some("AQ=="));
    let mut chain = SecuredChain::new(&node);
    let begun = Instant::now();
    let error = all(&mut chain, begun).1.unwrap_err().to_string();
    assert!(error.contains("the same page again and again"), "{error}");
    // What blocks tell is heard all the same, and the list is begun anew later.
    let expired = ("staking_tx_hash".to_owned(), format!("{:?}", "11".repeat(32)));
    let kind = "babylon.btcstaking.v1.EventBTCDelegationExpired".to_owned();
    node.happens(101, vec![Event { kind, attributes: vec![expired] }]);
    assert_eq!(all(&mut chain, begun).0, ["11111111 is EXPIRED"]);
    assert!(!chain.is_listed());
    node.page("ACTIVE AQ%3D%3D", &[entry("expired")], None);
    let (heard, result) = all(&mut chain, begun + Duration::from_secs(61));
    result.unwrap();
    assert!(chain.is_listed());
    // Also what was on the page that was understood before.
    assert_eq!(heard.iter().filter(|one| one.ends_with("ACTIVE")).count(), 2, "{heard:?}");
}

#[test]
fn node_without_events_is_listed_more_often() {
    let node = Node { has_no_events: true, ..Node::at(100) };
    node.page("ACTIVE", &[entry("active")], None);
    let mut chain = SecuredChain::new(&node);
    let begun = Instant::now();
    let active = |heard: &[String]| heard.iter().filter(|one| one.ends_with("ACTIVE")).count();
    assert_eq!(active(&all(&mut chain, begun).0), 1);
    // That it does not tell is known when there is something to tell.
    node.happens(101, Vec::new());
    assert_eq!(active(&all(&mut chain, begun).0), 0);
    assert_eq!(active(&all(&mut chain, begun + Duration::from_secs(599)).0), 0);
    assert_eq!(active(&all(&mut chain, begun + Duration::from_secs(601)).0), 1);
}
