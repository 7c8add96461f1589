//! Histories of small chains and their anchors, as JSON lines.

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spv::anchors::{AnchoredBlock, ChainBlock};

use super::argument;
use super::input::numbered_lines;

/// A block of a history.
#[derive(Deserialize)]
struct BlockLine {
    height: u64,
    hash: String,
    parent: Option<String>,
}

/// An anchor.
#[derive(Deserialize)]
struct AnchorLine {
    height: u64,
    hash: String,
    #[serde(default)]
    depth: u32,
}

/// Parses a file of a chain's blocks: JSON lines with height, hash and, where it is known, parent.
pub(crate) fn blocks_file() -> argument::Parser<Vec<ChainBlock>> {
    argument::file(|path| {
        lines(path, |BlockLine { height, hash, parent }| {
            let parent = parent.as_deref().map(whole_hash).transpose().context("parent")?;
            Ok(ChainBlock { height, hash: whole_hash(&hash).context("hash")?, parent })
        })
    })
}

/// Parses a file of anchors: JSON lines with height, hash, or its first bytes, and depth.
pub(crate) fn anchors_file() -> argument::Parser<Vec<AnchoredBlock>> {
    argument::file(|path| {
        lines(path, |AnchorLine { height, hash, depth }| {
            let hash = bytes(&hash).context("hash")?;
            ensure!((11..=32).contains(&hash.len()), "hash: {} bytes; must be 11 to 32", hash.len());
            Ok(AnchoredBlock { height, hash, depth })
        })
    })
}

/// Reads every line of a file that is not empty.
fn lines<L: DeserializeOwned, T>(
    path: &str,
    read: impl Fn(L) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<T>> {
    let read = |(number, line): (usize, String)| {
        let named = || format!("line {number}");
        read(serde_json::from_str(&line).with_context(named)?).with_context(named)
    };
    numbered_lines(path)?.into_iter().map(read).collect()
}

fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
    Ok(hex::decode(text.strip_prefix("0x").unwrap_or(text))?)
}

fn whole_hash(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = bytes(text)?;
    match bytes.as_slice().try_into() {
        Ok(hash) => Ok(hash),
        Err(_) => bail!("{} bytes; must be 32", bytes.len()),
    }
}
