//! The scenarios.

use anyhow::Context;
use bitcoin::FeeRate;
use chain::Node;
use eots::SecretKey;
use staking_scripts::delegation::WithdrawnOutput;
use staking_scripts::outputs::Leaf;
use staking_scripts::{LeafTransaction, SlashedOutput, SpendPath};

use super::attempts::{signed_by, with_witness};
use super::cast::{Cast, QUORUM};
use super::report::ScenarioReport;
use super::stage::{Stage, Stake};
use super::voting::equivocate;

/// A scenario of a stake's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A finality provider equivocates, and the staking output is slashed.
    Slash,
    /// A finality provider equivocates while the stake unbonds, and the unbonding output is slashed.
    SlashUnbonding,
    /// The staker leaves early, with the covenant committee's consent.
    Unbond,
    /// The staking time ends.
    Expire,
    /// The stake is extended, and then its staking time ends.
    Extend,
    /// A signer refuses to equivocate, and its key is taken by force.
    #[cfg(feature = "signer")]
    Signer,
    /// A watchtower slashes two stakes, killed in between and against a reorg.
    #[cfg(feature = "watch")]
    Watch,
}

impl Scenario {
    /// The scenarios of `all`, in the order in which they are played.
    pub(crate) const ALL: [Self; 5] =
        [Self::Slash, Self::SlashUnbonding, Self::Unbond, Self::Expire, Self::Extend];

    /// Returns the name, as it is given on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Slash => "slash",
            Self::SlashUnbonding => "slash-unbonding",
            Self::Unbond => "unbond",
            Self::Expire => "expire",
            Self::Extend => "extend",
            #[cfg(feature = "signer")]
            Self::Signer => "signer",
            #[cfg(feature = "watch")]
            Self::Watch => "watch",
        }
    }

    /// Returns what the scenario shows, in a few words.
    const fn title(self) -> &'static str {
        match self {
            Self::Slash => "a finality provider signs two blocks at one height, and the stake is slashed",
            Self::SlashUnbonding => "a finality provider signs two blocks while the stake unbonds",
            Self::Unbond => "the staker leaves early, with the covenant committee's consent",
            Self::Expire => "the staking time ends",
            Self::Extend => "the stake is extended under new parameters, and then its staking time ends",
            #[cfg(feature = "signer")]
            Self::Signer => {
                "a signer refuses to sign two blocks at one height, until its key is taken by force"
            }
            #[cfg(feature = "watch")]
            Self::Watch => "a watchtower slashes two stakes, killed in between and against a reorg",
        }
    }

    /// Returns how many stakes it has.
    pub(crate) const fn stakes(self) -> u32 {
        match self {
            #[cfg(feature = "watch")]
            Self::Watch => 3,
            _ => 1,
        }
    }

    /// Plays the scenario to its end. Of an extended stake, the status is that of the extension.
    pub(crate) fn play(self, node: &dyn Node, cast: &Cast) -> anyhow::Result<ScenarioReport> {
        let mut stage = Stage::new(node, cast);
        let mut stake = stage.stake()?;
        let staking_script_pubkey = stake.checked.staking().tx_out().script_pubkey.to_hex_string();
        let mut extracted_key_matches = None;
        let [even, odd] = &cast.providers;
        match self {
            Self::Slash => {
                attempts(&mut stage, &stake)?;
                let (extracted, matches) = equivocate(&mut stage, even)?;
                extracted_key_matches = Some(matches);
                stage.slash(&stake, SlashedOutput::Staking, &extracted)?;
            }
            Self::SlashUnbonding => {
                stage.unbond(&stake)?;
                without_key(&mut stage, &stake, SlashedOutput::Unbonding, &unbonding_leaf(&stake)?)?;
                let (extracted, matches) = equivocate(&mut stage, odd)?;
                extracted_key_matches = Some(matches);
                stage.slash(&stake, SlashedOutput::Unbonding, &extracted)?;
            }
            Self::Unbond => {
                let height = stage.unbond(&stake)?;
                stage.withdraw(&stake, WithdrawnOutput::Unbonding, height)?;
            }
            Self::Expire => stage.withdraw(&stake, WithdrawnOutput::Staking, stake.height)?,
            Self::Extend => {
                stake = stage.extend(&stake)?;
                stage.withdraw(&stake, WithdrawnOutput::Staking, stake.height)?;
            }
            #[cfg(feature = "signer")]
            Self::Signer => {
                let (extracted, matches) = super::own_signer::equivocate_by_force(&mut stage, even)?;
                extracted_key_matches = Some(matches);
                stage.slash(&stake, SlashedOutput::Staking, &extracted)?;
            }
            #[cfg(feature = "watch")]
            Self::Watch => {
                let matches = super::watching::slash_whatever_happens(&mut stage, &stake, &cast.providers)?;
                extracted_key_matches = Some(matches);
            }
        }
        let final_status = stage.status(&stake)?.as_str().to_owned();
        Ok(ScenarioReport {
            name: self.name().to_owned(),
            title: self.title().to_owned(),
            steps: stage.steps,
            staking_script_pubkey,
            extracted_key_matches,
            final_status,
            outputs: stage.outputs,
            equivocation: stage.equivocation,
        })
    }
}

