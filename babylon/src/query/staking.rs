//! Stakes, finality providers and parameters.

use ::bitcoin::Txid;
use eots::XOnlyPublicKey;
use finality::AccountAddress;
use prost::Message;
use serde_json::{Value, json};
use staking_scripts::delegation::ChainMessage;
use staking_scripts::{Delegation, Parameters, ParametersHistory};

use super::answers::{
    PageResponse, Provider, ProviderResponse, ProvidersResponse, StakingParams, VersionsResponse,
};
use super::status::DelegationStatus;
use super::{PAGE, PageRequest, absent, ask, needed, page_parameters, pages};
use crate::node::{Answer, ChainNode, NodeError, Query};

/// A finality provider, as the chain knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalityProvider {
    /// Its key.
    pub public_key: XOnlyPublicKey,
    /// Its account.
    pub address: AccountAddress,
    /// Its name.
    pub moniker: String,
    /// Whether it was jailed for missing votes; a slashed one is not.
    pub is_jailed: bool,
    /// Whether it was slashed: it never has power again.
    pub is_slashed: bool,
    /// Whether it was removed.
    pub is_deleted: bool,
    /// The highest height that it voted at; 0 where it has not.
    pub highest_voted_height: u32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyRequest {
    #[prost(string, tag = "1")]
    fp_btc_pk_hex: String,
}

#[derive(Clone, PartialEq, Message)]
struct DelegationRequest {
    #[prost(string, tag = "1")]
    staking_tx_hash_hex: String,
}

#[derive(Clone, PartialEq, Message)]
struct DelegationsRequest {
    #[prost(int32, tag = "1")]
    status: i32,
    #[prost(message, optional, tag = "2")]
    pagination: Option<PageRequest>,
}

#[derive(Clone, PartialEq, Message)]
struct PagedRequest {
    #[prost(message, optional, tag = "1")]
    pagination: Option<PageRequest>,
}

/// The page's end alone: the entries are read apart.
#[derive(Clone, PartialEq, Message, serde::Deserialize)]
pub(super) struct PageEnd {
    #[prost(message, optional, tag = "2")]
    pub(super) pagination: Option<PageResponse>,
}

/// Returns a stake by the id of its staking transaction; `None` where nobody registered it.
///
/// # Errors
/// [`NodeError`].
pub fn delegation(node: &dyn ChainNode, stake: Txid) -> Result<Option<Delegation>, NodeError> {
    Ok(asked_for(node, stake)?.map(|(delegation, _)| delegation))
}

pub(super) fn asked_for(
    node: &dyn ChainNode,
    stake: Txid,
) -> Result<Option<(Delegation, Answer)>, NodeError> {
    let query = Query {
        method: "/babylon.btcstaking.v1.Query/BTCDelegation",
        request: DelegationRequest { staking_tx_hash_hex: stake.to_string() }.encode_to_vec(),
        path: format!("/babylon/btcstaking/v1/btc_delegation/{stake}"),
        post: None,
    };
    let Some(answer) = absent(node.query(&query))? else { return Ok(None) };
    let mut found = delegations_in(ChainMessage::Delegation, &answer)?;
    match (found.pop(), found.is_empty()) {
        (Some(delegation), true) if delegation.staking_transaction.compute_txid() == stake => {
            Ok(Some((delegation, answer)))
        }
        _ => Err(NodeError::answer(format!("it is not the stake {stake}"))),
    }
}

/// Returns every stake of a status.
///
/// # Errors
/// [`NodeError`]: also of one stake that cannot be read.
pub fn delegations(node: &dyn ChainNode, status: DelegationStatus) -> Result<Vec<Delegation>, NodeError> {
    pages(node, |node, key| {
        let answer = node.query(&delegations_query(status, key))?;
        let found = delegations_in(ChainMessage::Delegations, &answer)?;
        Ok((found, super::read::<PageEnd>(answer)?.pagination))
    })
}

pub(super) fn delegations_query(status: DelegationStatus, key: Vec<u8>) -> Query {
    let page = page_parameters(&key);
    Query {
        method: "/babylon.btcstaking.v1.Query/BTCDelegations",
        path: format!("/babylon/btcstaking/v1/btc_delegations/{}?{page}", status.as_str()),
        request: DelegationsRequest {
            status: status.number().cast_signed(),
            pagination: Some(PageRequest { key, limit: PAGE }),
        }
        .encode_to_vec(),
        post: None,
    }
}

pub(super) fn delegations_in(kind: ChainMessage, answer: &Answer) -> Result<Vec<Delegation>, NodeError> {
    let read = match answer {
        Answer::Protobuf(bytes) => Delegation::from_chain_protobuf(kind, bytes),
        Answer::Json(text) => Delegation::from_chain_json(text),
    };
    read.map_err(|error| NodeError::answer(endpoint::with_causes(&error)))
}

