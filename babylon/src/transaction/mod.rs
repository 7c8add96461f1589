//! Transactions of the chain, signed by one account (`SIGN_MODE_DIRECT` of the Cosmos SDK).

mod fee;
mod key;

use bitcoin::hashes::{Hash as _, sha256};
use prost::Message as _;
use serde_json::{Value, json};

pub use self::fee::{Fee, GasPrice, InvalidGasPrice};
pub use self::key::AccountKey;
use crate::message::Message;
use crate::proto::{
    self, AuthInfo, ModeInfo, SIGN_MODE_DIRECT, SignDoc, SignerInfo, SingleMode, TxBody, TxRaw,
};

/// A transaction that nobody has signed yet: messages that are executed in order, all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The messages; each names the account that signs.
    pub messages: Vec<Message>,
    /// A text that goes with them.
    pub memo: String,
    /// The last height at which it is executed; 0 is no bound.
    pub timeout_height: u64,
}

/// Where an account stands on its chain: what a signature is bound to, so that it is executed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// The chain's id.
    pub chain_id: String,
    /// The account's number.
    pub number: u64,
    /// How many transactions it has had executed.
    pub sequence: u64,
}

/// A transaction that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTransaction {
    bytes: Vec<u8>,
}

impl SignedTransaction {
    /// Returns the bytes that are broadcast, a `TxRaw`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the hash that the chain knows it by: SHA-256 of the bytes.
    pub fn hash(&self) -> [u8; 32] {
        sha256::Hash::hash(&self.bytes).to_byte_array()
    }
}

impl Transaction {
    /// Returns a transaction with these messages, without memo and without a last height.
    pub const fn new(messages: Vec<Message>) -> Self {
        Self { messages, memo: String::new(), timeout_height: 0 }
    }

    /// Signs the transaction.
    pub fn sign(&self, key: &AccountKey, account: &AccountState, fee: &Fee) -> SignedTransaction {
        let doc = self.sign_doc(key.public_key(), account, fee);
        let signature = key.sign(&doc.encode_to_vec());
        raw(doc, signature.to_vec())
    }

    /// Returns the transaction with a signature of zeros, whose gas a node estimates.
    pub fn unsigned_for_simulation(&self, key: &AccountKey, account: &AccountState, fee: &Fee) -> Vec<u8> {
        raw(self.sign_doc(key.public_key(), account, fee), vec![0; 64]).bytes
    }

    /// Returns the bytes that a signature is over, a `SignDoc`.
    pub fn sign_bytes(&self, key: &AccountKey, account: &AccountState, fee: &Fee) -> Vec<u8> {
        self.sign_doc(key.public_key(), account, fee).encode_to_vec()
    }

    pub(crate) fn sign_doc(&self, public_key: [u8; 33], account: &AccountState, fee: &Fee) -> SignDoc {
        let body = TxBody {
            messages: self.messages.iter().map(Message::to_any).collect(),
            memo: self.memo.clone(),
            timeout_height: self.timeout_height,
        };
        let public_key = proto::PubKey { key: public_key.to_vec() }.encode_to_vec();
        let signer = SignerInfo {
            public_key: Some(proto::Any {
                type_url: "/cosmos.crypto.secp256k1.PubKey".to_owned(),
                value: public_key,
            }),
            mode_info: Some(ModeInfo { single: Some(SingleMode { mode: SIGN_MODE_DIRECT }) }),
            sequence: account.sequence,
        };
        let auth = AuthInfo { signer_infos: vec![signer], fee: Some(fee.to_proto()) };
        SignDoc {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            chain_id: account.chain_id.clone(),
            account_number: account.number,
        }
    }

    /// Returns the JSON that `babylond tx sign` takes, for whoever holds the account's key elsewhere.
    pub fn to_unsigned_json(&self, fee: &Fee) -> Value {
        let messages: Vec<Value> = self.messages.iter().map(Message::to_json).collect();
        json!({
            "body": {
                "messages": messages,
                "memo": self.memo,
                "timeout_height": self.timeout_height.to_string(),
                "unordered": false,
                "timeout_timestamp": null,
                "extension_options": [],
                "non_critical_extension_options": [],
            },
            "auth_info": { "signer_infos": [], "fee": fee.to_json(), "tip": null },
            "signatures": [],
        })
    }
}

pub(crate) fn raw(doc: SignDoc, signature: Vec<u8>) -> SignedTransaction {
    let SignDoc { body_bytes, auth_info_bytes, .. } = doc;
    SignedTransaction {
        bytes: TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature] }.encode_to_vec(),
    }
}
