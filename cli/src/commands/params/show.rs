//! `params show`: one version, as text and as JSON.

use anyhow::{Context, anyhow};
use bitcoin::absolute::Height;
use serde::Serialize;
use staking_scripts::{CovenantCommittee, Parameters, Phase1Parameters, StakingCap, Version, Versions};

use super::file::{LiveFile, Phase1File};
use super::{AnyVersions, Source};
use crate::input;
use crate::output::{FAINT, Output, STRONG, plain};

#[derive(clap::Args)]
#[command(
    after_help = "A stake keeps the version in force when it was made. For one on Bitcoin already, give the height of the block that \
    includes it.\n\nExamples:\n  btcstake params show --network mainnet --height 864790\n  \
    btcstake params show --params parameters.json --version 0\n  \
    btcstake params show --network mainnet --all --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Take the file for one of phase 1, whatever it looks like; with --network, the versions of phase 1.
    #[arg(long)]
    phase1: bool,
    /// The version in force at this Bitcoin height.
    #[arg(long, value_parser = input::height, allow_negative_numbers = true, conflicts_with = "version")]
    height: Option<Height>,
    /// The version of this number.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    version: Option<usize>,
    /// All versions; with --json, as a file that --params takes.
    #[arg(long, conflicts_with_all = ["height", "version"])]
    all: bool,
}

/// From where on mainnet has a version that is not built in: see the README of the library's data.
const NEWER_HEIGHT: u32 = 905_634;

/// A version of the form of today.
#[derive(Serialize)]
struct Live {
    form: &'static str,
    version: usize,
    activation_height: u32,
    covenant_pks: Vec<String>,
    covenant_quorum: u16,
    min_staking_value_sat: u64,
    max_staking_value_sat: u64,
    min_staking_time_blocks: u16,
    max_staking_time_blocks: u16,
    slashing_pk_script: String,
    slashing_rate: String,
    min_slashing_tx_fee_sat: u64,
    unbonding_time_blocks: u16,
    unbonding_fee_sat: u64,
    min_commission_rate: Option<String>,
    delegation_creation_base_gas_fee: Option<u64>,
    allow_list_expiration_height: Option<u64>,
}

/// A version of phase 1; what both forms have has the same name in both.
#[derive(Serialize)]
struct Phase1 {
    form: &'static str,
    version: usize,
    activation_height: u32,
    staking_cap_sat: Option<u64>,
    cap_height: Option<u32>,
    tag: String,
    covenant_pks: Vec<String>,
    covenant_quorum: u16,
    min_staking_value_sat: u64,
    max_staking_value_sat: u64,
    min_staking_time_blocks: u16,
    max_staking_time_blocks: u16,
    unbonding_time_blocks: u16,
    unbonding_fee_sat: u64,
    confirmation_depth: u16,
}

fn keys(covenant: &CovenantCommittee) -> Vec<String> {
    covenant.members().iter().map(ToString::to_string).collect()
}

impl Live {
    fn new(version: usize, parameters: &Parameters) -> Self {
        let (amount, time) = (parameters.staking_amount(), parameters.staking_time());
        let chain = parameters.chain();
        Self {
            form: "live",
            version,
            activation_height: parameters.activation_height().to_consensus_u32(),
            covenant_pks: keys(parameters.covenant()),
            covenant_quorum: parameters.covenant().quorum(),
            min_staking_value_sat: amount.start().to_sat(),
            max_staking_value_sat: amount.end().to_sat(),
            min_staking_time_blocks: time.start().blocks(),
            max_staking_time_blocks: time.end().blocks(),
            slashing_pk_script: parameters.slashing_pk_script().to_hex_string(),
            slashing_rate: parameters.slashing_rate().to_string(),
            min_slashing_tx_fee_sat: parameters.min_slashing_fee().to_sat(),
            unbonding_time_blocks: parameters.unbonding_time().blocks(),
            unbonding_fee_sat: parameters.unbonding_fee().to_sat(),
            min_commission_rate: chain.min_commission_rate.clone(),
            delegation_creation_base_gas_fee: chain.delegation_creation_base_gas_fee,
            allow_list_expiration_height: chain.allow_list_expiration_height,
        }
    }

    fn text(&self) -> String {
        let mut lines = vec![heading(self.version, self.activation_height)];
        lines.extend(committee(&self.covenant_pks, self.covenant_quorum));
        lines.push(range("staking amount", self.min_staking_value_sat, self.max_staking_value_sat, "sat"));
        lines.push(range(
            "staking time",
            self.min_staking_time_blocks,
            self.max_staking_time_blocks,
            "blocks",
        ));
        lines.push(line("unbonding time", format!("{} blocks", self.unbonding_time_blocks)));
        lines.push(line("unbonding fee", format!("{} sat", self.unbonding_fee_sat)));
        lines.push(line("slashing rate", &self.slashing_rate));
        lines.push(line("least slashing fee", format!("{} sat", self.min_slashing_tx_fee_sat)));
        lines.push(line("slashing script", &self.slashing_pk_script));
        // What concerns the secured chain only, as far as the file has it.
        lines.extend(self.min_commission_rate.as_ref().map(|rate| line("least commission", plain(rate))));
        lines.extend(self.delegation_creation_base_gas_fee.map(|gas| line("delegation gas", gas)));
        lines.extend(self.allow_list_expiration_height.map(|height| line("allow list until", height)));
        lines.join("\n")
    }
}

