//! A million stakes in a store.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Block, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use chain::testing::ScriptedChain;
use chain::{BlockHeight, ChainSource as _, ChainTip};
use staking_scripts::testing::history;
use store::{SqliteStore, Store as _};
use watch::testing::outpoint;
use watch::{Event, SCHEMA, Settings, Watch};

use crate::Rows;

/// With this variable the program fills the store that it names, and ends: what was needed for that shall not
/// be counted.
pub(crate) const FILL: &str = "WATCH_BENCH_FILL";
const STAKES: u32 = 1_000_000;
const DEPTH: u32 = 6;
/// The transactions of a block, and how many of them spend a staking output.
const TRANSACTIONS: u32 = 3_000;
const SPENDS: u32 = 30;

fn tip() -> ChainTip {
    let node = ScriptedChain::new();
    ChainTip { height: BlockHeight::new(900_000), hash: node.tip().expect("a tip").hash }
}

pub(crate) fn fill(path: &Path) {
    let mut store = SqliteStore::open(path, &SCHEMA).expect("a store");
    watch::testing::fill(&mut store, STAKES, tip(), DEPTH).expect("filled");
}

/// The resident memory of this process in megabytes.
pub(crate) fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1024.0
}

pub(crate) fn measure(rows: &mut Rows) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stakes.db");
    let program = std::env::current_exe().expect("a program");
    assert!(Command::new(program).env(FILL, &path).status().expect("filled").success());
    let start = Instant::now();
    let mut store = SqliteStore::open(&path, &SCHEMA).expect("a store");
    assert!(store.try_lead().expect("led"));
    let settings = Settings::new(history(&[0]), DEPTH);
    let (mut watch, output) = Watch::open(settings, &mut store, tip()).expect("opened");
    rows.row("a million stakes: start from the store", start.elapsed().as_secs_f64(), "s", Some(3.0));
    assert!(output.actions.is_empty());
    assert_eq!(watch.tracker().stakes().len(), STAKES as usize);
    rows.row("a million stakes: resident memory", resident(), "MB", Some(450.0));
    let mut times: Vec<f64> = Vec::new();
    let mut stored: Vec<f64> = Vec::new();
    for number in 0..40 {
        let (block, at) = block(number, &watch);
        let start = Instant::now();
        let output = watch.handle(Event::Connected { block: &block, at });
        times.push(start.elapsed().as_secs_f64() * 1e3);
        store.apply(&output.changes).expect("stored");
        stored.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    rows.row("a million stakes: a block of 3000 judged", median(&mut times), "ms", Some(10.0));
    rows.row("a million stakes: that, and stored", median(&mut stored), "ms", None);
    rows.row("a million stakes: resident memory afterwards", resident(), "MB", Some(450.0));
}

/// The next block: most of its transactions are no stake's.
fn block(number: u32, watch: &Watch) -> (Block, ChainTip) {
    let node = ScriptedChain::new();
    let genesis = node.tip().expect("a tip").hash;
    let input = |previous_output| TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::from_slice(&[[7; 64].as_slice(), &[7; 33]]),
    };
    let stranger = |of: u32| OutPoint::new(Txid::hash(&(number, of).0.to_be_bytes()), of);
    let one = |of: u32| Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(of),
        input: match of < SPENDS {
            true => vec![input(outpoint(number * SPENDS + of)), input(stranger(of))],
            false => vec![input(stranger(of)), input(stranger(of + TRANSACTIONS))],
        },
        output: (0..2)
            .map(|_| TxOut { value: Amount::ONE_BTC, script_pubkey: ScriptBuf::from_bytes(vec![0x51; 34]) })
            .collect(),
    };
    let transactions: Vec<Transaction> = (0..TRANSACTIONS).map(one).collect();
    let bits = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).header.bits;
    let hash = node.extend_with(genesis, 1, bits, &transactions)[0];
    let mut block = node.block(&hash).expect("made");
    let tip = watch.tracker().tip();
    block.header.prev_blockhash = tip.hash;
    let at = ChainTip { height: tip.height.saturating_add(1), hash: block.block_hash() };
    (block, at)
}
