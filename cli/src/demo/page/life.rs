//! A scenario in order: which step made an output, which tried to spend it, and which did.

use bitcoin::{OutPoint, Transaction};

use super::super::record::{Locked, Played};
use super::super::report::{ScenarioReport, Step};
use super::who::Spend;

/// A step with its number in the scenario, counted from 1.
#[derive(Clone, Copy)]
pub(super) struct Numbered<'a> {
    pub(super) number: usize,
    pub(super) scenario: &'a str,
    pub(super) step: &'a Step,
    pub(super) played: &'a Played,
}

impl Numbered<'_> {
    /// Its place in the page.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.scenario, self.number)
    }

    /// Which of its inputs spends an output.
    pub(super) fn input(&self, outpoint: &OutPoint) -> Option<usize> {
        input(&self.played.transaction, outpoint)
    }
}

fn input(transaction: &Transaction, outpoint: &OutPoint) -> Option<usize> {
    transaction.input.iter().position(|input| input.previous_output == *outpoint)
}

/// An output of the protocol from its first block to its last.
pub(super) struct Life<'a> {
    pub(super) locked: &'a Locked,
    pub(super) made: Numbered<'a>,
    /// The steps that the node refused.
    pub(super) attempts: Vec<(Numbered<'a>, Spend)>,
    pub(super) spent: Option<(Numbered<'a>, Spend)>,
}

/// The steps of a scenario that made or tried a transaction.
pub(super) fn transactions(scenario: &ScenarioReport) -> impl Iterator<Item = Numbered<'_>> {
    let numbered = (1..).zip(&scenario.steps);
    numbered.filter_map(|(number, step)| {
        Some(Numbered { number, scenario: &scenario.name, step, played: step.played.as_ref()? })
    })
}

/// The lives of a scenario's outputs, in the order in which they came to be.
pub(super) fn lives(scenario: &ScenarioReport) -> Vec<Life<'_>> {
    let lives = scenario.outputs.iter().filter_map(|locked| {
        let confirmed = |numbered: &Numbered<'_>| numbered.step.refused.is_none();
        let made = transactions(scenario).find(|numbered| {
            confirmed(numbered) && numbered.played.transaction.compute_txid() == locked.outpoint.txid
        });
        let spends = transactions(scenario).filter_map(|numbered| {
            let spend = Spend::of(&numbered.played.transaction, numbered.input(&locked.outpoint)?)?;
            Some((numbered, spend))
        });
        let (spent, attempts) = spends.partition::<Vec<_>, _>(|(numbered, _)| confirmed(numbered));
        Some(Life { locked, made: made?, attempts, spent: spent.into_iter().next() })
    });
    lives.collect()
}
