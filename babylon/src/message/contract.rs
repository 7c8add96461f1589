//! The message that carries what a contract is told.

use finality::AccountAddress;
use serde_json::{Value, json};

use super::Message;
use crate::contract::{ContractMessage, FinalityContract, InvalidContractMessage};
use crate::proto;

impl Message {
    /// Tells a finality contract something, on the chain on which it is.
    ///
    /// # Errors
    /// [`InvalidContractMessage`]: the message is none of this contract's.
    pub fn execute_contract(
        signer: &AccountAddress,
        contract: &FinalityContract,
        message: &ContractMessage,
    ) -> Result<Self, InvalidContractMessage> {
        let text = contract.write(message)?;
        let told: Value = serde_json::from_str(&text).map_err(InvalidContractMessage::Form)?;
        let (sender, address) = (signer.to_string(), contract.address.to_string());
        let json = json!({ "sender": sender, "contract": address, "msg": told, "funds": [] });
        let message = proto::MsgExecuteContract {
            sender,
            contract: address,
            msg: text.into_bytes(),
            funds: Vec::new(),
        };
        Ok(Self::new("/cosmwasm.wasm.v1.MsgExecuteContract", &message, signer, json))
    }
}
