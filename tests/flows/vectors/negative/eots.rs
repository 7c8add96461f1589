//! Verification and extraction.

use eots::{PublicRandomness, Signature};
use serde::Deserialize;

use super::{Refusal, Rule, check, name, public_key, sized};
use crate::vectors::Hex;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    public_key: Hex,
    public_randomness: Hex,
    message: Hex,
    signature: Hex,
}

const VERIFY: &[Rule] = &[
    ("challenge_key_first", &[("VerifyError", 1)]),
    ("challenge_over_compressed_key", &[("VerifyError", 1)]),
    ("challenge_untagged", &[("VerifyError", 1)]),
    ("context_as_bytes", &[("VerifyError", 1)]),
    ("context_missing", &[("VerifyError", 1)]),
    ("context_unexpected", &[("VerifyError", 1)]),
    ("key_above_p", &[("key: InvalidPublicKey", 2)]),
    ("key_and_randomness_swapped", &[("VerifyError", 1)]),
    ("key_bit", &[("VerifyError", 2), ("key: InvalidPublicKey", 2)]),
    ("key_equals_p", &[("key: InvalidPublicKey", 1)]),
    ("key_not_on_curve", &[("key: InvalidPublicKey", 3)]),
    ("key_parity_ignored", &[("VerifyError", 1)]),
    ("key_too_long", &[("key: InvalidPublicKey", 1)]),
    ("key_too_short", &[("key: InvalidPublicKey", 1)]),
    ("message_bit", &[("VerifyError", 4)]),
    ("message_hashed_twice", &[("VerifyError", 1)]),
    ("message_not_hashed", &[("VerifyError", 1)]),
    ("randomness_above_p", &[("VerifyError", 2)]),
    ("randomness_at_infinity", &[("VerifyError", 1)]),
    ("randomness_bit", &[("VerifyError", 4)]),
    ("randomness_equals_p", &[("VerifyError", 1)]),
    ("randomness_not_on_curve", &[("VerifyError", 2)]),
    ("randomness_parity_ignored", &[("VerifyError", 1)]),
    ("randomness_too_long", &[("Length", 1)]),
    ("randomness_too_short", &[("Length", 1)]),
    ("s_above_n", &[("NotBelowOrder", 2)]),
    ("s_equals_n", &[("NotBelowOrder", 1)]),
    ("s_negated", &[("VerifyError", 1)]),
    ("s_zero", &[("VerifyError", 1)]),
    ("signature_bit", &[("VerifyError", 4)]),
    ("signature_by_another_key", &[("VerifyError", 1)]),
    ("signature_of_another_message", &[("VerifyError", 1)]),
    ("signature_too_long", &[("Length", 2)]),
    ("signature_too_short", &[("Length", 1)]),
    ("signature_under_another_randomness", &[("VerifyError", 1)]),
];

#[test]
fn verify() {
    check("verify", 54, VERIFY, |case: &Verify| {
        let randomness = PublicRandomness::from_bytes(sized(&case.public_randomness.0)?);
        let signature = signature(&case.signature)?;
        eots::verify(&public_key(&case.public_key.0)?, &randomness, &case.message.0, &signature).map_err(name)
    });
}

pub(super) fn signature(bytes: &Hex) -> Result<Signature, Refusal> {
    Signature::from_bytes(sized(&bytes.0)?).map_err(name)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extract {
    public_key: Hex,
    public_randomness: Hex,
    message_1: Hex,
    signature_1: Hex,
    message_2: Hex,
    signature_2: Hex,
}

const EXTRACT: &[Rule] = &[
    ("equal_messages", &[("EqualMessages", 2)]),
    ("equal_signatures", &[("EqualSignatures", 1)]),
    ("key_above_p", &[("key: InvalidPublicKey", 1)]),
    ("key_bit", &[("WrongKey", 1)]),
    ("key_not_on_curve", &[("key: InvalidPublicKey", 1)]),
    ("key_of_another", &[("WrongKey", 1)]),
    ("keys_differ", &[("WrongKey", 1)]),
    ("message_bit", &[("WrongKey", 2)]),
    ("messages_swapped", &[("WrongKey", 1)]),
    ("randomness_above_p", &[("WrongKey", 1)]),
    ("randomness_bit", &[("WrongKey", 1)]),
    ("randomness_differs", &[("WrongKey", 1)]),
    ("randomness_of_another", &[("WrongKey", 1)]),
    ("s_above_n", &[("NotBelowOrder", 1)]),
    ("s_equals_n", &[("NotBelowOrder", 1)]),
    ("signature_bit", &[("WrongKey", 2)]),
    ("signature_too_long", &[("Length", 1)]),
    ("signature_too_short", &[("Length", 1)]),
    ("signatures_swapped", &[("WrongKey", 1)]),
];

#[test]
fn extract() {
    check("extract", 22, EXTRACT, |case: &Extract| {
        let key = public_key(&case.public_key.0)?;
        let randomness = PublicRandomness::from_bytes(sized(&case.public_randomness.0)?);
        let (first, second) = (signature(&case.signature_1)?, signature(&case.signature_2)?);
        let pairs = [(&*case.message_1.0, &first), (&*case.message_2.0, &second)];
        let result = eots::extract(&key, &randomness, pairs[0], pairs[1]);
        // The order of the two makes no difference.
        assert_eq!(
            eots::extract(&key, &randomness, pairs[1], pairs[0]).map_err(name).err(),
            result.as_ref().map_err(name).err()
        );
        result.map(|_| ()).map_err(name)
    });
}
