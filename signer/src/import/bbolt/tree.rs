//! The walk over the pages of a bucket.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::iter::Peekable;
use std::vec;

use super::page::{Element, Fields, HEADER_LEN, Header, KeyRange, PageType, elements};
use super::{Database, Location, PageFault, ReadError};

/// The most pages from the root of a bucket to a leaf. With two elements in a branch page, the least that
/// bbolt splits into, 2^64 pages are no deeper.
const MAX_DEPTH: usize = 64;

/// The largest branch page. bbolt splits a page of more than four elements that is over its size, and a key
/// has at most 32 KiB.
const MAX_BRANCH_LEN: u64 = 1 << 20;

/// The largest leaf page. bbolt leaves at most four large elements on one; by the daemon's default a message
/// has at most 16 MiB, so this is twice what they take.
const MAX_LEAF_LEN: u64 = 128 << 20;

/// The first page that is not a meta page.
const FIRST_PAGE: u64 = 2;

/// The length of a bucket's value before its inline page: the number of its root page, and a sequence number.
const BUCKET_HEADER_LEN: usize = 16;

/// An entry of a leaf page.
#[derive(Debug)]
pub(super) enum Item {
    Value { key: Vec<u8>, value: Vec<u8> },
    Bucket { key: Vec<u8>, root: Vec<u8> },
}

/// What an element of a page leads to.
#[derive(Debug)]
enum Slot {
    Child(u64),
    Value(Vec<u8>),
    Bucket(Vec<u8>),
}

/// What is left to read of a page.
#[derive(Debug)]
struct Level {
    location: Location,
    slots: Peekable<vec::IntoIter<(Vec<u8>, Slot)>>,
    /// Where the keys of the next page begin that is not below this one.
    end: Option<Vec<u8>>,
}

/// A walk over the entries of one bucket, with the pages from its root to where it is.
#[derive(Debug)]
pub(super) struct Tree {
    levels: Vec<Level>,
    read: PagesRead,
}

impl Tree {
    /// Returns the walk over the tree that begins at a page.
    pub(super) fn from_page<S: Read + Seek>(
        database: &mut Database<S>,
        root: u64,
    ) -> Result<Self, ReadError> {
        let mut tree = Self { levels: Vec::new(), read: PagesRead::default() };
        tree.descend(database, root, KeyRange::default())?;
        Ok(tree)
    }

    /// Returns the walk over the bucket of this name, which must be an entry that this walk has not passed.
    pub(super) fn into_bucket<S: Read + Seek>(
        mut self,
        database: &mut Database<S>,
        name: &[u8],
    ) -> Result<Self, ReadError> {
        while let Some(item) = self.next(database)? {
            match item {
                Item::Bucket { key, root } if key == name => {
                    self.enter(database, key, &root)?;
                    return Ok(self);
                }
                Item::Value { key, .. } if key == name => return Err(ReadError::NotABucket { name: key }),
                Item::Bucket { .. } | Item::Value { .. } => {}
            }
        }
        Err(ReadError::NoBucket { name: name.to_vec() })
    }

    /// Returns the next entry, or `None` behind the last.
    pub(super) fn next<S: Read + Seek>(
        &mut self,
        database: &mut Database<S>,
    ) -> Result<Option<Item>, ReadError> {
        loop {
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            match level.slots.next() {
                Some((key, Slot::Value(value))) => return Ok(Some(Item::Value { key, value })),
                Some((key, Slot::Bucket(root))) => return Ok(Some(Item::Bucket { key, root })),
                Some((key, Slot::Child(number))) => {
                    let end = level.slots.peek().map(|(next, _)| next).or(level.end.as_ref()).cloned();
                    self.descend(database, number, KeyRange { first: Some(key), end })?;
                }
                None => {
                    self.levels.pop();
                }
            }
        }
    }

    /// Goes on with a bucket, the entry just passed, whose value is `value`.
    fn enter<S: Read + Seek>(
        &mut self,
        database: &mut Database<S>,
        name: Vec<u8>,
        value: &[u8],
    ) -> Result<(), ReadError> {
        let outer = self.levels.last().map_or(Location::Page(database.meta.root), |level| level.location);
        let root = Fields::new(value).u64();
        let inline = value.split_at_checked(BUCKET_HEADER_LEN).map(|(_, page)| page);
        self.levels.clear();
        match (root, inline) {
            (Some(0), Some(page)) => {
                let (Location::Page(number) | Location::Inline(number)) = outer;
                let location = Location::Inline(number);
                let slots = inline_slots(page).map_err(|fault| ReadError::Page { location, fault })?;
                self.push(location, slots, None);
                Ok(())
            }
            (Some(root), Some([])) => self.descend(database, root, KeyRange::default()),
            _ => {
                let fault = PageFault::Bucket { name, found: value.len() };
                Err(ReadError::Page { location: outer, fault })
            }
        }
    }

