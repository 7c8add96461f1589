//! The transactions that create or spend an output of the protocol.

pub(crate) mod child;
pub(crate) mod error;
pub(crate) mod extension;
pub(crate) mod finalized;
pub(crate) mod funded;
pub(crate) mod keystone;
pub(crate) mod leaf_transaction;
pub(crate) mod possible;
pub(crate) mod shown;
pub(crate) mod sighash;
pub(crate) mod signatures;
pub(crate) mod slashing;
pub(crate) mod slashing_rate;
pub(crate) mod spend;
pub(crate) mod staking;
pub(crate) mod unbonding;
pub(crate) mod withdrawal;

pub use self::child::ChildTransaction;
pub use self::error::BuildError;
pub use self::extension::{ExtensionError, ExtensionTransaction, NewExtension};
pub use self::funded::{Funded, FundedError, HasTaproot};
pub use self::keystone::KeystoneTransaction;
pub use self::leaf_transaction::{CovenantTransaction, LeafTransaction};
pub use self::shown::{spent_outputs, unsettled_inputs};
pub use self::signatures::{CovenantAdaptorSignatures, CovenantSignature, SigningError};
pub use self::slashing::{Slashable, SlashingError, SlashingParameters, SlashingTransaction};
pub use self::slashing_rate::{InvalidSlashingRate, SlashingRate};
pub use self::spend::{FinalizeError, LeafSignatures, ReturnedPsbtError};
pub use self::staking::{NewStake, StakingTransaction};
pub use self::unbonding::UnbondingTransaction;
pub use self::withdrawal::WithdrawalTransaction;
