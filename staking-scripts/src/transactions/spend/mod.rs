//! The spend of one output of the protocol through one leaf, which unbonding, slashing, withdrawal and
//! extension share.

mod returned;
mod sign;

use bitcoin::absolute::LockTime;
use bitcoin::secp256k1::schnorr;
use bitcoin::taproot::LeafVersion;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Sequence, TapSighash, TapSighashType, Transaction, TxIn,
    TxOut, Txid, Weight, Witness, XOnlyPublicKey, taproot,
};

pub(crate) use self::returned::add_output_origin;
pub use self::returned::{LeafSignatures, ReturnedPsbtError};
use crate::coins::coin::{funded_weight, own_origin};
use crate::coins::witness::finalize_verified;
use crate::outputs::leaf::{Leaf, SpendPath, leaf_input_weight};
use crate::outputs::output::TaprootOutput;
use crate::outputs::relay::{MAX_WEIGHT, UnsafeOutput};
use crate::transactions::error::BuildError;
use crate::transactions::finalized::check_finalized;
use crate::transactions::sighash::{leaf_sighash, sum};

/// The transaction cannot be finalized: signatures are absent or do not verify, or the finalized transaction
/// fails a check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FinalizeError {
    /// The staker's signature does not verify.
    #[error("the signature of the staker {0} does not verify")]
    InvalidStakerSignature(XOnlyPublicKey),
    /// A covenant signature does not verify.
    #[error("the signature of the covenant member {0} does not verify")]
    InvalidCovenantSignature(XOnlyPublicKey),
    /// The key of a signature is not in the covenant committee.
    #[error("the key {0} is not in the covenant committee")]
    NotAMember(XOnlyPublicKey),
    /// A covenant member gave two signatures.
    #[error("the covenant member {0} gave two signatures; must give one")]
    RepeatedMember(XOnlyPublicKey),
    /// Fewer covenant members signed than the quorum.
    #[error("{signatures} covenant signatures are given; must be at least {quorum}, the quorum")]
    BelowQuorum {
        /// The number of signatures given.
        signatures: usize,
        /// The quorum.
        quorum: u16,
    },
    /// The PSBT with the funding coin's signature cannot be used.
    #[error(transparent)]
    Returned(#[from] ReturnedPsbtError),
    /// The signatures do not satisfy a script. The reason is the miniscript library's, as text: it has one
    /// for each input.
    #[error("the signatures do not satisfy the script: {0}")]
    Unsatisfied(String),
    /// A field of the finalized transaction is not that of the transaction that was signed.
    #[error("the {0} of the finalized transaction was changed; must be what was signed")]
    Changed(&'static str),
    /// The finalized witness does not end with the script and the control block of the intended leaf.
    #[error("the finalized witness does not reveal the {0} leaf")]
    WrongLeaf(SpendPath),
    /// The control block does not prove the script to be in the output that is spent.
    #[error("the finalized witness's control block does not lead to the output spent")]
    NotCommitted,
    /// The finalized witness does not have one element for each key of the script.
    #[error(
        "the finalized witness has {found} places for signatures; must have {expected}, one for each key"
    )]
    WitnessLength {
        /// The number of elements for signatures.
        found: usize,
        /// The number of keys of the script.
        expected: usize,
    },
    /// The finalized witness lacks the staker's signature.
    #[error("the staker's signature is absent from the finalized witness")]
    NoStakerSignature,
    /// Not exactly one finality provider signed on the slashing path.
    #[error("the finalized witness has signatures of {0} finality providers; must be of exactly 1")]
    ProviderSignatures(usize),
    /// Not exactly a quorum of the covenant committee signed.
    #[error("the finalized witness has signatures of {found} covenant members; must be of exactly {quorum}")]
    CovenantSignatures {
        /// The number of members that signed.
        found: usize,
        /// The quorum.
        quorum: u16,
    },
    /// A signature in the finalized witness does not verify.
    #[error("the signature of {0} in the finalized witness does not verify")]
    InvalidSignature(XOnlyPublicKey),
    /// A coin that funds the transaction is not signed.
    #[error("a coin that funds the finalized transaction is not signed")]
    UnsignedFunding,
    /// The transaction pays out more than it spends.
    #[error("the finalized transaction pays {} sat; must be at most {} sat, which it spends", .paid.to_sat(), .spent.to_sat())]
    CreatesValue {
        /// The sum of the outputs.
        paid: Amount,
        /// The sum of the inputs.
        spent: Amount,
    },
    /// An output of the transaction is dust.
    #[error("an output of the finalized transaction: {0}")]
    Output(UnsafeOutput),
    /// The transaction is too heavy to be relayed.
    #[error(
        "the finalized transaction weighs {0} weight units; must be at most {MAX_WEIGHT}, which nodes relay"
    )]
    TooHeavy(Weight),
}

