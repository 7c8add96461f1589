//! Responses of a node, unchanged. Ids were computed by another program.

use bitcoin::Amount;

use super::{folder, in_any, read};
use crate::wire::{TOP_MEMBERS, WireDelegation, WireSpend, read_json, read_protobuf, write_message};
use crate::wire::{WireKind, protobuf};

const FIRST: &str = "27aac5aff11cb2a324b46abf669f254ef52a79623e00c7ef8df44c07253c4955";
const UNBONDED: &str = "55b11c637443c0260a3cdf4982d3db101a1ce94755e976fd82022da67f172703";
const PARENT: &str = "edfa11c0cb1414e5fc6268a118d06b96758040de9a97a884c728967722836533";
const EXTENSION: &str = "21e68a7a878c349458eda456fb1e44483ab1c8226828edd2dca6d3a4cc3f8f65";
const SLASHING_SPEND: &str = "ccb1089e38a0a1859bbb0400c6bf7a6718b0599bfa81d0da63ce8e399f1098fb";
const FIRST_UNBONDING: &str = "99b19a68a7b35936b510be0bd6dae783c35612d7f1407d35ba7e4df6d2dc7d9f";
const SECOND_UNBONDING: &str = "1ae003a39c00c5f2b6a27cb5ef7087aae189c3dd3ca7cab2a05805bb6199fa72";
const EXTENSION_UNBONDING: &str = "408b15230c6fce3e9ac459567db3d051454eec20cbf205d5aeb6d46a406f4a2d";

/// The txid, status, staking time, satoshis, heights, number of covenant members, spend, unbonding txid and
/// parameters version.
type Row = (&'static str, &'static str, u32, u64, Option<(u32, u32)>, usize, &'static str, &'static str, u32);

const PENDING: Row = (FIRST, "PENDING", 400, 500_000, None, 0, "", FIRST_UNBONDING, 0);
const VERIFIED: Row = (FIRST, "VERIFIED", 400, 500_000, None, 2, "", FIRST_UNBONDING, 0);
const ACTIVE: Row = (FIRST, "ACTIVE", 400, 500_000, Some((111, 511)), 3, "", FIRST_UNBONDING, 0);
const SLASHED: Row =
    (FIRST, "UNBONDED", 400, 500_000, Some((111, 511)), 3, SLASHING_SPEND, FIRST_UNBONDING, 0);
const EARLY: Row =
    (UNBONDED, "UNBONDED", 300, 600_000, Some((137, 437)), 2, "unbonding", SECOND_UNBONDING, 0);
const THIRD: Row = (
    "53bec54dc56d481607c390cdefafcc48f8856403d88d6ff6440cd184f01f2037",
    "ACTIVE",
    300,
    700_000,
    Some((137, 437)),
    2,
    "",
    "19cff2fa66ab452ccfc7728b90d19794b6c4fb4195435a90a2e054705a1b7e18",
    0,
);
const EXPIRED: Row = (
    "b57c4d4ab8bd98ec193f01598d9837f893f5730de7301d6db4e46113503cc5bb",
    "EXPIRED",
    150,
    500_000,
    Some((127, 277)),
    2,
    "",
    "3d1c5c151ac52658614786836541f26b9f8cacbded6b060cae0abcd579afd98b",
    1,
);
const EXTENDED: Row = (
    PARENT,
    "UNBONDED",
    300,
    10_000_000,
    Some((143, 443)),
    2,
    EXTENSION,
    "d42e114e2e7827089224e3e6591c68247ae36dac6e16c35e27beac8c6fb4affe",
    0,
);
const EXTENSION_VERIFIED: Row = (EXTENSION, "VERIFIED", 400, 10_000_000, None, 2, "", EXTENSION_UNBONDING, 0);
const EXTENSION_ACTIVE: Row =
    (EXTENSION, "ACTIVE", 400, 10_000_000, Some((185, 585)), 2, "", EXTENSION_UNBONDING, 0);

const ANSWERS: [(&str, &[Row]); 15] = [
    ("query-delegation-active.json", &[ACTIVE]),
    ("query-delegation-of-slashed-provider.json", &[ACTIVE]),
    ("query-delegation-pending.json", &[PENDING]),
    ("query-delegation-spent-by-slashing.json", &[SLASHED]),
    ("query-delegation-unbonded.json", &[EARLY]),
    ("query-delegation-verified.json", &[VERIFIED]),
    ("rest-delegation-active.json", &[ACTIVE]),
    ("rest-delegation-expired.json", &[EXPIRED]),
    ("rest-delegation-extended-parent.json", &[EXTENDED]),
    ("rest-delegation-extension-active.json", &[EXTENSION_ACTIVE]),
    ("rest-delegation-extension-verified.json", &[EXTENSION_VERIFIED]),
    ("rest-delegation-pending.json", &[PENDING]),
    ("rest-delegation-unbonded.json", &[EARLY]),
    ("rest-delegation-verified.json", &[VERIFIED]),
    ("rest-finality-provider-delegations.json", &[SLASHED, EARLY, THIRD]),
];
const MESSAGE: &str = "rest-tx-create-btc-delegation.json";

