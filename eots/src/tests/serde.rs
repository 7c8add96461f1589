//! Public values travel as hex, in any format.

use serde_json::{Value, from_value, json, to_value};

use super::digest;
use crate::{AdaptorSignature, PublicRandomness, SecretKey, SecretRandomness, Signature, sign};

#[test]
fn values_are_hex_and_come_back() {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let randomness = SecretRandomness::derive(&key, b"c", 2);
    let public_randomness = *randomness.public_randomness();
    let signature = sign(&key, randomness, b"block").unwrap();
    assert_eq!(to_value(signature).unwrap(), json!(signature.to_string()));
    assert_eq!(from_value::<Signature>(json!(signature.to_string())).unwrap(), signature);
    assert_eq!(
        from_value::<PublicRandomness>(to_value(public_randomness).unwrap()).unwrap(),
        public_randomness
    );
    let adaptor = AdaptorSignature::sign(&key, key.public_key(), digest([1; 32]), &[0; 32]).unwrap();
    assert_eq!(from_value::<AdaptorSignature>(to_value(adaptor).unwrap()).unwrap(), adaptor);
}

#[test]
fn values_of_another_form_are_refused() {
    let refused = |value: Value| {
        assert!(from_value::<Signature>(value.clone()).is_err(), "{value}");
        assert!(from_value::<AdaptorSignature>(value.clone()).is_err(), "{value}");
        assert!(from_value::<PublicRandomness>(value.clone()).is_err(), "{value}");
    };
    for value in
        [json!(null), json!(1), json!(""), json!("zz"), json!([0, 1]), json!("00"), json!("F".repeat(63))]
    {
        refused(value);
    }
    assert!(from_value::<Signature>(json!("f".repeat(64))).is_err(), "not below the group order");
}
