//! The database as the store's thread has it: a connection that is made again when it was lost.

use std::time::Duration;

use finality::ConsumerHeight;
use tokio::runtime::Runtime;
use tokio_postgres::error::Severity;

use super::PostgresOptions;
use super::changes::{change, committed};
use super::error::{Late, PostgresError, PostgresFailure, failed};
use super::rows::{column, lane, optional, record};
use super::session::Session;
use super::transaction::{Expected, check_sound, generation, votes};
use crate::protection::guard::{Guard, StoreId};
use crate::protection::rules::higher;
use crate::protection::store::{ChangeKind, Changed, LaneChange, StoreError};
use crate::protection::types::{Lane, LaneState, Outcome, SigningRecord, VoteRequest, Watermarks};
use crate::protection::worker::{Backend, Done};

/// A database, and how to connect to it again.
pub(super) struct Database {
    options: PostgresOptions,
    runtime: Runtime,
    session: Option<Session>,
}

/// What a database is found to be.
pub(super) struct Summary {
    pub(super) id: StoreId,
    pub(super) generation: u64,
    pub(super) lanes: Vec<(Lane, Option<ConsumerHeight>)>,
}

impl Summary {
    pub(super) fn check(&self, guard: &Guard) -> Result<(), PostgresError> {
        let highest = self.lanes.iter().map(|(lane, highest)| (lane, *highest));
        check_sound(guard, self.id, self.generation, highest)
    }

    pub(super) fn highest(&self) -> Vec<(&Lane, ConsumerHeight)> {
        self.lanes.iter().filter_map(|(lane, highest)| Some((lane, (*highest)?))).collect()
    }

    async fn read(session: &Session) -> Result<Self, StoreError> {
        let client = &session.client;
        let rows = client.query("SELECT id, generation FROM store", &[]).await.map_err(failed)?;
        let [row] = rows.as_slice() else { return Err(super::error::damaged("it has not one name")) };
        let id = column::<&[u8]>(row, 0)?.try_into();
        let id = id.map_err(|_| super::error::damaged("its id is not of 16 bytes"))?;
        let generation = generation(column(row, 1)?)?;
        let sql = "SELECT public_key, chain_id, low, highest FROM lane ORDER BY public_key, chain_id";
        let rows = client.query(sql, &[]).await.map_err(failed)?;
        let lanes = rows
            .iter()
            .map(|row| Ok((lane(row)?, higher(optional(row, 2)?, optional(row, 3)?))))
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { id, generation, lanes })
    }
}

/// Runs something for so long, and tells what of it is known when it takes longer.
async fn within<T>(
    limit: Duration,
    session: &Session,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) if session.is_committing.get() => {
            Err(PostgresFailure::Unconfirmed(Box::new(Late(limit))).into())
        }
        Err(_) => Err(PostgresFailure::TimedOut(limit).into()),
    }
}

/// Returns whether an error says that the server had closed the connection.
fn is_lost(error: &StoreError) -> bool {
    let StoreError::Database(cause) = error else { return false };
    let Some(PostgresFailure::Statement(cause)) = cause.downcast_ref() else { return false };
    let Some(cause) = cause.downcast_ref::<tokio_postgres::Error>() else { return false };
    match cause.as_db_error() {
        Some(error) => matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)),
        None => {
            cause.is_closed()
                || std::error::Error::source(cause).is_some_and(|cause| cause.is::<std::io::Error>())
        }
    }
}

