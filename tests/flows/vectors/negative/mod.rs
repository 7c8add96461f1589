//! Cases that each break one rule. All are refused, whatever the reference does with them, except those that
//! [`ACCEPTED`] names; and for the reason that the tables name.

mod adaptor;
mod commit;
mod eots;
mod pop;

use std::collections::BTreeMap;
use std::fmt::Debug;

use bitcoin::XOnlyPublicKey;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use staking_scripts::transactions::BuildError;

use super::cases;

/// Kind, rule, how many cases we accept, and why.
pub(super) type Accepted = (&'static str, &'static str, usize, &'static str);

const ACCEPTED: &[Accepted] = &[
    (
        "proof",
        "total_same_shape",
        2,
        "a proof alone holds for it; it is refused where the commitment's count is known (kind vote)",
    ),
    (
        "adaptor_recover",
        "prefix_flipped",
        1,
        "what comes out is the negated secret of the same x-only key: the key leaked all the same",
    ),
    (
        "pop",
        "btc_address_network",
        4,
        "the chain accepts them: what is signed is the script, which has no network",
    ),
];

#[derive(Deserialize)]
pub(super) struct Case {
    kind: String,
    rule: String,
    reference_rejects: bool,
    reference_says: Option<String>,
    note: Option<String>,
    /// What is left; each kind denies what it does not know.
    #[serde(flatten)]
    input: Map<String, Value>,
}

/// Why something was refused: the name of the error's variant.
pub(super) type Refusal = String;

/// A rule with the refusals that its cases meet.
pub(super) type Rule = (&'static str, &'static [(&'static str, usize)]);

pub(super) const ACCEPT: &str = "accepted";

pub(super) fn name(error: impl Debug) -> Refusal {
    let text = format!("{error:?}");
    // That a commitment is none that the chain takes is named after the reason.
    let reason = text
        .strip_prefix("Invalid(")
        .filter(|reason| reason.starts_with("Empty") || reason.starts_with("PastTheEnd"));
    reason.unwrap_or(&text).chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The name of what is behind an error of building.
pub(super) fn not_built(error: BuildError) -> Refusal {
    match error {
        BuildError::Output { cause, .. } => name(cause),
        error => name(error),
    }
}

/// Bytes for a type that takes exactly so many.
pub(super) fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Refusal> {
    bytes.try_into().map_err(|_| "Length".to_owned())
}

pub(super) fn public_key(bytes: &[u8]) -> Result<XOnlyPublicKey, Refusal> {
    XOnlyPublicKey::from_slice(bytes).map_err(|error| format!("key: {}", name(error)))
}

fn all() -> impl Iterator<Item = Case> {
    cases::<Case>("negative", 378).map(|(_, case)| case)
}

fn check<C: DeserializeOwned>(
    kind: &str,
    count: usize,
    table: &[Rule],
    run: impl Fn(&C) -> Result<(), Refusal>,
) {
    check_among(all(), ACCEPTED, (kind, count), table, run);
}

/// Runs the cases of one kind, so many, and compares what each rule met with the table. `run` says which
/// refusal a case met.
pub(super) fn check_among<C: DeserializeOwned>(
    all: impl Iterator<Item = Case>,
    accepted_rules: &[Accepted],
    (kind, count): (&str, usize),
    table: &[Rule],
    run: impl Fn(&C) -> Result<(), Refusal>,
) {
    let mut seen: BTreeMap<String, BTreeMap<Refusal, usize>> = BTreeMap::new();
    let mut cases = 0;
    for case in all.filter(|case| case.kind == kind) {
        let input = serde_json::from_value(Value::Object(case.input))
            .unwrap_or_else(|e| panic!("{}: {e}", case.rule));
        let refusal = run(&input).err().unwrap_or_else(|| ACCEPT.to_owned());
        *seen.entry(case.rule).or_default().entry(refusal).or_default() += 1;
        cases += 1;
    }
    assert_eq!(cases, count, "cases of {kind}");
    let expected: BTreeMap<String, BTreeMap<Refusal, usize>> = table
        .iter()
        .map(|(rule, met)| {
            ((*rule).to_owned(), met.iter().map(|(refusal, n)| ((*refusal).to_owned(), *n)).collect())
        })
        .collect();
    assert_eq!(seen, expected, "{kind}");
    let accepted: Vec<_> =
        seen.iter().filter_map(|(rule, met)| Some((kind, rule.as_str(), *met.get(ACCEPT)?))).collect();
    let allowed: Vec<_> = accepted_rules
        .iter()
        .filter(|row| row.0 == kind)
        .map(|(kind, rule, n, _)| (*kind, *rule, *n))
        .collect();
    assert_eq!(accepted, allowed, "accepted against a rule");
}

/// Checks that every case has what a case must have, and returns how many there are of each kind, and how
/// many the reference accepts.
pub(super) fn count_kinds(all: impl Iterator<Item = Case>) -> (BTreeMap<String, usize>, usize) {
    let (mut kinds, mut lax) = (BTreeMap::new(), 0);
    for case in all {
        assert_eq!(case.reference_says.is_some(), case.reference_rejects, "{}", case.rule);
        assert!(case.reference_rejects || case.note.is_some(), "{}", case.rule);
        lax += usize::from(!case.reference_rejects);
        *kinds.entry(case.kind).or_insert(0) += 1;
    }
    (kinds, lax)
}

#[test]
fn all_kinds_are_run() {
    let (kinds, lax) = count_kinds(all());
    let expected = [
        ("adaptor_decode", 22),
        ("adaptor_decrypt", 10),
        ("adaptor_recover", 11),
        ("adaptor_verify", 33),
        ("commitment", 21),
        ("evidence", 15),
        ("extract", 22),
        ("pop", 125),
        ("proof", 40),
        ("proof_bytes", 7),
        ("verify", 54),
        ("vote", 18),
    ];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert_eq!(lax, 18, "cases that the reference accepts");
    assert_eq!(ACCEPTED.iter().map(|(_, _, count, _)| count).sum::<usize>(), 7, "cases that we accept");
}
