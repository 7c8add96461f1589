//! Looking again at blocks that were passed before stakes were learned.
//!
//! A node with an index of spenders is asked for what spends their outputs, where it is known in which block
//! a stake is, or that it is in none: then only the blocks with something of them are read, and the last k,
//! as the index may leave some of those for a moment while the node tries a fork. Otherwise every block is
//! read.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bitcoin::{BlockHash, OutPoint, Txid};
use chain::{BlockHeight, NodeError};

use super::inclusions::Inclusions;
use super::{BLOCKS_A_STEP, Driver, DriverError};
use crate::event::Event;
use crate::stake::StakeOutput;
use crate::told::Told;

/// Over fewer blocks nobody asks an index.
const LEAST_BLOCKS: u32 = 200;
/// How many outputs are asked for at once.
const CHUNK: usize = 2_000;
/// How often a step asks at most.
const CHUNKS_A_STEP: usize = 5;
/// A stake's outputs come one after the other: of the staking transaction, the unbonding, the slashing.
const MOST_ROUNDS: u32 = 3;

/// What is under way.
#[derive(Debug)]
pub(super) struct LookBack {
    /// The stakes, each with the height below which nothing of it is.
    pub(super) stakes: BTreeMap<Txid, u32>,
    /// Those that were asked for by name; of the others it was asked for all.
    named: BTreeSet<Txid>,
    is_of_all: bool,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// It is looked for the blocks of staking transactions.
    Inclusions(Inclusions),
    /// The index is asked.
    Spends(Asking),
    /// Every block from this one on is read.
    Blocks(u32),
}

#[derive(Debug, Default)]
pub(super) struct Asking {
    /// The stakes whose outputs are still to be asked for.
    ask: VecDeque<Txid>,
    /// The blocks with something of them, which are still to be read.
    found: BTreeMap<u32, BlockHash>,
    /// The heights of blocks that were named.
    heights: HashMap<BlockHash, Option<u32>>,
    /// From which height on every block is read afterwards.
    next: u32,
    round: u32,
}

