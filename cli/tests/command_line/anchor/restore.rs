//! `btcstake anchor restore`.

use btcstake::outputs::AnchorRestore;
use serde_json::json;

use super::{digits, keystone};
use crate::fixtures::bitcoin::Served;
use crate::fixtures::process::Folder;

/// The hash of a block of a fork. It begins as the EP hash of the keystone at its height, on fork 0.
fn hash(fork: u32, height: u32) -> String {
    format!("{:08x}{}{fork:08x}{}", height / 25, "08".repeat(8), "00".repeat(16))
}

/// A history of these heights that is of fork 1 from a height on, with each block's parent.
fn history(first: u32, last: u32, forks_at: u32) -> String {
    let at = |height: u32| match height >= forks_at {
        true => format!("ff{}", &hash(1, height)[2..]),
        false => hash(0, height),
    };
    let line =
        |height: u32| json!({ "height": height, "hash": at(height), "parent": at(height - 1) }).to_string();
    (first..=last).map(line).collect::<Vec<_>>().join("\n")
}

fn anchors(heights: &[u32]) -> String {
    let line =
        |height: &u32| json!({ "height": height, "hash": &hash(0, *height)[..24], "depth": height / 10 });
    heights.iter().map(|height| line(height).to_string()).collect::<Vec<_>>().join("\n")
}

fn restored(folder: &Folder, more: &str, code: i32) -> AnchorRestore {
    folder.run(&format!("--json anchor restore --chain chain.jsonl {more}")).output(code)
}

#[test]
fn history_is_bound_up_to_the_last_anchor_or_diverges_at_one() {
    let folder = Folder::new();
    folder.write("anchors.jsonl", anchors(&[25, 50, 75, 200]));
    folder.write("chain.jsonl", history(10, 90, 1000));
    let found = restored(&folder, "--anchors anchors.jsonl", 0);
    assert_eq!((found.verdict.as_str(), found.anchor_count, found.outside_count), ("bound", 4, 1));
    let bound = found.bound.unwrap();
    assert_eq!((bound.chain_height, bound.depth, found.last_chain_height), (75, 7, Some(90)));
    let text = folder.run("anchor restore --chain chain.jsonl --anchors anchors.jsonl").ends(0).stdout();
    assert!(text.starts_with("bound\n") && text.contains("anchors hold commitments, never data"), "{text}");
    // Only the deep ones.
    let found = restored(&folder, "--anchors anchors.jsonl --least-depth 8", 1);
    assert_eq!((found.verdict.as_str(), found.anchor_count), ("unbound", 1));
    // Another history from 60 on: the first wrong block is above 50 and at most 75.
    folder.write("genuine.jsonl", history(10, 90, 1000));
    folder.write("chain.jsonl", history(10, 90, 60));
    let found = restored(&folder, "--anchors anchors.jsonl --other-chain genuine.jsonl", 1);
    assert_eq!((found.verdict.as_str(), found.first_difference_height), ("diverges", Some(60)));
    assert_eq!(found.bound.unwrap().chain_height, 50);
    let divergence = found.divergence.unwrap();
    assert_eq!((divergence.above_height, divergence.anchor.chain_height), (Some(50), 75));
    assert!(divergence.anchor.anchored_hash == hash(0, 75)[..24] && divergence.found_hash.starts_with("ff"));
    // Above the last anchor nothing is said of it.
    folder.write("chain.jsonl", history(10, 90, 76));
    assert_eq!(restored(&folder, "--anchors anchors.jsonl", 0).bound.unwrap().chain_height, 75);
}

#[test]
fn anchors_and_histories_that_contradict_themselves_are_named() {
    let folder = Folder::new();
    folder.write("chain.jsonl", history(10, 90, 1000));
    let other = json!({ "height": 50, "hash": &hash(7, 75)[..24] });
    folder.write("anchors.jsonl", format!("{}\n{other}", anchors(&[25, 50])));
    let found = restored(&folder, "--anchors anchors.jsonl", 1);
    assert_eq!((found.verdict.as_str(), found.bound), ("anchors_contradict", None));
    assert!(found.reason.unwrap().contains("at height 50"));
    folder.write("anchors.jsonl", anchors(&[25]));
    folder.write("chain.jsonl", format!("{}\n{}", history(10, 20, 1000), history(22, 30, 1000)));
    let found = restored(&folder, "--anchors anchors.jsonl", 1);
    assert_eq!(found.verdict, "not_a_chain");
    assert!(found.reason.unwrap().contains("after height 20 has height 22"));
    folder.write("chain.jsonl", format!("{}\n{}", history(10, 20, 1000), history(21, 30, 20)));
    let found = restored(&folder, "--anchors anchors.jsonl", 1);
    assert!(found.reason.unwrap().contains("the block at height 21 names another"));
}

