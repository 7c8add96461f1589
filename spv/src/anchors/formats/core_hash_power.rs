//! Core's delegations of hash power, in coinbases: the validator comes first, then the account that is
//! rewarded (in stakes the accounts stand the other way round).

use crate::anchors::data::Fields;
use crate::anchors::mark::{Conclusions, Field, MarkFormat, Place};

/// A miner's delegation of a block's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreHashPower {
    /// The validator on Core.
    pub validator: [u8; 20],
    /// The account on Core that is rewarded.
    pub reward: [u8; 20],
}

impl CoreHashPower {
    /// Returns the data of the OP_RETURN output, 45 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        [&b"CORE\x01"[..], &self.validator, &self.reward].concat()
    }

    /// Reads data; `None` for another length, magic or version.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        fields.magic(b"CORE\x01")?;
        let delegation = Self { validator: fields.array()?, reward: fields.array()? };
        fields.end()?;
        Some(delegation)
    }
}

/// The format.
pub(crate) struct HashPower;

impl MarkFormat for HashPower {
    fn name(&self) -> &'static str {
        "core_hash_power"
    }

    fn title(&self) -> &'static str {
        "delegation of hash power on Core"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "to which validator the miner delegates the block's work",
            may_not: "that Core counted it",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        vec![b'C']
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place.is_coinbase_output() && CoreHashPower::from_bytes(data).is_some()
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(delegation) = CoreHashPower::from_bytes(data) else { return Vec::new() };
        vec![Field::bytes("validator", delegation.validator), Field::bytes("reward", delegation.reward)]
    }
}
