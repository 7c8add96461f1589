//! Mainnet's parameters that are built in, and how other parameters differ from them.

use serde_json::{Value, json};

use super::{LIVE, height};
use crate::delegation::ChainRules;
use crate::parameters::{CheckpointParameters, Parameters, ParametersHistory, Phase1Parameters};

/// Mainnet's file, changed.
fn changed(change: impl FnOnce(&mut Vec<Value>)) -> ParametersHistory<Parameters> {
    let mut file: Value = serde_json::from_str(LIVE).unwrap();
    change(file["params"].as_array_mut().unwrap());
    ParametersHistory::from_json(&file.to_string()).unwrap()
}

/// A node's answer with one version.
fn single(version: usize, change: impl FnOnce(&mut Value)) -> ParametersHistory<Parameters> {
    let file: Value = serde_json::from_str(LIVE).unwrap();
    let mut fields = file["params"][version]["params"].clone();
    change(&mut fields);
    ParametersHistory::from_json(&json!({ "params": fields }).to_string()).unwrap()
}

fn differences(history: &ParametersHistory<Parameters>, at: Option<u32>) -> Vec<String> {
    let found = history.differences_from_mainnet(at.map(height)).unwrap();
    found.iter().map(ToString::to_string).collect()
}

/// Version 5 as its source has it: stakes that are made under it unbond in 301 blocks.
#[test]
fn version_5_of_mainnet_is_built_in() {
    let history = ParametersHistory::<Parameters>::mainnet().unwrap();
    let number = |at| history.in_force(height(at)).unwrap().0;
    assert_eq!((number(905_633), number(905_634)), (4, 5));
    let [four, five] = [4, 5].map(|number| history.get(number).unwrap());
    assert_eq!((five.unbonding_time().blocks(), four.unbonding_time().blocks()), (301, 1008));
    assert_eq!((five.min_slashing_fee().to_sat(), four.min_slashing_fee().to_sat()), (150_000, 100_000));
    assert_eq!((five.unbonding_fee().to_sat(), five.covenant()), (9600, four.covenant()));
    assert_eq!((five.staking_amount(), five.staking_time()), (four.staking_amount(), four.staking_time()));
    assert_eq!(
        (five.slashing_pk_script(), five.slashing_rate()),
        (four.slashing_pk_script(), four.slashing_rate())
    );
    assert_eq!(five.chain(), four.chain());
}

/// k and w are depths; every version's unbonding time is above w.
#[test]
fn depths_of_mainnet_are_30_and_300() {
    let CheckpointParameters { confirmation_depth, finalization_timeout } = CheckpointParameters::MAINNET;
    assert_eq!((confirmation_depth, finalization_timeout), (30, 300));
    assert_eq!(ChainRules::MAINNET.depth, confirmation_depth);
    for version in ParametersHistory::<Parameters>::mainnet().unwrap().iter() {
        assert!(u32::from(version.unbonding_time().blocks()) > finalization_timeout);
    }
}

/// A version counts from its activation height on; without a height every one does.
#[test]
fn version_that_is_active_must_be_there() {
    let mainnet = changed(|_| {});
    assert_eq!(differences(&mainnet, None), Vec::<String>::new());
    let without = |count: usize| changed(|versions| versions.truncate(count));
    let absent = "version 5 is absent; must be there, as mainnet has it in force from height 905634 on";
    for (at, found) in [
        (None, vec![absent]),
        (Some(905_634), vec![absent]),
        (Some(499_999_999), vec![absent]),
        (Some(905_633), vec![]),
    ] {
        assert_eq!(differences(&without(5), at), found, "{at:?}");
    }
    let found = without(3).differences_from_mainnet(Some(height(900_000))).unwrap();
    assert_eq!(found.iter().map(|found| found.version()).collect::<Vec<_>>(), [3, 4]);
    // Governance adds versions.
    let later = |time: u32| {
        changed(|versions| {
            let mut six = versions[5].clone();
            six["version"] = json!(6);
            six["params"]["btc_activation_height"] = json!(960_000);
            six["params"]["unbonding_time_blocks"] = json!(time);
            versions.push(six);
        })
    };
    assert_eq!(differences(&later(1000), None), Vec::<String>::new());
    // None can be in force whose stakes unbond within the window.
    assert_eq!(differences(&later(301), None), Vec::<String>::new());
    assert_eq!(
        differences(&later(300), Some(900_000)),
        [
            "version 6 contradicts mainnet's: unbonding_time_blocks is 300; must be above 300, the depth at which checkpoints are final"
        ]
    );
}

