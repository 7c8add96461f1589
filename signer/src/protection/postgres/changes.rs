//! Changes of lanes: watermarks, pruning, committed ranges, imports.

use std::collections::BTreeSet;

use finality::ConsumerHeight;
use tokio_postgres::types::ToSql;

use super::error::{MOST_CHAIN_ID, PostgresFailure, failed};
use super::rows::{Columns, bytes, height, record};
use super::session::Session;
use super::transaction::{Expected, Known, Transaction};
use crate::protection::rules::{add_range, higher, lower};
use crate::protection::store::{ChangeKind, Changed, LaneChange, StoreError};
use crate::protection::types::{HeightRange, Lane, SigningRecord};
use crate::protection::worker::Done;

/// How many records of an import are written at once.
const AT_ONCE: usize = 1000;

/// Changes lanes, all or none of them. What is asked wrongly is the inner error, after which the session is
/// as good as before.
pub(super) async fn change(
    session: &Session,
    expected: Expected<'_>,
    changes: &[LaneChange],
) -> Result<Result<Done<Vec<Changed>>, StoreError>, StoreError> {
    let lanes: BTreeSet<&Lane> = changes.iter().map(|change| &change.lane).collect();
    if let Some(long) = lanes.iter().find(|lane| lane.chain_id.len() > MOST_CHAIN_ID) {
        return Ok(Err(PostgresFailure::LongChainId(long.chain_id.len()).into()));
    }
    let mut transaction = Transaction::begin(session, expected, &lanes, &Columns::default()).await?;
    let mut all = Vec::with_capacity(changes.len());
    for LaneChange { lane, kind } in changes {
        match transaction.change(lane, kind).await {
            Ok(changed) => all.push(changed),
            // What is asked wrongly: the session is as good as before.
            Err(
                error @ (StoreError::UnknownLane(_)
                | StoreError::EmptyRange(_)
                | StoreError::TooManyRanges { .. }),
            ) => {
                session.client.batch_execute("ROLLBACK").await.map_err(failed)?;
                return Ok(Err(error));
            }
            Err(error) => return Err(error),
        }
    }
    let nothing = Columns::default();
    Ok(Ok(transaction.finish(all, &nothing, &nothing).await?))
}

