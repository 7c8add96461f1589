//! Messages of the staking module, but for those that register a stake: `staking-scripts` writes them.

use super::InclusionProof;

/// How a finality provider describes itself.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Description {
    #[prost(string, tag = "1")]
    pub(crate) moniker: String,
    #[prost(string, tag = "2")]
    pub(crate) identity: String,
    #[prost(string, tag = "3")]
    pub(crate) website: String,
    #[prost(string, tag = "4")]
    pub(crate) security_contact: String,
    #[prost(string, tag = "5")]
    pub(crate) details: String,
}

/// Rates as the chain's decimals are on the wire: the number times 10^18, as text.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct CommissionRates {
    #[prost(string, tag = "1")]
    pub(crate) rate: String,
    #[prost(string, tag = "2")]
    pub(crate) max_rate: String,
    #[prost(string, tag = "3")]
    pub(crate) max_change_rate: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ProofOfPossessionBtc {
    #[prost(int32, tag = "1")]
    pub(crate) btc_sig_type: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) btc_sig: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgCreateFinalityProvider {
    #[prost(string, tag = "1")]
    pub(crate) addr: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) description: Option<Description>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) btc_pk: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    pub(crate) pop: Option<ProofOfPossessionBtc>,
    #[prost(message, optional, tag = "7")]
    pub(crate) commission: Option<CommissionRates>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgEditFinalityProvider {
    #[prost(string, tag = "1")]
    pub(crate) addr: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) btc_pk: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub(crate) description: Option<Description>,
    #[prost(string, tag = "4")]
    pub(crate) commission: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgAddBtcDelegationInclusionProof {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(string, tag = "2")]
    pub(crate) staking_tx_hash: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) staking_tx_inclusion_proof: Option<InclusionProof>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgAddCovenantSigs {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) pk: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) staking_tx_hash: String,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) slashing_tx_sigs: Vec<Vec<u8>>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) unbonding_tx_sig: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(crate) slashing_unbonding_tx_sigs: Vec<Vec<u8>>,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) stake_expansion_tx_sig: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct MsgBtcUndelegate {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(string, tag = "2")]
    pub(crate) staking_tx_hash: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) stake_spending_tx: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    pub(crate) stake_spending_tx_inclusion_proof: Option<InclusionProof>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub(crate) funding_transactions: Vec<Vec<u8>>,
}

/// It holds a secret key: it is not shown.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[prost(skip_debug)]
pub(crate) struct MsgSelectiveSlashingEvidence {
    #[prost(string, tag = "1")]
    pub(crate) signer: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) recovered_fp_btc_sk: Vec<u8>,
}

impl core::fmt::Debug for MsgSelectiveSlashingEvidence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MsgSelectiveSlashingEvidence").field("signer", &self.signer).finish_non_exhaustive()
    }
}
