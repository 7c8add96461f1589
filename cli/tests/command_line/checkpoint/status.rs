//! `btcstake checkpoint status`: which epochs a node's blocks timestamp, across reorgs.

use std::sync::{Arc, Mutex};

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use btcstake::outputs::{CheckpointStatus, EpochStatus};
use endpoint::testing::ScriptedNode;
use serde_json::json;
use spv::anchors::{Checkpoint, CheckpointTag};

use super::verify::proofs;
use crate::fixtures::bitcoin::Served;

fn checkpoint(epoch: u64) -> Checkpoint {
    Checkpoint {
        epoch,
        block_hash: [u8::try_from(epoch).unwrap(); 32],
        bitmap: [1; 13],
        submitter: [7; 20],
        bls_multi_signature: [9; 48],
    }
}

/// A gateway of a chain that has the checkpoints of epochs 1 to 5, k = 2 and w = 4, and says this of each.
fn gateway(status: Arc<Mutex<&'static str>>) -> ScriptedNode {
    ScriptedNode::new(move |asked| match asked.path.strip_prefix("/babylon/").unwrap() {
        "btccheckpoint/v1/params" => {
            let params = json!({
                "btc_confirmation_depth": 2, "checkpoint_finalization_timeout": 4, "checkpoint_tag": "01020304"
            });
            (200, json!({ "params": params }).to_string())
        }
        path => {
            let epoch: u64 = path.strip_prefix("checkpointing/v1/raw_checkpoint/").unwrap().parse().unwrap();
            if !(1..=5).contains(&epoch) {
                let message = format!("no raw checkpoint is found at epoch {epoch}: unknown request");
                return (404, json!({ "code": 5, "message": message, "details": [] }).to_string());
            }
            let Checkpoint { block_hash, bitmap, bls_multi_signature, .. } = checkpoint(epoch);
            let ckpt = json!({
                "epoch_num": epoch.to_string(), "block_hash_hex": hex::encode(block_hash),
                "bitmap": BASE64_STANDARD.encode(bitmap), "bls_multi_sig": BASE64_STANDARD.encode(bls_multi_signature),
            });
            let status = format!("CKPT_STATUS_{}", status.lock().unwrap());
            let answer = json!({ "ckpt": ckpt, "status": status, "status_desc": status });
            (200, json!({ "raw_checkpoint": answer }).to_string())
        }
    })
}

struct World {
    served: Served,
    gateway: ScriptedNode,
    says: Arc<Mutex<&'static str>>,
    from: u32,
}

impl World {
    fn new() -> Self {
        let served = Served::new();
        served.mine(30);
        let says = Arc::new(Mutex::new("SUBMITTED"));
        let (gateway, from) = (gateway(says.clone()), served.height() + 1);
        Self { served, gateway, says, from }
    }

    /// Has a checkpoint's parts in the next two blocks. Returns their heights.
    fn submit(&self, checkpoint: &Checkpoint) -> [u32; 2] {
        checkpoint.script_pubkeys(CheckpointTag::LOCAL).map(|script| {
            self.served.publish(&[script]);
            self.served.height()
        })
    }

    fn line(&self, more: &str) -> String {
        let (from, node, gateway) = (self.from, self.served.at(), self.gateway.address());
        format!(
            "checkpoint status --network regtest {node} --from {from} --chain-gateway http://{gateway} {more}"
        )
    }

    fn status(&self, more: &str, code: i32) -> CheckpointStatus {
        self.served.folder.run(&format!("--json {}", self.line(more))).output(code)
    }

    /// Writes the proofs of parts in blocks at these heights.
    fn keep(&self, file: &str, heights: [u32; 2]) {
        let blocks = heights.map(|height| self.served.chain_block(height));
        let parts = [&blocks[0].txdata[1], &blocks[1].txdata[1]];
        self.served.folder.write(file, proofs(&blocks, &parts).to_string());
    }
}

fn short(found: &EpochStatus) -> (u64, Option<&str>, Option<u32>) {
    (found.epoch, found.status.as_deref(), found.depth)
}

