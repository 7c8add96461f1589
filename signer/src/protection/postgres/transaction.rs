//! One exclusive transaction: the store's row and the rows of its lanes are locked, in this order.

use std::collections::{BTreeMap, BTreeSet};

use finality::ConsumerHeight;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::error::{PostgresError, PostgresFailure, damaged, failed};
use super::rows::{Columns, bytes, column, lane, optional, record};
use super::session::{Session, check};
use crate::protection::guard::{Guard, StoreId};
use crate::protection::rules::{Decision, decide, higher};
use crate::protection::store::StoreError;
use crate::protection::types::{Lane, Outcome, Refusal, SigningRecord, Verdict, VoteRequest, Watermarks};
use crate::protection::worker::Done;

/// What the database must not be behind.
#[derive(Clone, Copy)]
pub(super) enum Expected<'a> {
    /// What the guard knows.
    Guard(&'a Guard),
    /// Nothing: it is taken over.
    Anything,
}

/// A lane as it is locked.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) watermarks: Watermarks,
    pub(super) highest: Option<ConsumerHeight>,
    pub(super) is_changed: bool,
    /// The records that were asked for, and those that are being added.
    pub(super) records: BTreeMap<ConsumerHeight, SigningRecord>,
}

impl Known {
    pub(super) fn reach(&mut self, height: ConsumerHeight) {
        let highest = higher(self.highest, Some(height));
        self.is_changed |= highest != self.highest;
        self.highest = highest;
    }
}

/// An open transaction.
pub(super) struct Transaction<'a> {
    pub(super) session: &'a Session,
    generation: i64,
    pub(super) lanes: BTreeMap<Lane, Known>,
    pub(super) has_written: bool,
}

/// Asks for a number of rows to be written.
async fn write(
    session: &Session,
    statement: &Statement,
    params: &[&(dyn ToSql + Sync)],
    rows: usize,
) -> Result<(), StoreError> {
    if rows == 0 {
        return Ok(());
    }
    let written = session.client.execute(statement, params).await.map_err(failed)?;
    let expected = u64::try_from(rows).unwrap_or(u64::MAX);
    if written == expected { Ok(()) } else { Err(PostgresFailure::Conflict { written, expected }.into()) }
}

/// A database that is not to be signed with.
fn unfit(error: PostgresError) -> StoreError {
    StoreError::Database(Box::new(error))
}

