//! The rules of parameters: a table that breaks each of them, under its machine name.

use std::collections::BTreeSet;

use bitcoin::Amount;
use serde_json::{Value, json};

use super::{LIVE, PHASE_1};
use crate::parameters::{
    Parameters, ParametersError, ParametersHistory, ParametersRule as Rule, ParametersVersion,
    ParametersViolation, Phase1Parameters,
};
use crate::testing::history_file;

/// A rule, and the files that break it.
struct Row {
    /// The machine name of the rule.
    name: &'static str,
    /// The machine names of the rules that are broken with it.
    also: &'static [&'static str],
    /// Whether a rule is this row's variant.
    is_of_row: fn(&Rule) -> bool,
    /// Mainnet's files, each with one field changed.
    files: fn() -> Vec<Changed>,
}

/// A file with one field changed, and what it breaks.
struct Changed {
    /// The field and its new value.
    change: String,
    /// The version that must break the rule.
    version: usize,
    /// The rules that are broken, each with its version.
    found: Vec<(usize, Rule)>,
}

/// Makes the table, and the function that has a name for each variant: a variant without a row does not
/// compile.
macro_rules! table {
    ($($variant:pat => $name:literal $(+ $also:literal)*: [$($file:expr),+ $(,)?];)*) => {
        fn name_in_table(rule: &Rule) -> &'static str {
            match rule {
                $($variant => $name,)*
            }
        }

        const TABLE: &[Row] = &[$(Row {
            name: $name,
            also: &[$($also),*],
            is_of_row: |rule| matches!(rule, $variant),
            files: || vec![$($file),+],
        }),*];
    };
}

/// A covenant key of mainnet, x-only.
const KEY: &str = "d45c70d28f169e1f0c7f4a78e2bc73497afe585b70aa897955989068f3350aaa";
/// Pays to a P2PKH address, for which the lowest slashed amount of 468 sat is dust.
const P2PKH: &str = "dqkUAQEBAQEBAQEBAQEBAQEBAQEBAQGIrA==";

