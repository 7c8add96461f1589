//! The interface of the transactions that spend an output of the protocol through one leaf.

use bitcoin::bip32::KeySource;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, FeeRate, Psbt, TapSighash, Transaction, Txid, Weight, XOnlyPublicKey};
use eots::{BatchItem, SecretKey};

use crate::transactions::signatures::{CovenantSignature, SigningError};
use crate::transactions::spend::{FinalizeError, LeafSignatures, ReturnedPsbtError};

pub(crate) mod sealed {
    use crate::transactions::spend::LeafSpend;

    /// A seal: only the protocol's own transactions are implemented, which all have a `LeafSpend`.
    pub trait Spends {
        /// Returns the leaf that is spent, and the PSBT.
        fn spend(&self) -> &LeafSpend;
        /// Returns the same, mutable.
        fn spend_mut(&mut self) -> &mut LeafSpend;
    }
}

/// A transaction that spends an output of the protocol through one leaf: unbonding, slashing, withdrawal and
/// extension.
pub trait LeafTransaction: sealed::Spends {
    /// Returns the PSBT, for signers.
    fn psbt(&self) -> &Psbt {
        self.spend().psbt()
    }

    /// Returns the transaction without its witness.
    fn unsigned(&self) -> &Transaction {
        self.spend().unsigned()
    }

    /// Returns the transaction's id, which signing does not change.
    fn txid(&self) -> Txid {
        self.spend().txid()
    }

    /// Returns the fee.
    fn fee(&self) -> Amount {
        self.spend().fee()
    }

    /// Returns the fee rate of the finalized transaction, rounded down; `None` when the funding coin is of an
    /// unknown kind.
    fn fee_rate(&self) -> Option<FeeRate> {
        self.spend().fee_rate()
    }

    /// Returns the virtual size of the finalized transaction in vbytes; `None` as for
    /// [`fee_rate`](Self::fee_rate).
    fn vsize(&self) -> Option<u64> {
        self.spend().finalized_weight().map(Weight::to_vbytes_ceil)
    }

    /// Returns the tapscript sighash (BIP-341, SIGHASH_DEFAULT), which every party signs.
    fn sighash(&self) -> TapSighash {
        *self.spend().sighash()
    }

    /// Signs as the staker.
    ///
    /// # Errors
    /// [`SigningError::NotTheStaker`] for another key, and [`SigningError::Sign`] as
    /// [`SecretKey::sign_bip340`].
    fn sign_as_staker(&self, key: &SecretKey) -> Result<schnorr::Signature, SigningError> {
        self.spend().sign_as_staker(key)
    }

    /// Verifies the staker's signature.
    ///
    /// # Errors
    /// [`FinalizeError::InvalidStakerSignature`] when it does not verify.
    fn verify_staker(&self, signature: &schnorr::Signature) -> Result<(), FinalizeError> {
        self.spend().verify_staker(signature)
    }

    /// Adds the origin of a key (fingerprint and path, BIP-32) to the PSBT, for hardware wallets and
    /// air-gapped signers. The staker's takes the place of the one that the PSBT has from the beginning: the
    /// key's own fingerprint and an empty path.
    fn add_key_origin(&mut self, key: XOnlyPublicKey, source: &KeySource) {
        self.spend_mut().add_key_origin(key, source);
    }

    /// Returns the signatures in a PSBT that a signer returned. The transaction must be this one, byte for
    /// byte; every sighash is computed again, and every signature for the leaf verified. Signatures for
    /// other leaves of the output are left out and named.
    ///
    /// # Errors
    /// [`ReturnedPsbtError`] names the first part that cannot be used.
    fn signatures(&self, signed: &Psbt) -> Result<LeafSignatures, ReturnedPsbtError> {
        self.spend().signatures(signed)
    }
}

/// A transaction that covenant members sign with BIP-340 signatures: unbonding and extension. (Over slashing
/// transactions they make adaptor signatures.)
pub trait CovenantTransaction: LeafTransaction {
    /// Verifies one covenant member's signature.
    ///
    /// # Errors
    /// [`FinalizeError::NotAMember`] or [`FinalizeError::InvalidCovenantSignature`].
    fn verify_covenant(&self, signature: &CovenantSignature) -> Result<(), FinalizeError> {
        self.spend().verify_covenant(signature)
    }

    /// Signs as a member of the covenant committee of the stake that is spent, without checking a rule and
    /// without a record: for tests.
    ///
    /// # Errors
    /// [`SigningError::NotAMember`] for a key outside that committee.
    #[cfg(any(test, feature = "unchecked-signing"))]
    fn sign_as_covenant_member_unchecked(&self, key: &SecretKey) -> Result<CovenantSignature, SigningError> {
        self.spend().sign_as_covenant_member(key)
    }
}

/// Returns a covenant member's signature as an item of a batch verification.
pub(crate) fn to_verify<'a>(
    transaction: &'a impl CovenantTransaction,
    given: &'a CovenantSignature,
) -> Result<BatchItem<'a>, FinalizeError> {
    transaction.spend().to_verify(given)
}

/// Implements [`LeafTransaction`] for a type with a field `spend`.
macro_rules! holds_a_leaf_spend {
    ($type:ty) => {
        impl crate::transactions::leaf_transaction::sealed::Spends for $type {
            fn spend(&self) -> &crate::transactions::spend::LeafSpend {
                &self.spend
            }

            fn spend_mut(&mut self) -> &mut crate::transactions::spend::LeafSpend {
                &mut self.spend
            }
        }

        impl crate::transactions::leaf_transaction::LeafTransaction for $type {}
    };
}
pub(crate) use holds_a_leaf_spend;
