//! Version 2 of PSBTs (BIP-370): to and from the `bitcoin` library's form, which is version 0's.
//!
//! The conversion moves the transaction between the global map and the maps of its inputs and outputs; all
//! other pairs are copied as they are, so that no field is lost.

use bitcoin::consensus::encode::{self, Decodable, serialize};
use bitcoin::hashes::Hash as _;
use bitcoin::psbt::{Input, PsbtSighashType};
use bitcoin::{
    Amount, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, VarInt, absolute,
    transaction,
};

use super::encoding::PsbtVersion;
use super::invalid::{InvalidPsbt, PsbtMap};
use super::keyvalue::{Field, MAGIC, Map, Reader, SEPARATOR, put_field};
use super::version0::{self, UNSIGNED_TX};

const TX_VERSION: Field = Field { kind: 0x02, name: "PSBT_GLOBAL_TX_VERSION" };
const FALLBACK: Field = Field { kind: 0x03, name: "PSBT_GLOBAL_FALLBACK_LOCKTIME" };
const INPUTS: Field = Field { kind: 0x04, name: "PSBT_GLOBAL_INPUT_COUNT" };
const OUTPUTS: Field = Field { kind: 0x05, name: "PSBT_GLOBAL_OUTPUT_COUNT" };
const MODIFIABLE: Field = Field { kind: 0x06, name: "PSBT_GLOBAL_TX_MODIFIABLE" };
const VERSION: Field = Field { kind: 0xfb, name: "PSBT_GLOBAL_VERSION" };
const TXID: Field = Field { kind: 0x0e, name: "PSBT_IN_PREVIOUS_TXID" };
const VOUT: Field = Field { kind: 0x0f, name: "PSBT_IN_OUTPUT_INDEX" };
const SEQUENCE: Field = Field { kind: 0x10, name: "PSBT_IN_SEQUENCE" };
const TIME: Field = Field { kind: 0x11, name: "PSBT_IN_REQUIRED_TIME_LOCKTIME" };
const HEIGHT: Field = Field { kind: 0x12, name: "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME" };
const AMOUNT: Field = Field { kind: 0x03, name: "PSBT_OUT_AMOUNT" };
const SCRIPT: Field = Field { kind: 0x04, name: "PSBT_OUT_SCRIPT" };

/// The fields that version 0 must not have.
pub(super) const GLOBAL_FIELDS: [Field; 5] = [TX_VERSION, FALLBACK, INPUTS, OUTPUTS, MODIFIABLE];
pub(super) const INPUT_FIELDS: [Field; 5] = [TXID, VOUT, SEQUENCE, TIME, HEIGHT];
pub(super) const OUTPUT_FIELDS: [Field; 2] = [AMOUNT, SCRIPT];

/// The most inputs and outputs that a transaction in a block has: the smallest are of 41 and 9 bytes, and the
/// bytes without witnesses are at most a million (BIP-141).
const MAX_INPUTS: u64 = 24_390;
const MAX_OUTPUTS: u64 = 111_111;

/// Lock times from here on are times, those below it heights.
const FIRST_TIME: u32 = 500_000_000;

/// The bits of `PSBT_GLOBAL_TX_MODIFIABLE`.
const INPUTS_MODIFIABLE: u8 = 1;
const OUTPUTS_MODIFIABLE: u8 = 1 << 1;
const HAS_SINGLE: u8 = 1 << 2;

/// The lock times that an input requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Required {
    time: Option<u32>,
    height: Option<u32>,
}

/// What version 2 says, and version 0 does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OwnFields {
    modifiable: Option<u8>,
    fallback: Option<u32>,
    /// Of every input.
    required: Vec<Required>,
}

impl OwnFields {
    /// Returns the lock time of the transaction (BIP-370, "Determining Lock Time").
    fn lock_time(&self) -> Result<u32, InvalidPsbt> {
        let required = || self.required.iter().filter(|input| input.time.or(input.height).is_some());
        let largest = |of: fn(&Required) -> Option<u32>| {
            let all: Option<Vec<_>> = required().map(of).collect();
            all.and_then(|all| all.into_iter().max())
        };
        if required().next().is_none() {
            return Ok(self.fallback.unwrap_or(0));
        }
        // Where both are possible, it is the height.
        largest(|input| input.height).or_else(|| largest(|input| input.time)).ok_or(InvalidPsbt::LockTimes)
    }

    /// Returns the fields of a combined PSBT: it may be modified as far as both say so.
    pub(super) fn combined(mut self, other: &Self) -> Self {
        let both = self.modifiable.zip(other.modifiable);
        let may = INPUTS_MODIFIABLE | OUTPUTS_MODIFIABLE;
        self.modifiable = both.map(|(one, other)| (one & other & may) | ((one | other) & !may));
        self
    }
}