table! {
    Rule::Number(_) => "number": [live_number(json!(2)), phase1("version", json!(2))];
    Rule::ActivationNotIncreasing { .. } => "activation_not_increasing": [
        live("btc_activation_height", json!(857_910)),
        phase1("activation_height", json!(857_910)),
    ];
    Rule::Height { .. } => "height": [live("btc_activation_height", json!(500_000_000))];
    Rule::CovenantKey(..) => "covenant_key": [
        live("covenant_pks", json!([KEY, KEY, &KEY[2..]])),
        live("covenant_pks", json!([KEY, format!("02{KEY}")])),
        phase1("covenant_pks", json!([format!("02{KEY}"), KEY])),
    ];
    Rule::Committee(_) => "committee": [
        live("covenant_pks", json!(vec![KEY; 9])),
        live("covenant_quorum", json!(0)),
        live("covenant_quorum", json!(10)),
        live("covenant_quorum", json!(65542)),
        // The same x coordinate twice, with either parity.
        phase1("covenant_pks", json!([format!("02{KEY}"), format!("03{KEY}")])),
        phase1("covenant_quorum", json!(10)),
    ];
    Rule::NoMajority { .. } => "no_majority": [live("covenant_quorum", json!(4))];
    Rule::AmountOutOfRange { .. } => "amount_out_of_range": [
        live("min_staking_value_sat", json!("0")),
        live("max_staking_value_sat", json!("2100000000000001")),
        live("min_slashing_tx_fee_sat", json!("0")),
        phase1("unbonding_fee", json!(0)),
    ];
    Rule::AmountsReversed { .. } => "amounts_reversed": [
        live("max_staking_value_sat", json!("499999")),
        phase1("min_staking_amount", json!(50_000_000_001_u64)),
    ];
    Rule::TimeOutOfRange { .. } => "time_out_of_range": [
        live("min_staking_time_blocks", json!(0)),
        live("max_staking_time_blocks", json!(65536)),
        live("unbonding_time_blocks", json!(0)),
        phase1("unbonding_time", json!(65536)),
        phase1("max_staking_time", json!(0)),
    ];
    Rule::TimesReversed { .. } => "times_reversed": [
        live("max_staking_time_blocks", json!(63999)),
        phase1("min_staking_time", json!(64_001)),
    ];
    Rule::SlashingScript(..) => "slashing_script": [
        live("slashing_pk_script", json!("6a0")),
        // Hex, also of a length that base64 has.
        live("slashing_pk_script", json!("6a07626162796c6f6e")),
        live("slashing_pk_script", json!(format!("0014{}", "07".repeat(20)))),
    ];
    // Four bytes that have no address; pay-to-anchor; an OP_RETURN whose push is cut off.
    Rule::SlashingDestination(_) => "slashing_destination": [
        live("slashing_pk_script", json!("UVFRUQ==")),
        live("slashing_pk_script", json!("UQJOcw==")),
        live("slashing_pk_script", json!("agE=")),
    ];
    Rule::SlashingRate(_) => "slashing_rate": [
        live("slashing_rate", json!("0.000000000000000000")),
        live("slashing_rate", json!("1.000000000000000000")),
        live("slashing_rate", json!("0.00011")),
    ];
    Rule::CommissionRate(_) => "commission_rate": [live("min_commission_rate", json!("1.01"))];
    Rule::UnbondingFeeTooHigh { .. } => "unbonding_fee_too_high": [
        live("unbonding_fee_sat", json!("500000")),
    ];
    Rule::SlashedIsDust(_) => "slashed_is_dust": [live("slashing_pk_script", json!(P2PKH))];
    Rule::Tag(_) => "tag": [phase1("tag", json!("62626e")), phase1("tag", json!("bbn1bbn1"))];
    Rule::OneCap => "one_cap": [
        phase1("staking_cap", json!(100_000_000_000_u64)),
        phase1("cap_height", json!(0)),
    ];
    Rule::ActivationZero => "activation_zero": [first_phase1("activation_height", json!(0))];
    Rule::CapTooLow { .. } => "cap_too_low": [first_phase1("staking_cap", json!(4_999_999))];
    // With a cap height between them.
    Rule::CapFalls { .. } => "cap_falls": [phase1_caps(700_000_000_000, 699_999_999_999)];
    Rule::LeastAmountTooLow { .. } => "least_amount_too_low": [phase1("unbonding_fee", json!(499_001))];
    Rule::ConfirmationDepth(_) => "confirmation_depth": [
        phase1("confirmation_depth", json!(1)),
        phase1("confirmation_depth", json!(65536)),
    ];
}

/// Changes a field of the object at `place`, a JSON pointer.
fn changed<P: ParametersVersion>(
    file: &str,
    place: &str,
    field: &str,
    value: Value,
    of_new_stakes: impl Fn(ParametersHistory<P>) -> Vec<ParametersViolation>,
) -> Changed {
    let change = format!("{field} {value}");
    let mut file: Value = serde_json::from_str(file).unwrap();
    file.pointer_mut(place).unwrap()[field] = value;
    let found = match ParametersHistory::<P>::from_json(&file.to_string()) {
        Ok(history) => of_new_stakes(history),
        Err(ParametersError::Violations(found)) => found,
        Err(other) => panic!("{change}: {other}"),
    };
    let found = found.into_iter().map(|found| (found.version, found.rule)).collect();
    Changed { change, version: 1, found }
}

/// Of mainnet's version 1.
fn live(field: &str, value: Value) -> Changed {
    changed::<Parameters>(LIVE, "/params/1/params", field, value, |history| history.violations())
}

fn live_number(number: Value) -> Changed {
    changed::<Parameters>(LIVE, "/params/1", "version", number, |history| history.violations())
}

/// Of mainnet's version 1 of phase 1.
fn phase1(field: &str, value: Value) -> Changed {
    changed::<Phase1Parameters>(PHASE_1, "/versions/1", field, value, |_| Vec::new())
}

/// Of the version 0 of phase 1, which has a cap as an amount.
fn first_phase1(field: &str, value: Value) -> Changed {
    let changed = changed::<Phase1Parameters>(PHASE_1, "/versions/0", field, value, |_| Vec::new());
    Changed { version: 0, ..changed }
}

