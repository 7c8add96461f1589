//! Spending one output of the protocol through one leaf: the part that unbonding, slashing and withdrawal
//! share.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::psbt::PsbtSighashType;
use bitcoin::secp256k1::schnorr;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, Psbt, ScriptBuf, Sequence, TapLeafHash, TapSighashType, Transaction, TxIn, TxOut, Txid,
    Weight, Witness, XOnlyPublicKey, taproot,
};

use crate::coins::witness::finish;
use crate::outputs::TaprootOutput;
use crate::outputs::leaf::Leaf;
use crate::transactions::finished::{FinishedError, check_finished};

/// A transaction could not be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FinalizeError {
    /// The staker's signature does not verify.
    #[error("the signature of the staker {0} does not verify")]
    InvalidStakerSignature(XOnlyPublicKey),
    /// A covenant signature does not verify.
    #[error("the signature of the covenant member {0} does not verify")]
    InvalidCovenantSignature(XOnlyPublicKey),
    /// A signature is from a key that is not in the covenant committee.
    #[error("{0} is not in the covenant committee")]
    Stranger(XOnlyPublicKey),
    /// A covenant member signed twice.
    #[error("two signatures of the covenant member {0} are given")]
    RepeatedMember(XOnlyPublicKey),
    /// Fewer covenant members signed than the quorum.
    #[error("{signatures} covenant signatures are given, and the quorum is {quorum}")]
    BelowQuorum {
        /// How many are given.
        signatures: usize,
        /// How many are needed.
        quorum: u16,
    },
    /// The PSBT with the funding coin's signature is of another transaction.
    #[error("the PSBT holds the transaction {found}, where {expected} was to be signed")]
    OtherTransaction {
        /// The transaction that came back.
        found: Txid,
        /// The transaction that went out.
        expected: Txid,
    },
    /// The witness could not be put together from the signatures.
    #[error("the signatures do not satisfy the script: {0}")]
    Unsatisfied(String),
    /// The finished transaction is not the one promised.
    #[error("the finished transaction breaks its promise: {0}")]
    Broken(#[from] FinishedError),
}

/// One leaf, spent by the first input, and the outputs it pays.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LeafSpend {
    psbt: Psbt,
    /// What the inputs spend, in order.
    prevouts: Vec<TxOut>,
    leaf: Leaf,
    /// What every party signs; it is asked for once for each signature.
    sighash: Option<[u8; 32]>,
    /// What the inputs after the first weigh when they are signed.
    funding_weights: Vec<Option<Weight>>,
}

/// What a [`LeafSpend`] is made of.
pub(crate) struct SpendPlan<'a> {
    pub(crate) version: Version,
    pub(crate) source: &'a TaprootOutput,
    pub(crate) outpoint: OutPoint,
    pub(crate) amount: Amount,
    pub(crate) leaf: &'a Leaf,
    pub(crate) sequence: Sequence,
    /// A second input, which adds funds: where the coin is, what it pays, and what the input weighs when it
    /// is signed, where that is known.
    pub(crate) funding: Option<(OutPoint, TxOut, Option<Weight>)>,
    /// Each output, and its script tree where it is the protocol's.
    pub(crate) outputs: Vec<(TxOut, Option<&'a TaprootOutput>)>,
}

