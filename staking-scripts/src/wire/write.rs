//! Writing the message that registers a stake, in protobuf and in JSON.

use bitcoin::Transaction;
use bitcoin::base64::Engine as _;
use bitcoin::base64::prelude::BASE64_STANDARD;
use bitcoin::consensus::serialize;
use prost::Message as _;
use serde_json::{Map, Value, json};

use super::message::POSSESSIONS;
use super::proto::{
    InclusionProof, MsgBtcStakeExpand, MsgCreateBtcDelegation, ProofOfPossessionBtc, TransactionKey,
};
use super::protobuf::{CREATE_URL, EXPAND_URL};
use super::{Problem, WireDelegation, WireError, internal_bytes};

/// A message that registers a stake.
#[derive(Debug, PartialEq)]
pub(crate) struct WrittenMessage {
    /// The name of its type.
    pub(crate) type_url: &'static str,
    /// Its protobuf.
    pub(crate) protobuf: Vec<u8>,
    /// Its JSON, as the chain's own program writes it, without the name of the type.
    pub(crate) json: Value,
}

/// Writes the message that registers this delegation: `MsgBtcStakeExpand` when it extends a stake,
/// `MsgCreateBTCDelegation` when not.
///
/// # Errors
/// [`WireError::Field`] names what the delegation lacks: the staker's address, the proof of possession, the
/// pre-signed transactions with the staker's signatures, the unbonding amount, the funding transaction.
pub(crate) fn write_message(delegation: &WireDelegation) -> Result<WrittenMessage, WireError> {
    let message = message(delegation)?;
    let Some(extends) = &delegation.extends else {
        let (protobuf, mut json) = (message.encode_to_vec(), json(&message));
        let proof = message.staking_tx_inclusion_proof.map_or(Value::Null, |proof| {
            let key = proof.key.unwrap_or_default();
            let hash = delegation.inclusion.as_ref().map(|inclusion| inclusion.block_hash.to_string());
            // The chain's own writer has null for bytes that are absent.
            let siblings = (!proof.proof.is_empty()).then(|| base64(&proof.proof));
            json!({ "key": { "index": key.index, "hash": hash }, "proof": siblings })
        });
        json.insert("staking_tx_inclusion_proof".to_owned(), proof);
        return Ok(WrittenMessage { type_url: CREATE_URL, protobuf, json: json.into() });
    };
    if delegation.inclusion.is_some() {
        // The message has no field for it: an extension is included after the covenant has signed.
        let problem = Problem::Type { found: "an inclusion proof", expected: "none in an extension" };
        return Err(WireError::field("staking_tx_inclusion_proof", problem));
    }
    let mut json = json(&message);
    let message = MsgBtcStakeExpand {
        previous_staking_tx_hash: extends.previous_txid.to_string(),
        funding_tx: bytes(extends.funding_transaction.as_ref(), "funding_tx")?,
        ..message.into()
    };
    json.insert("previous_staking_tx_hash".to_owned(), message.previous_staking_tx_hash.as_str().into());
    json.insert("funding_tx".to_owned(), base64(&message.funding_tx).into());
    Ok(WrittenMessage { type_url: EXPAND_URL, protobuf: message.encode_to_vec(), json: json.into() })
}

/// Returns the members that both messages have.
fn json(message: &MsgCreateBtcDelegation) -> Map<String, Value> {
    let m = message;
    let possession = m.pop.as_ref().map(|pop| {
        let name = POSSESSIONS.iter().find(|(_, number)| *number == pop.btc_sig_type).map(|(name, _)| *name);
        json!({ "btc_sig_type": name, "btc_sig": base64(&pop.btc_sig) })
    });
    let providers: Vec<_> = m.fp_btc_pk_list.iter().map(hex::encode).collect();
    let members = [
        ("staker_addr", m.staker_addr.as_str().into()),
        ("pop", possession.unwrap_or_default()),
        ("btc_pk", hex::encode(&m.btc_pk).into()),
        ("fp_btc_pk_list", providers.into()),
        ("staking_time", m.staking_time.into()),
        ("staking_value", m.staking_value.to_string().into()),
        ("staking_tx", base64(&m.staking_tx).into()),
        ("slashing_tx", base64(&m.slashing_tx).into()),
        ("delegator_slashing_sig", base64(&m.delegator_slashing_sig).into()),
        ("unbonding_time", m.unbonding_time.into()),
        ("unbonding_tx", base64(&m.unbonding_tx).into()),
        ("unbonding_value", m.unbonding_value.to_string().into()),
        ("unbonding_slashing_tx", base64(&m.unbonding_slashing_tx).into()),
        ("delegator_unbonding_slashing_sig", base64(&m.delegator_unbonding_slashing_sig).into()),
    ];
    members.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect()
}

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn lacking<T>(part: Option<T>, path: &str) -> Result<T, WireError> {
    part.ok_or_else(|| WireError::field(path, Problem::Missing))
}

fn bytes(transaction: Option<&Transaction>, path: &str) -> Result<Vec<u8>, WireError> {
    lacking(transaction, path).map(serialize)
}

fn message(delegation: &WireDelegation) -> Result<MsgCreateBtcDelegation, WireError> {
    let d = delegation;
    let (btc_sig_type, btc_sig) = lacking(d.proof_of_possession.clone(), "pop")?;
    let satoshis = |amount: bitcoin::Amount, path: &str| {
        let rule = "an amount from 1 to 2100000000000000 satoshis";
        let number = || Problem::Number { found: amount.to_sat().to_string(), rule };
        i64::try_from(amount.to_sat()).map_err(|_| WireError::field(path, number()))
    };
    let signature = |part: Option<bitcoin::secp256k1::schnorr::Signature>, path| {
        lacking(part, path).map(|signature| signature.serialize().to_vec())
    };
    Ok(MsgCreateBtcDelegation {
        staker_addr: lacking(d.staker_address.clone(), "staker_addr")?,
        pop: Some(ProofOfPossessionBtc { btc_sig_type, btc_sig }),
        btc_pk: d.staker.serialize().to_vec(),
        fp_btc_pk_list: d.finality_providers.iter().map(|key| key.serialize().to_vec()).collect(),
        staking_time: d.staking_time_blocks,
        staking_value: satoshis(d.staking_amount, "staking_value")?,
        staking_tx: serialize(&d.staking_transaction),
        staking_tx_inclusion_proof: d.inclusion.as_ref().map(|inclusion| InclusionProof {
            key: Some(TransactionKey {
                index: inclusion.position,
                hash: internal_bytes(&inclusion.block_hash),
            }),
            proof: inclusion.siblings.clone(),
        }),
        slashing_tx: bytes(d.slashing_transaction.as_ref(), "slashing_tx")?,
        delegator_slashing_sig: signature(d.staker_slashing_signature, "delegator_slashing_sig")?,
        unbonding_time: d.unbonding_time_blocks,
        unbonding_tx: bytes(d.unbonding_transaction.as_ref(), "unbonding_tx")?,
        unbonding_value: satoshis(lacking(d.unbonding_amount, "unbonding_value")?, "unbonding_value")?,
        unbonding_slashing_tx: bytes(d.unbonding_slashing_transaction.as_ref(), "unbonding_slashing_tx")?,
        delegator_unbonding_slashing_sig: signature(
            d.staker_unbonding_slashing_signature,
            "delegator_unbonding_slashing_sig",
        )?,
    })
}
