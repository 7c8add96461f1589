//! The timelock leaf that a search computes.

use crate::outputs::place::timelock_script;
use crate::outputs::{LeafKeys, Timelock};
use crate::testing::key;

/// The script is built by hand, and the same as miniscript's for numbers of every size.
#[test]
fn timelock_script_is_the_leafs() {
    let staker = *key("staker", 0).public_key();
    for blocks in [1, 2, 16, 17, 127, 128, 255, 256, 1008, 32_767, 32_768, 64_000, 65_535] {
        let timelock = Timelock::from_blocks(blocks).unwrap();
        let leaf = LeafKeys::Timelock { staker, timelock };
        assert_eq!(Some(timelock_script(&staker, timelock)), leaf.script(), "{blocks}");
    }
}
