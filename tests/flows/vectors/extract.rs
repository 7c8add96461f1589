//! Extraction: the reference's key, from either order of the two signatures.

use serde::Deserialize;

use super::{Bytes, Hex, YCoordinate, cases};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    public_key: Bytes<32>,
    parity: YCoordinate,
    public_randomness: Bytes<32>,
    message_1: Hex,
    signature_1: Bytes<32>,
    message_2: Hex,
    signature_2: Bytes<32>,
    secret_key: Bytes<32>,
}

#[test]
fn the_key_that_the_reference_extracts() {
    let mut odd = 0;
    for (number, case) in cases::<Case>("extract", 304) {
        let (public_key, randomness) =
            (case.public_key.public_key(), case.public_randomness.public_randomness());
        let (first, second) = (case.signature_1.signature(), case.signature_2.signature());
        let pairs = [(&*case.message_1.0, &first), (&*case.message_2.0, &second)];
        for (message, signature) in pairs {
            eots::verify(&public_key, &randomness, message, signature).unwrap();
        }
        for (one, other) in [(pairs[0], pairs[1]), (pairs[1], pairs[0])] {
            let key = eots::extract(&public_key, &randomness, one, other).unwrap();
            assert_eq!(*key.to_bytes(), case.secret_key.0, "case {number}");
            assert_eq!(*key.public_key(), public_key);
            // The key that signed is this one or its negation.
            let signer = key.with_parity(case.parity.into());
            assert_eq!(
                signer.to_bytes() == key.to_bytes(),
                case.parity == YCoordinate::Even,
                "case {number}"
            );
        }
        odd += usize::from(case.parity == YCoordinate::Odd);
    }
    assert_eq!(odd, 152, "signers with odd y");
}
