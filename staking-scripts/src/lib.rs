//! The Taproot outputs of Bitcoin staking, and every transaction that makes or spends them.
//!
//! A staker locks bitcoin in a [`StakingOutput`] that opens in three ways: after the staking time by the staker alone, at any time by
//! the staker with a quorum of the covenant committee (which the committee grants only towards an [`UnbondingOutput`]), and by the
//! finality provider's key with staker and quorum — which only happens when that key has leaked, because staker and committee signed the
//! one [`SlashingTransaction`] for it in advance. What slashing leaves returns through a [`SlashingRefundOutput`].
//!
//! Everything is a pure function of its arguments: no network, no clock, no files. Transactions travel as PSBTs, and a finished one is
//! read again and every promise about it checked before it is returned.
//!
//! Before any of that, a staker and a finality provider each give a [`ProofOfPossession`]: that the holder of an account on the secured chain
//! also holds the Bitcoin key. Afterwards an [`InclusionProof`] shows that the stake is in a Bitcoin block, and how deep; [`announced_stake`]
//! and [`announced_stakes`] find the stakes of phase 1, which had nothing but the chain to register on.
//!
//! Amounts are [`Amount`](bitcoin::Amount), lengths of time [`Timelock`], rates [`SlashingRate`]; keys are BIP-340 x-only.

mod announcement;
mod coin;
mod coin_selection;
mod coin_witness;
mod committee;
mod delegation;
mod descriptor;
mod explain;
mod extension;
mod fees;
mod finished;
mod funded;
mod headers;
mod inclusion;
mod key_path;
mod leaf;
mod outputs;
mod parameters;
mod parties;
mod pop;
mod providers;
mod psbt_signing;
mod relay;
mod scan;
mod selective;
mod signed;
mod signing;
mod slashing;
mod slashing_rate;
mod spend;
mod staking;
mod status;
mod timelock;
mod unbonding;
mod withdrawal;

pub use announcement::{AnnouncementError, StakeAnnouncement, announced_stake};
pub use bitcoin;
pub use coin::{CoinError, FundingCoin};
pub use committee::{CovenantCommittee, InvalidCommittee};
pub use delegation::{
    AcceptedStake, AnswerError, AnswerField, ChainRules, ConsumerField, CovenantAnswer, DelegationError,
    DelegationFile, InclusionField, Part, PlanError, PlannedTransactions, PossessionField, PossessionKind,
    ProvidersField, RunningField, RunningStake, SignedSlashing, StakeInclusion, StakeRequest, StakeViolation,
    StakerField,
};
pub use descriptor::{DescriptorError, ProtocolOutput};
pub use explain::{Explanation, PaidOutput, SpentLeaf, TransactionKind, explain, explain_psbt};
pub use extension::{ExtensionError, ExtensionTransaction};
pub use fees::{ChildError, ChildTransaction, FeeBump};
pub use finished::FinishedError;
pub use funded::{Funded, FundedError, HasTaproot};
pub use headers::{HeadersError, inclusion_depth};
pub use inclusion::{InclusionError, InclusionProof};
pub use key_path::{FundingSignError, key_path_script, sign_key_path};
pub use leaf::{Leaf, LeafKeys, Path, UnknownLeaf};
pub use outputs::{INTERNAL_KEY, OutputError, SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput};
pub use parameters::{
    ChainParameters, NotInForce, ParameterViolation, Parameters, ParametersError, Phase1Parameters, StakingCap,
    Version, Versions, Violation,
};
pub use parties::{FinalityProviders, InvalidParties, Parties};
pub use pop::{
    AccountAddress, Bip322Script, Bip322Signature, Claim, CompactSignature, InvalidAccountAddress,
    InvalidProofOfPossession, NotAGenesisAddress, PossessionError, ProofOfPossession, ProofType,
};
pub use providers::{ConsumerProviders, InvalidConsumerProviders, StakedTo};
pub use psbt_signing::{
    PsbtQuorum, PsbtReview, PsbtSignature, PsbtSigner, PsbtSigningError, finalize_psbt, review_psbt, sign_psbt,
};
pub use relay::{NotAnAddress, OutputTooSmall};
pub use scan::{AnnouncedStake, BlockBytesError, announced_stakes};
pub use selective::{RecoverError, recover_provider_key};
pub use signed::{LeafSignatures, SignedPsbtError};
pub use signing::{CovenantAdaptorSignatures, CovenantSignature, SigningError};
pub use slashing::{Slashable, SlashingError, SlashingTerms, SlashingTransaction};
pub use slashing_rate::{InvalidSlashingRate, SlashingRate};
pub use spend::FinalizeError;
pub use staking::{StakingError, StakingFinishedError, StakingTransaction};
pub use status::{Spending, StakeOnChain, StakeState, StakeStatus};
pub use timelock::{InvalidTimelock, Timelock};
pub use unbonding::{UnbondingError, UnbondingTransaction};
pub use withdrawal::{WithdrawalError, WithdrawalTransaction};

#[cfg(test)]
mod tests;
