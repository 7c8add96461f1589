//! Questions to a gateway that answers as a real node did, and to an RPC with the same content in protobuf.

use std::path::Path;
use std::time::Duration;

use ::bitcoin::Txid;
use ::finality::ConsumerHeight;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use endpoint::testing::{Asked, ScriptedNode, rpc_result};
use eots::XOnlyPublicKey;
use serde_json::json;
use staking_scripts::{Parameters, ParametersHistory};

use crate::node::{ChainNode, CometBft, Gateway, NodeError};
use crate::query::{self, CheckpointStatus, DelegationStatus};

const PROVIDER: &str = "dc1a556d48386b4a24d0a10d6a16d7b436a38cf582732e86ee52f465513d20ff";
const STAKE: &str = "27aac5aff11cb2a324b46abf669f254ef52a79623e00c7ef8df44c07253c4955";
const WITHIN: Duration = Duration::from_secs(5);

fn provider() -> XOnlyPublicKey {
    PROVIDER.parse().unwrap()
}

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/node");
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The answers of the development network, by the gateway's path.
fn gateway() -> (ScriptedNode, Gateway) {
    let node = ScriptedNode::new(|asked: &Asked| {
        let path = asked.path.split('?').next().unwrap();
        let name = match path.strip_prefix("/babylon/").unwrap() {
            "btcstaking/v1/params_versions" => "answers/rest-params-versions.json",
            "btccheckpoint/v1/params" => "answers/rest-btccheckpoint-params.json",
            "btclightclient/v1/tip" => "answers/rest-btclightclient-tip.json",
            "checkpointing/v1/raw_checkpoint/17" => "answers/rest-raw-checkpoint-17.json",
            "finality/v1/blocks/251" => "answers/rest-finality-block.json",
            "finality/v1/blocks" => "answers/rest-finality-block.json",
            "finality/v1/params" => "answers/rest-finality-params.json",
            "finality/v1/votes/251" => "answers/rest-votes.json",
            "finality/v1/evidences" => "answers/rest-evidences.json",
            "btcstaking/v1/finality_providers" => "answers/query-finality-providers.json",
            path if path.contains("/signing_infos/") => "answers/rest-signing-info.json",
            path if path.ends_with("/evidence") => "answers/rest-evidence-of-provider.json",
            path if path.ends_with("/pub_rand_commit_list") => "answers/rest-pub-rand-commit.json",
            path if path.ends_with("/finality_provider") => "answers/query-finality-provider-slashed.json",
            path if path.ends_with(STAKE) => "samples/rest-delegation-active.json",
            other => return (404, json!({ "code": 5, "message": format!("{other} not found") }).to_string()),
        };
        (200, file(name))
    });
    let gateway = Gateway::new(node.url(""), WITHIN);
    (node, gateway)
}

#[test]
fn answers_of_a_node_are_read() {
    let (_node, gateway) = gateway();
    let provider = provider();
    let depths = query::checkpoint_parameters(&gateway).unwrap();
    assert_eq!((depths.confirmation_depth, depths.finalization_timeout), (2, 4));
    let tip = query::light_client_tip(&gateway).unwrap();
    assert_eq!(tip.height, 110);
    assert_eq!(tip.hash.to_string(), "188f3f4684e6d3a3a4c6f6650bede5d053d5ba87d382ab7dae435fdd8dc0d1a7");

    let checkpoint = query::raw_checkpoint(&gateway, 17).unwrap().unwrap();
    assert_eq!((checkpoint.epoch, checkpoint.status), (17, CheckpointStatus::Finalized));
    assert_eq!(
        hex::encode(checkpoint.block_hash),
        "bee953978ba0d6dd145d673819e9012639f19ba4ec097e43e991e2d70a32e547"
    );
    assert_eq!(query::raw_checkpoint(&gateway, 18).unwrap(), None);

    let block = query::finality_block(&gateway, ConsumerHeight(251)).unwrap().unwrap();
    assert!(!block.is_final && block.app_hash.starts_with(&[0x15, 0xda, 0x5e]));
    assert_eq!(query::finality_block(&gateway, ConsumerHeight(9)).unwrap(), None);

    let found = query::commitments(&gateway, &provider).unwrap();
    let ranges: Vec<_> =
        found.iter().map(|it| (it.commitment.start_height.to_u64(), it.commitment.count, it.epoch)).collect();
    assert_eq!(ranges, [(180, 3000, 17), (5180, 200, 17)]);

    let slashed = query::finality_provider(&gateway, &provider).unwrap().unwrap();
    assert!(slashed.is_slashed && !slashed.is_jailed && slashed.public_key == provider);
    let all = query::finality_providers(&gateway).unwrap();
    assert!(all.iter().any(|found| found.public_key == provider && found.moniker == slashed.moniker));

    let stake: Txid = STAKE.parse().unwrap();
    let delegation = query::delegation(&gateway, stake).unwrap().unwrap();
    assert_eq!(delegation.staking_transaction.compute_txid(), stake);
    let other = "00".repeat(32).parse().unwrap();
    assert_eq!(query::delegation(&gateway, other).unwrap(), None);

    let parameters = query::parameters(&gateway).unwrap();
    let printed =
        ParametersHistory::<Parameters>::from_json(&file("answers/query-params-versions.json")).unwrap();
    assert_eq!(parameters, printed);
}

