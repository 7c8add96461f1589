//! The statements: one connection, which the store's thread owns.

mod changes;

use std::collections::BTreeMap;
use std::rc::Rc;

use eots::{Signature, XOnlyPublicKey};
use finality::ConsumerHeight;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use crate::protection::guard::{Guard, StoreId};
use crate::protection::rules::{Decision, decide, higher};
use crate::protection::steps::passed;
use crate::protection::store::{Changed, LaneChange, StoreError};
use crate::protection::types::{
    HeightRange, Lane, LaneState, Outcome, Refusal, SigningRecord, Verdict, VoteRequest, Watermarks,
};
use crate::protection::worker::{Backend, Done};

/// A failure of SQLite.
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Database(Box::new(error))
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

fn height(bytes: &[u8]) -> Result<ConsumerHeight, StoreError> {
    let bytes = bytes.try_into().map_err(|_| damaged("a height is not of 8 bytes"))?;
    Ok(ConsumerHeight(u64::from_be_bytes(bytes)))
}

fn optional(bytes: Option<Vec<u8>>) -> Result<Option<ConsumerHeight>, StoreError> {
    bytes.as_deref().map(height).transpose()
}

fn record(row: (Vec<u8>, Vec<u8>, Option<Vec<u8>>)) -> Result<SigningRecord, StoreError> {
    let (at, message, signature) = row;
    let signature = signature.map(|bytes| {
        let bytes = bytes.as_slice().try_into().ok();
        bytes
            .and_then(|bytes| Signature::from_bytes(bytes).ok())
            .ok_or_else(|| damaged("a signature is not valid"))
    });
    Ok(SigningRecord { height: height(&at)?, message, signature: signature.transpose()? })
}

/// A lane with its number in the tables.
#[derive(Debug, Clone)]
struct Known {
    number: i64,
    state: LaneState,
}

/// The database. It alone reads and writes the file, so that what it knows of the lanes is what is there.
pub(super) struct Database {
    /// Shared with a copy that is being made.
    connection: Rc<Connection>,
    lanes: BTreeMap<Lane, Known>,
    pub(super) id: StoreId,
    pub(super) generation: u64,
    pub(super) is_backup: bool,
}

