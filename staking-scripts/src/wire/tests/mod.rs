#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod hostile;
mod rules;
mod samples;
mod vectors;

use std::path::{Path, PathBuf};

use prost::Message as _;

use super::WrittenMessage;
use super::proto::Any;

/// Returns a message with the name of its type, as a transaction of the chain carries it.
fn in_any(message: &WrittenMessage) -> Vec<u8> {
    let WrittenMessage { type_url, protobuf, .. } = message;
    Any { type_url: (*type_url).to_owned(), value: protobuf.clone() }.encode_to_vec()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/node")
}

fn read(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
