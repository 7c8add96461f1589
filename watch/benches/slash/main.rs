//! From evidence in hand to completed slashing transactions, every signature of them verified, in the hands
//! of the node: as ratios to the reference's builder in Go, which verifies none, and to one batch
//! verification of the same signatures, on one thread: `cargo bench --profile dev --package btcstake-watch
//! --bench slash`.
//!
//! Arguments: as those of the other benches, a word that rows must contain, and `--strict`. The environment
//! variable `STAKES` sets how many stakes are slashed (5000, each with two transactions).
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

#[allow(dead_code, reason = "some of the harness is for other benches")]
#[path = "../../../eots/benches/ratios/measure.rs"]
mod measure;
#[allow(dead_code, reason = "some of it is for other benches")]
#[path = "../../../eots/benches/ratios/reference.rs"]
mod reference;
mod stakes;

use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use bitcoin::secp256k1::{Message, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::{Script, TapLeafHash, TapSighashType, Transaction, TxOut, XOnlyPublicKey};
use chain::testing::ScriptedChain;
use chain::{BlockHeight, ChainSource as _};
use eots::BatchItem;
use measure::Ratio::{Speed, Time};
use measure::Table;
use reference::Reference;
use staking_scripts::Delegation;
use staking_scripts::testing::history;
use store::SqliteStore;
use watch::{Driver, Observer, SCHEMA, Settings, Told};

const DEPTH: u32 = 6;

fn main() -> ExitCode {
    let count = std::env::var("STAKES").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000);
    Table::of_arguments(|table| measure_all(table, count))
}

fn measure_all(table: &mut Table, count: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let delegations = stakes::make(count);
    let (node, given) = (chain_with(&delegations), Given::default());
    let stored = folder.path().join("stored.db");
    {
        let mut driver = open(&node, &given, &stored);
        for delegation in &delegations {
            driver.learn(delegation, 1).expect("stored");
        }
        while !driver.step(Instant::now()).expect("a node") {}
    }
    let evidence = stakes::evidence();
    let slash = || {
        let copy = folder.path().join("copy.db");
        std::fs::copy(&stored, &copy).expect("a copy");
        given.0.take();
        // The unbonding transactions wait, and pay as much: those of their outputs are tried next.
        (0..count).for_each(|_| node.reject_next("insufficient fee, rejecting replacement"));
        let mut driver = open(&node, &given, &copy);
        let start = Instant::now();
        driver.accuse(&evidence).expect("slashed");
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(
            given.0.borrow().len(),
            2 * count,
            "both transactions of each stake are given to the node"
        );
        seconds / count as f64
    };
    slash();
    let signatures = Signatures::of(&given.0.borrow(), &delegations);
    let ours = |passes: u32| (0..passes).map(|_| slash()).sum::<f64>() / f64::from(passes);
    let batch = |passes: u32| {
        let items = signatures.items();
        let start = Instant::now();
        for _ in 0..passes {
            eots::verify_batch(&items).expect("valid");
        }
        start.elapsed().as_secs_f64() / f64::from(passes) / count as f64
    };
    let name = "a stake slashed, 2 transactions";
    table.row(name, "one batch verification", Time(Some(1.5)), &ours, batch);
    let Some(reference) = Reference::start() else { return };
    let mut go = reference.side("slash");
    table.row(name, "the builder in Go", Speed(Some(3.0)), &ours, move |passes| go(passes * 500));
}

fn open<'a>(node: &'a ScriptedChain, given: &'a Given, path: &Path) -> Driver<'a> {
    let store = Box::new(SqliteStore::open(path, &SCHEMA).expect("a store"));
    let settings = Settings::new(history(&[0]), DEPTH);
    Driver::open(settings, node, store, given, BlockHeight::GENESIS).expect("a watchtower")
}

/// A chain with all staking transactions in its first block.
fn chain_with(delegations: &[Delegation]) -> ScriptedChain {
    let node = ScriptedChain::new();
    let bits = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).header.bits;
    let staking: Vec<_> = delegations.iter().map(|it| it.staking_transaction.clone()).collect();
    let hashes = node.extend_with(node.tip().expect("a tip").hash, 10, bits, &staking);
    node.set_tip(*hashes.last().expect("blocks"));
    node
}

/// What was given to the node.
#[derive(Default)]
struct Given(RefCell<Vec<Transaction>>);

impl Observer for Given {
    fn told(&self, told: &Told<'_>) {
        match told {
            Told::Sent { transaction, verdict: Some(_), .. } => {
                self.0.borrow_mut().push((*transaction).clone());
            }
            Told::Alert(alert) => assert_eq!(alert.kind(), "equivocation"),
            _ => {}
        }
    }
}

/// All signatures of completed transactions.
struct Signatures(Vec<(XOnlyPublicKey, Message, schnorr::Signature)>);

impl Signatures {
    fn of(transactions: &[Transaction], delegations: &[Delegation]) -> Self {
        let sources = delegations.iter().flat_map(|delegation| {
            let unbonding = delegation.unbonding_transaction.as_ref().expect("an unbonding transaction");
            [&delegation.staking_transaction, unbonding].map(|source| (source.compute_txid(), source))
        });
        let sources: std::collections::HashMap<_, _> = sources.collect();
        let of = |transaction: &Transaction| {
            let spent = transaction.input[0].previous_output;
            signatures(transaction, &sources[&spent.txid].output[spent.vout as usize])
        };
        let all: Vec<_> = transactions.iter().flat_map(of).collect();
        assert_eq!(all.len(), 8 * transactions.len(), "staker, provider, and six of nine members");
        Self(all)
    }

    fn items(&self) -> Vec<BatchItem<'_>> {
        let items = self.0.iter().map(|(public_key, message, signature)| BatchItem::Bip340 {
            public_key,
            message: *message,
            signature,
        });
        items.collect()
    }
}

fn signatures(
    transaction: &Transaction,
    spent: &TxOut,
) -> Vec<(XOnlyPublicKey, Message, schnorr::Signature)> {
    let elements: Vec<&[u8]> = transaction.input[0].witness.iter().collect();
    let [places @ .., script, _] = elements.as_slice() else { panic!("a script path") };
    let script = Script::from_bytes(script);
    let prevouts = Prevouts::All(std::slice::from_ref(spent));
    let leaf = TapLeafHash::from_script(script, LeafVersion::TapScript);
    let sighash = SighashCache::new(transaction)
        .taproot_script_spend_signature_hash(0, &prevouts, leaf, TapSighashType::Default)
        .expect("a sighash");
    let pushed = script.instructions().filter_map(|it| Some(it.ok()?.push_bytes()?.as_bytes().to_vec()));
    let keys: Vec<_> = pushed.filter_map(|bytes| XOnlyPublicKey::from_slice(&bytes).ok()).collect();
    let signed = keys.iter().zip(places.iter().rev()).filter(|(_, place)| !place.is_empty());
    let read = |place: &[u8]| schnorr::Signature::from_slice(place).expect("a signature");
    signed.map(|(key, place)| (*key, Message::from(sighash), read(place))).collect()
}
