//! A covenant member's daemon, whose chain lists what it likes.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use babylon::AccountKey;
use babylon::client::Pace;
use babylon::node::{Answer, BlockHeader, ChainNode, Executed, NodeError, NodeStatus, Query};
use babylon::testing::{Fault, ScriptedChain};
use bitcoin::hashes::Hash as _;
use bitcoin::{BlockHash, Network, Txid};
use chain::ChainSource as _;
use eots::SecretKey;
use finality::ConsumerHeight;
use serde_json::{Value, json};
use staking_scripts::delegation::{MemoryCovenantRecord, RecordVerdict, SignedStake};
use staking_scripts::testing::{ACCOUNT, genesis, history_file, honest, included_of, members};
use staking_scripts::{CovenantRecord, Delegation, Parameters, ParametersHistory};

use crate::covenant::{
    CovenantAlert, CovenantDaemon, CovenantEvent, CovenantObserver, CovenantParts, CovenantPolicy,
};

#[derive(Debug, Default)]
struct Log(Mutex<Vec<CovenantEvent>>);

impl CovenantObserver for Log {
    fn observe(&self, event: &CovenantEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Log {
    fn refused(&self) -> Vec<String> {
        let refused = |event: &CovenantEvent| match event {
            CovenantEvent::Refused { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        self.0.lock().unwrap().iter().filter_map(refused).collect()
    }
}

/// A chain that lists these stakes as pending.
#[derive(Debug)]
struct Listing {
    chain: ScriptedChain,
    pending: Mutex<Vec<Value>>,
    tip: Mutex<(u32, BlockHash)>,
    /// Blocks that the light client has, and how deep.
    depths: Mutex<Vec<(String, u32)>>,
    parameters: String,
    /// Stakes that are asked for by their ids.
    registered: Mutex<Vec<(Txid, Value)>>,
}

impl ChainNode for Listing {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        self.chain.status()
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        self.chain.header(height)
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        let answer = match query.method {
            "/babylon.btcstaking.v1.Query/BTCDelegations" => {
                json!({ "btc_delegations": *self.pending.lock().unwrap(), "pagination": null })
            }
            "/babylon.btcstaking.v1.Query/ParamsVersions" => serde_json::from_str(&self.parameters).unwrap(),
            "/babylon.btcstaking.v1.Query/BTCDelegation" => {
                let registered = self.registered.lock().unwrap();
                match registered.iter().find(|(id, _)| query.path.ends_with(&id.to_string())) {
                    Some((_, stake)) => json!({ "btc_delegation": stake }),
                    None => return self.chain.query(query),
                }
            }
            "/babylon.btclightclient.v1.Query/Tip" => {
                let (height, hash) = *self.tip.lock().unwrap();
                json!({ "header": { "header_hex": "", "hash_hex": hash.to_string(), "height": height } })
            }
            "/babylon.btclightclient.v1.Query/HeaderDepth" => {
                let depths = self.depths.lock().unwrap();
                match depths.iter().find(|(hash, _)| query.path.ends_with(hash)) {
                    Some((_, depth)) => json!({ "depth": depth }),
                    // It refuses what it does not know.
                    None => return self.chain.query(query),
                }
            }
            _ => return self.chain.query(query),
        };
        Ok(Answer::Json(answer.to_string()))
    }

    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        self.chain.broadcast(transaction)
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        self.chain.executed(hash)
    }
}

/// What a node answers for a stake that nobody of the committee has signed.
fn listed(delegation: &Delegation) -> Value {
    let own: Value = serde_json::from_str(&delegation.to_json()).unwrap();
    json!({
        "staker_addr": ACCOUNT, "btc_pk": own["staker"], "fp_btc_pk_list": own["finality_providers"],
        "staking_time": own["staking_time_blocks"], "start_height": 0, "end_height": 0,
        "total_sat": own["staking_amount_sat"].to_string(), "staking_tx_hex": own["staking_transaction"],
        "slashing_tx_hex": own["slashing_transaction"],
        "delegator_slash_sig_hex": own["staker_signatures"]["slashing"], "covenant_sigs": [],
        "staking_output_idx": 0, "active": false, "status_desc": "PENDING",
        "unbonding_time": own["unbonding_time_blocks"],
        "undelegation_response": {
            "unbonding_tx_hex": own["unbonding_transaction"], "covenant_unbonding_sig_list": [],
            "slashing_tx_hex": own["unbonding_slashing_transaction"],
            "delegator_slashing_sig_hex": own["staker_signatures"]["unbonding_slashing"],
            "covenant_slashing_sigs": [], "delegator_unbonding_info_response": null,
        },
        "params_version": 0, "stk_exp": null,
    })
}

struct World {
    network: Network,
    node: Listing,
    bitcoin: chain::testing::ScriptedChain,
    account: AccountKey,
    member: SecretKey,
    log: Log,
}

/// A record that can fail.
struct Record<'a>(&'a Mutex<(MemoryCovenantRecord, bool)>);

impl CovenantRecord for Record<'_> {
    type Error = std::io::Error;

    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, std::io::Error> {
        let mut record = self.0.lock().unwrap();
        if record.1 {
            return Err(std::io::Error::other("the disk is full"));
        }
        Ok(record.0.check_and_record(stake).unwrap())
    }
}

