//! What can be wrong with a delegation, each with its own name.

use std::fmt;

use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Txid, Weight};
use finality::SigningContext;

use crate::outputs::output::OutputError;
use crate::outputs::parties::InvalidParties;
use crate::outputs::relay::OutputTooSmall;
use crate::possession::PossessionError;
use crate::transactions::extension::ExtensionError;
use crate::transactions::funded::FundedError;
use spv::InclusionError;

/// Which transaction of a stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StakeTransaction {
    /// The staking transaction.
    Staking,
    /// The unbonding transaction.
    Unbonding,
    /// The slashing transaction of the staking output.
    Slashing,
    /// The slashing transaction of the unbonding output.
    UnbondingSlashing,
}

impl fmt::Display for StakeTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Staking => "staking transaction",
            Self::Unbonding => "unbonding transaction",
            Self::Slashing => "slashing transaction",
            Self::UnbondingSlashing => "unbonding slashing transaction",
        })
    }
}

/// A rule that a delegation breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StakeViolation {
    /// A part that the covenant and the chain ask for is not there.
    #[error("{0} is absent")]
    Absent(&'static str),
    /// The parameters that it names do not exist, or none are in force.
    #[error("{0}")]
    Parameters(String),
    /// The keys make no stake.
    #[error("{0}")]
    Parties(#[from] InvalidParties),
    /// The keys do not fit a script.
    #[error("{0}")]
    Output(#[from] OutputError),
    /// The staking time is out of bounds.
    #[error("the staking time of {found} blocks is not within {least} to {most}")]
    StakingTime {
        /// What is asked for.
        found: u32,
        /// The least.
        least: u16,
        /// The most.
        most: u16,
    },
    /// The staking amount is out of bounds.
    #[error("the staking amount of {} sat is not within {} to {} sat", .found.to_sat(), .least.to_sat(), .most.to_sat())]
    StakingAmount {
        /// What is asked for.
        found: Amount,
        /// The least.
        least: Amount,
        /// The most.
        most: Amount,
    },
    /// The unbonding time is not the parameter.
    #[error("the unbonding time of {found} blocks is not the parameters' {expected}")]
    UnbondingTime {
        /// What is asked for.
        found: u32,
        /// The parameter.
        expected: u16,
    },
    /// The staking output is not there exactly once.
    #[error("the staking output is not there once: {0}")]
    StakingOutput(FundedError),
    /// The staking output holds something else.
    #[error("the staking output holds {} sat, not the {} sat that are to be staked", .found.to_sat(), .expected.to_sat())]
    StakedAmount {
        /// What it holds.
        found: Amount,
        /// What the request says.
        expected: Amount,
    },
    /// The staking transaction is a coinbase.
    #[error("the staking transaction is a coinbase, which the chain could take back")]
    Coinbase,
    /// No block could hold the staking transaction.
    #[error("the staking transaction is impossible: {0}")]
    Impossible(&'static str),
    /// The proof of possession has another signing context.
    #[error("the proof of possession is for {}, where {} is asked for", context(found), context(expected))]
    SigningContext {
        /// The signing context of its message.
        found: SigningContext,
        /// The one asked for.
        expected: SigningContext,
    },
    /// The finality providers are of the other dialect.
    #[error("{}", if *genesis { "on Babylon Genesis there is one finality provider, and no chain is named" } else { "each finality provider is of a consumer chain, and none is named" })]
    Dialect {
        /// Whether it is genesis that is asked for.
        genesis: bool,
    },
    /// The running stake is of the other dialect.
    #[error("the running stake is of the other dialect, and cannot be extended into this one")]
    OtherDialect,
    /// The parameters that the staker names are not those that the member knows to be in force.
    #[error("the delegation names version {found} of the parameters, and version {expected} is in force")]
    ParametersVersion {
        /// The version that the delegation's height selects.
        found: usize,
        /// The version in force.
        expected: usize,
    },
    /// A pre-signed transaction has another version than 1 or 2, or 2 for the unbonding.
    #[error("the {part} has version {found}")]
    Version {
        /// Which transaction.
        part: StakeTransaction,
        /// Its version.
        found: i32,
    },
    /// It waits for a time.
    #[error("the {0} has a lock time, and must be final from the start")]
    LockTime(StakeTransaction),
    /// It does not have one input.
    #[error("the {part} has {found} inputs, and must have one")]
    Inputs {
        /// Which transaction.
        part: StakeTransaction,
        /// How many.
        found: usize,
    },
    /// It has another number of outputs than it must.
    #[error("the {part} has {found} outputs, and must have {expected}")]
    Outputs {
        /// Which transaction.
        part: StakeTransaction,
        /// How many.
        found: usize,
        /// How many it must have.
        expected: usize,
    },
    /// Its input is not final, or has a script.
    #[error(
        "the {part} has an input with the sequence {found}, where only ffffffff without a script is taken"
    )]
    Input {
        /// Which transaction.
        part: StakeTransaction,
        /// The sequence.
        found: Sequence,
    },
    /// It spends something else.
    #[error("the {part} spends {found}, not {expected}")]
    Spends {
        /// Which transaction.
        part: StakeTransaction,
        /// What it spends.
        found: OutPoint,
        /// What it must spend.
        expected: OutPoint,
    },
    /// An output pays another script.
    #[error("output {index} of the {part} pays to {found}, not to {expected}")]
    OutputScript {
        /// Which transaction.
        part: StakeTransaction,
        /// Which output.
        index: usize,
        /// The script it pays.
        found: ScriptBuf,
        /// The script it must pay.
        expected: ScriptBuf,
    },
    /// An output pays another amount.
    #[error("output {index} of the {part} pays {} sat, not {} sat", .found.to_sat(), .expected.to_sat())]
    OutputAmount {
        /// Which transaction.
        part: StakeTransaction,
        /// Which output.
        index: usize,
        /// What it pays.
        found: Amount,
        /// What it must pay.
        expected: Amount,
    },
    /// It pays too small a fee, or none at all.
    #[error("the {part} pays a fee of {} sat, and {} sat are needed at least", .found.to_sat(), .least.to_sat())]
    FeeTooSmall {
        /// Which transaction.
        part: StakeTransaction,
        /// Its fee; what it pays beyond what it spends is no fee, and 0 here.
        found: Amount,
        /// The least.
        least: Amount,
    },
    /// The unbonding transaction's fee is not the parameter.
    #[error("the unbonding transaction pays a fee of {} sat, and exactly {} sat are needed", .found.to_sat(), .expected.to_sat())]
    UnbondingFee {
        /// Its fee.
        found: Amount,
        /// The parameter.
        expected: Amount,
    },
    /// The stake does not pay what slashing takes.
    #[error("the {part} cannot be made: {reason}")]
    Unpayable {
        /// Which transaction.
        part: StakeTransaction,
        /// Why not.
        reason: String,
    },
    /// An output is dust.
    #[error("the {part}: {reason}")]
    Dust {
        /// Which transaction.
        part: StakeTransaction,
        /// What is too small.
        reason: OutputTooSmall,
    },
    /// It is too heavy to be relayed.
    #[error("the {part} weighs {found}, more than the 400000 weight units that nodes relay")]
    TooHeavy {
        /// Which transaction.
        part: StakeTransaction,
        /// What it weighs, without witnesses.
        found: Weight,
    },
    /// The staker has not signed it.
    #[error("the staker's signature over the {0} does not verify")]
    StakerSignature(StakeTransaction),
    /// The account is not proven to be the key's holder's.
    #[error("the proof of possession does not hold: {0}")]
    Possession(#[from] PossessionError),
    /// The stake that is to be extended is not in the transaction given for it.
    #[error("the running stake {txid}: {reason}")]
    RunningStake {
        /// The transaction given.
        txid: Txid,
        /// What is wrong.
        reason: String,
    },
    /// A leaf that is revealed names another committee.
    #[error("the covenant committee or its quorum is not the parameters'")]
    Committee,
    /// An output that is withdrawn waited for a time that the parameters do not have.
    #[error("a timelock of {found} blocks is neither the parameters' unbonding time nor a staking time")]
    Timelock {
        /// The timelock.
        found: u16,
    },
    /// The extension breaks a rule.
    #[error("the running stake cannot be extended so: {0}")]
    Extension(ExtensionError),
    /// The staking transaction is not in the block that is given, or not deep enough.
    #[error("the stake is not shown to be in a block: {0}")]
    Inclusion(InclusionError),
    /// The parameters came into force after the stake was included.
    #[error(
        "the parameters are in force from height {activation} on, and the stake was included at {inclusion}"
    )]
    ParametersTooNew {
        /// Their activation height.
        activation: u32,
        /// The height of the block that includes the stake.
        inclusion: u32,
    },
    /// Too little of the staking time is left for an unbonding.
    #[error(
        "{depth} blocks of the staking time of {staking} have passed, and more must be left than the unbonding time of {unbonding}"
    )]
    EndsTooSoon {
        /// How many blocks stand on the one that includes the stake.
        depth: u32,
        /// The unbonding time.
        unbonding: u32,
        /// The staking time.
        staking: u32,
    },
}

