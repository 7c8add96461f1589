//! The files that roles hand to each other: parameters and delegations.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use bitcoin::absolute::Height;
use staking_scripts::{AcceptedStake, DelegationFile, NotInForce, Parameters, StakeViolation, Versions};

use crate::input;

/// Parameters in the live form.
pub(crate) fn parameters(path: &str) -> anyhow::Result<Versions<Parameters>> {
    Ok(Versions::from_json(&input::text_file(path)?)?)
}

/// A delegation.
pub(crate) fn delegation(path: &str) -> anyhow::Result<DelegationFile> {
    Ok(DelegationFile::from_json(&input::text_file(path)?)?)
}

/// A Bitcoin block height.
pub(crate) fn height(text: &str) -> anyhow::Result<Height> {
    let height: u32 = text.parse()?;
    Height::from_consensus(height).map_err(|_| anyhow!("{height} is no block height"))
}

/// Writes a new file; one that is there already is left as it is.
pub(crate) fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = || format!("--out {}", path.display().to_string().escape_debug());
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).with_context(shown)?;
    writeln!(file, "{text}").and_then(|()| file.sync_all()).with_context(shown)
}

/// A delegation, and the parameters it is made under.
#[derive(clap::Args)]
pub(crate) struct DelegationArgs {
    /// The delegation; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = delegation)]
    pub(crate) delegation: DelegationFile,
    /// All versions of the parameters, as the secured chain's nodes give them; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = parameters)]
    pub(crate) params: Versions<Parameters>,
}

impl DelegationArgs {
    /// The parameters that hold for the stake.
    pub(crate) fn parameters(&self) -> anyhow::Result<&Parameters> {
        in_force(&self.params, self.delegation.parameters_height)
    }

    /// Every rule that the delegation breaks, or the stake as it was accepted.
    pub(crate) fn check(&self) -> anyhow::Result<Result<AcceptedStake, Vec<StakeViolation>>> {
        check(&self.delegation, &self.params)
    }

    /// The stake, for steps that go no further with one that breaks a rule.
    pub(crate) fn accepted(&self) -> anyhow::Result<AcceptedStake> {
        self.check()?.map_err(|violations| {
            let all: Vec<_> = violations.iter().map(ToString::to_string).collect();
            anyhow!("the delegation breaks {} rules: {}", all.len(), all.join("; "))
        })
    }
}

fn in_force(versions: &Versions<Parameters>, height: u32) -> anyhow::Result<&Parameters> {
    let height = Height::from_consensus(height).map_err(|_| anyhow!("parameters_height: {height} is none"))?;
    let found: Result<_, NotInForce> = versions.in_force(height);
    Ok(found?.1)
}

/// As [`DelegationArgs::check`].
pub(crate) fn check(
    delegation: &DelegationFile,
    versions: &Versions<Parameters>,
) -> anyhow::Result<Result<AcceptedStake, Vec<StakeViolation>>> {
    let parameters = in_force(versions, delegation.parameters_height)?;
    let previous = delegation.extends.as_ref().map(|running| in_force(versions, running.parameters_height));
    Ok(delegation.request()?.check(parameters, previous.transpose()?))
}

/// The members that have given a valid answer; a member counts once.
pub(crate) fn verify_answers(accepted: &AcceptedStake, delegation: &DelegationFile) -> anyhow::Result<usize> {
    let mut members = Vec::new();
    for answer in &delegation.covenant_answers {
        accepted.verify_answer(&answer.into()).with_context(|| format!("covenant_answers: {}", answer.member))?;
        ensure!(!members.contains(&answer.member), "covenant_answers: {} is there twice", answer.member);
        members.push(answer.member);
    }
    Ok(members.len())
}
