//! A transaction in its delegation.

use bitcoin::Transaction;
use serde::{Deserialize, Serialize};
use staking_scripts::StakeViolation;
use staking_scripts::delegation::DelegationRelation;
use staking_scripts::delegation::StakeTransaction;

use crate::view::violation::Violation;

/// A transaction's place in a delegation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InDelegation {
    /// Which of the delegation's transactions it is: `staking`, `unbonding`, `slashing` or
    /// `unbonding_slashing`; null when it is none of them.
    pub stake_transaction: Option<String>,
    /// The rules that the delegation breaks.
    pub violations: Vec<Violation>,
    /// The finality provider's secret key in hex, of a slashing transaction, from the adaptor signatures.
    pub provider_secret_key: Option<String>,
}

impl InDelegation {
    /// Returns a transaction's place in a delegation, which breaks these rules.
    pub(super) fn new(
        relation: &DelegationRelation<'_>,
        transaction: &Transaction,
        violations: &[StakeViolation],
    ) -> Self {
        let which = relation.transaction(transaction.compute_txid()).map(|which| match which {
            StakeTransaction::Staking => "staking",
            StakeTransaction::Unbonding => "unbonding",
            StakeTransaction::Slashing => "slashing",
            StakeTransaction::UnbondingSlashing => "unbonding_slashing",
        });
        let key = relation.recover_provider_key(transaction);
        Self {
            stake_transaction: which.map(ToOwned::to_owned),
            violations: violations.iter().map(Violation::from).collect(),
            provider_secret_key: key.map(|key| hex::encode(key.to_bytes().as_slice())),
        }
    }
}
