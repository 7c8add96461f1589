use serde_json::Value;

use super::message::{POSSESSION_RULE, POSSESSIONS};
use super::proto::{
    BtcDelegationResponse, BtcUndelegationResponse, CovenantAdaptorSignatures,
    DelegatorUnbondingInfoResponse, InclusionProof, MsgBtcStakeExpand, MsgCreateBtcDelegation,
    ProofOfPossessionBtc, SignatureInfo, StakeExpansionResponse, TransactionKey,
};
use super::protobuf::{CREATE_URL, EXPAND_URL};
use super::value::At;
use super::{MAX_INPUT, MAX_PAGE, Problem, WireDelegation, WireError, check, message as messages};
use crate::parameters::unique;

type Result<T> = std::result::Result<T, WireError>;

/// Reads every delegation in JSON of a node, in any of its shapes. A page may be empty.
///
/// # Errors
/// [`WireError`] names the field that breaks a rule.
pub(crate) fn read_json(text: &str) -> Result<Vec<WireDelegation>> {
    if text.len() > MAX_INPUT {
        return Err(WireError::TooLong(text.len()));
    }
    let value = unique::parse(text).map_err(WireError::Json)?;
    match shape(&value) {
        Some(shape) => shape.read(&At::root(&value)),
        None => Err(WireError::Shape),
    }
}

/// The members of which JSON of a node has one at the top; [`read_json`] checks the rest.
pub(crate) const TOP_MEMBERS: [&str; 8] = [
    "btc_delegation",
    "btc_delegations",
    "btc_delegator_delegations",
    "@type",
    "btc_pk",
    "tx",
    "tx_response",
    "body",
];

enum Shape {
    Wrapped,
    Bare,
    Page,
    ProviderPage,
    Message,
    /// A transaction, with the path of members to its body.
    Transaction(&'static [&'static str]),
}

/// The paths to a transaction's messages, in the gateway's response and other forms.
const BODIES: [&[&str]; 3] = [&["tx", "body"], &["tx_response", "tx", "body"], &["body"]];

fn shape(value: &Value) -> Option<Shape> {
    let has = |name: &str| value.get(name).is_some();
    // Of an object with several, nobody knows which is meant.
    let wrappers = ["btc_delegation", "btc_delegations", "btc_delegator_delegations"];
    if wrappers.into_iter().filter(|name| has(name)).count() > 1 {
        return None;
    }
    if has("btc_delegation") {
        return Some(Shape::Wrapped);
    }
    if has("btc_delegations") {
        return Some(Shape::Page);
    }
    if has("btc_delegator_delegations") {
        return Some(Shape::ProviderPage);
    }
    if value.get("@type").and_then(Value::as_str).is_some_and(|name| [CREATE_URL, EXPAND_URL].contains(&name))
    {
        return Some(Shape::Message);
    }
    if has("btc_pk") && has("staking_tx_hex") {
        return Some(Shape::Bare);
    }
    let messages = |path: &[&str]| {
        path.iter().try_fold(value, |at, name| at.get(name))?.get("messages").filter(|list| list.is_array())
    };
    BODIES.into_iter().find(|path| messages(path).is_some()).map(Shape::Transaction)
}

impl Shape {
    fn read(&self, root: &At<'_>) -> Result<Vec<WireDelegation>> {
        match self {
            Self::Bare => Ok(vec![delegation(root)?]),
            Self::Wrapped => {
                let wrapped = root.get("btc_delegation")?;
                let missing = || WireError::field("btc_delegation", Problem::Missing);
                Ok(vec![delegation(&wrapped.present().ok_or_else(missing)?)?])
            }
            Self::Page => {
                let page = root.list("btc_delegations")?;
                bounded(page.len(), "btc_delegations")?;
                page.iter().map(delegation).collect()
            }
            Self::ProviderPage => {
                let mut all = Vec::new();
                for staker in root.list("btc_delegator_delegations")? {
                    let page = staker.list("dels")?;
                    bounded(all.len().saturating_add(page.len()), "btc_delegator_delegations")?;
                    for entry in &page {
                        all.push(delegation(entry)?);
                    }
                }
                Ok(all)
            }
            Self::Message => message(root)?.map_or(Err(WireError::Shape), |found| Ok(vec![found])),
            Self::Transaction([first, rest @ ..]) => {
                let mut at = root.get(first)?;
                for name in rest.iter().copied() {
                    at = at.get(name)?;
                }
                let list = at.list("messages")?;
                bounded(list.len(), "messages")?;
                let mut found = Vec::new();
                for entry in &list {
                    found.extend(message(entry)?);
                }
                if found.is_empty() { Err(WireError::Shape) } else { Ok(found) }
            }
            Self::Transaction([]) => Err(WireError::Shape),
        }
    }
}

fn bounded(count: usize, path: &str) -> Result<()> {
    if count > MAX_PAGE { Err(WireError::field(path, Problem::Page(MAX_PAGE))) } else { Ok(()) }
}

/// Returns the delegation that a message registers; `None` for other messages.
fn message(at: &At<'_>) -> Result<Option<WireDelegation>> {
    match at.text("@type")?.as_str() {
        CREATE_URL => messages::created(&created(at)?, at.path()).map(Some),
        EXPAND_URL => {
            let message = MsgBtcStakeExpand {
                previous_staking_tx_hash: at.text("previous_staking_tx_hash")?,
                funding_tx: at.base64("funding_tx")?,
                ..created(at)?.into()
            };
            messages::expanded(message, at.path()).map(Some)
        }
        _ => Ok(None),
    }
}

