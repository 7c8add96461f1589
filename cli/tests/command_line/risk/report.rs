//! `btcstake risk report`: the four questions.

use btcstake::outputs::{ChainPower, ChainRisk, PowerCost, RiskReport, RiskVerdict};
use serde_json::{Value, json};

use super::{input, with, worked};

fn report(input: &Value) -> RiskReport {
    with(input).output("risk report --input risk.json")
}

fn cost(chain: &ChainRisk, power: ChainPower) -> &PowerCost {
    chain.costs.iter().find(|cost| cost.power == power).unwrap()
}

#[test]
fn costs_are_the_slashable_part_and_silence_costs_nothing() {
    let found = report(&worked([1, 1]));
    assert_eq!((found.stake_sat, found.slashable_sat), (10_000_000_000, 10_000_000));
    let [all, two] = &found.chains[..] else { panic!("{found:?}") };
    // More than a third of 100 BTC: 35 BTC of a1 and a2 are the least above 33.33.
    let twice = cost(all, ChainPower::FinalizeTwice);
    assert_eq!(twice.needed_sat, 3_333_333_334);
    assert_eq!((twice.power_sat.at_least, twice.power_sat.at_most), (3_500_000_000, 3_500_000_000));
    assert_eq!((twice.slashed_sat, twice.providers.join(" ")), (3_500_000, "a1 a2".into()));
    assert_eq!((twice.operators, twice.share.as_str()), (1, "more than 1/3"));
    let stall = cost(all, ChainPower::Stall);
    assert_eq!((stall.slashed_sat, stall.slashable_sat), (0, 3_500_000));
    let alone = cost(all, ChainPower::FinalizeAlone);
    assert_eq!((alone.power_sat.at_most, alone.operators), (7_500_000_000, 2));
    // Of 45 BTC a third is exactly 15: nothing less than a1's 20 will do.
    let stall = cost(two, ChainPower::Stall);
    assert_eq!((stall.needed_sat, stall.power_sat.at_most), (1_500_000_000, 2_000_000_000));
    assert_eq!((two.power_sat, two.providers), (4_500_000_000, 2));
}

/// Exact thirds: one of three stalls, two finalize twice, and it takes all three to finalize alone.
#[test]
fn thresholds_are_at_least_a_third_and_more_than_that() {
    let found = report(&input(&[1_000_000; 3], &[json!({ "name": "s", "value_sat": 1 })]));
    let operators = [ChainPower::Stall, ChainPower::FinalizeTwice, ChainPower::FinalizeAlone]
        .map(|power| cost(&found.chains[0], power).operators);
    assert_eq!(operators, [1, 2, 3]);
    // One satoshi less on the first, and it still stalls no chain alone; one more, and it finalizes twice.
    let found = report(&input(&[999_998, 1_000_001, 1_000_001], &[json!({ "name": "s", "value_sat": 1 })]));
    let fall = found.falls.iter().find(|fall| fall.operator == "p0").unwrap();
    assert!(fall.stalls.is_empty(), "{fall:?}");
    let fall = found.falls.iter().find(|fall| fall.operator == "p1").unwrap();
    assert_eq!((fall.stalls.len(), fall.finalizes_twice.len(), fall.finalizes_alone.len()), (1, 1, 0));
}

#[test]
fn chains_may_hold_what_the_others_leave() {
    let may_hold = |values, place: usize| {
        let found = report(&worked(values));
        let bounds = found.chains[place].may_hold_sat.unwrap();
        assert_eq!(bounds.at_least, bounds.at_most);
        (bounds.at_most, found.chains[place].attacked_with.join(" "))
    };
    assert_eq!(may_hold([0, 0], 0), (3_500_000, String::new()));
    assert_eq!(may_hold([0, 1_000_000], 0), (2_500_000, "two".into()));
    assert_eq!(may_hold([0, 1_000_000], 1), (2_000_000, String::new()));
    assert_eq!(may_hold([2_500_000, 0], 1), (1_000_000, "all".into()));
}

#[test]
fn falls_are_of_operators() {
    let found = report(&worked([2_500_001, 0]));
    let falls: Vec<_> = found.falls.iter().map(|fall| (fall.operator.as_str(), fall.stalls.len())).collect();
    assert_eq!(falls, [("a", 2), ("b", 1), ("c", 1)]);
    assert_eq!(found.falls[0].stake_sat, 3_500_000_000);
    // Without c, b alone corrupts `all`: 25 of 60 BTC, for 2 500 000 satoshis.
    assert_eq!(found.security.verdict, RiskVerdict::Secure);
    assert_eq!(found.falls[2].without_it, Some(RiskVerdict::AttackPays));
    assert_eq!(found.falls[1].without_it, Some(RiskVerdict::Secure));
    // b1's stake stands for two chains, once.
    let provider = found.providers.iter().find(|provider| provider.name == "b").unwrap();
    assert_eq!((provider.chains, provider.slashable_sat, provider.value_sat), (2, 2_500_000, 2_500_001));
}

