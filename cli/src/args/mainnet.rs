//! Mainnet's parameters that are built in, beside those of a file: a new stake or a covenant signature under
//! other ones is refused, and a step that ends a stake goes on with a warning.

use std::cmp::Reverse;

use bitcoin::absolute::Height;
use staking_scripts::delegation::StakeViolation;
use staking_scripts::parameters::{ParametersDifference, ParametersError, StakingCap};
use staking_scripts::{CheckRules, InForce, Parameters, ParametersHistory};

use super::files::Files;
use super::network::NetworkName;
use super::parameters::AnyParameters;
use super::stake::Phase1Files;
use crate::view::violation::{Refused, Violation};

/// The machine name of the rule.
const RULE: &str = "mainnet_parameters";

/// All versions of parameters, in one of their forms.
pub(crate) trait AllVersions {
    /// Returns how they differ from mainnet's.
    fn differences(&self, height: Option<Height>) -> Result<Vec<ParametersDifference>, ParametersError>;
}

impl AllVersions for ParametersHistory<Parameters> {
    fn differences(&self, height: Option<Height>) -> Result<Vec<ParametersDifference>, ParametersError> {
        self.differences_from_mainnet(height)
    }
}

impl AllVersions for AnyParameters {
    fn differences(&self, height: Option<Height>) -> Result<Vec<ParametersDifference>, ParametersError> {
        match self {
            Self::Genesis(history) => history.differences_from_mainnet(height),
            Self::Phase1(history) => history.differences_from_mainnet(height),
        }
    }
}

/// Returns what the parameters of a file lack of mainnet's that are active at a height (at all without
/// one), or contradict; `None` when they are right, or the network is another.
pub(super) fn differences(
    network: NetworkName,
    params: &impl AllVersions,
    height: Option<Height>,
) -> anyhow::Result<Option<String>> {
    if !matches!(network, NetworkName::Mainnet) {
        return Ok(None);
    }
    let found = params.differences(height)?;
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    Ok((!found.is_empty()).then(|| found.join("; ")))
}

/// Returns the violation of parameters that are not mainnet's, where the network is mainnet. `name` is that
/// of their argument.
pub(crate) fn violation(
    network: NetworkName,
    params: &impl AllVersions,
    name: &str,
    height: Option<Height>,
) -> anyhow::Result<Option<Violation>> {
    let found = differences(network, params, height)?;
    Ok(found.map(|found| Violation { rule: RULE.to_owned(), message: of_another_network(name, &found) }))
}

/// Returns what is said of parameters that are not mainnet's.
pub(super) fn of_another_network(name: &str, found: &str) -> String {
    format!("{name}: {found}; parameters of another network need its --network (mainnet is its default)")
}

/// Refuses parameters that are not mainnet's, where the network is mainnet.
///
/// # Errors
/// [`Refused`], which names the versions.
pub(crate) fn check(
    network: NetworkName,
    params: &ParametersHistory<Parameters>,
    name: &str,
    height: Height,
) -> anyhow::Result<()> {
    match violation(network, params, name, Some(height))? {
        None => Ok(()),
        Some(violation) => Err(Refused { accepted: false, violations: vec![violation] }.into()),
    }
}

/// Returns the violation of a phase-1 stake on mainnet, under parameters of Babylon Genesis, which have no
/// cap, in a block after phase 1 had ended.
pub(crate) fn after_phase1(
    network: NetworkName,
    params: &AnyParameters,
    height: Option<Height>,
) -> anyhow::Result<Option<Violation>> {
    let (NetworkName::Mainnet, AnyParameters::Genesis(_), Some(height)) = (network, params, height) else {
        return Ok(None);
    };
    let phase1 = ParametersHistory::mainnet_phase1()?;
    let last = phase1.iter().filter_map(|version| match version.cap {
        StakingCap::Height(cap) => Some(cap),
        StakingCap::Amount(_) => None,
    });
    let after = last.max().filter(|last| height > *last);
    Ok(after.map(|last| Violation {
        rule: "cap_height".to_owned(),
        message: format!(
            "the height is {height}; must be at most {last}, with which mainnet's phase 1 ended"
        ),
    }))
}

/// Returns the files for a step that ends a stake: where the parameters are not mainnet's, with a warning and
/// those that the stake was made under. Of the file's and those that are built in, it was made under the ones
/// that make its outputs, and of which it breaks fewer rules. `name` is that of the parameters' argument.
pub(super) fn to_end(files: Files, name: &str) -> anyhow::Result<Files> {
    let Files { delegation, params, chain, .. } = &files;
    let Some(found) = differences(chain.network, params, None)? else { return Ok(files) };
    let mainnet = ParametersHistory::mainnet()?;
    let fit = |history: &ParametersHistory<Parameters>| {
        let version = delegation.parameters(history).ok();
        let makes = version.is_some_and(|(_, version)| delegation.stake(version.covenant()).is_ok());
        let rules = CheckRules { history, in_force: InForce::AsStated, chain: chain.rules() };
        let broken = delegation.check(&rules).err().unwrap_or_default();
        let broken = broken.iter().filter(|found| !matches!(found, StakeViolation::Absent(_))).count();
        (makes, Reverse(broken))
    };
    let is_better = fit(&mainnet) > fit(params);
    let params = if is_better { mainnet } else { params.clone() };
    let number = delegation.parameters(&params).ok().map(|(number, _)| number);
    let warning = goes_on(name, &found, number, is_better);
    Ok(files.under(params, warning))
}

/// Returns the files of a phase-1 stake for a step that ends it, as [`to_end`] does.
pub(super) fn phase1_to_end(files: Phase1Files, name: &str) -> anyhow::Result<Phase1Files> {
    let Phase1Files { delegation, params, chain, .. } = &files;
    let Some(found) = differences(chain.network, params, None)? else { return Ok(files) };
    let mainnet = AnyParameters::Phase1(ParametersHistory::mainnet_phase1()?);
    let fit = |params: &AnyParameters| {
        let rules = params.of_delegation(delegation).ok().map(|(_, rules)| rules);
        let makes = rules.is_some_and(|rules| delegation.stake(rules.parameters().covenant).is_ok());
        let broken = rules.map(|rules| delegation.check_phase1(rules)).unwrap_or_default();
        let broken = broken.iter().filter(|found| !matches!(found, StakeViolation::Absent(_))).count();
        (makes, Reverse(broken))
    };
    let is_better = fit(&mainnet) > fit(params);
    let params = if is_better { mainnet } else { params.clone() };
    let number = params.of_delegation(delegation).ok().map(|(number, _)| number);
    let warning = goes_on(name, &found, number, is_better);
    Ok(files.under(params, warning))
}

fn goes_on(name: &str, found: &str, number: Option<usize>, built_in: bool) -> String {
    let number = number.map(|number| format!(" {number}")).unwrap_or_default();
    let of = if built_in { "of those that are built in" } else { "of that file" };
    format!("{name}: {found}; this step goes on under version{number} {of}")
}
