//! A delegation's own JSON.

use bitcoin::Network;
use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::delegation::{
    ChainRules, Delegation, DelegationError, ParametersAt, RunningStake, possession_from_json,
};
use crate::testing::{
    Extended, consumer_rules, covenant_signatures, extended, genesis, honest, included, key,
};

const RULES: ChainRules = ChainRules { network: Network::Regtest, depth: 10, ..ChainRules::MAINNET };
const HEIGHT: u32 = 900_000;

/// Returns an extension with every field of the JSON but the inclusion.
fn full() -> Delegation {
    let Extended { mut delegation, old, new, .. } = extended();
    let checked = delegation.check_under(&new, Some(&old), consumer_rules()).unwrap();
    delegation.covenant_signatures =
        (2..5).map(|n| covenant_signatures(&checked, &key("member", n))).collect();
    delegation
}

fn value(delegation: &Delegation) -> Value {
    serde_json::from_str(&delegation.to_json()).unwrap()
}

fn read(value: &Value) -> Result<Delegation, DelegationError> {
    Delegation::from_json(&value.to_string())
}

/// Returns an error with its causes, in one line.
fn text(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn refused(value: &Value) -> String {
    text(&read(value).unwrap_err())
}

#[test]
fn json_has_an_inclusion_and_gives_it_back() {
    let (delegation, parameters) = included(HEIGHT, 3);
    delegation.check_under(&parameters, None, ChainRules { depth: 3, ..RULES }).unwrap();
    let inclusion = delegation.inclusion.clone().unwrap();
    let json = value(&delegation);
    let siblings = json["inclusion"]["siblings"].as_str().unwrap();
    assert_eq!(siblings.len(), 64 * inclusion.proof.sibling_bytes().len() / 32);
    assert_eq!(read(&json).unwrap().inclusion.unwrap(), inclusion);
    // As a node of Babylon Genesis prints a proof.
    let mut as_base64 = json.clone();
    as_base64["inclusion"]["siblings"] = json!(STANDARD.encode(inclusion.proof.sibling_bytes()));
    assert_eq!(read(&as_base64).unwrap().inclusion.unwrap(), inclusion);
    for (name, bad) in [
        ("siblings", json!("00")),
        ("siblings", json!(STANDARD.encode([0; 31]))),
        ("siblings", json!("zz")),
        ("headers", json!(["00"])),
        ("position", json!(1 << 20)),
    ] {
        let mut json = json.clone();
        json["inclusion"][name] = bad;
        assert!(refused(&json).starts_with("inclusion: "), "{name}");
    }
}

/// Bytes in base64 where they must be hex are called that.
#[test]
fn json_names_base64_in_place_of_hex() {
    let mut json = value(&full());
    json["extends"]["funding_script_pubkey"] = json!("URQBAQEB");
    let said = refused(&json);
    assert!(said.starts_with("extends.funding_script_pubkey: not hex: "), "{said}");
    assert!(said.ends_with("; it reads as base64, must be hex"), "{said}");
    json["extends"]["funding_script_pubkey"] = json!("zz");
    assert!(!refused(&json).contains("base64"));
}

#[test]
fn json_goes_round_with_every_field() {
    let mut delegation = full();
    assert_eq!(Delegation::from_json(&delegation.to_json()).unwrap(), delegation);
    assert_eq!(value(&delegation)["parameters_version"], 1);
    assert_eq!(value(&delegation)["extends"]["parameters_version"], 0);
    assert!(value(&delegation).get("parameters_height").is_none());
    delegation.inclusion = included(HEIGHT, 3).0.inclusion;
    delegation.parameters = ParametersAt::Height(bitcoin::absolute::Height::from_consensus(HEIGHT).unwrap());
    let running = delegation.extends.as_mut().unwrap();
    running.stake.as_mut().unwrap().parameters = delegation.parameters;
    let keys: Vec<_> = value(&delegation).as_object().unwrap().keys().cloned().collect();
    assert_eq!(value(&delegation)["extends"]["parameters_height"], HEIGHT);
    assert_eq!(read(&value(&delegation)).unwrap(), delegation);
    // The same through serde.
    let again: Delegation = serde_json::from_value(serde_json::to_value(&delegation).unwrap()).unwrap();
    assert_eq!(again, delegation);
    // The schema has exactly these keys and `parameters_version`, which replaces the height.
    let schema: Value = serde_json::from_str(include_str!("../../../data/delegation.schema.json")).unwrap();
    let mut in_schema: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
    in_schema.retain(|key| key != "parameters_version");
    in_schema.sort();
    assert_eq!(in_schema, keys);
}

/// The parts that a staker has not added yet, or a node's response does not have.
#[test]
fn json_goes_round_without_each_optional_part() {
    type Without = fn(&mut Delegation);
    let withouts: [(&str, Without); 7] = [
        ("unbonding_transaction", |it| it.unbonding_transaction = None),
        ("slashing_transaction", |it| it.slashing = None),
        ("unbonding_slashing_transaction", |it| it.unbonding_slashing = None),
        ("staker_signatures", |it| {
            it.slashing.as_mut().unwrap().staker_signature = None;
            it.unbonding_slashing.as_mut().unwrap().staker_signature = None;
        }),
        ("proof_of_possession", |it| it.proof_of_possession = None),
        ("covenant_signatures", |it| it.covenant_signatures.clear()),
        ("extends", |it| it.extends = None),
    ];
    for (key, without) in withouts {
        let mut delegation = full();
        without(&mut delegation);
        let json = value(&delegation);
        assert!(json.get(key).is_none(), "{key}");
        assert_eq!(read(&json).unwrap(), delegation, "{key}");
        // The same when the key is left out.
        let mut json = value(&full());
        json.as_object_mut().unwrap().remove(key);
        read(&json).unwrap();
    }
}

#[test]
fn json_of_an_extension_may_name_the_running_stake_by_its_id_alone() {
    let mut delegation = full();
    let running = delegation.extends.as_mut().unwrap();
    *running = RunningStake { stake: None, ..running.clone() };
    let txid = running.txid.to_string();
    let json = value(&delegation);
    let keys: Vec<_> = json["extends"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["funding_amount_sat", "funding_script_pubkey", "staking_txid"]);
    assert_eq!(json["extends"]["staking_txid"], txid);
    assert_eq!(read(&json).unwrap(), delegation);
    // Both or neither is refused, and a transaction without the other keys of its stake.
    let rule = "not a delegation: extends must have one of staking_transaction and staking_txid";
    let full = value(&full());
    let mut both = full.clone();
    both["extends"]["staking_txid"] = txid.into();
    assert_eq!(refused(&both), rule);
    let without = |key: &str| {
        let mut json = full.clone();
        json["extends"].as_object_mut().unwrap().remove(key);
        refused(&json)
    };
    assert_eq!(without("staking_transaction"), rule);
    assert_eq!(without("finality_providers"), "extends.finality_providers is absent; this step needs it");
    assert_eq!(without("staking_time_blocks"), "extends.staking_time_blocks is absent; this step needs it");
}

#[test]
fn json_names_the_parameters_once() {
    let rule = "not a delegation: it has both parameters_height and parameters_version; must have one";
    let mut both = value(&full());
    both["parameters_height"] = HEIGHT.into();
    assert_eq!(refused(&both), rule);
    both.as_object_mut().unwrap().retain(|key, _| !key.starts_with("parameters"));
    let neither = Delegation::from_json(&both.to_string()).unwrap();
    assert_eq!(neither.parameters, ParametersAt::Unstated);
    both["parameters_height"] = 500_000_000.into();
    assert!(refused(&both).starts_with("parameters_height: "));
}

#[test]
fn json_of_the_earlier_form_is_refused_with_the_new_name() {
    let mut json = value(&full());
    let fields = json.as_object_mut().unwrap();
    let given = fields.remove("covenant_signatures").unwrap();
    fields.insert("covenant_answers".to_owned(), given);
    assert_eq!(refused(&json), "not a delegation: the key covenant_answers is now covenant_signatures");

    // The same of a proof of possession, in a delegation and by itself.
    let mut json = value(&full());
    let possession = json["proof_of_possession"].as_object_mut().unwrap();
    let account = possession.remove("account").unwrap();
    possession.insert("address".to_owned(), account);
    assert_eq!(
        refused(&json),
        "not a delegation: the key proof_of_possession.address is now proof_of_possession.account"
    );
    let alone = possession_from_json(&json["proof_of_possession"].to_string()).unwrap_err();
    assert_eq!(text(&alone), "not a delegation: the key address is now account");
}

#[test]
fn json_that_is_no_delegation_is_refused() {
    assert_eq!(text(&Delegation::from_json("[]").unwrap_err()), "not a delegation: it is no JSON object");
    let long = format!("{{{}}}", " ".repeat(16 << 20));
    let expected = format!("not a delegation: it has {} bytes; at most {} are read", long.len(), 16 << 20);
    assert_eq!(text(&Delegation::from_json(&long).unwrap_err()), expected);
    let mut json = value(&full());
    json["whatever"] = 1.into();
    assert!(refused(&json).starts_with("not a delegation: unknown field `whatever`"));
    let (delegation, _) = honest(genesis());
    for key in ["staking_transaction", "unbonding_transaction", "slashing_transaction"] {
        let mut json = value(&delegation);
        json[key] = "00".into();
        assert!(refused(&json).starts_with(&format!("{key}: ")), "{key}");
    }
}

#[test]
fn possession_from_json_reads_the_part_of_the_delegation() {
    let delegation = full();
    let json = value(&delegation)["proof_of_possession"].to_string();
    assert_eq!(possession_from_json(&json).unwrap(), delegation.proof_of_possession.unwrap());
    assert!(possession_from_json("[]").is_err() && possession_from_json("{}").is_err());
}

/// Keys are an array as everywhere; the chains of them are beside it, and absent on Babylon Genesis.
#[test]
fn json_has_the_keys_of_the_providers_and_the_chains_beside_them() {
    let genesis = value(&honest(genesis()).0);
    assert_eq!(genesis["finality_providers"], json!([key("provider", 0).public_key().to_string()]));
    assert!(genesis.get("consumer_chains").is_none());
    let consumers = value(&full());
    assert_eq!(consumers["finality_providers"].as_array().unwrap().len(), 3);
    assert_eq!(consumers["consumer_chains"], json!(["chain-0", "chain-1", "chain-2"]));
    assert_eq!(consumers["extends"]["consumer_chains"], json!(["chain-0", "chain-1"]));
    let with = |name: &str, chains: Value| {
        let mut json = consumers.clone();
        json[name] = chains;
        refused(&json)
    };
    assert_eq!(
        with("consumer_chains", json!(["chain-0", "chain-0", "chain-1"])),
        "finality_providers: two finality providers are of the chain \"chain-0\"; each must be of another one"
    );
    assert_eq!(
        with("consumer_chains", json!(["chain-0"])),
        "consumer_chains: it names 1 chains; must name 3, one for each finality provider"
    );
    assert_eq!(
        with("consumer_chains", Value::Null),
        "finality_providers: it has 3 keys; must have 1 where consumer_chains is absent"
    );
}

/// Who reads a node's answer learns which field cannot be read.
#[cfg(feature = "wire")]
#[test]
fn error_of_a_nodes_json_has_the_path_of_the_field() {
    let sample =
        include_str!("../../../../tests/vectors/node/samples/query-delegation-spent-by-slashing.json");
    let mut json: Value = serde_json::from_str(sample).unwrap();
    json["btc_delegation"]["staking_tx_hex"] = json!("zz");
    let path = |text: &str| match Delegation::from_chain_json(text).unwrap_err() {
        DelegationError::Chain { path, .. } => path,
        other => panic!("{other}"),
    };
    assert_eq!(path(&json.to_string()).as_deref(), Some("btc_delegation.staking_tx_hex"));
    assert_eq!(path("{}"), None);
}
