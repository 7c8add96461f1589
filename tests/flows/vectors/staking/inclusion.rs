//! Proofs that a transaction is in a block.

use std::collections::BTreeMap;

use bitcoin::Transaction;
use bitcoin::block::Header;
use bitcoin::consensus::encode::deserialize;
use bitcoin::params::Params;
use serde::Deserialize;
use spv::{InclusionError, InclusionProof};

use crate::vectors::{Hex, cases_of};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    header: Hex,
    transaction: Hex,
    position: u32,
    siblings: Hex,
    breaks: Option<String>,
    reference_rejects: bool,
}

impl Case {
    fn verdict(&self) -> Result<(), InclusionError> {
        let (header, transaction): (Header, Transaction) =
            (deserialize(&self.header.0).unwrap(), deserialize(&self.transaction.0).unwrap());
        let proof = InclusionProof::from_bytes(&self.siblings.0, self.position)?;
        assert_eq!((proof.sibling_bytes(), proof.position()), (self.siblings.0.clone(), self.position));
        proof.verify(&transaction, &header, &Params::REGTEST)
    }
}

#[test]
fn honest_proofs_are_taken_and_broken_ones_refused() {
    let (mut honest, mut broken) = (0, BTreeMap::<(String, bool), usize>::new());
    for (number, case) in cases_of::<Case>("staking", "inclusion", 283) {
        let verdict = case.verdict();
        let Some(rule) = &case.breaks else {
            assert!(verdict.is_ok() && !case.reference_rejects, "case {number}: {verdict:?}");
            honest += 1;
            continue;
        };
        let error = verdict.expect_err(rule);
        let named = match rule.as_str() {
            "the coinbase" => matches!(error, InclusionError::Coinbase(_)),
            "the place of a copy" => matches!(error, InclusionError::Copy { .. }),
            "no work" => matches!(error, InclusionError::Headers(_)),
            "a position beyond the tree" => matches!(error, InclusionError::NoSuchPosition { .. }),
            "siblings of no whole number of nodes" => matches!(error, InclusionError::SiblingBytes(_)),
            _ => !matches!(error, InclusionError::Headers(_)),
        };
        assert!(named, "case {number}, {rule}: {error}");
        *broken.entry((rule.clone(), case.reference_rejects)).or_default() += 1;
    }
    assert_eq!(honest, 120);
    let laxer: Vec<_> = broken
        .iter()
        .filter(|((_, rejects), _)| !rejects)
        .map(|((rule, _), n)| (rule.as_str(), *n))
        .collect();
    assert_eq!(laxer, EXPECTED);
}

/// What the reference takes.
const EXPECTED: [(&str, usize); 3] =
    [("a position beyond the tree", 17), ("another position", 1), ("the place of a copy", 31)];
