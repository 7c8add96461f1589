//! What the commands of `risk` read: chains, what they hold, and who secures them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use bitcoin::Amount;
use finality::risk::{RiskChain, RiskModel, RiskProvider, SharedSecurity, Threshold};
use serde::{Deserialize, Serialize};

use super::argument::{self, Argument};
use super::input;
#[cfg(feature = "watch")]
use super::watch_store::{Place, WatchStoreArgs};

/// The most providers and chains, and the most places of providers on chains: with these, a report takes
/// a minute at most.
const MAX_PROVIDERS: usize = 1000;
const MAX_CHAINS: usize = 128;
const MAX_PLACES: usize = 10_000;
/// The most characters of a name.
const MAX_NAME: usize = 128;
/// Characters that change the direction of text, so that a name could be read as another.
const DIRECTIONS: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// The input of a command of `risk`.
#[derive(clap::Args)]
pub(crate) struct RiskArgs {
    /// The chains, what they hold, and who secures them: JSON, as `btcstake risk example` prints it; - is
    /// standard input.
    #[arg(long, value_name = "FILE", value_parser = argument::file(input::text_file))]
    input: Argument<String>,
    #[cfg(feature = "watch")]
    #[command(flatten)]
    store: WatchStoreArgs,
    /// With a store: what was staked when Bitcoin's tip had this height [default: the last block that the
    /// watchtower has judged].
    #[cfg(feature = "watch")]
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u32).range(..500_000_000))]
    height: Option<u32>,
}

/// Chains, what they hold, and who secures them. Every unit and every price comes from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskInput {
    /// The part of a stake that is slashed, above 0 and at most 1, with at most four decimals: `0.001` on
    /// mainnet.
    pub slashing_rate: String,
    /// How many of each unit are worth one bitcoin. Chains state their values in satoshis, or in one of
    /// these units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub units_per_btc: BTreeMap<String, u64>,
    /// The finality providers. With a watchtower's store, which has the stakes, only those that are to have
    /// an operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<RiskInputProvider>,
    /// The chains.
    pub chains: Vec<RiskInputChain>,
}

/// A finality provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskInputProvider {
    /// Its name; with a store its public key.
    pub name: String,
    /// Who runs it: what several providers of one operator do, one decides. Itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The satoshis that are staked to it; absent with a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stake_sat: Option<u64>,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskInputChain {
    /// Its name.
    pub name: String,
    /// What whoever corrupts it gains, in satoshis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_sat: Option<u64>,
    /// The same in place of `value_sat`, in the unit that `unit` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// One of `units_per_btc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The share of its power that corrupts it, as numerator and denominator: a third when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<[u32; 2]>,
    /// The names of the providers that secure it; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secured_by: Option<Vec<String>>,
}

/// An input that was read.
pub(crate) struct ReadRisk {
    pub(crate) model: RiskModel,
    /// By chain, its value as the input states it, where that is not in satoshis.
    pub(crate) stated: Vec<Option<String>>,
    /// The height of Bitcoin that the stakes are of, where they are from a store.
    pub(crate) height: Option<u32>,
    pub(crate) warnings: Vec<String>,
}

/// What a store says of the providers.
#[cfg_attr(not(feature = "watch"), allow(dead_code, reason = "there is no store without it"))]
struct Staked {
    height: u32,
    /// The satoshis staked to each, by its key.
    providers: BTreeMap<String, u64>,
    warnings: Vec<String>,
}

impl RiskArgs {
    /// Reads the input, and the store where one is given.
    pub(crate) fn read(&self) -> anyhow::Result<ReadRisk> {
        let text = self.input.read()?;
        let input: RiskInput = serde_json::from_str(&text).with_context(|| self.input.name())?;
        let staked = self.staked()?;
        input.check(staked).with_context(|| self.input.name())
    }

    #[cfg(feature = "watch")]
    fn staked(&self) -> anyhow::Result<Option<Staked>> {
        match self.store.place()? {
            Some(place) => staked(&place, self.height).map(Some),
            None if self.height.is_some() => {
                bail!("--height is given without --store; must be with it, as the input has no heights")
            }
            None => Ok(None),
        }
    }

