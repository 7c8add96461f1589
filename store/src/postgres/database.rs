//! The database as the store's thread has it: whether it leads, and the connection, which one that stands by
//! makes again when it was lost.

use std::sync::mpsc::SyncSender;

use super::PostgresOptions;
use super::rows::{self, Batch};
use super::session::Session;
use super::tables::{self, own};
use crate::changes::ChangeSet;
use crate::error::{Place, StoreError};
use crate::schema::Layout;

/// A database, and how to connect to it.
pub(super) struct Database {
    options: PostgresOptions,
    layout: Layout,
    role: Role,
}

/// What this handle is.
enum Role {
    /// It reads. It has no session before the first one, and when one was given up.
    StandsBy(Option<Session>),
    /// It leads in a term, as long as the session lasts.
    Leads(Session, i64),
    /// It is done.
    Lost,
}

impl Database {
    pub(super) const fn new(options: PostgresOptions, layout: Layout) -> Self {
        Self { options, layout, role: Role::StandsBy(None) }
    }

    pub(super) const fn place(&self) -> Place {
        Place::Schema(self.layout.program())
    }

    /// Connects, and brings the tables to the present version.
    pub(super) async fn open(&mut self) -> Result<(), StoreError> {
        let session = self.connect().await?;
        self.role = Role::StandsBy(Some(session));
        Ok(())
    }

    async fn connect(&self) -> Result<Session, StoreError> {
        let mut session = Session::connect(&self.options, &self.layout).await?;
        match tables::migrate(&mut session, &self.layout).await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.abandon().await;
                Err(error)
            }
        }
    }

    /// Takes the session, and the term where it leads. Until it is [given back](Self::give_back) this handle
    /// is lost.
    async fn take(&mut self) -> Result<(Session, Option<i64>), StoreError> {
        match std::mem::replace(&mut self.role, Role::Lost) {
            Role::Lost => {}
            Role::Leads(session, term) if !session.client.is_closed() => return Ok((session, Some(term))),
            Role::Leads(session, _) => session.abandon().await,
            Role::StandsBy(Some(session)) if !session.client.is_closed() => return Ok((session, None)),
            Role::StandsBy(session) => {
                self.role = Role::StandsBy(None);
                if let Some(session) = session {
                    session.abandon().await;
                }
                return Ok((self.connect().await?, None));
            }
        }
        Err(StoreError::Lost(self.place()))
    }

    /// Gives the session back after it was used, or gives it up: one that may have a transaction open is
    /// never used again.
    async fn give_back<T>(
        &mut self,
        session: Session,
        term: Option<i64>,
        done: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let is_sound = match &done {
            Ok(_) => true,
            Err(StoreError::Failed { .. } | StoreError::Damaged { .. }) => session.roll_back().await,
            Err(_) => false,
        };
        self.role = match (is_sound, term) {
            (true, Some(term)) => Role::Leads(session, term),
            (true, None) => Role::StandsBy(Some(session)),
            (false, _) => {
                session.abandon().await;
                if term.is_some() { Role::Lost } else { Role::StandsBy(None) }
            }
        };
        done
    }

    pub(super) async fn try_lead(&mut self) -> Result<bool, StoreError> {
        let (mut session, term) = self.take().await?;
        if let Some(own) = term {
            let found = read_term(&session, &self.layout).await;
            let done = found.and_then(|found| self.compare(own, found)).map(|()| true);
            return self.give_back(session, term, done).await;
        }
        match claim(&mut session, &self.layout).await {
            Ok(term) => {
                let is_leading = term.is_some();
                self.give_back(session, term, Ok(is_leading)).await
            }
            // The lock goes with the session.
            Err(error) => {
                session.abandon().await;
                self.role = Role::StandsBy(None);
                Err(error)
            }
        }
    }

    fn compare(&self, own: i64, found: i64) -> Result<(), StoreError> {
        if own == found {
            return Ok(());
        }
        // Terms count from 0 upwards.
        let [own, found] = [own, found].map(|term| u64::try_from(term).unwrap_or_default());
        Err(StoreError::Deposed { place: self.place(), own, found })
    }

    pub(super) async fn apply(&mut self, changes: &ChangeSet) -> Result<(), StoreError> {
        if matches!(self.role, Role::StandsBy(_)) {
            return Err(StoreError::StandingBy(self.place()));
        }
        let (mut session, term) = self.take().await?;
        let done = match term {
            Some(own) if !changes.is_empty() => self.write(&mut session, own, changes).await,
            _ => Ok(()),
        };
        self.give_back(session, term, done).await
    }

    async fn write(&self, session: &mut Session, own: i64, changes: &ChangeSet) -> Result<(), StoreError> {
        let found = session.begin(&self.layout).await?;
        check_version(&self.layout, found.version)?;
        self.compare(own, found.term)?;
        rows::write(session, &self.layout, changes).await?;
        session.commit().await
    }

    pub(super) async fn get(&mut self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let (mut session, term) = self.take().await?;
        let done = rows::get(&mut session, &self.layout, table, key).await;
        self.give_back(session, term, done).await
    }

    pub(super) async fn count(&mut self, table: &str) -> Result<u64, StoreError> {
        let (mut session, term) = self.take().await?;
        let done = rows::count(&mut session, &self.layout, table).await;
        self.give_back(session, term, done).await
    }

    pub(super) async fn scan(
        &mut self,
        table: &str,
        prefix: Vec<u8>,
        rows: SyncSender<Batch>,
    ) -> Result<(), StoreError> {
        let (mut session, term) = self.take().await?;
        let done = rows::scan(&mut session, &self.layout, table, prefix, rows).await;
        self.give_back(session, term, done).await
    }

    pub(super) async fn close(self) {
        if let Role::StandsBy(Some(session)) | Role::Leads(session, _) = self.role {
            session.close().await;
        }
    }

    /// Runs SQL on the session.
    #[cfg(test)]
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        let (session, term) = self.take().await?;
        let done = session.run(sql).await;
        self.give_back(session, term, done).await
    }

    /// Returns a setting of the session.
    #[cfg(test)]
    pub(super) async fn setting(&mut self, name: &str) -> Result<String, StoreError> {
        let (session, term) = self.take().await?;
        let row = session.step(session.client.query_one("SELECT current_setting($1)", &[&name])).await;
        let done = row.and_then(|row| session.column(&row, 0));
        self.give_back(session, term, done).await
    }
}

