//! What the reader makes of good files, hostile ones, and one that bbolt itself wrote.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod bytes;
mod encoder;
mod files;
mod hostile;
mod interchange;
mod opening;
mod records;
mod reference;

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::rc::Rc;

use encoder::Pair;

use super::{Database, Entry, ReadError};

/// A file in memory, and how many bytes were read from it.
#[derive(Debug)]
struct Counted {
    bytes: Cursor<Vec<u8>>,
    read: Rc<Cell<u64>>,
}

impl Counted {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Cursor::new(bytes), read: Rc::default() }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

fn open(bytes: Vec<u8>) -> Database<Counted> {
    Database::from_reader(Counted::new(bytes)).unwrap()
}

/// The keys and values of a bucket, or the first error.
fn read<S: Read + Seek>(database: &mut Database<S>, path: &[&[u8]]) -> Result<Vec<Pair>, ReadError> {
    database
        .entries(path)?
        .map(|entry| match entry? {
            Entry::Value { key, value } => Ok((key, value)),
            Entry::Bucket { name } => Ok((name, b"(bucket)".to_vec())),
        })
        .collect()
}
