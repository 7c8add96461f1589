//! `stake check`: checks a delegation as a covenant member does.

use bitcoin::absolute::Height;
use serde::{Deserialize, Serialize};

use crate::args::delegation::{DelegationArgs, in_force};
use crate::args::input;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, GOOD, broken};
use crate::view::violation::{self, Violation};

#[derive(clap::Args)]
#[command(
    after_help = "Lists every violation, not only the first. Exit code 1 when there is one.\n\nExample:\n  \
    btcstake stake check --delegation signed.json --params params.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// The Bitcoin height whose parameters are in force: the tip's when the stake is registered, or its
    /// inclusion's. When absent, the delegation must be under the last version in the file, as for `covenant
    /// sign`.
    #[arg(long, value_parser = input::height)]
    height: Option<Height>,
}

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
    /// The covenant signatures that do not count, with the reason; and what ties no inclusion to the chain.
    pub warnings: Vec<String>,
    /// What only the state of the chains tells, and a covenant member must ask its nodes: `registered`
    /// (whether the staking transaction was registered before), `provider_known` and `provider_slashed`; of
    /// an extension `running_stake_active`, `same_account` and `funding_is_a_stake`.
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
        let not_checked = format!("not checked, as only the chains tell it: {}", not_checked.join(", "));
        let lines = violation::lines(violations).chain([not_checked]);
        [head].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::of(self.accepted)
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read()?;
        let found = files.check(in_force(&files.params, self.height)?).err().unwrap_or_default();
        let violations: Vec<_> = found.iter().map(Violation::from).collect();
        // Where the pre-signed transactions are not known, nobody can have signed them.
        let (covenant_signature_count, quorum, warnings) = match files.covenant_quorum() {
            Ok((found, warnings)) => (found.signed, Some(found.quorum), warnings),
            Err(_) => {
                let parameters = files.parameters().ok();
                (0, parameters.map(|parameters| parameters.covenant().quorum()), Vec::new())
            }
        };
        let warnings = warnings.into_iter().chain(files.chain.unanchored(&files.delegation)).collect();
        let accepted = violations.is_empty();
        let has_quorum = quorum.is_some_and(|quorum| covenant_signature_count >= usize::from(quorum));
        let status = if has_quorum { "VERIFIED" } else { "PENDING" };
        let status = accepted.then(|| status.to_owned());
        let of_extension: &[&str] = match files.delegation.extends {
            Some(_) => &["running_stake_active", "same_account", "funding_is_a_stake"],
            None => &[],
        };
        let always = ["registered", "provider_known", "provider_slashed"];
        let not_checked = always.iter().chain(of_extension).map(|name| (*name).to_owned()).collect();
        Printout::of(&Output {
            accepted,
            violations,
            covenant_signature_count,
            quorum,
            status,
            warnings,
            not_checked,
        })
    }
}
