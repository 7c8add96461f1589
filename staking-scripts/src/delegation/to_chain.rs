//! The message that registers a stake with Babylon Genesis.

use bitcoin::Transaction;
use finality::AccountAddress;
use serde_json::Value;

use super::data::{Delegation, PresignedSlashing};
use super::error::DelegationError;
use super::included::StakeInclusion;
use crate::possession::PopType;
use crate::wire::{
    Problem, WireDelegation, WireError, WireExtension, WireInclusion, WrittenMessage, write_message,
};

/// A message that registers a stake: `MsgCreateBTCDelegation`, or `MsgBtcStakeExpand` of a stake that extends
/// another.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RegistrationMessage {
    /// The name of its type.
    pub type_url: &'static str,
    /// Its protobuf.
    pub protobuf: Vec<u8>,
    /// Its JSON, as `babylond` writes it, without the name of the type.
    pub json: Value,
    /// The staker's account, which signs the transaction.
    pub signer: AccountAddress,
}

impl Delegation {
    /// Returns the message that registers the stake with Babylon Genesis, with the proof of its inclusion
    /// where the delegation has one. An extension needs `funding`, the whole transaction of the coin that its
    /// second input spends.
    ///
    /// No rule of stakes is checked: see [`check`](Self::check).
    ///
    /// # Errors
    /// [`DelegationError::Registration`] names what the delegation lacks, or what an extension cannot have.
    pub fn registration_message(
        &self,
        funding: Option<&Transaction>,
    ) -> Result<RegistrationMessage, DelegationError> {
        let WrittenMessage { type_url, protobuf, json } =
            write_message(&self.to_wire(funding)).map_err(unwritable)?;
        let possession = self.proof_of_possession.as_ref();
        let (message, _) = possession.ok_or_else(|| unwritable(WireError::field("pop", Problem::Missing)))?;
        let signer = message.address().clone();
        Ok(RegistrationMessage { type_url, protobuf, json, signer })
    }

    fn to_wire(&self, funding: Option<&Transaction>) -> WireDelegation {
        let (address, possession) =
            self.proof_of_possession.as_ref().map_or((None, None), |(message, proof)| {
                let kind = match proof.proof_type() {
                    PopType::Bip340 => 0,
                    PopType::Bip322 => 1,
                    PopType::Ecdsa => 2,
                };
                (Some(message.address().to_string()), Some((kind, proof.signature_bytes())))
            });
        let transaction = |slashing: &Option<PresignedSlashing>| {
            slashing.as_ref().map(|slashing| unsigned(&slashing.transaction))
        };
        let signature = |slashing: &Option<PresignedSlashing>| {
            slashing.as_ref().and_then(|slashing| slashing.staker_signature)
        };
        let unbonding = self.unbonding_transaction.as_ref().map(unsigned);
        WireDelegation {
            staker: self.staker,
            staker_address: address,
            finality_providers: self.staked_to.keys(),
            staking_time_blocks: self.staking_time_blocks,
            staking_amount: self.staking_amount,
            staking_transaction: self.staking_transaction.clone(),
            staking_output_index: None,
            parameters_version: None,
            unbonding_time_blocks: self.unbonding_time_blocks,
            unbonding_amount: unbonding.as_ref().and_then(|unbonding| Some(unbonding.output.first()?.value)),
            unbonding_transaction: unbonding,
            slashing_transaction: transaction(&self.slashing),
            unbonding_slashing_transaction: transaction(&self.unbonding_slashing),
            staker_slashing_signature: signature(&self.slashing),
            staker_unbonding_slashing_signature: signature(&self.unbonding_slashing),
            proof_of_possession: possession,
            covenant: Vec::new(),
            extends: self.extends.as_ref().map(|extends| WireExtension {
                previous_txid: extends.txid,
                funding_transaction: funding.cloned(),
                funding_output: None,
            }),
            inclusion: self.inclusion.as_ref().and_then(inclusion),
            start_height: None,
            end_height: None,
            status: None,
            unbonding_spend: None,
        }
    }
}

fn unwritable(error: WireError) -> DelegationError {
    DelegationError::Registration { path: error.path().map(str::to_owned), cause: error.into() }
}

fn inclusion(inclusion: &StakeInclusion) -> Option<WireInclusion> {
    let StakeInclusion { proof, headers, .. } = inclusion;
    Some(WireInclusion {
        block_hash: headers.first()?.block_hash(),
        position: proof.position(),
        siblings: proof.sibling_bytes(),
    })
}

/// What the chain verifies signatures of has none of its own.
fn unsigned(transaction: &Transaction) -> Transaction {
    let mut unsigned = transaction.clone();
    unsigned.input.iter_mut().for_each(|input| input.witness.clear());
    unsigned
}
