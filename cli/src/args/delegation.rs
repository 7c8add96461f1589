//! The files that roles exchange: parameters and delegations.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use bitcoin::Txid;
use bitcoin::absolute::Height;
use clap::Args;
use staking_scripts::delegation::{
    CheckedStake, CovenantQuorum, CovenantSignaturesError, PresignedTransactions, StakeTransactions,
};
use staking_scripts::{
    CheckRules, CheckedDelegation, CovenantCommittee, CovenantSignatures, Delegation, DelegationError,
    InForce, Parameters, ParametersAt, ParametersHistory, StakeViolation,
};

use super::argument::{self, Argument};
use super::chain::ChainArgs;
use super::input;
use super::mainnet;
use super::new_file::NewFile;
use super::parameters::{AnyParameters, any_parameters_file};
use super::stake::AnyFiles;
use crate::view::violation::{Refused, message};

/// Reads parameters as the nodes of Babylon Genesis print them.
fn parameters(path: &str) -> anyhow::Result<ParametersHistory<Parameters>> {
    Ok(ParametersHistory::from_json(&input::text_file(path)?)?)
}

/// Reads delegations: this program's JSON, a node's response, or a message that registers one.
fn delegations(path: &str) -> anyhow::Result<Vec<Delegation>> {
    Ok(Delegation::from_any_json(&input::text_file(path)?)?)
}

/// Reads the signatures of a covenant member.
fn covenant_signatures(path: &str) -> anyhow::Result<CovenantSignatures> {
    let text = input::text_file(path)?;
    // What serde found is not printed: a key file that is given by mistake holds a secret.
    ensure!(
        text.trim_start().starts_with('{'),
        "not a JSON object; must be what `covenant sign --json` prints"
    );
    Ok(serde_json::from_str(&text)?)
}

/// Parses the path of a parameters file.
pub(crate) fn parameters_file() -> argument::Parser<ParametersHistory<Parameters>> {
    argument::file(parameters)
}

/// Parses the path of a file with delegations.
pub(crate) fn delegation_file() -> argument::Parser<Vec<Delegation>> {
    argument::file(delegations)
}

/// Parses the path of a file with what `covenant sign --json` printed.
pub(crate) fn covenant_signatures_file() -> argument::Parser<CovenantSignatures> {
    argument::file(covenant_signatures)
}

/// Returns the delegation of this staking transaction, or the only one.
pub(crate) fn one(all: Vec<Delegation>, txid: Option<Txid>) -> anyhow::Result<Delegation> {
    let count = all.len();
    let wanted = |delegation: &Delegation| {
        txid.is_none_or(|txid| delegation.staking_transaction.compute_txid() == txid)
    };
    let mut found = all.into_iter().filter(wanted);
    match (found.next(), found.next(), txid) {
        (Some(only), None, _) => Ok(only),
        (Some(_), Some(_), None) => bail!("the file has {count} delegations; --staking-txid must name one"),
        (Some(_), Some(_), Some(txid)) => {
            bail!("the file has several delegations of the staking transaction {txid}; must have one")
        }
        (None, _, Some(txid)) => {
            bail!("the file has {count} delegations; none is of the staking transaction {txid}")
        }
        (None, _, None) => bail!("the file has 0 delegations; must have at least 1"),
    }
}

/// Returns one delegation of a file, with what is known of the running stake that it extends.
pub(crate) fn select(
    given: &Argument<Vec<Delegation>>,
    txid: Option<Txid>,
    previous: Option<&Argument<Vec<Delegation>>>,
) -> anyhow::Result<Delegation> {
    let mut delegation = one(given.read()?, txid).with_context(|| given.name())?;
    if let Some(previous) = previous {
        let running = delegation.extends.as_ref().map(|running| running.txid);
        let running = running.context("--previous-delegation: the delegation does not extend a stake")?;
        let found = one(previous.read()?, Some(running)).with_context(|| previous.name())?;
        delegation.set_previous(&found).with_context(|| previous.name())?;
    }
    Ok(delegation)
}

/// Writes a new file that `--out` names; a file that exists is left as it is.
pub(crate) fn write_new(path: &Path, text: &str) -> anyhow::Result<String> {
    NewFile::begin("--out", path)?.write(&format!("{text}\n"))
}

/// A delegation, and the parameters it is made under.
#[derive(Args)]
pub(crate) struct DelegationArgs {
    /// The delegation: this program's JSON, a node's response (`babylond query btcstaking btc-delegation
    /// --output json`, or the REST gateway's), or the message that registered it; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = delegation_file())]
    delegation: Argument<Vec<Delegation>>,
    /// Which delegation of a file with several, by its staking transaction.
    #[arg(long, value_name = "TXID")]
    staking_txid: Option<Txid>,
    /// The delegation of the running stake, for an extension whose delegation has only its id.
    #[arg(long, value_name = "FILE", value_parser = delegation_file())]
    previous_delegation: Option<Argument<Vec<Delegation>>>,
    /// A parameters file, all versions: as the nodes of Babylon Genesis print it, as the staking API's
    /// network info has it, as `params show --all --json` does, or your own; of a phase-1 stake also in the
    /// form of phase 1, where the step is one that it has; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = any_parameters_file())]
    params: Argument<AnyParameters>,
    #[command(flatten)]
    chain: ChainArgs,
}

