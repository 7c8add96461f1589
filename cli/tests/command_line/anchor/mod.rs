//! `btcstake anchor`.

mod explain;
mod finality;
mod publish;
mod restore;
mod scan;

use bitcoin::ScriptBuf;
use spv::anchors::Keystone;

/// Real marks, each a script with OP_RETURN, and their formats: of outputs, and of coinbases.
pub(crate) const KEYSTONE: &str = "6a4c5048454d49010075cf9b002831bfa132ab03b954874d9515f4d5141f39022b7382f04df2defb29e4ff1b58eb5af0fc9192dcbcda6f1b6f21e9c47d97953fa8f7d7551deeaa7a1c0a2340624eebff6b5cbc";
pub(crate) const CORE: &str = "6a4c505341542b01045cd6eef6a4ceb9270776d6b388cfaba62f5bc3357fa21cbd3caa4fe89bccd1d716c92ce4533e4d47330004178c8667b17576a914332046df873f53e867a3e76f75b2a2f37f013f2f88ac";
const STACKS: &str = "6a4c5058325b6f262e28ad25369738942f7f74a6e710e4b11710e9af3ee2c9ed874d6b535769d295c8dd0a072c36ae2c2db1507e57c0c45e4e9adc9326f45bd8c6a5ab8c9f98000a34630039000a3448005901";
const FIRST_PART: &str = "6a4c4e6262743000000000000000000092ee5480cf702c2fdf156788c6a6131e363e44a86f230659a3392b00330bb6bb0a00000000000000000000000066adeb1607db6365171c28f93ec20b0505debfe1";
const SECOND_PART: &str = "6a3f6262743010a52f5a519b2843dce9dff88124d49f8ebf080763cdfcf14c169e7c00098bef52812bfee988a49e66e51bbbbd782057eceb3b8481235ab382ae31";
const RSK: &str = "6a4c2952534b424c4f434b3a14ca9d5bf8faa395cc12d8cb900117c981269a40a2769b3fe6f2db180086085e";
const HASH_POWER: &str =
    "6a2d434f524501a37cf4faa0758b26dca666f3e36d42fa15cc0106942c01262fa046fdb8ba0dfce3753405c74aed0e";

/// The marks that stand in outputs, then those of coinbases.
const OF_OUTPUTS: [(&str, &str); 5] = [
    (KEYSTONE, "hemi_keystone"),
    (CORE, "core_stake"),
    (STACKS, "stacks_block_commit"),
    (FIRST_PART, "babylon_checkpoint_first_part"),
    (SECOND_PART, "babylon_checkpoint_second_part"),
];
const OF_COINBASES: [(&str, &str); 2] = [(RSK, "rsk_merged_mining"), (HASH_POWER, "core_hash_power")];

pub(crate) fn script(hex: &str) -> ScriptBuf {
    ScriptBuf::from_hex(hex).unwrap()
}

/// The data that a script pushes, in hex.
fn data(script: &str) -> &str {
    if script.starts_with("6a4c") { &script[6..] } else { &script[4..] }
}

/// A keystone of this number, after the one with this number.
fn keystone(number: u32, previous: u32) -> Keystone {
    let ep_hash = |number: u32| [&number.to_be_bytes()[..], &[8; 8]].concat().try_into().unwrap();
    Keystone {
        l1_block_number: 1,
        l2_block_number: number * Keystone::INTERVAL,
        parent_ep_hash: [1; 11],
        previous_keystone_ep_hash: ep_hash(previous),
        state_root: [3; 32],
        ep_hash: ep_hash(number),
    }
}

/// A keystone's 76 bytes in hex.
fn digits(keystone: &Keystone) -> String {
    hex::encode(keystone.to_bytes())
}
