//! Writes bbolt files, good ones and, where asked, bad ones.

/// A value, or a bucket, on a leaf page.
pub(super) const VALUE: u32 = 0;
pub(super) const BUCKET: u32 = 1;

/// The page number of a freelist that is not in the file.
const NO_FREELIST: u64 = u64::MAX;

pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Returns a leaf page, as it stands in an inline bucket: with no number and not filled up.
pub(super) fn leaf(elements: &[(u32, &[u8], &[u8])]) -> Vec<u8> {
    let (mut list, mut data) = (Vec::new(), Vec::new());
    for (index, (flags, key, value)) in elements.iter().enumerate() {
        let position = (elements.len() - index) * 16 + data.len();
        for number in [*flags, position as u32, key.len() as u32, value.len() as u32] {
            list.extend(number.to_le_bytes());
        }
        data.extend([*key, *value].concat());
    }
    [header(2, elements.len()), list, data].concat()
}

/// Returns a branch page, not filled up.
pub(super) fn branch(children: &[(&[u8], u64)]) -> Vec<u8> {
    let (mut list, mut data) = (Vec::new(), Vec::new());
    for (index, (key, child)) in children.iter().enumerate() {
        let position = (children.len() - index) * 16 + data.len();
        list.extend((position as u32).to_le_bytes());
        list.extend((key.len() as u32).to_le_bytes());
        list.extend(child.to_le_bytes());
        data.extend(*key);
    }
    [header(1, children.len()), list, data].concat()
}

fn header(flags: u16, count: usize) -> Vec<u8> {
    let mut header = vec![0; 8];
    header.extend(flags.to_le_bytes());
    header.extend(u16::try_from(count).unwrap().to_le_bytes());
    header.extend([0; 4]);
    header
}

/// Returns the value of a bucket whose root is a page of its own.
pub(super) fn bucket(root: u64) -> Vec<u8> {
    [root, 0].map(u64::to_le_bytes).concat()
}

/// Returns the value of an inline bucket.
pub(super) fn inline(leaf: &[u8]) -> Vec<u8> {
    [bucket(0).as_slice(), leaf].concat()
}

/// Returns the 64-bit FNV-1a hash.
fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 14_695_981_039_346_656_037_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211);
    }
    hash
}

/// Writes a checksum that fits into the meta page that begins at `at`.
pub(super) fn seal(file: &mut [u8], at: usize) {
    let checksum = fnv1a(&file[at + 16..at + 72]);
    file[at + 72..at + 80].copy_from_slice(&checksum.to_le_bytes());
}

/// A file that is being written.
pub(super) struct Writer {
    page_size: usize,
    bytes: Vec<u8>,
}

impl Writer {
    /// Returns a file that has room for the meta pages alone.
    pub(super) fn new(page_size: usize) -> Self {
        Self { page_size, bytes: vec![0; 2 * page_size] }
    }

    /// Returns the number that the next page gets.
    pub(super) fn next(&self) -> u64 {
        (self.bytes.len() / self.page_size) as u64
    }

    /// Adds a page, with as many behind it as it needs, and returns its number.
    pub(super) fn add(&mut self, mut page: Vec<u8>) -> u64 {
        let number = self.next();
        page.resize(page.len().next_multiple_of(self.page_size), 0xaa);
        let overflow = (page.len() / self.page_size - 1) as u32;
        page[..8].copy_from_slice(&number.to_le_bytes());
        page[12..16].copy_from_slice(&overflow.to_le_bytes());
        self.bytes.extend(page);
        number
    }

    /// Adds a tree of pages and returns the number of its root. There must be pairs, in order.
    pub(super) fn tree(&mut self, pairs: &[Pair]) -> u64 {
        let mut level = Vec::new();
        for group in groups(pairs, self.page_size, |(key, value)| key.len() + value.len()) {
            let elements: Vec<_> =
                group.iter().map(|(key, value)| (VALUE, key.as_slice(), value.as_slice())).collect();
            level.push((group[0].0.clone(), self.add(leaf(&elements))));
        }
        while level.len() > 1 {
            let mut above = Vec::new();
            for group in groups(&level, self.page_size, |(key, _)| key.len()) {
                let children: Vec<_> = group.iter().map(|(key, child)| (key.as_slice(), *child)).collect();
                above.push((group[0].0.clone(), self.add(branch(&children))));
            }
            level = above;
        }
        level[0].1
    }

    /// Adds the page of top-level buckets, and returns the file.
    pub(super) fn with_buckets(mut self, buckets: &[(&[u8], &[u8])]) -> Vec<u8> {
        let elements: Vec<_> = buckets.iter().map(|(name, value)| (BUCKET, *name, *value)).collect();
        let root = self.add(leaf(&elements));
        self.finish(root)
    }

    /// Returns the file: with a first transaction in meta page 0 that had nothing, and the last, which has
    /// the tree at `root`, in meta page 1.
    pub(super) fn finish(mut self, root: u64) -> Vec<u8> {
        let empty = self.add(leaf(&[]));
        let high_water = self.next();
        for (page, root) in [(0, empty), (1, root)] {
            let at = page * self.page_size;
            let mut meta = Vec::new();
            for number in [0xed0c_daed, 2, self.page_size as u32, 0] {
                meta.extend(number.to_le_bytes());
            }
            for number in [root, 0, NO_FREELIST, high_water, 6 + page as u64] {
                meta.extend(number.to_le_bytes());
            }
            self.bytes[at..at + 8].copy_from_slice(&(page as u64).to_le_bytes());
            self.bytes[at + 8..at + 10].copy_from_slice(&4_u16.to_le_bytes());
            self.bytes[at + 16..at + 16 + meta.len()].copy_from_slice(&meta);
            seal(&mut self.bytes, at);
        }
        self.bytes
    }
}

/// Returns the items in groups that fit a page, but of two at least.
fn groups<T>(items: &[T], page_size: usize, data_len: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut groups = Vec::new();
    let (mut begin, mut size) = (0, 16);
    for (index, item) in items.iter().enumerate() {
        let item_len = 16 + data_len(item);
        if size + item_len > page_size && index - begin >= 2 {
            groups.push(&items[begin..index]);
            (begin, size) = (index, 16);
        }
        size += item_len;
    }
    groups.push(&items[begin..]);
    groups
}

/// Returns pairs with rising keys, and values of `value_len` bytes.
pub(super) fn pairs(count: u64, value_len: usize) -> Vec<Pair> {
    (0..count)
        .map(|number| {
            let value = number.to_le_bytes().into_iter().cycle().take(value_len).collect();
            (format!("key-{number:08}").into_bytes(), value)
        })
        .collect()
}

/// Returns a file whose bucket `b` has these pairs, on pages of its own if there are any.
pub(super) fn database(page_size: usize, pairs: &[Pair]) -> Vec<u8> {
    let mut writer = Writer::new(page_size);
    let value = if pairs.is_empty() { inline(&leaf(&[])) } else { bucket(writer.tree(pairs)) };
    writer.with_buckets(&[(b"b", &value)])
}
