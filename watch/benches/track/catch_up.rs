//! From a store of 100 000 stakes to the tip of a chain of 20 000 blocks, on a real `bitcoind`.

use std::path::PathBuf;
use std::time::Instant;

use bitcoin::ScriptBuf;
use chain::testing::RegtestDaemon;
use chain::{BitcoinCore, BlockHeight, ChainSource as _, ChainTip, Mine as _, Spenders as _};
use staking_scripts::testing::history;
use store::SqliteStore;
use watch::testing::outpoint;
use watch::{Driver, Observer, SCHEMA, Settings, Told};

use crate::Rows;

const STAKES: u32 = 100_000;
const BLOCKS: u32 = 20_000;
const DEPTH: u32 = 6;
/// How many outputs are asked for one by one.
const ONE_BY_ONE: u32 = 1_000;

struct Silent;

impl Observer for Silent {
    fn told(&self, _: &Told<'_>) {}
}

pub(crate) fn measure(rows: &mut Rows) {
    let Some(exe) = std::env::var_os("BITCOIND_EXE").map(PathBuf::from).filter(|exe| exe.is_file()) else {
        println!("SKIPPED: the way to the tip needs a bitcoind, and BITCOIND_EXE names none");
        return;
    };
    let daemon =
        RegtestDaemon::start_with_args(&exe, &["-rest=1", "-txospenderindex=1", "-checkblockindex=0"])
            .expect("a node");
    let node = daemon.connect().expect("a node");
    // The stakes are in the first blocks, of which the store knows.
    let script = ScriptBuf::from_bytes(vec![0x51]).to_p2wsh();
    node.mine(100, &script).expect("mined");
    let start = node.tip().expect("a tip");
    node.mine(BLOCKS, &script).expect("mined");
    while node.spenders(&[outpoint(0)]).expect("an index").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let seconds = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let (mut ours, mut blocks, mut index, mut single) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        ours.push(catch_up(&node, start));
        blocks.push(seconds(&|| read_blocks(&node, start)));
        index.push(seconds(&|| ask_index(&node)));
        single.push(seconds(&|| ask_one_by_one(&node)) * f64::from(STAKES / ONE_BY_ONE));
    }
    let [ours, blocks, index, single] = [ours, blocks, index, single].map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    rows.row("catch-up: 20 000 blocks, 100 000 stakes", ours, "s", None);
    rows.row("catch-up: its blocks read, bare", blocks, "s", None);
    rows.row("catch-up: the index asked in chunks, bare", index, "s", None);
    rows.row("catch-up: one call per stake (of 1000, scaled)", single, "s", None);
    rows.row("catch-up: ours by the faster of both", ours / blocks.min(index), "times", Some(1.3));
    rows.row("catch-up: ours by one call per stake", ours / single, "times", Some(0.1));
}

/// Opens a store that saw the first blocks, and follows to the tip, which is measured.
fn catch_up(node: &BitcoinCore, start: ChainTip) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stakes.db");
    let mut store = SqliteStore::open(&path, &SCHEMA).expect("a store");
    watch::testing::fill(&mut store, STAKES, start, DEPTH).expect("filled");
    let settings = Settings::new(history(&[0]), DEPTH);
    let mut driver =
        Driver::open(settings, node, Box::new(store), &Silent, BlockHeight::GENESIS).expect("a watchtower");
    let begun = Instant::now();
    while !driver.step(Instant::now()).expect("a node") {}
    assert_eq!(driver.watch().tracker().tip(), node.tip().expect("a tip"));
    begun.elapsed().as_secs_f64()
}

fn read_blocks(node: &BitcoinCore, start: ChainTip) {
    let mut read = 0;
    let mut height = start.height;
    while let hashes @ [_, ..] = node.hashes_above(height, 1_000).expect("hashes").as_slice() {
        for hash in hashes {
            read += node.block(hash).expect("a block").txdata.len();
        }
        height = height.saturating_add(u32::try_from(hashes.len()).expect("a few"));
    }
    assert!(read >= BLOCKS as usize);
}

fn ask_index(node: &BitcoinCore) {
    let outpoints: Vec<_> = (0..STAKES).map(outpoint).collect();
    assert_eq!(node.spenders(&outpoints).expect("an index"), Some(Vec::new()));
}

fn ask_one_by_one(node: &BitcoinCore) {
    for number in 0..ONE_BY_ONE {
        assert_eq!(node.spenders(&[outpoint(number)]).expect("an index"), Some(Vec::new()));
    }
}
