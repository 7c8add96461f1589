//! `watch`: the watchtower and tracker.

pub(crate) mod add;
mod bitcoin;
pub(crate) mod evidence;
pub(crate) mod list;
mod notify;
mod posting;
pub(crate) mod replay;
pub(crate) mod report;
mod rules;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod stats;
mod store;
pub(crate) mod view;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the watchtower: follow Bitcoin, track every stake, slash those of whoever equivocates.
    Run(Box<run::Args>),
    /// Add a delegation or evidence to the files that the watchtower follows.
    Add(add::Args),
    /// List the stakes that are tracked.
    List(list::Args),
    /// Show a stake that is tracked.
    Show(show::Args),
    /// List the evidence that is known.
    Evidence(evidence::Args),
    /// Go over Bitcoin's blocks again from a height on.
    Replay(Box<replay::Args>),
    /// Print how much is staked, in all and by finality provider, at any height.
    Stats(stats::Args),
    /// Write a status page of one HTML file.
    Report(report::Args),
}

impl Command {
    pub(crate) fn run(self, json: bool) -> anyhow::Result<Printout> {
        match self {
            Self::Run(args) => args.run(json),
            Self::Add(args) => args.run(),
            Self::List(args) => args.run(),
            Self::Show(args) => args.run(),
            Self::Evidence(args) => args.run(),
            Self::Replay(args) => args.run(),
            Self::Stats(args) => args.run(),
            Self::Report(args) => args.run(),
        }
    }
}