impl DelegationArgs {
    fn delegation(&self) -> anyhow::Result<Delegation> {
        select(&self.delegation, self.staking_txid, self.previous_delegation.as_ref())
    }

    /// Reads the files, with parameters of Babylon Genesis.
    pub(crate) fn read(&self) -> anyhow::Result<Files> {
        let delegation = self.delegation()?;
        let params = self.params.read()?.genesis().with_context(|| self.params.name())?;
        Ok(Files::new(delegation, params, self.chain))
    }

    /// Reads the files for a step that ends a stake: under parameters that are not mainnet's it goes on
    /// with a warning, under those that the stake was made under.
    pub(crate) fn read_to_end(&self) -> anyhow::Result<Files> {
        mainnet::to_end(self.read()?, &self.params.name())
    }

    /// Reads the files, with parameters of either form.
    pub(crate) fn read_any(&self) -> anyhow::Result<AnyFiles> {
        Ok(AnyFiles::new(self.delegation()?, self.params.read()?, self.chain))
    }

    /// Reads the files as [`read_to_end`](Self::read_to_end) does, with parameters of either form.
    pub(crate) fn read_any_to_end(&self) -> anyhow::Result<AnyFiles> {
        Ok(match self.read_any()? {
            AnyFiles::Genesis(files) => AnyFiles::Genesis(mainnet::to_end(files, &self.params.name())?),
            AnyFiles::Phase1(files) => AnyFiles::Phase1(mainnet::phase1_to_end(files, &self.params.name())?),
        })
    }

    /// Returns the name of the parameters' argument, for errors.
    pub(crate) fn params_name(&self) -> String {
        self.params.name()
    }
}

/// A delegation and the parameters it is made under, as read from their files.
pub(crate) struct Files {
    pub(crate) delegation: Delegation,
    pub(crate) params: ParametersHistory<Parameters>,
    pub(crate) chain: ChainArgs,
    /// Warnings about the parameters.
    notes: Vec<String>,
}

impl Files {
    pub(crate) const fn new(
        delegation: Delegation,
        params: ParametersHistory<Parameters>,
        chain: ChainArgs,
    ) -> Self {
        Self { delegation, params, chain, notes: Vec::new() }
    }

    /// Returns the files with other parameters, and a warning about them.
    pub(super) fn under(self, params: ParametersHistory<Parameters>, note: String) -> Self {
        Self { params, notes: vec![note], ..self }
    }

    /// Returns the parameters that the delegation is made under.
    pub(crate) fn parameters(&self) -> anyhow::Result<&Parameters> {
        Ok(self.delegation.parameters(&self.params).context("--delegation")?.1)
    }

    /// Returns the covenant committee that the stake was made with.
    pub(crate) fn covenant(&self) -> anyhow::Result<&CovenantCommittee> {
        Ok(self.parameters()?.covenant())
    }

    /// Returns the committee of the running stake that the delegation extends, where it is known.
    pub(crate) fn previous_covenant(&self) -> Option<&CovenantCommittee> {
        self.delegation.previous_parameters(&self.params).map(Parameters::covenant)
    }

    /// Returns the delegation with its transactions when it keeps every rule, or every rule that it breaks.
    pub(crate) fn check(&self, in_force: InForce) -> Result<CheckedDelegation, Vec<StakeViolation>> {
        check(&self.delegation, &self.params, self.chain, in_force)
    }

    /// Checks under the parameters that the delegation names, for steps that end at a broken rule; a proof of
    /// possession may be absent.
    ///
    /// # Errors
    /// [`Refused`], with every rule that is broken.
    pub(crate) fn checked(&self) -> anyhow::Result<CheckedStake> {
        let (history, in_force, chain) = (&self.params, InForce::AsStated, self.chain.rules());
        let checked = self.delegation.check_stake(&CheckRules { history, in_force, chain });
        Ok(checked.map_err(|found| Refused::new(&found))?)
    }

    /// Returns the pre-signed transactions as the delegation has them, with what differs from those that are
    /// drafted here.
    ///
    /// # Errors
    /// [`Refused`] when they break rules; and when one is absent, or they are of no stake in the file.
    pub(crate) fn presigned(&self) -> anyhow::Result<(PresignedTransactions, Vec<String>)> {
        let parameters = self.parameters()?;
        match self.delegation.presigned(parameters) {
            Ok(found) => {
                let differences = found.differences(parameters).iter().map(ToString::to_string).collect();
                Ok((found, differences))
            }
            Err(DelegationError::Broken(found)) => Err(Refused::new(&found).into()),
            Err(error) => Err(anyhow::Error::new(error).context("--delegation")),
        }
    }

