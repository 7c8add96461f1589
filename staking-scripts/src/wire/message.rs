//! Conversion of a message that registers a stake to a delegation. Every field of a message is required, as
//! on the chain, except the inclusion proof.

use bitcoin::BlockHash;
use bitcoin::hashes::Hash as _;

use super::check::txid;
use super::fields::{
    amount, below, blocks, bytes32, key, needed, optional, providers, signature, text, transaction,
};
use super::proto::{InclusionProof, MsgBtcStakeExpand, MsgCreateBtcDelegation, ProofOfPossessionBtc};
use super::{Problem, WireDelegation, WireError, WireExtension, WireInclusion};

/// The types of proofs of possession, by name and number.
pub(super) const POSSESSIONS: [(&str, i32); 3] = [("BIP340", 0), ("BIP322", 1), ("ECDSA", 2)];
pub(super) const POSSESSION_RULE: &str = "BIP340 (0), BIP322 (1) or ECDSA (2)";

/// Returns the delegation that a message registers, at a path.
pub(super) fn created(raw: &MsgCreateBtcDelegation, path: &str) -> Result<WireDelegation, WireError> {
    let at = |name| below(path, name);
    let transaction = |bytes: &[u8], name| transaction(bytes, &at(name));
    let signature = |bytes: &[u8], name| signature(bytes, &at(name));
    Ok(WireDelegation {
        staker: key(&raw.btc_pk, &at("btc_pk"))?,
        staker_address: {
            needed(raw.staker_addr.as_bytes(), &at("staker_addr"))?;
            text(&raw.staker_addr)
        },
        finality_providers: providers(&raw.fp_btc_pk_list, &at("fp_btc_pk_list"))?,
        staking_time_blocks: blocks(raw.staking_time, &at("staking_time"))?,
        staking_amount: amount(raw.staking_value, &at("staking_value"))?,
        staking_transaction: transaction(&raw.staking_tx, "staking_tx")?,
        staking_output_index: None,
        parameters_version: None,
        unbonding_time_blocks: blocks(raw.unbonding_time, &at("unbonding_time"))?,
        unbonding_transaction: Some(transaction(&raw.unbonding_tx, "unbonding_tx")?),
        unbonding_amount: Some(amount(raw.unbonding_value, &at("unbonding_value"))?),
        slashing_transaction: Some(transaction(&raw.slashing_tx, "slashing_tx")?),
        unbonding_slashing_transaction: Some(transaction(
            &raw.unbonding_slashing_tx,
            "unbonding_slashing_tx",
        )?),
        staker_slashing_signature: Some(signature(&raw.delegator_slashing_sig, "delegator_slashing_sig")?),
        staker_unbonding_slashing_signature: Some(signature(
            &raw.delegator_unbonding_slashing_sig,
            "delegator_unbonding_slashing_sig",
        )?),
        proof_of_possession: Some(possession(raw.pop.as_ref(), &at("pop"))?),
        covenant: Vec::new(),
        extends: None,
        inclusion: raw
            .staking_tx_inclusion_proof
            .as_ref()
            .map(|proof| inclusion(proof, &at("staking_tx_inclusion_proof")))
            .transpose()?,
        start_height: None,
        end_height: None,
        status: None,
        unbonding_spend: None,
    })
}

/// Returns the delegation of an extension that a message registers, at a path.
pub(super) fn expanded(raw: MsgBtcStakeExpand, path: &str) -> Result<WireDelegation, WireError> {
    let previous_txid = txid(&raw.previous_staking_tx_hash, &below(path, "previous_staking_tx_hash"))?;
    let funding = transaction(&raw.funding_tx, &below(path, "funding_tx"))?;
    let mut delegation = created(&raw.into(), path)?;
    delegation.extends =
        Some(WireExtension { previous_txid, funding_transaction: Some(funding), funding_output: None });
    Ok(delegation)
}

fn possession(raw: Option<&ProofOfPossessionBtc>, path: &str) -> Result<(i32, Vec<u8>), WireError> {
    let raw = raw.ok_or_else(|| WireError::field(path, Problem::Missing))?;
    if !POSSESSIONS.iter().any(|(_, number)| *number == raw.btc_sig_type) {
        let problem = Problem::Number { found: raw.btc_sig_type.to_string(), rule: POSSESSION_RULE };
        return Err(WireError::field(below(path, "btc_sig_type"), problem));
    }
    Ok((raw.btc_sig_type, needed(&raw.btc_sig, &below(path, "btc_sig"))?.to_vec()))
}

fn inclusion(raw: &InclusionProof, path: &str) -> Result<WireInclusion, WireError> {
    let (key_path, proof_path) = (below(path, "key"), below(path, "proof"));
    let key = raw.key.as_ref().ok_or_else(|| WireError::field(&*key_path, Problem::Missing))?;
    let hash_path = below(&key_path, "hash");
    let whole_hashes = |bytes: &[u8], path: &str| match bytes.chunks_exact(32).remainder() {
        [] => Ok(bytes.to_vec()),
        _ => Err(WireError::field(path, Problem::Length { found: bytes.len(), rule: "a multiple of 32" })),
    };
    Ok(WireInclusion {
        block_hash: BlockHash::from_byte_array(bytes32(needed(&key.hash, &hash_path)?, &hash_path)?),
        position: key.index,
        siblings: optional(&raw.proof, &proof_path, whole_hashes)?.unwrap_or_default(),
    })
}

impl From<MsgBtcStakeExpand> for MsgCreateBtcDelegation {
    fn from(m: MsgBtcStakeExpand) -> Self {
        Self {
            staker_addr: m.staker_addr,
            pop: m.pop,
            btc_pk: m.btc_pk,
            fp_btc_pk_list: m.fp_btc_pk_list,
            staking_time: m.staking_time,
            staking_value: m.staking_value,
            staking_tx: m.staking_tx,
            staking_tx_inclusion_proof: None,
            slashing_tx: m.slashing_tx,
            delegator_slashing_sig: m.delegator_slashing_sig,
            unbonding_time: m.unbonding_time,
            unbonding_tx: m.unbonding_tx,
            unbonding_value: m.unbonding_value,
            unbonding_slashing_tx: m.unbonding_slashing_tx,
            delegator_unbonding_slashing_sig: m.delegator_unbonding_slashing_sig,
        }
    }
}

/// Converts without the fields that only an extension has.
impl From<MsgCreateBtcDelegation> for MsgBtcStakeExpand {
    fn from(m: MsgCreateBtcDelegation) -> Self {
        Self {
            staker_addr: m.staker_addr,
            pop: m.pop,
            btc_pk: m.btc_pk,
            fp_btc_pk_list: m.fp_btc_pk_list,
            staking_time: m.staking_time,
            staking_value: m.staking_value,
            staking_tx: m.staking_tx,
            slashing_tx: m.slashing_tx,
            delegator_slashing_sig: m.delegator_slashing_sig,
            unbonding_time: m.unbonding_time,
            unbonding_tx: m.unbonding_tx,
            unbonding_value: m.unbonding_value,
            unbonding_slashing_tx: m.unbonding_slashing_tx,
            delegator_unbonding_slashing_sig: m.delegator_unbonding_slashing_sig,
            previous_staking_tx_hash: String::new(),
            funding_tx: Vec::new(),
        }
    }
}