impl World {
    fn new() -> Self {
        let chain = ScriptedChain::new("bbn-1");
        let account = AccountKey::from_bytes(&[9; 32]).unwrap();
        let address = account.address().unwrap();
        chain.open_account(&address, 3, 0);
        chain.set_balance(&address, 5_000_000);
        let bitcoin = chain::testing::ScriptedChain::new();
        let tip = bitcoin.tip().unwrap();
        let tip = Mutex::new((tip.height.to_u32(), tip.hash));
        let node = Listing {
            chain,
            pending: Mutex::default(),
            tip,
            depths: Mutex::default(),
            parameters: history_file(&[0], |_, _| {}),
            registered: Mutex::default(),
        };
        Self {
            network: Network::Regtest,
            node,
            bitcoin,
            account,
            member: members(0)[4].clone(),
            log: Log::default(),
        }
    }

    fn daemon<'a>(
        &'a self,
        record: &'a Mutex<(MemoryCovenantRecord, bool)>,
    ) -> CovenantDaemon<'a, Record<'a>> {
        let policy = CovenantPolicy { bitcoin_stale_after: Duration::MAX, ..CovenantPolicy::default() };
        self.daemon_with(record, policy)
    }

    fn daemon_with<'a>(
        &'a self,
        record: &'a Mutex<(MemoryCovenantRecord, bool)>,
        policy: CovenantPolicy,
    ) -> CovenantDaemon<'a, Record<'a>> {
        let price = "0.002ubbn".parse().unwrap();
        let pace =
            Pace { between: Duration::from_millis(1), patience: Duration::from_millis(300), blocks: 20 };
        let account =
            babylon::Account::open(&self.node, &self.account, "bbn-1", price).unwrap().with_pace(pace);
        CovenantDaemon::new(CovenantParts {
            node: &self.node,
            bitcoin: &self.bitcoin,
            network: self.network,
            account,
            key: &self.member,
            record: Record(record),
            fresh: &|| [7; 32],
            observer: &self.log,
            policy,
        })
    }

    fn list(&self, stakes: Vec<Value>) {
        *self.node.pending.lock().unwrap() = stakes;
    }

    /// How often the chain was handed signatures for a stake.
    fn times(&self, stake: Txid) -> usize {
        let id = stake.to_string();
        let has = |bytes: &Vec<u8>| bytes.windows(64).any(|window| window == id.as_bytes());
        self.node.chain.transactions().iter().filter(|bytes| has(bytes)).count()
    }
}

fn changed(stake: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut stake = stake.clone();
    change(&mut stake);
    stake
}