#[test]
fn epochs_are_submitted_confirmed_and_finalized_by_depth() {
    let world = World::new();
    let first = world.submit(&checkpoint(1));
    world.submit(&checkpoint(2));
    world.submit(&checkpoint(3));
    let found = world.status("", 0);
    assert_eq!((found.tip_height, found.btc_confirmation_depth), (world.served.height(), 2));
    assert_eq!((found.checkpoint_finalization_timeout, found.last_finalized_epoch), (4, Some(1)));
    let shown: Vec<_> = found.epochs.iter().map(short).collect();
    let expected =
        [(1, Some("FINALIZED"), Some(4)), (2, Some("CONFIRMED"), Some(2)), (3, Some("SUBMITTED"), Some(0))];
    assert_eq!(shown, expected);
    let [one, ..] = &found.epochs[..] else { panic!("{found:?}") };
    assert_eq!(
        (one.chain_status.as_deref(), one.block_hash.clone()),
        (Some("SUBMITTED"), Some("01".repeat(32)))
    );
    let heights: Vec<_> = one.parts.iter().map(|part| part.height.unwrap()).collect();
    assert_eq!((heights, one.parts[0].position), (first.to_vec(), 1));
    let text = world.served.folder.run(&world.line("")).ends(0).stdout();
    assert!(text.contains("epoch 2  CONFIRMED, 2 deep (the chain says SUBMITTED)"), "{text}");
    // Of one epoch; and of one that is not there though the chain says so.
    assert_eq!(world.status("--epoch 2", 0).epochs, found.epochs[1..2]);
    let absent = world.status("--epoch 4 --epoch 9", 1);
    assert_eq!(absent.epochs.iter().map(short).collect::<Vec<_>>(), [(4, None, None), (9, None, None)]);
    assert_eq!(absent.epochs[1].chain_status, None);
    *world.says.lock().unwrap() = "SEALED";
    assert_eq!(world.status("--epoch 4", 0).epochs[0].chain_status.as_deref(), Some("SEALED"));
}

/// What anybody can send does not count: a checkpoint that the chain does not have, one before its
/// predecessor's, and one that is sent again.
#[test]
fn what_does_not_count_is_named() {
    let world = World::new();
    // The third before the second.
    world.submit(&checkpoint(1));
    world.submit(&checkpoint(3));
    world.submit(&checkpoint(2));
    let forged = Checkpoint { block_hash: [9; 32], ..checkpoint(2) };
    world.submit(&forged);
    world.submit(&checkpoint(9));
    // Half of one.
    world.served.publish(&checkpoint(4).script_pubkeys(CheckpointTag::LOCAL)[..1]);
    let found = world.status("", 0);
    assert_eq!(found.epochs.iter().map(|found| found.epoch).collect::<Vec<_>>(), [1, 2]);
    let reasons: Vec<_> = found.not_counted.iter().map(|not| (not.epoch, not.reason.as_str())).collect();
    let [(2, other), (3, early), (9, unknown)] = reasons[..] else { panic!("{reasons:?}") };
    assert!(other.contains("is not the one of epoch 2 that is known"), "{other}");
    assert!(early.contains("does not come after a checkpoint of epoch 2"), "{early}");
    assert_eq!(unknown, "the chain has no checkpoint of this epoch");
    // Sent again it counts.
    world.submit(&checkpoint(3));
    assert_eq!(world.status("", 0).epochs.iter().map(|found| found.epoch).collect::<Vec<_>>(), [1, 2, 3]);
    // By a tag of another network nothing is found.
    let world = World::new();
    for script in checkpoint(1).script_pubkeys(CheckpointTag::MAINNET) {
        world.served.publish(&[script]);
    }
    assert!(world.status("", 0).epochs.is_empty());
}

/// Second parts with the right checksum and another signature, before the right one, do not hide it.
#[test]
fn forged_second_parts_do_not_hide_the_right_one() {
    let world = World::new();
    let [first, second] = checkpoint(1).script_pubkeys(CheckpointTag::LOCAL);
    world.served.publish(&[first]);
    for forged in 0..17 {
        let forged = Checkpoint { bls_multi_signature: [forged + 10; 48], ..checkpoint(1) };
        let [_, forged] = forged.script_pubkeys(CheckpointTag::LOCAL);
        world.served.publish(&[forged]);
    }
    world.served.publish(&[second]);
    let found = world.status("", 0);
    assert_eq!(found.epochs.iter().map(short).collect::<Vec<_>>(), [(1, Some("SUBMITTED"), Some(0))]);
    assert_eq!((found.not_counted.len(), found.warnings.len()), (17, 0));
}

