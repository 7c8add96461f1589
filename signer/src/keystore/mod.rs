//! A keystore: secret keys of finality providers in files that are encrypted with a passphrase.
//!
//! It is a folder that its owner alone may enter (mode 0700), with two files for each key:
//!
//! | file | what it holds |
//! |---|---|
//! | `NAME.age` | the secret key, encrypted with a passphrase (mode 0600) |
//! | `NAME.pub` | the BIP-340 x-only public key: 64 hex digits, to list keys without a passphrase |
//!
//! `NAME.age` is a file of the standard `age` format with one passphrase (scrypt) recipient, in its text
//! ("armored") form, which survives paper, clipboards and configuration systems; the binary form is read as
//! well. `age -d NAME.age` shows
//!
//! ```text
//! {
//!   "kind": "btcstake-eots-key",
//!   "version": 1,
//!   "public_key": "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f",
//!   "secret_key": "…64 hex digits…"
//! }
//! ```
//!
//! and a file of this content that `age -p` encrypts is a key. The public key inside must be the secret
//! key's, and `NAME.pub`, where it is there, must be the same: a file under the wrong name is refused, not
//! signed with. A lost `NAME.pub` is written again by hand.
//!
//! A key is written under another name first, synced, and then linked to its own: no existing file is ever
//! overwritten, and a process that is killed leaves either a whole key or none. What it leaves besides is
//! named by [`Keystore::list`], and never removed: it may be the only copy of a key.
//!
//! Keys come from [`Mnemonic`]s, from [hex](secret_key_from_hex) and from the reference signer's
//! [keyring](CosmosKeyring). All three give the keys that the reference signer gives.

mod bip32;
mod cosmos;
mod files;
mod hd_path;
mod hex_key;
mod mnemonic;
mod name;
mod passphrase;
mod plaintext;
mod sealed;
mod store;

pub use cosmos::{CosmosKeyring, JweError, KeyringError, RecordError};
pub use files::PrivateFileError;
#[cfg(feature = "daemon")]
pub(crate) use files::{read_credential, read_private, read_public};
pub use hd_path::{HdPath, InvalidHdPath};
pub use hex_key::{
    InvalidSecretHex, SecretFileError, read_secret_key, secret_key_from_hex, secret_key_to_hex,
};
pub use mnemonic::{
    Bip39Passphrase, DerivationError, InvalidMnemonic, Mnemonic, MnemonicPromptError, NotNormalized,
    RandomnessError,
};
pub use name::{InvalidKeyName, KeyName};
pub use passphrase::{InvalidPassphrase, Passphrase, PassphraseError};
pub use plaintext::ContentError;
pub use sealed::{InvalidWorkFactor, UnsealError, WorkFactor};
pub use store::{
    AddError, FolderError, Keystore, ListError, ListedKey, Listing, OtherFile, PublicKeyError, UnlockError,
    Unlocked,
};

#[cfg(test)]
#[cfg(unix)]
mod tests;
