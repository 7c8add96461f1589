//! Parameters: mainnet's are read, and every rule has a file that breaks it alone.

use std::collections::BTreeSet;

use bitcoin::Amount;
use bitcoin::absolute::Height;
use serde_json::{Value, json};

use crate::parameters::{
    Parameters, ParametersError, ParametersHistory, ParametersRule as Rule, ParametersVersion,
    Phase1Parameters, StakingCap,
};

const LIVE: &str = include_str!("../../data/mainnet-parameters.json");
const PHASE_1: &str = include_str!("../../data/mainnet-phase1-parameters.json");

fn height(height: u32) -> Height {
    Height::from_consensus(height).unwrap()
}

#[test]
fn parameters_of_mainnet_have_the_published_numbers() {
    let versions = ParametersHistory::<Parameters>::mainnet().unwrap();
    let facts: Vec<_> = versions
        .iter()
        .map(|version| {
            let (least, most) =
                (version.staking_amount().start().to_sat(), version.staking_amount().end().to_sat());
            assert_eq!((version.covenant().members().len(), version.covenant().quorum()), (9, 6));
            assert_eq!(
                (version.staking_time().start().blocks(), version.staking_time().end().blocks()),
                (64000, 64000)
            );
            assert_eq!(version.slashing_pk_script().to_hex_string(), "6a07626162796c6f6e");
            assert_eq!(version.slashing_rate().to_string(), "0.001");
            assert_eq!(
                (version.min_slashing_fee().to_sat(), version.unbonding_time().blocks()),
                (100_000, 1008)
            );
            (version.activation_height().to_consensus_u32(), least, most, version.unbonding_fee().to_sat())
        })
        .collect();
    let expected = [
        (857_910, 500_000, 5_000_000, 64_000),
        (864_790, 500_000, 50_000_000_000, 32_000),
        (874_088, 500_000, 500_000_000_000, 32_000),
        (891_425, 500_000, 500_000_000_000, 32_000),
        (893_362, 500_000, 500_000_000_000, 9_600),
    ];
    assert_eq!(facts, expected);

    let phase_1 = ParametersHistory::<Phase1Parameters>::mainnet_phase1().unwrap();
    // The same values from the same heights, except the fields of phase 1 alone.
    for (early, later) in phase_1.iter().zip(versions.iter()) {
        assert_eq!((&early.covenant, early.unbonding_time), (later.covenant(), later.unbonding_time()));
        assert_eq!(
            (&early.staking_amount, early.unbonding_fee),
            (later.staking_amount(), later.unbonding_fee())
        );
        assert_eq!(
            (early.activation_height, &early.staking_time),
            (later.activation_height(), later.staking_time())
        );
        assert_eq!((&early.tag, early.confirmation_depth), (b"bbn1", 10));
    }
    let caps: Vec<_> = phase_1.iter().map(|version| version.cap).collect();
    let thousand = StakingCap::Amount(Amount::from_int_btc(1000));
    assert_eq!(caps, [thousand, StakingCap::Height(height(864_799)), StakingCap::Height(height(875_087))]);
}

#[test]
fn parameters_are_in_force_from_their_activation_on() {
    let versions = ParametersHistory::<Parameters>::mainnet().unwrap();
    let number = |at| versions.in_force(height(at)).map(|(number, _)| number);
    assert!(
        number(857_909)
            .unwrap_err()
            .to_string()
            .contains("height 857909; must be at least 857910, the first activation height")
    );
    assert_eq!([857_910, 864_789, 864_790, 891_424, 891_425].map(|at| number(at).unwrap()), [0, 0, 1, 2, 3]);
    assert_eq!(number(499_999_999).unwrap(), 4);
}

#[test]
fn parameters_are_read_from_a_plain_array_and_plain_numbers() {
    let mut file: Value = serde_json::from_str(LIVE).unwrap();
    let wrapped = file["params"].as_array_mut().unwrap();
    let plain: Vec<Value> = wrapped
        .iter_mut()
        .map(|version| {
            let mut fields = version["params"].take();
            for (_, value) in fields.as_object_mut().unwrap() {
                if let Some(number) = value.as_str().and_then(|text| text.parse::<u64>().ok()) {
                    *value = json!(number);
                }
            }
            fields
        })
        .collect();
    let read = ParametersHistory::<Parameters>::from_json(&json!(plain).to_string()).unwrap();
    assert_eq!(read, ParametersHistory::mainnet().unwrap());
    // The parameters of Babylon Genesis only may be absent.
    let without: Vec<Value> = plain
        .into_iter()
        .map(|mut fields| {
            fields.as_object_mut().unwrap().remove("min_commission_rate");
            fields
        })
        .collect();
    let read = ParametersHistory::<Parameters>::from_json(&json!(without).to_string()).unwrap();
    assert_eq!(read.get(0).unwrap().chain().min_commission_rate, None);
}

