//! Parameters: mainnet's are read, and a file that breaks rules is refused with each of them.

mod forms;
mod mainnet;
mod rules;

use bitcoin::Amount;
use bitcoin::absolute::Height;
use serde_json::{Value, json};

use crate::parameters::{Parameters, ParametersError, ParametersHistory, Phase1Parameters, StakingCap};

const LIVE: &str = include_str!("../../../data/mainnet-parameters.json");
const PHASE_1: &str = include_str!("../../../data/mainnet-phase1-parameters.json");

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
            let (fee, slashing_fee) = (version.unbonding_fee().to_sat(), version.min_slashing_fee().to_sat());
            let unbonding_time = version.unbonding_time().blocks();
            (version.activation_height().to_consensus_u32(), least, most, fee, slashing_fee, unbonding_time)
        })
        .collect();
    let expected = [
        (857_910, 500_000, 5_000_000, 64_000, 100_000, 1008),
        (864_790, 500_000, 50_000_000_000, 32_000, 100_000, 1008),
        (874_088, 500_000, 500_000_000_000, 32_000, 100_000, 1008),
        (891_425, 500_000, 500_000_000_000, 32_000, 100_000, 1008),
        (893_362, 500_000, 500_000_000_000, 9_600, 100_000, 1008),
        (905_634, 500_000, 500_000_000_000, 9_600, 150_000, 301),
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
    assert_eq!(number(499_999_999).unwrap(), 5);
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
