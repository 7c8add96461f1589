//! The core as it is stored.

use bitcoin::Txid;
use chain::ChainTip;
use store::Store;

use super::{Output, Settings, Watch};
use crate::event::{Action, Event};
use crate::rows::{self, RowError};

impl Watch {
    /// Returns the core as it is stored, with what is to be done now; of an empty store, one that has seen
    /// the blocks up to `start`.
    ///
    /// # Errors
    /// [`RowError`].
    pub fn open(
        settings: Settings,
        store: &mut dyn Store,
        start: ChainTip,
    ) -> Result<(Self, Output), RowError> {
        let stored = rows::stored_tip(store)?;
        let mut watch = Self::new(settings, stored.unwrap_or(start));
        let mut output = Output::default();
        if stored.is_none() {
            rows::put_tip(&mut output.changes, start);
        }
        if rows::stored_depth(store)? != Some(watch.settings.depth) {
            rows::put_depth(&mut output.changes, watch.settings.depth);
        }
        let untold = rows::read_stakes(store, &mut watch.tracker)?;
        for stake in untold {
            watch.complete_row(store, stake, &mut output)?;
        }
        for (id, stake) in watch.tracker.stakes() {
            watch.reporter.note(id, stake);
        }
        rows::read_told(store, |key| {
            watch.teller.note(key);
        })?;
        rows::read_posted(store, |posted| watch.reporter.restore(posted))?;
        rows::read_evidence(store, |evidence| {
            output.actions.extend(watch.handle(Event::Evidence { evidence }).actions);
        })?;
        let slashed = rows::read_slashed(store)?;
        output.actions.extend(slashed.into_iter().map(|stake| Action::Recover { stake }));
        if let Some(since) = rows::stored_leap(store)? {
            watch.resume_leap(since, &mut output);
        }
        let stakes = rows::read_look_backs(store)?;
        if !stakes.is_empty() {
            output.actions.push(Action::LookBack { stakes });
        }
        Ok((watch, output))
    }

    /// Completes the row of a stake as the first version had it, by its delegation.
    fn complete_row(
        &mut self,
        store: &mut dyn Store,
        stake: Txid,
        output: &mut Output,
    ) -> Result<(), RowError> {
        let delegation = rows::stored_delegations(store, &[stake])?.pop();
        let is_extension = delegation.is_some_and(|delegation| delegation.extends.is_some());
        if let Some(id) = self.tracker.find(&stake) {
            self.tracker.set_extension(id, is_extension);
            self.put(id, output);
        }
        Ok(())
    }
}
