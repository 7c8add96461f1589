//! Bytes that are almost a PSBT, in both versions: each is refused with its reason, none panics, and none
//! makes us allocate what it only claims.

use std::sync::LazyLock;

use bitcoin::base64::Engine as _;
use bitcoin::base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::maps::{changed, pair, with, without};
use super::unbonding;
use crate::psbt::{InvalidPsbt as Error, PsbtMap, PsbtSigningError, PsbtVersion, VersionedPsbt};
use crate::testing::{Scene, coin, parameters, staking_transaction};
use crate::transactions::LeafTransaction as _;

/// PSBTs of a staking transaction and of a pre-signed one, in both versions.
static SAMPLES: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    let staking = staking_transaction(&[coin(1, 2_000_000), coin(2, 400_000)], &parameters(0));
    let unbonding = unbonding(&Scene::new(2, 3, 2));
    let [staking, unbonding] =
        [staking.psbt(), unbonding.psbt()].map(|psbt| VersionedPsbt::from(psbt.clone()));
    let write = |psbt: &VersionedPsbt, version| psbt.serialize(version).unwrap();
    let [zero, two] = [PsbtVersion::Zero, PsbtVersion::Two];
    [write(&staking, zero), write(&unbonding, zero), write(&staking, two), write(&unbonding, two)]
});

/// A PSBT of an unbonding transaction, with one input and one output, in version 2.
fn two() -> &'static [u8] {
    &SAMPLES[3]
}

fn zero() -> &'static [u8] {
    &SAMPLES[1]
}

fn error(bytes: &[u8]) -> Error {
    reason(VersionedPsbt::deserialize(bytes))
}

fn reason<T: std::fmt::Debug>(read: Result<T, PsbtSigningError>) -> Error {
    let PsbtSigningError::Invalid(reason) = read.unwrap_err() else { panic!("another error") };
    reason
}

#[test]
fn bytes_after_a_psbt_are_refused_in_every_version_and_encoding() {
    for bytes in SAMPLES.iter() {
        VersionedPsbt::deserialize(bytes).unwrap();
        for (more, count) in [(&b"\0"[..], 1), (b"\n", 1), (b"\x05\0\0", 3), (bytes, bytes.len())] {
            let longer = [bytes, more].concat();
            assert_eq!(error(&longer), Error::TrailingBytes(count));
            assert_eq!(reason(VersionedPsbt::read(&longer)), Error::TrailingBytes(count));
            for text in [hex::encode(&longer), BASE64_STANDARD.encode(&longer)] {
                assert_eq!(reason(text.parse::<VersionedPsbt>()), Error::TrailingBytes(count));
                assert_eq!(reason(VersionedPsbt::read(text.as_bytes())), Error::TrailingBytes(count));
            }
        }
        // Two texts after one another are no text.
        let base64 = BASE64_STANDARD.encode(&bytes[..bytes.len() - bytes.len() % 3 - 2]);
        assert!(base64.ends_with('='));
        assert!(matches!(reason(format!("{base64}{base64}").parse::<VersionedPsbt>()), Error::Text(_)));
    }
}

#[test]
fn psbts_that_end_early_are_refused_wherever_they_end() {
    for bytes in SAMPLES.iter() {
        for length in 0..bytes.len() {
            let found = error(&bytes[..length]);
            assert_eq!(found, if length < 5 { Error::Magic } else { Error::Ends }, "{length}");
        }
    }
}

#[test]
fn texts_of_something_else_are_named() {
    for text in ["", "zz", "text", "abc", "cHNidP8B*", "0200", "é", "70736274f"] {
        let found = reason(text.parse::<VersionedPsbt>());
        assert!(matches!(found, Error::Text(_)), "{text:?}: {found}");
        assert!(found.to_string().starts_with("not a PSBT in base64 or in hex: "), "{found}");
    }
    assert_eq!(reason(VersionedPsbt::read(&[0xff; 9])), Error::Magic);
}