    /// Goes on with a page, whose keys must be in `range`.
    fn descend<S: Read + Seek>(
        &mut self,
        database: &mut Database<S>,
        number: u64,
        range: KeyRange,
    ) -> Result<(), ReadError> {
        let location = Location::Page(number);
        let at_fault = |fault| ReadError::Page { location, fault };
        if self.levels.len() >= MAX_DEPTH {
            return Err(at_fault(PageFault::Depth { max: MAX_DEPTH }));
        }
        let (header, page) = self.read_page(database, number)?;
        let page_type = header.page_type().map_err(at_fault)?;
        // bbolt makes an empty bucket an inline one, so only the top level may have an empty page.
        if header.count == 0 && (page_type == PageType::Branch || number != database.meta.root) {
            return Err(at_fault(PageFault::Empty));
        }
        let elements = elements(&page, page_type, header.count, &range).map_err(at_fault)?;
        self.push(location, slots(elements, page_type), range.end);
        Ok(())
    }

    fn push(&mut self, location: Location, slots: Vec<(Vec<u8>, Slot)>, end: Option<Vec<u8>>) {
        self.levels.push(Level { location, slots: slots.into_iter().peekable(), end });
    }

    /// Returns a page with all pages behind the first, and its header.
    fn read_page<S: Read + Seek>(
        &mut self,
        database: &mut Database<S>,
        number: u64,
    ) -> Result<(Header, Vec<u8>), ReadError> {
        let at_fault = |fault| ReadError::Page { location: Location::Page(number), fault };
        let failed = |source| ReadError::Io { page: number, source };
        let high_water = database.meta.high_water;
        if !(FIRST_PAGE..high_water).contains(&number) {
            return Err(at_fault(PageFault::OutOfRange { high_water }));
        }
        let page_size = u64::from(database.meta.page_size);
        // All bytes below the high-water mark are in the file, so the product fits.
        let source = &mut database.source;
        source.seek(SeekFrom::Start(number.saturating_mul(page_size))).map_err(failed)?;
        let mut page = Vec::new();
        append(source, &mut page, page_size).map_err(failed)?;
        let header = Header::read(&page)
            .ok_or_else(|| at_fault(PageFault::Elements { found: page.len(), count: 0 }))?;
        if header.number != number {
            return Err(at_fault(PageFault::Number { found: header.number }));
        }
        let max = match header.page_type().map_err(at_fault)? {
            PageType::Branch => MAX_BRANCH_LEN,
            PageType::Leaf => MAX_LEAF_LEN,
        };
        let overflow = u64::from(header.overflow);
        let end = number.saturating_add(1).saturating_add(overflow);
        if end > high_water {
            return Err(at_fault(PageFault::Overflow { overflow: header.overflow, high_water }));
        }
        if !self.read.insert(number, end) {
            return Err(at_fault(PageFault::ReadBefore));
        }
        let behind = overflow.saturating_mul(page_size);
        let found = behind.saturating_add(page_size);
        if found > max {
            return Err(at_fault(PageFault::TooLarge { found, max }));
        }
        append(source, &mut page, behind).map_err(failed)?;
        Ok((header, page))
    }
}

/// Appends exactly this many of the bytes that come next to `page`.
fn append<S: Read>(source: &mut S, page: &mut Vec<u8>, length: u64) -> io::Result<()> {
    page.reserve(usize::try_from(length).unwrap_or_default());
    let read = source.take(length).read_to_end(page)?;
    if u64::try_from(read) == Ok(length) { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Returns the entries of an inline bucket's page.
fn inline_slots(page: &[u8]) -> Result<Vec<(Vec<u8>, Slot)>, PageFault> {
    let header = Header::read(page).ok_or(PageFault::Elements { found: page.len(), count: 0 })?;
    if header.number != 0 {
        return Err(PageFault::Number { found: header.number });
    }
    if header.page_type() != Ok(PageType::Leaf) || header.overflow != 0 {
        return Err(PageFault::Inline { found: header.flags, overflow: header.overflow });
    }
    let elements = elements(page, PageType::Leaf, header.count, &KeyRange::default())?;
    let end = elements.iter().fold(HEADER_LEN, |end, element| end.saturating_add(element.len()));
    if page.len() != end {
        return Err(PageFault::Trailing { found: page.len(), end });
    }
    Ok(slots(elements, PageType::Leaf))
}

fn slots(elements: Vec<Element<'_>>, page_type: PageType) -> Vec<(Vec<u8>, Slot)> {
    let slot = |element: &Element<'_>| match page_type {
        PageType::Branch => Slot::Child(element.child),
        PageType::Leaf if element.bucket => Slot::Bucket(element.value.to_vec()),
        PageType::Leaf => Slot::Value(element.value.to_vec()),
    };
    elements.iter().map(|element| (element.key.to_vec(), slot(element))).collect()
}

/// The pages that were read, as ranges from the first to behind the last.
#[derive(Debug, Default)]
struct PagesRead(BTreeMap<u64, u64>);

impl PagesRead {
    /// Adds the pages from `first` to below `end`; returns false if one of them is there already.
    fn insert(&mut self, first: u64, end: u64) -> bool {
        // The ranges do not overlap, so the last to begin is the last to end.
        if self.0.range(..end).next_back().is_some_and(|(_, last_end)| *last_end > first) {
            return false;
        }
        self.0.insert(first, end);
        true
    }
}