fn violations<P: ParametersVersion>(file: &Value) -> Vec<(usize, Rule)> {
    match ParametersHistory::<P>::from_json(&file.to_string()) {
        Err(ParametersError::Violations(found)) => {
            found.into_iter().map(|found| (found.version, found.rule)).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing is wrong with {file}"),
    }
}

/// Changes one field of mainnet's version 1 after another, each of which breaks one rule. Returns the machine
/// names of the rules broken.
fn break_live_rules() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    type Breaks = fn(&Rule) -> bool;
    let key = "d45c70d28f169e1f0c7f4a78e2bc73497afe585b70aa897955989068f3350aaa";
    // Pays to a P2PKH address, for which the lowest slashed amount of 468 sat is dust.
    let p2pkh = "dqkUAQEBAQEBAQEBAQEBAQEBAQEBAQGIrA==";
    let cases: [(&str, Value, Breaks); 25] = [
        ("covenant_pks", json!([key, key, &key[2..]]), |rule| matches!(rule, Rule::CovenantKey(..))),
        ("covenant_pks", json!([key, format!("02{key}")]), |rule| matches!(rule, Rule::CovenantKey(..))),
        ("covenant_pks", json!(vec![key; 9]), |rule| matches!(rule, Rule::Committee(_))),
        ("covenant_quorum", json!(0), |rule| matches!(rule, Rule::Committee(_))),
        ("covenant_quorum", json!(10), |rule| matches!(rule, Rule::Committee(_))),
        ("covenant_quorum", json!(65542), |rule| matches!(rule, Rule::Committee(_))),
        ("covenant_quorum", json!(4), |rule| matches!(rule, Rule::NoMajority { quorum: 4, members: 9 })),
        ("min_staking_value_sat", json!("0"), |rule| matches!(rule, Rule::AmountOutOfRange { .. })),
        ("max_staking_value_sat", json!("2100000000000001"), |rule| {
            matches!(rule, Rule::AmountOutOfRange { .. })
        }),
        ("max_staking_value_sat", json!("499999"), |rule| matches!(rule, Rule::AmountsReversed { .. })),
        ("min_staking_time_blocks", json!(0), |rule| matches!(rule, Rule::TimeOutOfRange { .. })),
        ("max_staking_time_blocks", json!(65536), |rule| matches!(rule, Rule::TimeOutOfRange { .. })),
        ("max_staking_time_blocks", json!(63999), |rule| matches!(rule, Rule::TimesReversed { .. })),
        ("slashing_pk_script", json!("6a0"), |rule| matches!(rule, Rule::SlashingScript(_))),
        ("slashing_pk_script", json!("UVFRUQ=="), |rule| {
            matches!(rule, Rule::SlashingDestination(_) | Rule::SlashedIsDust(_))
        }),
        ("slashing_pk_script", json!(p2pkh), |rule| matches!(rule, Rule::SlashedIsDust(_))),
        ("min_slashing_tx_fee_sat", json!("0"), |rule| matches!(rule, Rule::AmountOutOfRange { .. })),
        ("slashing_rate", json!("0.000000000000000000"), |rule| matches!(rule, Rule::SlashingRate(_))),
        ("slashing_rate", json!("1.000000000000000000"), |rule| matches!(rule, Rule::SlashingRate(_))),
        ("slashing_rate", json!("0.00011"), |rule| matches!(rule, Rule::SlashingRate(_))),
        ("unbonding_time_blocks", json!(0), |rule| matches!(rule, Rule::TimeOutOfRange { .. })),
        ("unbonding_fee_sat", json!("500000"), |rule| matches!(rule, Rule::UnbondingFeeTooHigh { .. })),
        ("btc_activation_height", json!(500_000_000), |rule| matches!(rule, Rule::Height { .. })),
        ("btc_activation_height", json!(857_910), |rule| {
            matches!(rule, Rule::ActivationNotIncreasing { .. })
        }),
        ("min_commission_rate", json!("1.01"), |rule| matches!(rule, Rule::CommissionRate(_))),
    ];
    for (field, value, breaks) in cases {
        let mut file: Value = serde_json::from_str(LIVE).unwrap();
        file["params"][1]["params"][field] = value.clone();
        let found = violations::<Parameters>(&file);
        assert!(
            !found.is_empty() && found.iter().all(|(version, rule)| *version == 1 && breaks(rule)),
            "{field} {value}: {found:?}"
        );
        names.extend(found.iter().map(|(_, rule)| rule.rule()));
    }
    let mut file: Value = serde_json::from_str(LIVE).unwrap();
    file["params"][1]["version"] = json!(2);
    assert_eq!(violations::<Parameters>(&file), [(1, Rule::Number(2))]);
    names
}

