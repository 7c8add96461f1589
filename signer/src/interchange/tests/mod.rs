//! Exports and imports.

pub(crate) mod vectors;

use std::sync::Arc;

use eots::{SecretKey, SecretRandomness, SignError, Signature};
use finality::ConsumerHeight;

use super::{ExportForm, Interchange, InterchangeError};
use crate::protection::{
    ChangeKind, HeightRange, Lane, LaneChange, MemoryStore, Outcome, Refusal, SignVote, SigningRecord, Store,
    Verdict, VoteRequest,
};

struct Provider {
    key: SecretKey,
    lane: Arc<Lane>,
}

impl SignVote for Provider {
    fn sign_vote(&self, height: ConsumerHeight, message: &[u8]) -> Result<Signature, SignError> {
        let randomness = SecretRandomness::derive(&self.key, &self.lane.chain_id, height.to_u64());
        eots::sign(&self.key, randomness, message)
    }
}

fn provider(byte: u8, chain_id: &[u8]) -> Arc<Provider> {
    let key = SecretKey::from_bytes(&[byte; 32]).unwrap();
    let lane = Lane { public_key: *key.public_key(), chain_id: chain_id.to_vec() };
    Arc::new(Provider { key, lane: Arc::new(lane) })
}

fn ask(store: &dyn Store, provider: &Arc<Provider>, at: u64, message: &[u8]) -> Outcome {
    let request = VoteRequest {
        lane: provider.lane.clone(),
        height: ConsumerHeight(at),
        message: message.to_vec(),
        signer: provider.clone(),
    };
    store.check_and_record(vec![request]).unwrap().remove(0)
}

fn change(store: &dyn Store, provider: &Provider, kind: ChangeKind) {
    store.change(vec![LaneChange { lane: (*provider.lane).clone(), kind }]).unwrap();
}

/// A store with votes of two lanes.
fn used() -> (MemoryStore, [Arc<Provider>; 2]) {
    let store = MemoryStore::default();
    let providers = [provider(1, b"bbn-1"), provider(2, b"\xff\0")];
    for provider in &providers {
        change(&store, provider, ChangeKind::Register(ConsumerHeight(5)));
        let range = HeightRange { first: ConsumerHeight(5), last: ConsumerHeight(u64::MAX) };
        change(&store, provider, ChangeKind::Committed(range));
        for at in [5, 6, u64::MAX - 1] {
            assert!(matches!(ask(&store, provider, at, b"block"), Outcome::Signed(Verdict::New(_))));
        }
    }
    change(&store, &providers[0], ChangeKind::SetHigh(Some(ConsumerHeight(u64::MAX - 1))));
    (store, providers)
}

#[test]
fn complete_export_holds_all_that_the_store_knows() {
    let (store, providers) = used();
    let exported = Interchange::export(&store, ExportForm::Complete).unwrap();
    let read = Interchange::from_json(&exported.to_json()).unwrap();
    assert_eq!(read, exported);
    let other = MemoryStore::default();
    let merged = read.import(&other).unwrap();
    assert_eq!(merged.len(), 2);
    for provider in &providers {
        let all = |store: &MemoryStore| store.records(&provider.lane, ConsumerHeight(0), 100).unwrap();
        assert_eq!((all(&other), all(&other).len()), (all(&store), 3));
        let (here, there) = (store.state(&provider.lane).unwrap(), other.state(&provider.lane).unwrap());
        assert_eq!((there.committed, there.highest), (here.committed, here.highest));
        assert_eq!(there.watermarks.high, here.watermarks.high);
        // Stricter than before: nothing below what was signed.
        assert_eq!(there.watermarks.low, Some(ConsumerHeight(u64::MAX - 1)));
        assert!(matches!(ask(&other, provider, 6, b"block"), Outcome::Signed(Verdict::Again(_))));
        for (at, message) in [(6, b"other".as_slice()), (7, b"block")] {
            assert!(matches!(ask(&other, provider, at, message), Outcome::Refused(_)));
        }
    }
    let again = Interchange::export(&other, ExportForm::Complete).unwrap();
    let merged = again.import(&other).unwrap();
    assert!(merged.iter().all(|(_, changed)| changed.records == 0 && changed.contradicted.is_empty()));
}

#[test]
fn minimal_export_forbids_what_was_signed() {
    let (store, [one, two]) = used();
    let exported = Interchange::export(&store, ExportForm::Minimal).unwrap();
    assert!(exported.lanes.iter().all(|history| history.records.is_empty()));
    let other = MemoryStore::default();
    Interchange::from_json(&exported.to_json()).unwrap().import(&other).unwrap();
    for at in [0, 5, 6, 7, u64::MAX - 1] {
        for provider in [&one, &two] {
            let outcome = ask(&other, provider, at, b"block");
            assert!(
                matches!(outcome, Outcome::Refused(Refusal::BelowLowWatermark { .. })),
                "{at}: {outcome:?}"
            );
        }
    }
    // The high watermark comes along; without one the last height is free.
    assert!(matches!(
        ask(&other, &one, u64::MAX, b"block"),
        Outcome::Refused(Refusal::AboveHighWatermark { .. })
    ));
    assert!(matches!(ask(&other, &two, u64::MAX, b"block"), Outcome::Signed(Verdict::New(_))));
}

