//! Branch and leaf pages: their header, and their elements, each at its place and in order.

use super::PageFault;

/// The length of a page's header, and of an element before its key and value.
pub(super) const HEADER_LEN: usize = 16;
const ELEMENT_LEN: usize = 16;

/// The longest key that bbolt writes.
const MAX_KEY_LEN: usize = 32768;

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;

/// The type of a page of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageType {
    Branch,
    Leaf,
}

/// A page's header.
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) flags: u16,
    pub(super) count: u16,
    pub(super) overflow: u32,
}

/// An element of a page: its key, and for a leaf page its value.
pub(super) struct Element<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    /// The page it leads to, on a branch page.
    pub(super) child: u64,
    /// Whether it is a bucket.
    pub(super) bucket: bool,
}

impl Element<'_> {
    /// Returns how many bytes the element takes, with its key and value.
    pub(super) const fn len(&self) -> usize {
        ELEMENT_LEN.saturating_add(self.key.len()).saturating_add(self.value.len())
    }
}

/// The keys that belong on a page: from `first` to below `end`.
#[derive(Default)]
pub(super) struct KeyRange {
    pub(super) first: Option<Vec<u8>>,
    pub(super) end: Option<Vec<u8>>,
}

/// Little-endian numbers, one behind the other.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

impl Header {
    /// Returns the header that `page` begins with; `None` when it is too short.
    pub(super) fn read(page: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(page);
        Some(Self {
            number: fields.u64()?,
            flags: fields.u16()?,
            count: fields.u16()?,
            overflow: fields.u32()?,
        })
    }

    /// Returns the type of the page.
    pub(super) const fn page_type(&self) -> Result<PageType, PageFault> {
        match self.flags {
            BRANCH => Ok(PageType::Branch),
            LEAF => Ok(PageType::Leaf),
            found => Err(PageFault::Type { found }),
        }
    }
}

/// An element as it stands in the list, before its data are looked up.
struct Listed {
    flags: u32,
    position: u32,
    key_len: u32,
    value_len: u32,
    child: u64,
}

impl Listed {
    fn read(page_type: PageType, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        Some(match page_type {
            PageType::Branch => {
                let (position, key_len, child) = (fields.u32()?, fields.u32()?, fields.u64()?);
                Self { flags: 0, position, key_len, value_len: 0, child }
            }
            PageType::Leaf => {
                let (flags, position) = (fields.u32()?, fields.u32()?);
                Self { flags, position, key_len: fields.u32()?, value_len: fields.u32()?, child: 0 }
            }
        })
    }
}

/// Returns the elements of a page, with all pages behind the first, in order.
///
/// bbolt writes the data of the elements in order, without gaps, right behind the list. That is demanded
/// here: it keeps elements from sharing bytes, and shows a wrong number of elements.
pub(super) fn elements<'a>(
    page: &'a [u8],
    page_type: PageType,
    count: u16,
    range: &KeyRange,
) -> Result<Vec<Element<'a>>, PageFault> {
    let list_len = usize::from(count).saturating_mul(ELEMENT_LEN);
    let mut required = HEADER_LEN.saturating_add(list_len);
    let list = page.get(HEADER_LEN..required).ok_or(PageFault::Elements { found: page.len(), count })?;
    let mut elements: Vec<Element<'a>> = Vec::with_capacity(usize::from(count));
    let mut start: u64 = 16;
    for (index, bytes) in (0..count).zip(list.chunks_exact(ELEMENT_LEN)) {
        let listed =
            Listed::read(page_type, bytes).ok_or(PageFault::Elements { found: page.len(), count })?;
        let found = start.saturating_add(u64::from(listed.position));
        if u64::try_from(required) != Ok(found) {
            return Err(PageFault::Position { index, found, required });
        }
        start = start.saturating_add(16);
        let (key_len, value_len) = (listed.key_len, listed.value_len);
        let (key, value, end) = data(page, required, key_len, value_len).ok_or(PageFault::PastEnd {
            index,
            key_len,
            value_len,
        })?;
        required = end;
        if listed.flags > 1 {
            return Err(PageFault::ElementType { index, found: listed.flags });
        }
        check_key(key, index, elements.last().map(|last| last.key), range)?;
        elements.push(Element { key, value, child: listed.child, bucket: listed.flags == 1 });
    }
    Ok(elements)
}

/// Returns the key and the value that stand at `start`, and where they end.
fn data(page: &[u8], start: usize, key_len: u32, value_len: u32) -> Option<(&[u8], &[u8], usize)> {
    let key_end = start.checked_add(usize::try_from(key_len).ok()?)?;
    let end = key_end.checked_add(usize::try_from(value_len).ok()?)?;
    Some((page.get(start..key_end)?, page.get(key_end..end)?, end))
}

fn check_key(key: &[u8], index: u16, before: Option<&[u8]>, range: &KeyRange) -> Result<(), PageFault> {
    if key.is_empty() || key.len() > MAX_KEY_LEN {
        return Err(PageFault::KeyLength { index, found: key.len() });
    }
    if before.is_some_and(|before| key <= before) {
        return Err(PageFault::KeyOrder { index });
    }
    let below = range.first.as_ref().is_some_and(|first| key < first.as_slice());
    let above = range.end.as_ref().is_some_and(|end| key >= end.as_slice());
    if below || above { Err(PageFault::KeyRange { index }) } else { Ok(()) }
}
