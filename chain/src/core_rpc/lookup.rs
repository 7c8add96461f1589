//! Finding a transaction on a node that may keep no index of them.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{BlockHash, OutPoint, Transaction, Txid};
use corepc_types::v28::{GetBlockHeaderVerbose, GetBlockVerboseOne, GetIndexInfo};
use serde_json::{Value, json};

use super::BitcoinCore;
use super::transport::malformed;
use crate::{BlockHeight, ChainTip, FoundTransaction, Node as _, NodeError};

/// RPC_INVALID_ADDRESS_OR_KEY of Bitcoin Core: no such transaction, or no such block.
const NOT_FOUND: i32 = -5;
/// RPC_MISC_ERROR: among others, the block has been pruned.
const MISC: i32 = -1;

/// The part of `getrawtransaction`'s verbose answer that is needed. (The full type reads no coinbase.)
#[derive(serde::Deserialize)]
struct RawTransaction {
    hex: String,
    blockhash: Option<BlockHash>,
}

/// How many outputs of a transaction are asked for before blocks are searched.
const FIRST_OUTPUTS: u32 = 2;

/// The part of `gettxout`'s answer that is needed.
#[derive(serde::Deserialize)]
struct Unspent {
    bestblock: BlockHash,
    confirmations: u32,
}

/// The part of `gettxspendingprevout`'s answer that is needed.
#[derive(serde::Deserialize)]
struct SpendingPrevout {
    spendingtxid: Option<Txid>,
}

impl BitcoinCore {
    pub(super) fn find(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        if let Some(found) = self.find_directly(txid)? {
            return Ok(Some(found));
        }
        let indexes: GetIndexInfo = self.call("getindexinfo", &[json!("txindex")])?;
        if indexes.0.get("txindex").is_some_and(|index| index.synced) {
            return Ok(None);
        }
        if let Some(found) = self.find_by_output(txid)? {
            return Ok(Some(found));
        }
        self.search(txid)
    }

    /// By one of its first outputs, if it is unspent: then the node knows in which block it is.
    fn find_by_output(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        const METHOD: &str = "gettxout";
        for vout in 0..FIRST_OUTPUTS {
            let unspent: Option<Unspent> = self.call(METHOD, &[json!(txid), json!(vout), json!(false)])?;
            let Some(Unspent { bestblock, confirmations }) = unspent else { continue };
            let tip: GetBlockHeaderVerbose = self.call("getblockheader", &[json!(bestblock), json!(true)])?;
            let height =
                u32::try_from(tip.height).ok().and_then(|tip| tip.checked_sub(confirmations.checked_sub(1)?));
            let height =
                BlockHeight::new(height.ok_or_else(|| malformed(METHOD, "its confirmations are none"))?);
            let block = self.block(height)?;
            let place = Some(ChainTip { height, hash: block.block_hash() });
            // Another one, where the chain was reorganized in the meantime.
            let transaction =
                block.txdata.into_iter().find(|transaction| transaction.compute_txid() == *txid);
            return Ok(transaction.map(|transaction| FoundTransaction {
                transaction,
                block: place,
                confirmations,
            }));
        }
        Ok(None)
    }

    /// As the node itself finds it: waiting, or in its index of transactions.
    pub(super) fn find_directly(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        const METHOD: &str = "getrawtransaction";
        let raw: RawTransaction = match self.call(METHOD, &[json!(txid), json!(1)]) {
            Err(NodeError::Rpc { code: NOT_FOUND, .. }) => return Ok(None),
            answer => answer?,
        };
        let transaction: Transaction =
            deserialize_hex(&raw.hex).map_err(|error| malformed(METHOD, &error.to_string()))?;
        if transaction.compute_txid() != *txid {
            return Err(malformed(METHOD, "it holds another transaction"));
        }
        let Some(hash) = raw.blockhash else {
            return Ok(Some(FoundTransaction { transaction, block: None, confirmations: 0 }));
        };
        let header: GetBlockHeaderVerbose = self.call("getblockheader", &[json!(hash), json!(true)])?;
        // -1 confirmations: the block has just left the best chain.
        let (Ok(height), Ok(confirmations @ 1..)) =
            (u32::try_from(header.height), u32::try_from(header.confirmations))
        else {
            return Ok(None);
        };
        let block = Some(ChainTip { height: BlockHeight::new(height), hash });
        Ok(Some(FoundTransaction { transaction, block, confirmations }))
    }

