//! Signing contexts, and the two dialects in which messages are signed.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};

/// What a signature is for, where signing contexts tell that apart.
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

/// The context that precedes every signed message of the consumer dialect: 64 lower-case hex digits, as text.
///
/// `hex(SHA256("btcstaking/0/{operation}/{chain_id}/{address}"))`, with the address of the module or contract
/// that verifies. A signature made for one operation, chain or contract is none for any other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningContext([u8; 64]);

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing context is 64 lower-case hex digits")]
#[non_exhaustive]
pub struct InvalidSigningContext;

impl SigningContext {
    /// The context of an operation on a chain, verified by the module or contract at `address`.
    pub fn new(operation: Operation, chain_id: &str, address: &str) -> Self {
        let text = format!("btcstaking/0/{}/{chain_id}/{address}", operation.as_str());
        let mut digits = [0; 64];
        // 32 bytes are 64 digits, so this never fails.
        let _encoded = hex::encode_to_slice(Sha256::digest(text), &mut digits);
        Self(digits)
    }

    /// The 64 characters that precede the message.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Display for SigningContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
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
        if lower_hex { Ok(Self(digits)) } else { Err(InvalidSigningContext) }
    }
}

/// The dialect of a chain: whether a signing context precedes what is signed.
///
/// A type, so that a vote, a commitment or an evidence of one dialect cannot be taken for one of the other.
/// There are two, and no others can be added: [`Genesis`] and [`Consumer`].
pub trait Dialect: sealed::Sealed + Copy + fmt::Debug + Eq + Ord {
    /// What precedes the message: nothing, or a signing context.
    type Context: Copy + fmt::Debug + Eq + Ord;

    /// The bytes that precede the message.
    fn prefix(context: &Self::Context) -> &[u8];
}

/// What runs today: nothing precedes the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Genesis {}

/// Chains secured through contracts: a [`SigningContext`] precedes the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consumer {}

mod sealed {
    /// Keeps the dialects two.
    pub trait Sealed {}
    impl Sealed for super::Genesis {}
    impl Sealed for super::Consumer {}
}

impl Dialect for Genesis {
    type Context = ();

    fn prefix((): &()) -> &[u8] {
        &[]
    }
}

impl Dialect for Consumer {
    type Context = SigningContext;

    fn prefix(context: &SigningContext) -> &[u8] {
        context.as_bytes()
    }
}
