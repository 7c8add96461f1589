//! The names of the rules, for machines.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bitcoin::XOnlyPublicKey;

use crate::delegation::{StakeTransaction, StakeViolation};
use crate::outputs::{CovenantCommittee, InvalidParties, Parties, StakingOutput, Timelock};
use crate::testing::{key, keys, public};
use crate::transactions::ExtensionError;

/// All text of the tests.
fn texts(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &texts(&path);
        } else {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn rule_names_are_each_asserted_in_a_test() {
    let source = include_str!("../../delegation/rules.rs");
    let (_, arms) = source.split_once("pub const fn rule(&self)").unwrap();
    let names = arms.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once('"'));
    let names: BTreeSet<_> = names.map(|(name, _)| name).collect();
    assert!(names.len() >= 36, "{names:?}");
    let tests = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests"));
    let absent: Vec<_> = names.into_iter().filter(|name| !tests.contains(&format!("\"{name}\""))).collect();
    assert!(absent.is_empty(), "no test names the rules {absent:?}");
}

#[test]
fn rule_names_are_told_apart_from_messages() {
    let key: XOnlyPublicKey = *key("staker", 0).public_key();
    let parties = StakeViolation::Parties(InvalidParties::DuplicateKey(key));
    assert_eq!((parties.rule(), parties.to_string().contains(&key.to_string())), ("parties", true));
    let dialect = StakeViolation::Dialect { genesis: true };
    assert_eq!((dialect.rule(), StakeViolation::OtherDialect.rule()), ("dialect", "dialect"));
    let soon = StakeViolation::EndsTooSoon { depth: 992, unbonding: 1008, staking: 2000 };
    let new = StakeViolation::ParametersTooNew { activation: 2, inclusion: 1 };
    assert_eq!((soon.rule(), new.rule()), ("ends_too_soon", "parameters_too_new"));
    let extension = StakeViolation::Extension(ExtensionError::NoFee);
    let (part, reason) = (StakeTransaction::Slashing, "dust".to_owned());
    let unpayable = StakeViolation::Unpayable { part, reason };
    assert_eq!((extension.rule(), unpayable.rule()), ("extension", "unpayable"));
    // More keys than the interpreter's stack holds.
    let committee = CovenantCommittee::new(public(&keys("member", 999)), 1).unwrap();
    let parties = Parties::new(key, [*self::key("provider", 0).public_key()], committee).unwrap();
    let output = StakingOutput::new(parties, Timelock::from_blocks(10).unwrap()).unwrap_err();
    assert_eq!(StakeViolation::from(output).rule(), "output");
}
