//! Mnemonics of BIP-39, and the keys that the reference signer derives from them.

use std::fmt;

use eots::SecretKey;
use rand_core::{OsRng, RngCore as _};
use unicode_normalization::is_nfkd;
use zeroize::Zeroizing;

use super::bip32;
use super::hd_path::HdPath;
use super::passphrase::{Passphrase, ask};

/// Far more than 24 words have, with white space between them.
const MAX_BYTES: usize = 4096;

/// An English mnemonic of BIP-39. Neither `Debug` nor an error shows its words, and it is erased when it is
/// dropped.
pub struct Mnemonic(bip39::Mnemonic);

/// The error of a text that is not an English mnemonic. It shows no word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMnemonic {
    /// It is too long.
    #[error("the mnemonic has {length} bytes; must have at most {MAX_BYTES}")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// It has another number of words.
    #[error("the mnemonic has {found} words; must have 12, 15, 18, 21 or 24")]
    WordCount {
        /// How many it has.
        found: usize,
    },
    /// A word is not in the list.
    #[error(
        "word {number} of the mnemonic is not in BIP-39's English list; must be in lower case and in full"
    )]
    UnknownWord {
        /// The word's number, from 1.
        number: usize,
    },
    /// The words do not belong together.
    #[error(
        "the mnemonic's checksum is wrong; must be the words in the order in which they were written down"
    )]
    Checksum,
}

/// The error of a mnemonic that is not typed. It shows no word.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MnemonicPromptError {
    /// There is no terminal, or it cannot be read.
    #[error("cannot ask for the mnemonic on a terminal")]
    Terminal(#[source] std::io::Error),
    /// It is too long.
    #[error("the mnemonic has more than {MAX_BYTES} bytes; must have at most that")]
    TooLong,
    /// It is not text.
    #[error("the mnemonic is not text; must be English words")]
    NotText,
    /// It is another text.
    #[error(transparent)]
    Invalid(#[from] InvalidMnemonic),
}

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no randomness")]
#[non_exhaustive]
pub struct RandomnessError {
    /// What went wrong.
    #[source]
    pub cause: std::io::Error,
}

/// A mnemonic led to no key, which happens once in 2^127 times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("BIP-32 has no key at the HD path of this mnemonic; must be another path or mnemonic")]
#[non_exhaustive]
pub struct DerivationError;

/// The passphrase beside a mnemonic's words, empty unless one is given.
///
/// BIP-39 demands that it is brought into Unicode's NFKD form; wallets and the crate `bip39` do so, the
/// reference signer takes its bytes as they are. From `grün` as keyboards write it the two derive different
/// keys. So [`Self::new`] only takes what is in that form already, all ASCII for instance, where they agree;
/// the key of another passphrase is the reference's with [`Self::verbatim`].
#[derive(Default)]
pub struct Bip39Passphrase(Option<Passphrase>);

/// The error of a BIP-39 passphrase from which the reference and other wallets derive different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the BIP-39 passphrase is not in Unicode's NFKD form; must be, or be taken verbatim, as the reference \
     signer takes it (other wallets derive another key)"
)]
#[non_exhaustive]
pub struct NotNormalized;

impl Bip39Passphrase {
    /// Takes a passphrase in NFKD form.
    ///
    /// # Errors
    /// [`NotNormalized`] when it is in another form.
    pub fn new(passphrase: Passphrase) -> Result<Self, NotNormalized> {
        if !is_nfkd(passphrase.expose()) {
            return Err(NotNormalized);
        }
        Ok(Self::verbatim(passphrase))
    }

    /// Takes the bytes of a passphrase as they are, as the reference signer does. The reference's command
    /// line drops white space around it, which this does not.
    pub const fn verbatim(passphrase: Passphrase) -> Self {
        Self(Some(passphrase))
    }
}

impl Mnemonic {
    /// Generates a mnemonic of 24 words from 32 bytes of the operating system's randomness.
    ///
    /// # Errors
    /// [`RandomnessError`] when the operating system gives none.
    pub fn generate() -> Result<Self, RandomnessError> {
        let failed = |cause: String| RandomnessError { cause: std::io::Error::other(cause) };
        let mut entropy = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(entropy.as_mut_slice()).map_err(|error| failed(error.to_string()))?;
        // Every 32 bytes are a mnemonic.
        bip39::Mnemonic::from_entropy(entropy.as_slice()).map(Self).map_err(|error| failed(error.to_string()))
    }

    /// Reads 12 to 24 English words in lower case, with white space of any kind between and around them, as
    /// it comes from wallets and paper.
    ///
    /// # Errors
    /// [`InvalidMnemonic`] when it is something else: words in upper case or cut to four letters, too.
    pub fn parse(text: &str) -> Result<Self, InvalidMnemonic> {
        if text.len() > MAX_BYTES {
            return Err(InvalidMnemonic::TooLong { length: text.len() });
        }
        bip39::Mnemonic::parse_in_normalized(bip39::Language::English, text).map(Self).map_err(|error| {
            match error {
                bip39::Error::BadWordCount(found) => InvalidMnemonic::WordCount { found },
                bip39::Error::UnknownWord(index) => {
                    InvalidMnemonic::UnknownWord { number: index.saturating_add(1) }
                }
                _ => InvalidMnemonic::Checksum,
            }
        })
    }

    /// Asks for a mnemonic on the terminal, without showing what is typed. It may be in several lines, as it
    /// is pasted: 24 words are the whole of it, fewer with an empty line after them, as half of a longer one
    /// may be a mnemonic too.
    ///
    /// # Errors
    /// [`MnemonicPromptError`] when there is no terminal, or what is typed is not a mnemonic.
    pub fn prompt(question: &str) -> Result<Self, MnemonicPromptError> {
        let is_whole = |typed: &[u8]| {
            let words = typed.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let lines = typed.strip_suffix(b"\n").unwrap_or(typed);
            let last = lines.rsplit(|&byte| byte == b'\n').next().unwrap_or(lines);
            words.count() >= 24 || last.trim_ascii().is_empty()
        };
        let typed = ask(question, &is_whole).map_err(MnemonicPromptError::Terminal)?;
        let typed = typed.ok_or(MnemonicPromptError::TooLong)?;
        let text = std::str::from_utf8(&typed).map_err(|_| MnemonicPromptError::NotText)?;
        Ok(Self::parse(text)?)
    }

    /// Returns the words with spaces between them, to be written down; nothing redacts them any more.
    pub fn words(&self) -> Zeroizing<String> {
        // The room is there from the start: a text that grows would leave a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES));
        for word in self.0.words() {
            let gap = if text.is_empty() { "" } else { " " };
            text.extend([gap, word]);
        }
        text
    }

    /// Derives the secret key at a path: with the empty path BIP-32's master key itself, as the reference
    /// signer does. It is the reference's key for every mnemonic, passphrase and path.
    ///
    /// # Errors
    /// [`DerivationError`] when there is no key, which nobody has seen.
    pub fn derive(&self, passphrase: &Bip39Passphrase, path: &HdPath) -> Result<SecretKey, DerivationError> {
        let passphrase = passphrase.0.as_ref().map_or("", Passphrase::expose);
        // It takes the bytes as they are.
        let seed = Zeroizing::new(self.0.to_seed_normalized(passphrase));
        bip32::derive(&seed, path).ok_or(DerivationError)
    }
}

impl fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mnemonic(..)")
    }
}

impl fmt::Debug for Bip39Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bip39Passphrase(..)")
    }
}