    pub(super) fn find_spender(
        &self,
        outpoint: &OutPoint,
        since: BlockHeight,
    ) -> Result<Option<FoundTransaction>, NodeError> {
        // Asked for with what waits: an output that is there is spent by nothing.
        let unspent: Option<Value> =
            self.call("gettxout", &[json!(outpoint.txid), json!(outpoint.vout), json!(true)])?;
        if unspent.is_some() {
            return Ok(None);
        }
        let question = json!([{ "txid": outpoint.txid, "vout": outpoint.vout }]);
        let waiting: Vec<SpendingPrevout> = self.call("gettxspendingprevout", &[question])?;
        match waiting.first().and_then(|answer| answer.spendingtxid) {
            Some(txid) => self.find_directly(&txid),
            None => self.search_spender(outpoint, since),
        }
    }

    /// Looks through the blocks from the tip down to `since`, as far as the search depth goes.
    fn search_spender(
        &self,
        outpoint: &OutPoint,
        since: BlockHeight,
    ) -> Result<Option<FoundTransaction>, NodeError> {
        let tip = self.tip()?;
        let (mut hash, mut scanned_blocks) = (tip.hash, 0_u32);
        for height in (since.to_u32()..=tip.height.to_u32()).rev() {
            if scanned_blocks >= self.search_depth {
                return Err(NodeError::SpenderNotFound { outpoint: *outpoint, scanned_blocks });
            }
            let block = self.block_by_hash(&hash)?;
            let (height, next) = (BlockHeight::new(height), block.header.prev_blockhash);
            let spends = |transaction: &Transaction| {
                transaction.input.iter().any(|input| input.previous_output == *outpoint)
            };
            if let Some(transaction) = block.txdata.into_iter().find(spends) {
                let confirmations = tip.height.blocks_since(height).saturating_add(1);
                return Ok(Some(FoundTransaction {
                    transaction,
                    block: Some(ChainTip { height, hash }),
                    confirmations,
                }));
            }
            (hash, scanned_blocks) = (next, scanned_blocks.saturating_add(1));
        }
        Ok(None)
    }

    /// Looks through the blocks from the tip down, as far as the search depth goes.
    fn search(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        const METHOD: &str = "getblock";
        let (wanted, tip) = (txid.to_string(), self.tip()?);
        let mut next = Some(tip.hash);
        let mut scanned_blocks = 0_u32;
        while let Some(hash) = next {
            if scanned_blocks >= self.search_depth {
                return Err(NodeError::NotIndexed { txid: *txid, scanned_blocks });
            }
            let block: GetBlockVerboseOne = match self.call(METHOD, &[json!(hash), json!(1)]) {
                Err(NodeError::Rpc { code: MISC, .. }) => {
                    return Err(NodeError::NotIndexed { txid: *txid, scanned_blocks });
                }
                answer => answer?,
            };
            if let Some(position) = block.tx.iter().position(|candidate| *candidate == wanted) {
                let height =
                    u32::try_from(block.height).map_err(|_| malformed(METHOD, "its height is no height"))?;
                let transaction = self.block_by_hash(&hash)?.txdata.into_iter().nth(position);
                let transaction = transaction.filter(|transaction| transaction.compute_txid() == *txid);
                return Ok(Some(FoundTransaction {
                    transaction: transaction
                        .ok_or_else(|| malformed(METHOD, "it lacks a transaction that it lists"))?,
                    block: Some(ChainTip { height: BlockHeight::new(height), hash }),
                    confirmations: tip.height.to_u32().saturating_sub(height).saturating_add(1),
                }));
            }
            scanned_blocks = scanned_blocks.saturating_add(1);
            next = match block.previous_block_hash {
                Some(hash) => {
                    Some(hash.parse().map_err(|_| malformed(METHOD, "its previous block hash is no hash"))?)
                }
                None => None,
            };
        }
        Ok(None)
    }
}
