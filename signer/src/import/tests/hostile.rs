//! Every rule of the format, broken alone.

use std::rc::Rc;

use super::encoder::{BUCKET, VALUE, Writer, branch, bucket, database, inline, leaf, pairs};
use super::{Counted, open, read};
use crate::import::{Database, Location, PageFault, ReadError};

/// Returns the location and the rule of what must be the error of reading the bucket `b`.
fn fault(file: Vec<u8>) -> (Location, PageFault) {
    match read(&mut open(file), &[b"b"]) {
        Err(ReadError::Page { location, fault }) => (location, fault),
        other => panic!("{other:?}"),
    }
}

/// Returns the fault of a bucket whose root, page 2, is this page with `change` made to it.
fn page_fault(page: Vec<u8>, change: impl Fn(&mut [u8])) -> PageFault {
    let mut writer = Writer::new(4096);
    let root = writer.add(page);
    let mut file = writer.with_buckets(&[(b"b", &bucket(root))]);
    change(&mut file[2 * 4096..3 * 4096]);
    let (location, fault) = fault(file);
    assert_eq!(location, Location::Page(2));
    fault
}

fn three() -> Vec<u8> {
    leaf(&[(VALUE, b"k1", b"v"), (VALUE, b"k2", b"v"), (VALUE, b"k3", b"v")])
}

#[test]
fn headers() {
    // The encoder's page is read when nothing is changed.
    let mut writer = Writer::new(4096);
    let root = writer.add(three());
    assert_eq!(read(&mut open(writer.with_buckets(&[(b"b", &bucket(root))])), &[b"b"]).unwrap().len(), 3);

    assert_eq!(page_fault(three(), |page| page[0] = 3), PageFault::Number { found: 3 });
    for found in [0, 3, 4, 0x10, 0x82] {
        assert_eq!(page_fault(three(), |page| page[8] = found), PageFault::Type { found: found.into() });
    }
    // Pages 2 to 4: the bucket's, the one of top-level buckets, and an empty one.
    let many = PageFault::Overflow { overflow: 3, high_water: 5 };
    assert_eq!(page_fault(three(), |page| page[12] = 3), many);
    let most = PageFault::Overflow { overflow: u32::MAX, high_water: 5 };
    assert_eq!(page_fault(three(), |page| page[12..16].fill(0xff)), most);
    // Over the page of top-level buckets, which has been read.
    assert_eq!(page_fault(three(), |page| page[12] = 1), PageFault::ReadBefore);
}

#[test]
fn the_number_of_elements() {
    // 259 elements take 4160 bytes.
    let elements = |count| PageFault::Elements { found: 4096, count };
    assert_eq!(page_fault(three(), |page| page[11] = 1), elements(259));
    assert_eq!(page_fault(three(), |page| page[10..12].fill(0xff)), elements(u16::MAX));
    let position = |required| PageFault::Position { index: 0, found: 64, required };
    assert_eq!(page_fault(three(), |page| page[10] = 1), position(32));
    assert_eq!(page_fault(three(), |page| page[10] = 2), position(48));
    assert_eq!(page_fault(three(), |page| page[10] = 4), position(80));
    assert_eq!(page_fault(three(), |page| page[10] = 0), PageFault::Empty);
    assert_eq!(page_fault(branch(&[]), |_| {}), PageFault::Empty);
}

