//! BIP-370's test vectors (`tests/vectors/bip370`).

use std::collections::BTreeSet;
use std::path::Path;

use bitcoin::Psbt;
use serde::Deserialize;

use super::maps::maps;
use crate::psbt::{InvalidPsbt, PsbtSigningError, PsbtVersion, VersionedPsbt};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    invalid: Vec<Case>,
    valid: Vec<Case>,
    lock_times: Vec<Timed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    hex: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timed {
    case: String,
    hex: String,
    lock_time: Option<u32>,
}

fn vectors() -> File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/bip370/vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Each is refused for the field that it is about, and no other reason.
#[test]
fn psbts_that_bip370_calls_invalid_are_refused() {
    let vectors = vectors().invalid;
    assert_eq!(vectors.len(), 21);
    for Case { case, hex } in vectors {
        let bytes = hex::decode(&hex).unwrap();
        let named = case.split(' ').find(|word| word.starts_with("PSBT_")).unwrap().trim_end_matches('.');
        let error = VersionedPsbt::deserialize(&bytes).unwrap_err();
        let PsbtSigningError::Invalid(reason) = &error else { panic!("{case}: {error}") };
        match reason {
            // The vector has a version 2, and all else of version 0.
            InvalidPsbt::Excluded { field, version: PsbtVersion::Two, .. } => {
                assert_eq!((*field, named), ("PSBT_GLOBAL_UNSIGNED_TX", "PSBT_GLOBAL_VERSION"), "{case}");
            }
            InvalidPsbt::Excluded { field, version: PsbtVersion::Zero, .. } => {
                assert!(*field == named && case.starts_with("PSBTv0 but with"), "{case}: {error}");
            }
            InvalidPsbt::Missing { field, version: PsbtVersion::Two, .. } => {
                assert!(*field == named && case.starts_with("PSBTv2 missing"), "{case}: {error}");
            }
            InvalidPsbt::Field { field, .. } => {
                assert!(*field == named && case.contains("500000000"), "{case}: {error}");
            }
            other => panic!("{case}: {other}"),
        }
        assert_eq!(hex.parse::<VersionedPsbt>(), Err(error), "{case}");
    }
}

/// Every pair is written as it was read, and the conversion to version 0 is what the `bitcoin` library reads.
#[test]
fn psbts_that_bip370_calls_valid_are_read_and_written_again() {
    let vectors = vectors().valid;
    assert_eq!(vectors.len(), 14);
    for Case { case, hex } in vectors {
        let bytes = hex::decode(&hex).unwrap();
        let read = VersionedPsbt::deserialize(&bytes).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(read.version(), PsbtVersion::Two, "{case}");
        let transaction = &read.psbt().unsigned_tx;
        assert_eq!((transaction.version.0, transaction.input.len(), transaction.output.len()), (2, 1, 2));
        assert_eq!(transaction.output[0].value.to_sat(), 800_000_000, "{case}");
        assert_eq!(
            transaction.input[0].previous_output.txid.to_string(),
            "c85f81844094f9f0eec1e41f8d63e0a99e9f73dc725d7319871c9c4121d90a0b",
            "displayed in the reverse order"
        );
        let sequence = if hex.contains("011004feffffff") { 0xffff_fffe } else { u32::MAX };
        assert_eq!(transaction.input[0].sequence.to_consensus_u32(), sequence, "{case}");
        let again = read.serialize(PsbtVersion::Two).unwrap();
        assert_eq!(VersionedPsbt::deserialize(&again), Ok(read.clone()), "{case}");
        for (written, given) in maps(&again).iter().zip(maps(&bytes)) {
            let written: BTreeSet<_> = written.iter().cloned().collect();
            let given: BTreeSet<_> = given.into_iter().collect();
            let lost: Vec<_> = given.difference(&written).collect();
            assert!(lost.is_empty(), "{case}: {lost:?}");
            // What is absent is written out: the default sequence.
            let more: Vec<_> = written.difference(&given).map(|(key, value)| (key[0], value)).collect();
            assert!(
                more.iter().all(|(kind, value)| *kind == 0x10 && **value == [0xff; 4]),
                "{case}: {more:?}"
            );
        }
        let old = read.serialize(PsbtVersion::Zero).unwrap();
        assert_eq!(&Psbt::deserialize(&old).unwrap(), read.psbt(), "{case}");
    }
}

#[test]
fn lock_times_are_determined_as_bip370_says() {
    let vectors = vectors().lock_times;
    assert_eq!(vectors.len(), 10);
    for Timed { case, hex, lock_time } in vectors {
        let read = hex.parse::<VersionedPsbt>();
        match lock_time {
            None => assert_eq!(read, Err(InvalidPsbt::LockTimes.into()), "{case}"),
            Some(expected) => {
                let found = read.unwrap().psbt().unsigned_tx.lock_time;
                assert_eq!(found.to_consensus_u32(), expected, "{case}");
            }
        }
    }
}
