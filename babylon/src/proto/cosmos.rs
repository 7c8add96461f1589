//! Transactions of the Cosmos SDK, and a payment.

/// A message with the name of its type.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

/// An amount of a coin; the amount is a decimal text.
#[derive(Clone, PartialEq, Eq, prost::Message, serde::Deserialize)]
pub(crate) struct Coin {
    #[prost(string, tag = "1")]
    pub(crate) denom: String,
    #[prost(string, tag = "2")]
    pub(crate) amount: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct TxBody {
    #[prost(message, repeated, tag = "1")]
    pub(crate) messages: Vec<Any>,
    #[prost(string, tag = "2")]
    pub(crate) memo: String,
    #[prost(uint64, tag = "3")]
    pub(crate) timeout_height: u64,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct AuthInfo {
    #[prost(message, repeated, tag = "1")]
    pub(crate) signer_infos: Vec<SignerInfo>,
    #[prost(message, optional, tag = "2")]
    pub(crate) fee: Option<Fee>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct SignerInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) public_key: Option<Any>,
    #[prost(message, optional, tag = "2")]
    pub(crate) mode_info: Option<ModeInfo>,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
}

/// How a signer signs. The other mode, of several keys, is not written.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ModeInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) single: Option<SingleMode>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct SingleMode {
    #[prost(int32, tag = "1")]
    pub(crate) mode: i32,
}

/// The number of `SIGN_MODE_DIRECT`.
pub(crate) const SIGN_MODE_DIRECT: i32 = 1;

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Fee {
    #[prost(message, repeated, tag = "1")]
    pub(crate) amount: Vec<Coin>,
    #[prost(uint64, tag = "2")]
    pub(crate) gas_limit: u64,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct SignDoc {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) body_bytes: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) auth_info_bytes: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) chain_id: String,
    #[prost(uint64, tag = "4")]
    pub(crate) account_number: u64,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct TxRaw {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) body_bytes: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) auth_info_bytes: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) signatures: Vec<Vec<u8>>,
}

/// A public key of secp256k1, compressed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct PubKey {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgSend {
    #[prost(string, tag = "1")]
    pub(crate) from_address: String,
    #[prost(string, tag = "2")]
    pub(crate) to_address: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) amount: Vec<Coin>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgExecuteContract {
    #[prost(string, tag = "1")]
    pub(crate) sender: String,
    #[prost(string, tag = "2")]
    pub(crate) contract: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) msg: Vec<u8>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) funds: Vec<Coin>,
}
