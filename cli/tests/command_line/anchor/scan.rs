//! `btcstake anchor scan`.

use bitcoin::consensus::encode::{serialize, serialize_hex};
use bitcoin::{Amount, Block, ScriptBuf, Transaction, TxOut};
use btcstake::outputs::{AnchorScan, FieldValue, ScannedMark};
use spv::anchors::op_return;
use spv::testing::{block, mine, transaction};

use super::{KEYSTONE, OF_COINBASES, OF_OUTPUTS, STACKS, keystone, script};
use crate::fixtures::bitcoin::Served;
use crate::fixtures::process::Folder;

fn output(script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::ZERO, script_pubkey }
}

/// A transaction with outputs of these scripts.
fn paying(seed: u32, scripts: impl IntoIterator<Item = ScriptBuf>) -> Transaction {
    let output = scripts.into_iter().map(output).collect();
    Transaction { output, ..transaction(seed, Vec::new()) }
}

/// A block with every real mark, one of 32 bytes that may be anything, and transactions without marks.
fn marked() -> Block {
    let plain = || script(&format!("5120{}", "11".repeat(32)));
    let of_outputs = (1..).zip(OF_OUTPUTS).map(|(seed, (mark, _))| paying(seed, [script(mark), plain()]));
    let bare = paying(90, [plain(), op_return(&[7; 32])]);
    let mut block = block(of_outputs.chain([transaction(91, vec![0x51; 34]), bare]));
    block.txdata[0].output.extend(OF_COINBASES.map(|(mark, _)| output(script(mark))));
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    mine(&mut block.header, true);
    block
}

fn formats(marks: &[ScannedMark]) -> Vec<&str> {
    marks.iter().map(|mark| mark.mark_format.as_str()).collect()
}

