//! The finality provider's daemon on a real chain.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use babylon::node::ChainNode as _;
use babylon::query;
use finality::{ConsumerHeight, SignerChain};
use roles::provider::{
    ProviderAlert, ProviderDaemon, ProviderEvent, ProviderObserver, ProviderParts, ProviderPolicy,
    ProviderStep,
};
use serde_json::{Value, json};
use signer::protection::{ChangeKind, LaneChange, MemoryStore, Store as _};
use signer::session::{ProtectedSigner, VoteRules};
use staking_scripts::testing::key;

use crate::devnet::Devnet;
use crate::network::CHAIN_ID;
use crate::staking::{activate, register_provider};

#[derive(Debug, Default)]
struct Log(Mutex<Vec<ProviderEvent>>);

impl ProviderObserver for Log {
    fn observe(&self, event: &ProviderEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Log {
    fn has(&self, is_it: impl Fn(&ProviderEvent) -> bool) -> bool {
        self.0.lock().unwrap().iter().any(is_it)
    }

    fn raised(&self) -> BTreeSet<ProviderAlert> {
        let raised = |event: &ProviderEvent| match event {
            ProviderEvent::Raised { alert, .. } => Some(*alert),
            _ => None,
        };
        self.0.lock().unwrap().iter().filter_map(raised).collect()
    }
}

fn signer() -> ProtectedSigner {
    let store = Arc::new(MemoryStore::default());
    let rules = VoteRules { committed_only: true, most_above: u64::MAX };
    let chain = SignerChain::genesis(CHAIN_ID);
    let signer = ProtectedSigner::new(key("provider", 0), chain, store.clone(), rules);
    let kind = ChangeKind::Register(ConsumerHeight(0));
    store.change(vec![LaneChange { lane: signer.lane().clone(), kind }]).unwrap();
    signer
}

/// Few heights, and much happens soon.
fn policy() -> ProviderPolicy {
    ProviderPolicy {
        heights: 1_000,
        timestamping_delay: 400,
        most_votes: 20,
        unjail: true,
        least_coverage: 5,
        least_balance: 1,
        look_every: Duration::from_millis(200),
        ..ProviderPolicy::default()
    }
}

fn daemon<'a>(
    devnet: &'a Devnet,
    signer: &'a ProtectedSigner,
    log: &'a Log,
) -> ProviderDaemon<'a, ProtectedSigner> {
    let network = &devnet.network;
    ProviderDaemon::new(ProviderParts {
        node: &network.rpc,
        second: Some(&network.gateway),
        account: devnet.account(),
        signer,
        observer: log,
        policy: policy(),
    })
    .unwrap()
}

/// Steps until something holds.
fn run(
    devnet: &Devnet,
    daemon: &mut ProviderDaemon<'_, ProtectedSigner>,
    what: &str,
    mut holds: impl FnMut() -> bool,
) {
    devnet.network.wait(what, || {
        if daemon.step(Instant::now()) != ProviderStep::Again {
            std::thread::sleep(Duration::from_millis(50));
        }
        holds()
    });
}

fn height(devnet: &Devnet) -> u64 {
    devnet.network.rpc.status().unwrap().height.to_u64()
}

/// A provider with power, whose randomness this daemon has committed to and whose epoch is timestamped.
fn begin<'a>(
    devnet: &'a Devnet,
    signer: &'a ProtectedSigner,
    log: &'a Log,
) -> ProviderDaemon<'a, ProtectedSigner> {
    register_provider(devnet, &key("provider", 0));
    activate(devnet, &key("staker", 0), &key("provider", 0));
    let mut daemon = daemon(devnet, signer, log);
    let provider = *key("provider", 0).public_key();
    run(devnet, &mut daemon, "it commits", || {
        log.has(|event| matches!(event, ProviderEvent::Committed { .. }))
    });
    let committed = query::commitments(&devnet.network.rpc, &provider).unwrap();
    devnet.finalize_epochs(committed[0].epoch);
    run(devnet, &mut daemon, "it votes", || log.has(|event| matches!(event, ProviderEvent::Voted { .. })));
    daemon
}

