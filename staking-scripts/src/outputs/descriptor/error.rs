//! The error of a text that is no descriptor of the protocol.

use bitcoin::XOnlyPublicKey;
use miniscript::{Error, ParseError, ParseTreeError};

use crate::outputs::error::InvalidParties;
use crate::outputs::output::NUMS_INTERNAL_KEY;
use crate::outputs::timelock::InvalidTimelock;

/// The text is not a descriptor of an output of the protocol.
///
/// Positions count the text's characters from 0. The text there is not repeated: it may be a secret given
/// where a public key belongs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The text does not have the syntax of descriptors (BIP-380). The reason is the miniscript library's, as
    /// text.
    #[error("not a descriptor: {0}")]
    Syntax(String),
    /// The checksum is not that of the descriptor.
    #[error("the descriptor's checksum is wrong: {0}")]
    Checksum(String),
    /// The descriptor is not of the form `tr(KEY,TREE)` (BIP-386).
    #[error("the descriptor is not of the form tr(KEY,TREE)")]
    NotTaproot,
    /// The descriptor is `tr(KEY)`, without a script tree.
    #[error(
        "the descriptor has no script tree; must be tr(KEY,TREE), as nobody can sign for the internal key"
    )]
    NoTree,
    /// The internal key is not the NUMS key, so that somebody may know its secret key and spend the output
    /// alone.
    #[error("the internal key is {0}; must be {NUMS_INTERNAL_KEY}, for which nobody can sign")]
    InternalKey(XOnlyPublicKey),
    /// A key is not one public key: it is an extended key of many, a secret, or something else.
    #[error("the key at position {position} is not a public key, with its origin or without: {reason}")]
    Key {
        /// The position in the text.
        position: usize,
        /// The reason.
        reason: &'static str,
    },
    /// A number is not a whole number in its range.
    #[error("the number at position {position} cannot be used; must be 0 to {most}, without leading zeros")]
    Number {
        /// The position in the text.
        position: usize,
        /// The largest that it may be.
        most: u32,
    },
    /// A branch of the tree does not have two children.
    #[error("the branch at position {position} has {sides} sides; must have 2")]
    Branch {
        /// The position in the text.
        position: usize,
        /// The number of its children.
        sides: usize,
    },
    /// The tree has more leaves than any output of the protocol.
    #[error(
        "the tree has {0} leaves; a staking output must have 3, an unbonding output 2 and a slashing refund output 1"
    )]
    TooManyLeaves(usize),
    /// A leaf is not one of the protocol.
    #[error(
        "the leaf at position {0} is not of the protocol; must be a timelock, unbonding or slashing leaf"
    )]
    Leaf(usize),
    /// A threshold has one key, which the protocol writes without a count; with it, it is another script.
    #[error(
        "the threshold at position {0} has one key only; must be pk(KEY), as multi_a or sortedmulti_a of it is another script"
    )]
    LoneKey(usize),
    /// More than one finality provider would have to sign.
    #[error("the leaf asks for {0} finality providers' signatures; must ask for 1")]
    ProviderThreshold(u16),
    /// The finality providers are not sorted.
    #[error(
        "the finality provider {0} is out of order; keys must be ascending, as in another order it is another script"
    )]
    UnsortedProviders(XOnlyPublicKey),
    /// The covenant committee is not sorted.
    #[error(
        "the covenant key {0} is out of order; keys must be ascending, as in another order it is another script"
    )]
    UnsortedCovenant(XOnlyPublicKey),
    /// The timelock counts time, not blocks (BIP-68).
    #[error("older({0}) counts time, {seconds} seconds; must count blocks", seconds = u64::from(*.0 & 0xffff) << 9)]
    TimelockInTime(u32),
    /// The timelock is not 1 to 65535 blocks.
    #[error(transparent)]
    Timelock(#[from] InvalidTimelock),
    /// The leaves are the protocol's, but the tree is not that of an output.
    #[error(
        "the tree is {0}; must be {{slashing,{{unbonding,timelock}}}}, {{slashing,timelock}} or timelock"
    )]
    Shape(String),
    /// The leaves are of different stakers.
    #[error("the leaves are of different stakers, {0} and {1}; must be of one")]
    Stakers(XOnlyPublicKey, XOnlyPublicKey),
    /// The leaves are of different covenant committees.
    #[error("the unbonding leaf and the slashing leaf are of different covenant committees; must be of one")]
    Committees,
    /// The keys and the quorum make no output of the protocol.
    #[error(transparent)]
    Parties(#[from] InvalidParties),
    /// The leaves are no valid miniscript. The reason is the miniscript library's, as text.
    #[error("the leaves are no valid miniscript: {0}")]
    Miniscript(String),
}

impl DescriptorError {
    /// Returns the error of a text that the miniscript library cannot parse.
    pub(super) fn of_form(error: &Error) -> Self {
        use miniscript::descriptor::checksum::Error as Checksum;
        match error {
            Error::Parse(ParseError::Tree(ParseTreeError::Checksum(Checksum::InvalidCharacter {
                pos,
                ..
            }))) => Self::Syntax(format!("no descriptor has the character at position {pos}")),
            Error::Parse(ParseError::Tree(ParseTreeError::Checksum(error))) => {
                Self::Checksum(error.to_string())
            }
            error => Self::Syntax(error.to_string()),
        }
    }
}