#[test]
fn every_mark_of_a_block_is_found_with_what_follows() {
    let (folder, block) = (Folder::new(), marked());
    folder.write("block.hex", serialize_hex(&block));
    let found: AnchorScan = folder.output("anchor scan --block @block.hex");
    let [scanned] = &found.blocks[..] else { panic!("{found:?}") };
    assert_eq!(scanned.bitcoin_block, block.block_hash().to_string());
    assert_eq!((scanned.height, scanned.in_best_chain, scanned.transaction_count), (None, None, 8));
    let expected: Vec<_> = OF_COINBASES.iter().chain(&OF_OUTPUTS).map(|(_, format)| *format).collect();
    assert_eq!(formats(&scanned.found_marks), [&expected[..], &["bare_32_bytes"]].concat());
    // The coinbase's first output is no mark.
    let [rsk, power, keystone, ..] = &scanned.found_marks[..] else { panic!("{found:?}") };
    assert_eq!((rsk.place.as_str(), rsk.position, rsk.index), ("coinbase_output", 0, Some(1)));
    assert_eq!((power.place.as_str(), power.index), ("coinbase_output", Some(2)));
    assert_eq!((keystone.place.as_str(), keystone.position, keystone.index), ("output", 1, Some(0)));
    assert_eq!(keystone.txid, block.txdata[1].compute_txid().to_string());
    assert_eq!(keystone.data, &KEYSTONE[6..]);
    let field = |name: &str| keystone.mark_fields.iter().find(|field| field.name == name).unwrap();
    assert_eq!(field("l2_block_number").value, FieldValue::Number(2_634_175));
    let hash = "1531758580cb7114137d618bc4f4035f1820d0f24b7f4cc3bd4f85d386b2dcc2";
    assert_eq!(field("keystone_hash").value, FieldValue::Text(hash.to_owned()));
    // The stake's transaction lacks the output that it names.
    let core = &scanned.found_marks[3];
    assert_eq!(core.notes, ["no output pays to the redeem script"]);
    let bare = found.formats.last().unwrap();
    assert_eq!((bare.certainty.as_str(), bare.count), ("possible", 1));
    assert!(bare.concluded.starts_with("nothing"), "{bare:?}");
    let of_hemi = found.formats.iter().find(|format| format.mark_format == "hemi_keystone").unwrap();
    assert!(of_hemi.not_concluded.contains("anybody can publish others"), "{of_hemi:?}");
    let text = folder.run("anchor scan --block @block.hex").ends(0).stdout();
    for words in
        ["8 transactions, 8 marks", "output 1 of the coinbase: rsk_merged_mining", hash, "it does not: "]
    {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    // In each form that a block may have.
    folder.write("block.bin", serialize(&block));
    folder.write("folded.hex", format!("\u{feff}{}\r\n", serialize_hex(&block)));
    for line in [
        "anchor scan --block @block.bin".to_owned(),
        "anchor scan --block @folded.hex".to_owned(),
        format!("anchor scan --block {}", serialize_hex(&block)),
    ] {
        assert_eq!(folder.output::<AnchorScan>(&line), found);
    }
    let run = folder.run_with(&["--json", "anchor", "scan", "--block", "-"], &serialize(&block));
    assert_eq!(run.output::<AnchorScan>(0), found);
    let some: AnchorScan =
        folder.output("anchor scan --block @block.hex --kind core_stake --kind rsk_merged_mining");
    assert_eq!(formats(&some.blocks[0].found_marks), ["rsk_merged_mining", "core_stake"]);
    assert_eq!(some.formats.len(), 2);
}

/// As many keystones as the densest real block has, of which every eleventh is another one.
#[test]
fn dense_block_counts_each_keystone_and_the_different_ones() {
    let folder = Folder::new();
    let publications = (0..3448).map(|number| paying(number, [keystone(number % 316, 0).script_pubkey()]));
    folder.write("block.bin", serialize(&block(publications)));
    let found: AnchorScan = folder.output("anchor scan --block @block.bin");
    assert_eq!(found.blocks[0].found_marks.len(), 3448);
    let [counted] = &found.formats[..] else { panic!("{:?}", found.formats) };
    assert_eq!((counted.count, counted.distinct_count), (3448, 316));
    let none: AnchorScan = folder.output("anchor scan --block @block.bin --kind core_stake");
    assert!(none.blocks[0].found_marks.is_empty() && none.formats.is_empty());
    let text = folder.run("anchor scan --block @block.bin --kind core_stake").ends(0).stdout();
    assert!(text.ends_with("no mark is found\n"), "{text}");
}

#[test]
fn what_is_no_block_is_named() {
    let (folder, block) = (Folder::new(), marked());
    let bytes = serialize(&block);
    for (name, bytes, words) in [
        ("cut", &bytes[..bytes.len() - 1], "the block ends at byte"),
        ("longer", &[&bytes[..], &[0]].concat(), "1 bytes follow the last transaction"),
        ("header", &bytes[..79], "the block ends at byte 0"),
        ("long", &vec![0xff; 4_000_001], "the block has 4000001 bytes; must have at most 4000000"),
    ] {
        folder.write("block.bin", bytes);
        folder.run("anchor scan --block @block.bin").fails(&["--block @block.bin", "not a block", words]);
        assert!(!name.is_empty());
    }
    folder.write("empty", "");
    folder.run("anchor scan --block @empty").fails(&["--block", "the file empty is empty"]);
    folder.run("anchor scan --block zz").fails(&["--block", "not hex", "a file is given as @FILE"]);
    folder.run("anchor scan --block abc").fails(&["--block", "not hex"]);
    folder.run("anchor scan --block 00").fails(&["--block", "not a block"]);
    folder.run("anchor scan").fails(&["--block is absent", "--node with --from or --block-hash"]);
    folder.run("anchor scan --block 00 --kind keystones").fails(&[
        "--kind",
        "must be one of",
        "hemi_keystone",
    ]);
    folder.run("anchor scan --from 1").fails(&["--node"]);
    folder.run("anchor scan --block 00 --node http://127.0.0.1:1").fails(&["cannot be used with"]);
    // Transactions of another block under the header: what is found is not of that block.
    let mut other = block.clone();
    other.txdata.push(paying(92, [script(STACKS)]));
    folder.write("block.bin", serialize(&other));
    let run = folder.run("anchor scan --block @block.bin");
    run.warns(0, &["the Merkle root of block", "they are not that block's"]);
    let found: AnchorScan = folder.output("anchor scan --block @block.bin");
    assert_eq!((found.blocks[0].found_marks.len(), found.warnings.len()), (9, 1));
}

#[test]
fn blocks_of_a_node_are_scanned_by_height_and_by_hash() {
    let served = Served::new();
    served.mine(20);
    let first = served.height() + 1;
    let publication = served.publish(&[script(KEYSTONE)]);
    let hash = served.header(first).block_hash();
    served.mine(1);
    served.publish(&[script(STACKS)]);
    let at = format!("--network regtest {}", served.at());
    let scan = |more: &str| served.folder.output::<AnchorScan>(&format!("anchor scan {at} {more}"));
    let found = scan(&format!("--from {first}"));
    let heights: Vec<_> = found.blocks.iter().map(|block| block.height.unwrap()).collect();
    assert_eq!(heights, [first, first + 1, first + 2]);
    let marks: Vec<_> = found.blocks.iter().map(|block| formats(&block.found_marks)).collect();
    assert_eq!(marks, [&["hemi_keystone"][..], &[], &["stacks_block_commit"]]);
    assert_eq!(found.blocks[0].found_marks[0].txid, publication.compute_txid().to_string());
    let part = scan(&format!("--from {first} --to {first}"));
    assert_eq!(part.blocks, found.blocks[..1]);
    assert_eq!(scan(&format!("--block-hash {hash}")).blocks, part.blocks);
    // After a reorg it is another block's place.
    served.reorganize(first - 1, 4);
    let stale = scan(&format!("--block-hash {hash}"));
    assert_eq!((stale.blocks[0].in_best_chain, stale.blocks[0].height), (Some(false), Some(first)));
    assert_eq!(stale.warnings, [format!("block {hash} is not in the node's best chain")]);
    let last = served.height();
    for (more, words) in [
        ("--from 9000".to_owned(), format!("--from is 9000; must be at most {last}")),
        (format!("--from 5 --to {}", last + 1), format!("--to is {}; must be at most {last}", last + 1)),
        ("--from 5 --to 4".to_owned(), "--to is 4; must be at least 5".to_owned()),
        (format!("--block-hash {}", "07".repeat(32)), "--block-hash".to_owned()),
        ("--from x".to_owned(), "a block height must be".to_owned()),
    ] {
        served.folder.run(&format!("anchor scan {at} {more}")).fails(&[&words]);
    }
    served.folder.run(&format!("anchor scan {} --from 1", served.at())).fails(&["--node is on regtest"]);
}
