//! Where a transaction is in Bitcoin, by a node.

use anyhow::Context;
#[cfg(feature = "babylon")]
use bitcoin::Transaction;
use bitcoin::Txid;
use bitcoin::block::Header;
use chain::{BlockHeight, Node};
use spv::InclusionProof;

/// A transaction in a block.
pub(crate) struct Included {
    #[cfg(feature = "babylon")]
    pub(crate) transaction: Transaction,
    pub(crate) height: BlockHeight,
    pub(crate) header: Header,
    pub(crate) proof: InclusionProof,
}

impl Included {
    /// Finds a transaction in a node's chain, and proves that its block has it.
    pub(crate) fn find(node: &dyn Node, txid: Txid) -> anyhow::Result<Self> {
        let found =
            node.transaction(&txid)?.with_context(|| format!("the node has no transaction {txid}"))?;
        let place = found.block;
        let place =
            place.with_context(|| format!("the transaction {txid} is unconfirmed; must be in a block"))?;
        let block = node.block(&place.hash)?;
        let proof = InclusionProof::from_block(&block, txid)?;
        Ok(Self {
            #[cfg(feature = "babylon")]
            transaction: found.transaction,
            height: place.height,
            header: block.header,
            proof,
        })
    }
}
