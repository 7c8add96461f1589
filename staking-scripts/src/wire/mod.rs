//! The JSON and protobuf of Babylon Genesis for delegations: a node's responses, and the messages that
//! register a stake.
//!
//! Both JSON, as `babylond query … --output json` and the REST gateway print it, and protobuf are read:
//!
//! | JSON, found by its members | protobuf, told by [`WireKind`] |
//! |---|---|
//! | `btc_delegation`: one delegation; also without this wrapper | `QueryBTCDelegationResponse` |
//! | `btc_delegations`: a page | `QueryBTCDelegationsResponse` |
//! | `btc_delegator_delegations`: a page of a finality provider's, by staker | `QueryFinalityProviderDelegationsResponse` |
//! | `@type`: one message, or a whole transaction (`tx`, `tx_response`, `body`) | `MsgCreateBTCDelegation`, `MsgBtcStakeExpand`, `Any` |
//!
//! Every form is converted to the structures of protobuf first ([`proto`]), so the rules are written once
//! ([`check`], [`message`]) and paths in errors have the chain's field names. An absent field has its zero
//! value, as in protobuf. Unknown fields are ignored: the chain adds fields in upgrades, and a reader that
//! refused them would fail from an upgrade on; a known field never changes its meaning.
//!
//! What is read is well formed: keys on the curve, scalars below the group order, transactions that decode,
//! lists that agree. No signature is verified, and no rule of stakes is checked here.

mod check;
mod error;
mod fields;
mod json;
mod message;
mod proto;
mod protobuf;
mod value;
mod write;

#[cfg(test)]
mod tests;

use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, BlockHash, Transaction, TxOut, Txid, XOnlyPublicKey};
use eots::AdaptorSignature;

pub(crate) use error::{Problem, WireError};
pub(crate) use json::{TOP_MEMBERS, read_json};
pub(crate) use protobuf::{WireKind, read_protobuf};
pub(crate) use write::{WrittenMessage, write_message};

/// The largest input in bytes: 16 MiB.
pub(crate) const MAX_INPUT: usize = 16 << 20;

/// The largest size of one delegation in protobuf in bytes: 4 MiB, ten times that of the largest relayed
/// transaction.
pub(crate) const MAX_DELEGATION: usize = 4 << 20;

/// The largest number of delegations in one page. The chain has 100 entries in a page; by staker, each entry
/// may have many delegations.
pub(crate) const MAX_PAGE: usize = 10_000;

/// The largest number of keys in one list, of finality providers or of covenant members: no script can hold
/// more.
pub(crate) const MAX_KEYS: usize = 1000;

/// A delegation with the parts that its source has; times are in blocks, heights are of Bitcoin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireDelegation {
    /// The staker's key.
    pub(crate) staker: XOnlyPublicKey,
    /// The staker's account on Babylon Genesis, which receives the rewards.
    pub(crate) staker_address: Option<String>,
    /// The finality providers' keys, at least one, in the order that adaptor signatures follow.
    pub(crate) finality_providers: Vec<XOnlyPublicKey>,
    /// The staking time in blocks.
    pub(crate) staking_time_blocks: u32,
    /// The amount of the staking output.
    pub(crate) staking_amount: Amount,
    /// The transaction with the staking output.
    pub(crate) staking_transaction: Transaction,
    /// The index of the staking output; a message does not have it.
    pub(crate) staking_output_index: Option<u32>,
    /// The parameters version that the chain checked it against; a message does not have it.
    pub(crate) parameters_version: Option<u32>,
    /// The unbonding time in blocks.
    pub(crate) unbonding_time_blocks: u32,
    /// The pre-signed unbonding transaction.
    pub(crate) unbonding_transaction: Option<Transaction>,
    /// The amount of the unbonding output, which only a message has.
    pub(crate) unbonding_amount: Option<Amount>,
    /// The slashing transaction of the staking output.
    pub(crate) slashing_transaction: Option<Transaction>,
    /// The slashing transaction of the unbonding output.
    pub(crate) unbonding_slashing_transaction: Option<Transaction>,
    /// The staker's signature over the slashing transaction of the staking output.
    pub(crate) staker_slashing_signature: Option<schnorr::Signature>,
    /// The staker's signature over the slashing transaction of the unbonding output.
    pub(crate) staker_unbonding_slashing_signature: Option<schnorr::Signature>,
    /// The type (0 BIP-340, 1 BIP-322, 2 ECDSA) and bytes of the proof of possession, which only a message
    /// has.
    pub(crate) proof_of_possession: Option<(i32, Vec<u8>)>,
    /// The signatures of covenant members, in the chain's order.
    pub(crate) covenant: Vec<WireCovenantSignatures>,
    /// The running stake that this one extends.
    pub(crate) extends: Option<WireExtension>,
    /// The Merkle proof that the staking transaction is in a block, which only a message has.
    pub(crate) inclusion: Option<WireInclusion>,
    /// The height of the block with the staking transaction; `None` when it is unknown, or not included yet.
    pub(crate) start_height: Option<u32>,
    /// The height at which the staking time ends; `None` as for `start_height`.
    pub(crate) end_height: Option<u32>,
    /// The status with the chain's name, such as `ACTIVE`.
    pub(crate) status: Option<String>,
    /// The transaction that spent the staking output, if one was reported to the chain.
    pub(crate) unbonding_spend: Option<WireSpend>,
}

/// All signatures of one covenant member for a delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireCovenantSignatures {
    /// The member's key.
    pub(crate) member: XOnlyPublicKey,
    /// The signature over the unbonding transaction.
    pub(crate) unbonding: schnorr::Signature,
    /// The adaptor signatures over the slashing transaction of the staking output, one for each finality
    /// provider in their order.
    pub(crate) slashing: Vec<AdaptorSignature>,
    /// The adaptor signatures over the slashing transaction of the unbonding output, in the same way.
    pub(crate) unbonding_slashing: Vec<AdaptorSignature>,
    /// The signature over the extension, for its input that spends the running stake; only for an extension.
    pub(crate) extension: Option<schnorr::Signature>,
}

/// The running stake that an extension spends, and the coin that funds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireExtension {
    /// The id of the running stake's transaction.
    pub(crate) previous_txid: Txid,
    /// The transaction of the second input's coin, which only a message has.
    pub(crate) funding_transaction: Option<Transaction>,
    /// The second input's coin, which only a response has.
    pub(crate) funding_output: Option<TxOut>,
}

/// The position of a staking transaction in the Bitcoin chain, with its Merkle proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireInclusion {
    /// The hash of the block.
    pub(crate) block_hash: BlockHash,
    /// The transaction's position in the block; the coinbase transaction is 0.
    pub(crate) position: u32,
    /// The siblings of the Merkle proof: hashes of 32 bytes, from the transactions up.
    pub(crate) siblings: Vec<u8>,
}

/// The transaction that spent the staking output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WireSpend {
    /// The unbonding transaction of this delegation.
    Unbonding,
    /// Another transaction, such as a slashing or an extension.
    Other(Box<Transaction>),
}

impl WireDelegation {
    /// Returns the id of the staking transaction, under which the chain keeps the delegation.
    #[cfg(test)]
    pub(crate) fn staking_txid(&self) -> Txid {
        self.staking_transaction.compute_txid()
    }
}

/// Returns the bytes of a block hash in internal byte order, as protobuf and the header have it.
fn internal_bytes(hash: &BlockHash) -> Vec<u8> {
    hash.to_byte_array().to_vec()
}
