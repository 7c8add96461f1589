//! Accounts: what their transactions are signed for, what they have, and what a transaction takes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use finality::AccountAddress;
use prost::Message;
use serde_json::json;

use super::answers::{AccountInfoResponse, BalanceResponse, SimulateResponse};
use super::{absent, ask, needed, read};
use crate::node::{ChainNode, NodeError, Query};

/// What an account's next transaction is signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountNumbers {
    /// The account's number.
    pub number: u64,
    /// How many transactions it has had executed.
    pub sequence: u64,
}

#[derive(Clone, PartialEq, Message)]
struct AddressRequest {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(string, tag = "2")]
    denom: String,
}

#[derive(Clone, PartialEq, Message)]
struct SimulateRequest {
    #[prost(bytes = "vec", tag = "2")]
    tx_bytes: Vec<u8>,
}

/// Returns an account's numbers; `None` of one that was never paid.
///
/// # Errors
/// [`NodeError`].
pub fn account(node: &dyn ChainNode, address: &AccountAddress) -> Result<Option<AccountNumbers>, NodeError> {
    let request = AddressRequest { address: address.to_string(), denom: String::new() };
    let path = format!("/cosmos/auth/v1beta1/account_info/{address}");
    let asked = ask::<AccountInfoResponse>(node, "/cosmos.auth.v1beta1.Query/AccountInfo", &request, path);
    let Some(answer) = absent(asked)? else { return Ok(None) };
    let info = needed(answer.info, "the account")?;
    if info.address != address.to_string() {
        return Err(NodeError::answer(format!("the account {:?}; was asked for {address}", info.address)));
    }
    Ok(Some(AccountNumbers { number: info.account_number, sequence: info.sequence }))
}

/// Returns what an account has of a coin.
///
/// # Errors
/// [`NodeError`].
pub fn balance(node: &dyn ChainNode, address: &AccountAddress, denom: &str) -> Result<u128, NodeError> {
    let request = AddressRequest { address: address.to_string(), denom: denom.to_owned() };
    let path = format!("/cosmos/bank/v1beta1/balances/{address}/by_denom?denom={denom}");
    let answer: BalanceResponse = ask(node, "/cosmos.bank.v1beta1.Query/Balance", &request, path)?;
    let amount = answer.balance.map_or_else(|| "0".to_owned(), |coin| coin.amount);
    amount.parse().map_err(|_| NodeError::answer(format!("the balance {amount:?} is no number")))
}

/// Returns the gas that a transaction takes, as the node finds out by executing it for nobody.
///
/// # Errors
/// [`NodeError::Refused`] when it would be refused.
pub fn gas(node: &dyn ChainNode, transaction: &[u8]) -> Result<u64, NodeError> {
    let query = Query {
        method: "/cosmos.tx.v1beta1.Service/Simulate",
        request: SimulateRequest { tx_bytes: transaction.to_vec() }.encode_to_vec(),
        path: "/cosmos/tx/v1beta1/simulate".to_owned(),
        post: Some(json!({ "tx_bytes": BASE64_STANDARD.encode(transaction) })),
    };
    let answer: SimulateResponse = read(node.query(&query)?)?;
    Ok(needed(answer.gas_info, "the gas")?.gas_used)
}

/// The answer of a scripted chain.
#[cfg(feature = "testing")]
pub(crate) fn account_answer(address: &str, account_number: u64, sequence: u64) -> Vec<u8> {
    use super::answers::BaseAccount;
    let info = BaseAccount { address: address.to_owned(), account_number, sequence };
    AccountInfoResponse { info: Some(info) }.encode_to_vec()
}

/// The answer of a scripted chain.
#[cfg(feature = "testing")]
pub(crate) fn gas_answer(gas_used: u64) -> Vec<u8> {
    SimulateResponse { gas_info: Some(super::answers::GasInfo { gas_used }) }.encode_to_vec()
}

/// The answer of a scripted chain.
#[cfg(feature = "testing")]
pub(crate) fn balance_answer(amount: u128) -> Vec<u8> {
    let coin = crate::proto::Coin { denom: "ubbn".to_owned(), amount: amount.to_string() };
    BalanceResponse { balance: Some(coin) }.encode_to_vec()
}
