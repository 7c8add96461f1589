//! The stage: a node, the participants, and the steps that scenarios consist of.

mod ending;
mod staking;

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail, ensure};
#[cfg(feature = "watch")]
use bitcoin::Script;
use bitcoin::absolute::Height;
use bitcoin::{Amount, Psbt, Transaction, XOnlyPublicKey};
use chain::{BlockHeight, Node, NodeError};
use staking_scripts::delegation::MemoryCovenantRecord;
use staking_scripts::{FundingCoin, SpendPath};

pub(crate) use self::staking::Stake;
use super::cast::Cast;
use super::record::{Equivocation, Locked, Played};
use super::report::Step;

/// Block rewards must be this deep before they can be spent.
const COINBASE_MATURITY: u32 = 100;
/// How often more coins are mined before the demo gives up, twice as many each time.
const FUNDING_ROUNDS: u32 = 9;
/// For how many blocks ahead fees are estimated.
const FEE_TARGET: u16 = 6;

/// A node and the participants.
pub(crate) struct Stage<'a> {
    node: &'a dyn Node,
    pub(crate) cast: &'a Cast,
    /// The signing record of each covenant member, which it keeps for all stakes.
    records: BTreeMap<XOnlyPublicKey, MemoryCovenantRecord>,
    pub(crate) steps: Vec<Step>,
    /// The outputs of the protocol that are on the chain.
    pub(crate) outputs: Vec<Locked>,
    pub(crate) equivocation: Option<Equivocation>,
}

impl<'a> Stage<'a> {
    /// Returns a stage on which nothing has happened yet.
    pub(crate) const fn new(node: &'a dyn Node, cast: &'a Cast) -> Self {
        Self {
            node,
            cast,
            records: BTreeMap::new(),
            steps: Vec::new(),
            outputs: Vec::new(),
            equivocation: None,
        }
    }

    /// Mines `count` blocks whose rewards are not needed.
    pub(crate) fn mine(&self, count: u32) -> anyhow::Result<()> {
        self.node.mine(count, &self.cast.miner_script()).context("cannot mine")?;
        Ok(())
    }

    /// Mines another branch above this height, with more blocks than there are.
    #[cfg(feature = "watch")]
    pub(crate) fn reorganize(&self, fork: BlockHeight, count: u32, miner: &Script) -> anyhow::Result<()> {
        self.node.mine_branch(fork, count, miner).context("cannot mine another branch")?;
        Ok(())
    }

    /// Returns the node, for whoever follows it.
    #[cfg(feature = "watch")]
    pub(crate) const fn watched(&self) -> &'a (dyn Node + 'a) {
        self.node
    }

    /// Adds a step without a transaction.
    pub(crate) fn say(&mut self, name: &str, text: impl Into<String>) {
        self.steps.push(Step::said(name, text));
    }

    /// Mines until the staker's wallet has mature coins for this many stakes.
    pub(crate) fn fund_wallet(&self, stakes: u32) -> anyhow::Result<()> {
        // Each stake, and twice its fees.
        let each = self.cast.rules.stake.checked_add(Amount::from_sat(100_000)).context("no such amount")?;
        let wanted = each.checked_mul(u64::from(stakes)).context("no such amount")?;
        let mut blocks = stakes;
        for _ in 0..FUNDING_ROUNDS {
            let coins =
                self.node.coins(&self.cast.wallet_script()).context("cannot list the staker's coins")?;
            let held = coins.iter().try_fold(Amount::ZERO, |sum, coin| sum.checked_add(coin.output.value));
            // A coin for each stake: two stakes in one block would need a coin each.
            if held.is_some_and(|held| held >= wanted) && coins.len() >= usize::try_from(stakes)? {
                return Ok(());
            }
            self.node.mine(blocks, &self.cast.wallet_script()).context("cannot mine the staker's coins")?;
            self.mine(COINBASE_MATURITY)?;
            blocks = blocks.saturating_mul(2);
        }
        bail!(
            "this regtest chain is so long that its block rewards no longer pay for {stakes} stakes: use a fresh one"
        )
    }

    /// Returns the coins of the staker's wallet.
    fn coins(&self) -> anyhow::Result<Vec<FundingCoin>> {
        let coins = self.node.coins(&self.cast.wallet_script()).context("cannot list the staker's coins")?;
        let coins = coins.into_iter().map(|coin| FundingCoin::new(coin.outpoint, coin.output));
        Ok(coins.collect::<Result<_, _>>()?)
    }

    /// Broadcasts a transaction (with its PSBT), mines a block, and checks that the transaction is in it.
    /// Returns the height of the block.
    pub(crate) fn confirm(
        &mut self,
        name: &str,
        text: &str,
        (transaction, psbt): (&Transaction, &Psbt),
        path: Option<SpendPath>,
    ) -> anyhow::Result<BlockHeight> {
        let txid = self
            .node
            .broadcast(transaction)
            .with_context(|| format!("{name}: the node refuses it; must accept it"))?;
        self.mine(1)?;
        let found = self
            .node
            .transaction(&txid)?
            .with_context(|| format!("{name}: {txid} is neither in the mempool nor in a block"))?;
        let block = found.block.with_context(|| format!("{name}: {txid} was not mined"))?;
        ensure!(found.transaction == *transaction, "{name}: the chain has another transaction {txid}");
        let height = block.height.to_u32();
        let played = Played::new(transaction, psbt, height)?;
        self.steps.push(Step { height: Some(height), ..Step::with(name, text, played, psbt.fee()?, path) });
        Ok(block.height)
    }

    /// Broadcasts a transaction that the node must refuse; the demo fails when it does not.
    pub(crate) fn refused(
        &mut self,
        name: &str,
        text: &str,
        (transaction, psbt): (&Transaction, &Psbt),
        path: SpendPath,
    ) -> anyhow::Result<()> {
        let reason = match self.node.broadcast(transaction) {
            Err(NodeError::Rejected { reason, .. }) => reason,
            Err(other) => return Err(anyhow!(other).context(format!("{name}: no verdict"))),
            Ok(txid) => bail!("{name}: the node accepted {txid}; must refuse it"),
        };
        let next_block = self.node.tip()?.height.saturating_add(1).to_u32();
        let played = Played::new(transaction, psbt, next_block)?;
        self.steps
            .push(Step { reason: Some(reason), ..Step::with(name, text, played, psbt.fee()?, Some(path)) });
        Ok(())
    }
}

/// Returns a node's height as the library has heights.
fn consensus(height: BlockHeight) -> anyhow::Result<Height> {
    Height::from_consensus(height.to_u32()).context("the node's heights are not Bitcoin block heights")
}