    #[cfg(not(feature = "watch"))]
    const fn staked(&self) -> anyhow::Result<Option<Staked>> {
        Ok(None)
    }
}

#[cfg(feature = "watch")]
fn staked(place: &Place, height: Option<u32>) -> anyhow::Result<Staked> {
    let (_, stored) = place.read()?;
    let last = stored.tracker.height();
    let height = height.unwrap_or(last);
    ensure!(height <= last, "--height is {height}; must be at most {last}, the last block that was judged");
    let found = stored.tracker.statistics(height, stored.depth);
    let mut warnings = Vec::new();
    if stored.looks_back > 0 {
        let count = stored.looks_back;
        warnings.push(format!("blocks are still looked at again for {count} stakes: stakes may be missing"));
    }
    let sum = found.providers.iter().fold(0_u64, |sum, it| sum.saturating_add(it.active_sat));
    if let Some(twice) = sum.checked_sub(found.active_sat).filter(|twice| *twice > 0) {
        warnings.push(format!(
            "stakes to several providers count for each of them, {twice} sat more than are staked: such providers together lose less than is said here"
        ));
    }
    let mut providers = BTreeMap::new();
    for it in found.providers {
        let is_accused = stored.accused.contains(&it.provider);
        if is_accused {
            let key = it.provider;
            warnings
                .push(format!("{key} equivocated, by evidence in the store: its stake counts for nothing"));
        }
        providers.insert(it.provider.to_string(), if is_accused { 0 } else { it.active_sat });
    }
    Ok(Staked { height, providers, warnings })
}

impl RiskInput {
    /// Checks everything, and puts the stakes of a store in.
    fn check(self, staked: Option<Staked>) -> anyhow::Result<ReadRisk> {
        let (height, in_store, mut warnings) = match staked {
            Some(Staked { height, providers, warnings }) => (Some(height), Some(providers), warnings),
            None => (None, None, Vec::new()),
        };
        let slashing_rate = self.slashing_rate.parse().context("slashing_rate")?;
        let providers = with_stakes(self.providers, in_store, &mut warnings)?;
        let (all, count) = (providers.len(), self.chains.len());
        ensure!(all <= MAX_PROVIDERS, "providers: there are {all}; must be at most {MAX_PROVIDERS}");
        ensure!(count <= MAX_CHAINS, "chains: there are {count}; must be at most {MAX_CHAINS}");
        let on = |chain: &RiskInputChain| chain.secured_by.as_ref().map_or(all, Vec::len);
        let places = self.chains.iter().fold(0_usize, |sum, chain| sum.saturating_add(on(chain)));
        ensure!(
            places <= MAX_PLACES,
            "chains: providers have {places} places on them; must be at most {MAX_PLACES}"
        );
        for (unit, per_btc) in &self.units_per_btc {
            check_name(unit).context("units_per_btc")?;
            ensure!(*per_btc > 0, "units_per_btc: {unit:?} is 0 for one bitcoin; must be above 0");
        }
        let (mut chains, mut stated) = (Vec::new(), Vec::new());
        for chain in self.chains {
            check_name(&chain.name).context("chains")?;
            let named = || format!("chain {:?}", chain.name);
            stated.push(chain.unit.as_ref().zip(chain.value).map(|(unit, value)| format!("{value} {unit}")));
            chains.push(chain.check(&self.units_per_btc).with_context(named)?);
        }
        let model = RiskModel::new(SharedSecurity { slashing_rate, providers, chains })?;
        for (place, chain) in model.input().chains.iter().enumerate() {
            if model.concentration(place).is_empty() {
                warnings.push(format!(
                    "no stake secures the chain {:?}: whatever it holds is anybody's",
                    chain.name
                ));
            }
        }
        Ok(ReadRisk { model, stated, height, warnings })
    }
}