    /// Returns every rule that the delegation breaks, under the parameters that it is made under.
    pub(crate) fn violations(&self) -> Vec<StakeViolation> {
        self.check(InForce::AsStated).err().unwrap_or_default()
    }

    /// Returns the transactions that covenant members sign, whether the stake keeps the rules or not.
    ///
    /// # Errors
    /// When a pre-signed transaction is absent or not of this stake, or the delegation is of an extension and
    /// the running stake is not known.
    pub(crate) fn transactions(&self) -> anyhow::Result<StakeTransactions> {
        let found = self.delegation.transactions(self.covenant()?, self.previous_covenant());
        let found = found.context("--delegation")?;
        ensure!(
            found.extension().is_some() || self.delegation.extends.is_none(),
            "--delegation extends a stake of which not enough is known; --previous-delegation must be its delegation"
        );
        Ok(found)
    }

    /// Returns how many covenant members have signed and the quorum, with a warning for each member whose
    /// signatures do not verify, and one for members above the quorum.
    ///
    /// # Errors
    /// When a pre-signed transaction is absent or not of this stake.
    pub(crate) fn covenant_quorum(&self) -> anyhow::Result<(CovenantQuorum, Vec<String>)> {
        let found = self.delegation.covenant_quorum(self.covenant()?, self.previous_covenant())?;
        let warnings = invalid_signatures(&found).chain(surplus(&found)).collect();
        Ok((found, warnings))
    }

    /// Returns a warning for each rule that the delegation breaks, for steps that go on all the same. What a
    /// step needs and is absent is an error of its own.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let found = self.violations();
        let version = match self.delegation.parameters {
            ParametersAt::Unstated => self.delegation.parameters(&self.params).ok(),
            _ => None,
        };
        let taken = version.map(|(number, _)| {
            format!("the delegation names no parameters version; {number} is taken, by its outputs")
        });
        let broken = found.iter().filter(|found| !matches!(found, StakeViolation::Absent(_)));
        let broken = broken
            .map(|found| format!("the delegation breaks the rule {}: {}", found.rule(), message(found)));
        self.notes.iter().cloned().chain(taken).chain(broken).collect()
    }

    /// Returns the warnings of a step that uses the covenant signatures: [`warnings`](Self::warnings), and
    /// those of [`covenant_quorum`](Self::covenant_quorum).
    pub(crate) fn covenant_warnings(&self) -> Vec<String> {
        let invalid = self.covenant_quorum().map(|(_, warnings)| warnings).unwrap_or_default();
        self.warnings().into_iter().chain(invalid).collect()
    }
}

/// Returns a warning for each covenant member whose signatures do not verify.
pub(super) fn invalid_signatures(found: &CovenantQuorum) -> impl Iterator<Item = String> {
    let warning = |error: &CovenantSignaturesError| {
        format!("covenant_signatures: {:#}", anyhow::Error::new(error.clone()))
    };
    found.invalid.iter().map(warning)
}

/// Returns a warning when more covenant members than the quorum have signed.
pub(crate) fn surplus(found: &CovenantQuorum) -> Option<String> {
    let CovenantQuorum { signed, quorum, .. } = found;
    (*signed > usize::from(*quorum)).then(|| {
        format!("{signed} covenant members have signed; the quorum is {quorum}, and a transaction takes no more than that")
    })
}

/// Checks a delegation, as [`Files::check`] does.
pub(crate) fn check(
    delegation: &Delegation,
    history: &ParametersHistory<Parameters>,
    chain: ChainArgs,
    in_force: InForce,
) -> Result<CheckedDelegation, Vec<StakeViolation>> {
    delegation.check(&CheckRules { history, in_force, chain: chain.rules() })
}

/// Returns what only the state of the chains tells of a delegation: `registered` (whether the staking
/// transaction was registered before), `provider_known`, `provider_slashed` and `funding_is_a_stake` (whether
/// a coin that is spent is another stake); of an extension `running_stake_active` and `same_account` too; and
/// without an inclusion `age`, whether the stake is in a block all the same, and how much of its staking time
/// is left.
pub(crate) fn not_checked(delegation: &Delegation) -> Vec<&'static str> {
    let always = ["registered", "provider_known", "provider_slashed", "funding_is_a_stake"];
    let of_extension: &[&str] = match delegation.extends {
        Some(_) => &["running_stake_active", "same_account"],
        None => &[],
    };
    let age = delegation.inclusion.is_none().then_some("age");
    always.into_iter().chain(of_extension.iter().copied()).chain(age).collect()
}

/// Returns which parameters must be in force: those of a height that the caller knows, or the last version.
pub(crate) fn in_force(
    history: &ParametersHistory<Parameters>,
    height: Option<Height>,
) -> anyhow::Result<InForce> {
    let Some(height) = height else { return Ok(InForce::Latest) };
    history.in_force(height).context("--height")?;
    Ok(InForce::At(height))
}