/// Each field that Bitcoin knows of, whatever the height.
#[test]
fn version_that_contradicts_mainnets_is_named_with_its_fields() {
    let script = json!("agdiYWJ5bG94");
    let keys = json!([
        "d45c70d28f169e1f0c7f4a78e2bc73497afe585b70aa897955989068f3350aaa",
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ]);
    let rows = [
        ("btc_activation_height", json!(905_635), "905635; must be 905634"),
        ("covenant_quorum", json!(7), "7; must be 6"),
        ("min_staking_value_sat", json!("500001"), "500001; must be 500000"),
        ("max_staking_value_sat", json!("1000000"), "1000000; must be 500000000000"),
        ("min_staking_time_blocks", json!(63_999), "63999; must be 64000"),
        ("max_staking_time_blocks", json!(64_001), "64001; must be 64000"),
        ("slashing_pk_script", script, "6a07626162796c6f78; must be 6a07626162796c6f6e"),
        ("slashing_rate", json!("0.1"), "0.1; must be 0.001"),
        ("min_slashing_tx_fee_sat", json!("100000"), "100000; must be 150000"),
        ("unbonding_time_blocks", json!(1008), "1008; must be 301"),
        ("unbonding_fee_sat", json!("32000"), "32000; must be 9600"),
    ];
    for (field, value, said) in rows {
        let history = changed(|versions| versions[5]["params"][field] = value.clone());
        for at in [None, Some(857_910), Some(950_000)] {
            let expected = [format!("version 5 contradicts mainnet's: {field} is {said}")];
            assert_eq!(differences(&history, at), expected, "{at:?}");
        }
    }
    let other = changed(|versions| {
        versions[2]["params"]["covenant_pks"] = keys.clone();
        versions[2]["params"]["covenant_quorum"] = json!(2);
    });
    assert_eq!(
        differences(&other, None),
        [
            "version 2 contradicts mainnet's: covenant_pks is 2 keys, of which 1 are mainnet's; must be mainnet's 9, covenant_quorum is 2; must be 6"
        ]
    );
    // The order of the keys, and what concerns Babylon Genesis alone, mean nothing on Bitcoin.
    let same = changed(|versions| {
        versions[5]["params"]["covenant_pks"].as_array_mut().unwrap().reverse();
        versions[5]["params"]["allow_list_expiration_height"] = json!("1");
        versions[4]["params"].as_object_mut().unwrap().remove("min_commission_rate");
    });
    assert_eq!(differences(&same, None), Vec::<String>::new());
}

/// A node's answer without a number is mainnet's version of that activation height; earlier ones are not
/// asked for, later ones are.
#[test]
fn single_answer_is_compared_by_its_activation_height() {
    let five = single(5, |_| {});
    assert!(!five.is_numbered());
    assert_eq!(differences(&five, None), Vec::<String>::new());
    let four = single(4, |_| {});
    assert_eq!(differences(&four, Some(905_633)), Vec::<String>::new());
    let found = differences(&four, Some(905_634));
    assert!(found.len() == 1 && found[0].starts_with("version 5 is absent"), "{found:?}");
    let wrong = differences(&single(5, |fields| fields["unbonding_fee_sat"] = json!("1")), None);
    assert_eq!(wrong, ["version 5 contradicts mainnet's: unbonding_fee_sat is 1; must be 9600"]);
    // Between two of mainnet's, and after the last.
    let between =
        differences(&single(4, |fields| fields["btc_activation_height"] = json!(900_000)), Some(901_000));
    assert_eq!(between, ["version 4 contradicts mainnet's: btc_activation_height is 900000; must be 893362"]);
    let later = |time: u32| {
        single(5, |fields| {
            fields["btc_activation_height"] = json!(960_000);
            fields["unbonding_time_blocks"] = json!(time);
        })
    };
    // Alone it may be anybody's: what stands before it is not there to be compared.
    let found = differences(&later(1008), Some(960_000));
    assert!(found.len() == 1 && found[0].starts_with("version 5 is absent"), "{found:?}");
    assert!(
        differences(&later(300), None)[1]
            .starts_with("version 6 contradicts mainnet's: unbonding_time_blocks")
    );
}

/// Phase 1 has ended: its three versions are all that there are.
#[test]
fn versions_of_phase_1_are_compared_with_mainnets() {
    let text = include_str!("../../../data/mainnet-phase1-parameters.json");
    let changed = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut file: Value = serde_json::from_str(text).unwrap();
        change(file["versions"].as_array_mut().unwrap());
        let history = ParametersHistory::<Phase1Parameters>::from_json(&file.to_string()).unwrap();
        let found = |at: Option<u32>| -> Vec<_> {
            let found = history.differences_from_mainnet(at.map(height)).unwrap();
            found.iter().map(ToString::to_string).collect()
        };
        (found(None), found(Some(857_910)))
    };
    let none = Vec::<String>::new();
    assert_eq!(changed(&|_| {}), (none.clone(), none.clone()));
    let (all, first) = changed(&|versions| versions.truncate(1));
    assert_eq!((all.len(), first), (2, none));
    assert!(all[0].starts_with("version 1 is absent; must be there, as mainnet has it in force"), "{all:?}");
    let rows: [(&str, Value, &str); 9] = [
        ("activation_height", json!(857_911), "activation_height"),
        ("covenant_quorum", json!(5), "covenant_quorum is 5; must be 6"),
        ("min_staking_amount", json!(500_001), "min_staking_amount"),
        ("max_staking_amount", json!(5_000_001), "max_staking_amount"),
        ("tag", json!("62626e32"), "tag is 62626e32; must be 62626e31"),
        ("unbonding_time", json!(1007), "unbonding_time is 1007; must be 1008"),
        ("unbonding_fee", json!(1), "unbonding_fee is 1"),
        ("confirmation_depth", json!(11), "confirmation_depth is 11; must be 10"),
        ("staking_cap", json!(100_000_000_001_u64), "cap is staking_cap 100000000001"),
    ];
    for (field, value, said) in rows {
        let (found, _) = changed(&|versions| versions[0][field] = value.clone());
        assert!(found.len() == 1 && found[0].contains(said), "{field}: {found:?}");
    }
    let (found, _) = changed(&|versions| {
        versions[0]["covenant_pks"][0] =
            json!("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    });
    assert!(found[0].contains("covenant_pks is 9 keys, of which 8 are mainnet's"), "{found:?}");
    let (found, _) = changed(&|versions| {
        let mut later = versions[2].clone();
        later["version"] = json!(3);
        later["activation_height"] = json!(900_000);
        later["cap_height"] = json!(910_000);
        versions.push(later);
    });
    assert_eq!(
        found,
        ["version 3 contradicts mainnet's: version is 3; must be at most 2, with which phase 1 ended"]
    );
}
