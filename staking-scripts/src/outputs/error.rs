//! The error of keys and a quorum that make no output of the protocol.

use bitcoin::XOnlyPublicKey;

/// The most keys in one `multi_a` (BIP-387): 999.
pub(crate) const MAX_KEYS: usize = 999;

/// The keys and the quorum make no output of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParties {
    /// The quorum is 0.
    #[error("the covenant quorum is 0; must be at least 1, or the staker could spend alone")]
    QuorumZero,
    /// The quorum is above the number of members.
    #[error("the covenant quorum is {quorum}; must be at most {members}, the number of members")]
    QuorumAboveMembers {
        /// The quorum.
        quorum: u16,
        /// The number of members.
        members: usize,
    },
    /// A covenant member's key is given twice.
    #[error("the covenant key {0} is given twice; must be given once")]
    DuplicateMember(XOnlyPublicKey),
    /// There are more covenant members than a script can hold.
    #[error("there are {0} covenant members; must be at most {MAX_KEYS}, which fit a script")]
    TooManyMembers(usize),
    /// No finality provider is given.
    #[error("there is no finality provider; a stake must have at least one")]
    NoFinalityProvider,
    /// There are more finality providers than a script can hold.
    #[error("there are {0} finality providers; must be at most {MAX_KEYS}, which fit a script")]
    TooManyFinalityProviders(usize),
    /// A finality provider is given for two chains.
    #[error("the finality provider {0} is given twice; must be given once")]
    DuplicateProvider(XOnlyPublicKey),
    /// Two finality providers are of the same chain.
    #[error("two finality providers are of the chain {0:?}; each must be of another one")]
    SameChain(String),
    /// A key occurs twice among the staker, the finality providers and the covenant committee.
    #[error(
        "the key {0} stands twice among staker, finality providers and covenant committee; must stand once"
    )]
    DuplicateKey(XOnlyPublicKey),
    /// The scripts make no Taproot output: there are more keys than an interpreter evaluates, about 990. The
    /// reason is the miniscript library's, as text: its errors have no common type.
    #[error("the keys make no Taproot output: {0}")]
    Unscriptable(String),
}
