//! What a real node said that happened.

use std::path::Path;

use ::bitcoin::Txid;
use ::finality::ConsumerHeight;
use eots::XOnlyPublicKey;
use serde_json::Value;

use crate::event::{ChainEvent, ProviderStatus};
use crate::node::{Event, NodeError};
use crate::query::DelegationStatus;

const PROVIDER: &str = "dc1a556d48386b4a24d0a10d6a16d7b436a38cf582732e86ee52f465513d20ff";
const STAKE: &str = "27aac5aff11cb2a324b46abf669f254ef52a79623e00c7ef8df44c07253c4955";

fn provider() -> XOnlyPublicKey {
    PROVIDER.parse().unwrap()
}

fn stake() -> Txid {
    STAKE.parse().unwrap()
}

/// The events of a sample's transaction.
fn events(name: &str) -> Vec<Event> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/node/transactions");
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap();
    let response = sample.get("tx_response").unwrap_or(&sample);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let event = |event: &Value| Event {
        kind: text(&event["type"]),
        attributes: event["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|attribute| (text(&attribute["key"]), text(&attribute["value"])))
            .collect(),
    };
    response["events"].as_array().unwrap().iter().map(event).collect()
}

fn read(name: &str) -> Vec<ChainEvent> {
    events(name).iter().filter_map(|event| ChainEvent::read(event).unwrap()).collect()
}

#[test]
fn the_events_of_a_node_are_read() {
    assert_eq!(
        read("rest-tx-create-finality-provider.json"),
        [ChainEvent::ProviderRegistered { provider: provider() }]
    );
    assert_eq!(
        read("../samples/rest-tx-create-btc-delegation.json"),
        [ChainEvent::StakeRegistered {
            stake: stake(),
            providers: vec![provider()],
            parameters_version: 0,
            extends: None
        }]
    );
    let signed = read("rest-tx-add-covenant-sigs-quorum.json");
    let [ChainEvent::CovenantSigned { stake: signed, member }, reached] = signed.as_slice() else {
        panic!("{signed:?}")
    };
    assert!(*signed == stake() && member.to_string().starts_with("1e7989da"));
    assert_eq!(*reached, ChainEvent::QuorumReached { stake: stake() });
    assert_eq!(
        read("rest-tx-add-inclusion-proof.json"),
        [ChainEvent::StakeIncluded { stake: stake(), start_height: 111, end_height: 511 }]
    );
    let unbonded = read("rest-tx-btc-undelegate.json");
    assert!(
        matches!(
            unbonded.as_slice(),
            [ChainEvent::StakeUnbonded { start_height: 140, extended_by: None, .. }]
        ),
        "{unbonded:?}"
    );
    let otherwise = read("tx-undelegate-by-slashing.json");
    assert!(
        matches!(otherwise.as_slice(), [ChainEvent::StakeSpentOtherwise { stake: found, by }]
            if *found == stake() && by.to_string().starts_with("ccb1089e")),
        "{otherwise:?}"
    );
    for name in ["rest-tx-equivocating-vote.json", "tx-equivocation-vote.json"] {
        let slashed = read(name);
        let [ChainEvent::ProviderSlashed(evidence)] = slashed.as_slice() else { panic!("{slashed:?}") };
        assert_eq!((evidence.public_key, evidence.canonical.height()), (provider(), ConsumerHeight(252)));
    }
    let selective = read("tx-selective-slashing-evidence.json");
    let [ChainEvent::SelectivelySlashed { provider }] = selective.as_slice() else { panic!("{selective:?}") };
    assert!(provider.to_string().starts_with("533824d7"));
    // Votes and commitments have none.
    for name in ["rest-tx-add-finality-sig.json", "rest-tx-commit-pubrand.json"] {
        assert_eq!(read(name), [], "{name}");
    }
}

/// Of each event of a real node, no attribute can be without what it must have.
#[test]
fn events_without_their_attributes_are_refused() {
    let mut tried = 0;
    for name in [
        "rest-tx-create-finality-provider.json",
        "../samples/rest-tx-create-btc-delegation.json",
        "rest-tx-add-covenant-sigs.json",
        "rest-tx-add-covenant-sigs-quorum.json",
        "rest-tx-add-inclusion-proof.json",
        "rest-tx-btc-undelegate.json",
        "tx-undelegate-by-slashing.json",
        "tx-equivocation-vote.json",
        "tx-selective-slashing-evidence.json",
    ] {
        for event in events(name) {
            let Some(whole) = ChainEvent::read(&event).unwrap() else { continue };
            for place in 0..event.attributes.len() {
                let mut other = event.clone();
                other.attributes[place].1 = "\"?\"".to_owned();
                // What is not read may have any form.
                match ChainEvent::read(&other) {
                    Ok(same) => assert_eq!(same.as_ref(), Some(&whole), "{other:?}"),
                    Err(error) => {
                        assert!(matches!(error, NodeError::Answer { .. }));
                        tried += 1;
                    }
                }
            }
            let none = Event { attributes: Vec::new(), ..event };
            assert!(ChainEvent::read(&none).is_err(), "{none:?}");
        }
    }
    assert_eq!(tried, 20, "of so many attributes the form is needed");
}

#[test]
fn the_events_of_a_block_are_read() {
    let event = |kind: &str, attributes: &[(&str, &str)]| Event {
        kind: format!("babylon.{kind}"),
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    };
    let (provider_key, stake_id) = (format!("\"{PROVIDER}\""), format!("\"{STAKE}\""));
    let status = |name: &str| {
        let name = format!("\"FINALITY_PROVIDER_STATUS_{name}\"");
        let kind = "btcstaking.v1.EventFinalityProviderStatusChange";
        ChainEvent::read(&event(kind, &[("btc_pk", &provider_key), ("new_state", &name)]))
    };
    for (name, expected) in [
        ("INACTIVE", ProviderStatus::Inactive),
        ("ACTIVE", ProviderStatus::Active),
        ("JAILED", ProviderStatus::Jailed),
        ("SLASHED", ProviderStatus::Slashed),
    ] {
        let expected = ChainEvent::ProviderStatus { provider: provider(), status: expected };
        assert_eq!(status(name).unwrap(), Some(expected));
    }
    assert!(status("ASLEEP").is_err());
    let jailed = event("finality.v1.EventJailedFinalityProvider", &[("public_key", &provider_key)]);
    assert_eq!(ChainEvent::read(&jailed).unwrap(), Some(ChainEvent::ProviderJailed { provider: provider() }));
    let attributes = [("staking_tx_hash", stake_id.as_str()), ("new_state", "\"EXPIRED\"")];
    let expired = event("btcstaking.v1.EventBTCDelegationExpired", &attributes);
    assert_eq!(ChainEvent::read(&expired).unwrap(), Some(ChainEvent::StakeExpired { stake: stake() }));
    let update = event("btcstaking.v1.EventBTCDelegationStateUpdate", &attributes);
    assert_eq!(
        ChainEvent::read(&update).unwrap(),
        Some(ChainEvent::StakeStatus { stake: stake(), status: DelegationStatus::Expired })
    );
    assert_eq!(ChainEvent::read(&event("finality.v1.EventOfLater", &[])).unwrap(), None);
}