/// Returns the leaf of a path of the staking output.
fn staking_leaf(stake: &Stake, path: SpendPath) -> anyhow::Result<&Leaf> {
    stake
        .checked
        .staking()
        .output()
        .taproot()
        .leaf(path)
        .with_context(|| format!("the staking output has no {path} path"))
}

/// Returns the slashing leaf of the unbonding output.
fn unbonding_leaf(stake: &Stake) -> anyhow::Result<Leaf> {
    let output = stake.checked.presigned().unbonding.unbonding_output();
    output
        .output()
        .taproot()
        .leaf(SpendPath::Slashing)
        .cloned()
        .context("the unbonding output has no slashing path")
}

/// Tries the spends that must fail while the stake is locked.
fn attempts(stage: &mut Stage<'_>, stake: &Stake) -> anyhow::Result<()> {
    let cast = stage.cast;
    let covenant: Vec<&SecretKey> = cast.covenant.iter().collect();
    let quorum = usize::from(QUORUM);

    let withdrawal = stake.delegation.withdrawal(
        WithdrawnOutput::Staking,
        cast.wallet_script(),
        FeeRate::from_sat_per_vb_u32(2),
        stake.parameters.covenant(),
    )?;
    let transaction = withdrawal.finalize(&withdrawal.sign_as_staker(&cast.staker)?)?;
    stage.refused(
        "withdraw at once",
        "the staker, long before the timelock",
        (&transaction, withdrawal.psbt()),
        SpendPath::Timelock,
    )?;

    let unbonding = &stake.checked.presigned().unbonding;
    let (leaf, sighash) = (staking_leaf(stake, SpendPath::Unbonding)?, unbonding.sighash());
    let mut unbond = |name: &str, text: &str, signers: &[&SecretKey]| {
        let transaction = with_witness(unbonding.unsigned(), leaf, signed_by(signers, sighash)?);
        stage.refused(name, text, (&transaction, unbonding.psbt()), SpendPath::Unbonding)
    };
    unbond("unbond alone", "the staker without the covenant committee", &[&cast.staker])?;
    let below: Vec<_> =
        covenant.iter().copied().take(quorum.saturating_sub(1)).chain([&cast.staker]).collect();
    unbond("quorum minus one", "the staker with one covenant signature too few", &below)?;

    without_key(stage, stake, SlashedOutput::Staking, staking_leaf(stake, SpendPath::Slashing)?)
}

/// Tries to slash without the finality provider's key, and with the adaptor signatures as if they were
/// signatures.
fn without_key(
    stage: &mut Stage<'_>,
    stake: &Stake,
    which: SlashedOutput,
    leaf: &Leaf,
) -> anyhow::Result<()> {
    let cast = stage.cast;
    let quorum = usize::from(QUORUM);
    let slashing = stake.delegation.slashing(which, stake.parameters.covenant())?;
    let given = stake.delegation.covenant_signatures.iter();
    let given: Vec<_> = given.map(|given| given.slashing_of(which)).collect();
    let sighash = slashing.sighash();

    // Even if the staker and a quorum signed without encryption.
    let conspirators: Vec<_> = cast.covenant.iter().take(quorum).chain([&cast.staker]).collect();
    let transaction = with_witness(slashing.unsigned(), leaf, signed_by(&conspirators, sighash)?);
    let text = "staker and covenant quorum, all signing outright, but not the finality provider";
    stage.refused("slash without its key", text, (&transaction, slashing.psbt()), SpendPath::Slashing)?;

    // Even if the finality provider signed: the adaptor signatures are not signatures yet.
    let signers = [&cast.staker, &cast.providers[0]];
    let sign = signed_by(&signers, sighash)?;
    let transaction = with_witness(slashing.unsigned(), leaf, |key| {
        let adaptor = given.iter().take(quorum).find(|given| given.member == *key);
        let adaptor = adaptor.and_then(|given| given.signatures.first());
        // x(R0) and s, which has the form of a signature.
        adaptor.map(|adaptor| adaptor.to_bytes().iter().skip(1).copied().collect()).or_else(|| sign(key))
    });
    let text = "the covenant's adaptor signatures, not decrypted";
    stage.refused("adaptor used as it is", text, (&transaction, slashing.psbt()), SpendPath::Slashing)
}