/// Returns a finality provider; `None` where nobody registered it.
///
/// # Errors
/// [`NodeError`].
pub fn finality_provider(
    node: &dyn ChainNode,
    provider: &XOnlyPublicKey,
) -> Result<Option<FinalityProvider>, NodeError> {
    let path = format!("/babylon/btcstaking/v1/finality_providers/{provider}/finality_provider");
    let request = KeyRequest { fp_btc_pk_hex: provider.to_string() };
    let method = "/babylon.btcstaking.v1.Query/FinalityProvider";
    let answer = absent(ask::<ProviderResponse>(node, method, &request, path))?;
    let Some(answer) = answer else { return Ok(None) };
    let found = read_provider(needed(answer.finality_provider, "finality_provider")?)?;
    match found.public_key == *provider {
        true => Ok(Some(found)),
        false => {
            Err(NodeError::answer(format!("the provider {}; was asked for {provider}", found.public_key)))
        }
    }
}

/// Returns every finality provider.
///
/// # Errors
/// [`NodeError`].
pub fn finality_providers(node: &dyn ChainNode) -> Result<Vec<FinalityProvider>, NodeError> {
    pages(node, |node, key| {
        let path = format!("/babylon/btcstaking/v1/finality_providers?{}", page_parameters(&key));
        let request = PagedRequest { pagination: Some(PageRequest { key, limit: PAGE }) };
        let answer: ProvidersResponse =
            ask(node, "/babylon.btcstaking.v1.Query/FinalityProviders", &request, path)?;
        let read: Result<Vec<_>, _> = answer.finality_providers.into_iter().map(read_provider).collect();
        Ok((read?, answer.pagination))
    })
}

fn read_provider(found: Provider) -> Result<FinalityProvider, NodeError> {
    Ok(FinalityProvider {
        public_key: XOnlyPublicKey::from_slice(&found.btc_pk)
            .map_err(|_| NodeError::answer("btc_pk is not a public key"))?,
        address: found.addr.parse().map_err(|_| NodeError::answer("addr is not an account"))?,
        moniker: found.description.map(|description| description.moniker).unwrap_or_default(),
        is_jailed: found.jailed,
        is_slashed: found.slashed_babylon_height > 0 || found.slashed_btc_height > 0,
        is_deleted: found.soft_deleted,
        highest_voted_height: found.highest_voted_height,
    })
}

/// Returns every version of the staking parameters.
///
/// # Errors
/// [`NodeError`]: also when they break a rule of parameters.
pub fn parameters(node: &dyn ChainNode) -> Result<ParametersHistory<Parameters>, NodeError> {
    let versions = pages(node, |node, key| {
        let path = format!("/babylon/btcstaking/v1/params_versions?{}", page_parameters(&key));
        let query = Query {
            method: "/babylon.btcstaking.v1.Query/ParamsVersions",
            request: PagedRequest { pagination: Some(PageRequest { key, limit: PAGE }) }.encode_to_vec(),
            path,
            post: None,
        };
        let answer = node.query(&query)?;
        let is_json = matches!(answer, Answer::Json(_));
        let VersionsResponse { params, pagination } = super::read(answer)?;
        let versions = params.into_iter().map(|stored| {
            let params = needed(stored.params, "params")?;
            Ok(json!({ "version": stored.version, "params": params.to_json(is_json)? }))
        });
        Ok((versions.collect::<Result<Vec<Value>, NodeError>>()?, pagination))
    })?;
    // The one reader of parameters takes what a node prints.
    let text = json!({ "params": versions }).to_string();
    ParametersHistory::from_json(&text).map_err(|error| NodeError::answer(endpoint::with_causes(&error)))
}

impl StakingParams {
    /// Returns them as a gateway writes them. Rates have their point already where they come from JSON.
    fn to_json(&self, has_point: bool) -> Result<Value, NodeError> {
        use base64::Engine as _;
        let rate = |text: &str| if has_point { Ok(text.to_owned()) } else { with_point(text) };
        Ok(json!({
            "covenant_pks": self.covenant_pks.iter().map(hex::encode).collect::<Vec<_>>(),
            "covenant_quorum": self.covenant_quorum,
            "min_staking_value_sat": self.min_staking_value_sat.to_string(),
            "max_staking_value_sat": self.max_staking_value_sat.to_string(),
            "min_staking_time_blocks": self.min_staking_time_blocks,
            "max_staking_time_blocks": self.max_staking_time_blocks,
            "slashing_pk_script": base64::prelude::BASE64_STANDARD.encode(&self.slashing_pk_script),
            "min_slashing_tx_fee_sat": self.min_slashing_tx_fee_sat.to_string(),
            "slashing_rate": rate(&self.slashing_rate)?,
            "unbonding_time_blocks": self.unbonding_time_blocks,
            "unbonding_fee_sat": self.unbonding_fee_sat.to_string(),
            "min_commission_rate": rate(&self.min_commission_rate)?,
            "delegation_creation_base_gas_fee": self.delegation_creation_base_gas_fee.to_string(),
            "allow_list_expiration_height": self.allow_list_expiration_height.to_string(),
            "btc_activation_height": self.btc_activation_height,
        }))
    }
}

/// Returns a rate in protobuf, a whole number of 10^-18, as JSON has it.
fn with_point(digits: &str) -> Result<String, NodeError> {
    if digits.is_empty() || digits.len() > 40 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(NodeError::answer("a rate is not a number of 10^-18"));
    }
    let padded = format!("{digits:0>19}");
    let (whole, part) = padded.split_at(padded.len().saturating_sub(18));
    Ok(format!("{whole}.{part}"))
}
