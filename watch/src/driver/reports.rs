//! Making reports to the secured chain ready, and handing them over.

use bitcoin::{Block, Transaction, Txid};
use chain::{BlockHeight, NodeError};
use spv::InclusionProof;

use super::{Driver, DriverError};
use crate::complete::with_causes;
use crate::event::Event;
use crate::report::{PostError, ReadyReport, Report};
use crate::rows::stored_delegations;
use crate::told::Told;

/// How many reports a step hands over at most.
const REPORTS_A_STEP: usize = 20;

/// A report, or why it cannot be made; and why the node cannot be asked now.
type Made<T> = Result<Result<T, String>, DriverError>;

/// What a node cannot answer at all is said; what it cannot answer now is tried again.
fn answered<T>(answer: Result<T, NodeError>) -> Made<T> {
    match answer {
        Err(error) if error.is_retryable() => Err(error.into()),
        answer => Ok(answer.map_err(|error| with_causes(&error))),
    }
}

/// Goes on with what was made, or returns why it was not.
macro_rules! made {
    ($made:expr) => {
        match $made? {
            Ok(made) => made,
            Err(reason) => return Ok(Err(reason)),
        }
    };
}

impl Driver<'_> {
    /// Hands over some of the reports that are due, where the node is at the block that they are due by.
    /// Returns whether none is left.
    pub(super) fn report(&mut self) -> Result<bool, DriverError> {
        let Some(post) = self.post else { return Ok(true) };
        if self.reports.is_empty() {
            self.reports = self.watch.due_reports().into();
        }
        if self.reports.is_empty() || !self.is_where_node_is()? {
            return Ok(true);
        }
        // Many stakes may end in one block.
        let mut block = None;
        for _ in 0..REPORTS_A_STEP {
            let Some(report) = self.reports.pop_front() else { break };
            if !self.watch.is_due(&report) {
                continue;
            }
            let result = match self.ready(&report, &mut block)? {
                Ok(ready) => post.post(&ready),
                // The chain moved meanwhile.
                Err(_) if !self.is_where_node_is()? => return Ok(true),
                Err(reason) => Err(PostError(reason)),
            };
            self.observer.told(&Told::Reported { report: &report, error: result.as_ref().err() });
            let failure = result.err().map(|error| error.to_string());
            self.tell(Event::Reported { report, failure })?;
        }
        Ok(self.reports.is_empty())
    }

    pub(super) fn is_where_node_is(&self) -> Result<bool, DriverError> {
        Ok(self.node.tip()?.hash == self.watch.tracker().tip().hash)
    }

    fn ready(&mut self, report: &Report, read: &mut Option<(u32, Block)>) -> Made<ReadyReport> {
        Ok(Ok(match *report {
            Report::Inclusion { stake, height } => {
                let block = made!(self.block(height, read));
                let proof = made!(proven(block, stake));
                ReadyReport::Inclusion { stake, block: block.block_hash(), height, proof }
            }
            Report::Undelegation { stake, by, height } => {
                let block = made!(self.block(height, read));
                let (proof, hash) = (made!(proven(block, by)), block.block_hash());
                let spending = block.txdata.iter().find(|transaction| transaction.compute_txid() == by);
                let Some(spending) = spending.cloned().map(Box::new) else {
                    return Ok(Err(format!("the block {hash} does not have the transaction {by}")));
                };
                let funding = made!(self.funding(stake, &spending));
                ReadyReport::Undelegation { stake, spending, block: hash, height, proof, funding }
            }
            Report::SelectiveSlashing { provider } => match self.watch.published_key(&provider) {
                Some(key) => ReadyReport::SelectiveSlashing { provider, key: key.clone() },
                None => return Ok(Err("the key is not known any more".to_owned())),
            },
        }))
    }

    fn block<'b>(&self, height: u32, read: &'b mut Option<(u32, Block)>) -> Made<&'b Block> {
        let kept = read.take().filter(|(kept, _)| *kept == height);
        let block = match kept {
            Some((_, block)) => block,
            None => made!(answered(self.node.block_at(BlockHeight::new(height)))),
        };
        let (_, block) = read.insert((height, block));
        Ok(Ok(block))
    }

    /// Returns the transactions whose outputs are spent, in the order of the inputs, each once.
    fn funding(&mut self, stake: Txid, spending: &Transaction) -> Made<Vec<Transaction>> {
        let mut all: Vec<(Txid, Transaction)> = Vec::new();
        for txid in spending.input.iter().map(|input| input.previous_output.txid) {
            if all.iter().any(|(known, _)| *known == txid) {
                continue;
            }
            let stored =
                if txid == stake { stored_delegations(&mut *self.store, &[txid])?.pop() } else { None };
            let transaction = match stored {
                Some(delegation) => delegation.staking_transaction,
                None => {
                    let found = made!(answered(self.node.transaction(&txid)));
                    let is_it = |found: &Transaction| found.compute_txid() == txid;
                    match found.map(|found| found.transaction).filter(is_it) {
                        Some(transaction) => transaction,
                        None => {
                            return Ok(Err(format!(
                                "the node has no transaction {txid}, of which an output is spent"
                            )));
                        }
                    }
                }
            };
            all.push((txid, transaction));
        }
        Ok(Ok(all.into_iter().map(|(_, transaction)| transaction).collect()))
    }
}

fn proven(block: &Block, txid: Txid) -> Made<InclusionProof> {
    Ok(InclusionProof::from_block(block, txid).map_err(|error| with_causes(&error)))
}
