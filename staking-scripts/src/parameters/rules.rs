//! The rules of parameters, each with its own error, and the raw values that they check.

use std::fmt;
use std::ops::RangeInclusive;

use bitcoin::absolute::Height;
use bitcoin::{Amount, ScriptBuf};
use serde::{Deserialize, Deserializer, de};

use crate::outputs::error::InvalidParties;
use crate::outputs::relay::UnsafeOutput;
use crate::outputs::timelock::Timelock;

/// A rule that a version of the parameters breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersRule {
    /// The version's number is not its position in the file, from 0.
    #[error("its number is {0}; must be its place in the file, from 0")]
    Number(u64),
    /// The activation height does not rise from version to version.
    #[error("its activation height is {later}; must be above {earlier}, that of the version before")]
    ActivationNotIncreasing {
        /// The activation height of the version before.
        earlier: Height,
        /// The activation height of this version.
        later: Height,
    },
    /// A number is not a block height.
    #[error("{field}: {found} is not a block height; must be below 500000000")]
    Height {
        /// The field.
        field: &'static str,
        /// The number found.
        found: u64,
    },
    /// A covenant key is not a public key of the file's form.
    #[error("covenant_pks: {0:?} is not {1}")]
    CovenantKey(String, &'static str),
    /// The keys and the quorum make no committee.
    #[error("covenant_pks, covenant_quorum: {0}")]
    Committee(InvalidParties),
    /// The quorum is not more than half of the members.
    #[error("covenant_quorum: a quorum of {quorum} is not more than half of {members} members")]
    NoMajority {
        /// The quorum.
        quorum: u16,
        /// The number of members.
        members: usize,
    },
    /// An amount is 0 or above 21 million bitcoin.
    #[error("{field}: {found} sat; must be above 0 and at most 21 million bitcoin")]
    AmountOutOfRange {
        /// The field.
        field: &'static str,
        /// The amount found, in satoshis.
        found: u64,
    },
    /// The lowest staking amount is above the highest.
    #[error("the least staking amount is {} sat; must be at most {} sat, the most", .least.to_sat(), .most.to_sat())]
    AmountsReversed {
        /// The lowest staking amount.
        least: Amount,
        /// The highest staking amount.
        most: Amount,
    },
    /// A time is not 1 to 65535 blocks.
    #[error("{field}: {found} blocks; must be 1 to 65535")]
    TimeOutOfRange {
        /// The field.
        field: &'static str,
        /// The number found.
        found: u64,
    },
    /// The lowest staking time is above the highest.
    #[error("the least staking time is {least} blocks; must be at most {most}, the most")]
    TimesReversed {
        /// The lowest staking time.
        least: Timelock,
        /// The highest staking time.
        most: Timelock,
    },
    /// The slashing script is not of the file's encoding.
    #[error("slashing_pk_script: {0:?} is not {1}")]
    SlashingScript(String, String),
    /// The slashing script neither burns in an output that nodes relay nor can be spent on purpose. Such a
    /// version is read all the same, as only new stakes and signatures must keep this rule.
    #[error("slashing_pk_script: {}", destination(.0))]
    SlashingDestination(UnsafeOutput),
    /// The slashing rate is not above 0 and below 1, or has more than four decimals.
    #[error("slashing_rate: {0:?}; must be above 0 and below 1, with at most four decimals")]
    SlashingRate(String),
    /// The lowest commission rate is not a decimal number from 0 to 1.
    #[error("min_commission_rate: {0:?} is not a decimal number from 0 to 1")]
    CommissionRate(String),
    /// The unbonding fee is not below the lowest staking amount.
    #[error("unbonding_fee: {} sat; must be below the least staking amount, {} sat", .fee.to_sat(), .least.to_sat())]
    UnbondingFeeTooHigh {
        /// The unbonding fee.
        fee: Amount,
        /// The lowest staking amount.
        least: Amount,
    },
    /// The slashed part of the lowest unbonding amount would be dust.
    #[error("slashing_rate: what is slashed of the least stake after unbonding cannot be relayed: {0}")]
    SlashedIsDust(UnsafeOutput),
    /// Phase 1: the tag is not 4 bytes of hex.
    #[error("tag: {0:?} is not 4 bytes of hex")]
    Tag(String),
    /// Phase 1: not exactly one cap is given.
    #[error("staking_cap, cap_height: none or both are given; exactly one must be, and above 0")]
    OneCap,
    /// Phase 1: the activation height is 0.
    #[error("activation_height: 0; must be above 0")]
    ActivationZero,
    /// Phase 1: the staking cap is below the highest staking amount.
    #[error("staking_cap: {} sat; must be at least the most that may be staked, {} sat", .cap.to_sat(), .most.to_sat())]
    CapTooLow {
        /// The cap.
        cap: Amount,
        /// The highest staking amount.
        most: Amount,
    },
    /// Phase 1: a staking cap is below the one of an earlier version.
    #[error("staking_cap: {} sat; must be at least {} sat, that of an earlier version", .later.to_sat(), .earlier.to_sat())]
    CapFalls {
        /// The last staking cap of the versions before.
        earlier: Amount,
        /// The cap of this version.
        later: Amount,
    },
    /// Phase 1: the lowest staking amount leaves less than 1000 sat after the unbonding fee.
    #[error("min_staking_amount: {} sat; must be at least the unbonding fee, {} sat, and 1000 sat", .least.to_sat(), .fee.to_sat())]
    LeastAmountTooLow {
        /// The lowest staking amount.
        least: Amount,
        /// The unbonding fee.
        fee: Amount,
    },
    /// Phase 1: the confirmation depth is not 2 to 65535.
    #[error("confirmation_depth: {0}; must be 2 to 65535")]
    ConfirmationDepth(u64),
}