/// What the chain's program prints is what its gateway answers.
#[test]
fn answers_that_the_program_prints_are_the_same() {
    let (_node, gateway) = gateway();
    let printed = |name: &str| {
        let node = ScriptedNode::always(file(&format!("answers/query-{name}.json")));
        Gateway::new(node.url(""), WITHIN)
    };
    let (provider, height) = (provider(), ConsumerHeight(251));
    let tip = query::light_client_tip(&printed("btclightclient-tip")).unwrap();
    assert_eq!(tip, query::light_client_tip(&gateway).unwrap());
    let block = query::finality_block(&printed("finality-block"), height).unwrap();
    assert_eq!(block, query::finality_block(&gateway, height).unwrap());
    let parameters = query::finality_parameters(&printed("finality-params")).unwrap();
    assert_eq!(parameters, query::finality_parameters(&gateway).unwrap());
    let committed = query::commitments(&printed("pub-rand-commit"), &provider).unwrap();
    assert_eq!(committed, query::commitments(&gateway, &provider).unwrap());
    let votes = query::votes_at(&printed("votes-at-height"), height).unwrap();
    assert_eq!(votes, query::votes_at(&gateway, height).unwrap());
    let before = query::finality_provider(&printed("finality-provider"), &provider).unwrap().unwrap();
    assert!(!before.is_slashed && before.moniker == "dev-fp" && before.public_key == provider);
    // One version alone, which the chain prints in two ways.
    let one =
        |name: &str| ParametersHistory::<Parameters>::from_json(&file(&format!("answers/query-{name}.json")));
    let (now, zero) = (one("btcstaking-params").unwrap(), one("params-by-version-0").unwrap());
    assert_eq!(now, zero);
    assert_eq!(now.get(0), query::parameters(&gateway).unwrap().get(0));
}

#[test]
fn what_a_voter_asks_is_read() {
    let (_node, gateway) = gateway();
    let parameters = query::finality_parameters(&gateway).unwrap();
    assert_eq!((parameters.min_pub_rand, parameters.finality_sig_timeout), (100, 3));
    assert_eq!(parameters.signed_blocks_window, 10_000);
    assert_eq!(parameters.jail_duration, Duration::from_secs(86_400));
    assert_eq!(parameters.activation_height, ConsumerHeight(1));
    assert_eq!(query::votes_at(&gateway, ConsumerHeight(251)).unwrap(), [provider()]);
    let info = query::signing_info(&gateway, &provider()).unwrap().unwrap();
    assert_eq!((info.start_height, info.missed), (ConsumerHeight(251), 49));
    // No block is in that answer, which is of one alone; and no checkpoint is final.
    assert_eq!(query::last_final_height(&gateway).ok(), Some(None));
    assert_eq!(query::last_finalized_epoch(&gateway).unwrap(), None);
}

