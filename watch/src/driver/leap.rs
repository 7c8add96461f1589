//! Leaping over most of a long way, where the node has an index of spenders: what its blocks have of the
//! stakes is asked for then, in thousands of outputs at once.

use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, Txid};
use chain::{ChainTip, Follower};

use super::{Driver, DriverError};
use crate::event::Event;
use crate::rows::passed_blocks;

/// From how many blocks on a way is leapt over.
const LONG_WAY: u32 = if cfg!(test) { 300 } else { 1_000 };

impl Driver<'_> {
    /// Leaps to a block that is twice as deep as what counts as final, where so many blocks are ahead.
    pub(super) fn leap(&mut self, blocks: u32) -> Result<(), DriverError> {
        let last = self.watch.tracker().tip();
        // What was looked for at first is found first.
        if blocks < LONG_WAY || !self.watch.may_leap() || self.is_looking_back() {
            return Ok(());
        }
        let anything = OutPoint::new(Txid::all_zeros(), 0);
        let has_index = match self.node.spenders(&[anything]) {
            Err(error) if error.is_retryable() => return Err(error.into()),
            answer => matches!(answer, Ok(Some(_))),
        };
        // Where the chain became another, its blocks are followed from the fork point on.
        if !has_index || self.node.block_hash(last.height)? != last.hash {
            return Ok(());
        }
        let below = self.watch.settings().depth.saturating_mul(2);
        let height = last.height.saturating_add(blocks.saturating_sub(below));
        let to = ChainTip { height, hash: self.node.block_hash(height)? };
        if to.height <= last.height {
            return Ok(());
        }
        self.tell(Event::Leapt { to })?;
        self.follower = Follower::resume(passed_blocks(&mut *self.store)?, to);
        Ok(())
    }
}
