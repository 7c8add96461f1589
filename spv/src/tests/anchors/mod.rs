//! Marks of other chains, by vectors from their own sources.

mod core;
mod epochs;
mod hemi;
mod marks;
mod payload;
mod restore;
mod scan;
#[cfg(feature = "checkpoints")]
mod signatures;
mod submission;

use bitcoin::consensus::encode;
use bitcoin::opcodes::all::{OP_PUSHDATA1, OP_PUSHDATA2, OP_RETURN};

use crate::anchors::{Mark, Place, Registry, Value};

/// An output of a transaction that is no coinbase, and of a coinbase.
const OUTPUT: Place = Place::Output { index: 0, is_coinbase: false };
const COINBASE: Place = Place::Output { index: 0, is_coinbase: true };

/// A script of hex digits.
fn script(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

/// The data of a script whose push is direct or OP_PUSHDATA1, by hand.
fn data(script: &[u8]) -> &[u8] {
    if script[1] == OP_PUSHDATA1.to_u8() { &script[3..] } else { &script[2..] }
}

/// OP_RETURN and the data, pushed directly, by OP_PUSHDATA1 and OP_PUSHDATA2.
fn pushed(data: &[u8]) -> Vec<Vec<u8>> {
    let length = u8::try_from(data.len()).unwrap();
    let mut scripts = vec![
        [&[OP_RETURN.to_u8(), OP_PUSHDATA1.to_u8(), length], data].concat(),
        [&[OP_RETURN.to_u8(), OP_PUSHDATA2.to_u8(), length, 0], data].concat(),
    ];
    if length <= 75 {
        scripts.push([&[OP_RETURN.to_u8(), length], data].concat());
    }
    scripts
}

/// What all formats say of a script at a place.
fn explained(script: &[u8], place: Place) -> Option<Mark> {
    Registry::new().explain_script(script, place).unwrap().mark
}

fn format(script: &[u8], place: Place) -> Option<&'static str> {
    explained(script, place).map(|mark| mark.format)
}

fn number(mark: &Mark, name: &str) -> u64 {
    let field = mark.fields.iter().find(|field| field.name == name).unwrap();
    let Value::Number(number) = field.value else { panic!("{name} is no number") };
    number
}

fn text(mark: &Mark, name: &str) -> String {
    let field = mark.fields.iter().find(|field| field.name == name).unwrap();
    match &field.value {
        Value::Bytes(bytes) => hex::encode(bytes),
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
    }
}

/// A transaction with these outputs' scripts, each worth 1000 sat.
fn paying(scripts: &[Vec<u8>]) -> bitcoin::Transaction {
    let mut transaction = crate::testing::transaction(1, Vec::new());
    let output = transaction.output[0].clone();
    transaction.output = scripts
        .iter()
        .map(|script| bitcoin::TxOut { script_pubkey: script.clone().into(), ..output.clone() })
        .collect();
    // It is one that can be written and read.
    encode::deserialize(&encode::serialize(&transaction)).unwrap()
}
