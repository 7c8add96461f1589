//! Proofs of possession: that the holder of an account on Babylon Genesis or a consumer chain also holds a
//! Bitcoin key.
//!
//! There are three types, as wallets differ. The message of each:
//!
//! | type | Babylon Genesis | consumer chain |
//! |---|---|---|
//! | BIP-340 | SHA256(address bytes) | SHA256(context ‖ address bytes) |
//! | BIP-322 | address text | context ‖ address text |
//! | ECDSA | "Bitcoin Signed Message" of the address text | "Bitcoin Signed Message" of context ‖ address text |
//!
//! An address has 20 bytes, or 32 where it is a contract's or an interchain account's.

mod bip322;
mod bip340;
mod ecdsa;
mod given;
#[cfg(test)]
mod tests;

use bitcoin::secp256k1::schnorr;
use bitcoin::{Address, Network, XOnlyPublicKey};
use eots::{SecretKey, SignError};
pub use finality::{AccountAddress, AccountText, PossessionMessage};
use prost::Message as _;

pub use self::bip322::{Bip322Script, Bip322Signature};
pub use self::ecdsa::CompactSignature;
pub use self::given::GivenProof;

/// A proof that the holder of an account on Babylon Genesis or a consumer chain also holds a Bitcoin key.
///
/// Stakers use any of the three; finality providers use BIP-340. A valid proof shows that the Bitcoin key
/// signed for this account, at any time, and possibly on request of somebody else. The account's consent is
/// shown by its own signature on the chain's transaction.
///
/// A proof that is made here is verified before it is returned: a signature with a fault in it could reveal
/// the key.
///
/// ```
/// use eots::SecretKey;
/// use finality::SigningContext;
/// use staking_scripts::possession::{PossessionMessage, ProofOfPossession};
///
/// let key = SecretKey::from_bytes(&[2; 32])?;
/// let address = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse()?;
/// let message = PossessionMessage::new(SigningContext::GENESIS, address)?;
/// let proof = ProofOfPossession::create_bip340(&key, &message)?;
/// proof.verify(key.public_key(), &message)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofOfPossession {
    /// A BIP-340 signature.
    Bip340(schnorr::Signature),
    /// A BIP-322 simple signature.
    Bip322(Bip322Signature),
    /// A "Bitcoin signed message".
    Ecdsa(CompactSignature),
}

/// The type of a proof of possession, with its number on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PopType {
    /// A BIP-340 signature, number 0.
    Bip340,
    /// A BIP-322 simple signature, number 1.
    Bip322,
    /// A "Bitcoin signed message" (ECDSA), number 2.
    Ecdsa,
}

