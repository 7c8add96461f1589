//! `watch evidence`: the evidence that is known.

use bitcoin::XOnlyPublicKey;
use finality::Evidence;
use serde::{Deserialize, Serialize};
use watch::stored_evidence;

use super::store::StoreArgs;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "With --json, each record is what `--evidence` of `watch run` and `tx slash` takes. Whoever has it can extract the finality provider's secret key.\n\n\
    Example:\n  btcstake watch evidence --store watch.db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Only evidence against this finality provider.
    #[arg(long, value_name = "KEY")]
    finality_provider: Option<XOnlyPublicKey>,
}

/// The evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The records, by finality provider and height.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))]
    pub evidence: Vec<Evidence>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let line =
            |one: &Evidence| format!("{} equivocated at height {}", one.public_key, one.canonical.height());
        let mut lines: Vec<_> = self.evidence.iter().map(line).collect();
        lines.push(format!("{} records", self.evidence.len()));
        lines.join("\n")
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (mut store, _) = self.store.read()?;
        let mut evidence = stored_evidence(&mut *store)?;
        evidence.retain(|one| self.finality_provider.is_none_or(|key| one.public_key == key));
        Printout::of(&Output { evidence })
    }
}
