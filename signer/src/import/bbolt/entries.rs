//! The entries of a bucket, for the caller.

use std::io::{Read, Seek};
use std::iter::FusedIterator;

use super::tree::{Item, Tree};
use super::{Database, ReadError};

/// An entry of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A key with a value.
    Value {
        /// The key, of 1 to 32768 bytes.
        key: Vec<u8>,
        /// The value, which may be empty.
        value: Vec<u8>,
    },
    /// A bucket in the bucket. Its entries are not among those of the outer one.
    Bucket {
        /// The name.
        name: Vec<u8>,
    },
}

/// The entries of a bucket in the order of their keys, read page by page.
///
/// The first error is the last item: what came before it is right as far as it can be checked, but is not the
/// whole bucket.
#[derive(Debug)]
pub struct Entries<'db, S> {
    database: &'db mut Database<S>,
    tree: Option<Tree>,
}

impl<'db, S> Entries<'db, S> {
    pub(super) const fn new(database: &'db mut Database<S>, tree: Tree) -> Self {
        Self { database, tree: Some(tree) }
    }
}

impl<S: Read + Seek> Iterator for Entries<'_, S> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.tree.as_mut()?.next(self.database).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.tree = None;
        }
        Some(next?.map(|item| match item {
            Item::Value { key, value } => Entry::Value { key, value },
            Item::Bucket { key, .. } => Entry::Bucket { name: key },
        }))
    }
}

impl<S: Read + Seek> FusedIterator for Entries<'_, S> {}