/// The proof of possession is not valid, cannot be read, or cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PossessionError {
    /// The signature does not have the length of its type.
    #[error("the signature has {actual} bytes; must have {expected}")]
    Length {
        /// The length of a signature of this type in bytes.
        expected: usize,
        /// The length of the signature in bytes.
        actual: usize,
    },
    /// The type is not one of the three.
    #[error("the type of the proof of possession is {0}; must be 0 to 2")]
    UnknownType(i32),
    /// The bytes are not the protobuf message of the chain. The reason is the decoder's, as text: its type is
    /// not part of this crate's interface.
    #[error("not the protobuf message of a proof of possession: {0}")]
    Protobuf(String),
    /// The text is neither hex nor base64.
    #[error("neither hex nor base64")]
    Text,
    /// A proof is of another type.
    #[error("found {given}; must be {expected}")]
    Form {
        /// What was given, in words.
        given: String,
        /// What a proof of the type may be given as.
        expected: &'static str,
    },
    /// A prefix of BIP-322 stands before a proof of another form.
    #[error(
        "found {given} after {prefix}; must be smp before a simple proof, ful before a full one, pof before one of funds"
    )]
    Prefix {
        /// The prefix.
        prefix: &'static str,
        /// What follows it, in words.
        given: String,
    },
    /// The transaction of a full BIP-322 proof is not that of a simple one, which chains take.
    #[error(
        "the full BIP-322 proof has the {field} {found}; must have {expected}, as a simple proof, which chains take"
    )]
    NotSimple {
        /// The field of the virtual transaction.
        field: &'static str,
        /// What it has.
        found: String,
        /// What a simple proof has.
        expected: &'static str,
    },
    /// The Bitcoin address of a BIP-322 signature cannot be read, for this reason.
    #[error("the Bitcoin address of the BIP-322 signature: {0}")]
    BitcoinAddress(String),
    /// The bytes are not the encoding of a witness. The reason is the decoder's, as text: its error cannot be
    /// compared.
    #[error("the BIP-322 simple signature is not the encoding of a witness: {0}")]
    Witness(String),
    /// The witness does not have the number of items of its address.
    #[error("the witness has {0} items; must have 1 for the key path of P2TR, or 2 for P2WPKH")]
    WitnessItems(usize),
    /// The public key in the witness of P2WPKH cannot be read, or is not compressed.
    #[error("the witness holds no compressed public key; must have it as its second item for P2WPKH")]
    NoPublicKey,
    /// The signature is not this key's over this message.
    #[error("the key {0} has not signed this proof of possession")]
    NotSigned(XOnlyPublicKey),
    /// The bytes are not a signature.
    #[error("the bytes are not a signature")]
    NoSignature,
    /// An ECDSA signature has the high s.
    #[error("the s of the ECDSA signature is above half the group order; must be the low one")]
    HighS,
    /// The first byte of a compact ECDSA signature is out of range.
    #[error("the first byte of the compact ECDSA signature is {0}; must be 27 to 34")]
    RecoveryHeader(u8),
    /// The address is not P2WPKH or P2TR.
    #[error("the proof is of the address {0}, which is {kind}; must be of a P2WPKH or P2TR address", kind = bip322::kind_of(.0))]
    UnsupportedAddress(Address),
    /// The address is not one of this key alone.
    #[error("the address {address} is of another key; must be one of {key}")]
    OtherAddress {
        /// The address signed for.
        address: Address,
        /// The key.
        key: XOnlyPublicKey,
    },
    /// The signature does not cover the whole transaction. It must be SIGHASH_ALL, or SIGHASH_DEFAULT of 64
    /// bytes for Taproot.
    #[error("the sighash type is {0:#04x}; must be SIGHASH_ALL")]
    SighashType(u8),
    /// The BIP-322 library refuses the proof. The reason is the library's, as text: its error cannot be
    /// compared.
    #[error("BIP-322: {0}")]
    Bip322(String),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// The protobuf message of the chain.
#[derive(Clone, PartialEq, prost::Message)]
struct ProofOfPossessionBtc {
    #[prost(int32, tag = "1")]
    btc_sig_type: i32,
    #[prost(bytes = "vec", tag = "2")]
    btc_sig: Vec<u8>,
}

impl ProofOfPossession {
    /// Makes a proof by a BIP-340 signature, without auxiliary randomness. Finality providers use this one.
    ///
    /// # Errors
    /// [`PossessionError::Sign`] when the proof does not verify, which does not occur on a sound machine.
    pub fn create_bip340(key: &SecretKey, message: &PossessionMessage) -> Result<Self, PossessionError> {
        Ok(Self::Bip340(bip340::create(key, message)?))
    }

    /// Makes a proof by a BIP-322 simple signature of the key's address of this kind on `network`.
    ///
    /// # Errors
    /// [`PossessionError::Bip322`] when the library does not sign, which no input causes, and
    /// [`PossessionError::Sign`] when the proof does not verify, which does not occur on a sound machine.
    pub fn create_bip322(
        key: &SecretKey,
        message: &PossessionMessage,
        script: Bip322Script,
        network: Network,
    ) -> Result<Self, PossessionError> {
        Bip322Signature::create(key, &message.text(), script, network).map(Self::Bip322)
    }

