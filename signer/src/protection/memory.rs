//! A store in memory, for tests and demonstrations: it forgets with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use finality::ConsumerHeight;

use super::rules::{Decision, add_range, decide, higher, lower};
use super::store::{ChangeKind, Changed, LaneChange, Store, StoreError};
use super::types::{Lane, LaneState, Outcome, Refusal, SigningRecord, Verdict, VoteRequest};

/// A store in memory, which is not durable.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    lanes: BTreeMap<Lane, LaneRecords>,
    generation: u64,
}

#[derive(Debug, Default, Clone)]
struct LaneRecords {
    state: LaneState,
    records: BTreeMap<ConsumerHeight, SigningRecord>,
}

impl LaneRecords {
    fn raise(&mut self, low: ConsumerHeight) {
        self.state.watermarks.low = higher(self.state.watermarks.low, Some(low));
        self.state.highest = higher(self.state.highest, Some(low));
    }

    fn change(&mut self, kind: ChangeKind) -> Result<Changed, StoreError> {
        let mut changed = Changed::default();
        let before = self.records.len();
        match kind {
            ChangeKind::Register(first) => {
                if let Some(low) = first.to_u64().checked_sub(1) {
                    self.raise(ConsumerHeight(low));
                }
            }
            ChangeKind::RaiseLow(low) => self.raise(low),
            ChangeKind::SetHigh(high) => self.state.watermarks.high = high,
            ChangeKind::LowerHigh(to) => {
                self.state.watermarks.high = Some(lower(self.state.watermarks.high, to));
            }
            ChangeKind::Prune(low) => {
                self.raise(low);
                self.records.retain(|height, _| *height > low);
            }
            ChangeKind::Committed(range) => add_range(&mut self.state.committed, range)?,
            ChangeKind::Import(records) => {
                for record in records {
                    self.raise(record.height);
                    let own = self.records.entry(record.height).or_insert_with(|| record.clone());
                    if own.message != record.message {
                        changed.contradicted.push(record.height);
                    } else if own.signature.is_none() {
                        own.signature = record.signature;
                    }
                }
            }
        }
        changed.records = u64::try_from(before.abs_diff(self.records.len())).unwrap_or(u64::MAX);
        changed.watermarks = self.state.watermarks;
        Ok(changed)
    }
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A signer that panicked has recorded nothing: the record is made after its signature.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn check_and_record(&self, requests: Vec<VoteRequest>) -> Result<Vec<Outcome>, StoreError> {
        let mut state = self.lock();
        let mut outcomes = Vec::with_capacity(requests.len());
        for VoteRequest { lane, height, message, signer } in requests {
            let Some(own) = state.lanes.get_mut(&*lane) else {
                let lane = Box::new((*lane).clone());
                outcomes.push(Outcome::Refused(Refusal::UnknownLane(lane)));
                continue;
            };
            let earlier = own.records.get(&height).cloned();
            let outcome = match decide(earlier, own.state.watermarks, height, &message) {
                Decision::Again(SigningRecord { signature: Some(signature), .. }) => {
                    Outcome::Signed(Verdict::Again(signature))
                }
                Decision::Refused(refusal) => Outcome::Refused(refusal),
                // A record without its signature, above the watermark: the same message has the same
                // signature.
                again_or_new => match signer.sign_vote(height, &message) {
                    Err(error) => Outcome::Failed(error),
                    Ok(signature) => {
                        own.state.highest = higher(own.state.highest, Some(height));
                        own.records
                            .insert(height, SigningRecord { height, message, signature: Some(signature) });
                        Outcome::Signed(match again_or_new {
                            Decision::Sign => Verdict::New(signature),
                            _ => Verdict::Again(signature),
                        })
                    }
                },
            };
            outcomes.push(outcome);
        }
        state.generation = state.generation.saturating_add(1);
        Ok(outcomes)
    }

    fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        Ok(self.lock().lanes.keys().cloned().collect())
    }

    fn state(&self, lane: &Lane) -> Result<LaneState, StoreError> {
        Ok(self.lock().lanes.get(lane).map(|own| own.state.clone()).unwrap_or_default())
    }

    fn records(
        &self,
        lane: &Lane,
        from: ConsumerHeight,
        most: usize,
    ) -> Result<Vec<SigningRecord>, StoreError> {
        let state = self.lock();
        let records = state.lanes.get(lane).into_iter().flat_map(|own| own.records.range(from..));
        Ok(records.take(most).map(|(_, record)| record.clone()).collect())
    }

    fn change(&self, changes: Vec<LaneChange>) -> Result<Vec<Changed>, StoreError> {
        let mut state = self.lock();
        let mut next = state.clone();
        let changed = changes
            .into_iter()
            .map(|LaneChange { lane, kind }| {
                if kind.needs_lane() && !next.lanes.contains_key(&lane) {
                    return Err(StoreError::UnknownLane(Box::new(lane)));
                }
                next.lanes.entry(lane).or_default().change(kind)
            })
            .collect::<Result<Vec<_>, _>>()?;
        next.generation = next.generation.saturating_add(1);
        *state = next;
        Ok(changed)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        Ok(self.lock().generation)
    }
}
