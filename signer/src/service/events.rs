//! What happens, for logs and metrics.

use std::time::Duration;

use eots::XOnlyPublicKey;
use finality::ConsumerHeight;

use crate::protection::{Lane, Refusal, Verdict};

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A request was answered.
    Answered {
        /// The method.
        method: &'static str,
        /// The client.
        client: &'a str,
        /// The code of the answer.
        code: tonic::Code,
        /// How long it took.
        took: Duration,
    },
    /// A request failed, for a reason that the client is not told.
    Failed {
        /// The method.
        method: &'static str,
        /// The client.
        client: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// A client asked for what it may not do.
    Denied {
        /// The method.
        method: &'static str,
        /// The client.
        client: &'a str,
        /// What it may not.
        reason: &'a str,
    },
    /// A vote was signed.
    Signed {
        /// The lane.
        lane: &'a Lane,
        /// The height.
        height: ConsumerHeight,
        /// The signature, and whether it was there before.
        verdict: &'a Verdict,
    },
    /// A vote was refused by the signing database.
    Refused {
        /// The client.
        client: &'a str,
        /// The lane.
        lane: &'a Lane,
        /// The height.
        height: ConsumerHeight,
        /// The message that is not signed.
        message: &'a [u8],
        /// Why.
        refusal: &'a Refusal,
    },
    /// A vote was refused by a rule, before the signing database was asked.
    RuleRefused {
        /// The client.
        client: &'a str,
        /// The lane; of a digest, without a chain.
        lane: &'a Lane,
        /// The rule's name.
        rule: &'static str,
        /// Why.
        reason: &'a str,
    },
    /// A list of randomness was served.
    Randomness {
        /// The lane.
        lane: &'a Lane,
        /// How many heights.
        count: u32,
        /// The last of them.
        last: ConsumerHeight,
    },
    /// A commitment was signed.
    Committed {
        /// The client.
        client: &'a str,
        /// The lane.
        lane: &'a Lane,
        /// The first height.
        first: ConsumerHeight,
        /// How many heights.
        count: u64,
    },
    /// A proof of possession was signed.
    Possession {
        /// The client.
        client: &'a str,
        /// The key's name.
        key: &'a str,
        /// The public key.
        public_key: &'a XOnlyPublicKey,
    },
    /// A key was unlocked.
    Unlocked {
        /// The client, or the start.
        client: &'a str,
        /// The key's name.
        key: &'a str,
        /// The public key.
        public_key: &'a XOnlyPublicKey,
    },
    /// A key was not unlocked.
    NotUnlocked {
        /// The client.
        client: &'a str,
        /// The key's name.
        key: &'a str,
    },
    /// A key was locked.
    Locked {
        /// The client.
        client: &'a str,
        /// The key's name.
        key: &'a str,
        /// The public key.
        public_key: &'a XOnlyPublicKey,
    },
    /// The signing database was copied.
    BackedUp {
        /// The client.
        client: &'a str,
        /// The copy.
        file: &'a str,
    },
    /// Somebody did not show who he is.
    NotAuthenticated {
        /// The method's path.
        path: &'a str,
        /// The rule's name.
        rule: &'static str,
        /// Why.
        reason: &'a str,
    },
    /// A client asked too often.
    RateExceeded {
        /// The client.
        client: &'a str,
    },
    /// A handler panicked.
    Panicked {
        /// The method's path.
        path: &'a str,
    },
}

/// Who is told what happens. It must not block.
pub trait Observer: Send + Sync {
    /// Takes note of it.
    fn observe(&self, event: &Event<'_>);
}