impl Transaction<'_> {
    async fn change(&mut self, lane: &Lane, kind: &ChangeKind) -> Result<Changed, StoreError> {
        if kind.needs_lane() && !self.lanes.contains_key(lane) {
            return Err(StoreError::UnknownLane(Box::new(lane.clone())));
        }
        self.make(lane).await?;
        let mut changed = Changed::default();
        match kind {
            ChangeKind::Register(first) => {
                if let Some(low) = first.to_u64().checked_sub(1) {
                    self.raise(lane, ConsumerHeight(low));
                }
            }
            ChangeKind::RaiseLow(low) => self.raise(lane, *low),
            ChangeKind::SetHigh(high) => self.set_high(lane, *high),
            ChangeKind::LowerHigh(to) => {
                let high = lower(self.known(lane).watermarks.high, *to);
                self.set_high(lane, Some(high));
            }
            ChangeKind::Prune(low) => {
                self.raise(lane, *low);
                let forget = "DELETE FROM record WHERE public_key = $1 AND chain_id = $2 AND height <= $3";
                changed.records = self.execute(forget, lane, &[&bytes(*low)]).await?;
            }
            ChangeKind::Committed(range) => self.commit_range(lane, *range).await?,
            ChangeKind::Import(records) => {
                for some in records.chunks(AT_ONCE) {
                    self.import(lane, some, &mut changed).await?;
                }
            }
        }
        changed.watermarks = self.known(lane).watermarks;
        Ok(changed)
    }

    fn set_high(&mut self, lane: &Lane, high: Option<ConsumerHeight>) {
        let known = self.known(lane);
        known.watermarks.high = high;
        known.is_changed = true;
    }

    fn known(&mut self, lane: &Lane) -> &mut Known {
        self.lanes.entry(lane.clone()).or_default()
    }

    /// Makes the lane known, where it is not.
    async fn make(&mut self, lane: &Lane) -> Result<(), StoreError> {
        if self.lanes.contains_key(lane) {
            return Ok(());
        }
        let made = self.execute("INSERT INTO lane (public_key, chain_id) VALUES ($1, $2)", lane, &[]).await?;
        // The store's row is locked, so that nobody else makes it.
        if made != 1 {
            return Err(PostgresFailure::Conflict { written: made, expected: 1 }.into());
        }
        self.known(lane);
        Ok(())
    }

    /// Writes something of a lane; returns how many rows.
    async fn execute(
        &mut self,
        sql: &str,
        lane: &Lane,
        more: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        self.has_written = true;
        let key = lane.public_key.serialize();
        let key = key.as_slice();
        let own: [&(dyn ToSql + Sync); 2] = [&key, &lane.chain_id];
        self.session.client.execute(sql, &[&own, more].concat()).await.map_err(failed)
    }

    fn raise(&mut self, lane: &Lane, low: ConsumerHeight) {
        let known = self.known(lane);
        let raised = higher(known.watermarks.low, Some(low));
        known.is_changed |= raised != known.watermarks.low;
        known.watermarks.low = raised;
        known.reach(low);
    }

    async fn commit_range(&mut self, lane: &Lane, range: HeightRange) -> Result<(), StoreError> {
        let before = committed(self.session, lane).await?;
        let mut after = before.clone();
        add_range(&mut after, range)?;
        // What is joined to others goes, and the joined one comes.
        let gone: Vec<_> =
            before.iter().filter(|range| !after.contains(range)).map(|range| bytes(range.first)).collect();
        let delete = "DELETE FROM committed WHERE public_key = $1 AND chain_id = $2 AND first = ANY($3)";
        self.execute(delete, lane, &[&gone]).await?;
        let come = || after.iter().filter(|range| !before.contains(range));
        let first: Vec<_> = come().map(|range| bytes(range.first)).collect();
        let last: Vec<_> = come().map(|range| bytes(range.last)).collect();
        let insert = "INSERT INTO committed (public_key, chain_id, first, last) \
                      SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[])";
        self.execute(insert, lane, &[&first, &last]).await.map(|_| ())
    }

    async fn import(
        &mut self,
        lane: &Lane,
        records: &[SigningRecord],
        changed: &mut Changed,
    ) -> Result<(), StoreError> {
        let (mut asked, mut new, mut filled) = (Columns::default(), Columns::default(), Columns::default());
        let heights: BTreeSet<_> = records.iter().map(|record| record.height).collect();
        heights.into_iter().for_each(|height| asked.height(lane, height));
        let params: [&(dyn ToSql + Sync); 3] = [&asked.keys, &asked.chains, &asked.heights];
        let earlier = &self.session.statements()?.earlier;
        let rows = self.session.client.query(earlier, &params).await.map_err(failed)?;
        let mut known = std::collections::BTreeMap::new();
        for row in &rows {
            let record = record(row, 2)?;
            known.insert(record.height, (record, false));
        }
        for record in records {
            // The last one of a height in this list with a signature gives it.
            match known.get_mut(&record.height) {
                None => {
                    changed.records = changed.records.saturating_add(1);
                    known.insert(record.height, (record.clone(), true));
                }
                Some((earlier, _)) if earlier.message != record.message => {
                    changed.contradicted.push(record.height);
                }
                Some((earlier, is_new)) => {
                    if earlier.signature.is_none() && record.signature.is_some() {
                        earlier.signature = record.signature;
                        if !*is_new {
                            filled.record(lane, earlier.clone());
                        }
                    }
                }
            }
        }
        for (record, _) in known.into_values().filter(|(_, is_new)| *is_new) {
            new.record(lane, record);
        }
        self.insert(&new).await?;
        self.fill(&filled).await?;
        if let Some(highest) = records.iter().map(|record| record.height).max() {
            self.raise(lane, highest);
        }
        Ok(())
    }
}

/// Reads the committed ranges of a lane.
pub(super) async fn committed(session: &Session, lane: &Lane) -> Result<Vec<HeightRange>, StoreError> {
    let sql = "SELECT first, last FROM committed WHERE public_key = $1 AND chain_id = $2 ORDER BY first";
    let key = lane.public_key.serialize();
    let key = key.as_slice();
    let rows = session.client.query(sql, &[&key, &lane.chain_id]).await.map_err(failed)?;
    rows.iter()
        .map(|row| {
            let bytes = |number| super::rows::column::<&[u8]>(row, number).and_then(height);
            Ok(HeightRange { first: bytes(0)?, last: bytes(1)? })
        })
        .collect()
}
