//! Conversion of a node's response to a delegation.

use bitcoin::secp256k1::schnorr;
use bitcoin::{TxOut, Txid, XOnlyPublicKey};
use eots::AdaptorSignature;

use super::fields::{
    adaptors, amount, below, blocks, decoded, few, hex, key, needed, optional_hex, providers, signature,
    text, transaction,
};
use super::proto::{
    BtcDelegationResponse, BtcUndelegationResponse, CovenantAdaptorSignatures, SignatureInfo,
    StakeExpansionResponse,
};
use super::value::cut;
use super::{Problem, WireCovenantSignatures, WireDelegation, WireError, WireExtension, WireSpend};

/// Returns the delegation in a node's response, at a path.
pub(super) fn delegation(raw: &BtcDelegationResponse, path: &str) -> Result<WireDelegation, WireError> {
    let at = |name| below(path, name);
    let undelegation = BtcUndelegationResponse::default();
    let undelegation = raw.undelegation_response.as_ref().unwrap_or(&undelegation);
    let unbonding_path = at("undelegation_response");
    let under = |name| below(&unbonding_path, name);

    let finality_providers = providers(&raw.fp_btc_pk_list, &at("fp_btc_pk_list"))?;
    let extends = raw.stk_exp.as_ref().map(|stk_exp| extension(stk_exp, &at("stk_exp"))).transpose()?;
    let staking_path = at("staking_tx_hex");
    Ok(WireDelegation {
        staker: key(&raw.btc_pk, &at("btc_pk"))?,
        staker_address: text(&raw.staker_addr),
        staking_time_blocks: blocks(raw.staking_time, &at("staking_time"))?,
        staking_amount: amount(raw.total_sat, &at("total_sat"))?,
        staking_transaction: transaction(&hex(&raw.staking_tx_hex, &staking_path)?, &staking_path)?,
        staking_output_index: Some(raw.staking_output_idx),
        parameters_version: Some(raw.params_version),
        unbonding_time_blocks: blocks(raw.unbonding_time, &at("unbonding_time"))?,
        unbonding_transaction: optional_hex(
            &undelegation.unbonding_tx_hex,
            &under("unbonding_tx_hex"),
            transaction,
        )?,
        unbonding_amount: None,
        slashing_transaction: optional_hex(&raw.slashing_tx_hex, &at("slashing_tx_hex"), transaction)?,
        unbonding_slashing_transaction: optional_hex(
            &undelegation.slashing_tx_hex,
            &under("slashing_tx_hex"),
            transaction,
        )?,
        staker_slashing_signature: optional_hex(
            &raw.delegator_slash_sig_hex,
            &at("delegator_slash_sig_hex"),
            signature,
        )?,
        staker_unbonding_slashing_signature: optional_hex(
            &undelegation.delegator_slashing_sig_hex,
            &under("delegator_slashing_sig_hex"),
            signature,
        )?,
        proof_of_possession: None,
        covenant: covenant(raw, undelegation, finality_providers.len(), path)?,
        finality_providers,
        extends,
        inclusion: None,
        start_height: (raw.start_height != 0).then_some(raw.start_height),
        end_height: (raw.end_height != 0).then_some(raw.end_height),
        status: text(&raw.status_desc),
        unbonding_spend: undelegation
            .delegator_unbonding_info_response
            .as_ref()
            .map(|info| {
                let path = under("delegator_unbonding_info_response.spend_stake_tx_hex");
                let spend = optional_hex(&info.spend_stake_tx_hex, &path, transaction)?;
                Ok::<_, WireError>(
                    spend.map_or(WireSpend::Unbonding, |spend| WireSpend::Other(Box::new(spend))),
                )
            })
            .transpose()?,
    })
}

fn extension(raw: &StakeExpansionResponse, path: &str) -> Result<WireExtension, WireError> {
    let funding = below(path, "other_funding_tx_out_hex");
    Ok(WireExtension {
        previous_txid: txid(&raw.previous_staking_tx_hash_hex, &below(path, "previous_staking_tx_hash_hex"))?,
        funding_transaction: None,
        funding_output: optional_hex(&raw.other_funding_tx_out_hex, &funding, decoded::<TxOut>)?,
    })
}

/// Reads a txid in display order.
pub(super) fn txid(text: &str, path: &str) -> Result<Txid, WireError> {
    let problem = || Problem::Name { found: cut(text), rule: "a txid, 64 hex digits" };
    needed(text.as_bytes(), path)?;
    text.parse().map_err(|_| WireError::field(path, problem()))
}

