//! Messages about stakes.

use ::bitcoin::consensus::serialize;
use ::bitcoin::{BlockHash, Transaction, Txid};
use ::finality::AccountAddress;
use serde_json::json;
use spv::InclusionProof;
use staking_scripts::delegation::{Delegation, DelegationError, RegistrationMessage};

use super::bitcoin::inclusion;
use super::{Message, base64};
use crate::proto;

impl Message {
    /// Registers a stake, with the proof of its inclusion where the delegation has one. A stake that extends
    /// another needs `funding`, the whole transaction of the coin that its second input spends. The account
    /// that signs is the staker's, which the proof of possession names.
    ///
    /// # Errors
    /// [`DelegationError`] names what the delegation lacks.
    pub fn register_stake(
        delegation: &Delegation,
        funding: Option<&Transaction>,
    ) -> Result<Self, DelegationError> {
        let RegistrationMessage { type_url, protobuf, json, signer, .. } =
            delegation.registration_message(funding)?;
        Ok(Self::of_bytes(type_url, protobuf, &signer, json))
    }

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