/// Reads the fields that both messages have under the same names, and the inclusion proof, which only one
/// has.
fn created(at: &At<'_>) -> Result<MsgCreateBtcDelegation> {
    let pop = at.get("pop")?.present().map(|at| {
        Ok(ProofOfPossessionBtc {
            btc_sig_type: at.named("btc_sig_type", &POSSESSIONS, POSSESSION_RULE)?,
            btc_sig: at.base64("btc_sig")?,
        })
    });
    let proof = at.get("staking_tx_inclusion_proof")?.present().map(|at| {
        let key = at.get("key")?.present().map(|at| {
            // JSON has block hashes in display order, protobuf in internal byte order.
            let mut hash = at.hex("hash")?;
            hash.reverse();
            Ok(TransactionKey { index: at.u32("index")?, hash })
        });
        Ok(InclusionProof { key: key.transpose()?, proof: at.base64_or_hex("proof")? })
    });
    Ok(MsgCreateBtcDelegation {
        staker_addr: at.text("staker_addr")?,
        pop: pop.transpose()?,
        btc_pk: at.hex("btc_pk")?,
        fp_btc_pk_list: hex_list(at, "fp_btc_pk_list")?,
        staking_time: at.u32("staking_time")?,
        staking_value: at.i64("staking_value")?,
        staking_tx: at.base64("staking_tx")?,
        staking_tx_inclusion_proof: proof.transpose()?,
        slashing_tx: at.base64("slashing_tx")?,
        delegator_slashing_sig: at.base64("delegator_slashing_sig")?,
        unbonding_time: at.u32("unbonding_time")?,
        unbonding_tx: at.base64("unbonding_tx")?,
        unbonding_value: at.i64("unbonding_value")?,
        unbonding_slashing_tx: at.base64("unbonding_slashing_tx")?,
        delegator_unbonding_slashing_sig: at.base64("delegator_unbonding_slashing_sig")?,
    })
}

fn delegation(at: &At<'_>) -> Result<WireDelegation> {
    let raw = BtcDelegationResponse {
        staker_addr: at.text("staker_addr")?,
        btc_pk: at.hex("btc_pk")?,
        fp_btc_pk_list: hex_list(at, "fp_btc_pk_list")?,
        staking_time: at.u32("staking_time")?,
        start_height: at.u32("start_height")?,
        end_height: at.u32("end_height")?,
        total_sat: at.u64("total_sat")?,
        staking_tx_hex: at.text("staking_tx_hex")?,
        slashing_tx_hex: at.text("slashing_tx_hex")?,
        delegator_slash_sig_hex: at.text("delegator_slash_sig_hex")?,
        covenant_sigs: adaptors(at, "covenant_sigs")?,
        staking_output_idx: at.u32("staking_output_idx")?,
        status_desc: at.text("status_desc")?,
        unbonding_time: at.u32("unbonding_time")?,
        undelegation_response: at
            .get("undelegation_response")?
            .present()
            .as_ref()
            .map(undelegation)
            .transpose()?,
        params_version: at.u32("params_version")?,
        stk_exp: at.get("stk_exp")?.present().as_ref().map(extension).transpose()?,
    };
    check::delegation(&raw, at.path())
}

fn undelegation(at: &At<'_>) -> Result<BtcUndelegationResponse> {
    let spent = at
        .get("delegator_unbonding_info_response")?
        .present()
        .map(|at| at.text("spend_stake_tx_hex"))
        .transpose()?;
    Ok(BtcUndelegationResponse {
        unbonding_tx_hex: at.text("unbonding_tx_hex")?,
        covenant_unbonding_sig_list: signatures(at, "covenant_unbonding_sig_list")?,
        slashing_tx_hex: at.text("slashing_tx_hex")?,
        delegator_slashing_sig_hex: at.text("delegator_slashing_sig_hex")?,
        covenant_slashing_sigs: adaptors(at, "covenant_slashing_sigs")?,
        delegator_unbonding_info_response: spent
            .map(|spend_stake_tx_hex| DelegatorUnbondingInfoResponse { spend_stake_tx_hex }),
    })
}

fn extension(at: &At<'_>) -> Result<StakeExpansionResponse> {
    Ok(StakeExpansionResponse {
        previous_staking_tx_hash_hex: at.text("previous_staking_tx_hash_hex")?,
        other_funding_tx_out_hex: at.text("other_funding_tx_out_hex")?,
        previous_stk_covenant_sigs: signatures(at, "previous_stk_covenant_sigs")?,
    })
}

fn hex_list(at: &At<'_>, name: &str) -> Result<Vec<Vec<u8>>> {
    at.list(name)?.iter().map(At::hex_here).collect()
}

/// Reads signatures: keys are in hex, signatures in base64.
fn signatures(at: &At<'_>, name: &str) -> Result<Vec<SignatureInfo>> {
    at.list(name)?.iter().map(|at| Ok(SignatureInfo { pk: at.hex("pk")?, sig: at.base64("sig")? })).collect()
}

fn adaptors(at: &At<'_>, name: &str) -> Result<Vec<CovenantAdaptorSignatures>> {
    at.list(name)?
        .iter()
        .map(|at| {
            let adaptor_sigs = at.list("adaptor_sigs")?.iter().map(At::base64_here).collect::<Result<_>>()?;
            Ok(CovenantAdaptorSignatures { cov_pk: at.hex("cov_pk")?, adaptor_sigs })
        })
        .collect()
}
