//! The key of an account.

use core::fmt;

use bech32::{Bech32, Hrp};
use bitcoin::hashes::{Hash as _, hash160, sha256};
use bitcoin::key::Secp256k1;
use bitcoin::secp256k1::{All, Message, PublicKey, SecretKey};
use finality::AccountAddress;

/// The first part of addresses on Babylon Genesis.
const GENESIS_PREFIX: &str = "bbn";

/// The secret key of an account, which pays and is named by its messages. It is wiped when it is dropped.
pub struct AccountKey {
    secret: SecretKey,
    public: PublicKey,
    secp: Secp256k1<All>,
}

impl AccountKey {
    /// Returns the account of a secret key.
    ///
    /// # Errors
    /// The bytes are 0, or not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, bitcoin::secp256k1::Error> {
        let secp = Secp256k1::new();
        let secret = SecretKey::from_slice(bytes)?;
        Ok(Self { public: secret.public_key(&secp), secret, secp })
    }

    /// Returns the public key, compressed.
    pub fn public_key(&self) -> [u8; 33] {
        self.public.serialize()
    }

    /// Returns the account's address on Babylon Genesis: bech32 of RIPEMD-160 of SHA-256 of its public key.
    ///
    /// # Errors
    /// None in truth: every hash of a key is an address.
    pub fn address(&self) -> Result<AccountAddress, finality::InvalidAccountAddress> {
        self.address_on(GENESIS_PREFIX)
    }

    /// Returns the account's address on a chain whose addresses begin with this prefix.
    ///
    /// # Errors
    /// The prefix is none of bech32, or one of Bitcoin's.
    pub fn address_on(&self, prefix: &str) -> Result<AccountAddress, finality::InvalidAccountAddress> {
        let hash = hash160::Hash::hash(&self.public_key());
        let prefix = Hrp::parse(prefix).map_err(|_| finality::InvalidAccountAddress::Length(0))?;
        bech32::encode::<Bech32>(prefix, hash.as_byte_array()).unwrap_or_default().parse()
    }

    /// Signs bytes: ECDSA with a low S over their SHA-256, 64 bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let digest = sha256::Hash::hash(bytes).to_byte_array();
        self.secp.sign_ecdsa(&Message::from_digest(digest), &self.secret).serialize_compact()
    }
}

impl Drop for AccountKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey({})", self.public)
    }
}
