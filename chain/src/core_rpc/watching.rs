//! A `bitcoind` under whoever follows many outputs: its mempool, its index of spenders, its bell.

use std::collections::HashMap;
use std::time::Duration;

use bitcoin::{BlockHash, OutPoint, Txid};
use serde_json::{Value, json};

use super::blocks::MISC;
use super::transport::malformed;
use super::{BitcoinCore, TIMEOUT};
use crate::{BlockHeight, ChainSource as _, Mempool, NodeError, Spenders, SpentOutput, Unspent};

/// How many outputs one call asks for: the time of a call grows with the square of what it finds in the
/// mempool, which it holds meanwhile.
const CHUNK: usize = 500;
/// Each waiter takes one of the node's threads.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How much longer than it waits a call may take.
const SLACK: Duration = Duration::from_secs(10);

impl Mempool for BitcoinCore {
    fn waiting(&self) -> Result<Vec<Txid>, NodeError> {
        self.call("getrawmempool", &[])
    }
}

/// The fields of `gettxspendingprevout`'s result that are needed.
#[derive(serde::Deserialize)]
struct Answer {
    txid: Txid,
    vout: u32,
    spendingtxid: Option<Txid>,
    blockhash: Option<BlockHash>,
}

impl Spenders for BitcoinCore {
    /// As [`Spenders::spenders`]: of a node with `-txospenderindex=1` (Bitcoin Core 31), once that is built.
    fn spenders(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<SpentOutput>>, NodeError> {
        let mut spent = Vec::new();
        for chunk in outpoints.chunks(CHUNK) {
            match self.spenders_of(chunk)? {
                Some(found) => spent.extend(found),
                None => return Ok(None),
            }
        }
        Ok(Some(spent))
    }

    fn unspent(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<Unspent>>, NodeError> {
        const METHOD: &str = "gettxout";
        let mut heights: HashMap<BlockHash, BlockHeight> = HashMap::new();
        let mut unspent = Vec::new();
        for chunk in outpoints.chunks(CHUNK) {
            let exists = |outpoint: &&OutPoint| i32::try_from(outpoint.vout).is_ok();
            let asked: Vec<OutPoint> = chunk.iter().filter(exists).copied().collect();
            let questions: Vec<Value> =
                asked.iter().map(|outpoint| json!([outpoint.txid, outpoint.vout, false])).collect();
            let answers = self.rpc.call_each::<Option<UnspentAnswer>>(METHOD, &questions, TIMEOUT)?;
            for (outpoint, answer) in asked.into_iter().zip(answers) {
                let Some(UnspentAnswer { bestblock, confirmations }) = answer? else { continue };
                let tip = match heights.get(&bestblock) {
                    Some(height) => *height,
                    None => self.header(&bestblock)?.height,
                };
                heights.insert(bestblock, tip);
                let height = tip.to_u32().saturating_add(1).checked_sub(confirmations);
                let height =
                    height.ok_or_else(|| malformed(METHOD, "it is deeper than the chain is high"))?;
                unspent.push(Unspent { outpoint, height: BlockHeight::new(height) });
            }
        }
        Ok(Some(unspent))
    }
}

/// The fields of `gettxout`'s result that are needed.
#[derive(serde::Deserialize)]
struct UnspentAnswer {
    bestblock: BlockHash,
    confirmations: u32,
}

impl BitcoinCore {
    fn spenders_of(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<SpentOutput>>, NodeError> {
        const METHOD: &str = "gettxspendingprevout";
        // Bitcoin Core reads output numbers as 32-bit numbers with a sign, and one that is none fails the
        // call; no transaction has so many outputs.
        let exists = |outpoint: &&OutPoint| i32::try_from(outpoint.vout).is_ok();
        let asked: Vec<OutPoint> = outpoints.iter().filter(exists).copied().collect();
        let question: Vec<Value> =
            asked.iter().map(|outpoint| json!({ "txid": outpoint.txid, "vout": outpoint.vout })).collect();
        if question.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let options = json!({ "mempool_only": false });
        let answers: Vec<Answer> = match self.call(METHOD, &[json!(question), options]) {
            Err(NodeError::Rpc { code: MISC, message, .. }) if message.contains("is unavailable") => {
                return Ok(None);
            }
            // Versions before 31 know no options.
            Err(NodeError::Rpc { code: MISC, message, .. }) if message.starts_with(METHOD) => {
                return Ok(None);
            }
            answers => answers?,
        };
        // They come in another order than they were asked for.
        let mut found: Vec<OutPoint> =
            answers.iter().map(|answer| OutPoint::new(answer.txid, answer.vout)).collect();
        let mut expected = asked;
        found.sort_unstable();
        expected.sort_unstable();
        if found != expected {
            return Err(malformed(METHOD, "it is about other outputs"));
        }
        let spent = answers.into_iter().filter_map(|answer| {
            let outpoint = OutPoint::new(answer.txid, answer.vout);
            answer.spendingtxid.map(|by| SpentOutput { outpoint, by, block: answer.blockhash })
        });
        Ok(Some(spent.collect()))
    }

    /// Waits for the node's bell, which rings at once where the tip is another.
    pub(super) fn wait_for_bell(&self, known: &BlockHash, within: Duration) -> Result<(), NodeError> {
        const METHOD: &str = "waitfornewblock";
        let within = within.min(LONGEST_WAIT);
        // No time is for ever.
        let milliseconds = u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1);
        let params = [json!(milliseconds), json!(known)];
        let wait = |params| self.rpc.call::<Value>(METHOD, params, within.saturating_add(SLACK));
        match wait(&params) {
            // A version that takes no known block.
            Err(NodeError::Rpc { code: MISC, message, .. }) if message.starts_with(METHOD) => {
                wait(&[json!(milliseconds)]).map(drop)
            }
            waited => waited.map(drop),
        }
    }
}
