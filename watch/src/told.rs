//! What is told of while a watchtower runs.

use bitcoin::{Transaction, Txid};
use chain::ChainTip;
use staking_scripts::delegation::SlashedOutput;

use crate::alert::Alert;
use crate::event::Verdict;
use crate::report::{PostError, Report};

/// What is told of while it runs. No secret is in any of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told<'a> {
    /// Something that somebody should know.
    Alert(&'a Alert),
    /// A slashing transaction was handed to the node, or would have been.
    Sent {
        /// The stake.
        stake: Txid,
        /// Which output it slashes.
        output: SlashedOutput,
        /// The transaction.
        transaction: &'a Transaction,
        /// What the node says; `None` where nothing is sent.
        verdict: Option<&'a Verdict>,
    },
    /// The secured chain was told of something, or could not be.
    Reported {
        /// What it was told of.
        report: &'a Report,
        /// Why it was not; `None` where it was.
        error: Option<&'a PostError>,
    },
    /// A block was passed.
    Block(ChainTip),
    /// Blocks were disconnected down to this one.
    Disconnected(ChainTip),
    /// The node is behind what was seen: nothing is undone.
    Behind(ChainTip),
    /// The node is at this block, and so is the watchtower.
    AtTip(ChainTip),
    /// Blocks from this height on are looked at again for so many stakes.
    LooksBack {
        /// The first height.
        from: u32,
        /// How many stakes.
        stakes: usize,
    },
}

/// Whoever is told.
pub trait Observer {
    /// Is told of something.
    fn told(&self, told: &Told<'_>);
}
