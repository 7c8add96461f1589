//! An epoch's validators, whose keys are validated once, and their signature over a checkpoint.

use std::collections::HashSet;

use bitcoin::bech32;
use bitcoin::hex::FromHex as _;
use blst::BLST_ERROR;
use blst::min_sig::{AggregatePublicKey, PublicKey, Signature};

use super::payload::Checkpoint;
use super::submission::{Submission, VerifiedSubmission};

/// The domain of the signatures: the hash goes to G1, since the scheme is the one with the short signatures.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// A bitmap has a bit for so many validators.
const MOST: usize = 104;

/// The bytes of an address that v4.3 sorts by.
const SORTED_BYTES: usize = 8;

/// A validator of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochValidator {
    /// The operator's address.
    pub address: Vec<u8>,
    /// The BLS key, a compressed point of G2.
    pub bls_key: [u8; 96],
    /// The power in the epoch.
    pub power: u64,
}

/// How the validators of an epoch are sorted, which says whose a bit of the bitmap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValidatorOrder {
    /// By the first eight bytes of the operator's address (babylon v4.3.1, `x/epoching/types/validator.go`).
    FirstEightBytes,
    /// By the whole address (babylon's main branch).
    WholeAddress,
}

/// A reason why validators are no set of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidatorSetError {
    /// An address is not bech32.
    #[error("the address {0} is not bech32; must be")]
    AddressText(String),
    /// An address has too few bytes to sort by.
    #[error("a validator's address has {0} bytes; must have at least {SORTED_BYTES}")]
    ShortAddress(usize),
    /// A BLS key is not 96 bytes in hex.
    #[error("the BLS key {0} is not 96 bytes in hex; must be")]
    KeyText(String),
    /// A power is not a number of 64 bits.
    #[error("the power {0} is not a number of 64 bits; must be")]
    PowerText(String),
    /// There are more validators than a bitmap has bits for.
    #[error("the epoch has {0} validators; must have at most {MOST}, one for each bit")]
    TooMany(usize),
    /// Two validators have the same address, or key.
    #[error("the validators at {0} and before it have the same address or key; no two may")]
    Repeated(usize),
    /// Two addresses begin with the same eight bytes, so that their order is not determined.
    #[error("two validators' addresses begin with the same {SORTED_BYTES} bytes; their order is unknown")]
    AmbiguousOrder,
}

/// A reason why a checkpoint is not what an epoch's validators signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointSignatureError {
    /// The validators are those of another epoch.
    #[error("the checkpoint is of epoch {found}, and the validators of {expected}; must be of one epoch")]
    OtherEpoch {
        /// The checkpoint's epoch.
        found: u64,
        /// The validators'.
        expected: u64,
    },
    /// Those who have signed do not have more than two thirds of the power.
    #[error("validators with a power of {power} of {total} have signed; must have more than two thirds")]
    TooLittlePower {
        /// The power of those that the bitmap has, and whose keys are valid.
        power: u128,
        /// The power of all.
        total: u128,
    },
    /// The signature's bytes are no compressed point of the curve.
    #[error("the BLS signature is no compressed point of the curve; must be")]
    Encoding,
    /// The signature is the point at infinity.
    #[error("the BLS signature is the point at infinity; must not be")]
    Infinity,
    /// The signature is a point outside the group.
    #[error("the BLS signature is a point outside the group; must be in it")]
    NotInGroup,
    /// The signature is not of this epoch and block by those that the bitmap has.
    #[error("the BLS signature is not by the bitmap's validators over this epoch and block; must be")]
    NotValid,
}

/// The validators of an epoch, in the order of the bitmap. Their keys were validated when it was made, which
/// takes 81 µs each: points in the group, and not at infinity.
///
/// That each validator knows the secret of its key, the chain checked when the key was registered. Without
/// it, one could choose a key that cancels the others'; so the validators must come from somebody who is
/// trusted for them, such as one's own node.
#[derive(Debug, Clone)]
pub struct ValidatorSet {
    epoch: u64,
    /// The key where it is valid, and the power.
    validators: Vec<(Option<PublicKey>, u64)>,
    total: u128,
}

impl EpochValidator {
    /// Reads a validator as a node's answer to `bls_public_keys/{epoch}` has it: address, key in hex, and
    /// power.
    ///
    /// # Errors
    /// [`ValidatorSetError`] says which text is none.
    pub fn from_text(address: &str, bls_key_hex: &str, power: &str) -> Result<Self, ValidatorSetError> {
        let (_, bytes) =
            bech32::decode(address).map_err(|_| ValidatorSetError::AddressText(address.to_owned()))?;
        let key = Vec::<u8>::from_hex(bls_key_hex).ok().and_then(|bytes| bytes.try_into().ok());
        let bls_key = key.ok_or_else(|| ValidatorSetError::KeyText(bls_key_hex.to_owned()))?;
        let power = power.parse().map_err(|_| ValidatorSetError::PowerText(power.to_owned()))?;
        Ok(Self { address: bytes, bls_key, power })
    }
}