/// A signing context for people.
fn context(context: &SigningContext) -> String {
    if context.is_genesis() {
        "Babylon Genesis, which has no signing context".to_owned()
    } else {
        format!("the signing context {context}")
    }
}

impl StakeViolation {
    /// The rule's name, for machines: stable, in snake case.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Absent(_) => "absent",
            Self::Parameters(_) => "parameters",
            Self::Parties(_) => "parties",
            Self::Output(_) => "output",
            Self::StakingTime { .. } => "staking_time",
            Self::StakingAmount { .. } => "staking_amount",
            Self::UnbondingTime { .. } => "unbonding_time",
            Self::StakingOutput(_) => "staking_output",
            Self::StakedAmount { .. } => "staked_amount",
            Self::Coinbase => "coinbase",
            Self::Impossible(_) => "impossible",
            Self::SigningContext { .. } => "signing_context",
            Self::Dialect { .. } | Self::OtherDialect => "dialect",
            Self::ParametersVersion { .. } => "parameters_version",
            Self::Version { .. } => "version",
            Self::LockTime(_) => "lock_time",
            Self::Inputs { .. } => "inputs",
            Self::Outputs { .. } => "outputs",
            Self::Input { .. } => "input",
            Self::Spends { .. } => "spends",
            Self::OutputScript { .. } => "output_script",
            Self::OutputAmount { .. } => "output_amount",
            Self::FeeTooSmall { .. } => "fee_too_small",
            Self::UnbondingFee { .. } => "unbonding_fee",
            Self::Unpayable { .. } => "unpayable",
            Self::Dust { .. } => "dust",
            Self::TooHeavy { .. } => "too_heavy",
            Self::StakerSignature(_) => "staker_signature",
            Self::Possession(_) => "possession",
            Self::RunningStake { .. } => "running_stake",
            Self::Committee => "covenant_committee",
            Self::Timelock { .. } => "timelock",
            Self::Extension(_) => "extension",
            Self::Inclusion(_) => "inclusion",
            Self::ParametersTooNew { .. } => "parameters_too_new",
            Self::EndsTooSoon { .. } => "ends_too_soon",
        }
    }
}
