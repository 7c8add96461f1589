//! What exists in the world of a delegation: a node's answers, and the messages that register a stake.
//!
//! Read are JSON, as `babylond query … --output json` and the REST gateway print it, and protobuf:
//!
//! | JSON, found by its members | protobuf, told by [`WireKind`] |
//! |---|---|
//! | `btc_delegation`: one delegation; also without this wrapper | `QueryBTCDelegationResponse` |
//! | `btc_delegations`: a page | `QueryBTCDelegationsResponse` |
//! | `btc_delegator_delegations`: a page of a finality provider's, by staker | `QueryFinalityProviderDelegationsResponse` |
//! | `@type`: one message, or a whole transaction (`tx`, `tx_response`, `body`) | `MsgCreateBTCDelegation`, `MsgBtcStakeExpand`, `Any` |
//!
//! Every form becomes the one structure of protobuf first ([`proto`]), so the rules stand once ([`check`],
//! [`message`]) and paths in errors are the chain's own field names. What is absent has its zero value, as
//! protobuf has it. Unknown fields are passed over: the chain adds some with its upgrades, and a reader that
//! refused them would stop on the day of an upgrade, whereas a known field never changes its meaning.
//!
//! What is read is well formed: keys on the curve, scalars below the group order, transactions that decode,
//! lists that agree. Whether it is a stake, and a good one, is for the delegation to say; nothing is
//! verified.
#![allow(
    dead_code,
    unused_imports,
    reason = "the delegation reads through it, and a crate of the chain writes through it"
)]

mod check;
mod error;
mod fields;
mod json;
mod message;
mod proto;
mod protobuf;
mod unique;
mod value;

#[cfg(test)]
mod tests;

use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, BlockHash, Transaction, TxOut, Txid, XOnlyPublicKey};
use eots::AdaptorSignature;

pub(crate) use error::{Problem, WireError};
pub(crate) use json::{is_wire_json, read_json};
pub(crate) use message::{write_any, write_message};
pub(crate) use protobuf::{WireKind, read_protobuf};

/// The most bytes that are read at once: 16 MiB.
pub(crate) const MAX_INPUT: usize = 16 << 20;

/// The most bytes of one delegation in protobuf: 4 MiB, ten times what the largest relayed transaction needs.
pub(crate) const MAX_DELEGATION: usize = 4 << 20;

/// The most delegations in one page. The chain pages by 100, and by stakers where each may have many.
pub(crate) const MAX_PAGE: usize = 10_000;

/// The most keys in one list, of finality providers or of covenant members: no script has room for so many.
pub(crate) const MAX_KEYS: usize = 1000;

/// A delegation as far as its source tells it; times are in blocks, heights are of Bitcoin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireDelegation {
    /// The staker's key.
    pub(crate) staker: XOnlyPublicKey,
    /// The staker's account on the chain, which gets the rewards.
    pub(crate) staker_address: Option<String>,
    /// The finality providers, at least one, in the order that adaptor signatures follow.
    pub(crate) finality_providers: Vec<XOnlyPublicKey>,
    /// The staking time.
    pub(crate) staking_time_blocks: u32,
    /// The amount of the staking output.
    pub(crate) staking_amount: Amount,
    /// The transaction with the staking output.
    pub(crate) staking_transaction: Transaction,
    /// Where the staking output stands; a message does not tell.
    pub(crate) staking_output_index: Option<u32>,
    /// The version of the parameters that the chain judged by; a message does not tell.
    pub(crate) parameters_version: Option<u32>,
    /// The unbonding time.
    pub(crate) unbonding_time_blocks: u32,
    /// The pre-signed unbonding transaction.
    pub(crate) unbonding_transaction: Option<Transaction>,
    /// The amount of the unbonding output, which only a message states.
    pub(crate) unbonding_amount: Option<Amount>,
    /// The slashing transaction of the staking output.
    pub(crate) slashing_transaction: Option<Transaction>,
    /// The slashing transaction of the unbonding output.
    pub(crate) unbonding_slashing_transaction: Option<Transaction>,
    /// The staker's signature for the slashing transaction.
    pub(crate) staker_slashing_signature: Option<schnorr::Signature>,
    /// The staker's signature for the unbonding output's slashing transaction.
    pub(crate) staker_unbonding_slashing_signature: Option<schnorr::Signature>,
    /// The kind (0 BIP-340, 1 BIP-322, 2 ECDSA) and bytes of the proof of possession, which only a message
    /// has.
    pub(crate) proof_of_possession: Option<(i32, Vec<u8>)>,
    /// What members of the covenant committee signed, in the order of their arrival.
    pub(crate) covenant: Vec<WireCovenantSignatures>,
    /// The running stake that this one extends.
    pub(crate) extends: Option<WireExtension>,
    /// The proof that the staking transaction is in a block, which only a message has.
    pub(crate) inclusion: Option<WireInclusion>,
    /// The block of the staking transaction; `None` when it is unknown, or not included yet.
    pub(crate) start_height: Option<u32>,
    /// The height at which the timelock ends; as `start_height`.
    pub(crate) end_height: Option<u32>,
    /// The status in the chain's words, such as `ACTIVE`.
    pub(crate) status: Option<String>,
    /// What spent the staking output, as far as the chain was told.
    pub(crate) unbonding_spend: Option<WireSpend>,
}

/// All that one covenant member signed for a delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireCovenantSignatures {
    /// The member's key.
    pub(crate) member: XOnlyPublicKey,
    /// For the unbonding transaction.
    pub(crate) unbonding: schnorr::Signature,
    /// For the slashing transaction, one for each finality provider in their order.
    pub(crate) slashing: Vec<AdaptorSignature>,
    /// For the unbonding output's slashing transaction, likewise.
    pub(crate) unbonding_slashing: Vec<AdaptorSignature>,
    /// For the extension transaction's input that spends the running stake; in an extension only.
    pub(crate) extension: Option<schnorr::Signature>,
}

/// The running stake that an extension spends, and the coin that pays for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireExtension {
    /// The running stake's transaction.
    pub(crate) previous_txid: Txid,
    /// The transaction of the second input's coin, which a message has.
    pub(crate) funding_transaction: Option<Transaction>,
    /// The second input's coin, which an answer has.
    pub(crate) funding_output: Option<TxOut>,
}

/// Where a staking transaction is in the Bitcoin chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireInclusion {
    /// The block.
    pub(crate) block_hash: BlockHash,
    /// The transaction's position in the block; the coinbase transaction is 0.
    pub(crate) position: u32,
    /// The Merkle proof: hashes of 32 bytes, from the transactions' row up.
    pub(crate) siblings: Vec<u8>,
}

/// What spent the staking output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WireSpend {
    /// The unbonding transaction of this delegation.
    Unbonding,
    /// Another transaction, such as a slashing or an extension.
    Other(Box<Transaction>),
}

impl WireDelegation {
    /// Returns the id of the staking transaction, under which the chain keeps the delegation.
    pub(crate) fn staking_txid(&self) -> Txid {
        self.staking_transaction.compute_txid()
    }
}

/// Returns the bytes of a block hash in the order of protobuf, which is the order of the header.
fn internal_bytes(hash: &BlockHash) -> Vec<u8> {
    hash.to_byte_array().to_vec()
}
