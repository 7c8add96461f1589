//! Spending one output of the protocol through one leaf: the part that unbonding, slashing and withdrawal
//! share.

mod returned;
mod sign;

use bitcoin::absolute::LockTime;
use bitcoin::psbt::PsbtSighashType;
use bitcoin::secp256k1::schnorr;
use bitcoin::taproot::LeafVersion;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Sequence, TapSighash, TapSighashType, Transaction, TxIn,
    TxOut, Txid, Weight, Witness, XOnlyPublicKey, taproot,
};

pub(crate) use self::returned::add_output_origin;
pub use self::returned::{LeafSignatures, SignedPsbtError};
use crate::coins::coin::funded_weight;
use crate::coins::witness::finish;
use crate::outputs::leaf::{Leaf, leaf_input_weight};
use crate::outputs::output::TaprootOutput;
use crate::transactions::finalized::{FinalizedError, check_finalized};
use crate::transactions::sighash::{leaf_sighash, sum};

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
    Broken(#[from] FinalizedError),
}

/// One leaf, spent by the first input, and the outputs it pays.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafSpend {
    psbt: Psbt,
    /// What the inputs spend, in order.
    prevouts: Vec<TxOut>,
    leaf: Leaf,
    /// What every party signs; it is asked for once for each signature.
    sighash: TapSighash,
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
        let sighash = leaf_sighash(&psbt.unsigned_tx, &prevouts, 0, plan.leaf.hash())
            .ok_or_else(|| unsatisfied(&"the transaction has no input"))?;
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
    pub(crate) const fn sighash(&self) -> &TapSighash {
        &self.sighash
    }

    /// What the transaction weighs when it is finalized; `None` when a coin that funds it is of an unknown
    /// kind.
    pub(crate) fn finalized_weight(&self) -> Option<Weight> {
        let outputs = self.unsigned().output.iter().map(|output| &output.script_pubkey);
        let mut inputs = vec![leaf_input_weight(self.leaf())];
        inputs.extend(&self.funding_weights);
        funded_weight(inputs.into_iter(), outputs)
    }

    /// The rate that it pays when it is finalized, rounded down.
    pub(crate) fn fee_rate(&self) -> Option<FeeRate> {
        let weight = self.finalized_weight()?.to_wu();
        let per_kwu = self.fee().to_sat().checked_mul(1000)?.checked_div(weight)?;
        Some(FeeRate::from_sat_per_kwu(per_kwu))
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
        check_finalized(&transaction, self.unsigned(), &self.prevouts, &self.leaf)?;
        Ok(transaction)
    }
}
