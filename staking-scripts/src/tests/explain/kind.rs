//! The means of raising the fee of each kind of transaction.

use crate::explain::{FeeBump, TransactionKind};

#[test]
fn fee_bump_of_each_kind() {
    let bumps = [
        (TransactionKind::Stake, Some(FeeBump::Child)),
        (TransactionKind::Extension, Some(FeeBump::Child)),
        (TransactionKind::Withdrawal, Some(FeeBump::Replacement)),
        (TransactionKind::Unbonding, Some(FeeBump::Nothing)),
        (TransactionKind::Slashing, Some(FeeBump::Nothing)),
        (TransactionKind::Unknown, None),
    ];
    assert!(bumps.iter().all(|(kind, bump)| kind.fee_bump() == *bump));
}
