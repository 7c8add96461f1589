//! What can be wrong with the pages of a tree.

use std::fmt;
use std::io;

/// Where a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// The page of this number.
    Page(u64),
    /// The page of an inline bucket, an entry of the page of this number.
    Inline(u64),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(number) => write!(f, "page {number}"),
            Self::Inline(number) => write!(f, "inline bucket on page {number}"),
        }
    }
}

/// The error of a bucket that is missing or damaged, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read at this page.
    #[error("cannot read page {page} of the database")]
    Io {
        /// The page.
        page: u64,
        /// Why not; the file ends here when it was cut since it was opened.
        #[source]
        source: io::Error,
    },
    /// A page breaks a rule of the format.
    #[error("{location} of the database {fault}")]
    Page {
        /// The page.
        location: Location,
        /// The rule.
        fault: PageFault,
    },
    /// There is no bucket of this name.
    #[error("the database has no bucket {}", .name.escape_ascii())]
    NoBucket {
        /// The name.
        name: Vec<u8>,
    },
    /// What has this name is a value.
    #[error("{} in the database is a value; must be a bucket", .name.escape_ascii())]
    NotABucket {
        /// The name.
        name: Vec<u8>,
    },
}

/// What is wrong with a branch or leaf page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageFault {
    /// The page number is that of a meta page, or of a page that was never used.
    #[error("is no page of a tree; must be from 2 to below {high_water}")]
    OutOfRange {
        /// The page behind the last one ever used.
        high_water: u64,
    },
    /// The page goes on over more pages than there are.
    #[error("goes on over {overflow} more pages; must end before page {high_water}")]
    Overflow {
        /// How many pages there are behind the first.
        overflow: u32,
        /// The page behind the last one ever used.
        high_water: u64,
    },
    /// The page is part of the tree twice: a cycle, or two references.
    #[error("is referred to more than once")]
    ReadBefore,
    /// The page is too deep in the tree.
    #[error("is more than {max} pages deep")]
    Depth {
        /// The most pages there can be from root to leaf.
        max: usize,
    },
    /// The page is larger than the reader's limit.
    #[error("takes {found} bytes; must be at most {max}")]
    TooLarge {
        /// The size with all pages behind the first, in bytes.
        found: u64,
        /// The limit, in bytes.
        max: u64,
    },
    /// The page says that it is another one.
    #[error("has the page number {found} in its header")]
    Number {
        /// The page number in the header; must be that of the page, or 0 in an inline bucket.
        found: u64,
    },
    /// The page is of another type.
    #[error("has the type {found:#06x}; must be 0x0001 (branch) or 0x0002 (leaf)")]
    Type {
        /// The type, elsewhere called flags.
        found: u16,
    },
    /// The page in an inline bucket is not one leaf page.
    #[error("has the type {found:#06x} and {overflow} more pages; must be one leaf page, 0x0002")]
    Inline {
        /// The type, elsewhere called flags.
        found: u16,
        /// How many pages there are behind the first.
        overflow: u32,
    },
    /// The page in an inline bucket goes on behind its last element: it has too few of them.
    #[error("has {found} bytes; must end with its elements, at {end}")]
    Trailing {
        /// The length of the page, in bytes.
        found: usize,
        /// Where the elements end.
        end: usize,
    },
    /// A page other than the top level's is empty, or a branch is.
    #[error("has no elements")]
    Empty,
    /// The page ends before its header and the list of its elements do.
    #[error("has {found} bytes; its list of {count} elements takes more")]
    Elements {
        /// The length of the page, in bytes.
        found: usize,
        /// How many elements there are.
        count: u16,
    },
    /// An element's key and value do not stand right behind those of the element before.
    #[error("element {index}: data begin at byte {found}; must begin at {required}")]
    Position {
        /// The element, counted from 0.
        index: u16,
        /// Where the data begin, counted from the start of the page.
        found: u64,
        /// Where the data before them end.
        required: usize,
    },
    /// An element's key and value reach past the end of the page.
    #[error(
        "element {index}: key of {key_len} and value of {value_len} bytes reach past the end of the page"
    )]
    PastEnd {
        /// The element, counted from 0.
        index: u16,
        /// The length of the key, in bytes.
        key_len: u32,
        /// The length of the value, in bytes.
        value_len: u32,
    },
    /// An element is neither a value nor a bucket.
    #[error("element {index}: has the type {found}; must be 0 (value) or 1 (bucket)")]
    ElementType {
        /// The element, counted from 0.
        index: u16,
        /// The type, elsewhere called flags.
        found: u32,
    },
    /// A key is empty or too long.
    #[error("element {index}: key of {found} bytes; must be from 1 to 32768")]
    KeyLength {
        /// The element, counted from 0.
        index: u16,
        /// The length of the key, in bytes.
        found: usize,
    },
    /// Keys are out of order, or one stands twice.
    #[error("element {index}: key must be above the one before it")]
    KeyOrder {
        /// The element, counted from 0.
        index: u16,
    },
    /// A key does not belong on this page.
    #[error("element {index}: key must be within the range that the branch page above gives")]
    KeyRange {
        /// The element, counted from 0.
        index: u16,
    },
    /// A bucket's value is too short, or has bytes behind the number of its root page.
    #[error("bucket {}: value of {found} bytes; must be 16, or more if inline", .name.escape_ascii())]
    Bucket {
        /// The bucket's name.
        name: Vec<u8>,
        /// The length of the value, in bytes.
        found: usize,
    },
}