#[test]
fn elements() {
    // The second element, at byte 32: flags, position, length of the key, length of the value.
    let changed = |at: usize, with: u8| page_fault(three(), move |page| page[32 + at] = with);
    assert_eq!(changed(0, 2), PageFault::ElementType { index: 1, found: 2 });
    assert_eq!(changed(3, 1), PageFault::ElementType { index: 1, found: 1 << 24 });
    assert_eq!(changed(4, 34), PageFault::Position { index: 1, found: 66, required: 67 });
    assert_eq!(changed(4, 36), PageFault::Position { index: 1, found: 68, required: 67 });
    assert_eq!(changed(7, 255), PageFault::Position { index: 1, found: 0xff00_0043, required: 67 });
    assert_eq!(changed(10, 1), PageFault::PastEnd { index: 1, key_len: 65538, value_len: 1 });
    assert_eq!(changed(15, 255), PageFault::PastEnd { index: 1, key_len: 2, value_len: 0xff00_0001 });
    // A longer value moves what follows.
    assert_eq!(changed(12, 2), PageFault::Position { index: 2, found: 70, required: 71 });
    let last = page_fault(three(), |page| page[60..64].copy_from_slice(&[0xff; 4]));
    assert_eq!(last, PageFault::PastEnd { index: 2, key_len: 2, value_len: u32::MAX });
}

#[test]
fn keys() {
    let same = leaf(&[(VALUE, b"a", b""), (VALUE, b"a", b"")]);
    assert_eq!(page_fault(same, |_| {}), PageFault::KeyOrder { index: 1 });
    let falling = leaf(&[(VALUE, b"a", b""), (VALUE, b"b", b""), (VALUE, b"ab", b"")]);
    assert_eq!(page_fault(falling, |_| {}), PageFault::KeyOrder { index: 2 });
    let empty = leaf(&[(VALUE, b"", b"v")]);
    assert_eq!(page_fault(empty, |_| {}), PageFault::KeyLength { index: 0, found: 0 });
    let falling = branch(&[(b"b", 3), (b"a", 4)]);
    assert_eq!(page_fault(falling, |_| {}), PageFault::KeyOrder { index: 1 });
    let long = leaf(&[(VALUE, &[0; 32769], b"v")]);
    let mut writer = Writer::new(4096);
    let root = writer.add(long);
    let (_, long) = fault(writer.with_buckets(&[(b"b", &bucket(root))]));
    assert_eq!(long, PageFault::KeyLength { index: 0, found: 32769 });
}

/// Returns the fault of two leaf pages under one branch page.
fn under_branch(first: &[u8], second: &[u8], keys: [&[u8]; 2]) -> (Location, PageFault) {
    let mut writer = Writer::new(4096);
    let children = [writer.add(first.to_vec()), writer.add(second.to_vec())];
    let root = writer.add(branch(&[(keys[0], children[0]), (keys[1], children[1])]));
    fault(writer.with_buckets(&[(b"b", &bucket(root))]))
}

#[test]
fn keys_between_pages() {
    let range = |index| PageFault::KeyRange { index };
    let (low, high) = (leaf(&[(VALUE, b"b", b""), (VALUE, b"c", b"")]), leaf(&[(VALUE, b"f", b"")]));
    // The first page has a key below its own; one that belongs on the second; the second one below its own.
    assert_eq!(under_branch(&low, &high, [b"bb", b"f"]), (Location::Page(2), range(0)));
    assert_eq!(under_branch(&low, &high, [b"b", b"c"]), (Location::Page(2), range(1)));
    assert_eq!(under_branch(&low, &high, [b"b", b"g"]), (Location::Page(3), range(0)));
    assert_eq!(under_branch(&low, &leaf(&[]), [b"b", b"f"]), (Location::Page(3), PageFault::Empty));
    // A key may be above that of its page, as after a removal.
    let mut writer = Writer::new(4096);
    let children = [writer.add(low), writer.add(high)];
    let root = writer.add(branch(&[(b"a", children[0]), (b"d", children[1])]));
    assert_eq!(read(&mut open(writer.with_buckets(&[(b"b", &bucket(root))])), &[b"b"]).unwrap().len(), 3);
}

