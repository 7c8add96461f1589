//! `watch add`: a delegation or evidence for the files that the watchtower follows.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use staking_scripts::{Delegation, Parameters, ParametersHistory};
use watch::StakeFacts;

use crate::args::argument::Argument;
use crate::args::config_file::ConfigArgs;
use crate::args::delegation::{delegation_file, parameters_file};
use crate::args::evidence::EvidenceArgs;
use crate::view::output::{CommandOutput, Printout};
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "Each is verified, and appended as a line to a file that --delegations or --evidence of `watch run` names, whether that runs or not. With --config it is the first file that the configuration has.\n\n\
    Examples:\n  btcstake watch add --delegation verified.json --params params.json --to-delegations stakes.jsonl\n  \
    btcstake watch add --evidence evidence.json --to-evidence evidence.jsonl"
)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Delegations to add: this program's JSON, a node's response, or a message that registers one; - is
    /// standard input.
    #[arg(long, value_name = "FILE", value_parser = delegation_file())]
    delegation: Vec<Argument<Vec<Delegation>>>,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// The file that gets delegations.
    #[arg(long, value_name = "FILE")]
    to_delegations: Option<PathBuf>,
    /// The file that gets evidence.
    #[arg(long, value_name = "FILE")]
    to_evidence: Option<PathBuf>,
    /// Compare the delegations with these parameters, all versions, before they are added.
    #[arg(long, value_name = "FILE", value_parser = parameters_file())]
    params: Option<Argument<ParametersHistory<Parameters>>>,
}

/// What was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The staking transactions of the delegations, in display order.
    pub delegations: Vec<String>,
    /// The finality providers that the evidence is against.
    pub evidence: Vec<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!(
            "added {} delegations and {} records of evidence",
            self.delegations.len(),
            self.evidence.len()
        )
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Appends lines to a file, with one write, so that no reader sees half of one between two others.
fn append(flag: &str, path: Option<&Path>, lines: &[String]) -> anyhow::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let path =
        path.with_context(|| format!("{flag} is absent; must be the file that `watch run` follows"))?;
    let named = || format!("{flag} {}", path.display());
    ensure!(!path.is_dir(), "{}: it is a folder; must be a file", named());
    ensure!(
        path.extension().is_none_or(|ending| ending != "json"),
        "{}: a file *.json has one record; must have another name, as .jsonl",
        named()
    );
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // Evidence is as good as the key.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(named)?;
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(named)
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let parameters =
            self.params.as_ref().map(|file| file.read().with_context(|| file.name())).transpose()?;
        let (mut delegations, mut stakes, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        for file in &self.delegation {
            for delegation in file.read().with_context(|| file.name())? {
                let txid = delegation.staking_transaction.compute_txid();
                let facts = parameters.as_ref().map(|parameters| StakeFacts::of(&delegation, parameters));
                if let Some(Ok(facts)) = &facts
                    && !facts.quorum_signed
                {
                    warnings.push(format!(
                        "the stake {txid} cannot be slashed: signatures of the staker or of a covenant quorum are missing or not valid"
                    ));
                }
                if let Some(Err(error)) = facts {
                    let reason =
                        format!("{}: the stake {txid}: {}", file.name(), babylon::with_causes(&error));
                    return Err(Refused::because("delegation", reason).into());
                }
                delegations
                    .push(serde_json::from_str::<serde_json::Value>(&delegation.to_json())?.to_string());
                stakes.push(txid.to_string());
            }
        }
        let (mut records, mut accused) = (Vec::new(), Vec::new());
        if let Some(evidence) = self.evidence.one(|_| true)? {
            if let Err(error) = evidence.extract() {
                return Err(Refused::because("evidence", format!("--evidence: {error}")).into());
            }
            records.push(serde_json::to_string(&evidence)?);
            accused.push(evidence.public_key.to_string());
        }
        if delegations.is_empty() && records.is_empty() {
            bail!("--delegation is absent; must be given, or --evidence");
        }
        append("--to-delegations", self.to_delegations.as_deref(), &delegations)?;
        append("--to-evidence", self.to_evidence.as_deref(), &records)?;
        Printout::of(&Output { delegations: stakes, evidence: accused, warnings })
    }
}
