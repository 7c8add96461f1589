//! Messages about Bitcoin: headers, and checkpoints in its blocks.

use ::bitcoin::block::Header;
use ::bitcoin::consensus::serialize;
use ::bitcoin::hashes::Hash as _;
use ::bitcoin::{BlockHash, Transaction};
use ::finality::AccountAddress;
use serde_json::{Value, json};
use spv::InclusionProof;

use super::{Message, base64};
use crate::proto;

/// One of the two transactions of a checkpoint, with its place in Bitcoin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointProof {
    /// The transaction.
    pub transaction: Transaction,
    /// The proof that the block has it.
    pub inclusion: InclusionProof,
    /// The block's header.
    pub header: Header,
}

impl Message {
    /// Adds headers to the chain's view of Bitcoin, the oldest first.
    pub fn insert_headers(signer: &AccountAddress, headers: &[Header]) -> Self {
        let headers: Vec<Vec<u8>> = headers.iter().map(serialize).collect();
        let shown: Vec<String> = headers.iter().map(hex::encode).collect();
        let message = proto::MsgInsertHeaders { signer: signer.to_string(), headers };
        let json = json!({ "signer": message.signer, "headers": shown });
        Self::new("/babylon.btclightclient.v1.MsgInsertHeaders", &message, signer, json)
    }

    /// Proves that a checkpoint is in Bitcoin, by its two transactions in the order of its parts.
    pub fn insert_checkpoint(signer: &AccountAddress, parts: &[CheckpointProof; 2]) -> Self {
        let proof = |part: &CheckpointProof| {
            let mut transaction = part.transaction.clone();
            transaction.input.iter_mut().for_each(|input| input.witness.clear());
            proto::BtcSpvProof {
                btc_transaction: serialize(&transaction),
                btc_transaction_index: part.inclusion.position(),
                merkle_nodes: part.inclusion.sibling_bytes(),
                confirming_btc_header: serialize(&part.header),
            }
        };
        let message = proto::MsgInsertBtcSpvProof {
            submitter: signer.to_string(),
            proofs: parts.iter().map(proof).collect(),
        };
        let shown = |proof: &proto::BtcSpvProof| {
            json!({
                "btc_transaction": base64(&proof.btc_transaction),
                "btc_transaction_index": proof.btc_transaction_index,
                "merkle_nodes": base64(&proof.merkle_nodes),
                "confirming_btc_header": hex::encode(&proof.confirming_btc_header),
            })
        };
        let proofs: Vec<Value> = message.proofs.iter().map(shown).collect();
        let json = json!({ "submitter": message.submitter, "proofs": proofs });
        Self::new("/babylon.btccheckpoint.v1.MsgInsertBTCSpvProof", &message, signer, json)
    }
}

/// The place of a transaction in a block, as messages of stakes have it.
pub(super) fn inclusion(block: BlockHash, proof: &InclusionProof) -> (proto::InclusionProof, Value) {
    let key = proto::TransactionKey { index: proof.position(), hash: block.to_byte_array().to_vec() };
    let json = json!({
        "key": { "index": proof.position(), "hash": block.to_string() },
        "proof": base64(proof.sibling_bytes()),
    });
    (proto::InclusionProof { key: Some(key), proof: proof.sibling_bytes() }, json)
}