impl LeafSpend {
    /// Lays out the transaction as a PSBT whose one signable script is the leaf's, so that nothing but the
    /// intended path can be signed or finalized. `Err` carries the reason of the PSBT library, which has none
    /// for a transaction that was just built.
    pub(crate) fn new(plan: SpendPlan<'_>) -> Result<Self, FinalizeError> {
        let input = |previous_output, sequence| TxIn {
            previous_output,
            script_sig: ScriptBuf::new(),
            sequence,
            witness: Witness::new(),
        };
        let funding = plan.funding.iter().map(|(outpoint, ..)| input(*outpoint, Sequence::MAX));
        let transaction = Transaction {
            version: plan.version,
            lock_time: LockTime::ZERO,
            input: [input(plan.outpoint, plan.sequence)].into_iter().chain(funding).collect(),
            output: plan.outputs.iter().map(|(out, _)| out.clone()).collect(),
        };
        let unsatisfied = |e: &dyn ToString| FinalizeError::Unsatisfied(e.to_string());
        let mut psbt = Psbt::from_unsigned_tx(transaction).map_err(|e| unsatisfied(&e))?;
        let funding_weights = plan.funding.iter().map(|(.., weight)| *weight).collect();
        let funding = plan.funding.into_iter().map(|(_, output, _)| output);
        let prevouts: Vec<TxOut> = [plan.source.paying(plan.amount)].into_iter().chain(funding).collect();
        for (input, prevout) in psbt.inputs.iter_mut().zip(&prevouts) {
            input.witness_utxo = Some(prevout.clone());
        }
        if let Some(input) = psbt.inputs.first_mut() {
            input.sighash_type = Some(PsbtSighashType::from(TapSighashType::Default));
            input.tap_internal_key = Some(plan.source.internal_key());
            input.tap_merkle_root = plan.source.merkle_root();
            let script = (plan.leaf.script.clone(), LeafVersion::TapScript);
            input.tap_scripts.insert(plan.leaf.control_block.clone(), script);
        }
        for (output, (_, taproot)) in psbt.outputs.iter_mut().zip(&plan.outputs) {
            output.tap_internal_key = taproot.map(TaprootOutput::internal_key);
            output.tap_tree = taproot.map(TaprootOutput::tap_tree);
        }
        let sighash = leaf_sighash(&psbt.unsigned_tx, &prevouts, 0, plan.leaf.hash());
        Ok(Self { psbt, prevouts, leaf: plan.leaf.clone(), sighash, funding_weights })
    }

    pub(crate) const fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    pub(crate) const fn psbt_mut(&mut self) -> &mut Psbt {
        &mut self.psbt
    }

    pub(crate) const fn unsigned(&self) -> &Transaction {
        &self.psbt.unsigned_tx
    }

    pub(crate) fn txid(&self) -> Txid {
        self.unsigned().compute_txid()
    }

    pub(crate) fn funding_weights(&self) -> &[Option<Weight>] {
        &self.funding_weights
    }

    pub(crate) const fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// What the inputs hold beyond what the outputs pay.
    pub(crate) fn fee(&self) -> Amount {
        let spent = sum(&self.prevouts);
        spent
            .zip(sum(&self.unsigned().output))
            .and_then(|(spent, paid)| spent.checked_sub(paid))
            .unwrap_or(Amount::ZERO)
    }

    /// The BIP-341 script-path sighash over all prevouts, SIGHASH_DEFAULT: what every party signs.
    pub(crate) fn sighash(&self) -> Result<&[u8; 32], FinalizeError> {
        self.sighash
            .as_ref()
            .ok_or_else(|| FinalizeError::Unsatisfied("the transaction has no input".to_owned()))
    }

    /// Puts the witness together, and checks the finished transaction against everything it promises.
    pub(crate) fn finalize(
        &self,
        signatures: &[(XOnlyPublicKey, schnorr::Signature)],
    ) -> Result<Transaction, FinalizeError> {
        self.finalize_with(self.psbt.clone(), signatures)
    }

    /// As [`finalize`](Self::finalize), with a PSBT that has the signatures of the other inputs.
    pub(crate) fn finalize_with(
        &self,
        mut psbt: Psbt,
        signatures: &[(XOnlyPublicKey, schnorr::Signature)],
    ) -> Result<Transaction, FinalizeError> {
        let hash = self.leaf.hash();
        if let Some(input) = psbt.inputs.first_mut() {
            for (key, signature) in signatures {
                let signature =
                    taproot::Signature { signature: *signature, sighash_type: TapSighashType::Default };
                input.tap_script_sigs.insert((*key, hash), signature);
            }
        }
        let transaction = finish(&mut psbt, &self.prevouts).map_err(FinalizeError::Unsatisfied)?;
        check_finished(&transaction, self.unsigned(), &self.prevouts, &self.leaf)?;
        Ok(transaction)
    }
}

