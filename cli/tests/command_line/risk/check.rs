//! `btcstake risk check`.

use btcstake::outputs::{RiskCheck, RiskVerdict};
use serde_json::{Value, json};

use super::{input, with, worked};

fn check(input: &Value, code: i32) -> RiskCheck {
    with(input).run("risk check --json --input risk.json").output(code)
}

/// One stake stands for k chains: three of them are too many.
#[test]
fn leverage_makes_three_chains_too_many() {
    for (count, gain_per_loss, pays) in [(1, 0.5, false), (2, 1.0, false), (3, 1.5, true), (4, 2.0, true)] {
        let chain =
            |number| json!({ "name": format!("c{number}"), "value_sat": 100_000, "threshold": [2, 3] });
        let chains: Vec<Value> = (0..count).map(chain).collect();
        let found = check(&input(&[100_000_000; 3], &chains), pays.into());
        let rate = found.security.gain_per_loss.unwrap();
        assert_eq!((rate.at_least, rate.at_most), (gain_per_loss, Some(gain_per_loss)), "{count}");
        let expected = if pays { RiskVerdict::AttackPays } else { RiskVerdict::Secure };
        assert_eq!(found.security.verdict, expected, "{count}");
        let Some(attack) = found.security.attack else { continue };
        assert_eq!((attack.value_sat, attack.slashed_sat), (count * 100_000, 200_000));
        assert_eq!((attack.chains.len() as u64, attack.providers.len()), (count, 2));
        assert_eq!(found.security.most_gain_sat, count * 100_000 - 200_000);
    }
}

/// Theorem 2 of "Robust Restaking Networks": equality is secure, and its condition is met; so is Theorem 8's.
#[test]
fn equality_is_secure_and_one_satoshi_more_is_not() {
    let all = |value: u64| json!({ "name": "s", "value_sat": value, "threshold": [1, 1] });
    let found = check(&input(&[100_000_000, 900_000_000], &[all(1_000_000)]), 0);
    assert!(found.security.overcollateralized);
    let found = check(&input(&[100_000_000, 900_000_000], &[all(1_000_001)]), 1);
    assert!(!found.security.overcollateralized);
    assert_eq!(found.security.most_gain_sat, 1);

    let on = |name: &str, by: &[&str]| json!({ "name": name, "value_sat": 2000, "threshold": [1, 1], "secured_by": by });
    let six = ["p0", "p1", "p2", "p3", "p4", "p5"];
    let found =
        check(&input(&[1_000_000; 6], &[on("all", &six), on("first", &six[..3]), on("last", &six[3..])]), 0);
    assert!(found.security.overcollateralized);
    assert_eq!(found.security.gain_per_loss.unwrap().at_least, 1.0);
}

/// What is slashed is a thousandth of the stake, not the stake: 35 BTC lose 3 500 000 satoshis.
#[test]
fn verdict_has_its_witness_in_text_and_fields() {
    let secure = with(&worked([2_500_000, 1_000_000]));
    let run = secure.run("risk check --input risk.json").ends(0);
    assert!(
        run.stdout()
            .starts_with("secure: no set of chains pays an attacker; the best, on all, two by a1, a2")
    );
    assert!(run.stdout().contains("gains 1.0000 sat for each it loses"), "{}", run.stdout());

    let pays = with(&worked([2_500_000, 1_500_000]));
    let line = "not secure: an attack pays: on all, two, it gains 4000000 sat and costs 3500000, by a1, a2\n";
    assert_eq!(pays.run("risk check --input risk.json").ends(1).stdout(), line);
    let found: RiskCheck = pays.run("risk check --json --input risk.json").output(1);
    let attack = found.security.attack.unwrap();
    assert_eq!(
        (attack.chains, attack.providers),
        (vec!["all".into(), "two".into()], vec!["a1".into(), "a2".into()])
    );
    assert_eq!(found.security.most_gain_sat, 500_000);
    // Standard input does as well.
    let text = worked([0, 0]).to_string();
    secure.run_with(&["risk", "check", "--input", "-"], text.as_bytes()).ends(0);
}

/// A chain that nobody secures is anybody's; with no value there is nothing to gain.
#[test]
fn chains_of_nobody_pay_whoever_comes() {
    let nobody = |value: u64| json!({ "name": "dead", "value_sat": value, "secured_by": [] });
    let folder = with(&input(&[100_000_000], &[nobody(1)]));
    folder.run("risk check --input risk.json").warns(1, &["no stake secures the chain \"dead\""]);
    let found: RiskCheck = folder.run("risk check --json --input risk.json").output(1);
    assert_eq!(found.security.attack.unwrap().slashed_sat, 0);
    assert_eq!(found.security.gain_per_loss, None, "it loses nothing");
    let folder = with(&input(&[100_000_000], &[nobody(0)]));
    folder.run("risk check --input risk.json").warns(0, &["dead"]);
    let nothing: RiskCheck = with(&input(&[], &[])).run("risk check --json --input risk.json").output(0);
    assert_eq!(nothing.security.best, None);
    assert!(nothing.answer.ends_with("no chain has a value"), "{}", nothing.answer);
}

/// Doubled stakes bear doubled values; a copy of every chain bears half of each.
#[test]
fn figures_scale() {
    let base = check(&worked([1_000_000, 400_000]), 0).security.gain_per_loss.unwrap();
    let mut doubled = worked([2_000_000, 800_000]);
    for provider in doubled["providers"].as_array_mut().unwrap() {
        provider["stake_sat"] = (provider["stake_sat"].as_u64().unwrap() * 2).into();
    }
    assert_eq!(check(&doubled, 0).security.gain_per_loss.unwrap(), base);
    let mut copied = worked([1_000_000, 400_000]);
    let mut copies = copied["chains"].as_array().unwrap().clone();
    for chain in &mut copies {
        chain["name"] = format!("{} again", chain["name"].as_str().unwrap()).into();
    }
    copied["chains"].as_array_mut().unwrap().extend(copies);
    assert_eq!(check(&copied, 0).security.gain_per_loss.unwrap().at_least, 2.0 * base.at_least);
}
