//! Messages of the modules that follow Bitcoin: headers, and proofs of checkpoints.

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgInsertHeaders {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(crate) headers: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgInsertBtcSpvProof {
    #[prost(string, tag = "1")]
    pub(crate) submitter: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) proofs: Vec<BtcSpvProof>,
}

/// A transaction without its witness, and the path to its block's header.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct BtcSpvProof {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) btc_transaction: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(crate) btc_transaction_index: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) merkle_nodes: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) confirming_btc_header: Vec<u8>,
}

/// The Merkle proof that a transaction is in a block.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct InclusionProof {
    #[prost(message, optional, tag = "1")]
    pub(crate) key: Option<TransactionKey>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) proof: Vec<u8>,
}

/// The position of a transaction, and the hash of its block in internal byte order.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct TransactionKey {
    #[prost(uint32, tag = "1")]
    pub(crate) index: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) hash: Vec<u8>,
}
