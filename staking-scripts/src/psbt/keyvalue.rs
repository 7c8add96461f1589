//! The maps of key-value pairs that a PSBT is written as (BIP-174), whatever they mean.
//!
//! Every length is compared with the bytes that are there before anything is kept, and nothing is allocated
//! by a length or a count alone.

use std::collections::BTreeSet;

use bitcoin::VarInt;
use bitcoin::consensus::encode::{self, Decodable};

use super::invalid::{InvalidPsbt, PsbtMap};

/// The bytes that every PSBT begins with.
pub(super) const MAGIC: &[u8] = b"psbt\xff";

/// The most bytes of a proprietary key: the `bitcoin` library refuses more.
pub(super) const MAX_PROPRIETARY_KEY: usize = 1024;

const PROPRIETARY: u8 = 0xfc;

/// A pair. The key begins with its type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}

/// A field whose key is its type alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) kind: u8,
    /// As the BIP names it.
    pub(super) name: &'static str,
}

/// A map of pairs, with no key twice.
#[derive(Debug)]
pub(super) struct Map<'a> {
    pub(super) place: PsbtMap,
    pub(super) pairs: Vec<Pair<'a>>,
}

impl<'a> Map<'a> {
    /// Returns the value of a field, if it is there.
    pub(super) fn value(&self, field: Field) -> Result<Option<&'a [u8]>, InvalidPsbt> {
        let mut found = None;
        for pair in self.pairs.iter().filter(|pair| pair.key.first() == Some(&field.kind)) {
            if pair.key.len() != 1 {
                let count = pair.key.len().saturating_sub(1);
                return Err(self.wrong(field, format!("its key has {count} bytes more"), "the type alone"));
            }
            found = Some(pair.value);
        }
        Ok(found)
    }

    /// Returns the value of a field of `N` bytes, if it is there.
    pub(super) fn array<const N: usize>(&self, field: Field) -> Result<Option<[u8; N]>, InvalidPsbt> {
        let Some(value) = self.value(field)? else { return Ok(None) };
        let rule = match N {
            1 => "1 byte",
            4 => "4 bytes",
            8 => "8 bytes",
            _ => "32 bytes",
        };
        let array = <[u8; N]>::try_from(value);
        array.map(Some).map_err(|_| self.wrong(field, format!("{} bytes", value.len()), rule))
    }

    /// Returns the value of a field of 32 bits, if it is there.
    pub(super) fn number(&self, field: Field) -> Result<Option<u32>, InvalidPsbt> {
        Ok(self.array(field)?.map(u32::from_le_bytes))
    }

    /// Returns the error of a field that is not of its form.
    pub(super) const fn wrong(&self, field: Field, found: String, rule: &'static str) -> InvalidPsbt {
        InvalidPsbt::Field { map: self.place, field: field.name, found, rule }
    }

    /// Returns the first of these fields that the map has, whatever bytes follow the type in its key.
    pub(super) fn first_of(&self, fields: &[Field]) -> Option<Field> {
        let has = |field: &&Field| self.pairs.iter().any(|pair| pair.key.first() == Some(&field.kind));
        fields.iter().find(has).copied()
    }

    /// Writes the pairs that are not of these fields, as they are.
    pub(super) fn write_others(&self, out: &mut Vec<u8>, fields: &[Field]) {
        let is_other = |pair: &&Pair<'_>| fields.iter().all(|field| pair.key.first() != Some(&field.kind));
        self.pairs.iter().filter(is_other).for_each(|pair| put(out, pair.key, pair.value));
    }
}

/// Reads maps, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Begins after the magic bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, InvalidPsbt> {
        bytes.strip_prefix(MAGIC).map(Self).ok_or(InvalidPsbt::Magic)
    }

    fn sized(&mut self, place: PsbtMap) -> Result<&'a [u8], InvalidPsbt> {
        let size = VarInt::consensus_decode(&mut self.0).map_err(|error| match error {
            encode::Error::NonMinimalVarInt => InvalidPsbt::Length(place),
            _ => InvalidPsbt::Ends,
        })?;
        let size = usize::try_from(size.0).map_err(|_| InvalidPsbt::Ends)?;
        let (bytes, left) = self.0.split_at_checked(size).ok_or(InvalidPsbt::Ends)?;
        self.0 = left;
        Ok(bytes)
    }

    /// Reads a map with the separator that ends it.
    pub(super) fn map(&mut self, place: PsbtMap) -> Result<Map<'a>, InvalidPsbt> {
        let (mut pairs, mut keys) = (Vec::new(), BTreeSet::new());
        loop {
            let key = self.sized(place)?;
            let Some(kind) = key.first().copied() else { return Ok(Map { place, pairs }) };
            if !keys.insert(key) {
                return Err(InvalidPsbt::DuplicateKey { map: place, kind });
            }
            if kind == PROPRIETARY && key.len() > MAX_PROPRIETARY_KEY {
                return Err(InvalidPsbt::ProprietaryKey { map: place, length: key.len() });
            }
            pairs.push(Pair { key, value: self.sized(place)? });
        }
    }

    /// Ends: no byte may be left.
    pub(super) const fn end(&self) -> Result<(), InvalidPsbt> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(InvalidPsbt::TrailingBytes(left)),
        }
    }
}

/// The separator that ends a map.
pub(super) const SEPARATOR: u8 = 0;

/// Writes a pair.
pub(super) fn put(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    for bytes in [key, value] {
        out.extend(encode::serialize(&VarInt::from(bytes.len())));
        out.extend(bytes);
    }
}

/// Writes a field.
pub(super) fn put_field(out: &mut Vec<u8>, field: Field, value: &[u8]) {
    put(out, &[field.kind], value);
}
