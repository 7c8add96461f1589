//! Keys and values of the records.

use std::error::Error;

use super::encoder::{BUCKET, VALUE, Writer, bucket, inline, leaf};
use super::open;
use crate::import::{ImportError, NamedKey, ReadError, SignRecord, SignRecordFault};

/// The x coordinate of the generator.
const PUBLIC_KEY: &str = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn key(chain_id: &[u8], height: u64) -> Vec<u8> {
    [chain_id, &hex::decode(PUBLIC_KEY).unwrap(), &height.to_be_bytes()].concat()
}

/// Returns one field of a protobuf message: bytes.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![tag << 3 | 2];
    let mut length = bytes.len();
    while length > 127 {
        field.push((length % 128) as u8 | 128);
        length /= 128;
    }
    field.push(length as u8);
    [field.as_slice(), bytes].concat()
}

fn value(message: &[u8], signature: &[u8], timestamp: &[u8]) -> Vec<u8> {
    [field(1, message), field(2, signature), vec![3 << 3], timestamp.to_vec()].concat()
}

fn fault(key: &[u8], value: &[u8]) -> SignRecordFault {
    let error = SignRecord::decode(key, value).unwrap_err();
    assert_eq!((error.bucket, error.key.as_slice()), ("signRecord", key));
    assert!(error.to_string().contains(&hex::encode(key)), "{error}");
    error.fault
}

#[test]
fn a_record_is_taken_apart() {
    // 300 is a varint of two bytes.
    let good = value(b"message", &[7; 32], &[0xac, 0x02]);
    for chain_id in [&b""[..], b"bbn-1", b"\xff\x00\xfe", &[b'c'; 32728]] {
        for height in [0, 1, 255, 256, 1 << 63, u64::MAX] {
            let record = SignRecord::decode(&key(chain_id, height), &good).unwrap();
            assert_eq!(record.chain_id, chain_id);
            assert_eq!(record.public_key.to_string(), PUBLIC_KEY);
            assert_eq!(record.height, height);
            assert_eq!((record.message.as_slice(), record.signature), (&b"message"[..], [7; 32]));
            assert_eq!(record.timestamp_ms, 300);
        }
    }
}

#[test]
fn fields_may_be_empty_or_large_or_unknown() {
    let record = |value: &[u8]| SignRecord::decode(&key(b"c", 1), value).unwrap();
    let left_out = record(&field(2, &[7; 32]));
    assert_eq!((left_out.message.as_slice(), left_out.timestamp_ms), (&b""[..], 0));
    let large = vec![5; 3 << 20];
    assert_eq!(record(&value(&large, &[7; 32], &[1])).message, large);
    let minus_one = [[0xff; 9].as_slice(), &[1]].concat();
    assert_eq!(record(&value(b"", &[7; 32], &minus_one)).timestamp_ms, -1);
    assert_eq!(record(&[value(b"m", &[7; 32], &[1]), field(9, b"new")].concat()).message, b"m");
}

#[test]
fn what_is_no_record_is_refused() {
    let good = value(b"m", &[7; 32], &[1]);
    for length in [0, 1, 8, 32, 39] {
        assert_eq!(fault(&key(b"", 1)[..length], &good), SignRecordFault::ShortKey { found: length });
    }
    for off_curve in [[0; 32], [0xff; 32]] {
        let key = [&b"chain"[..], &off_curve, &[0; 8]].concat();
        assert!(matches!(fault(&key, &good), SignRecordFault::PublicKey(_)));
    }
    for length in [0, 31, 33, 64] {
        let value = value(b"m", &vec![7; length], &[1]);
        assert_eq!(fault(&key(b"c", 1), &value), SignRecordFault::SignatureLength { found: length });
    }
    assert_eq!(fault(&key(b"c", 1), b""), SignRecordFault::SignatureLength { found: 0 });
    // Cut off, a wrong wire type, a tag of 0, and a length past the end.
    for bad in [&good[..10], &[1 << 3, 1], &[2, 0], &[1 << 3 | 2, 200], &[0xff; 20]] {
        assert!(matches!(fault(&key(b"c", 1), bad), SignRecordFault::Undecodable(_)), "{bad:?}");
    }
}

