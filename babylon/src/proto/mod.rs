//! The protobuf of the chain: what its transactions and messages are on the wire. Field numbers are those of
//! Cosmos SDK 0.53 and of babylon v4.1; an absent field has its zero value.

mod cosmos;
mod finality;
mod spv;
mod staking;

pub(crate) use self::cosmos::*;
pub(crate) use self::finality::*;
pub(crate) use self::spv::*;
pub(crate) use self::staking::*;
