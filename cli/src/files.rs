//! The files that roles hand to each other: parameters and delegations.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use bitcoin::absolute::Height;
use clap::Args;
use eots::SigningContext;
use staking_scripts::{
    AcceptedStake, ChainRules, CovenantAnswer, DelegationFile, HeadersError, InclusionError, NotInForce,
    Parameters, StakeViolation, Versions,
};

use crate::commands::NetworkName;
use crate::input;
use crate::new_file::NewFile;
use crate::output::broken;

/// Parameters in the live form.
pub(crate) fn parameters(path: &str) -> anyhow::Result<Versions<Parameters>> {
    Ok(Versions::from_json(&input::text_file(path)?)?)
}

/// A delegation.
pub(crate) fn delegation(path: &str) -> anyhow::Result<DelegationFile> {
    Ok(DelegationFile::from_json(&input::text_file(path)?)?)
}

/// Writes a new file that `--out` names; one that is there already is left as it is.
pub(crate) fn write_new(path: &Path, text: &str) -> anyhow::Result<String> {
    NewFile::begin("--out", path)?.write(&format!("{text}\n"))
}

/// Which chains stakes are between.
#[derive(Args, Clone, Copy)]
pub(crate) struct ChainArgs {
    /// The Bitcoin network: of every address, and of a delegation that says where it was included.
    #[arg(long, default_value = "mainnet")]
    pub(crate) network: NetworkName,
    /// How many blocks must stand on the one that includes it.
    #[arg(long, value_name = "BLOCKS", default_value_t = ChainRules::MAINNET.depth)]
    pub(crate) depth: u32,
    /// The signing context of stakers' proofs of possession on the consumer chain that is secured; absent on
    /// the genesis chain.
    #[arg(long, value_name = "64 HEX DIGITS")]
    pub(crate) signing_context: Option<SigningContext>,
}

impl ChainArgs {
    fn rules(self) -> ChainRules {
        let Self { network, depth, signing_context } = self;
        ChainRules { network: network.into(), depth, signing_context }
    }
}

/// A delegation, and the parameters it is made under.
#[derive(Args)]
pub(crate) struct DelegationArgs {
    /// The delegation; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = delegation)]
    pub(crate) delegation: DelegationFile,
    /// A parameters file, all versions: as the secured chain's nodes print it, as `params show --all --json`
    /// does, or your own; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = parameters)]
    pub(crate) params: Versions<Parameters>,
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
}

impl DelegationArgs {
    /// The parameters that hold for the stake.
    pub(crate) fn parameters(&self) -> anyhow::Result<&Parameters> {
        in_force(&self.params, self.delegation.parameters_height).context("--delegation")
    }

    /// Every rule that the delegation breaks, or the stake as it was accepted.
    pub(crate) fn check(&self) -> anyhow::Result<Result<AcceptedStake, Vec<StakeViolation>>> {
        check(&self.delegation, &self.params, self.chain).context("--delegation")
    }

    /// The stake, for steps that go no further with one that breaks a rule.
    pub(crate) fn accepted(&self) -> anyhow::Result<AcceptedStake> {
        self.check()?.map_err(|violations| {
            let all: Vec<_> = violations.iter().map(message).collect();
            anyhow!("--delegation: {}: {}", broken(all.len()), all.join("; "))
        })
    }
}

/// What a delegation breaks, for people. Blocks of a test network are the commonest slip, and their own
/// message does not tell.
pub(crate) fn message(found: &StakeViolation) -> String {
    match found {
        StakeViolation::Inclusion(InclusionError::Headers(HeadersError::TargetTooHigh { .. })) => {
            format!("{found}; of a block on another network, --network says which")
        }
        found => found.to_string(),
    }
}

pub(crate) fn in_force(versions: &Versions<Parameters>, height: u32) -> anyhow::Result<&Parameters> {
    let height =
        Height::from_consensus(height).map_err(|_| anyhow!("parameters_height: {height} is none"))?;
    let found: Result<_, NotInForce> = versions.in_force(height);
    Ok(found.context("parameters_height")?.1)
}

/// Whether the version that a delegation names is the one in force at `height`, or the last one when no
/// height is given. Whoever is to sign must not take the staker's word for it: versions of old have other
/// times and rates.
pub(crate) fn check_version(
    delegation: &DelegationFile,
    versions: &Versions<Parameters>,
    height: Option<Height>,
) -> anyhow::Result<Option<StakeViolation>> {
    let number = |height| versions.in_force(height).map(|(number, _)| number);
    let stated = Height::from_consensus(delegation.parameters_height);
    let found =
        number(stated.map_err(|_| anyhow!("parameters_height: {} is none", delegation.parameters_height))?)?;
    let expected = match height {
        Some(height) => number(height).context("--height")?,
        None => versions.iter().len().saturating_sub(1),
    };
    Ok((found != expected).then_some(StakeViolation::ParametersVersion { found, expected }))
}

/// As [`DelegationArgs::check`].
pub(crate) fn check(
    delegation: &DelegationFile,
    versions: &Versions<Parameters>,
    chain: ChainArgs,
) -> anyhow::Result<Result<AcceptedStake, Vec<StakeViolation>>> {
    let parameters = in_force(versions, delegation.parameters_height)?;
    let previous = delegation.extends.as_ref().map(|running| in_force(versions, running.parameters_height));
    Ok(delegation.request()?.check(parameters, previous.transpose()?, chain.rules()))
}

/// The members that have given a valid answer; a member counts once.
pub(crate) fn verify_answers(accepted: &AcceptedStake, delegation: &DelegationFile) -> anyhow::Result<usize> {
    let answers: Vec<CovenantAnswer> = delegation.covenant_answers.iter().map(Into::into).collect();
    let mut members = Vec::new();
    for (answer, verdict) in delegation.covenant_answers.iter().zip(accepted.verify_answers(&answers)) {
        verdict.with_context(|| format!("covenant_answers: {}", answer.member))?;
        ensure!(!members.contains(&answer.member), "covenant_answers: {} is there twice", answer.member);
        members.push(answer.member);
    }
    Ok(members.len())
}
