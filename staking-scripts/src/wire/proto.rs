//! The chain's messages with their field numbers (package `babylon.btcstaking.v1`, and `TransactionKey` of
//! `babylon.btccheckpoint.v1`), as of v4.1.0. A number is never reused for another field. Paging, and whether
//! a delegation is active, are left out.

/// A delegation in a node's response.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BtcDelegationResponse {
    #[prost(string, tag = "1")]
    pub(crate) staker_addr: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) btc_pk: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) fp_btc_pk_list: Vec<Vec<u8>>,
    #[prost(uint32, tag = "4")]
    pub(crate) staking_time: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) start_height: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) end_height: u32,
    #[prost(uint64, tag = "7")]
    pub(crate) total_sat: u64,
    #[prost(string, tag = "8")]
    pub(crate) staking_tx_hex: String,
    #[prost(string, tag = "9")]
    pub(crate) slashing_tx_hex: String,
    #[prost(string, tag = "10")]
    pub(crate) delegator_slash_sig_hex: String,
    #[prost(message, repeated, tag = "11")]
    pub(crate) covenant_sigs: Vec<CovenantAdaptorSignatures>,
    #[prost(uint32, tag = "12")]
    pub(crate) staking_output_idx: u32,
    #[prost(string, tag = "14")]
    pub(crate) status_desc: String,
    #[prost(uint32, tag = "15")]
    pub(crate) unbonding_time: u32,
    #[prost(message, optional, tag = "16")]
    pub(crate) undelegation_response: Option<BtcUndelegationResponse>,
    #[prost(uint32, tag = "17")]
    pub(crate) params_version: u32,
    #[prost(message, optional, tag = "18")]
    pub(crate) stk_exp: Option<StakeExpansionResponse>,
}

/// The unbonding of a delegation in a node's response.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BtcUndelegationResponse {
    #[prost(string, tag = "1")]
    pub(crate) unbonding_tx_hex: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) covenant_unbonding_sig_list: Vec<SignatureInfo>,
    #[prost(string, tag = "3")]
    pub(crate) slashing_tx_hex: String,
    #[prost(string, tag = "4")]
    pub(crate) delegator_slashing_sig_hex: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) covenant_slashing_sigs: Vec<CovenantAdaptorSignatures>,
    #[prost(message, optional, tag = "6")]
    pub(crate) delegator_unbonding_info_response: Option<DelegatorUnbondingInfoResponse>,
}

/// The spend of the staking output: present when it is spent, and empty when the unbonding transaction spends
/// it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DelegatorUnbondingInfoResponse {
    #[prost(string, tag = "1")]
    pub(crate) spend_stake_tx_hex: String,
}

/// The running stake of an extension in a node's response.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StakeExpansionResponse {
    /// The txid, in display order.
    #[prost(string, tag = "1")]
    pub(crate) previous_staking_tx_hash_hex: String,
    /// The serialized output, not a transaction.
    #[prost(string, tag = "2")]
    pub(crate) other_funding_tx_out_hex: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) previous_stk_covenant_sigs: Vec<SignatureInfo>,
}

/// A covenant member's key and BIP-340 signature.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SignatureInfo {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) pk: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) sig: Vec<u8>,
}

/// A covenant member's key and adaptor signatures, one for each finality provider.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CovenantAdaptorSignatures {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) cov_pk: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(crate) adaptor_sigs: Vec<Vec<u8>>,
}

/// The type and bytes of a proof of possession.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ProofOfPossessionBtc {
    #[prost(int32, tag = "1")]
    pub(crate) btc_sig_type: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) btc_sig: Vec<u8>,
}

/// The Merkle proof that a transaction is in a block.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct InclusionProof {
    #[prost(message, optional, tag = "1")]
    pub(crate) key: Option<TransactionKey>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) proof: Vec<u8>,
}

/// The position of a transaction and the hash of its block.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TransactionKey {
    #[prost(uint32, tag = "1")]
    pub(crate) index: u32,
    /// The block hash in internal byte order; JSON has it reversed.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) hash: Vec<u8>,
}

/// The message that registers a stake.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MsgCreateBtcDelegation {
    #[prost(string, tag = "1")]
    pub(crate) staker_addr: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) pop: Option<ProofOfPossessionBtc>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) btc_pk: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) fp_btc_pk_list: Vec<Vec<u8>>,
    #[prost(uint32, tag = "5")]
    pub(crate) staking_time: u32,
    #[prost(int64, tag = "6")]
    pub(crate) staking_value: i64,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) staking_tx: Vec<u8>,
    #[prost(message, optional, tag = "8")]
    pub(crate) staking_tx_inclusion_proof: Option<InclusionProof>,
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) slashing_tx: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) delegator_slashing_sig: Vec<u8>,
    #[prost(uint32, tag = "11")]
    pub(crate) unbonding_time: u32,
    #[prost(bytes = "vec", tag = "12")]
    pub(crate) unbonding_tx: Vec<u8>,
    #[prost(int64, tag = "13")]
    pub(crate) unbonding_value: i64,
    #[prost(bytes = "vec", tag = "14")]
    pub(crate) unbonding_slashing_tx: Vec<u8>,
    #[prost(bytes = "vec", tag = "15")]
    pub(crate) delegator_unbonding_slashing_sig: Vec<u8>,
}

/// The message that registers a stake that extends a running one.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MsgBtcStakeExpand {
    #[prost(string, tag = "1")]
    pub(crate) staker_addr: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) pop: Option<ProofOfPossessionBtc>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) btc_pk: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) fp_btc_pk_list: Vec<Vec<u8>>,
    #[prost(uint32, tag = "5")]
    pub(crate) staking_time: u32,
    #[prost(int64, tag = "6")]
    pub(crate) staking_value: i64,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) staking_tx: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) slashing_tx: Vec<u8>,
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) delegator_slashing_sig: Vec<u8>,
    #[prost(uint32, tag = "10")]
    pub(crate) unbonding_time: u32,
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) unbonding_tx: Vec<u8>,
    #[prost(int64, tag = "12")]
    pub(crate) unbonding_value: i64,
    #[prost(bytes = "vec", tag = "13")]
    pub(crate) unbonding_slashing_tx: Vec<u8>,
    #[prost(bytes = "vec", tag = "14")]
    pub(crate) delegator_unbonding_slashing_sig: Vec<u8>,
    /// The txid, in display order.
    #[prost(string, tag = "15")]
    pub(crate) previous_staking_tx_hash: String,
    #[prost(bytes = "vec", tag = "16")]
    pub(crate) funding_tx: Vec<u8>,
}

/// A message with its type's name.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}