/// Four powers of a half, a quarter and two eighths, worked out by hand.
#[test]
fn concentration_is_by_operator() {
    let chain = json!({ "name": "s", "value_sat": 1 });
    let found = report(&input(&[4000, 2000, 1000, 1000], std::slice::from_ref(&chain)));
    let figures = &found.chains[0].concentration;
    assert_eq!((figures.operators, figures.shannon_bits, figures.min_entropy_bits), (4, 1.75, 1.0));
    assert_eq!(figures.hhi, 2500.0 + 625.0 + 2.0 * 156.25);
    assert_eq!(figures.gini, 0.3125, "(−3·1 − 1·1 + 1·2 + 3·4) / (4·8)");
    let shares: Vec<_> = figures.top_shares.iter().map(|top| (top.operators, top.share)).collect();
    assert_eq!(shares, [(1, 0.5), (3, 0.875)]);
    // The same power in one hand.
    let mut one = input(&[4000, 2000, 1000, 1000], &[chain]);
    for provider in one["providers"].as_array_mut().unwrap() {
        provider["operator"] = "same".into();
    }
    let figures = &report(&one).chains[0].concentration;
    assert_eq!((figures.operators, figures.hhi, figures.gini, figures.shannon_bits), (1, 10_000.0, 0.0, 0.0));
}

#[test]
fn one_more_chain_is_drawn_up_to_where_it_pays() {
    let found = report(&worked([0, 0]));
    let one_more = found.one_more_chain;
    assert_eq!(one_more.may_hold_sat.unwrap().at_most, 3_500_000);
    let points: Vec<_> = one_more.curve.iter().map(|p| (p.value_sat, p.gain_per_loss.unwrap())).collect();
    assert_eq!((points.len(), points[0].0, points[0].1.at_least), (13, 0, 0.0));
    assert_eq!((points[8].0, points[8].1.at_least), (3_500_000, 1.0), "where it begins to pay");
    assert_eq!((points[12].0, points[12].1.at_least), (5_250_000, 1.5));
    assert!(points.windows(2).all(|pair| pair[0].1.at_least < pair[1].1.at_least));
    // Where attacks pay already, it may hold nothing.
    let found = report(&worked([3_600_000, 0]));
    assert_eq!(
        (found.one_more_chain.may_hold_sat.unwrap().at_most, found.one_more_chain.curve.len()),
        (0, 0)
    );
}

/// Prices and units are the input's: 25 000 of a unit of which 100 000 are a bitcoin are a quarter of one.
#[test]
fn values_may_be_in_a_unit_of_the_input() {
    let mut input = worked([0, 0]);
    input["units_per_btc"] = json!({ "USD": 100_000, "thirds": 3 });
    input["chains"][0] = json!({ "name": "all", "value": 25_000, "unit": "USD" });
    input["chains"][1] = json!({ "name": "two", "value": 1, "unit": "thirds" });
    let found = report(&input);
    assert_eq!(
        (found.chains[0].value_sat, found.chains[0].value.as_deref()),
        (25_000_000, Some("25000 USD"))
    );
    assert_eq!(found.chains[1].value_sat, 33_333_334, "rounded up");
}

/// Each question is answered in one line.
#[test]
fn text_answers_every_question_in_one_line() {
    let folder = with(&worked([2_500_000, 1_500_000]));
    let text = folder.run("risk report --input risk.json").ends(0).stdout();
    for line in [
        "10000000000 sat are staked to 4 providers; at the slashing rate 0.0010, 10000000 sat can be slashed",
        "stalling \"all\": 0 sat are slashed, as silence is not (3500000 could be); it takes 3500000000 sat of 10000000000 (1/3 or more), held by a1, a2; 1 operator can",
        "finalizing two blocks of one height of \"all\": 3500000 sat are slashed; it takes 3500000000 sat of 10000000000 (more than 1/3), held by a1, a2; 1 operator can",
        "an attack pays: on all, two, it gains 4000000 sat and costs 3500000, by a1, a2",
        "\"all\" may hold 2000000 sat before an attack on it pays, and holds 2500000: too much; beyond, it is attacked by a1, a2, with two",
        "the fall of \"a\" stalls 2 of 2 chains: all, two; it can finalize twice on 2",
        "one more chain on all providers may hold 0 sat, with the others as they are",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "no {line:?} in\n{text}");
    }
    let found: RiskReport = folder.output("risk report --input risk.json");
    assert!(found.answers.iter().all(|answer| text.contains(answer) && !answer.contains('\n')));
}

/// The example's numbers are an input, and no attack on it pays.
#[test]
fn example_is_an_input() {
    let folder = with(&json!(null));
    let printed = folder.json("risk example");
    folder.write("risk.json", printed.to_string());
    folder.run("risk check --input risk.json").ends(0);
    folder.write("risk.json", folder.run("risk example").ends(0).stdout());
    let found: RiskReport = folder.output("risk report --input risk.json");
    assert_eq!((found.chains.len(), found.providers.len(), found.falls.len()), (3, 8, 5));
}
