//! `stake check`: checks a delegation as a covenant member does.

use anyhow::{Context, ensure};
use bitcoin::absolute::Height;
use serde::{Deserialize, Serialize};
use staking_scripts::outputs::OpReturnData;
use staking_scripts::phase1::contradictions;

use crate::args::delegation::DelegationArgs;
use crate::args::files::{Files, in_force, not_checked};
use crate::args::input;
use crate::args::mainnet;
use crate::args::own_node::{OwnChain, OwnNodeArgs};
use crate::args::parameters::AnyParameters;
use crate::args::stake::{AnyFiles, Phase1Files, PlaceArgs};
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, GOOD, broken};
use crate::view::violation::{self, Violation};

#[derive(clap::Args)]
#[command(
    after_help = "Lists every violation, not only the first. Exit code 1 when there is one.\n\nA phase-1 stake is checked by the rules of phase 1, under \
    --params of either form: OP_RETURN data, and beside them once the output that they and the committee make; tag, keys, amount, time, height, cap, \
    unbonding transaction.\n\nExample:\n  \
    btcstake stake check --delegation signed.json --params params.json --network regtest"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// The Bitcoin height whose parameters are in force: the tip's when the stake is registered, or its
    /// inclusion's. On mainnet the file must have every version that is built in and active there. When it
    /// and --node are absent, the delegation must be under the last version in the file, as for `covenant
    /// sign --dangerously-without-height`; a phase-1 stake, which takes no --node, is checked under the
    /// version that it names.
    #[arg(long, value_parser = input::height)]
    height: Option<Height>,
    #[command(flatten)]
    own_node: OwnNodeArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Said of a stake that is judged by the rules of phase 1 under parameters of Babylon Genesis.
const BY_PHASE_1: &str = "judged by the rules of phase 1: it has the OP_RETURN data of a phase-1 stake, and no slashing \
                          transaction; `covenant sign` signs none";

