//! Finding a transaction on a node that may keep no index of them.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, BlockHash, OutPoint, ScriptBuf, Transaction, TxMerkleNode, TxOut, Txid, merkle_tree};
use corepc_types::v28::GetIndexInfo;
use serde_json::json;

use super::BitcoinCore;
use super::blocks::{MISC, NOT_FOUND, VerboseHeader, no_block};
use super::transport::malformed;
use crate::{BlockHeight, ChainSource as _, ChainTip, Coin, FoundTransaction, NodeError};

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
    #[serde(with = "bitcoin::amount::serde::as_btc")]
    value: Amount,
    #[serde(rename = "scriptPubKey")]
    script_pubkey: UnspentScript,
}

#[derive(serde::Deserialize)]
struct UnspentScript {
    hex: ScriptBuf,
}

const GET_TX_OUT: &str = "gettxout";

impl Unspent {
    /// Refuses an output that is not the one that its transaction has.
    fn check(self, known: &TxOut) -> Result<(), NodeError> {
        let found = TxOut { value: self.value, script_pubkey: self.script_pubkey.hex };
        if found == *known {
            return Ok(());
        }
        let text = |output: &TxOut| format!("{} sat to {:x}", output.value.to_sat(), output.script_pubkey);
        Err(malformed(GET_TX_OUT, format!("it has {}; must be {}", text(&found), text(known))))
    }
}

/// The fields of `getblock`'s result that are needed: the ids of the transactions beside the header.
#[derive(serde::Deserialize)]
struct VerboseBlock {
    #[serde(flatten)]
    header: VerboseHeader,
    tx: Vec<Txid>,
}

/// The fields of `gettxspendingprevout`'s result that are needed. With `-txospenderindex=1` it names
/// confirmed spenders too, and their block.
#[derive(serde::Deserialize)]
struct SpendingPrevout {
    txid: Txid,
    vout: u32,
    spendingtxid: Option<Txid>,
    blockhash: Option<BlockHash>,
}

