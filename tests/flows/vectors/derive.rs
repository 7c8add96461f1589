//! Derivation of randomness from key, chain and height.

use eots::SecretRandomness;
use finality::{ConsumerHeight, RandomnessSchedule};
use serde::Deserialize;

use super::{Bytes, cases};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    secret_key: Bytes<32>,
    chain_id: String,
    height: u64,
    secret_randomness: Bytes<32>,
    public_randomness: Bytes<32>,
}

#[test]
fn the_randomness_of_the_reference() {
    let mut highest = 0;
    for (number, case) in cases::<Case>("derive", 300) {
        let key = case.secret_key.secret_key();
        let chain_id = case.chain_id.as_bytes();
        let derived = SecretRandomness::derive(&key, chain_id, case.height);
        let expected = SecretRandomness::dangerous_from_bytes(&case.secret_randomness.0).unwrap();
        assert_eq!(*derived.public_randomness(), case.public_randomness.public_randomness(), "case {number}");
        assert_eq!(derived.public_randomness(), expected.public_randomness(), "case {number}");
        // The secret does not come out, but what it signs does.
        let signatures =
            [derived, expected].map(|randomness| eots::sign(&key, randomness, b"message").unwrap());
        assert_eq!(signatures[0], signatures[1], "case {number}");
        let schedule = RandomnessSchedule::new(ConsumerHeight(case.height), 1, 1).unwrap();
        assert_eq!(schedule.public_randomness(&key, chain_id), [case.public_randomness.public_randomness()]);
        highest = highest.max(case.height);
    }
    assert_eq!(highest, u64::MAX, "the highest height among the cases");
}
