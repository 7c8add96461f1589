//! Public values travel as hex, in any format.

use eots::{PublicRandomness, SecretKey, SecretRandomness};
use serde_json::{from_value, json, to_value};

use crate::{
    ConsumerHeight, Evidence, FinalityVote, Operation, RandomnessCommitment, RandomnessProof,
    RandomnessSchedule, RandomnessTree, SigningContext, VoteMessage,
};

fn vote(key: &SecretKey, block: u8) -> FinalityVote {
    let schedule = RandomnessSchedule::new(ConsumerHeight(1), 4, 1).unwrap();
    let tree = RandomnessTree::new(ConsumerHeight(1), &schedule.public_randomness(key, b"c")).unwrap();
    let randomness = SecretRandomness::derive(key, b"c", 2);
    let message = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(2), [block; 32]);
    FinalityVote::sign(key, randomness, message, tree.prove(ConsumerHeight(2)).unwrap()).unwrap()
}

/// A configuration names its rules, and a state and its changes are stored and come back.
#[test]
fn rules_and_their_state_come_back() {
    use crate::power::ChainSecurity;
    use crate::rules::{ChainState, Change, RuleSet, UnixTime};

    let genesis = json!({
        "rules": "babylon_genesis", "max_active": 60, "min_pub_rand": 8192, "activation_height": 27600,
        "signing": {
            "window_blocks": 10000, "min_signed": "0.200000000000000000", "timeout_blocks": 3, "jail_seconds": 600
        }
    });
    let rules: RuleSet = from_value(genesis.clone()).unwrap();
    assert_eq!(rules, RuleSet::BabylonGenesis(crate::rules::GenesisRules::mainnet()));
    assert_eq!(to_value(&rules).unwrap(), genesis);
    let cosmos: RuleSet = from_value(json!({"rules": "cosmos_contract", "max_active": 10})).unwrap();
    assert_eq!(cosmos.rules().name(), "cosmos_contract");
    let rollup = json!({
        "rules": "rollup_contract", "min_pub_rand": 1, "activation_height": 1, "interval": 5, "allowed": null,
        "rate_limit": {"interval_blocks": 10, "max_messages": 3}, "reader_quorum": "two_thirds"
    });
    assert_eq!(to_value(from_value::<RuleSet>(rollup.clone()).unwrap()).unwrap(), rollup);
    let gadget: RuleSet =
        from_value(json!({"rules": "gadget", "enabled": true, "activation_height": 1})).unwrap();
    assert_eq!(gadget.rules().name(), "gadget");
    for wrong in [json!({}), json!({"rules": "other"}), json!({"rules": "rollup_contract", "interval": 0})] {
        assert!(from_value::<RuleSet>(wrong.clone()).is_err(), "there is no default: {wrong}");
    }

    let provider = *SecretKey::from_bytes(&[1; 32]).unwrap().public_key();
    let changes = vec![
        Change::Final { first: ConsumerHeight(1), last: ConsumerHeight(4) },
        Change::PassedOver { first: ConsumerHeight(5), last: ConsumerHeight(5) },
        Change::Entered { provider, start_height: Some(ConsumerHeight(1)) },
        Change::Missed { provider, index: 3, missed: true },
        Change::Voted { provider, height: ConsumerHeight(2) },
        Change::Slashed { provider, height: ConsumerHeight(2) },
        Change::Jailed { provider, until: UnixTime(9) },
        Change::PowerTaken {
            providers: [provider].into(),
            first: ConsumerHeight(1),
            last: ConsumerHeight(2),
        },
    ];
    assert_eq!(from_value::<Vec<Change>>(to_value(&changes).unwrap()).unwrap(), changes);
    let mut state = ChainState::default();
    state.apply_all(&changes);
    assert_eq!(from_value::<ChainState>(to_value(&state).unwrap()).unwrap(), state);
    let opt_in = |top_n: u8| json!({"opt_in": {"shaping": {"top_n_percent": top_n}, "opted_in": [provider]}});
    assert!(from_value::<ChainSecurity>(opt_in(50)).is_ok());
    assert!(from_value::<ChainSecurity>(opt_in(49)).is_err(), "limits are checked when they are read");
}

#[test]
fn values_are_hex_and_come_back() {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let vote = vote(&key, 1);
    let randomness = vote.public_randomness;
    assert_eq!(from_value::<PublicRandomness>(to_value(randomness).unwrap()).unwrap(), randomness);
    assert_eq!(from_value::<RandomnessProof>(to_value(&vote.proof).unwrap()).unwrap(), vote.proof);
    assert!(to_value(&vote.proof).unwrap()["aunts"][0].is_string());
    let commitment = RandomnessCommitment { start_height: ConsumerHeight(7), count: 2, root: [0xab; 32] };
    let text = json!({"start_height": 7, "count": 2, "root": "ab".repeat(32)});
    assert_eq!(to_value(commitment).unwrap(), text);
    assert_eq!(from_value::<RandomnessCommitment>(text).unwrap(), commitment);
}

#[test]
fn votes_and_evidence_come_back_with_their_context() {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let (first, second) = (vote(&key, 1), vote(&key, 2));
    let text = to_value(&first).unwrap();
    assert_eq!(text["message"], json!({"height": 2, "block_hash": "01".repeat(32)}), "no context");
    assert_eq!(from_value::<FinalityVote>(text).unwrap(), first);
    let evidence = Evidence::from_votes(&first, &second).unwrap();
    let text = to_value(evidence).unwrap();
    assert_eq!(from_value::<Evidence>(text.clone()).unwrap(), evidence);
    // With a context put into it, it is evidence on no chain: it never comes to mean another one.
    let context = SigningContext::consumer(Operation::FinalityVote, "c", "a");
    let mut moved = text.clone();
    moved["canonical"]["context"] = json!(context.as_str());
    moved["fork"]["context"] = json!(context.as_str());
    assert!(from_value::<Evidence>(moved).unwrap().verify().is_err(), "there is no signing context in it");

    let message = VoteMessage::new(context, ConsumerHeight(2), [1; 32]);
    let text = to_value(message).unwrap();
    assert_eq!(text["context"], json!(context.to_string()));
    assert_eq!(from_value::<VoteMessage>(text.clone()).unwrap(), message);
    let genesis = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(2), [1; 32]);
    assert_ne!(from_value::<VoteMessage>(text.clone()).unwrap(), genesis, "there is a signing context in it");
    // Null says the same as nothing.
    let mut null = text;
    null["context"] = json!(null);
    assert_eq!(from_value::<VoteMessage>(null).unwrap(), genesis);
}

#[test]
fn context_of_another_form_is_refused() {
    for value in [
        json!(1),
        json!(""),
        json!("zz"),
        json!([0, 1]),
        json!("00"),
        json!("F".repeat(63)),
        json!("F".repeat(64)),
    ] {
        assert!(from_value::<SigningContext>(value.clone()).is_err(), "{value}");
    }
    assert_eq!(from_value::<SigningContext>(json!(null)).unwrap(), SigningContext::GENESIS);
    assert_eq!(to_value(SigningContext::GENESIS).unwrap(), json!(null));
}
