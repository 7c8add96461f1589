//! The forms in which parameters of Babylon Genesis are met.

use serde_json::{Value, json};

use super::LIVE;
use crate::parameters::{Parameters, ParametersError, ParametersHistory, ParametersRule, Phase1Parameters};

fn read(file: &Value) -> Result<ParametersHistory<Parameters>, ParametersError> {
    ParametersHistory::from_json(&file.to_string())
}

fn versions() -> Vec<Value> {
    let file: Value = serde_json::from_str(LIVE).unwrap();
    file["params"].as_array().unwrap().clone()
}

/// What the staking API answers for `/v2/network-info`: numbers as numbers, scripts in hex, and the
/// parameters of checkpoints beside them.
fn network_info() -> Value {
    let bbn: Vec<Value> = versions()
        .into_iter()
        .map(|entry| {
            let mut fields = entry["params"].clone();
            for (_, value) in fields.as_object_mut().unwrap() {
                if let Some(number) = value.as_str().and_then(|text| text.parse::<u64>().ok()) {
                    *value = json!(number);
                }
            }
            fields["version"] = entry["version"].clone();
            fields["slashing_pk_script"] = json!("6a07626162796c6f6e");
            fields["max_active_finality_providers"] = json!(0);
            fields
        })
        .collect();
    json!({ "data": {
        "staking_status": { "is_staking_open": true },
        "params": { "bbn": bbn, "btc": [{ "version": 0, "btc_confirmation_depth": 30 }] },
        "network_upgrade": { "pop": [{ "height": 1, "version": 0 }] },
    } })
}

/// `babylond query btcstaking params` answers with one version, which it does not number.
#[test]
fn parameters_are_read_from_a_single_answer() {
    let mainnet = ParametersHistory::<Parameters>::mainnet().unwrap();
    assert!(mainnet.is_numbered());
    for (number, entry) in versions().iter().enumerate() {
        let history = read(&json!({ "params": entry["params"] })).unwrap();
        assert_eq!((history.iter().len(), history.get(0)), (1, mainnet.get(number)));
        assert!(!history.is_numbered());
        let at = mainnet.get(number).unwrap().activation_height();
        assert_eq!(history.in_force(at).unwrap().1, mainnet.get(number).unwrap());
    }
    // Its rules are those of every form.
    let mut fields = versions()[5]["params"].clone();
    fields["covenant_quorum"] = json!(4);
    let error = read(&json!({ "params": fields })).unwrap_err().to_string();
    assert!(error.starts_with("version 0: covenant_quorum: a quorum of 4"), "{error}");
    let error = read(&json!({ "params": {} })).unwrap_err().to_string();
    assert!(error.contains("version 0: missing field `covenant_pks`"), "{error}");
    for other in [json!({ "params": 7 }), json!({ "params": null }), json!({ "params": "x" })] {
        let error = read(&other).unwrap_err().to_string();
        assert!(error.contains("an array of versions is expected") || error.contains("version 0"), "{error}");
    }
}

#[test]
fn parameters_are_read_from_the_network_info_of_the_staking_api() {
    let mainnet = ParametersHistory::mainnet().unwrap();
    assert_eq!(read(&network_info()).unwrap(), mainnet);
    // Without its wrapper.
    assert_eq!(read(&network_info()["data"]).unwrap(), mainnet);
    let mut info = network_info();
    info["data"]["params"]["bbn"][2]["version"] = json!(7);
    let error = read(&info).unwrap_err().to_string();
    assert!(error.contains("version 2: its number is 7"), "{error}");
    for list in [json!([]), json!({}), json!(7)] {
        info["data"]["params"]["bbn"] = list;
        read(&info).unwrap_err();
    }
}