/// Returns the value of a field that version 2 must have.
fn must_have<T>(map: &Map<'_>, field: Field, value: Option<T>) -> Result<T, InvalidPsbt> {
    let (map, field, version) = (map.place, field.name, PsbtVersion::Two);
    value.ok_or(InvalidPsbt::Missing { map, field, version })
}

/// Returns the number of inputs or outputs that a PSBT says it has.
fn count(map: &Map<'_>, field: Field, what: &'static str, most: u64) -> Result<usize, InvalidPsbt> {
    let value = must_have(map, field, map.value(field)?)?;
    let wrong = || map.wrong(field, format!("{} bytes", value.len()), "one number as a compact size");
    let mut left = value;
    let VarInt(count) = VarInt::consensus_decode(&mut left).map_err(|_| wrong())?;
    match usize::try_from(count) {
        _ if !left.is_empty() => Err(wrong()),
        Ok(number) if count <= most => Ok(number),
        _ => Err(InvalidPsbt::Count { count, what, most }),
    }
}

/// Reads an input's own fields.
fn input(map: &Map<'_>) -> Result<(TxIn, Required), InvalidPsbt> {
    let txid = Txid::from_byte_array(must_have(map, TXID, map.array(TXID)?)?);
    let vout = must_have(map, VOUT, map.number(VOUT)?)?;
    let (time, height) = (map.number(TIME)?, map.number(HEIGHT)?);
    if let Some(wrong) = time.filter(|time| *time < FIRST_TIME) {
        return Err(map.wrong(TIME, wrong.to_string(), "500000000 or more"));
    }
    if let Some(wrong) = height.filter(|height| *height == 0 || *height >= FIRST_TIME) {
        return Err(map.wrong(HEIGHT, wrong.to_string(), "1 to 499999999"));
    }
    let sequence = map.number(SEQUENCE)?.map_or(Sequence::MAX, Sequence::from_consensus);
    let input = TxIn { previous_output: OutPoint { txid, vout }, sequence, ..TxIn::default() };
    Ok((input, Required { time, height }))
}

/// Reads an output's own fields.
fn output(map: &Map<'_>) -> Result<TxOut, InvalidPsbt> {
    let amount = i64::from_le_bytes(must_have(map, AMOUNT, map.array(AMOUNT)?)?);
    let script = must_have(map, SCRIPT, map.value(SCRIPT)?)?;
    let satoshis =
        u64::try_from(amount).map_err(|_| map.wrong(AMOUNT, format!("{amount} satoshis"), "0 or more"))?;
    Ok(TxOut { value: Amount::from_sat(satoshis), script_pubkey: ScriptBuf::from_bytes(script.to_vec()) })
}

/// Reads a PSBT whose global map is read already, and whose other maps `reader` has.
pub(super) fn read(global: &Map<'_>, mut reader: Reader<'_>) -> Result<(Psbt, OwnFields), InvalidPsbt> {
    if global.first_of(&[UNSIGNED_TX]).is_some() {
        let (map, field, version) = (PsbtMap::Global, UNSIGNED_TX.name, PsbtVersion::Two);
        return Err(InvalidPsbt::Excluded { map, field, version });
    }
    let version = i32::from_le_bytes(must_have(global, TX_VERSION, global.array(TX_VERSION)?)?);
    let inputs = count(global, INPUTS, "inputs", MAX_INPUTS)?;
    let outputs = count(global, OUTPUTS, "outputs", MAX_OUTPUTS)?;
    let modifiable = global.array(MODIFIABLE)?.map(u8::from_le_bytes);
    let mut fields = OwnFields { modifiable, fallback: global.number(FALLBACK)?, required: Vec::new() };
    let (mut maps, mut txins, mut txouts) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..inputs {
        let map = reader.map(PsbtMap::Input(index))?;
        let (txin, required) = input(&map)?;
        map.write_others(&mut maps, &INPUT_FIELDS);
        maps.push(SEPARATOR);
        txins.push(txin);
        fields.required.push(required);
    }
    for index in 0..outputs {
        let map = reader.map(PsbtMap::Output(index))?;
        txouts.push(output(&map)?);
        map.write_others(&mut maps, &OUTPUT_FIELDS);
        maps.push(SEPARATOR);
    }
    reader.end()?;
    let lock_time = absolute::LockTime::from_consensus(fields.lock_time()?);
    // Without the form of segregated witness, which a transaction without inputs would have.
    let parts = [serialize(&transaction::Version(version)), serialize(&txins), serialize(&txouts)];
    let transaction = [parts.concat(), serialize(&lock_time)].concat();
    let mut bytes = MAGIC.to_vec();
    put_field(&mut bytes, UNSIGNED_TX, &transaction);
    global.write_others(&mut bytes, &[GLOBAL_FIELDS.as_slice(), &[VERSION]].concat());
    bytes.push(SEPARATOR);
    bytes.append(&mut maps);
    let psbt = Psbt::deserialize(&bytes).map_err(|error| version0::fields(&error))?;
    Ok((psbt, fields))
}