impl<'a> Transaction<'a> {
    /// Begins, locks, and reads the lanes and the records that are asked for, in one exchange of messages.
    pub(super) async fn begin(
        session: &'a Session,
        expected: Expected<'_>,
        lanes: &BTreeSet<&Lane>,
        asked: &Columns,
    ) -> Result<Self, StoreError> {
        let statements = session.statements()?;
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = {}",
            session.synchronous_commit
        );
        let mut own = Columns::default();
        lanes.iter().for_each(|lane| own.lane(lane));
        let lane_params: [&(dyn ToSql + Sync); 2] = [&own.keys, &own.chains];
        let record_params: [&(dyn ToSql + Sync); 3] = [&asked.keys, &asked.chains, &asked.heights];
        let client = &session.client;
        // They are sent, and run, in this order; each sees what was committed before it began.
        let ((), store, lane_rows, record_rows) = tokio::try_join!(
            biased;
            client.batch_execute(&begin),
            client.query(&statements.lock_store, &[]),
            client.query(&statements.lock_lanes, &lane_params),
            client.query(&statements.earlier, &record_params),
        )
        .map_err(failed)?;
        let [store] = store.as_slice() else { return Err(damaged("it has not one name")) };
        if column::<i32>(store, 2)? != session.backend {
            return Err(PostgresFailure::OtherBackend.into());
        }
        if column(store, 3)? {
            return Err(unfit(PostgresError::ReadOnly));
        }
        check("synchronous_commit", column(store, 4)?, session.synchronous_commit)
            .and(check("fsync", column(store, 5)?, "on"))
            .and(check("full_page_writes", column(store, 6)?, "on"))
            .map_err(unfit)?;
        let mut known = BTreeMap::new();
        for row in &lane_rows {
            let watermarks = Watermarks { low: optional(row, 2)?, high: optional(row, 3)? };
            let highest = higher(watermarks.low, optional(row, 4)?);
            known.insert(lane(row)?, Known { watermarks, highest, ..Known::default() });
        }
        for row in &record_rows {
            // The highest height, by hand, may be below a record.
            if let Some(known) = known.get_mut(&lane(row)?) {
                let record = record(row, 2)?;
                known.highest = higher(known.highest, Some(record.height));
                known.records.insert(record.height, record);
            }
        }
        let id: StoreId =
            column::<&[u8]>(store, 0)?.try_into().map_err(|_| damaged("its id is not of 16 bytes"))?;
        let generation: i64 = column(store, 1)?;
        let this = Self { session, generation, lanes: known, has_written: false };
        this.check(expected, id)?;
        Ok(this)
    }

    /// Refuses a database that the guard knows to be another, or an old copy.
    fn check(&self, expected: Expected<'_>, id: StoreId) -> Result<(), StoreError> {
        let Expected::Guard(guard) = expected else { return Ok(()) };
        let highest = self.lanes.iter().map(|(lane, known)| (lane, known.highest));
        check_sound(guard, id, generation(self.generation)?, highest).map_err(unfit)
    }

    pub(super) async fn insert(&mut self, records: &Columns) -> Result<(), StoreError> {
        self.has_written |= records.len() > 0;
        let Columns { keys, chains, heights, messages, signatures } = records;
        let params: [&(dyn ToSql + Sync); 5] = [keys, chains, heights, messages, signatures];
        write(self.session, &self.session.statements()?.insert, &params, records.len()).await
    }

    pub(super) async fn fill(&mut self, records: &Columns) -> Result<(), StoreError> {
        self.has_written |= records.len() > 0;
        let Columns { keys, chains, heights, messages, signatures } = records;
        let params: [&(dyn ToSql + Sync); 5] = [keys, chains, heights, messages, signatures];
        write(self.session, &self.session.statements()?.fill, &params, records.len()).await
    }

    /// Writes the records, the lanes and the generation, and commits when every row was written; or ends it
    /// where there is nothing to write.
    pub(super) async fn finish<T>(
        mut self,
        result: T,
        new: &Columns,
        filled: &Columns,
    ) -> Result<Done<T>, StoreError> {
        let changed: Vec<_> = self.lanes.iter().filter(|(_, known)| known.is_changed).collect();
        let mut lanes = Columns::default();
        let (mut low, mut high, mut highest) = (Vec::new(), Vec::new(), Vec::new());
        for (lane, known) in &changed {
            lanes.lane(lane);
            low.push(known.watermarks.low.map(bytes));
            high.push(known.watermarks.high.map(bytes));
            highest.push(known.highest.map(bytes));
        }
        self.has_written |= lanes.len() > 0;
        if !self.has_written && new.len() == 0 && filled.len() == 0 {
            self.session.client.batch_execute("ROLLBACK").await.map_err(failed)?;
            return Ok(Done { result, generation: None, highest: Vec::new() });
        }
        let statements = self.session.statements()?;
        let next = self.generation.checked_add(1).ok_or_else(|| damaged("its generation is at its end"))?;
        let of_new: [&(dyn ToSql + Sync); 5] =
            [&new.keys, &new.chains, &new.heights, &new.messages, &new.signatures];
        let of_filled: [&(dyn ToSql + Sync); 5] =
            [&filled.keys, &filled.chains, &filled.heights, &filled.messages, &filled.signatures];
        let of_lanes: [&(dyn ToSql + Sync); 5] = [&lanes.keys, &lanes.chains, &low, &high, &highest];
        let of_store: [&(dyn ToSql + Sync); 2] = [&next, &self.generation];
        let session = self.session;
        tokio::try_join!(
            biased;
            write(session, &statements.insert, &of_new, new.len()),
            write(session, &statements.fill, &of_filled, filled.len()),
            write(session, &statements.write_lanes, &of_lanes, lanes.len()),
            write(session, &statements.bump, &of_store, 1),
            async {
                // A commit that waits for a standby must not be told to wait no longer: it would be made.
                session.client.batch_execute("SET LOCAL statement_timeout = 0").await.map_err(failed)
            },
        )?;
        session.commit().await?;
        let highest = self.lanes.into_iter().filter_map(|(lane, known)| Some((lane, known.highest?)));
        Ok(Done { result, generation: Some(generation(next)?), highest: highest.collect() })
    }
}

