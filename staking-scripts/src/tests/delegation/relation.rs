//! The relation of transactions to a delegation.

use bitcoin::Witness;

use super::{bare, withdraw};
use crate::delegation::DelegationRelation;
use crate::explain::{TransactionKind, explain};

/// The output spent is known, so that a leaf which it does not have at this place is dropped.
#[test]
fn relation_drops_a_leaf_with_other_siblings() {
    let (delegation, parameters) = bare();
    let relation = DelegationRelation::new(&delegation, &parameters);
    let withdrawn = withdraw(&delegation.stake(parameters.covenant()).unwrap().staking);
    let told = relation.explain(&withdrawn, explain(&withdrawn));
    assert_eq!((told.kind, told.spent.len()), (TransactionKind::Withdrawal, 1));
    let mut forged = withdrawn;
    let mut elements = forged.input[0].witness.to_vec();
    *elements[2].last_mut().unwrap() ^= 1;
    forged.input[0].witness = Witness::from_slice(&elements);
    let alone = explain(&forged);
    assert_eq!((alone.kind, alone.spent.len()), (TransactionKind::Withdrawal, 1));
    let told = relation.explain(&forged, alone);
    assert_eq!((told.kind, told.spent.len()), (TransactionKind::Unknown, 0));
}