/// Heights from the first one with power on that have no vote.
fn missed(devnet: &Devnet, last: u64) -> Vec<u64> {
    let node = &devnet.network.rpc;
    let provider = *key("provider", 0).public_key();
    let first = query::activated_height(node).unwrap().unwrap().to_u64();
    let is_missed = |at: &u64| {
        let at = ConsumerHeight(*at);
        let has_power = query::power_at(node, &provider, at).unwrap() > 0;
        has_power && !query::votes_at(node, at).unwrap().contains(&provider)
    };
    (first..=last).filter(is_missed).collect()
}

#[test]
fn every_height_is_voted_for_and_what_was_missed_is_caught_up() {
    let Some(devnet) = Devnet::start() else { return };
    let (signer, log) = (signer(), Log::default());
    let mut daemon = begin(&devnet, &signer, &log);
    let begun = height(&devnet);
    run(&devnet, &mut daemon, "50 heights are voted on", || height(&devnet) > begun + 50);
    assert_eq!(missed(&devnet, begun + 45), [0_u64; 0]);
    // Nobody votes for a while; then another daemon does, with the same signer.
    drop(daemon);
    let left = height(&devnet);
    devnet.network.wait("40 blocks are missed", || height(&devnet) > left + 40);
    let mut daemon = self::daemon(&devnet, &signer, &log);
    let node = &devnet.network.rpc;
    run(&devnet, &mut daemon, "it has caught up", || {
        query::last_final_height(node).unwrap().is_some_and(|last| last.to_u64() > left + 45)
    });
    assert_eq!(missed(&devnet, left + 45), [0_u64; 0]);
    let raised = log.raised();
    // Before the first timestamp, and after nobody had voted.
    assert!(
        raised.is_subset(&BTreeSet::from([ProviderAlert::Coverage, ProviderAlert::Missed])),
        "{raised:?}"
    );
    assert_eq!(daemon.facts().left_out, 0);
}

/// A window of 20 blocks, of which half must be voted for, and a jail of two seconds.
fn strict(genesis: &mut Value) {
    let parameters = &mut genesis["app_state"]["finality"]["params"];
    assert!(parameters.get("signed_blocks_window").is_some(), "{parameters}");
    parameters["signed_blocks_window"] = json!("20");
    parameters["finality_sig_timeout"] = json!("3");
    parameters["jail_duration"] = json!("2s");
}

#[test]
fn who_is_jailed_for_missed_votes_is_unjailed_and_votes_again() {
    let Some(devnet) = Devnet::start_with(strict) else { return };
    let (signer, log) = (signer(), Log::default());
    let mut daemon = begin(&devnet, &signer, &log);
    let provider = *key("provider", 0).public_key();
    let node = &devnet.network.rpc;
    let is_jailed = || query::finality_provider(node, &provider).unwrap().unwrap().is_jailed;
    devnet.network.wait("it is jailed", is_jailed);
    run(&devnet, &mut daemon, "it is unjailed", || log.has(|event| *event == ProviderEvent::Unjailed));
    assert!(!is_jailed() && log.raised().contains(&ProviderAlert::Jailed));
    let unjailed = height(&devnet);
    run(&devnet, &mut daemon, "it votes again", || {
        daemon_voted(&log).is_some_and(|last| last > unjailed + 5)
    });
    assert!(daemon.alerts().all(|alert| alert != ProviderAlert::Jailed));
}

fn daemon_voted(log: &Log) -> Option<u64> {
    let voted = |event: &ProviderEvent| match event {
        ProviderEvent::Voted { last, .. } => Some(last.to_u64()),
        _ => None,
    };
    log.0.lock().unwrap().iter().filter_map(voted).max()
}
