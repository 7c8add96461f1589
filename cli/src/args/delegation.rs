//! The files that roles exchange: parameters and delegations.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use bitcoin::absolute::Height;
use bitcoin::{Txid, Work};
use clap::Args;
use finality::SigningContext;
use spv::{Anchor, TrustedHeader};
use staking_scripts::delegation::{CheckedStake, CovenantQuorum, CovenantSignaturesError, StakeTransactions};
use staking_scripts::{
    ChainRules, CheckRules, CheckedDelegation, CovenantCommittee, CovenantSignatures, Delegation, InForce,
    Parameters, ParametersAt, ParametersHistory, StakeViolation,
};

use super::argument::{self, Argument};
use super::input;
use super::network::NetworkName;
use super::new_file::NewFile;
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

/// The chains of a stake.
#[derive(Args, Clone, Copy)]
pub(crate) struct ChainArgs {
    /// The Bitcoin network: of every address, and of a delegation that says where it was included.
    #[arg(long, default_value = "mainnet")]
    pub(crate) network: NetworkName,
    /// How many blocks must be on top of the block that includes it.
    #[arg(long, value_name = "BLOCKS", default_value_t = ChainRules::MAINNET.depth)]
    pub(crate) depth: u32,
    /// The signing context of stakers' proofs of possession on a consumer chain; absent on
    /// Babylon Genesis.
    #[arg(long, value_name = "64 HEX DIGITS")]
    pub(crate) signing_context: Option<SigningContext>,
    /// The least total work of the headers of an inclusion, in hex, as `getblockheader` has `chainwork`:
    /// headers of low difficulty are cheap to forge.
    #[arg(long, value_name = "HEX", value_parser = input::work)]
    min_work: Option<Work>,
    /// A block of your own node's chain that must be among the headers of an inclusion, or the parent of the
    /// first, with its height: the height that a delegation says is the staker's word.
    #[arg(long, value_name = "HASH[:HEIGHT]", value_parser = input::trusted_header)]
    trusted_header: Option<TrustedHeader>,
}

impl ChainArgs {
    /// Returns the defaults on a network.
    pub(crate) const fn of(network: NetworkName) -> Self {
        let depth = ChainRules::MAINNET.depth;
        Self { network, depth, signing_context: None, min_work: None, trusted_header: None }
    }

    fn rules(self) -> ChainRules {
        let signing_context = self.signing_context.unwrap_or(SigningContext::GENESIS);
        let anchor = Anchor { min_work: self.min_work, header: self.trusted_header };
        ChainRules { network: self.network.into(), depth: self.depth, signing_context, anchor }
    }

    /// Returns warnings for an inclusion that nothing ties to the chain that nodes follow, or whose height is
    /// the staker's word.
    pub(crate) fn unanchored(&self, delegation: &Delegation) -> Vec<String> {
        if delegation.inclusion.is_none() {
            return Vec::new();
        }
        let is_held = self.min_work.is_some() || self.trusted_header.is_some();
        let unanchored = (!is_held).then_some(
            "unanchored: the headers show work, but not that they are of the chain that nodes follow, and a few are \
             cheap to forge; --trusted-header and --min-work tie them to it",
        );
        let has_height = self.trusted_header.is_some_and(|trusted| trusted.height.is_some());
        let height = (!has_height).then_some(
            "the height of the inclusion is the delegation's word, and with it how much of the staking time is left; \
             --trusted-header HASH:HEIGHT tells it",
        );
        unanchored.into_iter().chain(height).map(ToOwned::to_owned).collect()
    }
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
    /// A parameters file, all versions: as the nodes of Babylon Genesis print it, as `params show --all
    /// --json` does, or your own; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = parameters_file())]
    params: Argument<ParametersHistory<Parameters>>,
    #[command(flatten)]
    chain: ChainArgs,
}

impl DelegationArgs {
    /// Reads the files.
    pub(crate) fn read(&self) -> anyhow::Result<Files> {
        let previous = self.previous_delegation.as_ref();
        let delegation = select(&self.delegation, self.staking_txid, previous)?;
        Ok(Files { delegation, params: self.params.read()?, chain: self.chain })
    }
}

/// A delegation and the parameters it is made under, as read from their files.
pub(crate) struct Files {
    pub(crate) delegation: Delegation,
    pub(crate) params: ParametersHistory<Parameters>,
    pub(crate) chain: ChainArgs,
}

impl Files {
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
    /// signatures do not verify.
    ///
    /// # Errors
    /// When a pre-signed transaction is absent or not of this stake.
    pub(crate) fn covenant_quorum(&self) -> anyhow::Result<(CovenantQuorum, Vec<String>)> {
        let found = self.delegation.covenant_quorum(self.covenant()?, self.previous_covenant())?;
        let warning = |error: &CovenantSignaturesError| {
            format!("covenant_signatures: {:#}", anyhow::Error::new(error.clone()))
        };
        let warnings = found.invalid.iter().map(warning).collect();
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
        taken.into_iter().chain(broken).collect()
    }

    /// Returns the warnings of a step that uses the covenant signatures: [`warnings`](Self::warnings), and
    /// one for each covenant member whose signatures do not verify.
    pub(crate) fn covenant_warnings(&self) -> Vec<String> {
        let invalid = self.covenant_quorum().map(|(_, warnings)| warnings).unwrap_or_default();
        self.warnings().into_iter().chain(invalid).collect()
    }
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

/// Returns which parameters must be in force: those of a height that the caller knows, or the last version.
pub(crate) fn in_force(
    history: &ParametersHistory<Parameters>,
    height: Option<Height>,
) -> anyhow::Result<InForce> {
    let Some(height) = height else { return Ok(InForce::Latest) };
    history.in_force(height).context("--height")?;
    Ok(InForce::At(height))
}