/// Whether a delegation keeps every rule, and its covenant signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Whether no rule is broken.
    pub accepted: bool,
    /// The rules that are broken.
    pub violations: Vec<Violation>,
    /// How many covenant members have valid signatures in it: of an extension, in the running stake's
    /// committee too.
    pub covenant_signature_count: usize,
    /// How many must sign; null where the delegation's parameters are not known.
    pub quorum: Option<u16>,
    /// `PENDING` (fewer signatures than the quorum) or `VERIFIED`; null when a rule is broken.
    pub status: Option<String>,
    /// The covenant signatures that do not count, with the reason, or that are more than the quorum; what
    /// ties no inclusion to the chain; and what OP_RETURN data beside the staking output say differently.
    pub warnings: Vec<String>,
    /// What only the state of the chains tells, and a covenant member must ask its nodes: `registered`
    /// (whether the staking transaction was registered before), `provider_known`, `provider_slashed` and
    /// `funding_is_a_stake` (whether a coin that it spends is another stake); of an extension
    /// `running_stake_active` and `same_account` too; without an inclusion `age`, whether the stake is in a
    /// block all the same, and how much of its staking time is left; of a phase-1 stake the rules that its
    /// parameters do not have, or whose numbers are not given.
    pub not_checked: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let Self { violations, covenant_signature_count, quorum, status, not_checked, .. } = self;
        let head = match status {
            Some(status) => {
                let of = quorum.map(|quorum| format!(" of {quorum}")).unwrap_or_default();
                format!(
                    "{GOOD}accepted{GOOD:#}: {status}, {covenant_signature_count}{of} covenant signatures"
                )
            }
            None => format!("{BAD}not accepted{BAD:#}: {}", broken(violations.len())),
        };
        let not_checked = (!not_checked.is_empty())
            .then(|| format!("not checked, as only the chains tell it: {}", not_checked.join(", ")));
        let lines = violation::lines(violations).chain(not_checked);
        [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.accepted)
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Returns a warning for each thing that OP_RETURN data beside the staking output say differently. Babylon
/// Genesis does not look at them.
fn contradicted(files: &Files) -> Vec<String> {
    let said = OpReturnData::of(&files.delegation.staking_transaction).ok();
    let stake = files.covenant().ok().and_then(|covenant| files.delegation.stake(covenant).ok());
    let found = said.zip(stake).map(|(said, stake)| contradictions(&said, stake.staking.output()));
    found.unwrap_or_default().iter().map(|found| format!("{}: {found}", found.rule())).collect()
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self.files.read_any()? {
            AnyFiles::Genesis(files) => self.genesis(files),
            AnyFiles::Phase1(files) => self.phase1(&files),
        }
    }

    /// Checks a phase-1 stake, which nobody signs before it counts.
    fn phase1(&self, files: &Phase1Files) -> anyhow::Result<Printout> {
        ensure!(
            !self.own_node.is_given(),
            "--node is given; must be --height for a phase-1 stake, which is judged at the height of its block"
        );
        let rules = match self.height {
            Some(height) => files.rules_at(height).context("--height")?,
            None => files.rules()?,
        };
        let rules = self.place.on(rules, None);
        let found = files.delegation.check_phase1(rules);
        let (network, name) = (files.chain.network, self.files.params_name());
        let foreign = mainnet::violation(network, &files.params, &name, rules.height())?;
        let ended = mainnet::after_phase1(network, &files.params, rules.height())?;
        let foreign = foreign.into_iter().chain(ended);
        let violations: Vec<_> = foreign.chain(found.iter().map(Violation::from)).collect();
        let (accepted, quorum) = (violations.is_empty(), rules.parameters().covenant.quorum());
        let (covenant_signature_count, mut warnings) = match files.covenant_quorum() {
            Ok((found, warnings)) => (found.signed, warnings),
            Err(_) => (0, Vec::new()),
        };
        if matches!(files.params, AnyParameters::Genesis(_)) {
            warnings.push(BY_PHASE_1.to_owned());
        }
        let has_quorum = covenant_signature_count >= usize::from(quorum);
        let status = if has_quorum { "VERIFIED" } else { "PENDING" };
        Printout::of(&Output {
            accepted,
            violations,
            covenant_signature_count,
            quorum: Some(quorum),
            status: accepted.then(|| status.to_owned()),
            warnings,
            not_checked: rules.not_checked().into_iter().map(ToOwned::to_owned).collect(),
        })
    }

    fn genesis(&self, mut files: Files) -> anyhow::Result<Printout> {
        let own = self.own_node.read(files.chain.network)?;
        let height = self.height.or(own.as_ref().map(OwnChain::height).transpose()?);
        let mut left_out = None;
        if let Some(own) = own {
            files.chain = own.anchor(files.chain, &files.delegation)?;
            left_out = own.left_out(&files.delegation)?;
        }
        let files = &files;
        let found = files.check(in_force(&files.params, height)?).err().unwrap_or_default();
        let name = self.files.params_name();
        let foreign = mainnet::violation(files.chain.network, &files.params, &name, height)?;
        let foreign = foreign.into_iter().chain(left_out);
        let violations: Vec<_> = foreign.chain(found.iter().map(Violation::from)).collect();
        // Where the pre-signed transactions are not known, nobody can have signed them.
        let (covenant_signature_count, quorum, warnings) = match files.covenant_quorum() {
            Ok((found, warnings)) => (found.signed, Some(found.quorum), warnings),
            Err(_) => {
                let parameters = files.parameters().ok();
                (0, parameters.map(|parameters| parameters.covenant().quorum()), Vec::new())
            }
        };
        let warnings = warnings.into_iter().chain(files.chain.unanchored(&files.delegation));
        let warnings = warnings.chain(contradicted(files)).collect();
        let accepted = violations.is_empty();
        let has_quorum = quorum.is_some_and(|quorum| covenant_signature_count >= usize::from(quorum));
        let status = if has_quorum { "VERIFIED" } else { "PENDING" };
        let status = accepted.then(|| status.to_owned());
        Printout::of(&Output {
            accepted,
            violations,
            covenant_signature_count,
            quorum,
            status,
            warnings,
            not_checked: not_checked(&files.delegation).into_iter().map(ToOwned::to_owned).collect(),
        })
    }
}