#[test]
fn import_names_what_contradicts() {
    let (store, [one, _]) = used();
    let mut exported = Interchange::export(&store, ExportForm::Complete).unwrap();
    let own = exported.lanes.iter_mut().find(|history| history.lane == *one.lane).unwrap();
    own.records[1].message = b"another".to_vec();
    let new = SigningRecord { height: ConsumerHeight(100), message: b"new".to_vec(), signature: None };
    own.records.push(new);
    let merged = exported.import(&store).unwrap();
    let (_, changed) = merged.iter().find(|(lane, _)| *lane == *one.lane).unwrap();
    assert_eq!((changed.contradicted.as_slice(), changed.records), ([ConsumerHeight(6)].as_slice(), 1));
    // The own high watermark stays where the import has none, and the lower one counts.
    assert_eq!(changed.watermarks.high, Some(ConsumerHeight(u64::MAX - 1)));
    let mut lower = Interchange::export(&store, ExportForm::Minimal).unwrap();
    lower.lanes.iter_mut().for_each(|history| history.watermarks.high = Some(ConsumerHeight(9)));
    for (_, changed) in lower.import(&store).unwrap() {
        assert_eq!(changed.watermarks.high, Some(ConsumerHeight(9)));
    }
    let mut none = Interchange::export(&store, ExportForm::Minimal).unwrap();
    none.lanes.iter_mut().for_each(|history| history.watermarks.high = None);
    for (_, changed) in none.import(&store).unwrap() {
        assert_eq!(changed.watermarks.high, Some(ConsumerHeight(9)));
    }
}

/// Each fault by its field and rule; a form that is written in two ways is no form.
#[test]
fn malformed_files_are_refused() {
    let (store, _) = used();
    let whole = Interchange::export(&store, ExportForm::Complete).unwrap().to_json();
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut file = whole.clone();
        change(&mut file);
        Interchange::from_json(&file.to_string()).unwrap_err().to_string()
    };
    type Case<'a> = (&'a str, serde_json::Value, &'a str);
    let cases: [Case<'_>; 15] = [
        ("/metadata/interchange_format", "other".into(), "it has the format \"other\""),
        ("/metadata/interchange_format_version", "2".into(), "of version \"2\""),
        ("/data/0/public_key", "00".into(), "data[0].public_key: not an x-only public key"),
        ("/data/0/public_key", "ff".repeat(32).into(), "data[0].public_key: not an x-only public key"),
        ("/data/1/chain_id", "xy".into(), "data[1].chain_id: not hex"),
        ("/data/0/low_watermark_height", "-1".into(), "data[0].low_watermark_height: \"-1\" is not a height"),
        ("/data/0/low_watermark_height", "007".into(), "\"007\" is not a height"),
        ("/data/0/low_watermark_height", 7.into(), "not an interchange file"),
        ("/data/0/records/0/height", "18446744073709551616".into(), "data[0].records[0].height"),
        ("/data/0/records/1/height", "5".into(), "height 5 stands twice"),
        ("/data/0/records/0/message", "0".into(), "data[0].records[0].message: not hex"),
        ("/data/0/records/0/signature", "00".into(), "data[0].records[0].signature: 1 bytes; must be 32"),
        ("/data/0/records/0/signature", "ff".repeat(32).into(), "data[0].records[0].signature"),
        ("/data/0/committed/0/first_height", "+5".into(), "data[0].committed[0].first_height"),
        ("/data/0/committed/0/last_height", "4".into(), "data[0].committed[0].last_height: it is below"),
    ];
    for (place, value, said) in cases {
        let error = refused(&|file| *file.pointer_mut(place).unwrap() = value.clone());
        assert!(error.contains(said), "{place}: {error}");
    }
    let error = refused(&|file| file["data"][1] = file["data"][0].clone());
    assert!(error.contains("data[1]: ") && error.contains("stands twice"), "{error}");
    let error = refused(&|file| file["data"][0]["unheard_of"] = 1.into());
    assert!(error.contains("unknown field `unheard_of`"), "{error}");
    for text in ["", "[]", "{}", "null"] {
        assert!(matches!(Interchange::from_json(text), Err(InterchangeError::Form(_))), "{text}");
    }
    let twice = whole.to_string().replacen("\"data\":", "\"data\":[],\"data\":", 1);
    assert!(Interchange::from_json(&twice).unwrap_err().to_string().contains("duplicate field"));
    assert!(Interchange::from_json(&whole.to_string()).is_ok());
}