/// Returns the sighash types of an input's signatures. Those of a final witness are taken to cover the whole
/// transaction.
fn sighash_types(input: &Input) -> impl Iterator<Item = u32> {
    let ecdsa = input.partial_sigs.values().map(|signature| PsbtSighashType::from(signature.sighash_type));
    let schnorr = input.tap_key_sig.iter().chain(input.tap_script_sigs.values());
    let schnorr = schnorr.map(|signature| PsbtSighashType::from(signature.sighash_type));
    let is_final = input.final_script_sig.is_some() || input.final_script_witness.is_some();
    let whole = is_final.then_some(0);
    ecdsa.chain(schnorr).map(PsbtSighashType::to_u32).chain(whole)
}

/// Returns the flags that the signatures leave (BIP-370, "Signer").
fn still_modifiable(mut flags: u8, psbt: &Psbt) -> u8 {
    for kind in psbt.inputs.iter().flat_map(sighash_types) {
        let (anyone_can_pay, outputs) = (kind & 0x80 != 0, kind & 0x1f);
        if !anyone_can_pay {
            flags &= !INPUTS_MODIFIABLE;
        }
        // NONE is 2, SINGLE 3.
        if outputs != 2 {
            flags &= !OUTPUTS_MODIFIABLE;
        }
        if outputs == 3 {
            flags |= HAS_SINGLE;
        }
    }
    flags
}

/// Returns the bytes of a PSBT in version 2, with the fields of its own that it came with.
pub(super) fn write(psbt: &Psbt, fields: Option<&OwnFields>) -> Result<Vec<u8>, InvalidPsbt> {
    let Transaction { version, lock_time, input, output } = &psbt.unsigned_tx;
    let lock_time = lock_time.to_consensus_u32();
    // What inputs require is kept where it makes the same transaction.
    let kept = fields.filter(|own| own.required.len() == input.len() && own.lock_time() == Ok(lock_time));
    let fallback = kept.map_or(Some(lock_time), |own| own.fallback);
    let modifiable = fields.and_then(|own| own.modifiable).map(|flags| still_modifiable(flags, psbt));
    let (written, mut bytes) = (psbt.serialize(), MAGIC.to_vec());
    let mut reader = Reader::new(&written)?;
    put_field(&mut bytes, TX_VERSION, &encode::serialize(version));
    if let Some(fallback) = fallback {
        put_field(&mut bytes, FALLBACK, &fallback.to_le_bytes());
    }
    put_field(&mut bytes, INPUTS, &serialize(&VarInt::from(input.len())));
    put_field(&mut bytes, OUTPUTS, &serialize(&VarInt::from(output.len())));
    if let Some(flags) = modifiable {
        put_field(&mut bytes, MODIFIABLE, &[flags]);
    }
    put_field(&mut bytes, VERSION, &2_u32.to_le_bytes());
    let moved = [GLOBAL_FIELDS.as_slice(), &[UNSIGNED_TX, VERSION]].concat();
    reader.map(PsbtMap::Global)?.write_others(&mut bytes, &moved);
    bytes.push(SEPARATOR);
    for (index, input) in input.iter().enumerate() {
        reader.map(PsbtMap::Input(index))?.write_others(&mut bytes, &INPUT_FIELDS);
        let OutPoint { txid, vout } = input.previous_output;
        put_field(&mut bytes, TXID, &txid.to_byte_array());
        put_field(&mut bytes, VOUT, &vout.to_le_bytes());
        put_field(&mut bytes, SEQUENCE, &input.sequence.to_consensus_u32().to_le_bytes());
        let required = kept.and_then(|own| own.required.get(index)).copied().unwrap_or_default();
        for (field, value) in [(TIME, required.time), (HEIGHT, required.height)] {
            value.iter().for_each(|value| put_field(&mut bytes, field, &value.to_le_bytes()));
        }
        bytes.push(SEPARATOR);
    }
    for (index, output) in output.iter().enumerate() {
        let map = reader.map(PsbtMap::Output(index))?;
        map.write_others(&mut bytes, &OUTPUT_FIELDS);
        let satoshis = output.value.to_sat();
        let amount = i64::try_from(satoshis)
            .map_err(|_| map.wrong(AMOUNT, format!("{satoshis} satoshis"), "below 2^63 in version 2"))?;
        put_field(&mut bytes, AMOUNT, &amount.to_le_bytes());
        put_field(&mut bytes, SCRIPT, output.script_pubkey.as_bytes());
        bytes.push(SEPARATOR);
    }
    reader.end()?;
    Ok(bytes)
}
