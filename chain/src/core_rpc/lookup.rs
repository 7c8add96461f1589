//! Finding a transaction on a node that may keep no index of them.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{BlockHash, OutPoint, Transaction, Txid};
use corepc_types::v28::{GetBlockVerboseOne, GetIndexInfo};
use serde_json::{Value, json};

use super::BitcoinCore;
use super::blocks::{NOT_FOUND, no_block};
use super::transport::malformed;
use crate::{BlockHeight, ChainSource as _, ChainTip, FoundTransaction, NodeError};

/// The fields of `getrawtransaction`'s verbose result that are needed. (The full type does not read
/// coinbases.)
#[derive(serde::Deserialize)]
struct RawTransaction {
    hex: String,
    blockhash: Option<BlockHash>,
}

/// How many outputs of a transaction are asked for before blocks are searched.
const FIRST_OUTPUTS: u32 = 2;

/// The fields of `gettxout`'s result that are needed.
#[derive(serde::Deserialize)]
struct Unspent {
    bestblock: BlockHash,
    confirmations: u32,
}

/// The fields of `gettxspendingprevout`'s result that are needed. With `-txospenderindex=1` it names
/// confirmed spenders too, and their block.
#[derive(serde::Deserialize)]
struct SpendingPrevout {
    spendingtxid: Option<Txid>,
    blockhash: Option<BlockHash>,
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
            let tip = match self.header(&bestblock) {
                Err(NodeError::UnknownBlock { .. }) => return Ok(None),
                tip => tip?.height.to_u32(),
            };
            let height = confirmations.checked_sub(1).and_then(|depth| tip.checked_sub(depth));
            let height =
                BlockHeight::new(height.ok_or_else(|| malformed(METHOD, "its confirmations are missing"))?);
            let block = match self.block_at(height) {
                Err(NodeError::BlockPruned { .. }) => return Ok(None),
                block => block?,
            };
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

    /// Returns the transaction from the node's mempool or its index of transactions.
    pub(super) fn find_directly(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        const METHOD: &str = "getrawtransaction";
        let raw: RawTransaction = match self.call(METHOD, &[json!(txid), json!(1)]) {
            Err(NodeError::Rpc { code: NOT_FOUND, .. }) => return Ok(None),
            answer => answer?,
        };
        let transaction: Transaction = deserialize_hex(&raw.hex).map_err(|error| malformed(METHOD, error))?;
        if transaction.compute_txid() != *txid {
            return Err(malformed(METHOD, "it holds another transaction"));
        }
        let Some(hash) = raw.blockhash else {
            return Ok(Some(FoundTransaction { transaction, block: None, confirmations: 0 }));
        };
        let Some((block, confirmations)) = self.in_best_chain(hash)? else { return Ok(None) };
        Ok(Some(FoundTransaction { transaction, block: Some(block), confirmations }))
    }

    /// The place of a block that an index names, and its confirmations; `None` when it has left the best
    /// chain, or when the node was killed and no longer knows it.
    fn in_best_chain(&self, hash: BlockHash) -> Result<Option<(ChainTip, u32)>, NodeError> {
        match self.header(&hash) {
            Err(NodeError::UnknownBlock { .. }) => Ok(None),
            found => {
                let found = found?;
                let block = ChainTip { height: found.height, hash };
                Ok((found.confirmations > 0).then_some((block, found.confirmations)))
            }
        }
    }

    fn spending_prevout(&self, outpoint: &OutPoint) -> Result<Option<SpendingPrevout>, NodeError> {
        // Bitcoin Core reads output numbers as 32-bit numbers with a sign; no transaction has so many.
        if i32::try_from(outpoint.vout).is_err() {
            return Ok(None);
        }
        let question = json!([{ "txid": outpoint.txid, "vout": outpoint.vout }]);
        let answers: Vec<SpendingPrevout> = self.call("gettxspendingprevout", &[question])?;
        Ok(answers.into_iter().next())
    }

    /// Returns whether the node's index of spenders names this very transaction for its first input.
    pub(super) fn is_indexed_spender(&self, transaction: &Transaction) -> Result<bool, NodeError> {
        let Some(input) = transaction.input.first() else { return Ok(false) };
        let Some(SpendingPrevout { spendingtxid: Some(txid), blockhash: Some(hash) }) =
            self.spending_prevout(&input.previous_output)?
        else {
            return Ok(false);
        };
        Ok(txid == transaction.compute_txid() && self.in_best_chain(hash)?.is_some())
    }

    pub(super) fn find_spender(
        &self,
        outpoint: &OutPoint,
        since: BlockHeight,
    ) -> Result<Option<FoundTransaction>, NodeError> {
        // Asked for with the mempool: an output that is there is spent by nothing.
        let unspent: Option<Value> =
            self.call("gettxout", &[json!(outpoint.txid), json!(outpoint.vout), json!(true)])?;
        if unspent.is_some() {
            return Ok(None);
        }
        let found = match self.spending_prevout(outpoint)? {
            Some(SpendingPrevout { blockhash: Some(hash), .. }) => self.spender_in(outpoint, hash)?,
            Some(SpendingPrevout { spendingtxid: Some(txid), .. }) => self.find_directly(&txid)?,
            _ => None,
        };
        match found {
            Some(found) => Ok(Some(found).filter(|found| found.block.is_none_or(|at| at.height >= since))),
            // No index, or the answer was overtaken: mined between the two calls, or reorganized.
            None => self.search_spender(outpoint, since),
        }
    }

    /// The spender that the node's index of spenders says to be in this block.
    fn spender_in(
        &self,
        outpoint: &OutPoint,
        hash: BlockHash,
    ) -> Result<Option<FoundTransaction>, NodeError> {
        let Some((place, confirmations)) = self.in_best_chain(hash)? else { return Ok(None) };
        let spender = self.block(&hash)?.txdata.into_iter().find(|candidate| spends(candidate, outpoint));
        Ok(spender.map(|transaction| FoundTransaction { transaction, block: Some(place), confirmations }))
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
            let block = match self.block(&hash) {
                Err(NodeError::BlockPruned { .. }) => {
                    return Err(NodeError::SpenderNotFound { outpoint: *outpoint, scanned_blocks });
                }
                block => block?,
            };
            let (height, next) = (BlockHeight::new(height), block.header.prev_blockhash);
            if let Some(transaction) = block.txdata.into_iter().find(|candidate| spends(candidate, outpoint))
            {
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
            let answer = self.call(METHOD, &[json!(hash), json!(1)]).map_err(|error| no_block(error, &hash));
            let block: GetBlockVerboseOne = match answer {
                Err(NodeError::BlockPruned { .. }) => {
                    return Err(NodeError::NotIndexed { txid: *txid, scanned_blocks });
                }
                answer => answer?,
            };
            if let Some(position) = block.tx.iter().position(|candidate| *candidate == wanted) {
                let height =
                    u32::try_from(block.height).map_err(|_| malformed(METHOD, "its height is no height"))?;
                let transaction = self.block(&hash)?.txdata.into_iter().nth(position);
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

fn spends(transaction: &Transaction, outpoint: &OutPoint) -> bool {
    transaction.input.iter().any(|input| input.previous_output == *outpoint)
}
