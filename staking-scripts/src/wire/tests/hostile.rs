//! Arbitrary input: no panic, and every error has a path.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use serde_json::Value;

use super::{in_any, read};
use crate::wire::{WireError, WireKind, read_json, read_protobuf, write_message};

const KINDS: [WireKind; 6] = [
    WireKind::Delegation,
    WireKind::Delegations,
    WireKind::ProviderDelegations,
    WireKind::Create,
    WireKind::Expand,
    WireKind::Any,
];

const SAMPLES: [&str; 4] = [
    "samples/rest-delegation-extension-active.json",
    "samples/query-delegation-spent-by-slashing.json",
    "samples/rest-finality-provider-delegations.json",
    "samples/rest-tx-create-btc-delegation.json",
];

/// Returns whether an error has a path; text that is not JSON has none, nor has JSON of unknown shape.
fn names_a_path(error: &WireError) -> bool {
    match error {
        WireError::Field { path, .. } | WireError::Protobuf { path, .. } => !path.is_empty(),
        WireError::TooLong(_) | WireError::Json(_) | WireError::Shape => true,
    }
}

/// Returns the pointer of every value in a document.
fn places<'a>(value: &'a mut Value, visit: &mut dyn FnMut(&mut Value)) {
    visit(value);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|entry| places(entry, visit)),
        Value::Object(members) => members.values_mut().for_each(|member| places(member, visit)),
        _ => {}
    }
}

fn replacement() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::Array(vec![])),
        Just(Value::Object(serde_json::Map::new())),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9a-f]{0,200}".prop_map(Value::from),
        "[A-Za-z0-9+/]{0,88}={0,2}".prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn json_with_any_value_replaced_never_panics(
        which in 0..SAMPLES.len(), place in any::<usize>(), new in replacement(),
    ) {
        let mut sample: Value = serde_json::from_str(&read(SAMPLES[which])).unwrap();
        let mut count = 0;
        places(&mut sample, &mut |_| count += 1);
        let mut seen = 0;
        places(&mut sample, &mut |value| {
            if seen == place % count {
                *value = new.clone();
            }
            seen += 1;
        });
        if let Err(error) = read_json(&sample.to_string()) {
            prop_assert!(names_a_path(&error), "{error}");
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn json_cut_short_or_with_bytes_changed_never_panics(
        which in 0..SAMPLES.len(), at in any::<usize>(), byte in 0x20_u8..0x7f, cut in any::<bool>(),
    ) {
        let mut bytes = read(SAMPLES[which]).into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Err(error) = read_json(&String::from_utf8(bytes).unwrap()) {
            prop_assert!(names_a_path(&error), "{error}");
        }
    }

    #[test]
    fn protobuf_of_anything_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for kind in KINDS {
            if let Err(error) = read_protobuf(kind, &bytes) {
                prop_assert!(names_a_path(&error), "{error}");
            }
        }
    }

    #[test]
    fn protobuf_cut_short_or_with_bytes_changed_never_panics(
        at in any::<usize>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let message = read_json(&read(SAMPLES[3])).unwrap().remove(0);
        let message = write_message(&message).unwrap();
        let any = (WireKind::Any, in_any(&message));
        let mut written = vec![(WireKind::Create, message.protobuf), any];
        for (kind, bytes) in &mut written {
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            if let Err(error) = read_protobuf(*kind, bytes) {
                prop_assert!(names_a_path(&error), "{error}");
            }
        }
    }
}
