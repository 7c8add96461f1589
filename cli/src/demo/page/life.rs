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
    /// Returns the id of the step's element in the page.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.scenario, self.number)
    }

    /// Returns the index of the input that spends an output; `None` when none does.
    pub(super) fn input(&self, outpoint: &OutPoint) -> Option<usize> {
        input(&self.played.transaction, outpoint)
    }
}

fn input(transaction: &Transaction, outpoint: &OutPoint) -> Option<usize> {
    transaction.input.iter().position(|input| input.previous_output == *outpoint)
}

/// An output of the protocol from the block that made it to the block that spent it.
pub(super) struct Life<'a> {
    pub(super) locked: &'a Locked,
    /// The step that made it.
    pub(super) made: Numbered<'a>,
    /// The steps that tried to spend it and that the node refused.
    pub(super) attempts: Vec<(Numbered<'a>, Spend)>,
    /// The step that spent it.
    pub(super) spent: Option<(Numbered<'a>, Spend)>,
}

/// Returns the steps of a scenario that made or tried a transaction, in order.
pub(super) fn transactions(scenario: &ScenarioReport) -> impl Iterator<Item = Numbered<'_>> {
    let numbered = (1..).zip(&scenario.steps);
    numbered.filter_map(|(number, step)| {
        Some(Numbered { number, scenario: &scenario.name, step, played: step.played.as_ref()? })
    })
}

/// Returns the lives of a scenario's outputs, in the order in which the outputs were made.
pub(super) fn lives(scenario: &ScenarioReport) -> Vec<Life<'_>> {
    let lives = scenario.outputs.iter().filter_map(|locked| {
        let confirmed = |numbered: &Numbered<'_>| numbered.step.reason.is_none();
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