/// Returns the text of a slashing script's fault.
fn destination(fault: &UnsafeOutput) -> String {
    let burns = matches!(fault, UnsafeOutput::NotABurn { .. });
    format!("{fault}{}", if burns { "" } else { ", or one OP_RETURN that burns" })
}

impl ParametersRule {
    /// Returns the machine name of the rule: stable, in snake case.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::ActivationNotIncreasing { .. } => "activation_not_increasing",
            Self::Height { .. } => "height",
            Self::CovenantKey(..) => "covenant_key",
            Self::Committee(_) => "committee",
            Self::NoMajority { .. } => "no_majority",
            Self::AmountOutOfRange { .. } => "amount_out_of_range",
            Self::AmountsReversed { .. } => "amounts_reversed",
            Self::TimeOutOfRange { .. } => "time_out_of_range",
            Self::TimesReversed { .. } => "times_reversed",
            Self::SlashingScript(..) => "slashing_script",
            Self::SlashingDestination(_) => "slashing_destination",
            Self::SlashingRate(_) => "slashing_rate",
            Self::CommissionRate(_) => "commission_rate",
            Self::UnbondingFeeTooHigh { .. } => "unbonding_fee_too_high",
            Self::SlashedIsDust(_) => "slashed_is_dust",
            Self::Tag(_) => "tag",
            Self::OneCap => "one_cap",
            Self::ActivationZero => "activation_zero",
            Self::CapTooLow { .. } => "cap_too_low",
            Self::CapFalls { .. } => "cap_falls",
            Self::LeastAmountTooLow { .. } => "least_amount_too_low",
            Self::ConfirmationDepth(_) => "confirmation_depth",
        }
    }

    /// Returns whether the rule concerns only new stakes and signatures: under a version that breaks it, a
    /// stake that was made can still be unbonded, slashed and withdrawn.
    pub const fn is_of_new_stakes(&self) -> bool {
        matches!(self, Self::SlashingDestination(_))
    }
}

/// A rule that a version breaks, with the version's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParametersViolation {
    /// The version's position in the file, from 0.
    pub version: usize,
    /// The rule that it breaks.
    pub rule: ParametersRule,
}

impl fmt::Display for ParametersViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}: {}", self.version, self.rule)
    }
}

