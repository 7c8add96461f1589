//! Why a text is no descriptor of the protocol.

use bitcoin::XOnlyPublicKey;
use miniscript::{Error, ParseError, ParseTreeError};

use crate::outputs::committee::InvalidCommittee;
use crate::outputs::output::{NUMS_INTERNAL_KEY, OutputError};
use crate::outputs::parties::InvalidParties;
use crate::outputs::timelock::InvalidTimelock;

/// The text is no descriptor of an output of the protocol.
///
/// Positions count the text's characters from 0. What stands there is not repeated: it may be a secret that
/// somebody put where a public key belongs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// It is not written as descriptors are (BIP-380).
    #[error("not a descriptor: {0}")]
    Syntax(String),
    /// It ends with a checksum that is not its own.
    #[error("the descriptor's checksum is wrong: {0}")]
    Checksum(String),
    /// It is not `tr(KEY,TREE)` (BIP-386): the descriptor of another kind of output.
    #[error("not of the form tr(KEY,TREE)")]
    NotTaproot,
    /// It is `tr(KEY)`, which has no scripts.
    #[error("it has no script tree, so that only the internal key would spend it")]
    NoTree,
    /// The internal key is another one, so that somebody may know the secret key to it and spend the output
    /// alone.
    #[error("the internal key is {0}, where the protocol has {NUMS_INTERNAL_KEY}, for which nobody can sign")]
    InternalKey(XOnlyPublicKey),
    /// A key is not given as scripts have it: an extended key, a compressed one, or none.
    #[error("the key at position {position} is not an x-only key of 64 hex digits: {reason}")]
    Key {
        /// Where in the text.
        position: usize,
        /// What it is instead.
        reason: &'static str,
    },
    /// A number is none, or does not fit.
    #[error("at position {position} a whole number from 0 to {most} is expected, without leading zeros")]
    Number {
        /// Where in the text.
        position: usize,
        /// The most it can be.
        most: u32,
    },
    /// A branch of the tree has not two sides.
    #[error("the branch at position {position} has {sides} sides, where the script tree's branches have 2")]
    Branch {
        /// Where in the text.
        position: usize,
        /// How many it has.
        sides: usize,
    },
    /// There are more leaves than any output of the protocol has.
    #[error("{0} leaves, where a staking output has 3, an unbonding output 2 and a slashing refund output 1")]
    TooManyLeaves(usize),
    /// A leaf is none of the protocol's.
    #[error("the leaf at position {0} is none of the protocol's: timelock, unbonding and slashing")]
    Leaf(usize),
    /// A threshold of one key, which the protocol writes without a count; with it, it is another script.
    #[error(
        "the threshold at position {0} has one key only, which must be written pk(KEY): with a count it is another script"
    )]
    LoneKey(usize),
    /// More than one finality provider would have to sign.
    #[error("{0} finality providers would have to sign, where any 1 must do")]
    ProviderThreshold(u16),
    /// The finality providers are not sorted.
    #[error(
        "the finality provider {0} is out of order: a script has the keys ascending, and in another order it is another script"
    )]
    UnsortedProviders(XOnlyPublicKey),
    /// The covenant committee is not sorted.
    #[error(
        "the covenant key {0} is out of order: a script has the keys ascending, and in another order it is another script"
    )]
    UnsortedCovenant(XOnlyPublicKey),
    /// The timelock counts time, not blocks (BIP-68).
    #[error("older({0}) waits for {seconds} seconds, where the protocol counts blocks", seconds = u64::from(*.0 & 0xffff) << 9)]
    TimelockInTime(u32),
    /// The timelock is not 1 to 65535 blocks.
    #[error(transparent)]
    Timelock(#[from] InvalidTimelock),
    /// The leaves are the protocol's, but not in the place where an output has them.
    #[error(
        "no output has this tree: {0}; they are {{slashing,{{unbonding,timelock}}}}, {{slashing,timelock}} and timelock"
    )]
    Shape(String),
    /// The leaves are of different stakers.
    #[error("the leaves are of different stakers, {0} and {1}")]
    Stakers(XOnlyPublicKey, XOnlyPublicKey),
    /// The leaves are of different covenant committees.
    #[error("the unbonding leaf and the slashing leaf are of different covenant committees")]
    Committees,
    /// The covenant keys and the quorum make no committee.
    #[error(transparent)]
    Committee(#[from] InvalidCommittee),
    /// The keys make no stake.
    #[error(transparent)]
    Parties(#[from] InvalidParties),
    /// There are more keys than a script can evaluate.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The parts are right, but not put together as miniscript has it.
    #[error("the leaves are no valid miniscript: {0}")]
    Miniscript(String),
}

impl DescriptorError {
    /// The error of the text's outer form.
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
