//! The Taproot outputs of the protocol, their leaves and descriptors.

pub(crate) mod address;
pub(crate) mod committee;
pub(crate) mod descriptor;
pub(crate) mod encoded;
pub(crate) mod error;
pub(crate) mod leaf;
pub(crate) mod op_return;
pub(crate) mod output;
pub(crate) mod parties;
pub(crate) mod place;
pub(crate) mod providers;
pub(crate) mod relay;
pub(crate) mod timelock;

pub use self::address::parse_address;
pub use self::committee::CovenantCommittee;
pub use self::descriptor::{DescriptorError, ProtocolOutput};
pub use self::error::InvalidParties;
pub use self::leaf::{Leaf, LeafKeys, SpendPath, UnknownLeaf};
pub use self::op_return::{OpReturnData, OpReturnError};
pub use self::output::{
    NUMS_INTERNAL_KEY, SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput,
};
pub use self::parties::{FinalityProviders, Parties};
pub use self::providers::{ConsumerProviders, StakedTo};
pub use self::relay::{MAX_FEE_RATE, UnsafeOutput};
pub use self::timelock::{InvalidTimelock, Timelock};
