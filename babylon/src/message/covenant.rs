//! The message of a covenant member.

use ::bitcoin::Txid;
use ::finality::AccountAddress;
use serde_json::json;
use staking_scripts::CovenantSignatures;

use super::{Message, base64};
use crate::proto;

impl Message {
    /// Submits a covenant member's signatures for a stake.
    pub fn add_covenant_signatures(
        signer: &AccountAddress,
        stake: Txid,
        signatures: &CovenantSignatures,
    ) -> Self {
        let CovenantSignatures { unbonding, slashing, unbonding_slashing, extension } = signatures;
        let adaptors = |adaptors: &[eots::AdaptorSignature]| {
            adaptors.iter().map(|adaptor| adaptor.to_bytes().to_vec()).collect::<Vec<_>>()
        };
        let message = proto::MsgAddCovenantSigs {
            signer: signer.to_string(),
            pk: unbonding.member.serialize().to_vec(),
            staking_tx_hash: stake.to_string(),
            slashing_tx_sigs: adaptors(&slashing.signatures),
            unbonding_tx_sig: unbonding.signature.as_ref().to_vec(),
            slashing_unbonding_tx_sigs: adaptors(&unbonding_slashing.signatures),
            stake_expansion_tx_sig: extension
                .as_ref()
                .map(|extension| extension.signature.as_ref().to_vec())
                .unwrap_or_default(),
        };
        let all = |signatures: &[Vec<u8>]| signatures.iter().map(base64).collect::<Vec<_>>();
        let json = json!({
            "signer": message.signer,
            "pk": unbonding.member.to_string(),
            "staking_tx_hash": message.staking_tx_hash,
            "slashing_tx_sigs": all(&message.slashing_tx_sigs),
            "unbonding_tx_sig": base64(&message.unbonding_tx_sig),
            "slashing_unbonding_tx_sigs": all(&message.slashing_unbonding_tx_sigs),
            "stake_expansion_tx_sig": extension.as_ref().map(|_| base64(&message.stake_expansion_tx_sig)),
        });
        Self::new("/babylon.btcstaking.v1.MsgAddCovenantSigs", &message, signer, json)
    }
}
