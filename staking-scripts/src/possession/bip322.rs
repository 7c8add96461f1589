//! Proofs of possession by a BIP-322 simple signature, which wallets make.
//!
//! The `bip322` crate verifies them, and makes those of P2WPKH. It accepts more than a proof may be: legacy,
//! multisig and nested addresses, bytes after the witness, and an explicit SIGHASH_DEFAULT of 65 bytes, which
//! Bitcoin refuses. These are refused before it is called. Of P2TR it makes 65 bytes (SIGHASH_ALL), at which
//! the verifiers of some wallets fail; so these are made here, of 64 bytes (SIGHASH_DEFAULT).

use bip322::{LockParams, Verification};
use bitcoin::consensus::encode;
use bitcoin::secp256k1::SECP256K1;
use bitcoin::transaction::Version;
use bitcoin::{
    Address, AddressType, Amount, CompressedPublicKey, Network, PrivateKey, Script, Sequence, Transaction,
    Witness, XOnlyPublicKey,
};
use eots::{SecretKey, SignError};
use prost::Message as _;

use super::PossessionError;
use crate::coins::key_path::{key_path_script, sign_key_path};
use crate::outputs::address::parse_address;

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
pub(super) struct Bip322Sig {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(bytes = "vec", tag = "2")]
    sig: Vec<u8>,
}