#[test]
fn the_first_epoch_is_the_run_of_the_last() {
    let world = World::new();
    world.submit(&checkpoint(3));
    // An earlier one is sent again by somebody.
    world.submit(&checkpoint(1));
    world.submit(&checkpoint(4));
    let found = world.status("", 0);
    assert_eq!(found.epochs.iter().map(|found| found.epoch).collect::<Vec<_>>(), [3, 4]);
    assert!(found.not_counted[0].reason.contains("must be of 3 or a later one"), "{found:?}");
    let from_4 = world.status("--first-epoch 4", 0);
    assert_eq!(from_4.epochs.iter().map(|found| found.epoch).collect::<Vec<_>>(), [4]);
}

#[test]
fn submission_whose_block_left_the_chain_is_forgotten() {
    let world = World::new();
    let first = world.submit(&checkpoint(1));
    let fork = world.served.height();
    let second = world.submit(&checkpoint(2));
    let third = world.submit(&checkpoint(3));
    for (file, heights) in [("one.json", first), ("two.json", second), ("three.json", third)] {
        world.keep(file, heights);
    }
    let seen = "--submission one.json --submission two.json --submission three.json";
    assert_eq!(world.status(seen, 0).epochs, world.status("", 0).epochs);
    let left = world.served.header(second[0]).block_hash();
    world.served.reorganize(fork, 5);
    let found = world.status(seen, 1);
    let [one, two, three] = &found.epochs[..] else { panic!("{found:?}") };
    assert_eq!(short(one), (1, Some("FINALIZED"), Some(5)));
    for gone in [two, three] {
        assert_eq!((gone.status.as_deref(), gone.depth, gone.parts.len()), (Some("FORGOTTEN"), None, 0));
        assert!(gone.reason.as_ref().unwrap().contains("is not in the best chain"), "{gone:?}");
    }
    let text = world.served.folder.run(&world.line(seen)).ends(1).stdout();
    assert!(text.contains(&format!("epoch 2  FORGOTTEN: block {left}")), "{text}");
    // Who has not seen them is told nothing of them.
    assert_eq!(world.status("", 0).epochs.len(), 1);
    // What was in the blocks waits again. All in one block it does for the second, and not for the third.
    world.served.mine(1);
    let found = world.status(seen, 1);
    let statuses: Vec<_> = found.epochs.iter().map(|found| found.status.as_deref().unwrap()).collect();
    assert_eq!(statuses, ["FINALIZED", "SUBMITTED", "FORGOTTEN"]);
    assert!(found.not_counted.iter().all(|not| not.epoch == 3) && !found.not_counted.is_empty(), "{found:?}");
}

#[test]
fn nodes_and_files_that_are_none_are_named() {
    let world = World::new();
    world.submit(&checkpoint(1));
    let fails = |line: &str, words: &[&str]| world.served.folder.run(line).fails(words);
    let without_gateway = format!("checkpoint status --network regtest {} --from 100", world.served.at());
    fails(&without_gateway, &["--chain-node is absent"]);
    fails(
        &world.line("--to 105").replace(&format!("--from {}", world.from), "--from 100"),
        &["--to is 105; must be absent"],
    );
    world.served.folder.write("bad.json", "{}");
    fails(&world.line("--submission bad.json"), &["--submission bad.json", "no list `proofs`"]);
    // Proofs of transactions that are no parts.
    let height = world.from;
    let block = world.served.chain_block(height);
    let parts = [&block.txdata[1], &block.txdata[1]];
    world.served.folder.write("twice.json", proofs(std::slice::from_ref(&block), &parts).to_string());
    fails(
        &world.line("--submission twice.json"),
        &["--submission twice.json", "part 1 of the checkpoint has 78 bytes"],
    );
    // And of blocks below the range.
    world.keep("one.json", [world.from, world.from + 1]);
    let later = world
        .line("--submission one.json")
        .replace(&format!("--from {}", world.from), &format!("--from {}", world.from + 1));
    fails(&later, &["--submission", "is not on a block from --from"]);
}