#[test]
fn one_bad_stake_stops_no_other_and_is_told_once() {
    let world = World::new();
    let (delegation, _) = honest(genesis());
    let good = listed(&delegation);
    let other = |number| listed(&included_of(number, 1_000, 1).0);
    let bad = [
        changed(&other(1), |it| (it["start_height"], it["end_height"]) = (json!(1), json!(1008))),
        changed(&other(2), |it| it["staking_time"] = json!(1999)),
        json!({ "btc_pk": "zz" }),
    ];
    world.list(bad.iter().cloned().chain([good]).collect());
    let record = Mutex::default();
    let mut daemon = world.daemon(&record);
    for _ in 0..3 {
        daemon.step(SystemTime::UNIX_EPOCH);
    }
    let stake = delegation.staking_transaction.compute_txid();
    assert_eq!((world.times(stake), daemon.facts().submitted, daemon.facts().pending), (1, 1, 4));
    let unreadable = world
        .log
        .0
        .lock()
        .unwrap()
        .iter()
        .filter(|event| matches!(event, CovenantEvent::Unreadable { .. }))
        .count();
    assert_eq!(unreadable, 1);
    let refused = world.log.refused();
    assert_eq!((refused.len(), daemon.facts().refused), (2, 2), "{refused:?}");
    assert!(refused[0].starts_with("age: it ends at height 1008"), "{refused:?}");
    assert_eq!(daemon.alerts().count(), 0);
}

#[test]
fn nothing_is_signed_without_a_record_or_with_two_views_of_bitcoin() {
    let world = World::new();
    let (delegation, _) = honest(genesis());
    world.list(vec![listed(&delegation)]);
    let stake = delegation.staking_transaction.compute_txid();
    let record = Mutex::new((MemoryCovenantRecord::default(), true));
    let mut daemon = world.daemon(&record);
    daemon.step(SystemTime::UNIX_EPOCH);
    assert_eq!(daemon.alerts().collect::<Vec<_>>(), [CovenantAlert::Record]);
    record.lock().unwrap().1 = false;
    let (height, hash) = *world.node.tip.lock().unwrap();
    for (tip, expected) in [
        ((height + 3, hash), CovenantAlert::Differing),
        ((height, BlockHash::from_byte_array([0xee; 32])), CovenantAlert::Differing),
    ] {
        *world.node.tip.lock().unwrap() = tip;
        daemon.step(SystemTime::UNIX_EPOCH);
        assert!(daemon.alerts().any(|alert| alert == expected), "{tip:?}");
    }
    *world.node.tip.lock().unwrap() = (height, hash);
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(301);
    daemon.step(later);
    assert!(daemon.alerts().any(|alert| alert == CovenantAlert::Stale));
    assert_eq!(world.times(stake), 0);
    daemon.step(SystemTime::UNIX_EPOCH);
    assert_eq!((world.times(stake), daemon.alerts().count()), (1, 0));

    // The Bitcoin node is a block behind: its own tip must be in the light client's chain.
    let ahead = BlockHash::from_byte_array([0xdd; 32]);
    *world.node.tip.lock().unwrap() = (height + 1, ahead);
    daemon.step(SystemTime::UNIX_EPOCH);
    assert!(daemon.alerts().any(|alert| alert == CovenantAlert::Differing), "a fork at its tip");
    for (depth, is_fine) in [(0, false), (1, true), (2, true)] {
        *world.node.depths.lock().unwrap() = vec![(hash.to_string(), depth)];
        daemon.step(SystemTime::UNIX_EPOCH);
        assert_eq!(daemon.alerts().all(|alert| alert != CovenantAlert::Differing), is_fine, "depth {depth}");
    }
}

#[test]
fn faults_on_the_way_lose_no_signature() {
    for faults in [
        vec![Fault::Lost, Fault::AnswerLost],
        vec![Fault::MempoolFull, Fault::OutOfGas],
        vec![Fault::Forgotten],
    ] {
        let world = World::new();
        let (delegation, _) = honest(genesis());
        world.list(vec![listed(&delegation)]);
        let record = Mutex::default();
        world.node.chain.fail(faults.clone());
        let mut daemon = world.daemon(&record);
        for _ in 0..5 {
            daemon.step(SystemTime::UNIX_EPOCH);
        }
        assert_eq!((daemon.facts().submitted, daemon.alerts().count()), (1, 0), "{faults:?}");
        // One that was killed before it knew signs the same again: the record lets it.
        let mut again = world.daemon(&record);
        again.step(SystemTime::UNIX_EPOCH);
        assert_eq!(again.facts().submitted, 1);
        assert_eq!(world.log.refused(), [""; 0]);
    }
}