const GET_SPENDER: &str = "gettxspendingprevout";

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
    pub(super) fn find_by_output(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        for vout in 0..FIRST_OUTPUTS {
            let Some(unspent) = self.unspent(&OutPoint { txid: *txid, vout }, false)? else { continue };
            let confirmations = unspent.confirmations;
            let tip = match self.header(&unspent.bestblock) {
                Err(NodeError::UnknownBlock { .. }) => return Ok(None),
                tip => tip?.height.to_u32(),
            };
            let height = confirmations.checked_sub(1).and_then(|depth| tip.checked_sub(depth));
            let height = height.ok_or_else(|| malformed(GET_TX_OUT, "its confirmations are missing"))?;
            let height = BlockHeight::new(height);
            let block = self.block_at(height)?;
            let place = Some(ChainTip { height, hash: block.block_hash() });
            let transaction =
                block.txdata.into_iter().find(|transaction| transaction.compute_txid() == *txid);
            // In another block, where the chain was reorganized in the meantime.
            let Some(transaction) = transaction else { return Ok(None) };
            let output = usize::try_from(vout).ok().and_then(|vout| transaction.output.get(vout));
            unspent
                .check(output.ok_or_else(|| malformed(GET_TX_OUT, "its transaction has no such output"))?)?;
            return Ok(Some(FoundTransaction { transaction, block: place, confirmations }));
        }
        Ok(None)
    }

    /// What the node has of an output that nothing spends; with the mempool, nothing there either.
    fn unspent(&self, outpoint: &OutPoint, with_mempool: bool) -> Result<Option<Unspent>, NodeError> {
        self.call(GET_TX_OUT, &[json!(outpoint.txid), json!(outpoint.vout), json!(with_mempool)])
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
        // No option is given beside the outpoint: versions before 31 know none.
        let question = json!([{ "txid": outpoint.txid, "vout": outpoint.vout }]);
        let answers: Vec<SpendingPrevout> = match self.call(GET_SPENDER, &[question]) {
            // The index is not built yet: as if there were none.
            Err(NodeError::Rpc { code: MISC, message, .. }) if message.contains("is unavailable") => {
                return Ok(None);
            }
            answers => answers?,
        };
        let asked = |answer: &SpendingPrevout| (answer.txid, answer.vout) == (outpoint.txid, outpoint.vout);
        let answer = answers.into_iter().find(asked);
        answer.map(Some).ok_or_else(|| malformed(GET_SPENDER, "it is about other outputs"))
    }

    /// Returns whether the node's index of spenders names this very transaction for its first input.
    pub(super) fn is_indexed_spender(&self, transaction: &Transaction) -> Result<bool, NodeError> {
        let Some(input) = transaction.input.first() else { return Ok(false) };
        let Some(SpendingPrevout { spendingtxid: Some(txid), blockhash: Some(hash), .. }) =
            self.spending_prevout(&input.previous_output)?
        else {
            return Ok(false);
        };
        Ok(txid == transaction.compute_txid() && self.in_best_chain(hash)?.is_some())
    }

    pub(super) fn find_spender(&self, coin: &Coin) -> Result<Option<FoundTransaction>, NodeError> {
        let (outpoint, since) = (coin.outpoint, coin.height);
        // Asked for with the mempool: an output that is there is spent by nothing.
        if self.is_unspent(coin)? {
            return Ok(None);
        }
        let found = match self.spending_prevout(&outpoint)? {
            Some(SpendingPrevout { blockhash: Some(hash), .. }) => self.spender_in(&outpoint, hash)?,
            Some(SpendingPrevout { spendingtxid: Some(txid), .. }) => self.known_spender(&outpoint, &txid)?,
            _ => None,
        };
        let found = match found {
            Some(found) => Some(found),
            // No index, or the answer was overtaken: mined between the two calls, or reorganized.
            None => self.search_spender(&outpoint, since)?,
        };
        match found.filter(|found| found.block.is_none_or(|at| at.height >= since)) {
            Some(found) => Ok(Some(found)),
            // What was in the mempool may have left it meanwhile.
            None if self.is_unspent(coin)? => Ok(None),
            None => Err(NodeError::NoSuchOutput { outpoint, since }),
        }
    }

    /// Returns whether nothing spends the output, in a block or in the mempool.
    fn is_unspent(&self, coin: &Coin) -> Result<bool, NodeError> {
        match self.unspent(&coin.outpoint, true)? {
            Some(unspent) => unspent.check(&coin.output).map(|()| true),
            None => Ok(false),
        }
    }

    /// The spender that the node names without a block: from its mempool, or its index of transactions.
    fn known_spender(&self, outpoint: &OutPoint, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        let found = self.find_directly(txid)?;
        if found.as_ref().is_some_and(|found| !spends(&found.transaction, outpoint)) {
            return Err(malformed(GET_SPENDER, format!("it names {txid}; must be a spender of {outpoint}")));
        }
        Ok(found)
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

    /// Looks through the blocks from the tip down, as far as the search depth goes. Each block is the parent
    /// of the one before, and commits to the ids that it lists.
    fn search(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        const METHOD: &str = "getblock";
        let tip = self.tip()?;
        let (mut hash, mut scanned_blocks) = (tip.hash, 0_u32);
        for height in (0..=tip.height.to_u32()).rev() {
            if scanned_blocks >= self.search_depth {
                return Err(NodeError::NotIndexed { txid: *txid, scanned_blocks });
            }
            let answer = self.call(METHOD, &[json!(hash), json!(1)]).map_err(|error| no_block(error, &hash));
            let block: VerboseBlock = match answer {
                Err(NodeError::BlockPruned { .. }) => {
                    return Err(NodeError::NotIndexed { txid: *txid, scanned_blocks });
                }
                answer => answer?,
            };
            let header = block.header.header(METHOD, &hash)?;
            let root = merkle_tree::calculate_root(block.tx.iter().map(|txid| txid.to_raw_hash()));
            if root.map(TxMerkleNode::from) != Some(header.merkle_root) {
                return Err(malformed(METHOD, "it lists transactions that its header does not commit to"));
            }
            if let Some(position) = block.tx.iter().position(|candidate| candidate == txid) {
                let height = BlockHeight::new(height);
                let transaction = self.block(&hash)?.txdata.into_iter().nth(position);
                let transaction = transaction.filter(|transaction| transaction.compute_txid() == *txid);
                return Ok(Some(FoundTransaction {
                    transaction: transaction
                        .ok_or_else(|| malformed(METHOD, "it lacks a transaction that it lists"))?,
                    block: Some(ChainTip { height, hash }),
                    confirmations: tip.height.blocks_since(height).saturating_add(1),
                }));
            }
            (hash, scanned_blocks) = (header.prev_blockhash, scanned_blocks.saturating_add(1));
        }
        Ok(None)
    }
}

fn spends(transaction: &Transaction, outpoint: &OutPoint) -> bool {
    transaction.input.iter().any(|input| input.previous_output == *outpoint)
}
