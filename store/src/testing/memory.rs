//! A store in memory, for the tests of programs that have one.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::changes::{Change, ChangeSet};
use crate::error::{Place, StoreError};
use crate::schema::{Layout, Schema};
use crate::store::{Each, Store};

/// How a change set is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// With [`StoreError::Failed`], as by a full disk.
    Failed,
    /// With [`StoreError::Unknown`], and it is written.
    UnknownWritten,
    /// With [`StoreError::Unknown`], and it is not written.
    UnknownNotWritten,
}

#[derive(Debug, Default)]
struct Content {
    program: Option<&'static str>,
    version: u32,
    tables: BTreeMap<&'static str, BTreeMap<Vec<u8>, Vec<u8>>>,
    term: u64,
    is_led: bool,
    fault: Option<Fault>,
}

/// What several stores in memory share, and what outlives each of them. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct MemoryDatabase(Arc<Mutex<Content>>);

impl MemoryDatabase {
    /// Returns an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a store, as a process would, beside others that are open.
    ///
    /// # Errors
    /// [`StoreError`]: the schema is not valid, or that of another or an earlier program.
    pub fn open(&self, schema: &Schema) -> Result<MemoryStore, StoreError> {
        let layout = Layout::new(schema)?;
        let mut content = self.content();
        if content.program.is_some_and(|found| found != layout.program()) {
            let rule = format!("it is of another program than {}", layout.program());
            return Err(StoreError::Other { place: Place::Memory, rule });
        }
        let (found, most) = (content.version, layout.version());
        if found > most {
            return Err(StoreError::Later { place: Place::Memory, found, most });
        }
        content.program = Some(layout.program());
        content.version = most;
        drop(content);
        Ok(MemoryStore { database: self.clone(), layout, term: None, is_lost: false })
    }

    /// Has the next change set that is applied fail.
    pub fn fail_next(&self, fault: Fault) {
        self.content().fault = Some(fault);
    }

    /// Ends the lead, as by a connection that is lost: another store may lead, and the one that led does not
    /// know.
    pub fn end_lead(&self) {
        self.content().is_led = false;
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store in memory. Dropping it ends its lead.
#[derive(Debug)]
pub struct MemoryStore {
    database: MemoryDatabase,
    layout: Layout,
    /// The term that it leads.
    term: Option<u64>,
    is_lost: bool,
}

impl MemoryStore {
    /// Returns whether it leads.
    fn leads(&mut self) -> Result<bool, StoreError> {
        let place = Place::Memory;
        if self.is_lost {
            return Err(StoreError::Lost(place));
        }
        let Some(own) = self.term else { return Ok(false) };
        let (found, is_led) = {
            let content = self.database.content();
            (content.term, content.is_led)
        };
        match (found == own, is_led) {
            (true, true) => return Ok(true),
            (true, false) => self.is_lost = true,
            (false, _) => {
                self.is_lost = true;
                return Err(StoreError::Deposed { place, own, found });
            }
        }
        Err(StoreError::Lost(place))
    }

    /// Reads the rows of a table.
    fn read<T>(
        &self,
        table: &str,
        read: impl FnOnce(&BTreeMap<Vec<u8>, Vec<u8>>) -> T,
    ) -> Result<T, StoreError> {
        let table = self.layout.table(table)?;
        if self.is_lost {
            return Err(StoreError::Lost(Place::Memory));
        }
        let content = self.database.content();
        Ok(read(content.tables.get(table).unwrap_or(&BTreeMap::new())))
    }
}

impl Store for MemoryStore {
    fn try_lead(&mut self) -> Result<bool, StoreError> {
        if self.leads()? {
            return Ok(true);
        }
        let mut content = self.database.content();
        let (found, most) = (content.version, self.layout.version());
        if found > most {
            return Err(StoreError::Later { place: Place::Memory, found, most });
        }
        if content.is_led {
            return Ok(false);
        }
        content.is_led = true;
        content.term = content.term.saturating_add(1);
        self.term = Some(content.term);
        Ok(true)
    }

    fn apply(&mut self, changes: &ChangeSet) -> Result<(), StoreError> {
        let place = Place::Memory;
        self.layout.check(changes)?;
        if !self.leads()? {
            return Err(StoreError::StandingBy(place));
        }
        let mut content = self.database.content();
        let cause = || "the test wants it so".into();
        let fault = content.fault.take();
        match fault {
            Some(Fault::Failed) => return Err(StoreError::Failed { place, cause: cause() }),
            Some(Fault::UnknownNotWritten) => {}
            Some(Fault::UnknownWritten) | None => changes.iter().for_each(|change| match change {
                Change::Put { table, key, value } => {
                    content.tables.entry(table).or_default().insert(key.to_vec(), value.to_vec());
                }
                Change::Delete { table, key } => {
                    content.tables.entry(table).or_default().remove(key);
                }
            }),
        }
        if fault.is_none() {
            return Ok(());
        }
        self.is_lost = true;
        Err(StoreError::Unknown { place, cause: cause() })
    }

    fn get(&mut self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(table, |rows| rows.get(key).cloned())
    }

    fn scan(&mut self, table: &str, prefix: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        // Not one by one: `each` may use another store of the same database.
        let rows: Vec<_> = self.read(table, |rows| {
            let from = rows.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
            let wanted = from.take_while(|(key, _)| key.starts_with(prefix));
            wanted.map(|(key, value)| (key.clone(), value.clone())).collect()
        })?;
        let _ended = rows.iter().try_for_each(|(key, value)| each(key, value));
        Ok(())
    }

    fn count(&mut self, table: &str) -> Result<u64, StoreError> {
        self.read(table, |rows| u64::try_from(rows.len()).unwrap_or(u64::MAX))
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        let mut content = self.database.content();
        if self.term == Some(content.term) {
            content.is_led = false;
        }
    }
}
