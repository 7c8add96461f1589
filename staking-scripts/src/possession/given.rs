//! Proofs of possession as wallets and tools give them, told apart by their form.

use core::fmt;

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::consensus::encode;
use bitcoin::{Network, Transaction, Witness, XOnlyPublicKey};
use prost::Message as _;

use super::bip322::{Bip322Sig, Bip322Signature, parse_witness};
use super::{PopType, PossessionError, ProofOfPossession, ProofOfPossessionBtc};

/// The magic bytes of a PSBT (BIP-174), in which a proof of funds is.
const PSBT_MAGIC: &[u8] = b"psbt\xff";

/// A proof of possession, or something that was taken for one, as it was given.
///
/// The forms differ in their bytes, so a form that is not one of the proof's type can be named. Nothing is
/// verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenProof {
    bytes: Vec<u8>,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// 64 bytes.
    Bip340,
    /// 65 bytes.
    Ecdsa,
    /// A witness.
    Simple(Witness),
    /// The signed virtual transaction.
    Full(Transaction),
    /// A PSBT.
    ProofOfFunds,
    /// The chain's message of a BIP-322 proof.
    Bip322Sig,
    /// The chain's message of a proof of any type.
    ProofOfPossession,
    Unknown,
}

impl fmt::Display for GivenProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.bytes.len();
        match self.form {
            Form::Bip340 => f.write_str("a BIP-340 signature (64 bytes)"),
            Form::Ecdsa => f.write_str("an ECDSA signature (65 bytes)"),
            Form::Simple(_) => f.write_str("a simple BIP-322 proof"),
            Form::Full(_) => f.write_str("a full BIP-322 proof"),
            Form::ProofOfFunds => f.write_str("a BIP-322 proof of funds"),
            Form::Bip322Sig => f.write_str("the chain's message BIP322Sig"),
            Form::ProofOfPossession => match ProofOfPossession::from_protobuf(&self.bytes) {
                Ok(proof) => write!(f, "the chain's message ProofOfPossessionBTC of {}", proof.proof_type()),
                Err(_) => f.write_str("the chain's message ProofOfPossessionBTC"),
            },
            Form::Unknown => write!(f, "{length} bytes of no form that a proof has"),
        }
    }
}

impl fmt::Display for PopType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bip340 => "type BIP-340",
            Self::Bip322 => "type BIP-322",
            Self::Ecdsa => "type ECDSA",
        })
    }
}

/// Returns what a proof of this type may be given as.
const fn expected(proof_type: PopType) -> &'static str {
    match proof_type {
        PopType::Bip340 => "a BIP-340 signature of 64 bytes",
        PopType::Bip322 => "a BIP-322 proof: simple (smp…), full (ful…), or the chain's message BIP322Sig",
        PopType::Ecdsa => "an ECDSA signature of 65 bytes, of a Bitcoin signed message",
    }
}

impl GivenProof {
    /// Reads the text of a proof: base64 as wallets show it, with or without one of BIP-322's prefixes (`smp`
    /// simple, `ful` full, `pof` proof of funds), or hex. White space within it is left out.
    ///
    /// # Errors
    /// [`PossessionError::Text`] when it is neither, and [`PossessionError::Prefix`] when a prefix stands
    /// before a proof of another form.
    pub fn from_text(text: &str) -> Result<Self, PossessionError> {
        let text: String = text.split_whitespace().collect();
        if let Ok(bytes) = hex::decode(&text) {
            return Ok(Self::from_bytes(bytes));
        }
        let base64 = |text: &str| BASE64_STANDARD.decode(text).ok().map(Self::from_bytes);
        let prefix = ["smp", "ful", "pof"].into_iter().find(|prefix| text.starts_with(prefix));
        let rest = prefix.and_then(|prefix| Some((prefix, base64(text.strip_prefix(prefix)?)?)));
        // A signature in base64 may begin with these letters by chance.
        let Some((prefix, given)) = rest else { return base64(&text).ok_or(PossessionError::Text) };
        let is_its = match given.form {
            Form::Simple(_) => prefix == "smp",
            Form::Full(_) => prefix == "ful",
            Form::ProofOfFunds => prefix == "pof",
            _ => false,
        };
        if is_its { Ok(given) } else { Err(PossessionError::Prefix { prefix, given: given.to_string() }) }
    }

    /// Reads the bytes of a proof, of any form.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        let form = match bytes.as_slice() {
            slice if slice.len() == 64 => Form::Bip340,
            slice if slice.len() == 65 => Form::Ecdsa,
            slice if slice.starts_with(PSBT_MAGIC) => Form::ProofOfFunds,
            slice => Self::parsed(slice),
        };
        Self { bytes, form }
    }

    /// A witness of a proof begins with 1 or 2, the number of its items, a version of its transaction with
    /// the bytes of 0 or more and three zeros, and a message with the tag of a field that is not empty.
    fn parsed(bytes: &[u8]) -> Form {
        if let Ok(witness) = parse_witness(bytes)
            && !witness.is_empty()
        {
            return Form::Simple(witness);
        }
        if let Ok(transaction) = encode::deserialize(bytes) {
            return Form::Full(transaction);
        }
        match bytes.first() {
            Some(0x0a) if Bip322Sig::decode(bytes).is_ok() => Form::Bip322Sig,
            Some(0x08 | 0x12) if ProofOfPossessionBtc::decode(bytes).is_ok() => Form::ProofOfPossession,
            _ => Form::Unknown,
        }
    }

    /// Returns the bytes as they were given.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the proof of this type. Of a BIP-322 proof without an address, it is the address of `key` on
    /// `network` that its witness is of; no network matters to what is signed. Nothing is verified.
    ///
    /// # Errors
    /// [`PossessionError::Form`] names what was given where it is of another type,
    /// [`PossessionError::Length`] bytes of no known form under BIP-340 or ECDSA, and the others what is
    /// wrong within the proof.
    pub fn read(
        &self,
        proof_type: PopType,
        key: &XOnlyPublicKey,
        network: Network,
    ) -> Result<ProofOfPossession, PossessionError> {
        let other = || PossessionError::Form { given: self.to_string(), expected: expected(proof_type) };
        match (proof_type, &self.form) {
            (PopType::Bip322, Form::Simple(witness)) => {
                Bip322Signature::from_witness(witness.clone(), key, network).map(ProofOfPossession::Bip322)
            }
            (PopType::Bip322, Form::Full(transaction)) => {
                Bip322Signature::from_full(transaction, key, network).map(ProofOfPossession::Bip322)
            }
            (_, Form::ProofOfPossession) => {
                let proof = ProofOfPossession::from_protobuf(&self.bytes)?;
                if proof.proof_type() == proof_type { Ok(proof) } else { Err(other()) }
            }
            (PopType::Bip340, Form::Bip340 | Form::Unknown)
            | (PopType::Ecdsa, Form::Ecdsa | Form::Unknown)
            | (PopType::Bip322, Form::Bip322Sig) => {
                ProofOfPossession::from_signature_bytes(proof_type, &self.bytes)
            }
            _ => Err(other()),
        }
    }
}
