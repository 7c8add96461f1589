//! Signing contexts: what precedes a signed message, so that a signature for one chain is not valid on
//! another.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};

/// The purpose of a signature; a consumer chain has a signing context for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// A finality provider's proof of possession.
    FinalityProviderPop,
    /// A randomness commitment.
    RandomnessCommitment,
    /// A finality vote.
    FinalityVote,
    /// A staker's proof of possession.
    StakerPop,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::FinalityProviderPop => "fp_pop",
            Self::RandomnessCommitment => "fp_rand_commit",
            Self::FinalityVote => "fp_fin_vote",
            Self::StakerPop => "staker_pop",
        }
    }
}

/// A signing context, which precedes every signed message of a chain: nothing on Babylon Genesis, 64
/// lower-case hex digits, as ASCII text, on a consumer chain.
///
/// The digits are `hex(SHA256("btcstaking/0/{operation}/{chain_id}/{address}"))`, with the address of the
/// module or contract that verifies. A signature made for one operation, chain or contract is not valid for
/// any other, nor is a consumer chain's valid on Babylon Genesis.
///
/// A text that parses is always a consumer chain's context, never that of Babylon Genesis by mistake. With
/// the feature `serde`, Babylon Genesis is null, and left out of votes and evidence.
///
/// ```
/// use finality::{Operation, SigningContext};
///
/// let context = SigningContext::consumer(Operation::FinalityVote, "test-1", "bbn1addr");
/// assert_eq!(context.as_str(), "fc1f4c2b45db3c8fef77227d2b2f16f16c9fdbb5d2ba034936b8a84266774834");
/// assert_eq!(SigningContext::GENESIS.as_str(), "");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningContext(Option<[u8; 64]>);

/// The error of a text that is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signing context; must be 64 lower-case hex digits")]
#[non_exhaustive]
pub struct InvalidSigningContext;

impl SigningContext {
    /// The context of Babylon Genesis, where nothing precedes a message, whatever the operation.
    pub const GENESIS: Self = Self(None);

    /// Returns the context of Babylon Genesis, [`GENESIS`](Self::GENESIS).
    pub const fn genesis() -> Self {
        Self::GENESIS
    }

    /// Returns the context of an operation on a consumer chain, verified by the module or contract at
    /// `address`.
    ///
    /// A contract on Babylon Genesis that verifies for a rollup has the chain id of Babylon Genesis in its
    /// contexts.
    pub fn consumer(operation: Operation, chain_id: &str, address: &str) -> Self {
        let text = format!("btcstaking/0/{}/{chain_id}/{address}", operation.as_str());
        let mut digits = [0; 64];
        // 32 bytes are 64 digits, so this never fails.
        let _encoded = hex::encode_to_slice(Sha256::digest(text), &mut digits);
        Self(Some(digits))
    }

    /// Returns whether this is the context of Babylon Genesis.
    pub const fn is_genesis(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the bytes that precede the message: none on Babylon Genesis, 64 on a consumer chain.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], <[u8; 64]>::as_slice)
    }

    /// Returns the bytes that precede the message as text: empty on Babylon Genesis.
    pub fn as_str(&self) -> &str {
        // Hex digits are always UTF-8.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// For people: the digits, or "Babylon Genesis". What precedes a message is [`SigningContext::as_str`].
impl fmt::Display for SigningContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if self.is_genesis() { "Babylon Genesis" } else { self.as_str() })
    }
}

impl fmt::Debug for SigningContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningContext({self})")
    }
}

impl FromStr for SigningContext {
    type Err = InvalidSigningContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: [u8; 64] = text.as_bytes().try_into().map_err(|_| InvalidSigningContext)?;
        let lower_hex = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if lower_hex { Ok(Self(Some(digits))) } else { Err(InvalidSigningContext) }
    }
}

#[cfg(feature = "serde")]
mod text {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::SigningContext;

    impl Serialize for SigningContext {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            (!self.is_genesis()).then(|| self.as_str()).serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for SigningContext {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match Option::<Cow<'de, str>>::deserialize(deserializer)? {
                None => Ok(Self::GENESIS),
                Some(text) => text.parse().map_err(de::Error::custom),
            }
        }
    }
}
