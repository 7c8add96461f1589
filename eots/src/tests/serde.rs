//! Public values travel as hex, in any format.

use serde_json::{Value, from_value, json, to_value};

use crate::{
    AdaptorSignature, Consumer, Evidence, FinalityVote, Genesis, InclusionProof, Operation, PublicRandomness,
    RandomnessSchedule, RandomnessTree, SecretKey, SecretRandomness, Signature, SigningContext, VoteMessage,
};

fn vote(key: &SecretKey, block: u8) -> FinalityVote<Genesis> {
    let schedule = RandomnessSchedule::new(1, 4, 1).unwrap();
    let tree = RandomnessTree::new(1, &schedule.public_randomness(key, b"c")).unwrap();
    let randomness = SecretRandomness::derive(key, b"c", 2);
    FinalityVote::sign(key, randomness, VoteMessage::<Genesis>::new(2, [block; 32]), tree.prove(2).unwrap())
        .unwrap()
}

#[test]
fn values_are_hex_and_come_back() {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let vote = vote(&key, 1);
    assert_eq!(to_value(vote.signature).unwrap(), json!(vote.signature.to_string()));
    assert_eq!(from_value::<Signature>(json!(vote.signature.to_string())).unwrap(), vote.signature);
    let randomness = vote.public_randomness;
    assert_eq!(from_value::<PublicRandomness>(to_value(randomness).unwrap()).unwrap(), randomness);
    let adaptor = AdaptorSignature::sign(&key, key.public_key(), &[1; 32], &[0; 32]).unwrap();
    assert_eq!(from_value::<AdaptorSignature>(to_value(adaptor).unwrap()).unwrap(), adaptor);
    assert_eq!(from_value::<InclusionProof>(to_value(&vote.proof).unwrap()).unwrap(), vote.proof);
    assert!(to_value(&vote.proof).unwrap()["aunts"][0].is_string());
}

#[test]
fn votes_and_evidence_come_back_in_their_dialect() {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let (first, second) = (vote(&key, 1), vote(&key, 2));
    assert_eq!(from_value::<FinalityVote<Genesis>>(to_value(&first).unwrap()).unwrap(), first);
    let evidence = Evidence::from_votes(&first, &second).unwrap();
    let text = to_value(evidence).unwrap();
    assert_eq!(from_value::<Evidence<Genesis>>(text.clone()).unwrap(), evidence);
    assert!(from_value::<Evidence<Consumer>>(text).is_err(), "there is no signing context in it");
    let context = SigningContext::new(Operation::FinalityVote, "c", "a");
    let message = VoteMessage::<Consumer>::new(context, 2, [1; 32]);
    let text = to_value(message).unwrap();
    assert_eq!(text["context"], json!(context.to_string()));
    assert_eq!(from_value::<VoteMessage<Consumer>>(text.clone()).unwrap(), message);
    assert!(from_value::<VoteMessage<Genesis>>(text).is_err(), "there is a signing context in it");
}

#[test]
fn what_is_no_value_is_an_error() {
    let refused = |value: Value| {
        assert!(from_value::<Signature>(value.clone()).is_err(), "{value}");
        assert!(from_value::<AdaptorSignature>(value.clone()).is_err(), "{value}");
        assert!(from_value::<SigningContext>(value.clone()).is_err(), "{value}");
        assert!(from_value::<PublicRandomness>(value.clone()).is_err(), "{value}");
    };
    for value in
        [json!(null), json!(1), json!(""), json!("zz"), json!([0, 1]), json!("00"), json!("F".repeat(63))]
    {
        refused(value);
    }
    assert!(from_value::<Signature>(json!("f".repeat(64))).is_err(), "not below the group order");
}