#[test]
fn last_final_block_and_epoch_are_read() {
    let answer = |body: &str| Gateway::new(ScriptedNode::always(body).url(""), WITHIN);
    let block = |is_final| {
        let block = json!({ "height": "17", "app_hash": "", "finalized": is_final });
        answer(&json!({ "blocks": [block], "pagination": null }).to_string())
    };
    assert_eq!(query::last_final_height(&block(true)).unwrap(), Some(ConsumerHeight(17)));
    assert!(query::last_final_height(&block(false)).is_err());
    let epoch = answer(r#"{"raw_checkpoint":{"epoch_num":"9","block_hash_hex":"aa"}}"#);
    assert_eq!(query::last_finalized_epoch(&epoch).unwrap(), Some(9));
    for text in ["cannot find checkpoint with status 4", "no raw checkpoint is found at epoch 0"] {
        let none = ScriptedNode::new(move |_| (500, json!({ "code": 2, "message": text }).to_string()));
        assert_eq!(query::last_finalized_epoch(&Gateway::new(none.url(""), WITHIN)).unwrap(), None);
    }
    for bad in ["1", "1.s", "x", "1.0123456789s"] {
        let params = json!({ "params": { "signed_blocks_window": "1", "finality_sig_timeout": "1", "min_pub_rand": "1",
            "jail_duration": bad, "finality_activation_height": "1" } });
        let refused = query::finality_parameters(&answer(&params.to_string())).unwrap_err().to_string();
        assert!(refused.contains("span of time"), "{refused}");
    }
}

/// The chain showed the evidence of one provider twice; two votes in it give the provider's key.
#[test]
fn evidence_is_verified_and_gives_the_key() {
    let (_node, gateway) = gateway();
    let evidence = query::evidence(&gateway, &provider()).unwrap().unwrap();
    assert_eq!(evidence.extract().unwrap().public_key(), &provider());
    assert_eq!(query::evidences(&gateway, ConsumerHeight(0)).unwrap(), [evidence]);
}

#[test]
fn evidence_is_read_of_every_form_that_is_printed() {
    let read = |text: &str| query::evidence_from_json(text, None);
    let one = read(&file("answers/rest-evidence-of-provider.json")).unwrap();
    assert_eq!(one.len(), 1);
    for name in ["answers/rest-evidences.json", "answers/query-list-evidences.json"] {
        assert_eq!(read(&file(name)).unwrap(), one, "{name}");
    }
    let wrapped: serde_json::Value =
        serde_json::from_str(&file("answers/rest-evidence-of-provider.json")).unwrap();
    let alone = wrapped["evidence"].to_string();
    assert_eq!(read(&alone).unwrap(), one);
    let lie = alone.replace("otMMiDvW", "otMMiDvX");
    assert!(read(&lie).unwrap_err().to_string().contains("proves nothing"));
    for nothing in ["{}", "[]", "{\"evidence\": null}", "{\"evidences\": [{}]}", "secret"] {
        let refused = read(nothing).unwrap_err().to_string();
        assert!(!refused.contains("secret"), "{refused}");
    }
}

/// The RPC answers the same in protobuf.
#[test]
fn both_ways_give_the_same() {
    let answers = file("answers/rest-evidence-of-provider.json");
    let bytes = query::reencoded_evidence(&answers);
    let node = ScriptedNode::new(move |asked| {
        assert_eq!(asked.body["method"], "abci_query");
        let value = BASE64_STANDARD.encode(&bytes);
        (200, rpc_result(&json!({ "response": { "code": 0, "value": value, "height": "7", "key": null } })))
    });
    let rpc = CometBft::new(node.url(""), WITHIN);
    let found = query::evidence(&rpc, &provider()).unwrap().unwrap();
    assert_eq!(found, query::evidence(&gateway().1, &provider()).unwrap().unwrap());
    let params = &node.asked()[0].body["params"];
    // A string field of 64 characters.
    let request = format!("0a40{}", hex::encode(PROVIDER));
    assert_eq!(*params, json!(["/babylon.finality.v1.Query/Evidence", request, "0", false]));
}

#[test]
fn refusals_keep_their_number() {
    let node = ScriptedNode::always(rpc_result(&json!({
        "response": { "code": 1114, "codespace": "finality", "log": "the BTC staking protocol is not activated yet" }
    })));
    let rpc = CometBft::new(node.url(""), WITHIN);
    assert_eq!(query::activated_height(&rpc).unwrap(), None);
    let NodeError::Refused(refusal) = query::power_at(&rpc, &provider(), ConsumerHeight(5)).unwrap_err()
    else {
        panic!()
    };
    assert_eq!((refusal.codespace.as_str(), refusal.code), ("finality", 1114));
}

/// Pages are asked for with the key that the one before gave, until there is none.
#[test]
fn pages_are_read_to_the_end() {
    let page = |next: Option<&str>| {
        json!({ "btc_delegations": [], "pagination": { "next_key": next, "total": "0" } }).to_string()
    };
    let (first, last) = (page(Some("Fw+/")), page(None));
    let node = ScriptedNode::new(move |asked| {
        (200, if asked.path.contains("pagination.key=") { last.clone() } else { first.clone() })
    });
    let gateway = Gateway::new(node.url(""), WITHIN);
    assert_eq!(query::delegations(&gateway, DelegationStatus::Pending).unwrap(), []);
    let paths: Vec<_> = node.asked().into_iter().map(|asked| asked.path).collect();
    let begin = "/babylon/btcstaking/v1/btc_delegations/PENDING?pagination.limit=100";
    assert_eq!(paths, [begin.to_owned(), format!("{begin}&pagination.key=Fw%2B%2F")]);
}

#[test]
fn blocks_and_transactions_are_read_over_the_rpc() {
    let hash = "AB".repeat(32);
    let node = ScriptedNode::new(move |asked| {
        let result = match asked.body["method"].as_str().unwrap() {
            "status" => json!({
                "node_info": { "network": "bbn-dev-1" },
                "sync_info": {
                    "latest_block_height": "300", "latest_block_time": "2026-11-28T01:33:47.023625136Z",
                    "catching_up": false,
                },
            }),
            "header" => {
                let height = asked.body["params"][0].clone();
                json!({ "header": {
                    "chain_id": "bbn-dev-1", "height": height, "time": "2026-11-28T01:33:47Z", "app_hash": hash,
                } })
            }
            "broadcast_tx_sync" => {
                json!({ "code": 32, "codespace": "sdk", "log": "account sequence mismatch, expected 5, got 4", "hash": "", "data": "" })
            }
            _ => json!({
                "hash": hash, "height": "299", "index": 0, "tx": "",
                "tx_result": {
                    "code": 11, "codespace": "sdk", "log": "out of gas", "gas_wanted": "5", "gas_used": "6",
                    "events": [{ "type": "a.EventB", "attributes": [{ "key": "state", "value": "\"PENDING\"", "index": true }] }],
                },
            }),
        };
        (200, rpc_result(&result))
    });
    let rpc = CometBft::new(node.url(""), WITHIN);
    let status = rpc.status().unwrap();
    assert_eq!(
        (status.chain_id.as_str(), status.height, status.is_catching_up),
        ("bbn-dev-1", ConsumerHeight(300), false)
    );
    assert_eq!(rpc.header(ConsumerHeight(7)).unwrap().unwrap().app_hash, [0xab; 32]);
    let refused = rpc.broadcast(b"bytes").unwrap_err();
    assert_eq!(refused.refusal().unwrap().kind(), crate::node::RefusalKind::Sequence);
    let executed = rpc.executed([1; 32]).unwrap().unwrap();
    assert_eq!(executed.refusal.as_ref().unwrap().kind(), crate::node::RefusalKind::OutOfGas);
    assert_eq!(executed.events[0].attribute("state").unwrap(), "PENDING");
    let asked = node.asked();
    assert_eq!(asked[2].body["params"], json!([BASE64_STANDARD.encode(b"bytes")]));
    assert_eq!(asked[3].body["params"], json!([BASE64_STANDARD.encode([1; 32]), false]));
}

/// Who had power, and was slashed since: by the gateway, and in protobuf.
#[test]
fn providers_with_power_at_a_height_are_read() {
    #[derive(prost::Message)]
    struct Active {
        #[prost(bytes = "vec", tag = "1")]
        btc_pk_hex: Vec<u8>,
        #[prost(uint64, tag = "2")]
        height: u64,
        #[prost(uint64, tag = "3")]
        voting_power: u64,
        #[prost(uint32, tag = "5")]
        slashed_btc_height: u32,
    }
    #[derive(prost::Message)]
    struct Page {
        #[prost(message, repeated, tag = "1")]
        finality_providers: Vec<Active>,
    }
    let node = ScriptedNode::always(file("answers/rest-active-finality-providers-at-height.json"));
    let gateway = Gateway::new(node.url(""), WITHIN);
    let found = query::active_providers(&gateway, ConsumerHeight(251)).unwrap();
    let (public_key, power_sat) = (provider(), 500_000);
    assert_eq!(found, [query::ActiveProvider { public_key, power_sat, is_jailed: false, is_slashed: true }]);
    assert!(node.asked()[0].path.starts_with("/babylon/finality/v1/finality_providers/251?"));
    let other = query::active_providers(&gateway, ConsumerHeight(252)).unwrap_err().to_string();
    assert!(other.contains("power at height 251; was asked for 252"), "{other}");
    let active = Active {
        btc_pk_hex: public_key.serialize().to_vec(),
        height: 251,
        voting_power: power_sat,
        slashed_btc_height: 140,
    };
    let chain = crate::testing::ScriptedChain::new("bbn-1");
    let page = prost::Message::encode_to_vec(&Page { finality_providers: vec![active] });
    chain.answer("/babylon.finality.v1.Query/ActiveFinalityProvidersAtHeight", page);
    assert_eq!(query::active_providers(&chain, ConsumerHeight(251)).unwrap(), found);
}

/// The parameters as a genesis file has them are those that the chain answers.
#[test]
fn parameters_of_a_genesis_file_are_read() {
    let genesis = file("answers/genesis-btcstaking-params.json");
    let read = ParametersHistory::<Parameters>::from_json(&genesis).unwrap();
    assert_eq!(query::parameters(&gateway().1).unwrap(), read);
}
