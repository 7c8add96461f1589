//! What shared security is worth, as commands print it.

mod measure;
pub(crate) mod words;

use finality::risk::Power;
use serde::{Deserialize, Serialize};

use super::output::{CommandOutput, Exit};

/// The figures of chains on shared providers. Amounts are in satoshis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskReport {
    /// The height of Bitcoin that the stakes are of; null where the input has them.
    pub height: Option<u32>,
    /// The part of a stake that is slashed.
    pub slashing_rate: String,
    /// What is staked to all providers together.
    pub stake_sat: u64,
    /// What of it can be slashed, rounded down.
    pub slashable_sat: u64,
    /// The answers, one line for each question and chain.
    pub answers: Vec<String>,
    /// Whether an attack pays.
    pub security: RiskSecurity,
    /// The chains.
    pub chains: Vec<ChainRisk>,
    /// The operators, the one whose fall stalls most chains first.
    pub falls: Vec<OperatorFall>,
    /// The providers.
    pub providers: Vec<ProviderRisk>,
    /// What one more chain on all providers would do, with a threshold of a third.
    pub one_more_chain: OneMoreChain,
    /// The page that was written; null without one.
    pub written: Option<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Whether an attack pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RiskVerdict {
    /// None does.
    Secure,
    /// One does.
    AttackPays,
    /// None was found that does, and the search ended before it knew.
    Undecided,
}

/// Whether an attack pays, with a witness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskSecurity {
    /// `secure`, `attack_pays` or `undecided`.
    pub verdict: RiskVerdict,
    /// The attack that pays most of those that were found; null where none was.
    pub attack: Option<RiskAttack>,
    /// No attack gains more than this above what it loses, rounded up.
    pub most_gain_sat: u64,
    /// The coalition that gains most for each satoshi that it loses, whether it pays or not; null where no
    /// chain has a value.
    pub best: Option<RiskAttack>,
    /// What that one gains for each satoshi that it loses, between bounds: above 1 it pays. Null where
    /// nothing is lost.
    pub gain_per_loss: Option<FigureBounds>,
    /// Whether no provider is asked for more than it has, Σ (σ_v / σ_N(s)) · (π_s / α_s) ≤ σ_v: it is enough
    /// for security, and its lack proves nothing.
    pub overcollateralized: bool,
}

/// An attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskAttack {
    /// The chains that are corrupted.
    pub chains: Vec<String>,
    /// The providers that do it.
    pub providers: Vec<String>,
    /// What the chains hold together.
    pub value_sat: u64,
    /// What the providers are slashed, rounded up.
    pub slashed_sat: u64,
}

/// A figure between bounds, equal where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FigureBounds {
    /// It is at least this.
    pub at_least: f64,
    /// It is at most this; null where no bound is known.
    pub at_most: Option<f64>,
}

/// An amount between bounds, equal where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SatBounds {
    /// It is at least this.
    pub at_least: u64,
    /// It is at most this.
    pub at_most: u64,
}

/// The figures of a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChainRisk {
    /// Its name.
    pub name: String,
    /// What whoever corrupts it gains.
    pub value_sat: u64,
    /// The same in the input's own unit; null where that is the satoshi.
    pub value: Option<String>,
    /// The share of the power that corrupts it, as numerator and denominator.
    pub threshold: [u32; 2],
    /// How many providers secure it.
    pub providers: usize,
    /// What is staked to them.
    pub power_sat: u64,
    /// What it takes to stall it, to make two blocks of one height final, and to make blocks final alone;
    /// empty where no stake secures it.
    pub costs: Vec<PowerCost>,
    /// How much it may hold, with the other chains as they are, before an attack on it pays, rounded down;
    /// null where nothing bounds it.
    pub may_hold_sat: Option<SatBounds>,
    /// The providers that attack it when it holds more.
    pub attacked_by: Vec<String>,
    /// The chains that they attack with it.
    pub attacked_with: Vec<String>,
    /// How concentrated its power is, by operator.
    pub concentration: ConcentrationFigures,
}

/// What a coalition can do to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChainPower {
    /// Keep its blocks from becoming final: a third of the power or more.
    Stall,
    /// Make two blocks of one height final: more than a third.
    FinalizeTwice,
    /// Make blocks final alone: more than two thirds.
    FinalizeAlone,
}

impl ChainPower {
    pub(crate) const ALL: [Self; 3] = [Self::Stall, Self::FinalizeTwice, Self::FinalizeAlone];

