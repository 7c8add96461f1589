//! The log that lies beside a database whose process was killed: whether it continues the file as it is.
//!
//! SQLite applies a log (`-wal`) to whichever database it lies beside. After a copy is put in place of
//! the database alone, pages of both would be mixed, and votes be forgotten without a trace: the generation
//! and the highest heights would be those of the log. So the first transaction of the log must be the one
//! that follows the file's own generation, or an earlier one. Each transaction of a store writes the store's
//! row.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;
use crate::protection::lock::with_ending;

/// What the store's row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StoreRow {
    id: [u8; 16],
    generation: u64,
}

/// Refuses a database beside the log of another one, or of a later state of it. It must not be open yet.
pub(super) fn check_log(path: &Path) -> Result<(), OpenError> {
    let log = with_ending(path, "-wal");
    // A file without tables has them in its log, if anywhere.
    let Some(own) = row_without_log(path) else { return Ok(()) };
    let failed = |cause| OpenError::File { path: log.clone(), cause };
    let file = match File::open(&log) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(failed)?,
    };
    let rule = match first_transaction(BufReader::new(file)).map_err(failed)? {
        First::None => return Ok(()),
        First::Store(first) if first.id == own.id => {
            if first.generation <= own.generation.saturating_add(1) {
                return Ok(());
            }
            "goes on from a later state of it: this file is an old copy; the newer one, which the log belongs to, must be put back beside it, and the log not be deleted"
        }
        First::Store(_) | First::Other => "is of another database; each must be beside its own",
    };
    let rule = format!("its log {} {rule}", log.display());
    Err(OpenError::OtherFile { path: path.to_owned(), rule })
}

/// Returns the store's row in the file itself, whatever log lies beside it. None in a file that has no tables
/// yet, or that its log would mend.
fn row_without_log(path: &Path) -> Option<StoreRow> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match *byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push((*byte).into()),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags).ok()?;
    let row = connection.query_row("SELECT id, generation FROM store", [], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?))
    });
    let (id, generation) = row.ok()?;
    Some(StoreRow { id: id.try_into().ok()?, generation: generation.try_into().ok()? })
}

/// What the first transaction of a log wrote.
#[derive(Debug, PartialEq, Eq)]
enum First {
    /// There is none, or it was not finished: nothing is applied.
    None,
    /// The store's row.
    Store(StoreRow),
    /// Something else.
    Other,
}

/// Reads the first transaction of a log (SQLite's file format, section 4).
fn first_transaction(mut log: impl Read) -> std::io::Result<First> {
    const LARGEST_PAGE: usize = 65536;
    let mut header = [0; 32];
    if !fill(&mut log, &mut header)? {
        return Ok(First::None);
    }
    let is_big_endian = match word(&header, 0) {
        Some(0x377f_0682) => false,
        Some(0x377f_0683) => true,
        _ => return Ok(First::None),
    };
    let mut sum = Sum { is_big_endian, both: (0, 0) };
    sum.add(header.get(..24).unwrap_or_default());
    let size =
        word(&header, 8).and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= LARGEST_PAGE);
    let (Some(size), true) = (size, sum.is(&header, 24)) else { return Ok(First::None) };
    let (mut frame, mut page, mut found) = ([0; 24], vec![0; size], First::Other);
    // Old frames behind the last one have other salts.
    while fill(&mut log, &mut frame)? && frame.get(8..16) == header.get(16..24) && fill(&mut log, &mut page)?
    {
        sum.add(frame.get(..8).unwrap_or_default());
        sum.add(&page);
        if !sum.is(&frame, 16) {
            break;
        }
        if let Some(row) = store_row(&page) {
            found = First::Store(row);
        }
        // The last frame of a transaction has the length of the database.
        if word(&frame, 4) != Some(0) {
            return Ok(found);
        }
    }
    Ok(First::None)
}

/// Fills a buffer; false when the file ends before.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<bool> {
    match file.read_exact(buffer) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

/// The checksum of a log, which runs on from frame to frame.
struct Sum {
    is_big_endian: bool,
    both: (u32, u32),
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks::<4>();
        for pair in words.chunks_exact(2) {
            let [one, two] = pair else { return };
            let number = |bytes: &[u8; 4]| {
                if self.is_big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) }
            };
            let first = self.both.0.wrapping_add(number(one)).wrapping_add(self.both.1);
            self.both = (first, self.both.1.wrapping_add(number(two)).wrapping_add(first));
        }
    }

    fn is(&self, bytes: &[u8], at: usize) -> bool {
        (word(bytes, at), word(bytes, at.saturating_add(4))) == (Some(self.both.0), Some(self.both.1))
    }
}

/// Returns the store's row, if this is the page that has it: a leaf of one cell, whose record has the number
/// of the row itself, 16 bytes, and two numbers (SQLite's file format, sections 1.6 and 2.1). All of them are
/// so short that each length is a byte.
fn store_row(page: &[u8]) -> Option<StoreRow> {
    let [13, _, _, 0, 1, ..] = page else { return None };
    let cell = usize::from(u16::from_be_bytes(*page.get(8..)?.first_chunk()?));
    let [_, 1, 5, 0, 44, width, 1 | 8 | 9, record @ ..] = page.get(cell..)? else { return None };
    let (id, rest) = record.split_first_chunk::<16>()?;
    let generation = match width {
        8 => 0,
        9 => 1,
        1..=6 => {
            let width = [1, 2, 3, 4, 6, 8].get(usize::from(*width).checked_sub(1)?)?;
            rest.get(..*width)?.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
        }
        _ => return None,
    };
    Some(StoreRow { id: *id, generation })
}
