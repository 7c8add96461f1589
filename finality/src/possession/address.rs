//! Account addresses.

use core::fmt;
use core::str::FromStr;

use bech32::Bech32;
use bech32::primitives::decode::{CheckedHrpstring, CheckedHrpstringError};

/// The address of an account on Babylon Genesis or on a consumer chain: bech32 of 20 bytes, as the chain
/// writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountAddress {
    text: String,
    bytes: [u8; 20],
}

/// A reason why a text is not an account address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccountAddress {
    /// The text is not bech32, or its checksum is wrong.
    #[error("not an account address, which must be bech32: {}", causes(.0))]
    NotBech32(CheckedHrpstringError),
    /// The text holds another number of bytes than 20.
    #[error("the account address holds {0} bytes; must hold 20")]
    Length(usize),
    /// The text is bech32 in another form than the chain writes; proofs sign the chain's own. A Bitcoin
    /// address is refused here too.
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

impl AccountAddress {
    /// Returns the address as text, which BIP-322 and ECDSA proofs sign.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the 20 bytes of the address, which BIP-340 proofs sign.
    pub fn to_bytes(&self) -> [u8; 20] {
        self.bytes
    }

    /// Returns the human-readable part, which names the chain.
    pub fn prefix(&self) -> &str {
        self.text.rsplit_once('1').map_or("", |(prefix, _)| prefix)
    }
}

impl FromStr for AccountAddress {
    type Err = InvalidAccountAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let checked = CheckedHrpstring::new::<Bech32>(text).map_err(InvalidAccountAddress::NotBech32)?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let length = bytes.len();
        let bytes: [u8; 20] = bytes.try_into().map_err(|_| InvalidAccountAddress::Length(length))?;
        // The decoder takes upper case, and bits that fill no byte.
        // What was short enough to be decoded is short enough to be encoded.
        let canonical = bech32::encode_lower::<Bech32>(checked.hrp(), &bytes).unwrap_or_default();
        if canonical != text {
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
