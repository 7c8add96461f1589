//! `params check`: does a file keep the rules?

use anyhow::Context;
use serde::Serialize;
use staking_scripts::ParametersError;

use super::AnyVersions;
use crate::output::{BAD, GOOD, Output, broken, plain};

#[derive(clap::Args)]
#[command(
    after_help = "Exit code 1 when a version breaks a rule: every such rule is named. A file that is not JSON, or lacks a field, is an \
    error.\n\nA file of one's own is a JSON array of versions, each an object with covenant_pks (x-only keys in hex), covenant_quorum, \
    min_staking_value_sat, max_staking_value_sat, min_staking_time_blocks, max_staking_time_blocks, unbonding_time_blocks, unbonding_fee_sat, \
    slashing_pk_script (a script in base64), slashing_rate (part of 1, as text), min_slashing_tx_fee_sat and btc_activation_height.\n\n\
    Example:\n  btcstake params check --params parameters.json"
)]
pub(crate) struct Args {
    /// The parameters file, as a node of the secured chain prints it or in the form of phase 1; - is standard
    /// input.
    #[arg(long, value_name = "FILE")]
    params: String,
    /// Take the file for one of phase 1, whatever it looks like.
    #[arg(long)]
    phase1: bool,
}

#[derive(Serialize)]
struct Fields {
    valid: bool,
    violations: Vec<Violation>,
}

#[derive(Serialize)]
struct Violation {
    version: usize,
    rule: &'static str,
    message: String,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match AnyVersions::from_json(&super::file(&self.params)?, self.phase1) {
            Ok(versions) => {
                let count = versions.count();
                let fields = Fields { valid: true, violations: Vec::new() };
                Output::new(
                    format!("{GOOD}valid{GOOD:#}: versions 0 to {}", count.saturating_sub(1)),
                    &fields,
                )
            }
            Err(ParametersError::Violations(found)) => {
                let violation = |found: staking_scripts::Violation| Violation {
                    version: found.version,
                    rule: found.rule.rule(),
                    message: found.rule.to_string(),
                };
                let violations = found.into_iter().map(violation).collect();
                let fields = Fields { valid: false, violations };
                Ok(Output::new(text(&fields), &fields)?.negative())
            }
            Err(error) => Err(error).context("--params"),
        }
    }
}

fn text(fields: &Fields) -> String {
    let mut lines = vec![format!("{BAD}not valid{BAD:#}: {}", broken(fields.violations.len()))];
    lines.extend(
        fields
            .violations
            .iter()
            .map(|found| format!("  version {}: {}", found.version, plain(&found.message))),
    );
    lines.join("\n")
}
