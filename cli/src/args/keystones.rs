//! Keystones of Hemi's, as arguments and files give them, and those that blocks publish.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use bitcoin::consensus::encode::serialize;
use bitcoin::{Block, BlockHash, Txid};
use chain::Node;
use spv::anchors::{Keystone, KeystoneFinality, KeystoneHash, Registry, first_publications, scan_block};

use super::argument;
use super::blocks::{BlockRange, bytes_or_digits};
use super::input::{Bytes, numbered_lines};

/// A keystone's bytes without the magic, and how a script that pushes one begins.
const BYTES: usize = 76;
const SCRIPT: &[u8] = &[0x6a, 0x4c, 0x50];
const MAGIC: &[u8] = b"HEMI";

/// Parses a keystone: its 76 bytes, with the magic before them, or the whole script of its output.
pub(crate) fn parser() -> argument::Parser<Keystone> {
    argument::value(keystone)
}

fn keystone(argument: &str) -> anyhow::Result<Keystone> {
    let Bytes(bytes) = bytes_or_digits(argument)?;
    of_bytes(&bytes)
}

fn of_bytes(bytes: &[u8]) -> anyhow::Result<Keystone> {
    let payload = bytes.strip_prefix(SCRIPT).unwrap_or(bytes);
    let payload = if payload.len() == BYTES { [MAGIC, payload].concat() } else { payload.to_vec() };
    match Keystone::from_payload(&payload) {
        Some(keystone) => Ok(keystone),
        None if payload.starts_with(MAGIC) => {
            bail!("not a keystone: {} bytes that begin with HEMI; must be 80, of version 1", payload.len())
        }
        None => bail!(
            "not a keystone: {} bytes; must be the 76 bytes of version 1, these after HEMI, or the script that pushes them",
            bytes.len()
        ),
    }
}

/// Parses a file of keystones, one a line.
pub(crate) fn file() -> argument::Parser<Vec<Keystone>> {
    argument::file(|path| {
        let read = |(number, line): (usize, String)| {
            let bytes = hex::decode(line).with_context(|| format!("line {number}: not hex"))?;
            of_bytes(&bytes).with_context(|| format!("line {number}"))
        };
        numbered_lines(path)?.into_iter().map(read).collect()
    })
}

/// Where a block publishes a keystone first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Publication {
    pub(crate) height: u32,
    pub(crate) block: BlockHash,
    pub(crate) txid: Txid,
    pub(crate) index: u32,
}

/// The keystones of a range of blocks.
#[derive(Default)]
pub(crate) struct Published {
    /// By hash: the keystone, and how many blocks publish it, with the first.
    pub(crate) keystones: BTreeMap<KeystoneHash, (Keystone, usize, Publication)>,
    /// Every publication, in the order of the blocks.
    publications: Vec<(KeystoneHash, u32, BlockHash)>,
}

impl Published {
    /// Reads the keystones of a range of a node's blocks.
    pub(crate) fn read(node: &dyn Node, range: &BlockRange) -> anyhow::Result<Self> {
        let (registry, mut published) = (Registry::new(), Self::default());
        range.read(node, |at, block| published.add(&registry, block, at.height.to_u32(), at.hash))?;
        Ok(published)
    }

    fn add(
        &mut self,
        registry: &Registry,
        block: &Block,
        height: u32,
        hash: BlockHash,
    ) -> anyhow::Result<()> {
        let bytes = serialize(block);
        let found = scan_block(&bytes, registry).context("--node: not a block")?;
        for first in first_publications(&found) {
            let at = usize::try_from(first.found.position).ok().and_then(|at| block.txdata.get(at));
            let txid = at.context("--node: not a block")?.compute_txid();
            let index = crate::view::marks::output_index(first.found.place).unwrap_or_default();
            let publication = Publication { height, block: hash, txid, index };
            let known = self.keystones.entry(first.hash).or_insert((first.keystone, 0, publication));
            known.1 = known.1.saturating_add(1);
            self.publications.push((first.hash, height, hash));
        }
        Ok(())
    }

    /// Returns how final keystones are: those of Hemi's chain, and where these are not given all that are
    /// published.
    pub(crate) fn finality(&self, of_hemi: Option<&[Keystone]>) -> KeystoneFinality {
        let mut finality = KeystoneFinality::new();
        match of_hemi {
            Some(keystones) => keystones.iter().for_each(|keystone| {
                finality.add(*keystone);
            }),
            None => self.keystones.values().for_each(|(keystone, ..)| {
                finality.add(*keystone);
            }),
        }
        for (hash, height, block) in &self.publications {
            finality.publish(*hash, *height, *block);
        }
        finality
    }
}
