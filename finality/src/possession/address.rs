//! Account addresses.

use core::fmt;
use core::str::FromStr;

use bech32::Bech32;
use bech32::primitives::decode::{
    CharError, CheckedHrpstring, CheckedHrpstringError, ChecksumError, UncheckedHrpstringError,
};

/// The address of an account on Babylon Genesis or on a consumer chain: bech32 of 20 bytes, or of 32, as
/// contracts and interchain accounts have.
///
/// The text is read in lower or upper case, not mixed (BIP-173), and kept in lower case, as the chain writes
/// it and proofs sign it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountAddress {
    text: String,
    bytes: Vec<u8>,
}

/// A reason why a text is not an account address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccountAddress {
    /// The text is not bech32.
    #[error("not an account address, which must be bech32: {}", causes(.0))]
    NotBech32(CheckedHrpstringError),
    /// The text is bech32 with a character too many, too few or changed.
    #[error("the account address is mistyped: {}; must be as the chain writes it", mistake(.0))]
    Mistyped(CheckedHrpstringError),
    /// The text is a SegWit address, of Bitcoin or a chain like it.
    #[error("a SegWit address ({0}1…) is given; must be an account's, bbn1… on Babylon Genesis")]
    SegwitAddress(String),
    /// The text holds another number of bytes than 20 or 32.
    #[error("the account address holds {0} bytes; must hold 20, or 32 of a contract or interchain account")]
    Length(usize),
    /// The text is bech32 in another form than the chain writes, which refuses it.
    #[error("not the account address as the chain writes it; must be {0}")]
    NotCanonical(String),
}

/// Returns an error and its causes as text.
fn causes(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Returns what is mistyped.
fn mistake(error: &CheckedHrpstringError) -> String {
    match error {
        CheckedHrpstringError::Parse(UncheckedHrpstringError::Char(CharError::InvalidChar(found))) => {
            format!("no address has {found:?} at that place")
        }
        _ => "its checksum is wrong".to_owned(),
    }
}

/// Returns the error of a text that is not bech32.
fn refused(text: &str, error: CheckedHrpstringError) -> InvalidAccountAddress {
    // Taproot addresses have another checksum (BIP-350), which is not a mistake.
    if let Ok((prefix, _, _)) = bech32::segwit::decode(text) {
        return InvalidAccountAddress::SegwitAddress(prefix.to_lowercase());
    }
    let is_mistyped = match &error {
        CheckedHrpstringError::Checksum(ChecksumError::InvalidResidue) => true,
        // Only one that begins as an address does.
        CheckedHrpstringError::Parse(UncheckedHrpstringError::Char(CharError::InvalidChar(_))) => {
            text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("bbn1"))
        }
        _ => false,
    };
    if is_mistyped { InvalidAccountAddress::Mistyped(error) } else { InvalidAccountAddress::NotBech32(error) }
}

impl AccountAddress {
    /// Returns the address as text in lower case, which BIP-322 and ECDSA proofs sign.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the 20 or 32 bytes of the address, which BIP-340 proofs sign.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the human-readable part, which names the chain.
    pub fn prefix(&self) -> &str {
        self.text.rsplit_once('1').map_or("", |(prefix, _)| prefix)
    }
}

impl FromStr for AccountAddress {
    type Err = InvalidAccountAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|error| refused(text, error))?;
        // No account is one too: its bytes are no witness program of their length.
        if let Ok((prefix, _, _)) = bech32::segwit::decode(text) {
            return Err(InvalidAccountAddress::SegwitAddress(prefix.to_lowercase()));
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        if !matches!(bytes.len(), 20 | 32) {
            return Err(InvalidAccountAddress::Length(bytes.len()));
        }
        // The decoder takes bits that fill no byte, which the chain refuses.
        // What was short enough to be decoded is short enough to be encoded.
        let canonical = bech32::encode_lower::<Bech32>(checked.hrp(), &bytes).unwrap_or_default();
        if canonical != text.to_ascii_lowercase() {
            return Err(InvalidAccountAddress::NotCanonical(canonical));
        }
        Ok(Self { text: canonical, bytes })
    }
}

impl fmt::Display for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AccountAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountAddress({self})")
    }
}