impl ValidatorSet {
    /// Returns the set of an epoch's validators in the order that they are given in, which is the bitmap's:
    /// a node lists them so.
    ///
    /// # Errors
    /// [`ValidatorSetError`] when there are more than a bitmap has bits for, or one twice.
    pub fn in_bitmap_order(epoch: u64, validators: &[EpochValidator]) -> Result<Self, ValidatorSetError> {
        if validators.len() > MOST {
            return Err(ValidatorSetError::TooMany(validators.len()));
        }
        let (mut addresses, mut keys) = (HashSet::new(), HashSet::new());
        for (place, validator) in validators.iter().enumerate() {
            if !addresses.insert(&validator.address) || !keys.insert(validator.bls_key) {
                return Err(ValidatorSetError::Repeated(place));
            }
        }
        let total = validators.iter().map(|validator| u128::from(validator.power)).sum();
        let validators = validators
            .iter()
            .map(|validator| (PublicKey::key_validate(&validator.bls_key).ok(), validator.power))
            .collect();
        Ok(Self { epoch, validators, total })
    }

    /// Returns the set of an epoch's validators, in any order, sorted as the chain does.
    ///
    /// # Errors
    /// [`ValidatorSetError`] when there is no such set, or the order is not determined.
    pub fn sorted(
        epoch: u64,
        mut validators: Vec<EpochValidator>,
        order: ValidatorOrder,
    ) -> Result<Self, ValidatorSetError> {
        let short = validators.iter().map(|validator| validator.address.len()).min();
        if let Some(length) = short.filter(|length| *length < SORTED_BYTES) {
            return Err(ValidatorSetError::ShortAddress(length));
        }
        let first = |validator: &EpochValidator| validator.address.first_chunk::<SORTED_BYTES>().copied();
        match order {
            ValidatorOrder::WholeAddress => validators.sort_by(|one, other| one.address.cmp(&other.address)),
            ValidatorOrder::FirstEightBytes => {
                validators.sort_by_key(first);
                let mut pairs = validators.iter().zip(validators.iter().skip(1));
                if pairs.any(|(one, next)| first(one) == first(next)) {
                    return Err(ValidatorSetError::AmbiguousOrder);
                }
            }
        }
        Self::in_bitmap_order(epoch, &validators)
    }

    /// Returns the epoch.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the power of all validators.
    pub const fn total_power(&self) -> u128 {
        self.total
    }

    /// Returns the places of the validators whose keys are invalid. They count neither in the sum of keys nor
    /// in the power of those who have signed, and in the power of all.
    pub fn invalid_keys(&self) -> impl Iterator<Item = usize> {
        let places = self.validators.iter().enumerate();
        places.filter(|(_, (key, _))| key.is_none()).map(|(place, _)| place)
    }

    /// Verifies that validators with more than two thirds of the epoch's power have signed a checkpoint.
    /// Returns their power. Bits of the bitmap past the last validator are ignored, as the chain does; and
    /// nothing depends on the submitter.
    ///
    /// A clear bit does not say that a validator was absent: the chain seals a checkpoint when there are
    /// enough signatures.
    ///
    /// # Errors
    /// [`CheckpointSignatureError`] names the rule.
    pub fn verify(&self, checkpoint: &Checkpoint) -> Result<u128, CheckpointSignatureError> {
        let (found, expected) = (checkpoint.epoch, self.epoch);
        if found != expected {
            return Err(CheckpointSignatureError::OtherEpoch { found, expected });
        }
        let signers = self.validators.iter().enumerate();
        let signers = signers.filter(|(place, _)| checkpoint.has_signed(*place));
        let signers: Vec<_> =
            signers.filter_map(|(_, (key, power))| Some((key.as_ref()?, u128::from(*power)))).collect();
        let (power, total) = (signers.iter().map(|(_, power)| *power).sum::<u128>(), self.total);
        let little = CheckpointSignatureError::TooLittlePower { power, total };
        // At most 104 powers of 64 bits.
        if power.saturating_mul(3) <= total.saturating_mul(2) {
            return Err(little);
        }
        let signature = Signature::sig_validate(&checkpoint.bls_multi_signature, true);
        let signature = signature.map_err(|error| match error {
            BLST_ERROR::BLST_PK_IS_INFINITY => CheckpointSignatureError::Infinity,
            BLST_ERROR::BLST_POINT_NOT_IN_GROUP => CheckpointSignatureError::NotInGroup,
            _ => CheckpointSignatureError::Encoding,
        })?;
        let keys: Vec<&PublicKey> = signers.iter().map(|(key, _)| *key).collect();
        let sum = AggregatePublicKey::aggregate(&keys, false).map_err(|_| little)?.to_public_key();
        let message = checkpoint.signed_message();
        // The signature was found to be in the group above.
        match signature.fast_aggregate_verify_pre_aggregated(false, &message, DOMAIN, &sum) {
            BLST_ERROR::BLST_SUCCESS => Ok(power),
            _ => Err(CheckpointSignatureError::NotValid),
        }
    }
}

impl Submission {
    /// Verifies that validators with more than two thirds of the epoch's power have signed the checkpoint.
    ///
    /// # Errors
    /// [`CheckpointSignatureError`] as for [`ValidatorSet::verify`].
    pub fn verify_signature(
        self,
        validators: &ValidatorSet,
    ) -> Result<VerifiedSubmission, CheckpointSignatureError> {
        validators.verify(self.checkpoint())?;
        Ok(self.verified())
    }
}
