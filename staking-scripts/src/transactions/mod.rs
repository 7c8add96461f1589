//! Every transaction that makes or spends an output of the protocol.

pub(crate) mod extension;
pub(crate) mod fees;
pub(crate) mod finished;
pub(crate) mod funded;
pub(crate) mod relay;
pub(crate) mod slashing;
pub(crate) mod slashing_rate;
pub(crate) mod spend;
pub(crate) mod staking;
pub(crate) mod unbonding;
pub(crate) mod withdrawal;