    /// Returns the share that it takes, in words.
    pub(crate) const fn share(self) -> &'static str {
        match self {
            Self::Stall => "1/3 or more",
            Self::FinalizeTwice => "more than 1/3",
            Self::FinalizeAlone => "more than 2/3",
        }
    }

    const fn of(self) -> Power {
        match self {
            Self::Stall => Power::Stall,
            Self::FinalizeTwice => Power::FinalizeTwice,
            Self::FinalizeAlone => Power::FinalizeAlone,
        }
    }
}

/// What it takes to do something to a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PowerCost {
    /// `stall`, `finalize_twice` or `finalize_alone`.
    pub power: ChainPower,
    /// The share of the chain's power that it takes, in words.
    pub share: String,
    /// The least power that does it.
    pub needed_sat: u64,
    /// The power of the least coalition: above what is needed where no stakes add up to that.
    pub power_sat: SatBounds,
    /// A coalition with the larger of the two.
    pub providers: Vec<String>,
    /// What that coalition is slashed for it, rounded down: 0 for a stall, as silence is not slashed.
    pub slashed_sat: u64,
    /// What of its stakes can be slashed, whether it is or not.
    pub slashable_sat: u64,
    /// The Nakamoto coefficient: how few operators can do it.
    pub operators: usize,
}

/// How concentrated a chain's power is, by operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConcentrationFigures {
    /// How many operators have power.
    pub operators: usize,
    /// The shares of the largest: of one, of three, of ten.
    pub top_shares: Vec<TopShare>,
    /// The Herfindahl-Hirschman index, up to 10 000.
    pub hhi: f64,
    /// The Gini coefficient: 0 when all are equal, below 1.
    pub gini: f64,
    /// The Theil index: 0 when all are equal, at most ln n.
    pub theil: f64,
    /// The Shannon entropy in bits.
    pub shannon_bits: f64,
    /// The Rényi entropy of order 2 in bits.
    pub renyi_2_bits: f64,
    /// The min-entropy in bits.
    pub min_entropy_bits: f64,
}

/// The share of the largest operators.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TopShare {
    /// How many of them.
    pub operators: usize,
    /// Their share, 0 to 1.
    pub share: f64,
}

/// What the fall of an operator takes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OperatorFall {
    /// The operator, or the provider where it has none.
    pub operator: String,
    /// What is staked to its providers.
    pub stake_sat: u64,
    /// The chains that it secures.
    pub secures: Vec<String>,
    /// Those that stall when it is silent, until their tables leave it out.
    pub stalls: Vec<String>,
    /// Those on which it can make two blocks of one height final.
    pub finalizes_twice: Vec<String>,
    /// Those on which it makes blocks final alone.
    pub finalizes_alone: Vec<String>,
    /// Whether an attack by those that are left pays once it is slashed for good; null where that was not
    /// looked at: it is for the first twenty, or five on a large input.
    pub without_it: Option<RiskVerdict>,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProviderRisk {
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub operator: String,
    /// What is staked to it.
    pub stake_sat: u64,
    /// What of it can be slashed, once for all chains, rounded down.
    pub slashable_sat: u64,
    /// How many chains that stands for.
    pub chains: usize,
    /// What these hold together.
    pub value_sat: u64,
}

/// What one more chain would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OneMoreChain {
    /// How much it may hold, with the other chains as they are, before an attack on it pays; null where
    /// nothing bounds it.
    pub may_hold_sat: Option<SatBounds>,
    /// What the best attack on any chains gains for each satoshi that it loses, by what it holds.
    pub curve: Vec<CurvePoint>,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// What the chain holds.
    pub value_sat: u64,
    /// What the best attack gains for each satoshi that it loses; null where it loses nothing.
    pub gain_per_loss: Option<FigureBounds>,
}

impl CommandOutput for RiskReport {
    fn text(&self) -> String {
        words::text(self)
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl RiskSecurity {
    /// Returns the exit code: yes only where no attack pays for certain.
    pub(crate) const fn exit(&self) -> Exit {
        match self.verdict {
            RiskVerdict::Secure => Exit::Success,
            RiskVerdict::AttackPays | RiskVerdict::Undecided => Exit::Negative,
        }
    }

    /// Returns the answer to the question which set of chains pays an attacker, in one line.
    pub(crate) fn answer(&self) -> String {
        words::security(self)
    }
}