/// Refuses tables of another version: a later program has brought them to its own since.
fn check_version(layout: &Layout, found: i32) -> Result<(), StoreError> {
    let (place, most) = (Place::Schema(layout.program()), layout.version());
    match u32::try_from(found) {
        Ok(found) if found == most => Ok(()),
        Ok(found) if found > most => Err(StoreError::Later { place, found, most }),
        _ => Err(StoreError::Damaged { place, what: format!("its version is {found}; must be {most}") }),
    }
}

async fn read_term(session: &Session, layout: &Layout) -> Result<i64, StoreError> {
    let sql = format!("SELECT term, version FROM {}", own(layout));
    let row = session.step(session.client.query_opt(&sql, &[])).await?;
    let row = row.ok_or_else(|| session.damaged("its table _store has no row"))?;
    check_version(layout, session.column(&row, 1)?)?;
    session.column(&row, 0)
}

/// Takes the lead, unless another has it: the lock of a session, which goes with the session, and a term
/// above every one before. Whoever had led before, and goes on although its lock is gone, writes in a term
/// that is over; what it was writing is decided, as this waits for its transaction.
async fn claim(session: &mut Session, layout: &Layout) -> Result<Option<i64>, StoreError> {
    let number = layout.number("btcstake-store lead");
    let sql = "SELECT pg_try_advisory_lock($1)";
    let row = session.step(session.client.query_one(sql, &[&number])).await?;
    if !session.column::<bool>(&row, 0)? {
        return Ok(None);
    }
    let found = session.begin(layout).await?;
    check_version(layout, found.version)?;
    let term = found.term.checked_add(1).ok_or_else(|| session.damaged("its terms are at their end"))?;
    session.run(&format!("UPDATE {} SET term = {term}", own(layout))).await?;
    session.commit().await?;
    Ok(Some(term))
}
