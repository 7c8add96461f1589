//! The maps of a PSBT's bytes, read and written apart from the code that is tested.

use bitcoin::VarInt;
use bitcoin::consensus::encode::{deserialize_partial, serialize};

/// A map: keys with their types, and values.
pub(super) type Map = Vec<(Vec<u8>, Vec<u8>)>;

/// Returns the maps of a PSBT: the global one, those of the inputs, those of the outputs.
pub(super) fn maps(bytes: &[u8]) -> Vec<Map> {
    let mut left = bytes.strip_prefix(b"psbt\xff").unwrap();
    let mut sized = || {
        let (VarInt(size), used) = deserialize_partial(left).unwrap();
        let (found, rest) = left[used..].split_at(size as usize);
        left = rest;
        (found.to_vec(), rest.is_empty())
    };
    let (mut all, mut map) = (Vec::new(), Map::new());
    loop {
        let (key, is_last) = sized();
        if !key.is_empty() {
            map.push((key, sized().0));
            continue;
        }
        all.push(std::mem::take(&mut map));
        if is_last {
            return all;
        }
    }
}

/// Returns the bytes of a pair.
pub(super) fn pair(key: &[u8], value: &[u8]) -> Vec<u8> {
    [key, value].map(|part| [serialize(&VarInt(part.len() as u64)), part.to_vec()].concat()).concat()
}

/// Returns the bytes of these maps.
pub(super) fn psbt(maps: &[Map]) -> Vec<u8> {
    let mut bytes = b"psbt\xff".to_vec();
    for map in maps {
        map.iter().for_each(|(key, value)| bytes.extend(pair(key, value)));
        bytes.push(0);
    }
    bytes
}

/// Returns the bytes with a change to one of their maps: 0 is the global one.
pub(super) fn changed(bytes: &[u8], map: usize, change: impl FnOnce(&mut Map)) -> Vec<u8> {
    let mut all = maps(bytes);
    change(&mut all[map]);
    psbt(&all)
}

/// Returns the bytes with this pair in a map, in the place of one with the same key.
pub(super) fn with(bytes: &[u8], map: usize, key: &[u8], value: &[u8]) -> Vec<u8> {
    changed(bytes, map, |pairs| {
        pairs.retain(|(found, _)| found != key);
        pairs.push((key.to_vec(), value.to_vec()));
    })
}

/// Returns the bytes without this key in a map, which has it.
pub(super) fn without(bytes: &[u8], map: usize, key: &[u8]) -> Vec<u8> {
    changed(bytes, map, |pairs| {
        let before = pairs.len();
        pairs.retain(|(found, _)| found != key);
        assert_eq!(pairs.len() + 1, before);
    })
}
