//! What the votes of a thousand heights cost, from the secret key to signed transactions, as a ratio to the
//! reference's Go libraries that make the same. Here each signature is also recorded durably, and verified,
//! before it is used. Needs Go: `cargo bench --profile dev --package btcstake-roles`.
//!
//! Arguments: as those of the other benches, a word that rows must contain, and `--strict`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

#[allow(dead_code, reason = "some of the harness is for other benches")]
#[path = "../../eots/benches/ratios/measure.rs"]
mod measure;
#[allow(dead_code, reason = "some of it is for other benches")]
#[path = "../../eots/benches/ratios/reference.rs"]
mod reference;

use std::cell::Cell;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use babylon::{AccountKey, AccountState, GasPrice, Message, Transaction};
use eots::SecretKey;
use finality::{ConsumerHeight, RandomnessSchedule, Signer as _, SignerChain, SigningContext, VoteMessage};
use measure::Ratio::Speed;
use measure::Table;
use reference::Reference;
use signer::protection::{FirstHeight, Lane, SqlitePaths, SqliteStore};
use signer::session::{ProtectedSigner, VoteRules};

const HEIGHTS: u32 = 1_000;
/// The votes of one transaction.
const EACH: usize = 100;

fn main() -> ExitCode {
    Table::of_arguments(|table| {
        if let Some(reference) = Reference::start() {
            measure_all(table, &reference);
        }
    })
}

fn measure_all(table: &mut Table, reference: &Reference) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = SecretKey::from_bytes(&[7; 32]).expect("a key");
    let lane = Lane { public_key: *key.public_key(), chain_id: b"bbn-1".to_vec() };
    let first = [FirstHeight { lane, height: ConsumerHeight(0) }];
    let paths = SqlitePaths::beside(folder.path().join("votes.db"));
    let store = SqliteStore::initialise(&paths, &first).expect("a store");
    let rules = VoteRules { committed_only: false, most_above: u64::MAX };
    let signer = ProtectedSigner::new(key, SignerChain::genesis("bbn-1"), Arc::new(store), rules);
    let account = AccountKey::from_bytes(&[9; 32]).expect("a key");
    let address = account.address().expect("an address");
    let fee = "0.002ubbn".parse::<GasPrice>().expect("a price").fee(1_000_000);
    let next = Cell::new(1);
    let ours = |passes: u32| {
        let start = Instant::now();
        for _ in 0..passes {
            let first = next.replace(next.get() + u64::from(HEIGHTS));
            let range = RandomnessSchedule::new(ConsumerHeight(first), HEIGHTS, 1).expect("a range");
            let messages: Vec<_> = range
                .heights()
                .map(|height| VoteMessage::new(SigningContext::GENESIS, height, [0xaa; 32]))
                .collect();
            let votes = signer.prove_votes(range, &messages).expect("votes");
            let votes: Vec<_> = votes
                .iter()
                .map(|vote| Message::vote(&address, vote.as_ref().expect("a vote")).expect("a message"))
                .collect();
            for (sequence, messages) in (first..).zip(votes.chunks(EACH)) {
                let state = AccountState { chain_id: "bbn-1".to_owned(), number: 7, sequence };
                black_box(Transaction::new(messages.to_vec()).sign(&account, &state, &fee).bytes().len());
            }
        }
        start.elapsed().as_secs_f64() / f64::from(passes)
    };
    table.row(
        "votes of 1000 heights, sent",
        "the Go libraries",
        Speed(Some(3.0)),
        ours,
        reference.side("votes_1000"),
    );
}