impl Phase1 {
    fn new(version: usize, parameters: &Phase1Parameters) -> Self {
        let (amount, time) = (&parameters.staking_amount, &parameters.staking_time);
        let (staking_cap_sat, cap_height) = match parameters.cap {
            StakingCap::Amount(cap) => (Some(cap.to_sat()), None),
            StakingCap::Height(cap) => (None, Some(cap.to_consensus_u32())),
        };
        Self {
            form: "phase1",
            version,
            activation_height: parameters.activation_height.to_consensus_u32(),
            staking_cap_sat,
            cap_height,
            tag: hex::encode(parameters.tag),
            covenant_pks: keys(&parameters.covenant),
            covenant_quorum: parameters.covenant.quorum(),
            min_staking_value_sat: amount.start().to_sat(),
            max_staking_value_sat: amount.end().to_sat(),
            min_staking_time_blocks: time.start().blocks(),
            max_staking_time_blocks: time.end().blocks(),
            unbonding_time_blocks: parameters.unbonding_time.blocks(),
            unbonding_fee_sat: parameters.unbonding_fee.to_sat(),
            confirmation_depth: parameters.confirmation_depth,
        }
    }

    fn text(&self) -> String {
        let mut lines = vec![heading(self.version, self.activation_height)];
        lines.extend(self.staking_cap_sat.map(|cap| line("staking cap", format!("{cap} sat"))));
        lines.extend(
            self.cap_height.map(|cap| line("stakes until", format!("height {cap}, itself included"))),
        );
        lines.push(line("tag", &self.tag));
        lines.extend(committee(&self.covenant_pks, self.covenant_quorum));
        lines.push(range("staking amount", self.min_staking_value_sat, self.max_staking_value_sat, "sat"));
        lines.push(range(
            "staking time",
            self.min_staking_time_blocks,
            self.max_staking_time_blocks,
            "blocks",
        ));
        lines.push(line("unbonding time", format!("{} blocks", self.unbonding_time_blocks)));
        lines.push(line("unbonding fee", format!("{} sat", self.unbonding_fee_sat)));
        lines.push(line("confirmation depth", self.confirmation_depth));
        lines.join("\n")
    }
}

fn heading(version: usize, activation_height: u32) -> String {
    format!("{STRONG}version {version}{STRONG:#}, in force from height {activation_height} on")
}

fn line(name: &str, value: impl ToString) -> String {
    format!("{name:<20}{}", value.to_string())
}

fn range<N: PartialEq + ToString>(name: &str, least: N, most: N, unit: &str) -> String {
    let (same, least, most) = (least == most, least.to_string(), most.to_string());
    line(name, if same { format!("{least} {unit}") } else { format!("{least} to {most} {unit}") })
}

fn committee(keys: &[String], quorum: u16) -> Vec<String> {
    let quorum = line("covenant quorum", format!("{quorum} of {}", keys.len()));
    [quorum].into_iter().chain(keys.iter().map(|key| line("covenant member", key))).collect()
}

impl Args {
    /// The version asked for, and its number.
    fn choose<'a, P: Version>(&self, versions: &'a Versions<P>) -> anyhow::Result<(usize, &'a P)> {
        let last = versions.iter().len().saturating_sub(1);
        match (self.height, self.version.unwrap_or(last)) {
            (Some(height), _) => versions.in_force(height).context("--height"),
            (None, number) => {
                let version = versions.get(number);
                let version =
                    version.ok_or_else(|| anyhow!("there is no version {number}, only 0 to {last}"));
                Ok((number, version.context("--version")?))
            }
        }
    }

    /// What to know of the answer, when it comes from the versions that are built in.
    fn warnings(&self, built_in: bool, phase1: bool, last: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        if !built_in {
            return warnings;
        }
        if !phase1 && last && self.height.is_none_or(|height| height.to_consensus_u32() >= NEWER_HEIGHT) {
            warnings.push(format!(
                "From height {NEWER_HEIGHT} on the chain has a newer version, which is not built in."
            ));
        }
        let (which, added) = if phase1 { (" of phase 1", " of today's form") } else { ("", "") };
        warnings.push(format!(
            "These versions{which} are built in, and governance may have added versions{added} since: ask a node \
             (babylond query btcstaking params-versions --output json), and give its answer as --params."
        ));
        warnings
    }

    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (versions, built_in) = self.source.read(self.phase1)?;
        let last = versions.count().saturating_sub(1);
        match versions {
            AnyVersions::Live(versions) if self.all => {
                let texts =
                    versions.iter().enumerate().map(|(number, version)| Live::new(number, version).text());
                output(texts.collect(), LiveFile::from(&versions), self.warnings(built_in, false, true))
            }
            AnyVersions::Live(versions) => {
                let (number, parameters) = self.choose(&versions)?;
                let fields = Live::new(number, parameters);
                output(vec![fields.text()], fields, self.warnings(built_in, false, number == last))
            }
            AnyVersions::Phase1(versions) if self.all => {
                let texts =
                    versions.iter().enumerate().map(|(number, version)| Phase1::new(number, version).text());
                output(texts.collect(), Phase1File::from(&versions), self.warnings(built_in, true, true))
            }
            AnyVersions::Phase1(versions) => {
                let (number, parameters) = self.choose(&versions)?;
                let fields = Phase1::new(number, parameters);
                output(vec![fields.text()], fields, self.warnings(built_in, true, number == last))
            }
        }
    }
}

/// The fields, and the warnings beside them.
#[derive(Serialize)]
struct Warned<F> {
    #[serde(flatten)]
    fields: F,
    warnings: Vec<String>,
}

fn output(texts: Vec<String>, fields: impl Serialize, warnings: Vec<String>) -> anyhow::Result<Output> {
    let notes = warnings.iter().map(|warning| format!("\n{FAINT}{warning}{FAINT:#}"));
    let text = [texts.join("\n\n")].into_iter().chain(notes).collect::<String>();
    Output::new(text, &Warned { fields, warnings })
}
