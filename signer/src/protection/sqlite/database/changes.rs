//! Changes of lanes: watermarks, pruning, committed ranges, imports.

use finality::ConsumerHeight;
use rusqlite::params;

use super::{Batch, failed};
use crate::protection::rules::{add_range, higher, lower};
use crate::protection::steps::passed;
use crate::protection::store::{ChangeKind, Changed, LaneChange, StoreError};
use crate::protection::types::{HeightRange, Lane, SigningRecord};

impl Batch<'_> {
    pub(super) fn change(&mut self, LaneChange { lane, kind }: LaneChange) -> Result<Changed, StoreError> {
        if kind.needs_lane() && !self.lanes.contains_key(&lane) {
            return Err(StoreError::UnknownLane(Box::new(lane)));
        }
        let number = self.lane(&lane)?.number;
        let mut changed = Changed::default();
        match kind {
            ChangeKind::Register(first) => {
                if let Some(low) = first.to_u64().checked_sub(1) {
                    self.raise(&lane, ConsumerHeight(low))?;
                }
            }
            ChangeKind::RaiseLow(low) => self.raise(&lane, low)?,
            ChangeKind::SetHigh(high) => self.set_high(&lane, number, high)?,
            ChangeKind::LowerHigh(to) => {
                let high = lower(self.lane(&lane)?.state.watermarks.high, to);
                self.set_high(&lane, number, Some(high))?;
            }
            ChangeKind::Prune(low) => {
                self.raise(&lane, low)?;
                let at = low.to_be_bytes();
                let forgotten = self
                    .transaction
                    .execute(
                        "DELETE FROM record WHERE lane = ?1 AND height <= ?2",
                        params![number, at.as_slice()],
                    )
                    .map_err(failed)?;
                self.has_written |= forgotten > 0;
                passed("records forgotten");
                changed.records = u64::try_from(forgotten).unwrap_or(u64::MAX);
            }
            ChangeKind::Committed(range) => self.commit_range(&lane, range)?,
            ChangeKind::Import(records) => {
                for record in records {
                    self.import(&lane, number, &record, &mut changed)?;
                }
            }
        }
        changed.watermarks = self.lane(&lane)?.state.watermarks;
        Ok(changed)
    }

    fn write_watermark(
        &mut self,
        sql: &str,
        lane: i64,
        height: Option<ConsumerHeight>,
    ) -> Result<(), StoreError> {
        let height = height.map(|height| height.to_be_bytes().to_vec());
        self.transaction.execute(sql, params![lane, height]).map_err(failed)?;
        self.has_written = true;
        passed("watermark written");
        Ok(())
    }

    fn set_high(&mut self, lane: &Lane, number: i64, high: Option<ConsumerHeight>) -> Result<(), StoreError> {
        self.write_watermark("UPDATE lane SET high = ?2 WHERE number = ?1", number, high)?;
        self.lane(lane)?.state.watermarks.high = high;
        Ok(())
    }

    fn raise(&mut self, lane: &Lane, low: ConsumerHeight) -> Result<(), StoreError> {
        let known = self.lane(lane)?;
        let raised = higher(known.state.watermarks.low, Some(low));
        if raised != known.state.watermarks.low {
            known.state.watermarks.low = raised;
            let number = known.number;
            self.write_watermark("UPDATE lane SET low = ?2 WHERE number = ?1", number, raised)?;
        }
        self.reach(lane, low)
    }

    fn commit_range(&mut self, lane: &Lane, range: HeightRange) -> Result<(), StoreError> {
        let known = self.lane(lane)?;
        add_range(&mut known.state.committed, range)?;
        let (number, ranges) = (known.number, known.state.committed.clone());
        self.transaction.execute("DELETE FROM committed WHERE lane = ?1", [number]).map_err(failed)?;
        for HeightRange { first, last } in ranges {
            let (first, last) = (first.to_be_bytes(), last.to_be_bytes());
            self.transaction
                .prepare_cached("INSERT INTO committed (lane, first, last) VALUES (?1, ?2, ?3)")
                .and_then(|mut insert| insert.execute(params![number, first.as_slice(), last.as_slice()]))
                .map_err(failed)?;
        }
        self.has_written = true;
        passed("committed heights written");
        Ok(())
    }

    fn import(
        &mut self,
        lane: &Lane,
        number: i64,
        record: &SigningRecord,
        changed: &mut Changed,
    ) -> Result<(), StoreError> {
        match self.earlier(number, record.height)? {
            None => {
                self.insert(number, record, false)?;
                changed.records = changed.records.saturating_add(1);
            }
            Some(earlier) if earlier.message != record.message => changed.contradicted.push(record.height),
            Some(earlier) => {
                if earlier.signature.is_none() && record.signature.is_some() {
                    self.insert(number, record, true)?;
                }
            }
        }
        self.raise(lane, record.height)
    }
}
