//! A read-only reader of bbolt database files, which trusts nothing in them.
//!
//! A bbolt file is a B+ tree of pages. Pages 0 and 1 are meta pages, written in turn by every transaction;
//! the one with the higher transaction id and a right checksum names the root. Branch pages lead to other
//! pages, leaf pages have the entries; one with large entries goes on over the pages behind it. A bucket is
//! an entry whose value names the root page of a tree of its own, or has that page in it ("inline").
//!
//! The pages below the meta pages have no checksum. What they do have is checked: page numbers, types, sizes,
//! the place of every element, and the order of keys within a page and between pages. A changed byte that
//! keeps to all this is not seen: in a message or a signature, at the end of a key, or in the number of a
//! bucket's root page, where it then leads to another page of a tree.
//!
//! The reader takes memory for one leaf page (at most 128 MiB, and once more for its entries), for the branch
//! pages above it (at most 1 MiB each, 64 deep) and for a list of the pages read; each page is read once.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

mod entries;
mod error;
mod meta;
mod page;
mod tree;

pub use entries::{Entries, Entry};
pub use error::{Location, PageFault, ReadError};
use meta::Meta;
pub use meta::MetaFault;
use tree::{Item, Tree};

/// A bbolt database, open for reading.
///
/// [`open`](Self::open) takes a shared lock on the file, which is kept until this value is dropped: meanwhile
/// no daemon can open the database. [`from_reader`](Self::from_reader) takes bytes from anywhere, unlocked.
#[derive(Debug)]
pub struct Database<S> {
    source: S,
    meta: Meta,
    damaged: Option<MetaFault>,
}

/// The error of a file that is not a whole bbolt database, or that is in use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file cannot be opened or read.
    #[error("cannot read the database")]
    Io(#[from] io::Error),
    /// The path leads to a directory, a device or the like.
    #[error("the database is not a regular file")]
    NotAFile,
    /// A daemon has the database open.
    #[error("the database is in use by another process; stop the daemon")]
    InUse,
    /// The file cannot be locked, for instance because the file system has no locks.
    #[error("cannot lock the database")]
    Lock(#[source] io::Error),
    /// Neither meta page is good.
    #[error("not a bbolt database, or a damaged one: meta page 0: {first}; meta page 1: {second}")]
    NoMeta {
        /// What is wrong with meta page 0.
        first: MetaFault,
        /// What is wrong with meta page 1.
        second: MetaFault,
    },
    /// The file ends before its last page.
    #[error("the database has {found} bytes; must have at least {pages} pages of {page_size} bytes")]
    Truncated {
        /// The length of the file, in bytes.
        found: u64,
        /// How many pages the meta page says there are.
        pages: u64,
        /// The size of a page, in bytes.
        page_size: u32,
    },
}

impl Database<File> {
    /// Returns the database in the file at `path`, locked against the daemon.
    ///
    /// The lock is of that one file. Where the file is a copy, it says nothing of the daemon that has the
    /// original, which may have signed since.
    ///
    /// # Errors
    /// [`DatabaseError`], which does not name the path. [`DatabaseError::InUse`] at once, without waiting.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DatabaseError> {
        // Before it is opened: to open a named pipe would wait for a writer.
        if !fs::metadata(&path)?.is_file() {
            return Err(DatabaseError::NotAFile);
        }
        let file = File::open(path)?;
        file.try_lock_shared().map_err(|error| match error {
            TryLockError::WouldBlock => DatabaseError::InUse,
            TryLockError::Error(error) => DatabaseError::Lock(error),
        })?;
        Self::from_reader(file)
    }
}

impl<S: Read + Seek> Database<S> {
    /// Returns the database in `source`: a file of the caller's, or a `Cursor` over bytes. Nothing is locked.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn from_reader(mut source: S) -> Result<Self, DatabaseError> {
        let length = source.seek(SeekFrom::End(0))?;
        let (meta, damaged) = Meta::select(&mut source)?;
        let pages = meta.high_water;
        if pages.checked_mul(u64::from(meta.page_size)).is_none_or(|required| required > length) {
            return Err(DatabaseError::Truncated { found: length, pages, page_size: meta.page_size });
        }
        Ok(Self { source, meta, damaged })
    }

    /// Returns what is wrong with the meta page that is not used; `None` when both are good.
    ///
    /// A process that was stopped while it wrote leaves one torn, and its transaction never happened. Any
    /// other damage hides the last transaction too, and with it the last signing record: a caller should say
    /// so.
    pub const fn damaged_meta(&self) -> Option<MetaFault> {
        self.damaged
    }

    /// Returns the names of the top-level buckets, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn bucket_names(&mut self) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut names = Vec::new();
        let mut tree = Tree::from_page(self, self.meta.root)?;
        while let Some(item) = tree.next(self)? {
            if let Item::Bucket { key, .. } = item {
                names.push(key);
            }
        }
        Ok(names)
    }

    /// Returns the entries of the bucket at `path`, in the order of their keys: `&[name]` is a top-level
    /// bucket, `&[name, nested]` a bucket in it, `&[]` what stands at the top level.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::NoBucket`] and [`ReadError::NotABucket`] when there is no such bucket.
    pub fn entries(&mut self, path: &[&[u8]]) -> Result<Entries<'_, S>, ReadError> {
        let mut tree = Tree::from_page(self, self.meta.root)?;
        for name in path {
            tree = tree.into_bucket(self, name)?;
        }
        Ok(Entries::new(self, tree))
    }
}