#[test]
fn keys_that_stand_twice_are_refused() {
    for bytes in SAMPLES.iter() {
        for map in 0..3 {
            let twice = changed(bytes, map, |pairs| {
                pairs.push((vec![0x77, 1], vec![1]));
                pairs.push((vec![0x77, 1], vec![2]));
            });
            // The third map is that of the second coin, or of the unbonding output.
            let Error::DuplicateKey { map: found, kind: 0x77 } = error(&twice) else { panic!("{map}") };
            let places =
                [&[PsbtMap::Global][..], &[PsbtMap::Input(0)], &[PsbtMap::Input(1), PsbtMap::Output(0)]];
            assert!(places[map].contains(&found), "{found}");
        }
    }
    // Each of version 2's own.
    for (map, kinds) in [(0, &[2, 3, 4, 5, 0xfb][..]), (1, &[0x0e, 0x0f, 0x10]), (2, &[3, 4])] {
        for kind in kinds {
            let twice = changed(two(), map, |pairs| {
                pairs.push(pairs.iter().find(|(key, _)| *key == [*kind]).unwrap().clone());
            });
            assert!(matches!(error(&twice), Error::DuplicateKey { kind: found, .. } if found == *kind));
        }
    }
}

#[test]
fn fields_that_are_absent_are_named() {
    for (map, kind, name) in [
        (0, 2, "PSBT_GLOBAL_TX_VERSION"),
        (0, 4, "PSBT_GLOBAL_INPUT_COUNT"),
        (0, 5, "PSBT_GLOBAL_OUTPUT_COUNT"),
        (1, 0x0e, "PSBT_IN_PREVIOUS_TXID"),
        (1, 0x0f, "PSBT_IN_OUTPUT_INDEX"),
        (2, 3, "PSBT_OUT_AMOUNT"),
        (2, 4, "PSBT_OUT_SCRIPT"),
    ] {
        let found = error(&without(two(), map, &[kind]));
        let named =
            matches!(&found, Error::Missing { field, version: PsbtVersion::Two, .. } if *field == name);
        assert!(named, "{found}");
    }
    let found = error(&without(zero(), 0, &[0]));
    let named = matches!(found, Error::Missing { version: PsbtVersion::Zero, .. });
    assert!(named && found.to_string().contains("the global map has no PSBT_GLOBAL_UNSIGNED_TX"), "{found}");
    // Those that may be absent: the last sequence, the lock time 0.
    let read = VersionedPsbt::deserialize(&without(&without(two(), 0, &[3]), 1, &[0x10])).unwrap();
    let transaction = &read.psbt().unsigned_tx;
    assert_eq!((transaction.lock_time.to_consensus_u32(), transaction.input[0].sequence.0), (0, u32::MAX));
}

#[test]
fn fields_of_another_form_are_refused() {
    for (map, kind, value) in [
        (0, 2, &[2, 0, 0][..]),
        (0, 3, &[0; 5]),
        (0, 4, &[]),
        (0, 4, &[1, 0]),
        (0, 4, &[0xfd, 1, 0]),
        (0, 5, &[0xff, 1]),
        (0, 6, &[]),
        (0, 6, &[0, 0]),
        (0, 0xfb, &[2]),
        (1, 0x0e, &[1; 31]),
        (1, 0x0e, &[1; 33]),
        (1, 0x0f, &[0; 3]),
        (1, 0x10, &[0; 8]),
        (1, 0x11, &[0; 4]),
        (1, 0x11, &[0xff, 0x64, 0xcd, 0x1d]),
        (1, 0x12, &[0; 4]),
        (1, 0x12, &[0, 0x65, 0xcd, 0x1d]),
        (2, 3, &[0; 4]),
        (2, 3, &[0xff; 8]),
    ] {
        let found = error(&with(two(), map, &[kind], value));
        assert!(matches!(found, Error::Field { .. }), "{map} {kind} {value:?}: {found}");
    }
    // Bytes after the type, where the key is the type alone: beside the field itself too.
    for (map, kind) in
        [(0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 0xfb), (1, 0x0e), (1, 0x10), (1, 0x12), (2, 3), (2, 4)]
    {
        let found = error(&with(two(), map, &[kind, 1], &[0; 4]));
        let named = matches!(&found, Error::Field { rule, .. } if *rule == "the type alone");
        assert!(named, "{map} {kind}: {found}");
    }
    // As the library says of fields that both versions have.
    for bytes in [zero(), two()] {
        for (kind, value) in [(0x17, &[1; 31][..]), (0x13, &[1; 63]), (0x01, &[1; 9])] {
            assert!(matches!(error(&with(bytes, 1, &[kind], value)), Error::Fields(_)));
        }
    }
    for version in [1_u32, 3, u32::MAX] {
        for bytes in [zero(), two()] {
            assert_eq!(error(&with(bytes, 0, &[0xfb], &version.to_le_bytes())), Error::Version(version));
        }
    }
    // Version 0 may say so.
    assert!(VersionedPsbt::deserialize(&with(zero(), 0, &[0xfb], &[0; 4])).is_ok());
    assert!(matches!(error(&with(zero(), 0, &[0], &[2, 0, 0, 0, 0xff])), Error::Field { .. }));
}

