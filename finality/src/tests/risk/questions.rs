//! The four questions, over one small world worked out by hand.

use super::ENOUGH;
use crate::risk::{
    InvalidRisk, Paying, Power, RiskChain, RiskModel, RiskProvider, Security, SharedSecurity, SlashableShare,
    Threshold,
};

const BTC: u64 = 100_000_000;

fn provider(name: &str, operator: Option<&str>, btc: u64) -> RiskProvider {
    RiskProvider { name: name.to_owned(), operator: operator.map(str::to_owned), stake_sat: btc * BTC }
}

fn chain(name: &str, value_sat: u64, secured_by: Option<&[&str]>) -> RiskChain {
    let secured_by = secured_by.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    RiskChain { name: name.to_owned(), value_sat, threshold: Threshold::THIRD, secured_by }
}

/// 100 BTC: a1 and a2 of one operator 20 and 15, b 25, c 40. At 0.001 their slashable parts are 0.02, 0.015,
/// 0.025, 0.04.
fn input(values: [u64; 2]) -> SharedSecurity {
    SharedSecurity {
        slashing_rate: SlashableShare::MAINNET,
        providers: vec![
            provider("a1", Some("a"), 20),
            provider("a2", Some("a"), 15),
            provider("b", None, 25),
            provider("c", None, 40),
        ],
        chains: vec![chain("all", values[0], None), chain("two", values[1], Some(&["a1", "b"]))],
    }
}

fn model(values: [u64; 2]) -> RiskModel {
    RiskModel::new(input(values)).unwrap()
}

#[test]
fn costs_are_the_slashable_part() {
    let model = model([1, 1]);
    // More than a third of 100 BTC: 35 BTC of a1 and a2 are the least that is above 33.33.
    let twice = model.cost_of(0, Power::FinalizeTwice, ENOUGH).unwrap();
    assert_eq!(twice.needed_sat, 3_333_333_334);
    assert!(twice.power_sat.is_exact());
    assert_eq!(twice.power_sat.at_most, 35 * u128::from(BTC));
    assert_eq!(twice.providers, ["a1", "a2"]);
    assert_eq!((twice.slashed_sat, twice.slashable_sat), (3_500_000, 3_500_000), "0.001 of 35 BTC");
    assert_eq!(twice.operators, Some(1), "c alone, with 40; and a alone, with 35");
    // Silence is not slashed.
    let stall = model.cost_of(0, Power::Stall, ENOUGH).unwrap();
    assert_eq!((stall.slashed_sat, stall.slashable_sat), (0, 3_500_000));
    // More than two thirds: 75 BTC of a1, a2 and c.
    let alone = model.cost_of(0, Power::FinalizeAlone, ENOUGH).unwrap();
    assert_eq!(alone.power_sat.at_most, 75 * u128::from(BTC));
    assert_eq!(alone.operators, Some(2));
    // Of 45 BTC a third is exactly 15: a1 has 20, and nothing less will do.
    let two = model.cost_of(1, Power::Stall, ENOUGH).unwrap();
    assert_eq!((two.needed_sat, two.power_sat.at_most), (15 * u128::from(BTC), 20 * u128::from(BTC)));
    assert_eq!(two.providers, ["a1"]);
    assert!(model.cost_of(2, Power::Stall, ENOUGH).is_none());
}

#[test]
fn attack_pays_from_one_satoshi_above() {
    // All by a1 and a2 (3 500 000), of which a1 corrupts `two` as well: both for 3 500 000.
    assert_eq!(model([3_500_000, 0]).paying_attack(ENOUGH).unwrap(), Paying::None, "equality is secure");
    let Paying::Attack { attack, most_sat } = model([3_500_001, 0]).paying_attack(ENOUGH).unwrap() else {
        panic!("one satoshi above pays");
    };
    assert_eq!(
        (attack.chains, attack.providers),
        (vec!["all".to_owned()], vec!["a1".to_owned(), "a2".to_owned()])
    );
    assert_eq!((attack.value_sat, attack.slashed_sat, most_sat), (3_500_001, 3_500_000, 1));
    // Neither pays alone, both together do: 2 500 000 + 1 500 000 > 3 500 000, and `two` alone costs 2 000
    // 000.
    assert_eq!(model([2_500_000, 1_000_000]).paying_attack(ENOUGH).unwrap(), Paying::None);
    let Paying::Attack { attack, .. } = model([2_500_000, 1_500_000]).paying_attack(ENOUGH).unwrap() else {
        panic!("together they pay");
    };
    assert_eq!(attack.chains, ["all", "two"]);
}

