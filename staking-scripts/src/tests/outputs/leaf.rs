//! Scripts that are not leaves.

use bitcoin::ScriptBuf;

use crate::outputs::LeafKeys;

#[test]
fn leaf_keys_are_not_read_from_scripts_longer_than_any_leaf() {
    let pairs = [0x51_u8, 0x69].repeat(2_000_000);
    let start = std::time::Instant::now();
    assert!(LeafKeys::from_script(&ScriptBuf::from_bytes(pairs)).is_err());
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}
