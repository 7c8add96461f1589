//! Meta pages: where the root is.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use super::DatabaseError;
use super::page::Fields;

/// The least and the largest page size. bbolt takes the system's, of which 64 KiB is the largest.
const MIN_PAGE_SIZE: u32 = 1024;
const MAX_PAGE_SIZE: u32 = 65536;

const MAGIC: u32 = 0xed0c_daed;
const VERSION: u32 = 2;

/// A page header, and what stands in a meta page: 56 bytes and their checksum.
const HEADER_LEN: usize = 16;
const CHECKED_LEN: usize = 56;
const META_LEN: usize = HEADER_LEN + CHECKED_LEN + size_of::<u64>();

/// What a good meta page says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meta {
    pub(super) page_size: u32,
    /// The root page of the tree of top-level buckets.
    pub(super) root: u64,
    /// The page behind the last one ever used.
    pub(super) high_water: u64,
    transaction_id: u64,
}

/// What is wrong with a meta page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetaFault {
    /// The file ends before the meta page does.
    #[error("the file ends within it")]
    Short,
    /// The first four bytes are not those of a bbolt database.
    #[error("magic number is {found:08x}; must be ed0cdaed")]
    Magic {
        /// The magic number, read as little-endian.
        found: u32,
    },
    /// The version of the format is another.
    #[error("version is {found}; must be 2")]
    Version {
        /// The version.
        found: u32,
    },
    /// The checksum is not that of the page: it was not written whole, or was changed.
    #[error("checksum is {found:016x}; must be {computed:016x}, the FNV-1a of its first 56 bytes")]
    Checksum {
        /// The checksum in the page.
        found: u64,
        /// The checksum of what stands in the page.
        computed: u64,
    },
    /// The page size is one that no system has.
    #[error("page size is {found}; must be a power of two from 1024 to 65536")]
    PageSize {
        /// The page size, in bytes.
        found: u32,
    },
    /// Meta page 1 is not where its own page size says.
    #[error("page size is {found}; must be {position}, the byte at which the page begins")]
    Misplaced {
        /// The page size, in bytes.
        found: u32,
        /// Where the page begins.
        position: u32,
    },
    /// Meta page 0 is damaged, and meta page 1 is not found without its page size.
    #[error("not found at any page size from 1024 to 65536")]
    NotFound,
}

impl Meta {
    /// Returns the meta page of the last transaction, and what is wrong with the other one.
    pub(super) fn select<S: Read + Seek>(source: &mut S) -> Result<(Self, Option<MetaFault>), DatabaseError> {
        let first = Self::read(source, 0)?;
        let second = match first {
            Ok(first) => Self::read(source, first.page_size)?,
            Err(_) => Self::find_second(source)?,
        };
        match (first, second) {
            (Ok(first), Ok(second)) if second.transaction_id > first.transaction_id => Ok((second, None)),
            (Ok(first), Ok(_)) => Ok((first, None)),
            (Ok(meta), Err(fault)) | (Err(fault), Ok(meta)) => Ok((meta, Some(fault))),
            (Err(first), Err(second)) => Err(DatabaseError::NoMeta { first, second }),
        }
    }

    /// Returns meta page 1, looked for where each page size would put it.
    fn find_second<S: Read + Seek>(source: &mut S) -> io::Result<Result<Self, MetaFault>> {
        let mut found = MetaFault::NotFound;
        let mut position = MIN_PAGE_SIZE;
        while position <= MAX_PAGE_SIZE {
            match Self::read(source, position)? {
                Ok(meta) => return Ok(Ok(meta)),
                Err(MetaFault::Short | MetaFault::Magic { .. }) => {}
                Err(fault) => found = fault,
            }
            position = position.saturating_mul(2);
        }
        Ok(Err(found))
    }

    /// Returns the meta page at this byte of the file: 0, or what must be the page size.
    fn read<S: Read + Seek>(source: &mut S, position: u32) -> io::Result<Result<Self, MetaFault>> {
        let mut page = [0; META_LEN];
        source.seek(SeekFrom::Start(u64::from(position)))?;
        match source.read_exact(&mut page) {
            Ok(()) => Ok(Self::parse(&page, position)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Err(MetaFault::Short)),
            Err(error) => Err(error),
        }
    }

    fn parse(page: &[u8; META_LEN], position: u32) -> Result<Self, MetaFault> {
        let checked = page.get(HEADER_LEN..HEADER_LEN + CHECKED_LEN).ok_or(MetaFault::Short)?;
        let mut fields = Fields::new(page.get(HEADER_LEN..).ok_or(MetaFault::Short)?);
        let mut next_u32 = || fields.u32().ok_or(MetaFault::Short);
        let (magic, version, page_size, _flags) = (next_u32()?, next_u32()?, next_u32()?, next_u32()?);
        let mut next_u64 = || fields.u64().ok_or(MetaFault::Short);
        let (root, _sequence, _freelist, high_water) = (next_u64()?, next_u64()?, next_u64()?, next_u64()?);
        let (transaction_id, checksum) = (next_u64()?, next_u64()?);
        if magic != MAGIC {
            return Err(MetaFault::Magic { found: magic });
        }
        if version != VERSION {
            return Err(MetaFault::Version { found: version });
        }
        let computed = fnv1a(checked);
        if checksum != computed {
            return Err(MetaFault::Checksum { found: checksum, computed });
        }
        if !page_size.is_power_of_two() || !(MIN_PAGE_SIZE..=MAX_PAGE_SIZE).contains(&page_size) {
            return Err(MetaFault::PageSize { found: page_size });
        }
        if position != 0 && position != page_size {
            return Err(MetaFault::Misplaced { found: page_size, position });
        }
        Ok(Self { page_size, root, high_water, transaction_id })
    }
}

/// Returns the 64-bit FNV-1a hash.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