impl Database {
    /// Reads the store's name and its lanes.
    pub(super) fn load(connection: Connection) -> Result<Self, StoreError> {
        let row = connection.query_row("SELECT id, generation, is_backup FROM store", [], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get(2)?))
        });
        let (id, generation, is_backup) = row.map_err(failed)?;
        let id = id.as_slice().try_into().map_err(|_| damaged("its id is not of 16 bytes"))?;
        let generation = u64::try_from(generation).map_err(|_| damaged("its generation is negative"))?;
        let (connection, lanes) = (Rc::new(connection), BTreeMap::new());
        let mut database = Self { connection, lanes, id, generation, is_backup };
        database.read_lanes()?;
        Ok(database)
    }

    fn read_lanes(&mut self) -> Result<(), StoreError> {
        type Row = (i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);
        let mut statement = self
            .connection
            .prepare("SELECT number, public_key, chain_id, low, high FROM lane")
            .map_err(failed)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .and_then(Iterator::collect::<rusqlite::Result<Vec<Row>>>)
            .map_err(failed)?;
        drop(statement);
        let mut lanes = BTreeMap::new();
        for (number, key, chain_id, low, high) in rows {
            let public_key =
                XOnlyPublicKey::from_slice(&key).map_err(|_| damaged("a lane's public key is not valid"))?;
            let watermarks = Watermarks { low: optional(low)?, high: optional(high)? };
            let last: Option<Vec<u8>> = self
                .connection
                .query_row("SELECT max(height) FROM record WHERE lane = ?1", [number], |row| row.get(0))
                .map_err(failed)?;
            let highest = higher(watermarks.low, optional(last)?);
            let committed = self.committed(number)?;
            let state = LaneState { watermarks, highest, committed };
            lanes.insert(Lane { public_key, chain_id }, Known { number, state });
        }
        self.lanes = lanes;
        Ok(())
    }

    fn committed(&self, lane: i64) -> Result<Vec<HeightRange>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT first, last FROM committed WHERE lane = ?1 ORDER BY first")
            .map_err(failed)?;
        let rows = statement
            .query_map([lane], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(failed)?;
        rows.iter()
            .map(|(first, last)| Ok(HeightRange { first: height(first)?, last: height(last)? }))
            .collect()
    }

    pub(super) fn lanes(&self) -> Vec<Lane> {
        self.lanes.keys().cloned().collect()
    }

    pub(super) fn state(&self, lane: &Lane) -> LaneState {
        self.lanes.get(lane).map(|known| known.state.clone()).unwrap_or_default()
    }

    pub(super) fn highest(&self) -> impl Iterator<Item = (&Lane, ConsumerHeight)> {
        self.lanes.iter().filter_map(|(lane, known)| Some((lane, known.state.highest?)))
    }

    pub(super) fn records(
        &self,
        lane: &Lane,
        from: ConsumerHeight,
        most: usize,
    ) -> Result<Vec<SigningRecord>, StoreError> {
        let Some(known) = self.lanes.get(lane) else { return Ok(Vec::new()) };
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT height, message, signature FROM record WHERE lane = ?1 AND height >= ?2 \
                 ORDER BY height LIMIT ?3",
            )
            .map_err(failed)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let from = from.to_be_bytes();
        let rows = statement
            .query_map(params![known.number, from.as_slice(), most], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(failed)?;
        rows.into_iter().map(record).collect()
    }

    /// Runs `write` in one exclusive transaction that is durable when this returns. After a failure what is
    /// known of the lanes is read again, as it may have changed in the transaction alone.
    fn transact<T>(
        &mut self,
        write: impl FnOnce(&mut Batch<'_>) -> Result<T, StoreError>,
    ) -> Result<Done<T>, StoreError> {
        let Self { connection, lanes, generation, .. } = self;
        let before = lanes.clone();
        // No other one is open: this thread alone has the connection, and SQLite would refuse a second one.
        let result = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
            .map_err(failed)
            .and_then(|transaction| {
                passed("transaction begun");
                let mut batch = Batch { transaction, lanes, highest: BTreeMap::new(), has_written: false };
                let result = write(&mut batch)?;
                let Batch { transaction, highest, has_written, .. } = batch;
                if !has_written {
                    return Ok(Done { result, generation: None, highest: Vec::new() });
                }
                let next = generation.saturating_add(1);
                let number = i64::try_from(next).map_err(|_| damaged("its generation is at its end"))?;
                transaction.execute("UPDATE store SET generation = ?1", [number]).map_err(failed)?;
                passed("generation raised");
                transaction.commit().map_err(failed)?;
                passed("transaction committed");
                *generation = next;
                Ok(Done { result, generation: Some(next), highest: highest.into_iter().collect() })
            });
        if result.is_err() {
            self.lanes = before;
        }
        result
    }

    pub(super) fn change(&mut self, changes: Vec<LaneChange>) -> Result<Done<Vec<Changed>>, StoreError> {
        self.transact(|batch| {
            changes.into_iter().map(|change| batch.change(change)).collect::<Result<_, _>>()
        })
    }

    /// Raises the generation to one that the guard knows, where the database is an old copy.
    pub(super) fn reach_generation(&mut self, known: u64) -> Result<(), StoreError> {
        if known > self.generation {
            let number = i64::try_from(known).map_err(|_| damaged("the guard's generation is too high"))?;
            self.connection.execute("UPDATE store SET generation = ?1", [number]).map_err(failed)?;
            self.generation = known;
            passed("generation reached");
        }
        Ok(())
    }

    /// Marks whether this file is a copy that a backup made, of which nobody knows how old it is.
    pub(super) fn set_backup(&mut self, is_backup: bool) -> Result<(), StoreError> {
        self.connection.execute("UPDATE store SET is_backup = ?1", [is_backup]).map_err(failed)?;
        self.is_backup = is_backup;
        passed("mark of a backup changed");
        Ok(())
    }

    pub(super) fn connection(&self) -> Rc<Connection> {
        self.connection.clone()
    }
}

/// Nobody else writes to it, so that it is as its guard found it at the start.
impl Backend for Database {
    fn check_and_record(
        &mut self,
        _: &Guard,
        requests: Vec<VoteRequest>,
    ) -> Result<Done<Vec<Outcome>>, StoreError> {
        self.transact(|batch| {
            requests.into_iter().map(|request| batch.check_and_record(request)).collect::<Result<_, _>>()
        })
    }