/// With caps as amounts in the versions 0 and 2 of phase 1.
fn phase1_caps(first: u64, last: u64) -> Changed {
    let mut file: Value = serde_json::from_str(PHASE_1).unwrap();
    file["versions"][0]["staking_cap"] = first.into();
    file["versions"][2]["cap_height"] = 0.into();
    let (file, last) = (file.to_string(), last.into());
    let changed = changed::<Phase1Parameters>(&file, "/versions/2", "staking_cap", last, |_| Vec::new());
    Changed { version: 2, ..changed }
}

/// A cap equal to the largest amount and a cap height that falls are taken; activation height 0 is not.
#[test]
fn phase1_rules_are_the_networks() {
    for taken in [
        first_phase1("staking_cap", json!(5_000_000)),
        phase1_caps(700_000_000_000, 700_000_000_000),
        // The next version's is 875087.
        phase1("cap_height", json!(875_088)),
        phase1("cap_height", json!(499_999_999)),
        first_phase1("activation_height", json!(1)),
    ] {
        assert_eq!(taken.found, [], "{}", taken.change);
    }
    let (cap, most) = (Amount::from_sat(4_999_999), Amount::from_sat(5_000_000));
    let found = first_phase1("staking_cap", json!(4_999_999)).found;
    assert_eq!(found, [(0, Rule::CapTooLow { cap, most })]);
    assert_eq!(first_phase1("activation_height", json!(0)).found, [(0, Rule::ActivationZero)]);
    let [earlier, later] = [700_000_000_000, 699_999_999_999].map(Amount::from_sat);
    let found = phase1_caps(700_000_000_000, 699_999_999_999).found;
    assert_eq!(found, [(2, Rule::CapFalls { earlier, later })]);
}

#[test]
fn parameters_rules_are_each_broken_under_their_name() {
    for Row { name, also, is_of_row, files } in TABLE {
        let expected: BTreeSet<_> = also.iter().chain([name]).copied().collect();
        for Changed { change, version, found } in files() {
            let row = format!("the row of {name}, with {change}: {found:?}");
            let names: BTreeSet<_> = found.iter().map(|(_, rule)| rule.rule()).collect();
            assert_eq!(names, expected, "{row}");
            assert!(found.iter().all(|(of, _)| *of == version), "{row}");
            let mut of_row = found.iter().filter(|(_, rule)| is_of_row(rule));
            assert!(of_row.any(|(_, rule)| rule.rule() == *name), "{row}");
            for (_, rule) in &found {
                assert_eq!(rule.rule(), name_in_table(rule), "{row}");
            }
        }
    }
}

#[test]
fn parameters_rules_have_the_numbers_that_they_found() {
    assert_eq!(live_number(json!(2)).found, [(1, Rule::Number(2))]);
    assert_eq!(phase1("version", json!(2)).found, [(1, Rule::Number(2))]);
    let no_majority = Rule::NoMajority { quorum: 4, members: 9 };
    assert_eq!(live("covenant_quorum", json!(4)).found, [(1, no_majority)]);
    for depth in [1, 65536] {
        let found = phase1("confirmation_depth", json!(depth)).found;
        assert_eq!(found, [(1, Rule::ConfirmationDepth(depth))]);
    }
}

/// Parameters with a slashing script that new stakes must not have are read, so that stakes made under them
/// end; together with another rule that is broken, both are named.
#[test]
fn parameters_with_a_lost_slashing_script_are_read() {
    let file = |fee: &str| {
        history_file(&[0, 0], |version, fields| {
            if version == 1 {
                fields["slashing_pk_script"] = json!("UQJOcw==");
                fields["unbonding_fee_sat"] = json!(fee);
            }
        })
    };
    let read = ParametersHistory::<Parameters>::from_json;
    let history = read(&file("64000")).unwrap();
    let (first, second) = (history.get(0).unwrap(), history.get(1).unwrap());
    assert_eq!((first.check_new_stakes(), second.slashing_pk_script().len()), (Ok(()), 4));
    let lost = second.check_new_stakes().unwrap_err();
    let broken = ParametersViolation { version: 1, rule: Rule::SlashingDestination(lost) };
    assert_eq!(history.violations(), std::slice::from_ref(&broken));
    let Err(ParametersError::Violations(both)) = read(&file("0")) else { panic!("the fee is out of range") };
    assert!(both.len() == 2 && both.contains(&broken), "{both:?}");
    assert_eq!(ParametersHistory::mainnet().unwrap().violations(), []);
}
