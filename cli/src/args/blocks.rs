//! Blocks of Bitcoin: a range of a node's chain, and one as it is given.

use anyhow::{Context, bail, ensure};
use bitcoin::absolute::Height;
use bitcoin::{Block, BlockHash};
use chain::{BlockHeight, ChainTip, Node};

use super::input::{self, Bytes, Content};

/// A range of blocks of a node's best chain.
#[derive(clap::Args)]
pub(crate) struct BlockRangeArgs {
    /// The height of the first block.
    #[arg(long, value_name = "HEIGHT", value_parser = input::height, requires = "node")]
    from: Option<Height>,
    /// The height of the last block; the node's last one when absent.
    #[arg(long, value_name = "HEIGHT", value_parser = input::height, requires = "from")]
    to: Option<Height>,
}

/// A range of blocks of a node's best chain.
pub(crate) struct BlockRange {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The last block of the node's chain.
    pub(crate) tip: ChainTip,
}

impl BlockRangeArgs {
    /// Returns whether there is a range.
    pub(crate) const fn is_given(&self) -> bool {
        self.from.is_some()
    }

    /// Returns the range on a node's chain.
    pub(crate) fn on(&self, node: &dyn Node) -> anyhow::Result<BlockRange> {
        let from = self.from.context("--from is absent; must be the height of the first block")?;
        let tip = node.tip().context("--node")?;
        let (from, last) = (from.to_consensus_u32(), tip.height.to_u32());
        ensure!(from <= last, "--from is {from}; must be at most {last}, the node's last block");
        let to = self.to.map_or(last, Height::to_consensus_u32);
        ensure!(to <= last, "--to is {to}; must be at most {last}, the node's last block");
        ensure!(from <= to, "--to is {to}; must be at least {from}, as --from says");
        Ok(BlockRange { from, to, tip })
    }
}

impl BlockRange {
    /// Returns the range where it ends at the tip, from which depths count.
    #[cfg(feature = "babylon")]
    pub(crate) fn up_to_the_tip(self) -> anyhow::Result<Self> {
        let last = self.tip.height;
        ensure!(self.to == last.to_u32(), "--to is {}; must be absent: depths count from {last}", self.to);
        Ok(self)
    }

    /// Reads the blocks in their order: each on the one before it, and all in the chain of the tip.
    pub(crate) fn read(
        &self,
        node: &dyn Node,
        mut each: impl FnMut(ChainTip, &Block) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut before = None::<BlockHash>;
        for height in self.from..=self.to {
            let height = BlockHeight::new(height);
            let block = node.block_at(height).context("--node")?;
            let on_it = before.is_none_or(|before| block.header.prev_blockhash == before);
            ensure!(on_it, "--node: its chain changed while block {height} was read; run it again");
            let hash = block.block_hash();
            before = Some(hash);
            each(ChainTip { height, hash }, &block)?;
        }
        // The last one is still below the tip that depths count from.
        let last = node.block_hash(BlockHeight::new(self.to)).context("--node")?;
        let tip = node.block_hash(self.tip.height).context("--node")?;
        ensure!(
            before.is_none_or(|before| before == last) && tip == self.tip.hash,
            "--node: its chain changed while blocks were read; run it again"
        );
        Ok(())
    }
}

/// Bytes: hex, @FILE of the bytes themselves or of their hex digits, or -.
pub(crate) fn bytes_or_digits(argument: &str) -> anyhow::Result<Bytes> {
    let content = Content::of(argument)?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match content.text().map(input::unfolded).filter(|text| is_digits(text)) {
        Some(digits) => match hex::decode(&digits) {
            Ok(bytes) => Ok(Bytes(bytes)),
            Err(error) => bail!("not hex: {error}{}", input::file_hint(argument)),
        },
        None if content.bytes() == argument.as_bytes() => {
            bail!("not hex: must be hex digits{}", input::file_hint(argument))
        }
        None => Ok(Bytes(content.bytes().to_vec())),
    }
}
