//! The coins that fund a stake.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{DerivationPath, Fingerprint, KeySource};
use bitcoin::hashes::{Hash as _, hash160};
use bitcoin::transaction::{InputWeightPrediction, Version};
use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut, VarInt, Weight, XOnlyPublicKey, psbt};
use eots::SignError;
use miniscript::descriptor::DescriptorType;
use miniscript::psbt::PsbtInputExt;
use miniscript::{DefiniteDescriptorKey, Descriptor};

use crate::outputs::leaf::EMPTY_INPUT;

/// A coin that can fund a stake: an unspent SegWit output whose satisfaction has a known size. Its signature
/// does not change the transaction's id, on which the pre-signed transactions depend.
#[derive(Debug, Clone, PartialEq)]
pub struct FundingCoin {
    outpoint: OutPoint,
    output: TxOut,
    /// The weight that satisfying the input adds to [`EMPTY_INPUT`], at most.
    satisfaction: Weight,
    /// The scriptSig of its input when signed: the redeem script of a nested witness program, or empty.
    script_sig: ScriptBuf,
    /// The PSBT fields that describe it to signers.
    description: psbt::Input,
}

/// A coin cannot fund a stake, or cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoinError {
    /// The script alone does not show how it is spent.
    #[error(
        "the coin {outpoint} pays to {script_pubkey}; must be P2WPKH or P2TR where its descriptor is not given"
    )]
    UnknownScript {
        /// The outpoint of the coin.
        outpoint: OutPoint,
        /// The script pubkey of the coin.
        script_pubkey: ScriptBuf,
    },
    /// The coin does not pay to the descriptor's script.
    #[error("the coin {outpoint} pays to {script_pubkey}; must be {described}, the descriptor's")]
    OtherScript {
        /// The outpoint of the coin.
        outpoint: OutPoint,
        /// The script pubkey of the coin.
        script_pubkey: ScriptBuf,
        /// The script pubkey of the descriptor.
        described: ScriptBuf,
    },
    /// The coin is not SegWit, so signing it would change the transaction's id.
    #[error(
        "the coin {0} is not of segregated witness; must be, as its signature would change the staking transaction's id, on which every pre-signed transaction depends"
    )]
    NotSegwit(OutPoint),
    /// The descriptor has no satisfaction of known size. The reason is the miniscript library's, as text: its
    /// errors have no common type.
    #[error("the coin {outpoint} cannot be spent by its descriptor: {reason}")]
    Unspendable {
        /// The outpoint of the coin.
        outpoint: OutPoint,
        /// The miniscript library's reason.
        reason: String,
    },
    /// An input of the PSBT spends a coin of another key.
    #[error("input {index} spends a coin of {script_pubkey}; must be one of the key {key}")]
    OtherKey {
        /// The index of the input.
        index: usize,
        /// The script pubkey that it spends.
        script_pubkey: ScriptBuf,
        /// The key given.
        key: XOnlyPublicKey,
    },
    /// The PSBT does not have the outputs that its inputs spend, which signatures cover.
    #[error("the PSBT does not say what its inputs spend: {0}")]
    Unstated(String),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl FundingCoin {
    /// Returns the coin at `outpoint`: P2WPKH, or P2TR spent through its key path.
    ///
    /// # Errors
    /// [`CoinError::UnknownScript`] for any other script, which needs a descriptor.
    pub fn new(outpoint: OutPoint, output: TxOut) -> Result<Self, CoinError> {
        let script = &output.script_pubkey;
        let prediction = if script.is_p2wpkh() {
            InputWeightPrediction::P2WPKH_MAX
        } else if script.is_p2tr() {
            InputWeightPrediction::P2TR_KEY_DEFAULT_SIGHASH
        } else {
            return Err(CoinError::UnknownScript { outpoint, script_pubkey: output.script_pubkey });
        };
        // The prediction counts the empty script's length and the witness count, as the empty input does.
        let satisfaction = prediction.weight().checked_sub(Weight::from_wu(5)).unwrap_or(prediction.weight());
        let (script_sig, description) = (ScriptBuf::new(), psbt::Input::default());
        Ok(Self { outpoint, output, satisfaction, script_sig, description })
    }

    /// Returns the coin at `outpoint` that pays to `descriptor`: any witness program, nested or not, single
    /// key, multisignature or miniscript. The PSBT then has scripts and key origins for the signers.
    ///
    /// # Errors
    /// [`CoinError`] when the output pays to another script, is not SegWit, or cannot be spent.
    pub fn with_descriptor(
        outpoint: OutPoint,
        output: TxOut,
        descriptor: &Descriptor<DefiniteDescriptorKey>,
    ) -> Result<Self, CoinError> {
        let described = descriptor.script_pubkey();
        if described != output.script_pubkey {
            return Err(CoinError::OtherScript { outpoint, script_pubkey: output.script_pubkey, described });
        }
        if !is_segwit(descriptor.desc_type()) {
            return Err(CoinError::NotSegwit(outpoint));
        }
        let unspendable =
            |reason: &dyn ToString| CoinError::Unspendable { outpoint, reason: reason.to_string() };
        descriptor.sanity_check().map_err(|e| unspendable(&e))?;
        let satisfaction = descriptor.max_weight_to_satisfy().map_err(|e| unspendable(&e))?;
        let script_sig = descriptor.unsigned_script_sig();
        let mut description = psbt::Input::default();
        description.update_with_descriptor_unchecked(descriptor).map_err(|e| unspendable(&e))?;
        Ok(Self { outpoint, output, satisfaction, script_sig, description })
    }

    /// Returns the outpoint of the coin.
    pub const fn outpoint(&self) -> OutPoint {
        self.outpoint
    }

    /// Returns the unspent output: amount and script pubkey.
    pub const fn output(&self) -> &TxOut {
        &self.output
    }

    /// Returns the weight of the signed input that spends it, at most.
    pub(crate) fn input_weight(&self) -> Option<Weight> {
        EMPTY_INPUT.checked_add(self.satisfaction)
    }

    /// Returns the scriptSig of its input when signed, which is part of the transaction's id.
    pub(crate) const fn script_sig(&self) -> &ScriptBuf {
        &self.script_sig
    }

    /// Returns the PSBT input that spends it.
    pub(crate) fn psbt_input(&self) -> psbt::Input {
        psbt::Input { witness_utxo: Some(self.output.clone()), ..self.description.clone() }
    }
}

