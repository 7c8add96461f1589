//! What can be wrong with a delegation, each with its own name.

use std::fmt;

use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Txid, Weight};
use finality::SigningContext;

use crate::outputs::error::InvalidParties;
use crate::outputs::relay::{MAX_WEIGHT, UnsafeOutput};
use crate::possession::PossessionError;
use crate::transactions::error::BuildError;
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
    /// The parameters that it names do not exist, or none are in force: the error and its causes in one line.
    #[error("{0}")]
    Parameters(String),
    /// The keys make no stake, or do not fit a script.
    #[error(transparent)]
    Parties(#[from] InvalidParties),
    /// The staking time is out of bounds.
    #[error("the staking time is {found} blocks; must be {least} to {most}")]
    StakingTime {
        /// What is asked for.
        found: u32,
        /// The least.
        least: u16,
        /// The most.
        most: u16,
    },
    /// The staking amount is out of bounds.
    #[error("the staking amount is {} sat; must be {} to {} sat", .found.to_sat(), .least.to_sat(), .most.to_sat())]
    StakingAmount {
        /// What is asked for.
        found: Amount,
        /// The least.
        least: Amount,
        /// The most.
        most: Amount,
    },
    /// The unbonding time is not the parameter.
    #[error("the unbonding time is {found} blocks; must be {expected}")]
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
    #[error("the staking output holds {} sat; must hold {} sat, the staking amount", .found.to_sat(), .expected.to_sat())]
    StakedAmount {
        /// What it holds.
        found: Amount,
        /// What the request says.
        expected: Amount,
    },
    /// The staking transaction is a coinbase.
    #[error("the staking transaction is a coinbase; must not be, as a reorg could remove it")]
    Coinbase,
    /// No block could hold the staking transaction.
    #[error("the staking transaction is impossible: {0}")]
    Impossible(&'static str),
    /// The proof of possession has another signing context.
    #[error("the proof of possession is for {}; must be for {}", context(found), context(expected))]
    SigningContext {
        /// The signing context of its message.
        found: SigningContext,
        /// The one asked for.
        expected: SigningContext,
    },
    /// The finality providers are of the other dialect.
    #[error("{}", if *genesis { "finality providers of chains are given; must be one of Babylon Genesis" } else { "a finality provider of Babylon Genesis is given; each must be of a consumer chain" })]
    StakeKind {
        /// Whether it is genesis that is asked for.
        genesis: bool,
    },
    /// The running stake is of the other dialect.
    #[error("one stake is of Babylon Genesis, the other of a consumer chain; both must be of one")]
    OtherStakeKind,
    /// The parameters that the staker names are not those that the member knows to be in force.
    #[error("the delegation names version {found} of the parameters; must be {expected}, which is in force")]
    ParametersVersion {
        /// The version that the delegation's height selects.
        found: usize,
        /// The version in force.
        expected: usize,
    },
    /// A pre-signed transaction has another version than 1 or 2, or 2 for the unbonding.
    #[error("the version of the {part} is {found}; must be {}", if matches!(part, StakeTransaction::Staking | StakeTransaction::Unbonding) { "2" } else { "1 or 2" })]
    Version {
        /// Which transaction.
        part: StakeTransaction,
        /// Its version.
        found: i32,
    },
    /// Its nLockTime is not 0.
    #[error("the nLockTime of the {0} is not 0; must be 0")]
    LockTime(StakeTransaction),
    /// It does not have one input.
    #[error("the {part} has {found} inputs; must have 1")]
    Inputs {
        /// Which transaction.
        part: StakeTransaction,
        /// How many.
        found: usize,
    },
    /// It has another number of outputs than it must.
    #[error("the {part} has {found} outputs; must have {expected}")]
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
        "the input of the {part} has the nSequence {found}, or a script; must be ffffffff without a script"
    )]
    Input {
        /// Which transaction.
        part: StakeTransaction,
        /// The sequence.
        found: Sequence,
    },
    /// It spends something else.
    #[error("the {part} spends {found}; must spend {expected}")]
    Spends {
        /// Which transaction.
        part: StakeTransaction,
        /// What it spends.
        found: OutPoint,
        /// What it must spend.
        expected: OutPoint,
    },
    /// An output pays another script.
    #[error("output {index} of the {part} pays to {found}; must pay to {expected}")]
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
    /// An output pays too little.
    #[error("output {index} of the {part} pays {} sat; must pay at least {} sat", .found.to_sat(), .expected.to_sat().max(1))]
    OutputAmount {
        /// Which transaction.
        part: StakeTransaction,
        /// Which output.
        index: usize,
        /// What it pays.
        found: Amount,
        /// What it must pay at least.
        expected: Amount,
    },
    /// It pays too small a fee, or none at all.
    #[error("the {part} pays a fee of {} sat; must be at least {} sat", .found.to_sat(), .least.to_sat())]
    FeeTooSmall {
        /// Which transaction.
        part: StakeTransaction,
        /// Its fee; what it pays beyond what it spends is no fee, and 0 here.
        found: Amount,
        /// The least.
        least: Amount,
    },
    /// The unbonding transaction's fee is not the parameter.
    #[error("the unbonding transaction pays a fee of {} sat; must be exactly {} sat", .found.to_sat(), .expected.to_sat())]
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
        reason: BuildError,
    },
    /// It is not the transaction that the protocol makes of the delegation's fields.
    #[error("the {0} differs from the one that the other fields make; must be that one")]
    Differs(StakeTransaction),
    /// An output is dust.
    #[error("the {part}: {reason}")]
    Dust {
        /// Which transaction.
        part: StakeTransaction,
        /// What is too small.
        reason: UnsafeOutput,
    },
    /// It is too heavy to be relayed.
    #[error("the {part} weighs {found} weight units; must be at most {MAX_WEIGHT}, which nodes relay")]
    TooHeavy {
        /// Which transaction.
        part: StakeTransaction,
        /// What it weighs, without witnesses.
        found: Weight,
    },
    /// The staker has not signed it.
    #[error("the staker's signature over the {0} does not verify")]
    StakerSignature(StakeTransaction),
    /// The proof of possession does not verify.
    #[error("the proof of possession does not verify: {0}")]
    Possession(PossessionError),
    /// The stake that is to be extended is not in the transaction given for it.
    #[error("the running stake {txid}: {reason}")]
    RunningStake {
        /// The transaction given.
        txid: Txid,
        /// What is wrong, in words, as keys, times and outputs each have their own error.
        reason: String,
    },
    /// A leaf that is revealed names another committee.
    #[error("the covenant committee or its quorum is another one; must be the parameters'")]
    Committee,
    /// An output that is withdrawn waited for a time that the parameters do not have.
    #[error("the timelock is {found} blocks; must be the parameters' unbonding time or a staking time")]
    Timelock {
        /// The timelock.
        found: u16,
    },
    /// The extension breaks a rule.
    #[error("the running stake cannot be extended: {0}")]
    Extension(ExtensionError),
    /// The staking transaction is not in the block that is given, or not deep enough.
    #[error("the stake is not shown to be in a block: {0}")]
    Inclusion(InclusionError),
    /// The parameters came into force after the stake was included.
    #[error(
        "the stake was included at height {inclusion}; must be at least {activation}, where the parameters came into force"
    )]
    ParametersTooNew {
        /// Their activation height.
        activation: u32,
        /// The height of the block that includes the stake.
        inclusion: u32,
    },
    /// Too little of the staking time is left for an unbonding.
    #[error(
        "{depth} of the {staking} blocks of the staking time have passed; more must be left than the unbonding time of {unbonding}"
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
            Self::Parties(InvalidParties::Unscriptable(_)) => "output",
            Self::Parties(_) => "parties",
            Self::StakingTime { .. } => "staking_time",
            Self::StakingAmount { .. } => "staking_amount",
            Self::UnbondingTime { .. } => "unbonding_time",
            Self::StakingOutput(_) => "staking_output",
            Self::StakedAmount { .. } => "staked_amount",
            Self::Coinbase => "coinbase",
            Self::Impossible(_) => "impossible",
            Self::SigningContext { .. } => "signing_context",
            Self::StakeKind { .. } | Self::OtherStakeKind => "stake_kind",
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
            Self::Unpayable { .. } | Self::Differs(_) => "unpayable",
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