#[test]
fn headroom_depends_on_the_other_chains() {
    let at = |values, place: usize| model(values).headroom(place, ENOUGH).unwrap().unwrap();
    let alone = at([0, 0], 0);
    assert!(alone.value_sat.is_exact());
    assert_eq!((alone.value_sat.at_most, alone.with_chains.len()), (3_500_000, 0));
    let with = at([0, 1_000_000], 0);
    assert_eq!((with.value_sat.at_most, with.with_chains), (2_500_000, vec!["two".to_owned()]));
    assert_eq!(at([0, 1_000_000], 1).value_sat.at_most, 2_000_000, "a1 alone");
    assert_eq!(at([2_500_000, 0], 1).value_sat.at_most, 1_000_000, "with the other chain");
    assert_eq!(model([0, 0]).headroom(5, ENOUGH).unwrap(), None);
    for value in [2_500_000, 2_500_001] {
        let secure = model([value, 1_000_000]).graph().security(ENOUGH).unwrap() == Security::Secure;
        assert_eq!(secure, value == 2_500_000, "the headroom is where it begins");
    }
}

#[test]
fn falls_are_of_operators() {
    let model = model([1, 1]);
    let falls = model.falls();
    let summary: Vec<_> = falls
        .iter()
        .map(|fall| {
            (
                fall.operator.as_str(),
                fall.stalls.len(),
                fall.finalizes_twice.len(),
                fall.finalizes_alone.len(),
            )
        })
        .collect();
    // a has 35 of 100 and 20 of 45; b 25 of 100 and 25 of 45; c 40 of 100.
    assert_eq!(summary, [("a", 2, 2, 0), ("b", 1, 1, 0), ("c", 1, 1, 0)]);
    assert_eq!(falls[2].secures, ["all"]);
    assert_eq!(model.by_operator(0)["a"], 35 * u128::from(BTC));
    assert_eq!(model.concentration(0).nakamoto(Power::FinalizeAlone), Some(2));
    // Without c, b is enough to corrupt `all`: 25 of 60.
    let rich = super::questions::model([2_500_001, 0]);
    assert_eq!(rich.graph().security(ENOUGH).unwrap(), Security::Secure);
    assert!(matches!(rich.security_without("c", ENOUGH).unwrap(), Security::Insecure { .. }));
    assert_eq!(rich.security_without("nobody", ENOUGH).unwrap(), Security::Secure);
}

#[test]
fn inputs_are_checked() {
    let refused = |change: &dyn Fn(&mut SharedSecurity)| {
        let mut input = input([1, 1]);
        change(&mut input);
        RiskModel::new(input).unwrap_err()
    };
    let twice = refused(&|input| input.providers[1].name = "a1".to_owned());
    assert_eq!(twice, InvalidRisk::DuplicateName("a1".to_owned()));
    assert_eq!(
        refused(&|input| input.chains[1].name = "all".to_owned()),
        InvalidRisk::DuplicateChain("all".to_owned())
    );
    let unknown = refused(&|input| input.chains[1].secured_by = Some(["z".to_owned()].into()));
    assert_eq!(unknown, InvalidRisk::UnknownName { chain: "two".to_owned(), provider: "z".to_owned() });
    let rich = refused(&|input| input.chains[0].value_sat = u64::MAX);
    assert!(matches!(rich, InvalidRisk::Graph(_)));
    // All bitcoin there will ever be, on one chain, is not too much.
    let mut all = input([2_100_000_000_000_000, 1]);
    all.providers[3].stake_sat = 2_100_000_000_000_000;
    assert!(RiskModel::new(all).is_ok());
}

/// Providers come from a power table, each under its key.
#[test]
fn providers_come_from_a_power_table() {
    let keys = super::super::sorted_keys(2);
    let of = |key: usize, slashed| crate::power::Provider {
        public_key: keys[key],
        active_sat: 7,
        slashed,
        operator: Some("one".to_owned()),
    };
    let made = [RiskProvider::from(&of(0, false)), RiskProvider::from(&of(1, true))];
    assert_eq!((made[0].name.clone(), made[0].stake_sat, made[1].stake_sat), (keys[0].to_string(), 7, 0));
    assert_eq!(made[1].operator.as_deref(), Some("one"));
}

/// The input is one JSON, with the rate as text and a third as the threshold where none is named.
#[cfg(feature = "serde")]
#[test]
fn input_is_one_json() {
    let json = r#"{
        "slashing_rate": "0.001",
        "providers": [
            { "name": "a1", "operator": "a", "stake_sat": 2000000000 },
            { "name": "b", "stake_sat": 1 }
        ],
        "chains": [
            { "name": "all", "value_sat": 5 },
            { "name": "one", "value_sat": 7, "threshold": [2, 3], "secured_by": ["b"] }
        ]
    }"#;
    let input: SharedSecurity = serde_json::from_str(json).unwrap();
    assert_eq!(
        (input.chains[0].threshold, input.chains[1].threshold),
        (Threshold::THIRD, Threshold::TWO_THIRDS)
    );
    let again: SharedSecurity = serde_json::from_str(&serde_json::to_string(&input).unwrap()).unwrap();
    assert_eq!(again, input);
    for (from, to) in [("0.001", "0"), ("[2, 3]", "[3, 2]"), ("2000000000", "-1")] {
        assert!(serde_json::from_str::<SharedSecurity>(&json.replace(from, to)).is_err(), "{to}");
    }
    assert!(RiskModel::new(input).is_ok());
}
