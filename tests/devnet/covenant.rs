//! The covenant member's daemon on a real chain.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use babylon::Message;
use babylon::query::{self, DelegationStatus};
use bitcoin::hashes::Hash as _;
use bitcoin::{BlockHash, Network, Txid};
use roles::covenant::{
    CovenantAlert, CovenantDaemon, CovenantEvent, CovenantObserver, CovenantParts, CovenantPolicy,
    CovenantStep,
};
use staking_scripts::delegation::MemoryCovenantRecord;
use staking_scripts::testing::key;

use crate::devnet::Devnet;
use crate::staking::{register_provider, stake};

#[derive(Debug, Default)]
struct Log(Mutex<Vec<CovenantEvent>>);

impl CovenantObserver for Log {
    fn observe(&self, event: &CovenantEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

fn daemon<'a>(devnet: &'a Devnet, member: usize, log: &'a Log) -> CovenantDaemon<'a, MemoryCovenantRecord> {
    CovenantDaemon::new(CovenantParts {
        node: &devnet.network.rpc,
        bitcoin: &devnet.bitcoin,
        network: Network::Regtest,
        account: devnet.account(),
        key: &devnet.covenant[member],
        record: MemoryCovenantRecord::default(),
        fresh: &|| [9; 32],
        observer: log,
        policy: CovenantPolicy {
            least_balance: 1,
            // The blocks of the test are made when they are wanted, and say what they like of the time.
            bitcoin_stale_after: Duration::from_secs(u64::from(u32::MAX)),
            ..CovenantPolicy::default()
        },
    })
}

/// Registers a stake that nobody has signed but its staker.
fn register(devnet: &Devnet, number: usize) -> Txid {
    let (delegation, _) = stake(devnet, &key("staker", number), &key("provider", 0));
    devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);
    delegation.staking_transaction.compute_txid()
}

fn of(devnet: &Devnet, status: DelegationStatus) -> Vec<Txid> {
    let found = query::delegations(&devnet.network.rpc, status).unwrap();
    found.iter().map(|found| found.staking_transaction.compute_txid()).collect()
}

#[test]
fn members_sign_what_waits_and_nothing_while_bitcoin_differs() {
    let Some(devnet) = Devnet::start() else { return };
    register_provider(&devnet, &key("provider", 0));
    let (log, other) = (Log::default(), Log::default());
    let (mut first, mut second) = (daemon(&devnet, 0, &log), daemon(&devnet, 1, &other));
    let mut stakes: Vec<_> = (0..2).map(|number| register(&devnet, number)).collect();
    stakes.sort();
    assert_eq!(first.step(SystemTime::now()), CovenantStep::Wait);
    assert_eq!((first.facts().pending, first.facts().submitted, first.alerts().count()), (2, 2, 0));
    assert_eq!(of(&devnet, DelegationStatus::Pending).len(), 2, "one member is no quorum");
    // What is signed is not signed again, by this daemon or by one that is started anew.
    first.step(SystemTime::now());
    let mut again = daemon(&devnet, 0, &log);
    again.step(SystemTime::now());
    assert_eq!((first.facts().submitted, again.facts().submitted), (2, 0));
    second.step(SystemTime::now());
    let mut verified = of(&devnet, DelegationStatus::Verified);
    verified.sort();
    assert_eq!(verified, stakes);

    // What is below the tip is in the light client's chain; what Bitcoin does not have is not.
    let below = devnet.headers_from(devnet.tip() - 2)[0].block_hash();
    let stranger = devnet.headers_from(1)[0].merkle_root.to_byte_array();
    let nodes: [&dyn babylon::node::ChainNode; 2] = [&devnet.network.rpc, &devnet.network.gateway];
    for node in nodes {
        assert_eq!(query::header_depth(node, below).unwrap(), Some(2));
        assert_eq!(query::header_depth(node, BlockHash::from_byte_array(stranger)).unwrap(), None);
    }

    // Three blocks that the chain does not know: nothing is signed until it does.
    let waiting = register(&devnet, 2);
    devnet.mine(3);
    first.step(SystemTime::now());
    assert_eq!(first.alerts().collect::<Vec<_>>(), [CovenantAlert::Differing]);
    assert_eq!(first.facts().submitted, 2);
    devnet.tell_headers();
    first.step(SystemTime::now());
    assert_eq!((first.facts().submitted, first.alerts().count()), (3, 0));
    second.step(SystemTime::now());
    assert!(of(&devnet, DelegationStatus::Verified).contains(&waiting));
    // A chain that stands still tells nothing of now.
    let later = SystemTime::now() + Duration::from_secs(3600);
    first.step(later);
    assert_eq!(first.alerts().collect::<Vec<_>>(), [CovenantAlert::Stale]);
    let submitted =
        log.0.lock().unwrap().iter().filter(|event| matches!(event, CovenantEvent::Submitted(_))).count();
    assert_eq!(submitted, 3);
}

/// A key that is in no committee signs nothing, and says so.
#[test]
fn who_is_no_member_is_told_so() {
    let Some(devnet) = Devnet::start() else { return };
    register_provider(&devnet, &key("provider", 0));
    register(&devnet, 0);
    let (log, stranger) = (Log::default(), key("stranger", 0));
    let parts = daemon(&devnet, 0, &log).into_parts();
    let mut daemon = CovenantDaemon::new(CovenantParts { key: &stranger, ..parts });
    daemon.step(SystemTime::now());
    assert_eq!(daemon.alerts().collect::<Vec<_>>(), [CovenantAlert::NotAMember]);
    assert_eq!(daemon.facts().submitted, 0);
}
