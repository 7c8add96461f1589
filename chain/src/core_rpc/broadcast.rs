//! Broadcasting through a `bitcoind`.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, Denomination, Script, Transaction, Txid};
use serde_json::json;

use super::BitcoinCore;
use super::transport::malformed;
use crate::rejection::reason_and_detail;
use crate::{Broadcast, NodeError};

/// Consensus never lets a longer script be spent.
const MAX_SCRIPT_SIZE: usize = 10_000;
const DECODE_FAILED: i32 = -22;
/// RPC_METHOD_NOT_FOUND of JSON-RPC.
const NO_SUCH_METHOD: i32 = -32601;
/// What `sendrawtransaction` takes for no limit to the fee rate.
const NO_MAX_FEE_RATE: u8 = 0;

const TRANSACTION_ERROR: i32 = -25;
const TRANSACTION_REJECTED: i32 = -26;
const ALREADY_IN_UTXO_SET: i32 = -27;

impl Broadcast for BitcoinCore {
    /// As [`Broadcast::broadcast`]; a rejection's reason is the node's word for the broken rule of consensus
    /// or of relay policy.
    ///
    /// No greatest fee rate is set (`maxfeerate` 0): whoever pre-signs a transaction fixes its fee, and a fee
    /// that is too high must not keep it out of the chain. Whoever chooses a fee checks it before. An output
    /// that nobody can spend (OP_RETURN) may hold an amount (`maxburnamount` is the greatest such amount).
    ///
    /// That the call succeeds proves nothing: the node is asked whether it has the transaction
    /// ([`NodeError::NotInMempool`]).
    ///
    /// The id alone decides whether the node has it already: with the same id and another witness it is
    /// accepted as the known one.
    ///
    /// A confirmed transaction whose outputs are all spent is known again to a node with `-txindex=1` or
    /// `-txospenderindex=1`. Any other rejects it as `bad-txns-inputs-missingorspent`, as it does a
    /// transaction whose input another one has spent
    /// ([`RejectionClass::MissingInputs`](crate::RejectionClass)): [`missing_input`](crate::missing_input)
    /// asks for the spender of the input.
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError> {
        const METHOD: &str = "sendrawtransaction";
        let txid = transaction.compute_txid();
        let max_burn = burned(transaction).to_string_in(Denomination::Bitcoin);
        let params = [json!(serialize_hex(transaction)), json!(NO_MAX_FEE_RATE), json!(max_burn)];
        let (code, message) = match self.call::<Txid>(METHOD, &params) {
            Ok(answer) if answer == txid => return self.is_known(txid),
            Ok(_) => return Err(malformed(METHOD, "it names another transaction")),
            Err(NodeError::Rpc { code, message, .. }) => (code, message),
            Err(error) => return Err(error),
        };
        match code {
            ALREADY_IN_UTXO_SET => Ok(txid),
            TRANSACTION_ERROR | TRANSACTION_REJECTED | DECODE_FAILED => {
                let known = match reason_and_detail(&message).0 {
                    "txn-already-in-mempool"
                    | "txn-already-known"
                    | "txn-same-nonwitness-data-in-mempool" => true,
                    // Where these questions fail, the rejection is still the node's answer.
                    "bad-txns-inputs-missingorspent" => {
                        matches!(self.find_directly(&txid), Ok(Some(_)))
                            || self.is_indexed_spender(transaction).unwrap_or(false)
                    }
                    _ => false,
                };
                if known { Ok(txid) } else { Err(NodeError::rejected(txid, &message)) }
            }
            _ => Err(NodeError::Rpc { method: METHOD.to_owned(), code, message }),
        }
    }

    /// As [`Broadcast::broadcast_with_parent`]: `submitpackage`, with the limits of
    /// [`broadcast`](Self::broadcast).
    fn broadcast_with_parent(&self, parent: &Transaction, child: &Transaction) -> Result<Txid, NodeError> {
        const METHOD: &str = "submitpackage";
        let txid = child.compute_txid();
        let max_burn = burned(parent).max(burned(child)).to_string_in(Denomination::Bitcoin);
        let package = [parent, child].map(serialize_hex);
        let params = [json!(package), json!(NO_MAX_FEE_RATE), json!(max_burn)];
        let answer: PackageAnswer = match self.call(METHOD, &params) {
            Err(NodeError::Rpc { code: TRANSACTION_ERROR | TRANSACTION_REJECTED, message, .. }) => {
                return Err(NodeError::rejected(txid, &message));
            }
            answer => answer?,
        };
        // It names both, and an error of each that was refused; of one that is refused alone the other fails.
        let errors = answer.results.into_values().filter_map(|result| Some((result.txid, result.error?)));
        let (own, others): (Vec<_>, Vec<_>) = errors.partition(|(refused, _)| *refused == txid);
        match own.into_iter().chain(others).next() {
            Some((_, error)) => Err(NodeError::rejected(txid, &error)),
            None if answer.message == "success" => self.is_known(txid),
            None => Err(NodeError::rejected(txid, &answer.message)),
        }
    }

    fn prioritise(&self, txid: &Txid, more: Amount) -> Result<(), NodeError> {
        // The second argument is of former times, and must be 0.
        let params = [json!(txid), json!(0), json!(more.to_sat())];
        self.call::<bool>("prioritisetransaction", &params).map(drop)
    }

    /// As [`Broadcast::broadcasts_in_private`]: of a node with `-privatebroadcast=1` (Bitcoin Core 31).
    fn broadcasts_in_private(&self) -> Result<bool, NodeError> {
        match self.call::<serde::de::IgnoredAny>("getprivatebroadcastinfo", &[]) {
            // It is not on, or the version does not know it.
            Err(NodeError::Rpc { code: NO_SUCH_METHOD, .. }) => Ok(false),
            answer => answer.map(|_| true),
        }
    }
}

/// What `submitpackage` says.
#[derive(serde::Deserialize)]
struct PackageAnswer {
    #[serde(rename = "package_msg")]
    message: String,
    #[serde(rename = "tx-results")]
    results: BTreeMap<String, PackageResult>,
}

#[derive(serde::Deserialize)]
struct PackageResult {
    txid: Txid,
    error: Option<String>,
}

impl BitcoinCore {
    /// Asks whether the node has a transaction that it took: with `-privatebroadcast=1` it gives it to others
    /// alone, and takes two that contradict each other.
    fn is_known(&self, txid: Txid) -> Result<Txid, NodeError> {
        // In a block already, where the node has no index: its outputs tell.
        let found = self.find_directly(&txid)?.is_some() || self.find_by_output(&txid)?.is_some();
        if found { Ok(txid) } else { Err(NodeError::NotInMempool { txid }) }
    }
}

/// The greatest amount in an output that can never be spent.
pub(super) fn burned(transaction: &Transaction) -> Amount {
    let unspendable = |script: &Script| script.is_op_return() || script.len() > MAX_SCRIPT_SIZE;
    let outputs = transaction.output.iter().filter(|output| unspendable(&output.script_pubkey));
    outputs.map(|output| output.value).max().unwrap_or(Amount::ZERO)
}
