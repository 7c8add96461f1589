//! The OP_RETURN output of a phase-1 stake.

use bitcoin::ScriptBuf;
use proptest::prelude::*;

use crate::outputs::{OpReturnData, Timelock};
use crate::testing::key;

fn time(blocks: u32) -> Timelock {
    Timelock::from_blocks(blocks).unwrap()
}

fn op_return() -> OpReturnData {
    let (staker, finality_provider) = (*key("staker", 0).public_key(), *key("provider", 0).public_key());
    OpReturnData { tag: *b"bbn1", staker, finality_provider, staking_time: time(150) }
}

/// Returns the OP_RETURN script with other bytes from `place` on.
fn with(place: usize, bytes: &[u8]) -> ScriptBuf {
    let mut script = op_return().script().into_bytes();
    script[place..place + bytes.len()].copy_from_slice(bytes);
    ScriptBuf::from_bytes(script)
}

#[test]
fn op_return_script_is_73_bytes() {
    let said = op_return();
    let (staker, provider) = (said.staker, said.finality_provider);
    assert_eq!(said.script().to_hex_string(), format!("6a4762626e3100{staker}{provider}0096"));
    assert_eq!(said.script().len(), 73);
    assert!(said.script().is_op_return());
}

proptest! {
    #[test]
    fn op_return_data_round_trips_through_its_script(
        tag: [u8; 4],
        staker: u16,
        provider: u16,
        blocks in 1..=65535_u32,
    ) {
        let (staker, provider) = (key("staker", staker.into()), key("provider", provider.into()));
        let (staker, finality_provider) = (*staker.public_key(), *provider.public_key());
        let said = OpReturnData { tag, staker, finality_provider, staking_time: time(blocks) };
        prop_assert_eq!(OpReturnData::from_script(&said.script()), Ok(said));
    }

    /// Any script of this tag that is read is built again byte for byte, so the same data has one script.
    #[test]
    fn op_return_script_round_trips_through_its_data(place in 0..73_usize, byte: u8) {
        let script = with(place, &[byte]);
        if let Ok(said) = OpReturnData::from_script(&script) {
            prop_assert_eq!(said.script(), script);
        }
    }
}
