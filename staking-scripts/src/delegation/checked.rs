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
/// enough for the staking transaction to be broadcast. A node's response has no proof.
/// [`Delegation::check_stake`](super::Delegation::check_stake) returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedStake(pub(super) StakeTransactions);

impl Deref for CheckedStake {
    type Target = StakeTransactions;

    fn deref(&self) -> &StakeTransactions {
        &self.0
    }
}

/// The transactions that covenant members sign for a stake, built again:
/// [`Delegation::transactions`](super::Delegation::transactions) returns them, whether the stake keeps the
/// rules or not.
#[derive(Debug, Clone, PartialEq)]
pub struct StakeTransactions {
    pub(super) staking: Funded<StakingOutput>,
    pub(super) presigned: PresignedTransactions,
    pub(super) extension: Option<ExtensionTransaction>,
}

impl StakeTransactions {
    /// Returns the staking output, with its outpoint in the staking transaction.
    pub const fn staking(&self) -> &Funded<StakingOutput> {
        &self.staking
    }

    /// Returns the pre-signed transactions.
    pub const fn presigned(&self) -> &PresignedTransactions {
        &self.presigned
    }

    /// Returns the extension, if the staking transaction is one and the running stake is known.
    pub const fn extension(&self) -> Option<&ExtensionTransaction> {
        self.extension.as_ref()
    }

    /// Returns the quorum; of an extension, the larger of its own and the running stake's.
    pub fn quorum(&self) -> u16 {
        let own = self.presigned.unbonding.unbonding_output().output().parties().covenant().quorum();
        own.max(self.extension.as_ref().map_or(0, ExtensionTransaction::quorum))
    }
}