#[test]
fn the_range_of_keys_goes_down_the_tree() {
    // The last leaf below the first branch page has a key that belongs below the second.
    let mut writer = Writer::new(4096);
    let leaves = [&b"a"[..], b"c", b"f"].map(|key| writer.add(leaf(&[(VALUE, key, b"")])));
    let wrong = writer.add(leaf(&[(VALUE, b"c", b""), (VALUE, b"e", b"")]));
    let first = writer.add(branch(&[(b"a", leaves[0]), (b"c", wrong)]));
    let second = writer.add(branch(&[(b"d", leaves[2])]));
    let root = writer.add(branch(&[(b"a", first), (b"d", second)]));
    let (location, fault) = fault(writer.with_buckets(&[(b"b", &bucket(root))]));
    assert_eq!((location, fault), (Location::Page(wrong), PageFault::KeyRange { index: 1 }));
}

#[test]
fn pages_out_of_range() {
    for number in [1, 4, 1 << 20, 1 << 52, u64::MAX] {
        let expected = (Location::Page(number), PageFault::OutOfRange { high_water: 4 });
        assert_eq!(fault(Writer::new(4096).with_buckets(&[(b"b", &bucket(number))])), expected);
    }
    for number in [0, 1, 5, u64::MAX] {
        let mut writer = Writer::new(4096);
        let root = writer.add(branch(&[(b"a", number)]));
        let expected = (Location::Page(number), PageFault::OutOfRange { high_water: 5 });
        assert_eq!(fault(writer.with_buckets(&[(b"b", &bucket(root))])), expected);
    }
}

#[test]
fn cycles() {
    let again = |number| (Location::Page(number), PageFault::ReadBefore);
    // A branch page that leads to itself; two that lead to each other; a bucket that is the top level.
    let mut writer = Writer::new(4096);
    let root = writer.add(branch(&[(b"a", 2)]));
    assert_eq!(fault(writer.with_buckets(&[(b"b", &bucket(root))])), again(2));

    let mut writer = Writer::new(4096);
    let root = writer.add(branch(&[(b"a", 3)]));
    writer.add(branch(&[(b"a", 2)]));
    assert_eq!(fault(writer.with_buckets(&[(b"b", &bucket(root))])), again(2));

    assert_eq!(fault(Writer::new(4096).with_buckets(&[(b"b", &bucket(2))])), again(2));

    // One leaf page in two places.
    let mut writer = Writer::new(4096);
    let shared = writer.add(leaf(&[(VALUE, b"a", b"")]));
    let root = writer.add(branch(&[(b"a", shared), (b"b", shared)]));
    assert_eq!(fault(writer.with_buckets(&[(b"b", &bucket(root))])), again(shared));

    // A page that is the second of a larger one.
    let mut writer = Writer::new(4096);
    let large = writer.add(leaf(&[(VALUE, b"a", &vec![0; 9000])]));
    let root = writer.add(branch(&[(b"a", large), (b"b", large + 1)]));
    let mut file = writer.with_buckets(&[(b"b", &bucket(root))]);
    let mut inner = leaf(&[(VALUE, b"b", b"")]);
    inner[0] = 3;
    file[3 * 4096..3 * 4096 + inner.len()].copy_from_slice(&inner);
    assert_eq!(fault(file), again(3));
}

#[test]
fn nested_buckets_that_lead_back() {
    let mut writer = Writer::new(4096);
    let root = writer.add(leaf(&[(BUCKET, b"c", &bucket(2))]));
    let mut database = open(writer.with_buckets(&[(b"b", &bucket(root))]));
    assert_eq!(read(&mut database, &[b"b"]).unwrap().len(), 1);
    let error = read(&mut database, &[b"b", b"c"]).unwrap_err();
    assert_eq!(error.to_string(), "page 2 of the database is referred to more than once");
}

#[test]
fn depth() {
    // One leaf page below as many branch pages, each of one child.
    let below = |branches: u64| {
        let mut writer = Writer::new(1024);
        let mut root = writer.add(leaf(&[(VALUE, b"a", b"")]));
        for _ in 0..branches {
            root = writer.add(branch(&[(b"a", root)]));
        }
        writer.with_buckets(&[(b"b", &bucket(root))])
    };
    assert_eq!(read(&mut open(below(63)), &[b"b"]).unwrap().len(), 1);
    assert_eq!(fault(below(64)), (Location::Page(2), PageFault::Depth { max: 64 }));
}