/// Returns the origin (BIP-32) of a key that is its own root: its own fingerprint and an empty path. Some
/// signers sign nothing for a key without an origin.
///
/// The fingerprint is the first four bytes of the HASH160 of the 32 bytes, as `miniscript` has it of a key of
/// a descriptor without an origin. That of a compressed key needs the parity, which nobody knows here, and
/// signers that compare it (`@bitgo/wasm-utxo` 4.17.0) sign nothing by the wrong one.
pub(crate) fn own_origin(key: &XOnlyPublicKey) -> KeySource {
    let [a, b, c, d, ..] = hash160::Hash::hash(&key.serialize()).to_byte_array();
    (Fingerprint::from([a, b, c, d]), DerivationPath::master())
}

/// Returns the weight of a SegWit transaction with these inputs and outputs; `None` on overflow.
pub(crate) fn funded_weight<'a>(
    mut inputs: impl ExactSizeIterator<Item = Option<Weight>>,
    outputs: impl Iterator<Item = &'a ScriptBuf>,
) -> Option<Weight> {
    let outputs = outputs.map(|script| TxOut { value: bitcoin::Amount::ZERO, script_pubkey: script.clone() });
    let count = VarInt::from(inputs.len()).size().checked_sub(VarInt::from(0_usize).size())?;
    let frame = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: Vec::new(),
        output: outputs.collect(),
    };
    // Marker and flag, and what the count of the inputs takes more than the count 0.
    let rest = Weight::from_wu_usize(2).checked_add(Weight::from_vb(u64::try_from(count).ok()?)?)?;
    let frame = Weight::from_vb(u64::try_from(frame.base_size()).ok()?)?.checked_add(rest)?;
    inputs.try_fold(frame, |sum, input| sum.checked_add(input?))
}

const fn is_segwit(kind: DescriptorType) -> bool {
    matches!(
        kind,
        DescriptorType::Wpkh
            | DescriptorType::ShWpkh
            | DescriptorType::Wsh
            | DescriptorType::ShWsh
            | DescriptorType::ShWshSortedMulti
            | DescriptorType::WshSortedMulti
            | DescriptorType::Tr
    )
}
