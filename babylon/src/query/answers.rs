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
pub(super) struct Empty {}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct AccountInfoResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) info: Option<BaseAccount>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct BaseAccount {
    #[prost(string, tag = "1")]
    pub(super) address: String,
    #[prost(uint64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(super) account_number: u64,
    #[prost(uint64, tag = "4")]
    #[serde(deserialize_with = "json::number")]
    pub(super) sequence: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct BalanceResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) balance: Option<Coin>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct SimulateResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) gas_info: Option<GasInfo>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct GasInfo {
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(super) gas_used: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct CheckpointParamsResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) params: Option<CheckpointParams>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct CheckpointParams {
    #[prost(uint32, tag = "1")]
    pub(super) btc_confirmation_depth: u32,
    #[prost(uint32, tag = "2")]
    pub(super) checkpoint_finalization_timeout: u32,
    #[prost(string, tag = "3")]
    pub(super) checkpoint_tag: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct TipResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<HeaderInfo>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct HeaderInfo {
    #[prost(string, tag = "1")]
    pub(super) header_hex: String,
    #[prost(string, tag = "2")]
    pub(super) hash_hex: String,
    #[prost(uint32, tag = "3")]
    pub(super) height: u32,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct PageResponse {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) next_key: Vec<u8>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct ProviderResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) finality_provider: Option<Provider>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct ProvidersResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) finality_providers: Vec<Provider>,
    #[prost(message, optional, tag = "2")]
    pub(super) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct Provider {
    #[prost(message, optional, tag = "1")]
    pub(super) description: Option<Description>,
    #[prost(string, tag = "3")]
    pub(super) addr: String,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "json::hex")]
    pub(super) btc_pk: Vec<u8>,
    #[prost(uint64, tag = "6")]
    #[serde(deserialize_with = "json::number")]
    pub(super) slashed_babylon_height: u64,
    #[prost(uint32, tag = "7")]
    pub(super) slashed_btc_height: u32,
    #[prost(bool, tag = "9")]
    pub(super) jailed: bool,
    #[prost(uint32, tag = "10")]
    pub(super) highest_voted_height: u32,
    #[prost(bool, tag = "13")]
    pub(super) soft_deleted: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct Description {
    #[prost(string, tag = "1")]
    pub(super) moniker: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct CommitmentsResponse {
    #[prost(btree_map = "uint64, message", tag = "1")]
    pub(super) pub_rand_commit_map: BTreeMap<u64, Commitment>,
    #[prost(message, optional, tag = "2")]
    pub(super) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct Commitment {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(super) num_pub_rand: u64,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) commitment: Vec<u8>,
    #[prost(uint64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(super) epoch_num: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct HeightResponse {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(super) height: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct PowerResponse {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(super) voting_power: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct BlockResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) block: Option<Block>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct Block {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(super) height: u64,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) app_hash: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub(super) finalized: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct EvidenceResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) evidence: Option<Evidence>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct EvidencesResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) evidences: Vec<Evidence>,
    #[prost(message, optional, tag = "2")]
    pub(super) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct Evidence {
    #[prost(string, tag = "1")]
    pub(super) fp_btc_pk_hex: String,
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(super) block_height: u64,
    #[prost(bytes = "vec", tag = "3")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) pub_rand: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) canonical_app_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) fork_app_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) canonical_finality_sig: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) fork_finality_sig: Vec<u8>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct CheckpointResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) raw_checkpoint: Option<CheckpointWithMeta>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct CheckpointWithMeta {
    #[prost(message, optional, tag = "1")]
    pub(super) ckpt: Option<Checkpoint>,
    #[prost(string, tag = "3")]
    pub(super) status_desc: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct Checkpoint {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(super) epoch_num: u64,
    #[prost(string, tag = "2")]
    pub(super) block_hash_hex: String,
    #[prost(bytes = "vec", tag = "3")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) bitmap: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) bls_multi_sig: Vec<u8>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct EpochResponse {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(super) current_epoch: u64,
    #[prost(uint64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(super) epoch_boundary: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct VersionsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) params: Vec<StoredParams>,
    #[prost(message, optional, tag = "2")]
    pub(super) pagination: Option<PageResponse>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct StoredParams {
    #[prost(uint32, tag = "1")]
    pub(super) version: u32,
    #[prost(message, optional, tag = "2")]
    pub(super) params: Option<StakingParams>,
}

/// Rates are whole numbers of 10^-18 in protobuf, and have a point in JSON.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct StakingParams {
    #[prost(bytes = "vec", repeated, tag = "1")]
    #[serde(deserialize_with = "json::hex_list")]
    pub(super) covenant_pks: Vec<Vec<u8>>,
    #[prost(uint32, tag = "2")]
    pub(super) covenant_quorum: u32,
    #[prost(int64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(super) min_staking_value_sat: i64,
    #[prost(int64, tag = "4")]
    #[serde(deserialize_with = "json::number")]
    pub(super) max_staking_value_sat: i64,
    #[prost(uint32, tag = "5")]
    pub(super) min_staking_time_blocks: u32,
    #[prost(uint32, tag = "6")]
    pub(super) max_staking_time_blocks: u32,
    #[prost(bytes = "vec", tag = "7")]
    #[serde(deserialize_with = "json::base64")]
    pub(super) slashing_pk_script: Vec<u8>,
    #[prost(int64, tag = "8")]
    #[serde(deserialize_with = "json::number")]
    pub(super) min_slashing_tx_fee_sat: i64,
    #[prost(string, tag = "9")]
    pub(super) slashing_rate: String,
    #[prost(uint32, tag = "10")]
    pub(super) unbonding_time_blocks: u32,
    #[prost(int64, tag = "11")]
    #[serde(deserialize_with = "json::number")]
    pub(super) unbonding_fee_sat: i64,
    #[prost(string, tag = "12")]
    pub(super) min_commission_rate: String,
    #[prost(uint64, tag = "13")]
    #[serde(deserialize_with = "json::number")]
    pub(super) delegation_creation_base_gas_fee: u64,
    #[prost(uint64, tag = "14")]
    #[serde(deserialize_with = "json::number")]
    pub(super) allow_list_expiration_height: u64,
    #[prost(uint32, tag = "15")]
    pub(super) btc_activation_height: u32,
}