#[test]
fn errors_name_the_key_and_the_rule() {
    let error = SignRecord::decode(&key(b"c", 1), &field(2, &[7; 31])).unwrap_err();
    let text = format!("signRecord, key 63{PUBLIC_KEY}0000000000000001: signature of 31 bytes; must be 32");
    assert_eq!(error.to_string(), text);
    assert!(error.source().is_none());
    let error = SignRecord::decode(&key(b"c", 1), &[2, 0]).unwrap_err();
    assert!(error.source().is_some_and(<dyn Error>::is::<prost::DecodeError>));
    // A long key is shortened in the middle.
    let error = SignRecord::decode(&key(&[0xab; 5000], 1), b"").unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("ab…{}", "ab".repeat(88))) && text.contains("(5040 bytes)"), "{text}");
    assert!(text.len() < 700);
}

#[test]
fn names_of_keys() {
    let public_key = hex::decode(PUBLIC_KEY).unwrap();
    let name = NamedKey::decode(&public_key, "carol-é".as_bytes()).unwrap();
    assert_eq!((name.name.as_str(), name.public_key.to_string().as_str()), ("carol-é", PUBLIC_KEY));
    assert_eq!(NamedKey::decode(&public_key, b"").unwrap().name, "");
    let fault = |key: &[u8], name: &[u8]| NamedKey::decode(key, name).unwrap_err().fault;
    assert_eq!(fault(&public_key[..31], b"alice"), SignRecordFault::KeyLength { found: 31 });
    assert!(matches!(fault(&[0xff; 32], b"alice"), SignRecordFault::PublicKey(_)));
    assert!(matches!(fault(&public_key, b"\xff"), SignRecordFault::Name(_)));
}

#[test]
fn public_keys_are_not_mixed_up() {
    // The x coordinates of the first three multiples of the generator, and bytes that are on no curve.
    let keys = [
        PUBLIC_KEY,
        "c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
        "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
        &"ff".repeat(32),
    ];
    let good = value(b"m", &[7; 32], &[1]);
    let mut entries = Vec::new();
    for (number, public_key) in [0, 0, 1, 3, 1, 3, 3, 0, 2, 2, 0].into_iter().enumerate() {
        let chain_id = [number as u8];
        let key = [&chain_id[..], &hex::decode(keys[public_key]).unwrap(), &[0; 8]].concat();
        entries.push((public_key, key));
    }
    let elements: Vec<_> = entries.iter().map(|(_, key)| (VALUE, key.as_slice(), good.as_slice())).collect();
    let mut writer = Writer::new(4096);
    let root = writer.add(leaf(&elements));
    let mut database = open(writer.with_buckets(&[(b"signRecord", &bucket(root))]));
    let records: Vec<_> = database.sign_records().unwrap().collect();
    assert_eq!(records.len(), entries.len());
    for (record, (public_key, key)) in records.iter().zip(&entries) {
        match record {
            Ok(record) => assert_eq!(record.public_key.to_string(), keys[*public_key]),
            Err(ImportError::Record(error)) => assert_eq!((*public_key, &error.key), (3, key)),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_bad_record_does_not_hide_those_behind_it() {
    let good = value(b"m", &[7; 32], &[1]);
    let keys = [key(b"a", 1), key(b"a", 2), key(b"a", 3), key(b"a", 4)];
    let small = inline(&leaf(&[]));
    let mut writer = Writer::new(4096);
    let root = writer.add(leaf(&[
        (VALUE, &keys[0], &good),
        (VALUE, &keys[1], b""),
        (BUCKET, &keys[2], &small),
        (VALUE, &keys[3], &good),
    ]));
    let mut database = open(writer.with_buckets(&[(b"signRecord", &bucket(root))]));
    let records: Vec<_> = database.sign_records().unwrap().collect();
    assert_eq!(records.len(), 4);
    assert_eq!(records[0].as_ref().unwrap().height, 1);
    let fault = |index: usize| match &records[index] {
        Err(ImportError::Record(error)) => (error.key.clone(), error.fault.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(1), (keys[1].clone(), SignRecordFault::SignatureLength { found: 0 }));
    assert_eq!(fault(2), (keys[2].clone(), SignRecordFault::Bucket));
    assert_eq!(records[3].as_ref().unwrap().height, 4);
    assert!(matches!(database.key_names().err(), Some(ReadError::NoBucket { .. })));
}