    fn change(&mut self, _: &Guard, changes: Vec<LaneChange>) -> Result<Done<Vec<Changed>>, StoreError> {
        Self::change(self, changes)
    }

    fn lanes(&mut self, _: &Guard) -> Result<Vec<Lane>, StoreError> {
        Ok(Self::lanes(self))
    }

    /// Writes everything into the database's own file.
    fn close(self) {
        let _closed = Rc::into_inner(self.connection).map(Connection::close);
    }
}

/// One transaction.
struct Batch<'a> {
    transaction: Transaction<'a>,
    lanes: &'a mut BTreeMap<Lane, Known>,
    highest: BTreeMap<Lane, ConsumerHeight>,
    has_written: bool,
}

impl Batch<'_> {
    fn lane(&mut self, lane: &Lane) -> Result<&mut Known, StoreError> {
        if !self.lanes.contains_key(lane) {
            self.has_written = true;
            let key = lane.public_key.serialize();
            self.transaction
                .prepare_cached("INSERT INTO lane (public_key, chain_id) VALUES (?1, ?2)")
                .and_then(|mut insert| insert.insert(params![key.as_slice(), lane.chain_id]))
                .map(|number| {
                    passed("lane inserted");
                    self.lanes.insert(lane.clone(), Known { number, state: LaneState::default() });
                })
                .map_err(failed)?;
        }
        self.lanes.get_mut(lane).ok_or_else(|| damaged("a lane is not there"))
    }

    fn earlier(&self, lane: i64, at: ConsumerHeight) -> Result<Option<SigningRecord>, StoreError> {
        let mut select = self
            .transaction
            .prepare_cached("SELECT height, message, signature FROM record WHERE lane = ?1 AND height = ?2")
            .map_err(failed)?;
        let row = select.query_row(params![lane, at.to_be_bytes().as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        row.optional().map_err(failed)?.map(record).transpose()
    }

    fn check_and_record(&mut self, request: VoteRequest) -> Result<Outcome, StoreError> {
        let VoteRequest { lane, height: at, message, signer } = request;
        let Some(Known { number, state }) = self.lanes.get(&*lane) else {
            return Ok(Outcome::Refused(Refusal::UnknownLane(Box::new((*lane).clone()))));
        };
        let (number, watermarks) = (*number, state.watermarks);
        let is_again = match decide(self.earlier(number, at)?, watermarks, at, &message) {
            Decision::Again(SigningRecord { signature: Some(signature), .. }) => {
                return Ok(Outcome::Signed(Verdict::Again(signature)));
            }
            Decision::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
            // A record without its signature, above the watermark: the same message has the same signature.
            Decision::Again(_) => true,
            Decision::Sign => false,
        };
        passed("vote decided");
        let signature = match signer.sign_vote(at, &message) {
            Ok(signature) => signature,
            Err(error) => return Ok(Outcome::Failed(error)),
        };
        self.insert(number, &SigningRecord { height: at, message, signature: Some(signature) }, is_again)?;
        self.reach(&lane, at)?;
        Ok(Outcome::Signed(if is_again { Verdict::Again(signature) } else { Verdict::New(signature) }))
    }

    /// Inserts a record; `replace` adds the signature to the same message.
    fn insert(&mut self, lane: i64, record: &SigningRecord, replace: bool) -> Result<(), StoreError> {
        let sql = if replace {
            "UPDATE record SET signature = ?4 WHERE lane = ?1 AND height = ?2 AND message = ?3"
        } else {
            "INSERT INTO record (lane, height, message, signature) VALUES (?1, ?2, ?3, ?4)"
        };
        let (at, signature) =
            (record.height.to_be_bytes(), record.signature.map(|it| it.to_bytes().to_vec()));
        let mut statement = self.transaction.prepare_cached(sql).map_err(failed)?;
        let written =
            statement.execute(params![lane, at.as_slice(), record.message, signature]).map_err(failed)?;
        self.has_written = true;
        passed("record written");
        if written == 1 { Ok(()) } else { Err(damaged("a record was not written")) }
    }

    fn reach(&mut self, lane: &Lane, at: ConsumerHeight) -> Result<(), StoreError> {
        let state = &mut self.lane(lane)?.state;
        state.highest = higher(state.highest, Some(at));
        let highest = state.highest.unwrap_or(at);
        self.highest.insert(lane.clone(), highest);
        Ok(())
    }
}
