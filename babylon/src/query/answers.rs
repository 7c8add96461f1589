//! Answers of the chain, in protobuf and in JSON. Fields have the chain's names and numbers.
//!
//! Each is read of both, so that what follows is written once. Bytes are base64 in JSON but where they are
//! keys, which are hex.

use std::collections::BTreeMap;

use prost::Message;
use serde::Deserialize;

use crate::node::json;
use crate::proto::Coin;

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct AccountInfoResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) info: Option<BaseAccount>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct BaseAccount {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(uint64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) account_number: u64,
    #[prost(uint64, tag = "4")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) sequence: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct BalanceResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) balance: Option<Coin>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct SimulateResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) gas_info: Option<GasInfo>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct GasInfo {
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) gas_used: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct CheckpointParamsResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) params: Option<CheckpointParams>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct CheckpointParams {
    #[prost(uint32, tag = "1")]
    pub(crate) btc_confirmation_depth: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) checkpoint_finalization_timeout: u32,
    #[prost(string, tag = "3")]
    pub(crate) checkpoint_tag: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct TipResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<HeaderInfo>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct HeaderInfo {
    #[prost(string, tag = "1")]
    pub(crate) header_hex: String,
    #[prost(string, tag = "2")]
    pub(crate) hash_hex: String,
    #[prost(uint32, tag = "3")]
    pub(crate) height: u32,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct PageResponse {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) next_key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ProviderResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) finality_provider: Option<Provider>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ProvidersResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) finality_providers: Vec<Provider>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Provider {
    #[prost(message, optional, tag = "1")]
    pub(crate) description: Option<Description>,
    #[prost(string, tag = "3")]
    pub(crate) addr: String,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "json::hex")]
    pub(crate) btc_pk: Vec<u8>,
    #[prost(uint64, tag = "6")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) slashed_babylon_height: u64,
    #[prost(uint32, tag = "7")]
    pub(crate) slashed_btc_height: u32,
    #[prost(bool, tag = "9")]
    pub(crate) jailed: bool,
    #[prost(uint32, tag = "10")]
    pub(crate) highest_voted_height: u32,
    #[prost(bool, tag = "13")]
    pub(crate) soft_deleted: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Description {
    #[prost(string, tag = "1")]
    pub(crate) moniker: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct CommitmentsResponse {
    #[prost(btree_map = "uint64, message", tag = "1")]
    pub(crate) pub_rand_commit_map: BTreeMap<u64, Commitment>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Commitment {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) num_pub_rand: u64,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) commitment: Vec<u8>,
    #[prost(uint64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) epoch_num: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct HeightResponse {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) height: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct DepthResponse {
    #[prost(uint32, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) depth: u32,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct PowerResponse {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) voting_power: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct BlockResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) block: Option<Block>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Block {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) height: u64,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) app_hash: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub(crate) finalized: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct EvidenceResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) evidence: Option<Evidence>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct EvidencesResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) evidences: Vec<Evidence>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Evidence {
    #[prost(string, tag = "1")]
    pub(crate) fp_btc_pk_hex: String,
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) block_height: u64,
    #[prost(bytes = "vec", tag = "3")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) pub_rand: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) canonical_app_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) fork_app_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) canonical_finality_sig: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) fork_finality_sig: Vec<u8>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct CheckpointResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) raw_checkpoint: Option<CheckpointWithMeta>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct CheckpointWithMeta {
    #[prost(message, optional, tag = "1")]
    pub(crate) ckpt: Option<Checkpoint>,
    #[prost(string, tag = "3")]
    pub(crate) status_desc: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Checkpoint {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) epoch_num: u64,
    #[prost(string, tag = "2")]
    pub(crate) block_hash_hex: String,
    #[prost(bytes = "vec", tag = "3")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) bitmap: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) bls_multi_sig: Vec<u8>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct EpochResponse {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) current_epoch: u64,
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) epoch_boundary: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct VersionsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) params: Vec<StoredParams>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct StoredParams {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) params: Option<StakingParams>,
}

/// Rates are whole numbers of 10^-18 in protobuf, and have a point in JSON.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct StakingParams {
    #[prost(bytes = "vec", repeated, tag = "1")]
    #[serde(deserialize_with = "json::hex_list")]
    pub(crate) covenant_pks: Vec<Vec<u8>>,
    #[prost(uint32, tag = "2")]
    pub(crate) covenant_quorum: u32,
    #[prost(int64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) min_staking_value_sat: i64,
    #[prost(int64, tag = "4")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) max_staking_value_sat: i64,
    #[prost(uint32, tag = "5")]
    pub(crate) min_staking_time_blocks: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) max_staking_time_blocks: u32,
    #[prost(bytes = "vec", tag = "7")]
    #[serde(deserialize_with = "json::base64")]
    pub(crate) slashing_pk_script: Vec<u8>,
    #[prost(int64, tag = "8")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) min_slashing_tx_fee_sat: i64,
    #[prost(string, tag = "9")]
    pub(crate) slashing_rate: String,
    #[prost(uint32, tag = "10")]
    pub(crate) unbonding_time_blocks: u32,
    #[prost(int64, tag = "11")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) unbonding_fee_sat: i64,
    #[prost(string, tag = "12")]
    pub(crate) min_commission_rate: String,
    #[prost(uint64, tag = "13")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) delegation_creation_base_gas_fee: u64,
    #[prost(uint64, tag = "14")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) allow_list_expiration_height: u64,
    #[prost(uint32, tag = "15")]
    pub(crate) btc_activation_height: u32,
}
