//! Why a client's request is not served.

use eots::XOnlyPublicKey;
use finality::{InvalidCommitment, InvalidVoteMessage, NotAGenesisAddress};

use super::keys::UnlockFailure;
use super::lists::MOST_IN_LIST;
use super::votes::MOST_IN_BATCH;
use crate::auth::RateExceeded;
use crate::node::NodeError;
use crate::protection::StoreError;
use crate::session::SessionError;

/// A request is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The client may not do this.
    #[error("the client {client} is not allowed: {what}")]
    NotAllowed {
        /// The client's name.
        client: String,
        /// What it asked for.
        what: &'static str,
    },
    /// The bytes are no public key.
    #[error("the key has {found} bytes that are no BIP-340 public key; must be the 32 bytes of one")]
    InvalidKey {
        /// The number of bytes.
        found: usize,
    },
    /// The signer has no such key.
    #[error("EOTS key name not found: there is no key {0} here")]
    UnknownKey(XOnlyPublicKey),
    /// The signer has the key already.
    #[error("EOTS key name already exists: {0}")]
    KnownKey(XOnlyPublicKey),
    /// The chain is not configured.
    #[error("the chain {0} is not configured; votes are signed on configured chains alone")]
    UnknownChain(String),
    /// The key is locked.
    #[error("the key {0} is locked; must be unlocked first")]
    Locked(String),
    /// The message is no vote.
    #[error("only votes are signed")]
    NotAVote(#[from] InvalidVoteMessage),
    /// The vote is for another height.
    #[error("the message votes at height {found}; must be at {height}, that of the request")]
    OtherHeight {
        /// The height in the message.
        found: u64,
        /// The height of the request.
        height: u64,
    },
    /// The vote is for another hash than the chain's own node has.
    #[error("the vote at height {height} is for {found}; the chain's own node has {expected} there")]
    OtherHash {
        /// The height.
        height: u64,
        /// The hash that is voted for, in hex.
        found: String,
        /// What the node has, in hex.
        expected: String,
    },
    /// The chain's own node does not say what is voted for.
    #[error("the vote cannot be compared with the chain's own node")]
    Node(#[source] NodeError),
    /// The chain's own node is asked by too many, or has just failed to answer.
    #[error("the chain's own node is slow to answer: the vote is not compared with it; ask again")]
    NodeBusy,
    /// The block's hash has another length.
    #[error("the {what} has {found} bytes; must have {expected}")]
    Length {
        /// What it is.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// The text is no signing context.
    #[error("the context is not a signing context; must be empty or 64 lower-case hex digits")]
    InvalidContext,
    /// The account cannot be read.
    #[error("the account {0:?} is not valid")]
    InvalidAddress(String, #[source] finality::InvalidAccountAddress),
    /// The account is of another chain than the signing context.
    #[error(transparent)]
    OtherAddress(#[from] NotAGenesisAddress),
    /// The signing context of a proof of possession is of no configured chain.
    #[error("the signing context {0} is of no configured chain's proofs of possession")]
    OtherPossessionContext(finality::SigningContext),
    /// Nobody was served a list with this digest.
    #[error(
        "the digest is of no list of randomness that was just served; digests of anything else are not signed"
    )]
    UnknownDigest,
    /// A list has too many heights for one answer.
    #[error("the list has {found} heights; must have at most {MOST_IN_LIST}, which fit one answer")]
    ListTooLong {
        /// The number of heights.
        found: u32,
    },
    /// A list ends above the last height.
    #[error("the list of {count} heights from {start} on ends above 2^64 - 1; must end there or below")]
    ListOverflow {
        /// The first height.
        start: u64,
        /// The number of heights.
        count: u32,
    },
    /// The interval is 0.
    #[error("the interval is 0; must be 1 or more")]
    NoInterval,
    /// Too many heights are being derived for this client.
    #[error("too many heights are being derived for the client {0}; must wait for its other lists")]
    Outstanding(String),
    /// A batch has a height twice.
    #[error("duplicate height in batch: duplicate height detected: {0}")]
    DuplicateHeight(u64),
    /// A batch has too many votes.
    #[error("the batch has {found} votes; must have at most {MOST_IN_BATCH}")]
    BatchTooLong {
        /// The number of votes.
        found: usize,
    },
    /// More backups than the limit.
    #[error("more backups than the limit")]
    BackupRate(#[source] RateExceeded),
    /// Others are trying passphrases.
    #[error("other passphrases are being tried; must wait for them")]
    Unlocking,
    /// The text of an account is too long.
    #[error("the account has {found} bytes; must have at most 128")]
    LongAddress {
        /// The number of bytes.
        found: usize,
    },
    /// More votes than the limit of a key on a chain.
    #[error("more votes than the limit of this key on this chain")]
    VoteRate(#[source] RateExceeded),
    /// The signer refused, or failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The key is not unlocked.
    #[error("the key {name} is not unlocked")]
    Unlock {
        /// The key's name.
        name: String,
        /// Why.
        #[source]
        cause: UnlockFailure,
    },
    /// The folder of a backup is not named.
    #[error(
        "the backup's folder is {0:?}; must be an absolute path, of a folder that is there or whose name has no point"
    )]
    BackupFolder(String),
    /// The database's path is not given, which the reference asks for.
    #[error("db path must be provided")]
    NoDatabasePath,
    /// The backup failed.
    #[error("the backup failed")]
    Backup(#[source] StoreError),
    /// Whoever asks wants a signature without a record.
    #[error("UnsafeSignEOTS does not exist here: nothing is signed without a record")]
    NoUnsafeSigning,
    /// The signing database is not copied by the signer.
    #[error("the signing database is backed up by its own server")]
    NoBackup,
    /// The signer is stopping.
    #[error("the signer is stopping")]
    Stopped,
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::Session(error.into())
    }
}

impl From<InvalidCommitment> for ServiceError {
    fn from(error: InvalidCommitment) -> Self {
        Self::Session(error.into())
    }
}
