//! What every store does.

use std::sync::Arc;

use eots::{SignError, Signature, verify};
use finality::ConsumerHeight;

use super::{Provider, ask, height, is_new, refusal};
use crate::protection::{
    ChangeKind, Changed, HeightRange, Lane, LaneChange, LaneState, MemoryStore, Outcome, Refusal, SignVote,
    SigningRecord, Store, StoreError, Verdict, VoteRequest, Watermarks,
};
use crate::session::request_of_record;

/// Runs every test of the suite on stores that `make` returns, with the name of a test for the store.
pub(super) fn suite(make: &dyn Fn(&str) -> Box<dyn Store>) {
    type Test = (&'static str, fn(&dyn Store));
    let tests: [Test; 13] = [
        ("lanes", lanes_are_registered_and_apart),
        ("one-message", one_message_is_signed_at_a_height),
        ("batch", requests_of_a_batch_see_those_before_them),
        ("watermarks", nothing_is_signed_outside_the_watermarks),
        ("prune", pruned_heights_are_never_signed_again),
        ("import", imports_merge_to_the_stricter),
        ("committed", committed_ranges_are_joined),
        ("no-key", a_request_without_a_key_is_answered_by_its_record_alone),
        ("lowered", a_high_watermark_is_lowered_to_the_stricter),
        ("edges", heights_chains_and_messages_of_every_size_are_kept),
        ("failure", failed_signature_leaves_nothing),
        ("changes", changes_are_all_made_or_none),
        ("winner", of_many_threads_one_message_wins),
    ];
    for (name, test) in tests {
        println!("{name}");
        test(make(name).as_ref());
    }
}

#[test]
fn memory_store_conforms() {
    suite(&|_| Box::new(MemoryStore::default()));
}

fn change(store: &dyn Store, lane: &Lane, kind: ChangeKind) -> Changed {
    store.change(vec![LaneChange { lane: lane.clone(), kind }]).unwrap().remove(0)
}

/// A provider whose lane is registered from height 0 on.
fn registered(store: &dyn Store, byte: u8, chain_id: &[u8]) -> Arc<Provider> {
    let provider = Provider::new(byte, chain_id);
    change(store, &provider.lane, ChangeKind::Register(height(0)));
    provider
}

fn lanes_are_registered_and_apart(store: &dyn Store) {
    let stranger = Provider::new(9, b"bbn-1");
    let refused = refusal(ask(store, &stranger, 5, b"a"));
    assert_eq!(refused, Refusal::UnknownLane(Box::new((*stranger.lane).clone())));
    assert_eq!((stranger.calls(), store.lanes().unwrap()), (0, vec![]));
    assert_eq!(store.state(&stranger.lane).unwrap(), LaneState::default());
    let own = registered(store, 1, b"bbn-1");
    // Another key on the chain, the key on another chain, and on one whose id is the beginning of it.
    let others = [
        registered(store, 2, b"bbn-1"),
        registered(store, 1, b"bbn-2"),
        registered(store, 1, b"bbn-"),
        registered(store, 1, b""),
    ];
    assert!(is_new(&ask(store, &own, 5, b"a")));
    for other in &others {
        assert!(is_new(&ask(store, other, 5, b"b")), "{}", other.lane);
    }
    let mut lanes = store.lanes().unwrap();
    assert_eq!(lanes.len(), 5);
    lanes.dedup();
    assert!(lanes.is_sorted() && lanes.len() == 5);
    // From a first height on.
    let late = Provider::new(3, b"bbn-1");
    change(store, &late.lane, ChangeKind::Register(height(100)));
    let refused = refusal(ask(store, &late, 99, b"a"));
    assert_eq!(refused, Refusal::BelowLowWatermark { height: height(99), low: height(99) });
    assert!(is_new(&ask(store, &late, 100, b"a")));
}

fn one_message_is_signed_at_a_height(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    let before = store.generation().unwrap();
    let first = ask(store, &provider, 7, b"block a");
    let signature = provider.signature(7, b"block a");
    assert_eq!(first, Outcome::Signed(Verdict::New(signature)));
    assert!(store.generation().unwrap() > before, "every write raises the generation");
    assert_eq!(ask(store, &provider, 7, b"block a"), Outcome::Signed(Verdict::Again(signature)));
    let earlier =
        SigningRecord { height: height(7), message: b"block a".to_vec(), signature: Some(signature) };
    for other in [b"block b".as_slice(), b"", b"block a "] {
        let refused = refusal(ask(store, &provider, 7, other));
        assert_eq!(refused, Refusal::DoubleSign { earlier: earlier.clone() });
    }
    assert_eq!(provider.calls(), 1, "nothing else was even computed");
    assert_eq!(store.records(&provider.lane, height(0), 10).unwrap(), [earlier]);
    // Below and above it other heights are free.
    assert!(is_new(&ask(store, &provider, 6, b"block b")) && is_new(&ask(store, &provider, 8, b"block b")));
    assert_eq!(store.state(&provider.lane).unwrap().highest, Some(height(8)));
    let records = |from, most| {
        let found = store.records(&provider.lane, height(from), most).unwrap();
        found.iter().map(|record| record.height.to_u64()).collect::<Vec<_>>()
    };
    assert_eq!(
        (records(0, 10), records(7, 10), records(0, 1), records(9, 10)),
        (vec![6, 7, 8], vec![7, 8], vec![6], vec![])
    );
}

fn requests_of_a_batch_see_those_before_them(store: &dyn Store) {
    let (one, two) = (registered(store, 1, b"bbn-1"), registered(store, 2, b"bbn-1"));
    assert_eq!(store.check_and_record(vec![]).unwrap(), []);
    let batch = vec![
        one.request(1, b"a"),
        one.request(1, b"b"),
        two.request(1, b"b"),
        one.request(1, b"a"),
        one.request(2, b"b"),
    ];
    let outcomes = store.check_and_record(batch).unwrap();
    assert_eq!(outcomes[0], Outcome::Signed(Verdict::New(one.signature(1, b"a"))));
    assert!(
        matches!(&outcomes[1], Outcome::Refused(Refusal::DoubleSign { earlier }) if earlier.message == b"a")
    );
    assert_eq!(outcomes[2], Outcome::Signed(Verdict::New(two.signature(1, b"b"))));
    assert_eq!(outcomes[3], Outcome::Signed(Verdict::Again(one.signature(1, b"a"))));
    assert!(is_new(&outcomes[4]));
    assert_eq!((one.calls(), two.calls()), (2, 1));
}

fn nothing_is_signed_outside_the_watermarks(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    assert!(is_new(&ask(store, &provider, 10, b"a")));
    let low = |to| change(store, &provider.lane, ChangeKind::RaiseLow(height(to))).watermarks.low;
    assert_eq!((low(20), low(15), low(0)), (Some(height(20)), Some(height(20)), Some(height(20))));
    for at in [0, 11, 20] {
        let refused = refusal(ask(store, &provider, at, b"a"));
        assert_eq!(refused, Refusal::BelowLowWatermark { height: height(at), low: height(20) });
    }
    // What was signed is answered again, or contradicted.
    assert!(!is_new(&ask(store, &provider, 10, b"a")));
    assert!(matches!(refusal(ask(store, &provider, 10, b"b")), Refusal::DoubleSign { .. }));
    let high =
        |to: Option<u64>| change(store, &provider.lane, ChangeKind::SetHigh(to.map(height))).watermarks;
    assert_eq!(high(Some(30)), Watermarks { low: Some(height(20)), high: Some(height(30)) });
    assert!(is_new(&ask(store, &provider, 21, b"a")) && is_new(&ask(store, &provider, 30, b"a")));
    let refused = refusal(ask(store, &provider, 31, b"a"));
    assert_eq!(refused, Refusal::AboveHighWatermark { height: height(31), high: height(30) });
    // Below both marks nothing is left.
    high(Some(5));
    assert!(matches!(refusal(ask(store, &provider, 22, b"a")), Refusal::AboveHighWatermark { .. }));
    assert!(!is_new(&ask(store, &provider, 30, b"a")));
    high(None);
    assert!(is_new(&ask(store, &provider, 31, b"a")));
    // Registering again lowers nothing.
    change(store, &provider.lane, ChangeKind::Register(height(1)));
    assert_eq!(store.state(&provider.lane).unwrap().watermarks.low, Some(height(20)));
    assert_eq!(low(u64::MAX), Some(height(u64::MAX)));
    assert!(matches!(refusal(ask(store, &provider, u64::MAX, b"a")), Refusal::BelowLowWatermark { .. }));
}

fn pruned_heights_are_never_signed_again(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    for at in [1, 2, 3, 10] {
        assert!(is_new(&ask(store, &provider, at, b"a")));
    }
    let pruned = change(store, &provider.lane, ChangeKind::Prune(height(3)));
    assert_eq!((pruned.records, pruned.watermarks.low), (3, Some(height(3))));
    assert_eq!(store.records(&provider.lane, height(0), 10).unwrap().len(), 1);
    for (at, message) in [(1, b"a"), (3, b"a"), (3, b"b"), (0, b"a")] {
        assert!(matches!(refusal(ask(store, &provider, at, message)), Refusal::BelowLowWatermark { .. }));
    }
    assert!(is_new(&ask(store, &provider, 4, b"b")));
    // Everything pruned: the highest height is remembered.
    change(store, &provider.lane, ChangeKind::Prune(height(50)));
    assert_eq!(store.state(&provider.lane).unwrap().highest, Some(height(50)));
    let again = change(store, &provider.lane, ChangeKind::Prune(height(40)));
    assert_eq!((again.records, again.watermarks.low), (0, Some(height(50))));
    // The watermark is there already, as after an import.
    assert!(is_new(&ask(store, &provider, 60, b"a")));
    change(store, &provider.lane, ChangeKind::RaiseLow(height(60)));
    let forgotten = |_| change(store, &provider.lane, ChangeKind::Prune(height(60))).records;
    assert_eq!([0, 1].map(forgotten), [1, 0]);
    assert_eq!(store.records(&provider.lane, height(0), 10).unwrap(), []);
    // Somebody's word for what was signed there is no reason to sign it: the record was another one.
    for message in [b"a", b"b"] {
        let record = SigningRecord { height: height(60), message: message.to_vec(), signature: None };
        change(store, &provider.lane, ChangeKind::Import(vec![record]));
        assert!(!matches!(ask(store, &provider, 60, message), Outcome::Signed(_)));
    }
    assert!(matches!(refusal(ask(store, &provider, 60, b"a")), Refusal::BelowLowWatermark { .. }));
}

fn imports_merge_to_the_stricter(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    assert!(is_new(&ask(store, &provider, 5, b"a")) && is_new(&ask(store, &provider, 6, b"a")));
    let record = |at, message: &[u8], signed: bool| SigningRecord {
        height: height(at),
        message: message.to_vec(),
        signature: signed.then(|| provider.signature(at, message)),
    };
    let import =
        |records: &[SigningRecord]| change(store, &provider.lane, ChangeKind::Import(records.to_vec()));
    let found = import(&[record(5, b"a", true), record(6, b"b", true), record(8, b"c", false)]);
    // What both have is the same; what they contradict each other in stays as it is here, and is told.
    assert_eq!((found.records, found.contradicted), (1, vec![height(6)]));
    assert_eq!(found.watermarks.low, Some(height(8)));
    assert!(matches!(refusal(ask(store, &provider, 6, b"b")), Refusal::DoubleSign { .. }));
    assert!(!is_new(&ask(store, &provider, 6, b"a")));
    assert!(matches!(refusal(ask(store, &provider, 7, b"a")), Refusal::BelowLowWatermark { .. }));
    // The same message of a record without a signature has the one that it always had.
    // What has no signature is at the watermark, and not signed for it.
    let below = Refusal::BelowLowWatermark { height: height(8), low: height(8) };
    assert_eq!(refusal(ask(store, &provider, 8, b"c")), below);
    assert!(matches!(refusal(ask(store, &provider, 8, b"d")), Refusal::DoubleSign { .. }));
    // One that comes later is taken.
    assert_eq!(import(&[record(8, b"c", true)]).records, 0);
    let signature = provider.signature(8, b"c");
    assert_eq!(ask(store, &provider, 8, b"c"), Outcome::Signed(Verdict::Again(signature)));
    assert_eq!(store.records(&provider.lane, height(8), 1).unwrap()[0].signature, Some(signature));
    assert!(is_new(&ask(store, &provider, 9, b"d")));
    // An import of less changes nothing.
    let found = import(&[record(1, b"x", true)]);
    assert_eq!((found.records, found.watermarks.low), (1, Some(height(8))));
    // A lane that only an import knows.
    let other = Provider::new(4, b"bbn-1");
    change(store, &other.lane, ChangeKind::Import(vec![record(3, b"a", false)]));
    assert_eq!(store.state(&other.lane).unwrap().watermarks.low, Some(height(3)));
}

fn committed_ranges_are_joined(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    let range = |first, last| HeightRange { first: height(first), last: height(last) };
    let add = |added| change(store, &provider.lane, ChangeKind::Committed(added));
    let now = || store.state(&provider.lane).unwrap().committed;
    add(range(100, 199));
    add(range(300, 399));
    assert_eq!(now(), [range(100, 199), range(300, 399)]);
    add(range(200, 249));
    assert_eq!(now(), [range(100, 249), range(300, 399)]);
    add(range(150, 350));
    add(range(120, 130));
    assert_eq!(now(), [range(100, 399)]);
    add(range(u64::MAX, u64::MAX));
    add(range(0, 0));
    assert_eq!(now(), [range(0, 0), range(100, 399), range(u64::MAX, u64::MAX)]);
    assert!(
        now()[1].contains(height(100)) && now()[1].contains(height(399)) && !now()[1].contains(height(400))
    );
    let empty = LaneChange { lane: (*provider.lane).clone(), kind: ChangeKind::Committed(range(2, 1)) };
    assert!(matches!(store.change(vec![empty]), Err(StoreError::EmptyRange(_))));
    // As many as there may be, and one more: the store works on.
    let change = |range| LaneChange { lane: (*provider.lane).clone(), kind: ChangeKind::Committed(range) };
    store.change((0..997).map(|at| change(range(1000 + 2 * at, 1000 + 2 * at))).collect()).unwrap();
    for _ in 0..2 {
        let refused = store.change(vec![change(range(5000, 5000))]);
        assert!(matches!(refused, Err(StoreError::TooManyRanges { most: 1000 })), "{refused:?}");
    }
    assert_eq!(now().len(), 1000);
    assert!(is_new(&ask(store, &provider, 700, b"a")));
}

/// A locked key's request, which the session makes.
fn a_request_without_a_key_is_answered_by_its_record_alone(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    let without_key = |at: u64, message: &[u8]| {
        let request = request_of_record((*provider.lane).clone(), height(at), message.to_vec());
        store.check_and_record(vec![request]).unwrap().remove(0)
    };
    assert!(is_new(&ask(store, &provider, 10, b"a")));
    let signature = provider.signature(10, b"a");
    assert_eq!(without_key(10, b"a"), Outcome::Signed(Verdict::Again(signature)));
    assert!(matches!(refusal(without_key(10, b"b")), Refusal::DoubleSign { .. }));
    // Nothing is recorded for it.
    assert!(matches!(without_key(11, b"a"), Outcome::Failed(_)));
    assert!(is_new(&ask(store, &provider, 11, b"b")));
    assert_eq!(store.records(&provider.lane, height(10), 9).unwrap().len(), 2);
}

fn a_high_watermark_is_lowered_to_the_stricter(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    let lowered = |to| {
        let kind = ChangeKind::LowerHigh(height(to));
        let changed = store.change(vec![LaneChange { lane: (*provider.lane).clone(), kind }]).unwrap();
        changed[0].watermarks.high
    };
    assert_eq!([500, 600, 400].map(lowered), [500, 500, 400].map(|high| Some(height(high))));
    assert_eq!(store.state(&provider.lane).unwrap().watermarks.high, Some(height(400)));
}

fn heights_chains_and_messages_of_every_size_are_kept(store: &dyn Store) {
    let long = vec![7; 3 << 20];
    for chain_id in [b"".as_slice(), b"\0", b"\xff\xfe", "\u{fc}".as_bytes()] {
        let provider = registered(store, 1, chain_id);
        for at in [0, 1, (1 << 53) + 1, 1 << 63, (1 << 63) - 1, u64::MAX - 1, u64::MAX] {
            for (message, is_first) in [(b"a".as_slice(), true), (b"b", false)] {
                let outcome = ask(store, &provider, at, message);
                assert_eq!(matches!(outcome, Outcome::Signed(_)), is_first, "{at}: {outcome:?}");
            }
        }
        let heights: Vec<_> = store.records(&provider.lane, height(0), 100).unwrap();
        assert!(heights.is_sorted_by_key(|record| record.height) && heights.len() == 7);
        assert_eq!(store.state(&provider.lane).unwrap().highest, Some(height(u64::MAX)));
        assert!(is_new(&ask(store, &provider, 100, b"")) && is_new(&ask(store, &provider, 101, &long)));
        assert!(!is_new(&ask(store, &provider, 100, b"")) && !is_new(&ask(store, &provider, 101, &long)));
    }
}

/// A signer that fails.
struct Failing;

impl SignVote for Failing {
    fn sign_vote(&self, _: ConsumerHeight, _: &[u8]) -> Result<Signature, SignError> {
        Err(SignError::Fault)
    }
}

fn failed_signature_leaves_nothing(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    let failing = VoteRequest { signer: Arc::new(Failing), ..provider.request(3, b"a") };
    let batch = vec![provider.request(2, b"a"), failing, provider.request(4, b"a")];
    let outcomes = store.check_and_record(batch).unwrap();
    assert!(is_new(&outcomes[0]) && is_new(&outcomes[2]));
    assert_eq!(outcomes[1], Outcome::Failed(SignError::Fault));
    assert_eq!(store.records(&provider.lane, height(0), 10).unwrap().len(), 2);
    assert!(is_new(&ask(store, &provider, 3, b"b")));
}

fn changes_are_all_made_or_none(store: &dyn Store) {
    let provider = registered(store, 1, b"bbn-1");
    let stranger = Provider::new(2, b"bbn-1");
    let of = |provider: &Provider, kind| LaneChange { lane: (*provider.lane).clone(), kind };
    for kind in [
        ChangeKind::SetHigh(Some(height(1))),
        ChangeKind::Committed(HeightRange { first: height(1), last: height(2) }),
    ] {
        let both = vec![of(&provider, ChangeKind::RaiseLow(height(50))), of(&stranger, kind)];
        assert!(matches!(store.change(both), Err(StoreError::UnknownLane(_))));
        assert_eq!(store.state(&provider.lane).unwrap(), LaneState::default());
        assert_eq!(store.lanes().unwrap(), [(*provider.lane).clone()]);
    }
    let first = vec![
        of(&stranger, ChangeKind::Register(height(0))),
        of(&stranger, ChangeKind::SetHigh(Some(height(1)))),
    ];
    assert_eq!(store.change(first).unwrap().len(), 2);
}

/// Ten threads with a message each, at the same heights.
fn of_many_threads_one_message_wins(store: &dyn Store) {
    const HEIGHTS: u64 = 20;
    let provider = registered(store, 1, b"bbn-1");
    let all: Vec<(u64, Vec<u8>, Signature)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10_u8)
            .map(|thread| {
                let provider = provider.clone();
                scope.spawn(move || {
                    let votes = (0..HEIGHTS).filter_map(|at| match ask(store, &provider, at, &[thread]) {
                        Outcome::Signed(verdict) => Some((at, vec![thread], *verdict.signature())),
                        _ => None,
                    });
                    votes.collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(all.len(), usize::try_from(HEIGHTS).unwrap(), "one winner for each height");
    for (at, message, signature) in &all {
        let randomness = eots::SecretRandomness::derive(&provider.key, b"bbn-1", *at);
        verify(provider.key.public_key(), randomness.public_randomness(), message, signature).unwrap();
    }
    let records = store.records(&provider.lane, height(0), 100).unwrap();
    assert_eq!(records.len(), all.len());
}