/// A file has no valid parameters, or none in force at a height.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// The file is not JSON, or not of this form: the text has the position and what is expected. It is text
    /// because the JSON library's errors cannot be compared.
    #[error("not a parameters file: {0}")]
    Form(String),
    /// The file has parameters of the other kind: of phase 1, or of Babylon Genesis.
    #[error("these are {found}; must be {expected}")]
    OtherKind {
        /// The kind found.
        found: &'static str,
        /// The kind that is read.
        expected: &'static str,
    },
    /// The file has no version.
    #[error("the file has no version; must have at least one")]
    Empty,
    /// Versions break rules: every violation, in order.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Violations(Vec<ParametersViolation>),
    /// No version is in force at a height; the file itself is valid.
    #[error(
        "no parameters are in force at height {height}; must be at least {first}, the first activation height"
    )]
    NotInForce {
        /// The height.
        height: Height,
        /// The first version's activation height.
        first: Height,
    },
}

impl ParametersError {
    pub(super) fn check(violations: Vec<ParametersViolation>) -> Result<(), Self> {
        if violations.iter().all(|found| found.rule.is_of_new_stakes()) {
            return Ok(());
        }
        Err(Self::Violations(violations))
    }

    pub(super) fn form(error: &serde_json::Error) -> Self {
        Self::Form(error.to_string())
    }
}

/// The rules that one version breaks.
#[derive(Default)]
pub(super) struct Findings(Vec<ParametersRule>);

impl Findings {
    /// Returns the value, or records the violation.
    pub(super) fn note<T>(&mut self, result: Result<T, impl Into<ParametersRule>>) -> Option<T> {
        result.map_err(|rule| self.0.push(rule.into())).ok()
    }

    pub(super) fn require(&mut self, holds: bool, rule: impl FnOnce() -> ParametersRule) {
        if !holds {
            self.0.push(rule());
        }
    }

    /// Returns the violations of this version.
    pub(super) fn of_version(self, version: usize) -> impl Iterator<Item = ParametersViolation> {
        self.0.into_iter().map(move |rule| ParametersViolation { version, rule })
    }

    pub(super) fn amount(&mut self, field: &'static str, Number(found): Number) -> Option<Amount> {
        let amount = Amount::from_sat(found);
        let fits = amount > Amount::ZERO && amount <= Amount::MAX_MONEY;
        self.note(fits.then_some(amount).ok_or(ParametersRule::AmountOutOfRange { field, found }))
    }

    pub(super) fn amounts(
        &mut self,
        least: Option<Amount>,
        most: Option<Amount>,
    ) -> Option<RangeInclusive<Amount>> {
        let (least, most) = (least?, most?);
        let ordered = (least <= most).then_some(least..=most);
        self.note(ordered.ok_or(ParametersRule::AmountsReversed { least, most }))
    }

    pub(super) fn time(&mut self, field: &'static str, Number(found): Number) -> Option<Timelock> {
        let time = u32::try_from(found).ok().and_then(|blocks| Timelock::from_blocks(blocks).ok());
        self.note(time.ok_or(ParametersRule::TimeOutOfRange { field, found }))
    }

    pub(super) fn times(
        &mut self,
        least: Option<Timelock>,
        most: Option<Timelock>,
    ) -> Option<RangeInclusive<Timelock>> {
        let (least, most) = (least?, most?);
        let ordered = (least <= most).then_some(least..=most);
        self.note(ordered.ok_or(ParametersRule::TimesReversed { least, most }))
    }

    pub(super) fn height(&mut self, field: &'static str, Number(found): Number) -> Option<Height> {
        let height = u32::try_from(found).ok().and_then(|height| Height::from_consensus(height).ok());
        self.note(height.ok_or(ParametersRule::Height { field, found }))
    }

    pub(super) fn dust(&mut self, value: Amount, script_pubkey: &ScriptBuf) {
        let output = bitcoin::TxOut { value, script_pubkey: script_pubkey.clone() };
        self.note(UnsafeOutput::check_amount(&output).map_err(ParametersRule::SlashedIsDust));
    }
}

/// A number, which nodes of Babylon Genesis write as text when it has 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 to 2^64 - 1, as a number or as text")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = if digits { text.parse().ok() } else { None };
                number.map(Number).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