/// A transaction whose first input spends an output of the protocol through one leaf.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafSpend {
    psbt: Psbt,
    /// The outputs that the inputs spend, in order.
    prevouts: Vec<TxOut>,
    leaf: Leaf,
    /// The other leaves of the output that the first input spends.
    other_leaves: Vec<Leaf>,
    /// The sighash that every party signs; it is used for each signature, so it is computed once.
    sighash: TapSighash,
    /// The weight of each signed input after the first, where it is known.
    funding_weights: Vec<Option<Weight>>,
}

/// The parts that a [`LeafSpend`] is built from.
pub(crate) struct SpendPlan<'a> {
    pub(crate) version: Version,
    pub(crate) source: &'a TaprootOutput,
    pub(crate) outpoint: OutPoint,
    pub(crate) amount: Amount,
    pub(crate) leaf: &'a Leaf,
    pub(crate) sequence: Sequence,
    /// The coin of a second input, which adds funds: outpoint, output, and the weight of the signed input
    /// where it is known.
    pub(crate) funding: Option<(OutPoint, TxOut, Option<Weight>)>,
    /// The outputs, each with its Taproot output where it is the protocol's.
    pub(crate) outputs: Vec<(TxOut, Option<&'a TaprootOutput>)>,
}

impl LeafSpend {
    /// Builds the transaction as a PSBT that offers the leaf's script alone, so that only this spend path can
    /// be signed or finalized. The error is the PSBT library's, which has none for a transaction that was
    /// just built.
    ///
    /// The PSBT has what every signer needs, and nothing that makes one sign with a wrong key: no Merkle
    /// root, with which some tweak the key; no sighash type, which is SIGHASH_DEFAULT when absent; and an
    /// origin of the staker's key, without which some sign nothing.
    pub(crate) fn new(plan: SpendPlan<'_>) -> Result<Self, BuildError> {
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
        let refused = |e: &dyn ToString| BuildError::Psbt(e.to_string());
        let mut psbt = Psbt::from_unsigned_tx(transaction).map_err(|e| refused(&e))?;
        let funding_weights = plan.funding.iter().map(|(.., weight)| *weight).collect();
        let funding = plan.funding.into_iter().map(|(_, output, _)| output);
        let prevouts: Vec<TxOut> = [plan.source.paying(plan.amount)].into_iter().chain(funding).collect();
        for (input, prevout) in psbt.inputs.iter_mut().zip(&prevouts) {
            input.witness_utxo = Some(prevout.clone());
        }
        if let Some(input) = psbt.inputs.first_mut() {
            input.tap_internal_key = Some(plan.source.internal_key());
            let script = (plan.leaf.script.clone(), LeafVersion::TapScript);
            input.tap_scripts.insert(plan.leaf.control_block.clone(), script);
            let staker = *plan.leaf.keys.staker();
            input.tap_key_origins.insert(staker, (vec![plan.leaf.hash()], own_origin(&staker)));
        }
        for (output, (_, taproot)) in psbt.outputs.iter_mut().zip(&plan.outputs) {
            output.tap_internal_key = taproot.map(TaprootOutput::internal_key);
            output.tap_tree = taproot.map(TaprootOutput::tap_tree);
        }
        let sighash = leaf_sighash(&psbt.unsigned_tx, &prevouts, 0, plan.leaf.hash())
            .ok_or_else(|| refused(&"the transaction has no input"))?;
        let leaf = plan.leaf.clone();
        let other_leaves = plan.source.leaves().filter(|other| **other != leaf).cloned().collect();
        Ok(Self { psbt, prevouts, leaf, other_leaves, sighash, funding_weights })
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

    /// Returns the outputs that the inputs spend, in order.
    pub(crate) fn prevouts(&self) -> &[TxOut] {
        &self.prevouts
    }

    pub(crate) fn txid(&self) -> Txid {
        self.unsigned().compute_txid()
    }

    pub(crate) const fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// Returns the other leaves of the output that the first input spends.
    pub(crate) fn other_leaves(&self) -> &[Leaf] {
        &self.other_leaves
    }

    /// Returns the fee: the sum of the inputs less the sum of the outputs.
    pub(crate) fn fee(&self) -> Amount {
        let spent = sum(&self.prevouts);
        spent
            .zip(sum(&self.unsigned().output))
            .and_then(|(spent, paid)| spent.checked_sub(paid))
            .unwrap_or(Amount::ZERO)
    }

    /// Returns the tapscript sighash over all prevouts (BIP-341, SIGHASH_DEFAULT), which every party signs.
    pub(crate) const fn sighash(&self) -> &TapSighash {
        &self.sighash
    }

    /// Returns the weight of the finalized transaction; `None` when a coin that funds it is of an unknown
    /// kind.
    pub(crate) fn finalized_weight(&self) -> Option<Weight> {
        let outputs = self.unsigned().output.iter().map(|output| &output.script_pubkey);
        let mut inputs = vec![leaf_input_weight(self.leaf())];
        inputs.extend(&self.funding_weights);
        funded_weight(inputs.into_iter(), outputs)
    }

    /// Returns the fee rate of the finalized transaction, rounded down.
    pub(crate) fn fee_rate(&self) -> Option<FeeRate> {
        let weight = self.finalized_weight()?.to_wu();
        let per_kwu = self.fee().to_sat().checked_mul(1000)?.checked_div(weight)?;
        Some(FeeRate::from_sat_per_kwu(per_kwu))
    }

    /// Finalizes the witness, and checks every field and signature of the finalized transaction.
    pub(crate) fn finalize(
        &self,
        signatures: &[(XOnlyPublicKey, schnorr::Signature)],
    ) -> Result<Transaction, FinalizeError> {
        self.finalize_with(self.psbt.clone(), signatures)
    }

    /// Finalizes as [`finalize`](Self::finalize) does, with a PSBT that has the signatures of the other
    /// inputs.
    pub(crate) fn finalize_with(
        &self,
        mut psbt: Psbt,
        signatures: &[(XOnlyPublicKey, schnorr::Signature)],
    ) -> Result<Transaction, FinalizeError> {
        self.insert(&mut psbt, signatures);
        let transaction = finalize_verified(&mut psbt, &self.prevouts).map_err(FinalizeError::Unsatisfied)?;
        check_finalized(&transaction, self.unsigned(), &self.prevouts, &self.leaf)?;
        Ok(transaction)
    }

    /// Adds signatures for the leaf to the first input.
    fn insert(&self, psbt: &mut Psbt, signatures: &[(XOnlyPublicKey, schnorr::Signature)]) {
        let hash = self.leaf.hash();
        if let Some(input) = psbt.inputs.first_mut() {
            for (key, signature) in signatures {
                let signature =
                    taproot::Signature { signature: *signature, sighash_type: TapSighashType::Default };
                input.tap_script_sigs.insert((*key, hash), signature);
            }
        }
    }
}
