//! Version 0 of PSBTs (BIP-174), which the `bitcoin` library reads: what it does not check.

use bitcoin::consensus::encode::Decodable;
use bitcoin::{Psbt, TxIn, TxOut, psbt, transaction};

use super::encoding::PsbtVersion;
use super::invalid::{InvalidPsbt, PsbtMap};
use super::keyvalue::{Field, Map, Reader};
use super::version2::{GLOBAL_FIELDS, INPUT_FIELDS, OUTPUT_FIELDS};

pub(super) const UNSIGNED_TX: Field = Field { kind: 0x00, name: "PSBT_GLOBAL_UNSIGNED_TX" };

/// Reads a PSBT whose global map is read already, and whose other maps `reader` has. They are walked before
/// the library reads them: none may be absent, none may have a field of version 2, and nothing may follow.
pub(super) fn read(bytes: &[u8], global: &Map<'_>, mut reader: Reader<'_>) -> Result<Psbt, InvalidPsbt> {
    exclude(global, &GLOBAL_FIELDS)?;
    let (map, field, version) = (PsbtMap::Global, UNSIGNED_TX.name, PsbtVersion::Zero);
    let transaction = global.value(UNSIGNED_TX)?.ok_or(InvalidPsbt::Missing { map, field, version })?;
    let (inputs, outputs) = counts(transaction).ok_or_else(|| {
        global.wrong(UNSIGNED_TX, format!("{} bytes", transaction.len()), "a transaction without witnesses")
    })?;
    for index in 0..inputs {
        exclude(&reader.map(PsbtMap::Input(index))?, &INPUT_FIELDS)?;
    }
    for index in 0..outputs {
        exclude(&reader.map(PsbtMap::Output(index))?, &OUTPUT_FIELDS)?;
    }
    reader.end()?;
    Psbt::deserialize(bytes).map_err(|error| fields(&error))
}

/// Returns how many inputs and outputs a transaction has, written without witnesses.
fn counts(mut transaction: &[u8]) -> Option<(usize, usize)> {
    let bytes = &mut transaction;
    transaction::Version::consensus_decode(bytes).ok()?;
    let inputs = Vec::<TxIn>::consensus_decode(bytes).ok()?;
    let outputs = Vec::<TxOut>::consensus_decode(bytes).ok()?;
    Some((inputs.len(), outputs.len()))
}

fn exclude(map: &Map<'_>, fields: &[Field]) -> Result<(), InvalidPsbt> {
    match map.first_of(fields) {
        None => Ok(()),
        Some(Field { name, .. }) => {
            Err(InvalidPsbt::Excluded { map: map.place, field: name, version: PsbtVersion::Zero })
        }
    }
}

/// Returns the library's error about the fields of maps that were read. What it says of a value that ends
/// early is of its own making.
pub(super) fn fields(error: &psbt::Error) -> InvalidPsbt {
    match format!("{error:?}").contains("UnexpectedEof") {
        true => InvalidPsbt::Fields("a field's key or value ends early".to_owned()),
        false => InvalidPsbt::Fields(error.to_string()),
    }
}
