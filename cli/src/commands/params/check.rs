//! `params check`: checks a parameters file against the rules.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use staking_scripts::parameters::{ParametersError, ParametersViolation};

use super::source::text_file;
use crate::args::argument::Argument;
use crate::args::parameters::AnyParameters;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, GOOD, broken, plain};

#[derive(clap::Args)]
#[command(
    after_help = "Exit code 1 when a version breaks a rule: every such rule is named. A file that is not JSON, or lacks a field, is an \
    error. A version that breaks slashing_destination alone is read by other commands: stakes that were made under it can still be \
    unbonded and withdrawn, and no new ones are made.\n\nA parameters file is a JSON array of versions, each an object with covenant_pks (x-only keys in hex), covenant_quorum, \
    min_staking_value_sat, max_staking_value_sat, min_staking_time_blocks, max_staking_time_blocks, unbonding_time_blocks, unbonding_fee_sat, \
    slashing_pk_script (a script in base64), slashing_rate (part of 1, as text), min_slashing_tx_fee_sat and btc_activation_height. A node's answer has this array as params (params-versions), or one version without its number (params); \
    the staking API's network info has it as data.params.bbn, with slashing_pk_script in hex.\n\n\
    Example:\n  btcstake params check --params parameters.json"
)]
pub(crate) struct Args {
    /// The parameters file, as a node of Babylon Genesis prints it or in the form of phase 1; - is standard
    /// input.
    #[arg(long, value_name = "FILE", value_parser = text_file())]
    params: Argument<String>,
    /// Read the file as one of phase 1, whatever its form.
    #[arg(long)]
    phase1: bool,
}

/// Whether a parameters file keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Whether every version keeps the rules.
    pub valid: bool,
    /// The rules that are broken.
    pub violations: Vec<VersionViolation>,
    /// How many versions there are, for the text.
    #[serde(skip)]
    count: usize,
}

/// A rule that a version breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VersionViolation {
    /// The version, from 0.
    pub version: usize,
    /// The rule's name.
    pub rule: String,
    /// What was found, and what the rule is.
    pub message: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        if self.valid {
            return format!("{GOOD}valid{GOOD:#}: versions 0 to {}", self.count.saturating_sub(1));
        }
        let mut lines = vec![format!("{BAD}not valid{BAD:#}: {}", broken(self.violations.len()))];
        lines.extend(
            self.violations
                .iter()
                .map(|found| format!("  version {}: {}", found.version, plain(&found.message))),
        );
        lines.join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.valid)
    }
}

impl Output {
    fn new(found: Vec<ParametersViolation>, count: usize) -> Self {
        let violation = |found: ParametersViolation| VersionViolation {
            version: found.version,
            rule: found.rule.rule().to_owned(),
            message: found.rule.to_string(),
        };
        Self { valid: found.is_empty(), violations: found.into_iter().map(violation).collect(), count }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let output = match AnyParameters::from_json(&self.params.read()?, self.phase1) {
            Ok(versions) => Output::new(versions.violations(), versions.count()),
            Err(ParametersError::Violations(found)) => Output::new(found, 0),
            Err(error) => return Err(error).with_context(|| self.params.name()),
        };
        Printout::of(&output)
    }
}
