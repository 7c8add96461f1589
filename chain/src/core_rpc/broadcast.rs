//! Broadcasting through a `bitcoind`.

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
