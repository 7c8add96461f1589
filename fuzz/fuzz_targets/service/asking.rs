//! What may be asked for, and how it is written.

use finality::{ConsumerHeight, VoteMessage};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use prost::Message as _;
use signer::grpc::METHODS;
use signer::wire::{own, reference};

use crate::{CHAINS, KEYS};

/// What is asked for. Chains and keys are numbers of those that there are, or of none.
#[derive(Arbitrary, Debug)]
pub(crate) enum Asking {
    /// Any bytes, of any method; framed as they should be, or not.
    Any {
        method: u8,
        is_framed: bool,
        bytes: Vec<u8>,
    },
    Vote {
        key: u8,
        chain: u8,
        height: Height,
        block: bool,
    },
    /// Over our own interface.
    OwnVote {
        key: u8,
        chain: u8,
        height: Height,
        block: bool,
        range: Option<(u8, u8)>,
    },
    /// A message that is none, or of another height.
    Message {
        chain: u8,
        height: Height,
        message: Vec<u8>,
    },
    Batch {
        key: u8,
        chain: u8,
        votes: Vec<(Height, bool)>,
    },
    List {
        key: u8,
        chain: u8,
        start: Height,
        count: u8,
        interval: Option<u64>,
    },
    Digest {
        key: u8,
        digest: Vec<u8>,
    },
    Commit {
        key: u8,
        chain: u8,
        start: Height,
        count: u8,
    },
    Possession {
        key: u8,
        address: String,
        context: String,
    },
    Unlock {
        key: u8,
        passphrase: String,
        is_own: bool,
    },
    Lock {
        key: u8,
    },
}

/// A height: around the first that is committed, around the last, or any.
#[derive(Arbitrary, Debug, Clone, Copy)]
pub(crate) enum Height {
    First(u8),
    Last(u8),
    Any(u64),
}

impl Height {
    const fn number(self) -> u64 {
        match self {
            Self::First(above) => 97 + (above % 16) as u64,
            Self::Last(above) => 193 + (above % 16) as u64,
            Self::Any(height) => height,
        }
    }
}

fn uid(key: u8) -> Vec<u8> {
    match KEYS.get(usize::from(key % 4)) {
        Some(key) => key.public_key().serialize().to_vec(),
        None => vec![key; 32],
    }
}

fn chain_id(chain: u8) -> Vec<u8> {
    let served = CHAINS.get(usize::from(chain % 4));
    served.map_or_else(|| vec![chain], |served| served.chain.chain_id.clone().into_bytes())
}

fn vote(chain: u8, height: u64, block: bool) -> Vec<u8> {
    let context = CHAINS.get(usize::from(chain % 4)).unwrap_or(&CHAINS[0]).chain.vote_context;
    VoteMessage::new(context, ConsumerHeight(height), [block.into(); 32]).to_bytes()
}

impl Asking {
    /// Returns the path of the method, and the message.
    pub(crate) fn encoded(&self) -> (String, Vec<u8>) {
        let theirs = |method: &str, message: Vec<u8>| (format!("/proto.EOTSManager/{method}"), message);
        let ours = |method: &str, message: Vec<u8>| (format!("/btcstake.signer.v1.Signer/{method}"), message);
        match self {
            Self::Any { method, bytes, .. } => {
                let (number, is_own) = (usize::from(*method) % METHODS.len(), *method >= 128);
                if is_own {
                    ours(METHODS[number], bytes.clone())
                } else {
                    theirs(METHODS[number], bytes.clone())
                }
            }
            Self::Vote { key, chain, height, block } => {
                let height = height.number();
                let (uid, chain_id, msg) = (uid(*key), chain_id(*chain), vote(*chain, height, *block));
                theirs("SignEOTS", reference::SignEotsRequest { uid, chain_id, msg, height }.encode_to_vec())
            }
            Self::Message { chain, height, message } => {
                let (uid, chain_id, msg, height) =
                    (uid(0), chain_id(*chain), message.clone(), height.number());
                theirs("SignEOTS", reference::SignEotsRequest { uid, chain_id, msg, height }.encode_to_vec())
            }
            Self::OwnVote { key, chain, height, block, range } => {
                let served = CHAINS.get(1).filter(|_| *chain % 4 == 1);
                let message = own::VoteRequest {
                    public_key: uid(*key),
                    chain_id: chain_id(*chain),
                    height: height.number(),
                    block_hash: vec![(*block).into(); 32],
                    context: served.map(|served| served.chain.vote_context.to_string()).unwrap_or_default(),
                    commitment: range.map(|(start, count)| self::range(Height::First(start), count)),
                };
                ours("Vote", message.encode_to_vec())
            }
            Self::Batch { key, chain, votes } => {
                let one = |(height, block): &(Height, bool)| {
                    let height = height.number();
                    reference::BatchedVote { msg: vote(*chain, height, *block), height }
                };
                let message = reference::SignBatchEotsRequest {
                    uid: uid(*key),
                    chain_id: chain_id(*chain),
                    sign_requests: votes.iter().take(20).map(one).collect(),
                };
                theirs("SignBatchEOTS", message.encode_to_vec())
            }
            Self::List { key, chain, start, count, interval } => {
                let message = reference::CreateRandomnessPairListRequest {
                    uid: uid(*key),
                    chain_id: chain_id(*chain),
                    start_height: start.number(),
                    num: (*count).into(),
                    interval: *interval,
                };
                theirs("CreateRandomnessPairList", message.encode_to_vec())
            }
            Self::Digest { key, digest } => {
                let message = reference::SignSchnorrSigRequest { uid: uid(*key), msg: digest.clone() };
                theirs("SignSchnorrSig", message.encode_to_vec())
            }
            Self::Commit { key, chain, start, count } => {
                let (public_key, chain_id) = (uid(*key), chain_id(*chain));
                let range = Some(range(*start, *count));
                ours("Commit", own::CommitRequest { public_key, chain_id, range }.encode_to_vec())
            }
            Self::Possession { key, address, context } => {
                let (address, context) = (address.clone(), context.clone());
                let message = own::ProvePossessionRequest { public_key: uid(*key), address, context };
                ours("ProvePossession", message.encode_to_vec())
            }
            Self::Unlock { key, passphrase, is_own } => {
                let (key, passphrase) = (uid(*key), passphrase.clone());
                if *is_own {
                    return ours(
                        "Unlock",
                        own::UnlockRequest { public_key: key, passphrase }.encode_to_vec(),
                    );
                }
                theirs("UnlockKey", reference::UnlockKeyRequest { uid: key, passphrase }.encode_to_vec())
            }
            Self::Lock { key } => ours("Lock", own::LockRequest { public_key: uid(*key) }.encode_to_vec()),
        }
    }
}

fn range(start: Height, count: u8) -> own::Range {
    own::Range { start_height: start.number(), count: count.into() }
}