/// On mainnet a node that tells of another committee, or leaves a version out, is believed nothing.
#[test]
fn nothing_is_signed_under_parameters_that_are_not_mainnets() {
    let (delegation, _) = honest(genesis());
    let stake = delegation.staking_transaction.compute_txid();
    let built_in = ParametersHistory::<Parameters>::mainnet().unwrap();
    assert!(built_in.differences_from_mainnet(None).unwrap().is_empty());
    let mainnet: Value =
        serde_json::from_str(include_str!("../../../staking-scripts/data/mainnet-parameters.json")).unwrap();
    let mut poorer = mainnet.clone();
    poorer["params"][3]["params"]["slashing_pk_script"] = json!("agdiYWJ5bG9v");
    for (parameters, is_foreign) in
        [(history_file(&[0], |_, _| {}), true), (poorer.to_string(), true), (mainnet.to_string(), false)]
    {
        let mut world = World { network: Network::Bitcoin, ..World::new() };
        world.node.parameters = parameters;
        world.list(vec![listed(&delegation)]);
        let record = Mutex::default();
        let mut daemon = world.daemon(&record);
        daemon.step(SystemTime::UNIX_EPOCH);
        let raised: Vec<_> = daemon.alerts().collect();
        assert_eq!(raised.contains(&CovenantAlert::Parameters), is_foreign, "{raised:?}");
        // Under mainnet's own parameters the stake of the tests is refused by itself.
        assert_eq!((world.times(stake), world.log.refused().is_empty()), (0, is_foreign));
    }
}

#[test]
fn nothing_is_signed_while_bitcoin_stands_still() {
    let world = World::new();
    let (delegation, _) = honest(genesis());
    world.list(vec![listed(&delegation)]);
    let made = world.bitcoin.header(&world.bitcoin.tip().unwrap().hash).unwrap().header.time;
    let policy = CovenantPolicy {
        chain_stale_after: Duration::MAX,
        bitcoin_stale_after: Duration::from_secs(600),
        ..CovenantPolicy::default()
    };
    let record = Mutex::default();
    let mut daemon = world.daemon_with(&record, policy);
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(made) + seconds);
    daemon.step(at(601));
    assert_eq!(daemon.alerts().collect::<Vec<_>>(), [CovenantAlert::Stale]);
    assert_eq!(daemon.facts().submitted, 0);
    daemon.step(at(600));
    assert_eq!((daemon.alerts().count(), daemon.facts().submitted), (0, 1));
}

/// What makes a transaction fail is cut out and told; what the chain has already counts as submitted.
#[test]
fn one_that_the_chain_refuses_does_not_keep_the_others() {
    let world = World::new();
    let stakes: Vec<Delegation> = (0..3).map(|number| included_of(number, 1_000, 1).0).collect();
    let ids: Vec<Txid> = stakes.iter().map(|stake| stake.staking_transaction.compute_txid()).collect();
    world.list(stakes.iter().map(listed).collect());
    world.node.chain.refuse_signatures(ids[0], "the covenant signature is already submitted");
    world.node.chain.refuse_signatures(ids[1], "invalid slashing tx");
    let record = Mutex::default();
    let mut daemon = world.daemon_with(
        &record,
        CovenantPolicy { most_stakes: 2, bitcoin_stale_after: Duration::MAX, ..CovenantPolicy::default() },
    );
    for _ in 0..3 {
        daemon.step(SystemTime::UNIX_EPOCH);
    }
    assert_eq!((daemon.facts().submitted, daemon.facts().refused), (1, 1));
    let refused = world.log.refused();
    assert!(matches!(refused.as_slice(), [reason] if reason.contains("invalid slashing tx")), "{refused:?}");
    assert_eq!((world.times(ids[2]), daemon.alerts().count()), (1, 0));
    // It is tried again after a while, and taken then.
    world.node.chain.refuse_signatures(ids[1], "the BTC delegation is already unbonded");
    daemon.step(SystemTime::UNIX_EPOCH + Duration::from_secs(299));
    assert_eq!(daemon.facts().refused, 1);
    daemon.step(SystemTime::UNIX_EPOCH + Duration::from_secs(300));
    daemon.step(SystemTime::UNIX_EPOCH + Duration::from_secs(300));
    assert_eq!(daemon.facts().refused, 0);
}
