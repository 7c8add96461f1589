//! The machine names of the rules.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use bitcoin::absolute::Height;
use bitcoin::{ScriptBuf, XOnlyPublicKey};

use crate::delegation::{DelegationError, StakeTransaction, StakeViolation};
use crate::outputs::{CovenantCommittee, InvalidParties, Parties, StakingOutput, Timelock, UnsafeOutput};
use crate::parameters::{ParametersError, ParametersRule};
use crate::phase1::Phase1Error;
use crate::possession::PossessionError;
use crate::testing::{key, keys, public};
use crate::transactions::{BuildError, ExtensionError, FinalizeError, ReturnedPsbtError};

/// Returns the text of all tests.
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
    let kind = StakeViolation::StakeKind { genesis: true };
    assert_eq!((kind.rule(), StakeViolation::OtherStakeKind.rule()), ("stake_kind", "stake_kind"));
    let soon = StakeViolation::EndsTooSoon { depth: 992, unbonding: 1008, staking: 2000 };
    let new = StakeViolation::ParametersTooNew { activation: 2, inclusion: 1 };
    assert_eq!((soon.rule(), new.rule()), ("ends_too_soon", "parameters_too_new"));
    let extension = StakeViolation::Extension(ExtensionError::NoFee);
    let (part, reason) = (StakeTransaction::Slashing, BuildError::NoSlashingFee);
    let unpayable = StakeViolation::Unpayable { part, reason };
    assert_eq!((extension.rule(), unpayable.rule()), ("extension", "unpayable"));
    assert_eq!(StakeViolation::Differs(part).rule(), "unpayable");
    // More keys than the interpreter's stack holds.
    let committee = CovenantCommittee::new(public(&keys("member", 999)), 1).unwrap();
    let parties = Parties::new(key, [*self::key("provider", 0).public_key()], committee).unwrap();
    let output = StakingOutput::new(parties, Timelock::from_blocks(10).unwrap()).unwrap_err();
    assert_eq!(StakeViolation::from(output).rule(), "output");
}

/// An error prints its cause, or has it as its source; with both, a chain of causes would say it twice.
#[test]
fn errors_name_their_cause_once() {
    let lost = UnsafeOutput::NotAnAddress { script_pubkey: ScriptBuf::new() };
    let first = Height::from_consensus(2).unwrap();
    let not_in_force = ParametersError::NotInForce { height: Height::ZERO, first };
    let returned = ReturnedPsbtError::NoInput;
    let errors: [(&dyn Error, &dyn Error); 9] = [
        (&StakeViolation::Parties(InvalidParties::QuorumZero), &InvalidParties::QuorumZero),
        (&StakeViolation::Possession(PossessionError::HighS), &PossessionError::HighS),
        (&ParametersRule::Committee(InvalidParties::QuorumZero), &InvalidParties::QuorumZero),
        (&ParametersRule::SlashingDestination(lost.clone()), &lost),
        (&BuildError::Output { output: "slashed", cause: lost.clone() }, &lost),
        (&FinalizeError::Output(lost.clone()), &lost),
        (&FinalizeError::Returned(returned.clone()), &returned),
        (&DelegationError::NotInForce(not_in_force.clone()), &not_in_force),
        (&Phase1Error::Parties(InvalidParties::QuorumZero), &InvalidParties::QuorumZero),
    ];
    for (error, cause) in errors {
        let printed = error.to_string().contains(&cause.to_string());
        let source = error.source().is_some_and(|source| source.to_string() == cause.to_string());
        assert!(printed != source, "{error:?} names its cause twice, or not at all");
    }
}
