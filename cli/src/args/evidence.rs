//! Evidence of equivocation, as the chain prints it.

use anyhow::{Context, anyhow, bail, ensure};
use babylon::node::NodeError;
use eots::XOnlyPublicKey;
use finality::{Evidence, SigningContext};

use super::argument::{self, Argument};
use super::input;

/// A file with evidence.
#[derive(clap::Args)]
pub(crate) struct EvidenceArgs {
    /// Evidence as the chain prints it: `babylond query finality evidence` or `list-evidences`, or the
    /// gateway's `finality/v1/finality_providers/KEY/evidence` or `finality/v1/evidences`, or as a finality
    /// contract prints it; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = argument::file(input::text_file))]
    evidence: Option<Argument<String>>,
    /// With evidence from the contract of a Cosmos chain, which does not say it: the signing context of its
    /// votes (`btcstake eots context` computes it).
    #[arg(long, value_name = "64 HEX DIGITS", requires = "evidence")]
    evidence_signing_context: Option<SigningContext>,
}

impl EvidenceArgs {
    /// Returns the evidence against a provider that is meant, or the only one; `None` where no file is given.
    pub(crate) fn one(&self, is_meant: impl Fn(&XOnlyPublicKey) -> bool) -> anyhow::Result<Option<Evidence>> {
        let Some(given) = &self.evidence else {
            // A flag that conflicts with --evidence keeps the parser from asking for it.
            ensure!(
                self.evidence_signing_context.is_none(),
                "--evidence-signing-context is given; must be with --evidence"
            );
            return Ok(None);
        };
        let text = given.read()?;
        let read = babylon::query::evidence_from_json(&text, self.evidence_signing_context);
        let all = read.map_err(|error| match error {
            // Nobody was asked: it is in a file.
            NodeError::Answer { what } => anyhow!(what),
            error => error.into(),
        });
        let all = all.with_context(|| given.name())?;
        let count = all.len();
        let mut meant = all.into_iter().filter(|evidence| is_meant(&evidence.public_key));
        let first = meant.next().with_context(|| {
            format!("--evidence: it has {count} records; none is of the provider that is meant")
        })?;
        if meant.any(|other| other.public_key != first.public_key) {
            bail!("--evidence: several providers equivocate in it; must be one that is meant");
        }
        Ok(Some(first))
    }
}
