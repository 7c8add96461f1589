//! Proofs of possession by a BIP-322 simple signature, which wallets make.
//!
//! The `bip322` crate makes and verifies them. It accepts more than a proof may be: legacy, multisig and
//! nested addresses, bytes after the witness, and an explicit SIGHASH_DEFAULT of 65 bytes, which Bitcoin
//! refuses. These are refused before it is called.

use bip322::Verification;
use bitcoin::address::NetworkUnchecked;
use bitcoin::consensus::encode;
use bitcoin::secp256k1::SECP256K1;
use bitcoin::{Address, CompressedPublicKey, Network, PrivateKey, Witness, XOnlyPublicKey};
use eots::{SecretKey, SignError};
use prost::Message as _;

use super::PossessionError;
use crate::coins::key_path::key_path_script;

/// The last byte of a signature with an explicit SIGHASH_ALL, the same for ECDSA and BIP-340.
const SIGHASH_ALL: u8 = 1;

/// The kinds of address that a proof can be made with. Both are of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bip322Script {
    /// Pay to witness public key hash: `bc1q…`.
    P2wpkh,
    /// Taproot, spent through the key path (BIP-86): `bc1p…`.
    P2tr,
}

/// A BIP-322 simple signature with its Bitcoin address.
///
/// The network of the address does not matter: the script is what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bip322Signature {
    address: Address,
    witness: Witness,
}

/// The protobuf message of the chain.
#[derive(Clone, PartialEq, prost::Message)]
struct Bip322Sig {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(bytes = "vec", tag = "2")]
    sig: Vec<u8>,
}

impl Bip322Signature {
    /// Reads a simple signature as wallets return it (the consensus encoding of a witness), of an address of
    /// `key`.
    ///
    /// The witness determines the address: one item is a Taproot signature, two are the signature and public
    /// key of P2WPKH. Nothing is verified.
    ///
    /// # Errors
    /// [`PossessionError`] when the bytes are not a witness, or one of another kind of address.
    pub fn from_simple(
        simple: &[u8],
        key: &XOnlyPublicKey,
        network: Network,
    ) -> Result<Self, PossessionError> {
        let witness = parse_witness(simple)?;
        let address = match (witness.len(), witness.nth(1)) {
            (1, _) => Address::p2tr(SECP256K1, *key, None, network),
            (2, Some(public_key)) => {
                let public_key =
                    CompressedPublicKey::from_slice(public_key).map_err(|_| PossessionError::NoPublicKey)?;
                Address::p2wpkh(&public_key, network)
            }
            (items, _) => return Err(PossessionError::WitnessItems(items)),
        };
        Ok(Self { address, witness })
    }

    /// Returns the simple signature alone: the consensus encoding of the witness. Wallets show it in base64.
    pub fn to_simple(&self) -> Vec<u8> {
        encode::serialize(&self.witness)
    }

    /// Returns the Bitcoin address that the signature is for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn from_protobuf(bytes: &[u8]) -> Result<Self, PossessionError> {
        let Bip322Sig { address, sig } =
            Bip322Sig::decode(bytes).map_err(|e| PossessionError::Protobuf(e.to_string()))?;
        let address: Address<NetworkUnchecked> = address.parse().map_err(PossessionError::BitcoinAddress)?;
        Ok(Self { address: address.assume_checked(), witness: parse_witness(&sig)? })
    }

    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        Bip322Sig { address: self.address.to_string(), sig: self.to_simple() }.encode_to_vec()
    }

    /// Signs deterministically: RFC 6979 for P2WPKH; BIP-340 without auxiliary randomness, and SIGHASH_ALL,
    /// for P2TR. The result is verified: a signature with a fault in it could reveal the key.
    ///
    /// The copy of the secret key is erased; the `bip322` crate does not erase the tweaked key that it signs
    /// with for P2TR.
    pub(super) fn create(
        key: &SecretKey,
        text: &str,
        script: Bip322Script,
        network: Network,
    ) -> Result<Self, PossessionError> {
        let address = match script {
            Bip322Script::P2wpkh => {
                let public_key = key.lend(|secret| secret.public_key(SECP256K1));
                Address::p2wpkh(&CompressedPublicKey(public_key), network)
            }
            Bip322Script::P2tr => Address::p2tr(SECP256K1, *key.public_key(), None, network),
        };
        let witness = key.lend(|secret| {
            let mut private_key = PrivateKey::new(*secret, network);
            let witness = bip322::sign_simple(&address, text, core::slice::from_ref(&private_key), None);
            private_key.inner.non_secure_erase();
            witness
        });
        let witness = witness.map_err(|e| PossessionError::Bip322(e.to_string()))?;
        let made = Self { address, witness };
        made.verify(key.public_key(), text).map_err(|_| SignError::Fault)?;
        Ok(made)
    }

    pub(super) fn verify(&self, key: &XOnlyPublicKey, text: &str) -> Result<(), PossessionError> {
        self.check_form(key)?;
        match bip322::verify_simple(&self.address, text, self.witness.clone()) {
            Ok(Verification::Valid { .. }) => Ok(()),
            Ok(Verification::Inconclusive) => Err(PossessionError::Bip322("inconclusive".to_owned())),
            Err(error) => Err(PossessionError::Bip322(error.to_string())),
        }
    }

    /// Refuses an address that is not of the key alone, and a witness that is not of its form.
    fn check_form(&self, key: &XOnlyPublicKey) -> Result<(), PossessionError> {
        let script = self.address.script_pubkey();
        let items: Vec<&[u8]> = self.witness.iter().collect();
        match items.as_slice() {
            [signature] if script.is_p2tr() => {
                if script != key_path_script(key) {
                    return Err(PossessionError::OtherAddress { address: self.address.clone(), key: *key });
                }
                match (signature.len(), signature.last()) {
                    (64, _) | (65, Some(&SIGHASH_ALL)) => Ok(()),
                    (65, Some(&sighash_type)) => Err(PossessionError::SighashType(sighash_type)),
                    _ => Err(PossessionError::NoSignature),
                }
            }
            [signature, public_key] if script.is_p2wpkh() => {
                let public_key: &[u8; 33] =
                    (*public_key).try_into().map_err(|_| PossessionError::NoPublicKey)?;
                let public_key =
                    CompressedPublicKey::from_slice(public_key).map_err(|_| PossessionError::NoPublicKey)?;
                if public_key.0.x_only_public_key().0 != *key {
                    return Err(PossessionError::OtherAddress { address: self.address.clone(), key: *key });
                }
                match signature.last() {
                    Some(&SIGHASH_ALL) => Ok(()),
                    Some(&sighash_type) => Err(PossessionError::SighashType(sighash_type)),
                    None => Err(PossessionError::NoSignature),
                }
            }
            _ if script.is_p2tr() || script.is_p2wpkh() => Err(PossessionError::WitnessItems(items.len())),
            _ => Err(PossessionError::UnsupportedAddress(self.address.clone())),
        }
    }
}

/// Parses a witness and refuses bytes after it, which the reference accepts.
fn parse_witness(bytes: &[u8]) -> Result<Witness, PossessionError> {
    encode::deserialize(bytes).map_err(|e| PossessionError::Witness(e.to_string()))
}
