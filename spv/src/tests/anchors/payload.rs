//! The parts of checkpoints that others wrote, and every byte of them changed.

use crate::anchors::{Checkpoint, CheckpointError, CheckpointTag};

/// A pair of the network's own test, with another tag; and one that its chain's client verifies.
const PAIRS: [(&str, &str, &str); 2] = [
    (
        "62627430",
        "6a4c4e6262743000000000000000000092ee5480cf702c2fdf156788c6a6131e363e44a86f230659a3392b00330bb6bb0a00000000000000000000000066adeb1607db6365171c28f93ec20b0505debfe1",
        "6a3f6262743010a52f5a519b2843dce9dff88124d49f8ebf080763cdfcf14c169e7c00098bef52812bfee988a49e66e51bbbbd782057eceb3b8481235ab382ae31",
    ),
    (
        "01020304",
        "6a4c4e01020304000000000000000002d6d1c945e4bca1c24a8c6efbd4622d7c901aeb6b3d9288ff3f06921e2acd99ceffffffffffffffffffffffff0f92a24b448d13bb1009fc53dc3a3241caaf3630a4",
        "6a3f0102030410a28efe8afb726a32f05289b28e334d505b6af5de4e65fda1d80f8fd0d5b101833c783a57666d2b420caad972654ce38ad096d0ad53a44b901a49",
    ),
];

fn pair((tag, first, second): (&str, &str, &str)) -> (CheckpointTag, [Vec<u8>; 2]) {
    let tag = CheckpointTag(hex::decode(tag).unwrap().try_into().unwrap());
    (tag, [hex::decode(first).unwrap(), hex::decode(second).unwrap()])
}

#[test]
fn checkpoints_are_read_and_written_as_others_do() {
    for ((tag, scripts), epoch) in PAIRS.map(pair).into_iter().zip([0, 2]) {
        // After OP_RETURN and the push.
        let checkpoint = Checkpoint::from_payloads(tag, &scripts[0][3..], &scripts[1][2..]).unwrap();
        assert_eq!(checkpoint.epoch, epoch);
        assert_eq!(checkpoint.script_pubkeys(tag).map(|script| script.into_bytes()), scripts);
    }
    let (tag, scripts) = pair(PAIRS[0]);
    let checkpoint = Checkpoint::from_payloads(tag, &scripts[0][3..], &scripts[1][2..]).unwrap();
    assert_eq!(hex::encode(checkpoint.submitter), "66adeb1607db6365171c28f93ec20b0505debfe1");
    assert_eq!(checkpoint.bitmap[0], 0b1010);
}

#[test]
fn every_byte_that_binds_the_parts_is_checked() {
    let (tag, scripts) = pair(PAIRS[1]);
    let (first, second) = (&scripts[0][3..], &scripts[1][2..]);
    let changed = |bytes: &[u8], at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        changed
    };
    for at in 0..first.len() {
        let refused = Checkpoint::from_payloads(tag, &changed(first, at), second).unwrap_err();
        let expected = match at {
            0..4 => CheckpointError::Tag { part: 0 },
            4 => CheckpointError::Part { part: 0, found: 1, expected: 0 },
            _ => CheckpointError::NotAPair,
        };
        assert_eq!(refused, expected, "{at}");
    }
    for at in 0..second.len() {
        let read = Checkpoint::from_payloads(tag, first, &changed(second, at));
        match at {
            0..4 => assert_eq!(read, Err(CheckpointError::Tag { part: 1 })),
            4 => assert_eq!(read, Err(CheckpointError::Part { part: 1, found: 0x11, expected: 0x10 })),
            // The signature is verified by who knows the validators.
            5..53 => assert!(read.is_ok()),
            _ => assert_eq!(read, Err(CheckpointError::NotAPair)),
        }
    }
    for (one, other) in [(&first[1..], second), (first, &second[..62]), (&[][..], second), (second, first)] {
        let refused = Checkpoint::from_payloads(tag, one, other).unwrap_err();
        assert!(matches!(refused, CheckpointError::Length { .. }), "{refused}");
    }
}
