//! In which blocks staking transactions are, when blocks are looked at again.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Txid};

use super::look_back::{LookBack, Stage};
use super::{BLOCKS_A_STEP, Driver, DriverError};

/// The blocks in which staking transactions may be. The node tells of those whose staking output is unspent;
/// of the others, whoever asked named a block below which nothing of it is, and it may be in that one.
#[derive(Debug, Default)]
pub(super) struct Inclusions {
    /// The blocks that are still to be read.
    heights: BTreeSet<u32>,
    /// The stakes whose staking output is neither unspent nor spent in a block, by the node's word.
    nowhere: BTreeSet<Txid>,
}

impl Driver<'_> {
    pub(super) fn inclusions(&self, stakes: &BTreeMap<Txid, u32>) -> Result<Inclusions, DriverError> {
        let tracker = self.watch.tracker();
        let mut inclusions = Inclusions::default();
        let mut unknown: BTreeMap<OutPoint, u32> = BTreeMap::new();
        for (txid, since) in stakes {
            let stake = tracker.find(txid).and_then(|id| tracker.stake(id));
            if let Some(stake) = stake.filter(|stake| stake.included_height().is_none()) {
                unknown.insert(stake.outpoint(), *since);
            }
        }
        let outpoints: Vec<OutPoint> = unknown.keys().copied().collect();
        let unspent = self.node.unspent(&outpoints)?;
        let can_tell = unspent.is_some();
        for found in unspent.unwrap_or_default() {
            unknown.remove(&found.outpoint);
            inclusions.heights.insert(found.height.to_u32());
        }
        inclusions.heights.extend(unknown.values());
        let outpoints: Vec<OutPoint> = unknown.keys().copied().collect();
        if let Some(spent) = self.node.spenders(&outpoints)?.filter(|_| can_tell) {
            for spent in spent.into_iter().filter(|spent| spent.block.is_some()) {
                unknown.remove(&spent.outpoint);
            }
            inclusions.nowhere = unknown.keys().map(|outpoint| outpoint.txid).collect();
        }
        // What is above will be connected.
        inclusions.heights.retain(|height| *height <= tracker.height());
        Ok(inclusions)
    }

    pub(super) fn look_for_inclusions(&mut self) -> Result<(), DriverError> {
        for _ in 0..BLOCKS_A_STEP {
            let Some(LookBack { stage: Stage::Inclusions(found), .. }) = &mut self.looks_back else { break };
            let Some(height) = found.heights.first().copied() else {
                let nowhere = std::mem::take(&mut found.nowhere);
                self.ask_or_read(|txid| !nowhere.contains(txid));
                break;
            };
            // Where the node lacks the block, all are read.
            self.read_again(height, None)?;
            if let Some(LookBack { stage: Stage::Inclusions(found), .. }) = &mut self.looks_back {
                found.heights.remove(&height);
            }
        }
        Ok(())
    }
}
