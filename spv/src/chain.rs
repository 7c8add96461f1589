//! A chain of headers in which blocks are looked up: where each is, and how deep.

use std::collections::HashMap;

use bitcoin::BlockHash;
use bitcoin::block::Header;
use bitcoin::params::Params;

use crate::headers::{Anchor, HeadersError, inclusion_depth};

/// A chain of headers, each with its proof of work and after the one before it. Whether it is the one that
/// nodes follow, its [anchor](Anchor) says: the work that it has, and a block that it must have.
#[derive(Debug, Clone)]
pub struct HeaderChain {
    headers: Vec<Header>,
    places: HashMap<BlockHash, u32>,
    first_height: Option<u32>,
}

impl HeaderChain {
    /// Returns the chain of these headers, in the order of their heights. [`inclusion_depth`] says what is
    /// checked of them. With [`Anchor::NONE`] they may be anybody's who spends as little work as they show.
    ///
    /// # Errors
    /// [`HeadersError`], one for each rule.
    pub fn new(headers: Vec<Header>, anchor: Anchor, params: &Params) -> Result<Self, HeadersError> {
        inclusion_depth(&headers, params)?;
        let first_height = anchor.check(&headers)?;
        let places = headers.iter().map(Header::block_hash).zip(0..).collect();
        Ok(Self { headers, places, first_height })
    }

    /// Returns the header of a block of the chain.
    pub fn header(&self, block: &BlockHash) -> Option<&Header> {
        self.headers.get(usize::try_from(self.place(block)?).ok()?)
    }

    /// Returns how many blocks of the chain are below a block of it: its height, less the first one's.
    pub fn place(&self, block: &BlockHash) -> Option<u32> {
        self.places.get(block).copied()
    }

    /// Returns the height of a block of the chain, where the anchor has one.
    pub fn height(&self, block: &BlockHash) -> Option<u32> {
        self.place(block)?.checked_add(self.first_height?)
    }

    /// Returns how many blocks are on top of a block of the chain: 0 for the tip.
    pub fn depth(&self, block: &BlockHash) -> Option<u32> {
        let last = u32::try_from(self.headers.len()).ok()?.checked_sub(1)?;
        last.checked_sub(self.place(block)?)
    }
}