/// A count or a length is no reason to allocate: it is compared with the bytes that are there.
#[test]
fn counts_and_lengths_above_the_bytes_are_refused_at_once() {
    let start = std::time::Instant::now();
    let compact = |count: u64| bitcoin::consensus::serialize(&bitcoin::VarInt(count));
    for (kind, most, what) in [(4, 24_390_u64, "inputs"), (5, 111_111, "outputs")] {
        for count in [most + 1, 1 << 32, u64::MAX] {
            let found = error(&with(two(), 0, &[kind], &compact(count)));
            assert_eq!(found, Error::Count { count, what, most });
        }
        let found = error(&with(two(), 0, &[kind], &compact(most)));
        // The output's map is no input's.
        assert!(matches!(found, Error::Ends | Error::Missing { map: PsbtMap::Input(1), .. }), "{found}");
    }
    for bytes in [zero(), two()] {
        let empty = [b"psbt\xff", &bytes[5..]].concat();
        for length in [3_999_999_u64, 4_000_000, u64::from(u32::MAX), u64::MAX] {
            // A key's, a value's, in the first map and in the last.
            for head in [&empty[..5], &empty[..empty.len() - 1], &[b"psbt\xff\x01", &[0x77_u8][..]].concat()]
            {
                assert_eq!(error(&[head, &compact(length), &[1; 60]].concat()), Error::Ends);
            }
        }
    }
    // A transaction in the map of version 0 that says it has many inputs.
    for count in [1 << 20, u64::MAX] {
        let transaction = [vec![2, 0, 0, 0], compact(count), vec![1; 100]].concat();
        assert!(matches!(error(&with(zero(), 0, &[0], &transaction)), Error::Field { .. }));
    }
    let long = [b"psbt\xff".to_vec(), vec![0xfd, 1, 0, 0x77, 0]].concat();
    assert_eq!(error(&long), Error::Length(PsbtMap::Global));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

/// The library keeps no more of them.
#[test]
fn long_proprietary_keys_are_refused_and_not_cut() {
    for bytes in [zero(), two()] {
        for map in 0..3 {
            let key = |length: usize| [vec![0xfc, 4], b"long".to_vec(), vec![7; length - 6]].concat();
            let kept = with(bytes, map, &key(1024), &[1]);
            let read = VersionedPsbt::deserialize(&kept).unwrap();
            let written = read.serialize(read.version()).unwrap();
            let whole = pair(&key(1024), &[1]);
            assert!(written.windows(whole.len()).any(|part| part == whole));
            let found = error(&with(bytes, map, &key(1025), &[1]));
            assert!(matches!(found, Error::ProprietaryKey { length: 1025, .. }), "{found}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Bytes changed, removed and doubled: no panic, and what is read is the same when it is written in
    /// either version and read again.
    #[test]
    fn changed_psbts_are_refused_or_read_alike(
        sample in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 1..4),
    ) {
        let mut bytes = SAMPLES[sample].clone();
        for (at, how, new) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = new,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, new),
                _ => bytes.truncate(at.max(5)),
            }
        }
        if let Ok(read) = VersionedPsbt::deserialize(&bytes) {
            for version in [PsbtVersion::Zero, PsbtVersion::Two] {
                let written = read.serialize(version);
                // Only version 2 has signed amounts.
                let outputs = &read.psbt().unsigned_tx.output;
                let huge = outputs.iter().any(|output| output.value.to_sat() > i64::MAX as u64);
                if version == PsbtVersion::Two && huge {
                    let refused = matches!(written, Err(PsbtSigningError::Invalid(Error::Field { .. })));
                    prop_assert!(refused);
                    continue;
                }
                let again = VersionedPsbt::deserialize(&written.unwrap()).unwrap();
                prop_assert_eq!((again.version(), again.psbt()), (version, read.psbt()));
            }
        }
    }

    #[test]
    fn any_bytes_and_texts_are_no_reason_to_panic(bytes: Vec<u8>, text: String) {
        for version in [&b""[..], b"\x01\xfb\x04\x02\0\0\0"] {
            let _ = VersionedPsbt::deserialize(&[b"psbt\xff", version, &bytes].concat());
        }
        let _ = (VersionedPsbt::read(&bytes), VersionedPsbt::read(text.as_bytes()));
    }
}