/// Returns the providers with their stakes: those of the input, or of the store.
fn with_stakes(
    listed: Vec<RiskInputProvider>,
    in_store: Option<BTreeMap<String, u64>>,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Vec<RiskProvider>> {
    let mut rest = in_store.clone().unwrap_or_default();
    let mut providers = Vec::new();
    let mut sum = 0_u64;
    for RiskInputProvider { name, operator, stake_sat } in listed {
        check_name(&name).context("providers")?;
        let named = || format!("provider {name:?}");
        if let Some(operator) = &operator {
            check_name(operator).context("operator").with_context(named)?;
        }
        let stake_sat = match (&in_store, stake_sat) {
            (None, Some(stake_sat)) => stake_sat,
            (None, None) => bail!("{}: stake_sat is absent; must be given, or --store", named()),
            (Some(_), Some(_)) => {
                bail!("{}: stake_sat is given; must be absent, as --store has the stakes", named())
            }
            (Some(stakes), None) => {
                let key: Result<bitcoin::XOnlyPublicKey, _> = name.parse();
                ensure!(
                    key.is_ok_and(|key| key.to_string() == name),
                    "{}: it is no public key in lower-case hex; must be one with --store",
                    named()
                );
                rest.remove(&name);
                stakes.get(&name).copied().unwrap_or_else(|| {
                    warnings.push(format!("the store has no active stake to the provider {name}"));
                    0
                })
            }
        };
        sum = sum.saturating_add(stake_sat);
        providers.push(RiskProvider { name, operator, stake_sat });
    }
    let unnamed = rest.into_iter().map(|(name, stake_sat)| RiskProvider { name, operator: None, stake_sat });
    providers.extend(unnamed);
    let most = Amount::MAX_MONEY.to_sat();
    ensure!(
        in_store.is_some() || sum <= most,
        "providers: {sum} sat are staked to them; must be at most {most}, all there will ever be"
    );
    Ok(providers)
}

impl RiskInputChain {
    fn check(&self, units_per_btc: &BTreeMap<String, u64>) -> anyhow::Result<RiskChain> {
        let value_sat = match (self.value_sat, self.value, &self.unit) {
            (Some(value_sat), None, None) => value_sat,
            (None, Some(value), Some(unit)) => {
                let per_btc = units_per_btc.get(unit).copied();
                let per_btc = per_btc.with_context(|| {
                    format!("unit: {unit:?} is not in units_per_btc; must be one of them")
                })?;
                // Rounded up: what may be gained is not less than that.
                let sats = u128::from(value).saturating_mul(Amount::ONE_BTC.to_sat().into());
                u64::try_from(sats.div_ceil(u128::from(per_btc.max(1)))).unwrap_or(u64::MAX)
            }
            _ => bail!("its value is not one number; must be value_sat, or value and unit"),
        };
        let most = Amount::MAX_MONEY.to_sat();
        ensure!(
            value_sat <= most,
            "its value is {value_sat} sat; must be at most {most}, all there will ever be"
        );
        let threshold = self.threshold.unwrap_or([1, 3]);
        let [numerator, denominator] = threshold;
        let mut secured_by = None;
        for name in self.secured_by.iter().flatten() {
            let names: &mut BTreeSet<String> = secured_by.get_or_insert_default();
            ensure!(names.insert(name.clone()), "secured_by: {name:?} is listed twice");
        }
        // An empty list is nobody, not everybody.
        let secured_by = secured_by.or_else(|| self.secured_by.as_ref().map(|_| BTreeSet::new()));
        let threshold = Threshold::new(numerator, denominator)?;
        Ok(RiskChain { name: self.name.clone(), value_sat, threshold, secured_by })
    }
}

/// Checks that a name can be printed.
fn check_name(name: &str) -> anyhow::Result<()> {
    let length = name.chars().count();
    ensure!((1..=MAX_NAME).contains(&length), "a name has {length} characters; must have 1 to {MAX_NAME}");
    let odd = name.chars().find(|c| c.is_control() || DIRECTIONS.contains(c));
    if let Some(odd) = odd {
        bail!(
            "the name {name:?} has the character {}; must have none that controls or turns text",
            odd.escape_unicode()
        );
    }
    Ok(())
}