/// Changes one field of mainnet's version 1 of phase 1 after another, each of which breaks one rule. Returns
/// the machine names of the rules broken.
fn break_phase1_rules() -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    type Breaks = fn(&Rule) -> bool;
    let key = "02d45c70d28f169e1f0c7f4a78e2bc73497afe585b70aa897955989068f3350aaa";
    let cases: [(&str, Value, Breaks); 18] = [
        ("version", json!(2), |rule| matches!(rule, Rule::Number(2))),
        ("activation_height", json!(857_910), |rule| matches!(rule, Rule::ActivationNotIncreasing { .. })),
        ("staking_cap", json!(100_000_000_000_u64), |rule| matches!(rule, Rule::OneCap)),
        ("cap_height", json!(0), |rule| matches!(rule, Rule::OneCap)),
        ("cap_height", json!(875_088), |rule| matches!(rule, Rule::CapFalls { .. })),
        ("tag", json!("62626e"), |rule| matches!(rule, Rule::Tag(_))),
        ("tag", json!("bbn1bbn1"), |rule| matches!(rule, Rule::Tag(_))),
        ("covenant_pks", json!([key, &key[2..]]), |rule| matches!(rule, Rule::CovenantKey(..))),
        // The same x coordinate twice, with either parity.
        ("covenant_pks", json!([key, format!("03{}", &key[2..])]), |rule| matches!(rule, Rule::Committee(_))),
        ("covenant_quorum", json!(10), |rule| matches!(rule, Rule::Committee(_))),
        ("unbonding_time", json!(65536), |rule| matches!(rule, Rule::TimeOutOfRange { .. })),
        ("unbonding_fee", json!(0), |rule| matches!(rule, Rule::AmountOutOfRange { .. })),
        ("unbonding_fee", json!(499_001), |rule| matches!(rule, Rule::LeastAmountTooLow { .. })),
        ("min_staking_amount", json!(50_000_000_001_u64), |rule| {
            matches!(rule, Rule::AmountsReversed { .. })
        }),
        ("min_staking_time", json!(64_001), |rule| matches!(rule, Rule::TimesReversed { .. })),
        ("confirmation_depth", json!(1), |rule| matches!(rule, Rule::ConfirmationDepth(1))),
        ("confirmation_depth", json!(65536), |rule| matches!(rule, Rule::ConfirmationDepth(65536))),
        ("max_staking_time", json!(0), |rule| matches!(rule, Rule::TimeOutOfRange { .. })),
    ];
    for (field, value, breaks) in cases {
        let mut file: Value = serde_json::from_str(PHASE_1).unwrap();
        file["versions"][1][field] = value.clone();
        let found = violations::<Phase1Parameters>(&file);
        // A cap that is too high is a violation of the version after it.
        let breaks_one = |(version, rule): &(usize, Rule)| {
            breaks(rule) && *version == 1 + usize::from(matches!(rule, Rule::CapFalls { .. }))
        };
        assert!(!found.is_empty() && found.iter().all(breaks_one), "{field} {value}: {found:?}");
        names.extend(found.iter().map(|(_, rule)| rule.rule()));
    }
    let mut file: Value = serde_json::from_str(PHASE_1).unwrap();
    file["versions"][0]["staking_cap"] = json!(5_000_000);
    let found = violations::<Phase1Parameters>(&file);
    assert!(matches!(found[..], [(0, Rule::CapTooLow { .. })]), "{found:?}");
    names.extend(found.iter().map(|(_, rule)| rule.rule()));
    names
}

#[test]
fn parameters_rules_each_occur_by_their_machine_name() {
    let source = include_str!("../parameters/rules.rs");
    let (_, arms) = source.split_once("pub const fn rule(&self)").unwrap();
    let names = arms.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once('"'));
    let names: BTreeSet<_> = names.map(|(name, _)| name).collect();
    assert!(names.len() >= 22, "{names:?}");
    let occur: BTreeSet<_> = break_live_rules().union(&break_phase1_rules()).copied().collect();
    let absent: Vec<_> = names.difference(&occur).collect();
    assert!(absent.is_empty(), "no file breaks the rules {absent:?}");
}

/// All violations are listed, each with its field.
#[test]
fn parameters_violations_are_all_listed() {
    let mut file: Value = serde_json::from_str(LIVE).unwrap();
    for (version, field, value) in [
        (0, "covenant_quorum", json!(4)),
        (0, "slashing_rate", json!("2")),
        (3, "unbonding_time_blocks", json!(0)),
    ] {
        file["params"][version]["params"][field] = value;
    }
    let error = ParametersHistory::<Parameters>::from_json(&file.to_string()).unwrap_err().to_string();
    for part in [
        "version 0: covenant_quorum",
        "version 0: slashing_rate: \"2\"",
        "version 3: unbonding_time_blocks: 0",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn parameters_refuse_files_of_another_form() {
    for (text, part) in [
        ("", "not a parameters file"),
        ("[]", "no version"),
        ("{}", "an array of versions"),
        ("7", "an array of versions"),
        ("[7]", "version 0"),
        ("[{}]", "version 0: missing field `covenant_pks`"),
    ] {
        let error = ParametersHistory::<Parameters>::from_json(text).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let error = ParametersHistory::<Phase1Parameters>::from_json(r#"{"versions":[]}"#).unwrap_err();
    assert_eq!(error, ParametersError::Empty);
    let negative = LIVE.replacen("\"500000\"", "-5", 1);
    let error = ParametersHistory::<Parameters>::from_json(&negative).unwrap_err().to_string();
    assert!(error.contains("version 0") && error.contains("a whole number"), "{error}");
}
