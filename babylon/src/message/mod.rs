//! The messages that transactions of the chain carry.
//!
//! Each is made of the toolkit's own types, and is both the protobuf that is signed and the JSON that
//! `babylond tx sign` takes: keys in hex, other bytes in base64, 64-bit numbers as text.

mod bitcoin;
mod contract;
mod covenant;
mod decimal;
mod finality;
mod provider;
mod stake;

use ::finality::AccountAddress;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

pub use self::bitcoin::CheckpointProof;
pub use self::decimal::{Commission, InvalidCommission};
pub use self::finality::VoteMessageError;
pub use self::provider::{CommissionRates, ProviderDescription};
use crate::proto;

/// A message of the chain.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    type_url: &'static str,
    value: Vec<u8>,
    json: Value,
    signer: AccountAddress,
}

/// It may hold a secret key: its content is not shown.
impl core::fmt::Debug for Message {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Message({}, {} bytes)", self.type_url, self.value.len())
    }
}

impl Message {
    fn new(
        type_url: &'static str,
        message: &impl prost::Message,
        signer: &AccountAddress,
        json: Value,
    ) -> Self {
        Self::of_bytes(type_url, message.encode_to_vec(), signer, json)
    }

    fn of_bytes(type_url: &'static str, value: Vec<u8>, signer: &AccountAddress, json: Value) -> Self {
        let mut with_type = json!({ "@type": type_url });
        if let (Some(all), Value::Object(members)) = (with_type.as_object_mut(), json) {
            all.extend(members);
        }
        Self { type_url, value, json: with_type, signer: signer.clone() }
    }

    /// Pays coins of one kind to another account.
    pub fn send(from: &AccountAddress, to: &AccountAddress, amount: u128, denom: &str) -> Self {
        let (from_address, to_address) = (from.to_string(), to.to_string());
        let coin = json!([{ "denom": denom, "amount": amount.to_string() }]);
        let json = json!({ "from_address": from_address, "to_address": to_address, "amount": coin });
        let amount = vec![proto::Coin { denom: denom.to_owned(), amount: amount.to_string() }];
        let message = proto::MsgSend { from_address, to_address, amount };
        Self::new("/cosmos.bank.v1beta1.MsgSend", &message, from, json)
    }

    /// Returns the name of the message's type.
    pub const fn type_url(&self) -> &'static str {
        self.type_url
    }

    /// Returns the message in protobuf.
    pub fn protobuf(&self) -> &[u8] {
        &self.value
    }

    /// Returns the account that must sign.
    pub const fn signer(&self) -> &AccountAddress {
        &self.signer
    }

    /// Returns the message as JSON, with its type as `@type`.
    pub fn to_json(&self) -> Value {
        self.json.clone()
    }

    pub(crate) fn to_any(&self) -> proto::Any {
        proto::Any { type_url: self.type_url.to_owned(), value: self.value.clone() }
    }
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}