/// Joins the lists of the covenant's signatures by the member's key.
fn covenant(
    raw: &BtcDelegationResponse,
    undelegation: &BtcUndelegationResponse,
    providers: usize,
    path: &str,
) -> Result<Vec<WireCovenantSignatures>, WireError> {
    const SLASHING: &str = "covenant_sigs";
    const UNBONDING: &str = "undelegation_response.covenant_unbonding_sig_list";
    const UNBONDING_SLASHING: &str = "undelegation_response.covenant_slashing_sigs";
    const EXTENSION: &str = "stk_exp.previous_stk_covenant_sigs";
    let mut slashing = Listed::adaptors(&raw.covenant_sigs, providers, path, SLASHING)?;
    let mut unbonding = Listed::signatures(&undelegation.covenant_unbonding_sig_list, path, UNBONDING)?;
    let mut unbonding_slashing =
        Listed::adaptors(&undelegation.covenant_slashing_sigs, providers, path, UNBONDING_SLASHING)?;
    let mut extension = raw
        .stk_exp
        .as_ref()
        .map(|stk_exp| Listed::signatures(&stk_exp.previous_stk_covenant_sigs, path, EXTENSION))
        .transpose()?;

    let mut joined = Vec::new();
    for (member, slashing) in std::mem::take(&mut slashing.entries) {
        joined.push(WireCovenantSignatures {
            member,
            unbonding: unbonding.take(&member, SLASHING)?,
            slashing,
            unbonding_slashing: unbonding_slashing.take(&member, SLASHING)?,
            extension: extension.as_mut().map(|list| list.take(&member, SLASHING)).transpose()?,
        });
    }
    let left = [unbonding.left(UNBONDING), unbonding_slashing.left(UNBONDING_SLASHING)]
        .into_iter()
        .chain([extension.and_then(|list| list.left(EXTENSION))]);
    match left.flatten().next() {
        Some((member, other)) => {
            Err(WireError::field(below(path, SLASHING), Problem::Unmatched { member, other }))
        }
        None => Ok(joined),
    }
}

/// A list of signatures by member.
struct Listed<T> {
    path: String,
    entries: Vec<(XOnlyPublicKey, T)>,
}

impl<T> Listed<T> {
    fn push(&mut self, member: XOnlyPublicKey, signed: T, path: String) -> Result<(), WireError> {
        if self.entries.iter().any(|(known, _)| *known == member) {
            return Err(WireError::field(path, Problem::Repeated(member)));
        }
        self.entries.push((member, signed));
        Ok(())
    }

    /// Removes and returns the signatures of a member of another list.
    fn take(&mut self, member: &XOnlyPublicKey, other: &'static str) -> Result<T, WireError> {
        let place =
            self.entries.iter().position(|(known, _)| known == member).ok_or_else(|| {
                WireError::field(&*self.path, Problem::Unmatched { member: *member, other })
            })?;
        Ok(self.entries.swap_remove(place).1)
    }

    /// Returns the first member that is in no other list.
    fn left(self, name: &'static str) -> Option<(XOnlyPublicKey, &'static str)> {
        self.entries.first().map(|(member, _)| (*member, name))
    }
}

impl Listed<Vec<AdaptorSignature>> {
    fn adaptors(
        raw: &[CovenantAdaptorSignatures],
        providers: usize,
        path: &str,
        name: &'static str,
    ) -> Result<Self, WireError> {
        let mut list = Self { path: below(path, name), entries: Vec::new() };
        few(raw.len(), &list.path)?;
        for (i, entry) in raw.iter().enumerate() {
            let at = format!("{}[{i}]", list.path);
            let member = below(&at, "cov_pk");
            let signed = adaptors(&entry.adaptor_sigs, providers, &below(&at, "adaptor_sigs"))?;
            list.push(key(&entry.cov_pk, &member)?, signed, member)?;
        }
        Ok(list)
    }
}

impl Listed<schnorr::Signature> {
    fn signatures(raw: &[SignatureInfo], path: &str, name: &'static str) -> Result<Self, WireError> {
        let mut list = Self { path: below(path, name), entries: Vec::new() };
        few(raw.len(), &list.path)?;
        for (i, entry) in raw.iter().enumerate() {
            let at = format!("{}[{i}]", list.path);
            let member = below(&at, "pk");
            let signed = signature(&entry.sig, &below(&at, "sig"))?;
            list.push(key(&entry.pk, &member)?, signed, member)?;
        }
        Ok(list)
    }
}