impl Database {
    /// Connects; `None` where there are no tables, unless `create` has them made.
    pub(super) fn connect(
        options: PostgresOptions,
        create: bool,
    ) -> Result<(Self, Option<Summary>), PostgresError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(PostgresError::Thread)?;
        let mut database = Self { options, runtime, session: None };
        let summary = database.reconnect(create)?;
        Ok((database, summary))
    }

    fn reconnect(&mut self, create: bool) -> Result<Option<Summary>, PostgresError> {
        let Self { options, runtime, session } = self;
        let limit = options.timeout;
        let connected = runtime.block_on(async {
            let late = || PostgresError::Connect(Box::new(Late(limit)));
            let connect = tokio::time::timeout(limit, Session::connect(options)).await;
            if connect.is_err() {
                // The task of the session that came too late ends now, and lets go of its lock.
                tokio::task::yield_now().await;
            }
            let mut session = connect.map_err(|_| late())??;
            let found = tokio::time::timeout(limit, async {
                if !session.migrate(&options.schema, create).await? {
                    return Ok(None);
                }
                Ok(Some(Summary::read(&session).await?))
            });
            match found.await.map_err(|_| late()).flatten() {
                Ok(summary) => Ok((session, summary)),
                Err(error) => {
                    session.abandon().await;
                    Err(error)
                }
            }
        });
        let (connected, summary) = connected?;
        *session = Some(connected);
        Ok(summary)
    }

    /// Returns the session, or a new one that has all that the guard knows.
    fn session(&mut self, expected: Expected<'_>) -> Result<Session, StoreError> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let checked = self.reconnect(false).and_then(|summary| match (summary, expected) {
            (None, _) => Err(PostgresError::DatabaseAbsent(self.options.schema.clone())),
            (Some(summary), Expected::Guard(guard)) => summary.check(guard),
            (Some(_), Expected::Anything) => Ok(()),
        });
        let session = self.session.take();
        match (checked, session) {
            (Ok(()), Some(session)) => Ok(session),
            (Err(error), session) => {
                if let Some(session) = session {
                    self.runtime.block_on(session.abandon());
                }
                Err(StoreError::Database(Box::new(error)))
            }
            (Ok(()), None) => Err(StoreError::Closed),
        }
    }

    /// Runs something on the session, and gives the session up when it fails. Where the server had closed
    /// the connection and nothing was to be committed yet, it is run once more on a new one.
    fn run<T>(
        &mut self,
        expected: Expected<'_>,
        limit: Duration,
        work: impl AsyncFn(&Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut may_repeat = self.session.is_some();
        loop {
            let session = self.session(expected)?;
            session.is_committing.set(false);
            match self.runtime.block_on(within(limit, &session, work(&session))) {
                Ok(done) => {
                    self.session = Some(session);
                    return Ok(done);
                }
                Err(error) => {
                    let is_repeated = may_repeat && !session.is_committing.get() && is_lost(&error);
                    self.runtime.block_on(session.abandon());
                    if !is_repeated {
                        return Err(error);
                    }
                    may_repeat = false;
                }
            }
        }
    }

    /// Changes lanes. A large import has the more time.
    pub(super) fn change(
        &mut self,
        expected: Expected<'_>,
        changes: &[LaneChange],
    ) -> Result<Done<Vec<Changed>>, StoreError> {
        let records = changes.iter().fold(0, |sum: usize, change| match &change.kind {
            ChangeKind::Import(records) => sum.saturating_add(records.len()),
            _ => sum,
        });
        let times = u32::try_from(records / 10_000).unwrap_or(u32::MAX).saturating_add(1);
        let limit = self.options.timeout.saturating_mul(times);
        self.run(expected, limit, async |session| change(session, expected, changes).await)?
    }

    /// Raises the generation to one that the guard knows, where the database is an old copy.
    pub(super) fn reach_generation(&mut self, known: u64) -> Result<u64, StoreError> {
        let known =
            i64::try_from(known).map_err(|_| super::error::damaged("the guard's generation is too high"))?;
        let limit = self.options.timeout;
        self.run(Expected::Anything, limit, async |session| {
            let sql = "UPDATE store SET generation = greatest(generation, $1) RETURNING generation";
            let row = session.client.query_one(sql, &[&known]).await.map_err(failed)?;
            generation(column(&row, 0)?)
        })
    }

    pub(super) fn summary(&mut self, expected: Expected<'_>) -> Result<Summary, StoreError> {
        let limit = self.options.timeout;
        self.run(expected, limit, async |session| Summary::read(session).await)
    }

    /// Returns a setting of the session.
    #[cfg(test)]
    pub(super) fn setting(&mut self, guard: &Guard, name: &str) -> Result<String, StoreError> {
        let limit = self.options.timeout;
        self.run(Expected::Guard(guard), limit, async |session| {
            let row =
                session.client.query_one("SELECT current_setting($1)", &[&name]).await.map_err(failed)?;
            column(&row, 0)
        })
    }

    pub(super) fn state(&mut self, guard: &Guard, lane: &Lane) -> Result<LaneState, StoreError> {
        let limit = self.options.timeout;
        let key = lane.public_key.serialize();
        let key = key.as_slice();
        self.run(Expected::Guard(guard), limit, async |session| {
            let sql = "SELECT low, high, highest FROM lane WHERE public_key = $1 AND chain_id = $2";
            let row = session.client.query_opt(sql, &[&key, &lane.chain_id]).await.map_err(failed)?;
            let Some(row) = row else { return Ok(LaneState::default()) };
            let watermarks = Watermarks { low: optional(&row, 0)?, high: optional(&row, 1)? };
            let highest = higher(watermarks.low, optional(&row, 2)?);
            Ok(LaneState { watermarks, highest, committed: committed(session, lane).await? })
        })
    }

    pub(super) fn records(
        &mut self,
        guard: &Guard,
        lane: &Lane,
        from: ConsumerHeight,
        most: usize,
    ) -> Result<Vec<SigningRecord>, StoreError> {
        let limit = self.options.timeout;
        let (key, from) = (lane.public_key.serialize(), from.to_be_bytes());
        let (key, from) = (key.as_slice(), from.as_slice());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.run(Expected::Guard(guard), limit, async |session| {
            let sql = "SELECT height, message, signature FROM record \
                       WHERE public_key = $1 AND chain_id = $2 AND height >= $3 ORDER BY height LIMIT $4";
            let rows = session.client.query(sql, &[&key, &lane.chain_id, &from, &most]).await;
            rows.map_err(failed)?.iter().map(|row| record(row, 0)).collect()
        })
    }
}

impl Backend for Database {
    fn check_and_record(
        &mut self,
        guard: &Guard,
        requests: Vec<VoteRequest>,
    ) -> Result<Done<Vec<Outcome>>, StoreError> {
        let limit = self.options.timeout;
        self.run(Expected::Guard(guard), limit, async |session| votes(session, guard, &requests).await)
    }

    fn change(&mut self, guard: &Guard, changes: Vec<LaneChange>) -> Result<Done<Vec<Changed>>, StoreError> {
        Self::change(self, Expected::Guard(guard), &changes)
    }

    fn lanes(&mut self, guard: &Guard) -> Result<Vec<Lane>, StoreError> {
        let summary = self.summary(Expected::Guard(guard))?;
        Ok(summary.lanes.into_iter().map(|(lane, _)| lane).collect())
    }

    fn close(mut self) {
        if let Some(session) = self.session.take() {
            self.runtime.block_on(session.close());
        }
    }
}
