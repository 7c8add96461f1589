//! What a check of a delegation returns.

use std::ops::Deref;

use super::build::PresignedTransactions;
use crate::outputs::output::StakingOutput;
use crate::transactions::extension::ExtensionTransaction;
use crate::transactions::funded::Funded;

/// A delegation that keeps every rule, with its transactions built again: what a covenant member may sign.
/// Only [`Delegation::check`](super::Delegation::check) and
/// [`Delegation::check_under`](super::Delegation::check_under) return it.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedDelegation(pub(super) CheckedStake);

impl Deref for CheckedDelegation {
    type Target = CheckedStake;

    fn deref(&self) -> &CheckedStake {
        &self.0
    }
}

/// A stake that keeps every rule but that there is a proof of possession, with its transactions built again:
/// enough for covenant signatures to be verified and for the staking transaction to be broadcast. A node's
/// response has no proof. [`Delegation::check_stake`](super::Delegation::check_stake) returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedStake {
    pub(super) staking: Funded<StakingOutput>,
    pub(super) presigned: PresignedTransactions,
    pub(super) extension: Option<ExtensionTransaction>,
}

impl CheckedStake {
    /// Returns the staking output, with its outpoint in the staking transaction.
    pub const fn staking(&self) -> &Funded<StakingOutput> {
        &self.staking
    }

    /// Returns the pre-signed transactions.
    pub const fn presigned(&self) -> &PresignedTransactions {
        &self.presigned
    }

    /// Returns the extension, if the staking transaction is one.
    pub const fn extension(&self) -> Option<&ExtensionTransaction> {
        self.extension.as_ref()
    }
}