#[test]
fn files_that_are_none_are_named() {
    let folder = Folder::new();
    folder.write("chain.jsonl", history(10, 20, 1000));
    folder.write("anchors.jsonl", anchors(&[25]));
    let fails = |chain: &str, anchors: &str, words: &[&str]| {
        folder.write("bad.jsonl", if chain.is_empty() { anchors } else { chain });
        let (chain, anchors) = if chain.is_empty() { ("chain", "bad") } else { ("bad", "anchors") };
        folder.run(&format!("anchor restore --chain {chain}.jsonl --anchors {anchors}.jsonl")).fails(words);
    };
    fails("{\"height\": 1}", "", &["--chain bad.jsonl", "line 1", "missing field `hash`"]);
    fails("\n{\"height\": 1, \"hash\": \"00\"}", "", &["--chain bad.jsonl", "line 2", "1 bytes; must be 32"]);
    fails("{\"height\": -1, \"hash\": \"00\"}", "", &["--chain bad.jsonl", "line 1"]);
    fails("nonsense", "", &["--chain bad.jsonl", "line 1"]);
    fails(
        "",
        "{\"height\": 1, \"hash\": \"0011\"}",
        &["--anchors bad.jsonl", "line 1", "2 bytes; must be 11 to 32"],
    );
    fails("", "{\"height\": 1, \"hash\": \"zz\"}", &["--anchors bad.jsonl", "line 1"]);
    folder.run("anchor restore --chain chain.jsonl").fails(&["--anchors is absent", "--node with --from"]);
    folder
        .run("anchor restore --chain nowhere --anchors anchors.jsonl")
        .fails(&["--chain", "cannot open nowhere"]);
    folder.write("gap.jsonl", format!("{}\n{}", history(1, 2, 1000), history(4, 5, 1000)));
    folder
        .run("anchor restore --chain chain.jsonl --anchors anchors.jsonl --other-chain gap.jsonl")
        .fails(&["--other-chain", "after height 2 has height 4"]);
}

#[test]
fn keystones_on_bitcoin_are_anchors() {
    let served = Served::new();
    served.mine(20);
    let from = served.height() + 1;
    let [one, two] = [keystone(1, 0), keystone(2, 1)];
    served.publish(&[one.script_pubkey()]);
    served.publish(&[two.script_pubkey()]);
    served.mine(2);
    served.folder.write("chain.jsonl", history(20, 60, 1000));
    let at = format!("--network regtest {} --from {from}", served.at());
    served.folder.write("hemi.txt", [one, two].map(|keystone| digits(&keystone)).join("\n"));
    let found = restored(&served.folder, &format!("{at} --keystones hemi.txt"), 0);
    let bound = found.bound.as_ref().unwrap();
    assert_eq!((bound.chain_height, bound.depth, found.anchor_count), (50, 2, 2));
    assert_eq!(bound.anchored_hash, hash(0, 50)[..24]);
    let by_all = restored(&served.folder, &at, 0);
    assert!(
        by_all.bound == found.bound && by_all.warnings[0].contains("anybody can publish one"),
        "{by_all:?}"
    );
    // Somebody publishes another block of that height: only who says which count learns anything.
    let mut forged = two;
    forged.ep_hash[0] ^= 1;
    served.publish(&[forged.script_pubkey()]);
    assert_eq!(restored(&served.folder, &at, 1).verdict, "anchors_contradict");
    assert_eq!(restored(&served.folder, &format!("{at} --keystones hemi.txt"), 0).bound.unwrap().depth, 3);
    // And of a height that has no other anchor.
    served.folder.write("chain.jsonl", history(20, 60, 40));
    let found = restored(&served.folder, &format!("{at} --keystones hemi.txt"), 1);
    assert_eq!((found.verdict.as_str(), found.bound.unwrap().chain_height), ("diverges", 25));
}