/// The sum of outputs; `None` when it is past the end of the number range.
pub(crate) fn sum(outputs: &[TxOut]) -> Option<Amount> {
    outputs.iter().try_fold(Amount::ZERO, |sum, out| sum.checked_add(out.value))
}

/// The script-path sighash of an input; `None` when the transaction has another number of inputs than there
/// are prevouts.
pub(crate) fn leaf_sighash(
    transaction: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    leaf: TapLeafHash,
) -> Option<[u8; 32]> {
    SighashCache::new(transaction)
        .taproot_script_spend_signature_hash(input, &Prevouts::All(prevouts), leaf, TapSighashType::Default)
        .ok()
        .map(|sighash| sighash.to_byte_array())
}

/// What the transactions that spend through one leaf have in common, as methods of their own: they all hold a
/// `spend`.
macro_rules! spends_through_one_leaf {
    ($type:ty) => {
        impl $type {
            /// The PSBT, for signers elsewhere.
            pub const fn psbt(&self) -> &bitcoin::Psbt {
                self.spend.psbt()
            }

            /// The transaction without its witness.
            pub const fn unsigned(&self) -> &bitcoin::Transaction {
                self.spend.unsigned()
            }

            /// Its id, which signing does not change.
            pub fn txid(&self) -> bitcoin::Txid {
                self.spend.txid()
            }

            /// Its fee.
            pub fn fee(&self) -> bitcoin::Amount {
                self.spend.fee()
            }

            /// The rate that its fee makes when it is finished, rounded down; for a fixed fee beside the rate
            /// that confirms today. Known for every transaction of one input, or of a funding coin of a known
            /// kind.
            pub fn fee_rate(&self) -> Option<bitcoin::FeeRate> {
                self.spend.fee_rate()
            }

            /// Its virtual size when it is finished, in vbytes; known as [`fee_rate`](Self::fee_rate) is.
            pub fn vsize(&self) -> Option<u64> {
                self.spend.finished_weight().map(bitcoin::Weight::to_vbytes_ceil)
            }

            /// What every party signs: the BIP-341 script-path sighash.
            ///
            /// # Errors
            /// [`FinalizeError`](crate::FinalizeError); not to be expected.
            pub fn sighash(&self) -> Result<[u8; 32], crate::FinalizeError> {
                self.spend.sighash().copied()
            }

            /// Signs as the staker.
            ///
            /// # Errors
            /// [`SigningError::NotTheStaker`](crate::SigningError::NotTheStaker) for another key.
            pub fn sign_as_staker(
                &self,
                key: &eots::SecretKey,
            ) -> Result<bitcoin::secp256k1::schnorr::Signature, crate::SigningError> {
                self.spend.sign_as_staker(key)
            }

            /// Says in the PSBT where a key comes from (fingerprint and path, BIP-32), for hardware wallets
            /// and air-gapped signers.
            pub fn add_key_origin(
                &mut self,
                key: bitcoin::XOnlyPublicKey,
                source: &bitcoin::bip32::KeySource,
            ) {
                self.spend.add_key_origin(key, source);
            }

            /// The signatures that a PSBT brings back from a signer. The transaction must be this one, byte
            /// for byte; every sighash is computed anew, and every signature verified.
            ///
            /// # Errors
            /// [`SignedPsbtError`](crate::SignedPsbtError) names the first thing that cannot be used.
            pub fn signatures(
                &self,
                signed: &bitcoin::Psbt,
            ) -> Result<crate::LeafSignatures, crate::SignedPsbtError> {
                self.spend.signatures(signed)
            }

            /// Verifies the staker's signature.
            ///
            /// # Errors
            /// [`FinalizeError::InvalidStakerSignature`](crate::FinalizeError::InvalidStakerSignature).
            pub fn verify_staker(
                &self,
                signature: &bitcoin::secp256k1::schnorr::Signature,
            ) -> Result<(), crate::FinalizeError> {
                self.spend.verify_staker(signature)
            }
        }
    };
}
pub(crate) use spends_through_one_leaf;