fn sample(name: &str) -> Vec<WireDelegation> {
    let text = read(&format!("samples/{name}"));
    let top: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(TOP_MEMBERS.iter().any(|member| top.get(member).is_some()), "{name}");
    read_json(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn read_json_has_the_values_computed_by_another_program() {
    assert_eq!(std::fs::read_dir(folder().join("samples")).unwrap().count(), ANSWERS.len() + 1);
    for (name, rows) in ANSWERS {
        let found = sample(name);
        assert_eq!(found.len(), rows.len(), "{name}");
        for (found, row) in found.iter().zip(rows) {
            let (txid, status, time, sat, heights, members, spend, unbonding, version) = *row;
            assert_eq!(found.staking_txid().to_string(), txid, "{name}");
            assert_eq!(found.status.as_deref(), Some(status), "{name}");
            assert_eq!(found.staking_time_blocks, time, "{name}");
            assert_eq!(found.staking_amount, Amount::from_sat(sat), "{name}");
            assert_eq!(found.start_height.zip(found.end_height), heights, "{name}");
            assert_eq!(found.covenant.len(), members, "{name}");
            let unbonding_txid = found.unbonding_transaction.as_ref().unwrap().compute_txid();
            assert_eq!(unbonding_txid.to_string(), unbonding, "{name}");
            assert_eq!(found.parameters_version, Some(version), "{name}");
            let spent_by = match &found.unbonding_spend {
                None => String::new(),
                Some(WireSpend::Unbonding) => "unbonding".into(),
                Some(WireSpend::Other(transaction)) => transaction.compute_txid().to_string(),
            };
            assert_eq!(spent_by, spend, "{name}");
            // The second version of the parameters has another unbonding time.
            assert_eq!(found.unbonding_time_blocks, if version == 1 { 25 } else { 20 }, "{name}");
            assert_eq!(found.staking_output_index, Some(0), "{name}");
            for signed in &found.covenant {
                assert_eq!((signed.slashing.len(), signed.unbonding_slashing.len()), (1, 1), "{name}");
                assert_eq!(signed.extension.is_some(), txid == EXTENSION, "{name}");
            }
        }
    }
}

#[test]
fn read_json_joins_the_lists_by_member() {
    let found = sample("query-delegation-active.json").remove(0);
    let members: Vec<_> = found.covenant.iter().map(|signed| signed.member.to_string()).collect();
    assert_eq!(
        members,
        [
            "0365ce615160dcdf69e8887a2e8a963a119e1d29750afc120e73d0e79dbae44c",
            "1e7989da131d6654fc3e3aa15c448a09dab205994741d71dc9a726b9d53f69bd",
            "3a1964ab8165884400276674aedf8a26071ab1ceec8fd81ea7f1e7473669c937",
        ]
    );
    // The bytes whose base64 is in the sample, written as hex by another program.
    let last = found.covenant.last().unwrap();
    assert!(last.slashing[0].to_string().starts_with("03e91e4d97c7337cbdf42000c1575eeb3284ddf1"));
    assert!(last.unbonding.to_string().starts_with("f22221701956cd4b5f5581a8bfb8627a5d1ae1d3"));
    assert!(last.unbonding_slashing[0].to_string().starts_with("0394e2631fca90a9e058bf180544c867d0a8806a"));
}

#[test]
fn read_json_of_an_extension_names_the_stake_that_it_spends() {
    let parent = sample("rest-delegation-extended-parent.json").remove(0);
    let extension = sample("rest-delegation-extension-active.json").remove(0);
    let extends = extension.extends.as_ref().unwrap();
    assert_eq!(extends.previous_txid, parent.staking_txid());
    assert_eq!(extension.staking_transaction.input[0].previous_output.txid, parent.staking_txid());
    let coin = extends.funding_output.as_ref().unwrap();
    assert_eq!(coin.value, Amount::from_sat(5_000_000_000));
    assert!(coin.script_pubkey.is_p2tr());
    assert_eq!(extends.funding_transaction, None);
    let Some(WireSpend::Other(spend)) = parent.unbonding_spend else { panic!("the extension spends it") };
    assert_eq!(spend.compute_txid(), extension.staking_txid());
}

#[test]
fn read_json_of_a_transaction_is_the_pending_response() {
    let message = sample(MESSAGE).remove(0);
    let answer = sample("query-delegation-pending.json").remove(0);
    assert_eq!(message.proof_of_possession.as_ref().map(|(kind, bytes)| (*kind, bytes.len())), Some((0, 64)));
    assert_eq!(message.unbonding_amount, Some(Amount::from_sat(498_000)));
    let expected = WireDelegation {
        staking_output_index: answer.staking_output_index,
        parameters_version: answer.parameters_version,
        status: answer.status.clone(),
        unbonding_amount: None,
        proof_of_possession: None,
        ..message
    };
    assert_eq!(answer, expected);
}

#[test]
fn write_message_round_trips() {
    let message = sample(MESSAGE);
    let written = write_message(&message[0]).unwrap();
    assert_eq!(written.type_url, protobuf::CREATE_URL);
    assert_eq!(read_protobuf(WireKind::Create, &written.protobuf).unwrap(), message);
    assert_eq!(read_protobuf(WireKind::Any, &in_any(&written)).unwrap(), message);

    // The same as an extension of itself.
    let mut extension = message;
    extension[0].extends = Some(crate::wire::WireExtension {
        previous_txid: PARENT.parse().unwrap(),
        funding_transaction: Some(extension[0].staking_transaction.clone()),
        funding_output: None,
    });
    let written = write_message(&extension[0]).unwrap();
    assert_eq!(written.type_url, protobuf::EXPAND_URL);
    assert_eq!(read_protobuf(WireKind::Expand, &written.protobuf).unwrap(), extension);
    assert_eq!(read_protobuf(WireKind::Any, &in_any(&written)).unwrap(), extension);
}

#[test]
fn write_message_names_what_a_response_lacks() {
    let answer = sample("query-delegation-pending.json").remove(0);
    assert_eq!(write_message(&answer).unwrap_err().to_string(), "pop: missing");
}