/// A script of the other encoding is called that, also where it has a length that both encodings have.
#[test]
fn scripts_of_the_other_encoding_are_named() {
    let said = |file: &Value| {
        let Err(ParametersError::Violations(found)) = read(file) else { panic!("{file}") };
        let [only] = &found[..] else { panic!("{found:?}") };
        assert!(matches!(only.rule, ParametersRule::SlashingScript(..)), "{only}");
        only.to_string()
    };
    let p2wpkh = format!("0014{}", "07".repeat(20));
    for hex in ["6a07626162796c6f6e", &p2wpkh] {
        let mut list = versions();
        list[5]["params"]["slashing_pk_script"] = json!(hex);
        let expected =
            format!("version 5: slashing_pk_script: {hex:?} is not base64: it is hex, must be base64");
        assert_eq!(said(&json!({ "params": list })), expected);
    }
    let mut info = network_info();
    info["data"]["params"]["bbn"][5]["slashing_pk_script"] = json!("agdiYWJ5bG9u");
    let found = said(&info);
    assert!(found.starts_with("version 5: slashing_pk_script: \"agdiYWJ5bG9u\" is not hex: "), "{found}");
    assert!(found.ends_with("; it reads as base64, must be hex"), "{found}");
    // What is neither is called neither.
    info["data"]["params"]["bbn"][5]["slashing_pk_script"] = json!("?");
    assert!(!said(&info).contains("reads as"));
}

/// Where phase-1 parameters are asked for, each of these forms is named.
#[test]
fn forms_are_named_where_those_of_phase_1_are_asked_for() {
    let single = json!({ "params": versions()[0]["params"] });
    for file in [json!({ "params": versions() }), single, network_info(), json!(versions())] {
        let error = ParametersHistory::<Phase1Parameters>::from_json(&file.to_string()).unwrap_err();
        assert!(matches!(error, ParametersError::OtherKind { .. }), "{error}");
    }
}

/// Readers of JSON differ in which of two equal names they use, and readers of parameters in which of two
/// forms.
#[test]
fn parameters_that_stand_twice_in_a_file_are_refused() {
    let refused = |text: &str, said: &str| {
        let genesis = ParametersHistory::<Parameters>::from_json(text).unwrap_err().to_string();
        let phase1 = ParametersHistory::<Phase1Parameters>::from_json(text).unwrap_err().to_string();
        assert!(genesis.contains(said), "{genesis}");
        assert!(phase1.contains(said) || phase1.contains("those of phase 1"), "{phase1}");
    };
    let quorum = r#""covenant_quorum": 6"#;
    assert!(LIVE.contains(quorum));
    let twice = LIVE.replacen(quorum, r#""covenant_quorum": 1, "covenant_quorum": 6"#, 1);
    refused(&twice, "`covenant_quorum` stands twice in one object; must be there once");
    let inner = json!({ "params": versions() }).to_string();
    let inner = inner.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap();
    refused(&format!("{{{inner}, {inner}}}"), "`params` stands twice");
    let phase1 = include_str!("../../../data/mainnet-phase1-parameters.json");
    let phase1: Value = serde_json::from_str(phase1).unwrap();
    let data = network_info()["data"].clone();
    for (file, said) in [
        (json!({ "params": versions(), "data": data }), "`data.params.bbn` and `params`"),
        (json!({ "params": versions(), "versions": phase1["versions"] }), "`params` and `versions`"),
        (json!({ "versions": phase1["versions"], "data": data }), "`data.params.bbn` and `versions`"),
    ] {
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains(&format!("it has {said}; must have one of them")), "{error}");
        if file.get("versions").is_some() {
            let error = ParametersHistory::<Phase1Parameters>::from_json(&file.to_string()).unwrap_err();
            assert!(error.to_string().contains("must have one of them"), "{error}");
        }
    }
    let mut both = versions();
    let beside = both[0]["params"].clone();
    both[0].as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
    let error = read(&json!(both)).unwrap_err().to_string();
    assert!(error.contains("version 0: it has fields in `params` and beside it"), "{error}");
    let refused = |file: &Value| {
        let error = read(file).unwrap_err().to_string();
        assert!(error.contains("it has fields in `params` and beside it"), "{error}");
    };
    for field in ["covenant_pks", "covenant_quorum", "slashing_pk_script", "unbonding_fee_sat"] {
        let mut one = versions();
        one[3][field] = json!("any");
        refused(&json!({ "params": one }));
        let mut single = json!({ "params": versions()[5]["params"] });
        single[field] = json!("any");
        refused(&single);
        let mut info = network_info()["data"].clone();
        info["params"][field] = json!("any");
        refused(&info);
    }
    // What is beside the form means nothing.
    assert!(read(&json!({ "params": versions(), "pagination": null, "data": 1 })).is_ok());
}