    /// Makes a proof by a "Bitcoin signed message" of a compressed key.
    ///
    /// # Errors
    /// [`PossessionError::Sign`] when the proof does not verify, which does not occur on a sound machine.
    pub fn create_ecdsa(key: &SecretKey, message: &PossessionMessage) -> Result<Self, PossessionError> {
        Ok(Self::Ecdsa(CompactSignature::create(key, &message.text())?))
    }

    /// Verifies that `key` signed the message.
    ///
    /// The signing context is part of the message: a proof for one is not valid for another. A BIP-340 proof
    /// signs the bytes of the address without its prefix, so on a consumer chain it is the same for an
    /// account of the same bytes under another prefix.
    ///
    /// # Errors
    /// [`PossessionError`] when the proof is not valid.
    pub fn verify(&self, key: &XOnlyPublicKey, message: &PossessionMessage) -> Result<(), PossessionError> {
        match self {
            Self::Bip340(signature) => bip340::verify(signature, key, message),
            Self::Bip322(signature) => signature.verify(key, &message.text()),
            Self::Ecdsa(signature) => signature.verify(key, &message.text()),
        }
    }

    /// Returns the type.
    pub fn proof_type(&self) -> PopType {
        match self {
            Self::Bip340(_) => PopType::Bip340,
            Self::Bip322(_) => PopType::Bip322,
            Self::Ecdsa(_) => PopType::Ecdsa,
        }
    }

    /// Returns the signature in the chain's form (`btc_sig`): 64 bytes of BIP-340, 65 bytes of ECDSA, or for
    /// BIP-322 the protobuf message of address and simple signature.
    pub fn signature_bytes(&self) -> Vec<u8> {
        match self {
            Self::Bip340(signature) => signature.serialize().to_vec(),
            Self::Bip322(signature) => signature.to_protobuf(),
            Self::Ecdsa(signature) => signature.to_bytes().to_vec(),
        }
    }

    /// Returns the proof with these [`signature_bytes`](Self::signature_bytes). Nothing is verified.
    ///
    /// # Errors
    /// [`PossessionError`] when the bytes are not of the form of the type.
    pub fn from_signature_bytes(proof_type: PopType, bytes: &[u8]) -> Result<Self, PossessionError> {
        let length = |expected| PossessionError::Length { expected, actual: bytes.len() };
        match proof_type {
            PopType::Bip340 => {
                schnorr::Signature::from_slice(bytes).map(Self::Bip340).map_err(|_| length(64))
            }
            PopType::Bip322 => Bip322Signature::from_protobuf(bytes).map(Self::Bip322),
            PopType::Ecdsa => {
                let bytes = bytes.try_into().map_err(|_| length(65))?;
                Ok(Self::Ecdsa(CompactSignature::from_bytes(bytes)))
            }
        }
    }

    /// Returns the proof in the chain's form: the protobuf message `ProofOfPossessionBTC` of type and
    /// signature.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let btc_sig_type = match self.proof_type() {
            PopType::Bip340 => 0,
            PopType::Bip322 => 1,
            PopType::Ecdsa => 2,
        };
        ProofOfPossessionBtc { btc_sig_type, btc_sig: self.signature_bytes() }.encode_to_vec()
    }

    /// Reads the proof in a protobuf message `ProofOfPossessionBTC`. Nothing is verified.
    ///
    /// # Errors
    /// [`PossessionError`] when the bytes are not such a message.
    pub fn from_protobuf(bytes: &[u8]) -> Result<Self, PossessionError> {
        let message =
            ProofOfPossessionBtc::decode(bytes).map_err(|e| PossessionError::Protobuf(e.to_string()))?;
        let proof_type = match message.btc_sig_type {
            0 => PopType::Bip340,
            1 => PopType::Bip322,
            2 => PopType::Ecdsa,
            other => return Err(PossessionError::UnknownType(other)),
        };
        Self::from_signature_bytes(proof_type, &message.btc_sig)
    }
}