impl Driver<'_> {
    /// Looks at some of the blocks again, for all stakes at once. Returns whether nothing is left: a chain is
    /// long, and what is new, and what waits to be sent again, is not kept waiting for it.
    pub(super) fn look_back(&mut self) -> Result<bool, DriverError> {
        if self.looks_back.is_none() && !self.begin()? {
            return Ok(true);
        }
        // Whatever fails is tried again: the stage stays.
        match self.looks_back.as_ref().map(|it| &it.stage) {
            Some(Stage::Inclusions(_)) => self.look_for_inclusions().map(|()| false),
            // An index that is behind does not know of everything.
            Some(Stage::Spends(_)) if !self.is_where_node_is()? => Ok(true),
            Some(Stage::Spends(_)) => self.look_for_spends().map(|()| false),
            Some(Stage::Blocks(next)) => self.look_at_blocks(*next),
            None => Ok(true),
        }
    }

    /// Begins with what is asked for. Returns whether that is anything.
    fn begin(&mut self) -> Result<bool, DriverError> {
        let mut stakes = self.look_back.clone();
        if let Some(since) = self.look_back_all {
            for (_, stake) in self.watch.tracker().stakes() {
                let least = stakes.entry(stake.outpoint().txid).or_insert(since);
                *least = since.min(*least);
            }
        }
        let Some(from) = stakes.values().min().copied() else {
            if self.look_back_all.take().is_some() {
                self.tell(Event::AllLookedBack)?;
            }
            return Ok(false);
        };
        let stage = self.first_stage(&stakes, from)?;
        let (named, is_of_all) = (std::mem::take(&mut self.look_back), self.look_back_all.take().is_some());
        self.observer.told(&Told::LooksBack { from, stakes: stakes.len() });
        let named = named.into_keys().collect();
        self.looks_back = Some(LookBack { stakes, named, is_of_all, stage });
        Ok(true)
    }

    fn first_stage(&self, stakes: &BTreeMap<Txid, u32>, from: u32) -> Result<Stage, DriverError> {
        let blocks = self.watch.tracker().height().saturating_sub(from);
        let outpoint = stakes.keys().next().map(|txid| OutPoint::new(*txid, 0));
        let (Some(outpoint), true) = (outpoint, blocks >= LEAST_BLOCKS) else {
            return Ok(Stage::Blocks(from));
        };
        let has_index = match self.node.spenders(&[outpoint]) {
            Err(error) if error.is_retryable() => return Err(error.into()),
            answer => matches!(answer, Ok(Some(_))),
        };
        if has_index { self.inclusions(stakes).map(Stage::Inclusions) } else { Ok(Stage::Blocks(from)) }
    }

    pub(super) fn included(&self, txid: &Txid) -> Option<u32> {
        let tracker = self.watch.tracker();
        tracker.find(txid).and_then(|id| tracker.stake(id))?.included_height()
    }

    /// Every block is read from the first one in which a stake may be of which it is not known where it is;
    /// the index is asked for those that are below.
    pub(super) fn ask_or_read(&mut self, may_be_anywhere: impl Fn(&Txid) -> bool) {
        let Some(LookBack { stakes, .. }) = &self.looks_back else { return };
        let is_nowhere = |txid: &Txid| self.included(txid).is_none() && may_be_anywhere(txid);
        let nowhere = stakes.iter().filter(|(txid, _)| is_nowhere(txid));
        let last =
            self.watch.tracker().height().saturating_add(1).saturating_sub(self.watch.settings().depth);
        let next = nowhere.map(|(_, since)| *since).min().unwrap_or(last).min(last);
        let is_below = |txid: &&Txid| self.included(txid).is_some_and(|height| height < next);
        let ask: VecDeque<Txid> = stakes.keys().filter(is_below).copied().collect();
        let stage = if ask.is_empty() {
            Stage::Blocks(next)
        } else {
            Stage::Spends(Asking { ask, next, round: 1, ..Asking::default() })
        };
        if let Some(looks_back) = &mut self.looks_back {
            looks_back.stage = stage;
        }
    }

    fn asking(&mut self) -> Option<&mut Asking> {
        match &mut self.looks_back {
            Some(LookBack { stage: Stage::Spends(asking), .. }) => Some(asking),
            _ => None,
        }
    }

    fn look_for_spends(&mut self) -> Result<(), DriverError> {
        for _ in 0..CHUNKS_A_STEP {
            let Some(asking) = self.asking() else { return Ok(()) };
            let chunk: Vec<Txid> = asking.ask.iter().take(CHUNK).copied().collect();
            if chunk.is_empty() {
                return self.read_found();
            }
            // The tip may move while the index answers.
            if !self.ask(&chunk)? || !self.is_where_node_is()? {
                return Ok(());
            }
            if let Some(asking) = self.asking() {
                asking.ask.drain(..chunk.len().min(asking.ask.len()));
            }
        }
        Ok(())
    }

    /// The outputs of a stake that nothing spends, as far as is known.
    fn open_outputs(&self, txid: &Txid) -> Vec<OutPoint> {
        let tracker = self.watch.tracker();
        let Some(stake) = tracker.find(txid).and_then(|id| tracker.stake(id)) else { return Vec::new() };
        let outputs = [
            (StakeOutput::Staking, Some(stake.outpoint())),
            (StakeOutput::Unbonding, stake.unbonding_output()),
            (StakeOutput::Refund, stake.refund_output()),
        ];
        let is_open = |which: &StakeOutput| stake.spend(*which).is_none();
        outputs.into_iter().filter(|(which, _)| is_open(which)).filter_map(|(_, outpoint)| outpoint).collect()
    }

    /// Reads every block, whatever the index says.
    pub(super) fn read_all(&mut self) {
        if let Some(LookBack { stakes, stage, .. }) = &mut self.looks_back {
            *stage = Stage::Blocks(stakes.values().min().copied().unwrap_or_default());
        }
    }

    /// Asks for what spends outputs. Returns whether the index goes on being asked.
    fn ask(&mut self, stakes: &[Txid]) -> Result<bool, DriverError> {
        let outpoints: Vec<_> = stakes.iter().flat_map(|txid| self.open_outputs(txid)).collect();
        let Some(spent) = self.node.spenders(&outpoints)? else {
            self.read_all();
            return Ok(false);
        };
        for hash in spent.into_iter().filter_map(|spent| spent.block) {
            let known = self.asking().and_then(|asking| asking.heights.get(&hash).copied());
            let height = match known {
                Some(height) => height,
                None => match self.node.header(&hash) {
                    // It was killed since, and may come back to this block.
                    Err(NodeError::UnknownBlock { .. }) => {
                        self.read_all();
                        return Ok(false);
                    }
                    found => Some(found?).filter(|it| it.confirmations > 0).map(|it| it.height.to_u32()),
                },
            };
            let tip = self.watch.tracker().height();
            let Some(asking) = self.asking() else { return Ok(false) };
            asking.heights.insert(hash, height);
            // What is above will be connected, and what is not below is read anyway.
            if let Some(height) = height.filter(|height| *height <= tip && *height < asking.next) {
                asking.found.insert(height, hash);
            }
        }
        Ok(true)
    }

    /// Reads the blocks that were found, in order, and begins the next round after the last of them.
    fn read_found(&mut self) -> Result<(), DriverError> {
        for _ in 0..BLOCKS_A_STEP {
            let Some(asking) = self.asking() else { return Ok(()) };
            let Some((height, hash)) = asking.found.first_key_value().map(|(height, hash)| (*height, *hash))
            else {
                self.next_round();
                return Ok(());
            };
            if !self.read_again(height, Some(hash))? {
                self.read_all();
                return Ok(());
            }
            if let Some(asking) = self.asking() {
                asking.found.remove(&height);
            }
        }
        Ok(())
    }

    /// Asks for the outputs of what was found, until there is nothing new.
    fn next_round(&mut self) {
        let Some(LookBack { stakes, stage: Stage::Spends(Asking { next, round, .. }), .. }) =
            &self.looks_back
        else {
            return;
        };
        let is_below = |txid: &Txid| self.included(txid).is_some_and(|height| height < *next);
        let is_followed = |txid: &&Txid| {
            is_below(txid) && self.open_outputs(txid).iter().any(|outpoint| outpoint.txid != **txid)
        };
        let is_last = *round >= MOST_ROUNDS;
        let followed = stakes.keys().filter(|txid| !is_last && is_followed(txid));
        let ask: VecDeque<Txid> = followed.copied().collect();
        let (next, round) = (*next, round.saturating_add(1));
        if let Some(LookBack { stage, .. }) = &mut self.looks_back {
            match stage {
                Stage::Spends(asking) if !ask.is_empty() => (asking.ask, asking.round) = (ask, round),
                stage => *stage = Stage::Blocks(next),
            }
        }
    }

    /// Judges a block again: the one of this hash, or the one at this height. Returns whether the node has
    /// it.
    pub(super) fn read_again(&mut self, height: u32, hash: Option<BlockHash>) -> Result<bool, DriverError> {
        let block = match hash {
            Some(hash) => self.node.block(&hash),
            None => self.node.block_at(BlockHeight::new(height)),
        };
        let block = match block {
            Err(NodeError::NoSuchBlock { .. } | NodeError::UnknownBlock { .. }) => return Ok(false),
            block => block?,
        };
        self.tell(Event::LookedBack { block: &block, height })?;
        Ok(true)
    }

    fn look_at_blocks(&mut self, next: u32) -> Result<bool, DriverError> {
        let last = self.watch.tracker().height().min(next.saturating_add(BLOCKS_A_STEP).saturating_sub(1));
        for height in next..=last {
            if !self.read_again(height, None)? {
                // It went back, and may come to these very blocks again: then nobody connects them.
                return Ok(true);
            }
            if let Some(LookBack { stage: Stage::Blocks(next), .. }) = &mut self.looks_back {
                *next = height.saturating_add(1);
            }
        }
        if last < self.watch.tracker().height() {
            return Ok(false);
        }
        let Some(LookBack { named, is_of_all, .. }) = self.looks_back.take() else { return Ok(true) };
        // Those for which it is to be looked lower meanwhile are not done.
        let stakes: Vec<Txid> = named.into_iter().filter(|txid| !self.look_back.contains_key(txid)).collect();
        self.tell(Event::LookBackDone { stakes: &stakes })?;
        if is_of_all {
            self.tell(Event::AllLookedBack)?;
        }
        Ok(!self.is_looking_back())
    }
}