#[test]
fn pages_too_large() {
    // A branch page of 1 MiB is read, a larger one is not.
    let of_pages = |pages: u32| {
        let mut writer = Writer::new(4096);
        let child = writer.add(leaf(&[(VALUE, b"a", b"")]));
        let mut page = branch(&[(b"a", child)]);
        page.resize(usize::try_from(pages).unwrap() * 4096, 0);
        let root = writer.add(page);
        writer.with_buckets(&[(b"b", &bucket(root))])
    };
    assert_eq!(read(&mut open(of_pages(256)), &[b"b"]).unwrap().len(), 1);
    let expected = PageFault::TooLarge { found: 257 * 4096, max: 256 * 4096 };
    assert_eq!(fault(of_pages(257)), (Location::Page(3), expected));

    // The limit of leaf pages, with a file that says it is larger than it takes on the disk.
    let mut file = database(65536, &pairs(1, 1));
    let pages = 2049_u64;
    file[2 * 65536 + 12..2 * 65536 + 16].copy_from_slice(&2048_u32.to_le_bytes());
    // The page of top-level buckets goes behind the large one.
    let at = usize::try_from(2 + pages).unwrap() * 65536;
    let mut top = leaf(&[(BUCKET, b"b", &bucket(2))]);
    top[..8].copy_from_slice(&(2 + pages).to_le_bytes());
    file.resize(at + 65536, 0);
    file[at..at + top.len()].copy_from_slice(&top);
    file[65536 + 32..65536 + 40].copy_from_slice(&(2 + pages).to_le_bytes());
    file[65536 + 56..65536 + 64].copy_from_slice(&(3 + pages).to_le_bytes());
    super::encoder::seal(&mut file, 65536);
    let file = Counted::new(file);
    let bytes_read = Rc::clone(&file.read);
    let error = read(&mut Database::from_reader(file).unwrap(), &[b"b"]).unwrap_err();
    assert_eq!(error.to_string(), "page 2 of the database takes 134283264 bytes; must be at most 134217728");
    // It was refused before it was read.
    assert!(bytes_read.get() < 400_000);
}

#[test]
fn bucket_values() {
    let bad = |value: &[u8]| fault(Writer::new(4096).with_buckets(&[(b"b", value)]));
    let top = Location::Page(2);
    for (value, found) in [(vec![], 0), (vec![9; 15], 15), ([bucket(3), vec![0]].concat(), 17)] {
        let expected = PageFault::Bucket { name: b"b".to_vec(), found };
        assert_eq!(bad(&value), (top, expected));
    }
    let in_bucket = Location::Inline(2);
    assert_eq!(bad(&bucket(0)), (in_bucket, PageFault::Elements { found: 0, count: 0 }));
    assert_eq!(bad(&inline(&[0; 15])), (in_bucket, PageFault::Elements { found: 15, count: 0 }));
    let changed = |at: usize, with: u8| {
        let mut page = three();
        page[at] = with;
        bad(&inline(&page)).1
    };
    assert_eq!(changed(0, 3), PageFault::Number { found: 3 });
    assert_eq!(changed(8, 1), PageFault::Inline { found: 1, overflow: 0 });
    assert_eq!(changed(12, 1), PageFault::Inline { found: 2, overflow: 1 });
    assert_eq!(changed(10, 5), PageFault::Elements { found: 73, count: 5 });
    assert_eq!(changed(10, 2), PageFault::Position { index: 0, found: 64, required: 48 });
    assert_eq!(changed(10, 0), PageFault::Trailing { found: 73, end: 16 });
    let error = read(&mut open(Writer::new(4096).with_buckets(&[(b"b", &bucket(0))])), &[b"b"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "inline bucket on page 2 of the database has 0 bytes; its list of 0 elements takes more"
    );
}
