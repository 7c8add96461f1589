//! What every store does.

use std::ops::ControlFlow;

use crate::changes::ChangeSet;
use crate::error::StoreError;

/// What a scan calls with each row's key and value, until it breaks.
pub type Each<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Rows of bytes in tables, which are changed by sets, each all or not at all.
///
/// A program opens it, waits until it leads, reads what it holds in memory, and from then on gives the
/// changes alone. One that does not lead may read. After [`StoreError::Unknown`], [`StoreError::Lost`] and
/// [`StoreError::Deposed`] it begins again: its memory may be behind.
pub trait Store: Send {
    /// Tries to lead, and returns whether it does: of all that have the store open one alone leads, and
    /// writes. A store in a file always leads. It returns at once; whoever stands by asks again from time to
    /// time, and whoever leads may, so that it hears of it when it leads no more.
    ///
    /// # Errors
    /// [`StoreError`]: where this is not known; and whenever this handle has led and does no more, so that
    /// nobody goes on with what another has changed meanwhile.
    fn try_lead(&mut self) -> Result<bool, StoreError>;

    /// Applies all changes or none, durably: when it returns, they survive a loss of power.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is written, but for [`StoreError::Unknown`], which says that nobody knows.
    fn apply(&mut self, changes: &ChangeSet) -> Result<(), StoreError>;

    /// Returns the value of a key.
    ///
    /// # Errors
    /// [`StoreError`]: the table is not in the schema, or cannot be read.
    fn get(&mut self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Calls `each` with key and value of every row whose key begins with `prefix`, in the order of the keys'
    /// bytes, until it breaks. The rows are those of one moment, and not in memory all at once.
    ///
    /// # Errors
    /// [`StoreError`]: the table is not in the schema, or cannot be read to the end; `each` may have had a
    /// part of the rows.
    fn scan(&mut self, table: &str, prefix: &[u8], each: &mut Each<'_>) -> Result<(), StoreError>;

    /// Returns how many rows a table has.
    ///
    /// # Errors
    /// [`StoreError`]: the table is not in the schema, or cannot be read.
    fn count(&mut self, table: &str) -> Result<u64, StoreError>;
}

/// Returns the least bytes that are above all those which begin with a prefix; none where nothing is above.
pub(crate) fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let length = prefix.iter().rposition(|byte| *byte != 0xff)?.saturating_add(1);
    let mut end = prefix.get(..length)?.to_vec();
    let last = end.last_mut()?;
    *last = last.saturating_add(1);
    Some(end)
}
