//! The core as it is stored.

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
        rows::read_stakes(store, &mut watch.tracker)?;
        rows::read_told(store, |key| {
            watch.told.insert(key);
        })?;
        rows::read_evidence(store, |evidence| {
            output.actions.extend(watch.handle(Event::Evidence { evidence }).actions);
        })?;
        let stakes = rows::read_look_backs(store)?;
        if !stakes.is_empty() {
            output.actions.push(Action::LookBack { stakes });
        }
        Ok((watch, output))
    }
}
