//! Covenant signatures, which the chain in memory takes as they are, but for stakes that a test names.

use prost::Message as _;

use super::finality::{Finality, refused};
use crate::node::Refusal;
use crate::proto::MsgAddCovenantSigs;

impl Finality {
    pub(super) fn covenant_signatures(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let message = MsgAddCovenantSigs::decode(bytes).map_err(|_| refused("sdk", 2, "no message"))?;
        match self.refused_stakes.get(&message.staking_tx_hash) {
            Some(log) => Err(refused("btcstaking", 1100, log)),
            None => Ok(()),
        }
    }
}
