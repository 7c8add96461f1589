//! Messages about stakes.

use ::bitcoin::consensus::serialize;
use ::bitcoin::{BlockHash, Transaction, Txid};
use ::finality::AccountAddress;
use serde_json::json;
use spv::InclusionProof;

use super::bitcoin::inclusion;
use super::{Message, base64};
use crate::proto;

impl Message {
    /// Proves that a stake's transaction is in Bitcoin. A stake that extends another is proven by
    /// [`undelegate`](Self::undelegate) of that one.
    pub fn add_inclusion_proof(
        signer: &AccountAddress,
        stake: Txid,
        block: BlockHash,
        proof: &InclusionProof,
    ) -> Self {
        let (proof, shown) = inclusion(block, proof);
        let message = proto::MsgAddBtcDelegationInclusionProof {
            signer: signer.to_string(),
            staking_tx_hash: stake.to_string(),
            staking_tx_inclusion_proof: Some(proof),
        };
        let json = json!({
            "signer": message.signer,
            "staking_tx_hash": message.staking_tx_hash,
            "staking_tx_inclusion_proof": shown,
        });
        Self::new("/babylon.btcstaking.v1.MsgAddBTCDelegationInclusionProof", &message, signer, json)
    }

    /// Reports that a stake's output was spent: by its unbonding transaction, by an extension, or by any
    /// other. The funding transactions are those whose outputs the spending one spends, whole.
    pub fn undelegate(
        signer: &AccountAddress,
        stake: Txid,
        spending: &Transaction,
        block: BlockHash,
        proof: &InclusionProof,
        funding: &[Transaction],
    ) -> Self {
        let (proof, shown) = inclusion(block, proof);
        let message = proto::MsgBtcUndelegate {
            signer: signer.to_string(),
            staking_tx_hash: stake.to_string(),
            stake_spending_tx: serialize(spending),
            stake_spending_tx_inclusion_proof: Some(proof),
            funding_transactions: funding.iter().map(serialize).collect(),
        };
        let funding: Vec<String> = message.funding_transactions.iter().map(base64).collect();
        let json = json!({
            "signer": message.signer,
            "staking_tx_hash": message.staking_tx_hash,
            "stake_spending_tx": base64(&message.stake_spending_tx),
            "stake_spending_tx_inclusion_proof": shown,
            "funding_transactions": funding,
        });
        Self::new("/babylon.btcstaking.v1.MsgBTCUndelegate", &message, signer, json)
    }
}
