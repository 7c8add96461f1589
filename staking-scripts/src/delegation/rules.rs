//! The rules of delegations, each with a machine name.

use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Txid, Weight};
use finality::SigningContext;

use super::role::StakeTransaction;
use crate::outputs::error::InvalidParties;
use crate::outputs::relay::{MAX_WEIGHT, UnsafeOutput};
use crate::outputs::timelock::InvalidTimelock;
use crate::parameters::ParametersError;
use crate::possession::PossessionError;
use crate::transactions::error::BuildError;
use crate::transactions::extension::ExtensionError;
use crate::transactions::funded::FundedError;
use spv::InclusionError;

/// A rule that a delegation breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StakeViolation {
    /// A part that the covenant committee and the chain need is absent.
    #[error("{0} is absent")]
    Absent(&'static str),
    /// No parameters version is in force at the height.
    #[error(transparent)]
    NotInForce(ParametersError),
    /// No parameters version is in force at the height that it names.
    #[error("parameters_height: {0}")]
    StatedNotInForce(ParametersError),
    /// The parameters version that it names does not exist.
    #[error("parameters_version is {version}; must be 0 to {last}")]
    NoSuchVersion {
        /// The version that it names.
        version: u32,
        /// The last version.
        last: usize,
    },
    /// The keys and the quorum make no staking output.
    #[error(transparent)]
    Parties(#[from] InvalidParties),
    /// What the parameters slash goes to a script that nobody can spend on purpose, or that is not relayed.
    #[error("the parameters' slashing script: {0}")]
    SlashingDestination(UnsafeOutput),
    /// The staking time is not in the parameters' range.
    #[error("the staking time is {found} blocks; must be {least} to {most}")]
    StakingTime {
        /// The staking time of the delegation in blocks.
        found: u32,
        /// The lowest staking time in blocks.
        least: u16,
        /// The highest staking time in blocks.
        most: u16,
    },
    /// The staking amount is not in the parameters' range.
    #[error("the staking amount is {} sat; must be {} to {} sat", .found.to_sat(), .least.to_sat(), .most.to_sat())]
    StakingAmount {
        /// The staking amount of the delegation.
        found: Amount,
        /// The lowest staking amount.
        least: Amount,
        /// The highest staking amount.
        most: Amount,
    },
    /// A rule of phase-1 stakes.
    #[error(transparent)]
    Phase1(crate::phase1::Phase1Error),
    /// The unbonding time is not the parameters'.
    #[error("the unbonding time is {found} blocks; must be {expected}")]
    UnbondingTime {
        /// The unbonding time of the delegation in blocks.
        found: u32,
        /// The unbonding time of the parameters in blocks.
        expected: u16,
    },
    /// The staking transaction does not pay to the staking output exactly once.
    #[error("the staking output is not there once: {0}")]
    StakingOutput(FundedError),
    /// The staking output does not hold the staking amount.
    #[error("the staking output holds {} sat; must hold {} sat, the staking amount", .found.to_sat(), .expected.to_sat())]
    StakedAmount {
        /// The amount of the output.
        found: Amount,
        /// The delegation's staking amount.
        expected: Amount,
    },
    /// The staking transaction is a coinbase.
    #[error("the staking transaction is a coinbase; must not be, as a reorg could remove it")]
    Coinbase,
    /// The staking transaction is not valid by itself: no block can include it.
    #[error("the staking transaction is impossible: {0}")]
    Impossible(&'static str),
    /// The signing context of the proof of possession is not the chain's.
    #[error("the proof of possession is for {}; must be for {}", context(found), context(expected))]
    SigningContext {
        /// The signing context of the proof's message.
        found: SigningContext,
        /// The chain's signing context.
        expected: SigningContext,
    },
    /// The finality providers are those of the other kind of stake: for Babylon Genesis, or for consumer
    /// chains.
    #[error("{}", if *genesis { "finality providers of consumer chains are given; a stake for Babylon Genesis has one, without a chain" } else { "a finality provider of Babylon Genesis is given; each must be of a consumer chain" })]
    StakeKind {
        /// Whether the stake must be for Babylon Genesis.
        genesis: bool,
    },
    /// The running stake is of the other kind of stake than the extension.
    #[error("one stake is of Babylon Genesis, the other of a consumer chain; both must be of one")]
    OtherStakeKind,
    /// The parameters version that the delegation names is not the one in force.
    #[error("the delegation names version {found} of the parameters; must be {expected}, which is in force")]
    ParametersVersion {
        /// The version that the delegation names.
        found: usize,
        /// The version in force.
        expected: usize,
    },
    /// The version of a pre-signed transaction is not 2, or for a slashing transaction not 1 or 2.
    #[error("the version of the {part} is {found}; must be {}", if matches!(part, StakeTransaction::Staking | StakeTransaction::Unbonding) { "2" } else { "1 or 2" })]
    Version {
        /// The transaction.
        part: StakeTransaction,
        /// The version of the transaction.
        found: i32,
    },
    /// The nLockTime of a pre-signed transaction is not 0.
    #[error("the nLockTime of the {0} is not 0; must be 0")]
    LockTime(StakeTransaction),
    /// A pre-signed transaction does not have one input.
    #[error("the {part} has {found} inputs; must have 1")]
    Inputs {
        /// The transaction.
        part: StakeTransaction,
        /// The number of inputs.
        found: usize,
    },
    /// A pre-signed transaction does not have the protocol's number of outputs.
    #[error("the {part} has {found} outputs; must have {expected}")]
    Outputs {
        /// The transaction.
        part: StakeTransaction,
        /// The number of outputs.
        found: usize,
        /// The number of outputs that it must have.
        expected: usize,
    },
    /// The input of a pre-signed transaction is not final, or has a scriptSig.
    #[error(
        "the input of the {part} has the nSequence {found}, or a script; must be ffffffff without a script"
    )]
    Input {
        /// The transaction.
        part: StakeTransaction,
        /// The nSequence.
        found: Sequence,
    },
    /// A pre-signed transaction spends another outpoint.
    #[error("the {part} spends {found}; must spend {expected}")]
    Spends {
        /// The transaction.
        part: StakeTransaction,
        /// The outpoint that it spends.
        found: OutPoint,
        /// The outpoint that it must spend.
        expected: OutPoint,
    },
    /// An output of a pre-signed transaction pays to another script.
    #[error("output {index} of the {part} pays to {found}; must pay to {expected}")]
    OutputScript {
        /// The transaction.
        part: StakeTransaction,
        /// The index of the output.
        index: usize,
        /// The script that it pays to.
        found: ScriptBuf,
        /// The script that it must pay to.
        expected: ScriptBuf,
    },
    /// An output of a pre-signed transaction pays too little.
    #[error("output {index} of the {part} pays {} sat; must pay at least {} sat", .found.to_sat(), .expected.to_sat().max(1))]
    OutputAmount {
        /// The transaction.
        part: StakeTransaction,
        /// The index of the output.
        index: usize,
        /// The amount that it pays.
        found: Amount,
        /// The lowest amount that it must pay.
        expected: Amount,
    },
    /// A slashing transaction pays too small a fee.
    #[error("the {part} pays a fee of {} sat; must be at least {} sat", .found.to_sat(), .least.to_sat())]
    FeeTooSmall {
        /// The transaction.
        part: StakeTransaction,
        /// The fee of the transaction; 0 when it pays more than it spends.
        found: Amount,
        /// The lowest fee.
        least: Amount,
    },
    /// The unbonding transaction's fee is not the parameters'.
    #[error("the unbonding transaction pays a fee of {} sat; must be exactly {} sat", .found.to_sat(), .expected.to_sat())]
    UnbondingFee {
        /// The fee of the transaction.
        found: Amount,
        /// The unbonding fee of the parameters.
        expected: Amount,
    },
    /// A pre-signed transaction cannot be built, as the stake does not pay for it.
    #[error("the {part} cannot be made: {reason}")]
    Unpayable {
        /// The transaction.
        part: StakeTransaction,
        /// The reason.
        reason: BuildError,
    },
    /// A pre-signed transaction is not the one that the delegation's other fields determine.
    #[error("the {0} differs from the one that the other fields make; must be that one")]
    Differs(StakeTransaction),
    /// An output of a pre-signed transaction is dust.
    #[error("the {part}: {reason}")]
    Dust {
        /// The transaction.
        part: StakeTransaction,
        /// The output, and the lowest amount.
        reason: UnsafeOutput,
    },
    /// A pre-signed transaction is too heavy to be relayed.
    #[error("the {part} weighs {found} weight units; must be at most {MAX_WEIGHT}, which nodes relay")]
    TooHeavy {
        /// The transaction.
        part: StakeTransaction,
        /// The weight without witnesses.
        found: Weight,
    },
    /// The staker's signature over a slashing transaction does not verify.
    #[error("the staker's signature over the {0} does not verify")]
    StakerSignature(StakeTransaction),
    /// The proof of possession does not verify.
    #[error("the proof of possession does not verify: {0}")]
    Possession(PossessionError),
    /// The delegation of the running stake is not given.
    #[error("the running stake {0}: its delegation is absent; an extension is checked with it")]
    RunningStakeAbsent(Txid),
    /// The parameters of the running stake are not given.
    #[error("the running stake {0}: the parameters that it was made under are not known")]
    RunningStakeParameters(Txid),
    /// The keys and the quorum make no staking output of the running stake.
    #[error("the running stake {0}: {1}")]
    RunningStakeParties(Txid, InvalidParties),
    /// The staking time of the running stake is no timelock.
    #[error("the running stake {0}: {1}")]
    RunningStakeTime(Txid, InvalidTimelock),
    /// The running stake is not in the transaction given for it.
    #[error("the running stake {0}: {1}")]
    RunningStakeOutput(Txid, FundedError),
    /// A leaf has another covenant committee or quorum than the parameters.
    #[error("the covenant committee or its quorum is another one; must be the parameters'")]
    Committee,
    /// The timelock of an output that is withdrawn is not one of the parameters.
    #[error("the timelock is {found} blocks; must be the parameters' unbonding time or a staking time")]
    Timelock {
        /// The timelock in blocks.
        found: u16,
    },
    /// The extension breaks a rule.
    #[error("the running stake cannot be extended: {0}")]
    Extension(ExtensionError),
    /// The SPV proof of the staking transaction does not verify, or the stake is not deep enough.
    #[error("the stake is not shown to be in a block: {0}")]
    Inclusion(InclusionError),
    /// The parameters came into force after the stake was included.
    #[error(
        "the stake was included at height {inclusion}; must be at least {activation}, where the parameters came into force"
    )]
    ParametersTooNew {
        /// The activation height of the parameters.
        activation: u32,
        /// The height of the block that includes the stake.
        inclusion: u32,
    },
    /// The stake was included above the tip that the caller knows.
    #[error("the stake was included at height {0}; must be at most {1}, the tip's")]
    InclusionHeight(u32, u32),
    /// The stake was included at another height, by the trusted header.
    #[error("the delegation says that it was included at height {0}; must be {1}, by the trusted header")]
    OtherInclusionHeight(u32, u32),
    /// No more of the staking time is left than the unbonding time.
    #[error(
        "{depth} of the {staking} blocks of the staking time have passed; more must be left than the unbonding time of {unbonding}"
    )]
    EndsTooSoon {
        /// The depth of the stake: the number of blocks on the one that includes it.
        depth: u32,
        /// The unbonding time in blocks.
        unbonding: u32,
        /// The staking time in blocks.
        staking: u32,
    },
}

/// Returns the text of a signing context in errors.
fn context(context: &SigningContext) -> String {
    let genesis = context.is_genesis().then(|| "Babylon Genesis, which has no signing context".to_owned());
    genesis.unwrap_or_else(|| format!("the signing context {context}"))
}
