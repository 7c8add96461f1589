//! Requests, as far as the chain in memory reads them.

/// Requests for a provider at a height.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AskedHeight {
    #[prost(uint64, tag = "2")]
    pub(super) height: u64,
}

/// Requests for a height.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NumberedHeight {
    #[prost(uint64, tag = "1")]
    pub(super) height: u64,
}

/// Requests for a block of Bitcoin, by its hash.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AskedBlock {
    #[prost(string, tag = "1")]
    pub(super) hash: String,
}