/// Returns the kind of an address, in words.
pub(super) fn kind_of(address: &Address) -> String {
    match address.address_type() {
        Some(AddressType::P2sh) => "P2SH (nested SegWit)".to_owned(),
        Some(kind) => kind.to_string().to_uppercase(),
        None => "of an unknown kind".to_owned(),
    }
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
        Self::from_witness(parse_witness(simple)?, key, network)
    }

    /// As [`from_simple`](Self::from_simple), of the witness.
    pub(super) fn from_witness(
        witness: Witness,
        key: &XOnlyPublicKey,
        network: Network,
    ) -> Result<Self, PossessionError> {
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

    /// Reads a full signature: the signed virtual transaction (`to_sign` of BIP-322), of an address of `key`.
    ///
    /// The chain takes simple signatures. A full one holds the same signature where its transaction has the
    /// version and lock times of a simple one; with any other its signature is over another transaction. The
    /// transaction that it spends is the message's, which the verification makes again.
    /// Nothing is verified.
    ///
    /// # Errors
    /// [`PossessionError::NotSimple`] names what a simple signature's transaction does not have, and
    /// [`PossessionError::UnsupportedAddress`] the address of a transaction with a scriptSig.
    pub fn from_full(
        transaction: &Transaction,
        key: &XOnlyPublicKey,
        network: Network,
    ) -> Result<Self, PossessionError> {
        let differs =
            |field, found: String, expected| Err(PossessionError::NotSimple { field, found, expected });
        let ([input], [output]) = (transaction.input.as_slice(), transaction.output.as_slice()) else {
            let counts = format!("{} and {}", transaction.input.len(), transaction.output.len());
            return differs("number of inputs and outputs", counts, "1 and 1");
        };
        if output.value != Amount::ZERO || output.script_pubkey.as_bytes() != [0x6a] {
            let found = format!("{} to {}", output.value, output.script_pubkey);
            return differs("output", found, "0 BTC to an OP_RETURN alone");
        }
        if transaction.version != Version(0) {
            return differs("version", transaction.version.to_string(), "0");
        }
        if transaction.lock_time.to_consensus_u32() != 0 {
            return differs("nLockTime", transaction.lock_time.to_consensus_u32().to_string(), "0");
        }
        if input.previous_output.vout != 0 {
            return differs("output index of its input", input.previous_output.vout.to_string(), "0");
        }
        if input.sequence != Sequence::ZERO {
            return differs("nSequence", input.sequence.to_consensus_u32().to_string(), "0");
        }
        if !input.script_sig.is_empty() {
            // The redeem script of a nested witness program is its only push.
            let redeem = input.script_sig.as_bytes().get(1..).map(Script::from_bytes);
            let nested = redeem.filter(|redeem| redeem.is_witness_program());
            let nested = nested.and_then(|redeem| Address::p2sh(redeem, network).ok());
            return match nested {
                Some(address) => Err(PossessionError::UnsupportedAddress(address)),
                None => differs(
                    "scriptSig",
                    input.script_sig.to_hex_string(),
                    "empty, as P2WPKH and P2TR have it",
                ),
            };
        }
        Self::from_witness(input.witness.clone(), key, network)
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
        let address = parse_address(&address).map_err(PossessionError::BitcoinAddress)?;
        Ok(Self { address: address.assume_checked(), witness: parse_witness(&sig)? })
    }

    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        Bip322Sig { address: self.address.to_string(), sig: self.to_simple() }.encode_to_vec()
    }

    /// Signs deterministically: RFC 6979 for P2WPKH; BIP-340 without auxiliary randomness, and
    /// SIGHASH_DEFAULT, for P2TR. The result is verified: a signature with a fault in it could reveal the
    /// key.
    pub(super) fn create(
        key: &SecretKey,
        text: &str,
        script: Bip322Script,
        network: Network,
    ) -> Result<Self, PossessionError> {
        let (address, witness) = match script {
            Bip322Script::P2wpkh => {
                let public_key = key.lend(|secret| secret.public_key(SECP256K1));
                let address = Address::p2wpkh(&CompressedPublicKey(public_key), network);
                let witness = key.lend(|secret| {
                    let mut private_key = PrivateKey::new(*secret, network);
                    let keys = core::slice::from_ref(&private_key);
                    let witness = bip322::sign_simple(&address, text, keys, None);
                    private_key.inner.non_secure_erase();
                    witness
                });
                (address, witness.map_err(|e| PossessionError::Bip322(e.to_string()))?)
            }
            Bip322Script::P2tr => {
                let address = Address::p2tr(SECP256K1, *key.public_key(), None, network);
                let witness = sign_taproot(key, &address, text)?;
                (address, witness)
            }
        };
        let made = Self { address, witness };
        made.verify(key.public_key(), text).map_err(|_| SignError::Fault)?;
        Ok(made)
    }

    pub(super) fn verify(&self, key: &XOnlyPublicKey, text: &str) -> Result<(), PossessionError> {
        self.check_form(key)?;
        let verdict = match bip322::verify_simple(&self.address, text, self.witness.clone()) {
            Ok(Verification::Valid { .. }) => return Ok(()),
            Ok(Verification::Inconclusive) => PossessionError::Bip322("inconclusive".to_owned()),
            Err(error) => PossessionError::Bip322(error.to_string()),
        };
        Err(self.nested(text).map_or(verdict, PossessionError::UnsupportedAddress))
    }

    /// Returns the nested address of the same key that signed, if it did: its witness has the same form.
    fn nested(&self, text: &str) -> Option<Address> {
        let public_key = CompressedPublicKey::from_slice(self.witness.nth(1)?).ok()?;
        let is_main = self.address.as_unchecked().is_valid_for_network(Network::Bitcoin);
        let network = if is_main { Network::Bitcoin } else { Network::Testnet };
        let nested = Address::p2shwpkh(&public_key, network);
        let verdict = bip322::verify_simple(&nested, text, self.witness.clone());
        matches!(verdict, Ok(Verification::Valid { .. })).then_some(nested)
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

/// Signs the virtual transaction of BIP-322 through the key path.
fn sign_taproot(key: &SecretKey, address: &Address, text: &str) -> Result<Witness, PossessionError> {
    let failed = |e: bip322::Error| PossessionError::Bip322(e.to_string());
    let to_spend = bip322::create_to_spend(address, text).map_err(failed)?;
    let to_sign = bip322::create_to_sign(&to_spend, None, LockParams::default()).map_err(failed)?;
    let signed = sign_key_path(&to_sign, key).map_err(|e| PossessionError::Bip322(e.to_string()))?;
    let signature = signed.inputs.first().and_then(|input| input.tap_key_sig);
    signature.map(|signature| Witness::p2tr_key_spend(&signature)).ok_or(PossessionError::NoSignature)
}

/// Parses a witness and refuses bytes after it, which the reference accepts.
pub(super) fn parse_witness(bytes: &[u8]) -> Result<Witness, PossessionError> {
    encode::deserialize(bytes).map_err(|e| PossessionError::Witness(e.to_string()))
}
