//! The Taproot outputs of Bitcoin staking, and every transaction that makes or spends them.
//!
//! A staker locks bitcoin in a [`StakingOutput`] that opens in three ways: after the staking time by the
//! staker alone, at any time by the staker with a quorum of the covenant committee (which the committee
//! grants only towards an [`UnbondingOutput`]), and by the finality provider's key with staker and quorum —
//! which only happens when that key has leaked, because staker and committee signed the one
//! [`SlashingTransaction`] for it in advance. What slashing leaves returns through a
//! [`SlashingRefundOutput`].
//!
//! Everything is a pure function of its arguments: no network, no clock, no files. Transactions travel as
//! PSBTs, and a finished one is read again and every promise about it checked before it is returned.
//!
//! Before any of that, a staker and a finality provider each give a [`ProofOfPossession`]: that the holder of
//! an account on the secured chain also holds the Bitcoin key. Afterwards an [`InclusionProof`] shows that
//! the stake is in a Bitcoin block, and how deep; [`announced_stake`] and [`announced_stakes`] find the
//! stakes of phase 1, which had nothing but the chain to register on.
//!
//! Amounts are [`Amount`](bitcoin::Amount), lengths of time [`Timelock`], rates [`SlashingRate`]; keys are
//! BIP-340 x-only.

mod coins;
mod delegation;
mod outputs;
mod parameters;
mod pop;
mod signing;
mod transactions;
mod watching;

pub use bitcoin;
pub use coins::coin::{CoinError, FundingCoin};
pub use coins::key_path::{FundingSignError, key_path_script, sign_key_path};
pub use delegation::{
    AcceptedStake, AnswerError, AnswerField, ChainRules, ConsumerField, CovenantAnswer, DelegationError,
    DelegationFile, InclusionField, Part, PlanError, PlannedTransactions, PossessionField, PossessionKind,
    ProvidersField, RunningField, RunningStake, SignedSlashing, StakeInclusion, StakeRequest, StakeViolation,
    StakerField,
};
pub use outputs::committee::{CovenantCommittee, InvalidCommittee};
pub use outputs::descriptor::{DescriptorError, ProtocolOutput};
pub use outputs::leaf::{Leaf, LeafKeys, Path, UnknownLeaf};
pub use outputs::parties::{FinalityProviders, InvalidParties, Parties};
pub use outputs::providers::{ConsumerProviders, InvalidConsumerProviders, StakedTo};
pub use outputs::timelock::{InvalidTimelock, Timelock};
pub use outputs::{
    INTERNAL_KEY, OutputError, SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput,
};
pub use parameters::{
    ChainParameters, NotInForce, ParameterViolation, Parameters, ParametersError, Phase1Parameters,
    StakingCap, Version, Versions, Violation,
};
pub use pop::{
    AccountAddress, Bip322Script, Bip322Signature, Claim, CompactSignature, InvalidAccountAddress,
    InvalidProofOfPossession, NotAGenesisAddress, PossessionError, ProofOfPossession, ProofType,
};
pub use signing::psbt::{
    PsbtQuorum, PsbtReview, PsbtSignature, PsbtSigner, PsbtSigningError, finalize_psbt, review_psbt,
    sign_psbt, spent_outputs,
};
pub use signing::signed::{LeafSignatures, SignedPsbtError};
pub use signing::{CovenantAdaptorSignatures, CovenantSignature, SigningError};
pub use spv::{HeadersError, InclusionError, InclusionProof, inclusion_depth};
pub use transactions::extension::{ExtensionError, ExtensionTransaction};
pub use transactions::fees::{ChildError, ChildTransaction, FeeBump};
pub use transactions::finished::FinishedError;
pub use transactions::funded::{Funded, FundedError, HasTaproot};
pub use transactions::relay::{MAX_FEE_RATE, NotAnAddress, OutputTooSmall};
pub use transactions::slashing::{Slashable, SlashingError, SlashingTerms, SlashingTransaction};
pub use transactions::slashing_rate::{InvalidSlashingRate, SlashingRate};
pub use transactions::spend::FinalizeError;
pub use transactions::staking::{StakingError, StakingFinishedError, StakingTransaction};
pub use transactions::unbonding::{UnbondingError, UnbondingTransaction};
pub use transactions::withdrawal::{WithdrawalError, WithdrawalTransaction};
pub use watching::announcement::{AnnouncementError, StakeAnnouncement, announced_stake};
pub use watching::explain::{Explanation, PaidOutput, SpentLeaf, TransactionKind, explain, explain_psbt};
pub use watching::scan::{AnnouncedStake, BlockBytesError, announced_stakes};
pub use watching::selective::{RecoverError, recover_provider_key};
pub use watching::status::{Spending, StakeOnChain, StakeState, StakeStatus};

#[cfg(test)]
mod tests;
