//! Messages of the finality module.

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgCommitPubRandList {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) fp_btc_pk: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(crate) start_height: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) num_pub_rand: u64,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) commitment: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) sig: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgAddFinalitySig {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) fp_btc_pk: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(crate) block_height: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) pub_rand: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    pub(crate) proof: Option<Proof>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) block_app_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) finality_sig: Vec<u8>,
}

/// The path of a leaf in a Merkle tree of CometBFT.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Proof {
    #[prost(int64, tag = "1")]
    pub(crate) total: i64,
    #[prost(int64, tag = "2")]
    pub(crate) index: i64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) leaf_hash: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) aunts: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgUnjailFinalityProvider {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) fp_btc_pk: Vec<u8>,
}
