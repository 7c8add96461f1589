//! The outputs, as Taproot descriptors.

pub(crate) mod committee;
pub(crate) mod descriptor;
pub(crate) mod leaf;
pub(crate) mod op_return;
pub(crate) mod output;
pub(crate) mod parties;
pub(crate) mod providers;
pub(crate) mod relay;
pub(crate) mod timelock;

pub use self::committee::{CovenantCommittee, InvalidCommittee};
pub use self::descriptor::{DescriptorError, ProtocolOutput};
pub use self::leaf::{Leaf, LeafKeys, SpendPath, UnknownLeaf};
pub use self::op_return::{OpReturnData, OpReturnError};
pub use self::output::{
    NUMS_INTERNAL_KEY, OutputError, SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput,
};
pub use self::parties::{FinalityProviders, InvalidParties, Parties};
pub use self::providers::{ConsumerProviders, InvalidConsumerProviders, StakedTo};
pub use self::relay::{MAX_FEE_RATE, NotAnAddress, OutputTooSmall};
pub use self::timelock::{InvalidTimelock, Timelock};