/// Returns a generation as the guard has it.
pub(super) fn generation(found: i64) -> Result<u64, StoreError> {
    u64::try_from(found).map_err(|_| damaged("its generation is negative"))
}

/// Refuses a database that its guard knows to be another, or an old copy.
pub(super) fn check_sound<'a>(
    guard: &Guard,
    id: StoreId,
    found: u64,
    mut highest: impl Iterator<Item = (&'a Lane, Option<ConsumerHeight>)>,
) -> Result<(), PostgresError> {
    if id != guard.id() {
        return Err(PostgresError::OtherStore(guard.path().to_owned()));
    }
    let known = guard.generation();
    if found < known {
        return Err(PostgresError::Stale { found, known });
    }
    let forgotten = highest.find_map(|(lane, found)| {
        let known = guard.highest(lane).filter(|known| Some(*known) > found)?;
        Some(PostgresError::Forgotten { lane: Box::new(lane.clone()), found, known })
    });
    forgotten.map_or(Ok(()), Err)
}

/// Checks votes and records those that are new. Every signature that leaves leaves after a commit: that of an
/// earlier record may have been committed here, and not yet on the standbys.
pub(super) async fn votes(
    session: &Session,
    guard: &Guard,
    requests: &[VoteRequest],
) -> Result<Done<Vec<Outcome>>, StoreError> {
    let lanes: BTreeSet<&Lane> = requests.iter().map(|request| &*request.lane).collect();
    let (mut asked, mut new, mut filled) = (Columns::default(), Columns::default(), Columns::default());
    let heights: BTreeSet<_> = requests.iter().map(|request| (&*request.lane, request.height)).collect();
    heights.into_iter().for_each(|(lane, height)| asked.height(lane, height));
    let mut transaction = Transaction::begin(session, Expected::Guard(guard), &lanes, &asked).await?;
    let mut outcomes = Vec::with_capacity(requests.len());
    for VoteRequest { lane, height, message, signer } in requests {
        let Some(known) = transaction.lanes.get_mut(&**lane) else {
            outcomes.push(Outcome::Refused(Refusal::UnknownLane(Box::new((**lane).clone()))));
            continue;
        };
        let earlier = known.records.get(height).cloned();
        let is_again = match decide(earlier, known.watermarks, *height, message) {
            Decision::Again(SigningRecord { signature: Some(signature), .. }) => {
                transaction.has_written = true;
                outcomes.push(Outcome::Signed(Verdict::Again(signature)));
                continue;
            }
            Decision::Refused(refusal) => {
                outcomes.push(Outcome::Refused(refusal));
                continue;
            }
            // A record without its signature, above the watermark: the same message has the same signature.
            Decision::Again(_) => true,
            Decision::Sign => false,
        };
        let signature = match signer.sign_vote(*height, message) {
            Ok(signature) => signature,
            Err(error) => {
                outcomes.push(Outcome::Failed(error));
                continue;
            }
        };
        let record = SigningRecord { height: *height, message: message.clone(), signature: Some(signature) };
        known.reach(*height);
        known.records.insert(*height, record.clone());
        if is_again { &mut filled } else { &mut new }.record(lane, record);
        outcomes.push(Outcome::Signed(if is_again {
            Verdict::Again(signature)
        } else {
            Verdict::New(signature)
        }));
    }
    transaction.finish(outcomes, &new, &filled).await
}
