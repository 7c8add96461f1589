//! `btcstake checkpoint verify`: of a real chain's checkpoint, of our own, and of what is none.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::bech32::{Bech32, Hrp, encode};
use bitcoin::consensus::encode::{serialize, serialize_hex};
use bitcoin::{Block, Transaction};
use btcstake::outputs::CheckpointVerify;
use serde_json::{Value, json};
use spv::InclusionProof;
use spv::anchors::{Checkpoint, CheckpointTag, EpochValidator};
use spv::testing::{TestValidators, blocks, checkpoint_transactions, transaction};

use crate::anchor::script;
use crate::fixtures::bitcoin::Served;
use crate::fixtures::process::Folder;

/// The two outputs of epoch 2 of a test chain, whose validators `spv` has.
const FIRST: &str = "6a4c4e01020304000000000000000002d6d1c945e4bca1c24a8c6efbd4622d7c901aeb6b3d9288ff3f06921e2acd99ceffffffffffffffffffffffff0f92a24b448d13bb1009fc53dc3a3241caaf3630a4";
const SECOND: &str = "6a3f0102030410a28efe8afb726a32f05289b28e334d505b6af5de4e65fda1d80f8fd0d5b101833c783a57666d2b420caad972654ce38ad096d0ad53a44b901a49";
const VALIDATORS: &str = include_str!("../../../../spv/src/tests/data/epoch_2_validators.txt");

/// A node's answer to `bls_public_keys/{epoch}`.
fn answer(validators: &[(String, String, u64)]) -> String {
    let shown = validators.iter().map(|(address, key, power)| {
        json!({ "validator_address": address, "bls_pub_key_hex": key, "voting_power": power.to_string() })
    });
    let pagination = json!({ "next_key": null, "total": validators.len().to_string() });
    json!({ "validator_with_bls_keys": shown.collect::<Vec<_>>(), "pagination": pagination }).to_string()
}

fn epoch_2() -> Vec<(String, String, u64)> {
    let read = |line: &str| {
        let [address, key, power] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        (address.to_owned(), key.to_owned(), power.parse().unwrap())
    };
    VALIDATORS.lines().map(read).collect()
}

/// Our own validators, as a node lists them.
pub(super) fn listed(validators: &[EpochValidator]) -> Vec<(String, String, u64)> {
    let hrp = Hrp::parse("bbnvaloper").unwrap();
    let listed = validators.iter().map(|EpochValidator { address, bls_key, power }| {
        (encode::<Bech32>(hrp, address).unwrap(), hex::encode(bls_key), *power)
    });
    listed.collect()
}

/// The proofs of two transactions, as the chain's message has them.
pub(super) fn proofs(blocks: &[Block], parts: &[&Transaction; 2]) -> Value {
    let proof = |part: &&Transaction| {
        let txid = part.compute_txid();
        let has = |block: &&Block| block.txdata.iter().any(|other| other.compute_txid() == txid);
        let block = blocks.iter().find(has).unwrap();
        let inclusion = InclusionProof::from_block(block, txid).unwrap();
        json!({
            "btc_transaction": BASE64_STANDARD.encode(serialize(*part)),
            "btc_transaction_index": inclusion.position(),
            "merkle_nodes": BASE64_STANDARD.encode(inclusion.sibling_bytes()),
            "confirming_btc_header": serialize_hex(&block.header),
        })
    };
    json!({ "proofs": parts.iter().map(proof).collect::<Vec<_>>() })
}

fn with_output(seed: u32, hex: &str) -> Transaction {
    let mut transaction = transaction(seed, Vec::new());
    transaction.output[0].script_pubkey = script(hex);
    transaction
}

/// Two parts in the first and second of five blocks, with all files.
struct World {
    folder: Folder,
    blocks: Vec<Block>,
    parts: [Transaction; 2],
}

impl World {
    fn new(parts: [Transaction; 2], validators: &[(String, String, u64)]) -> Self {
        let [first, second] = parts.clone();
        let others = (50..52).map(|seed| transaction(seed, vec![0x51; 34]));
        let blocks =
            blocks(None, [[vec![first], others.collect()].concat(), vec![second], vec![], vec![], vec![]]);
        let folder = Folder::new();
        let world = Self { folder, blocks, parts };
        let [one, other] = &world.parts;
        world.folder.write("proofs.json", proofs(&world.blocks, &[one, other]).to_string());
        world.write_headers(&world.blocks);
        world.folder.write("keys.json", answer(validators));
        world
    }

    fn write_headers(&self, blocks: &[Block]) {
        let headers: Vec<_> = blocks.iter().map(|block| serialize_hex(&block.header)).collect();
        self.folder.write("headers.hex", headers.join("\n"));
    }

    fn line(&self, more: &str) -> String {
        let first = self.blocks[0].block_hash();
        format!(
            "checkpoint verify --proofs proofs.json --headers headers.hex --trusted-header {first}:700 --network regtest --validators keys.json {more}"
        )
    }

    fn verified(&self, more: &str, code: i32) -> CheckpointVerify {
        self.folder.run(&format!("--json {}", self.line(more))).output(code)
    }

    #[track_caller]
    fn breaks(&self, more: &str, rule: &str, words: &str) {
        let found = self.verified(more, 1);
        assert_eq!(
            (found.valid, found.rule.as_deref(), &found.status),
            (false, Some(rule), &None),
            "{found:?}"
        );
        assert!(found.reason.as_ref().unwrap().contains(words), "no {words:?} in {found:?}");
    }
}

#[test]
fn checkpoint_of_a_test_chain_is_verified_in_full() {
    let world = World::new([with_output(1, FIRST), with_output(2, SECOND)], &epoch_2());
    let found = world.verified("--epoch 2 --confirmation-depth 3 --finalization-timeout 4", 0);
    assert_eq!((found.valid, &found.rule, &found.reason, found.epoch), (true, &None, &None, Some(2)));
    let hash = "d6d1c945e4bca1c24a8c6efbd4622d7c901aeb6b3d9288ff3f06921e2acd99ce";
    assert_eq!((found.block_hash.as_deref(), found.total_power.as_str()), (Some(hash), "10000"));
    assert_eq!((found.signed_power.as_deref(), found.depth), (Some("10000"), Some(3)));
    assert_eq!((found.status.as_deref(), found.warnings.len()), (Some("CONFIRMED"), 0));
    let [first, second] = &found.parts[..] else { panic!("{found:?}") };
    assert_eq!((first.height, first.position, second.height), (Some(700), 1, Some(701)));
    assert_eq!(first.txid, world.parts[0].compute_txid().to_string());
    assert_eq!(second.bitcoin_block, world.blocks[1].block_hash().to_string());
    let text = world.folder.run(&world.line("--epoch 2")).ends(0).stdout();
    assert!(
        text.starts_with("valid\n") && text.contains("10000 of 10000") && text.contains("SUBMITTED"),
        "{text}"
    );
    let finalized = world.verified("--epoch 2 --confirmation-depth 1 --finalization-timeout 3", 0);
    assert_eq!(finalized.status.as_deref(), Some("FINALIZED"));
    // Sorted by whoever does not have them in the order of the bitmap.
    let reversed: Vec<_> = epoch_2().into_iter().rev().collect();
    world.folder.write("keys.json", answer(&reversed));
    for order in ["first-eight-bytes", "whole-address"] {
        assert!(world.verified(&format!("--epoch 2 --order {order}"), 0).valid);
    }
    // The message of an unsigned transaction has the same proofs, and so has a bare list.
    let [one, other] = &world.parts;
    let bare = proofs(&world.blocks, &[one, other])["proofs"].clone();
    let message = json!({ "body": { "messages": [{ "@type": "/other" }, { "proofs": bare }] } });
    for form in [bare, message] {
        world.folder.write("proofs.json", form.to_string());
        assert!(world.verified("--epoch 2", 0).valid);
    }
    // Without a block that is known, it is anybody's chain.
    let line = world.line("--epoch 2");
    let (start, end) = line.split_once(" --trusted-header ").unwrap();
    let unanchored = format!("{start} {}", end.split_once(' ').unwrap().1);
    world.folder.run(&unanchored).warns(0, &["unanchored"]);
}

#[test]
fn each_rule_that_is_broken_is_named() {
    let all = epoch_2();
    let world = World::new([with_output(1, FIRST), with_output(2, SECOND)], &all);
    world.breaks("--epoch 3", "epoch", "the checkpoint is of epoch 2, and the validators of 3");
    world.breaks("--epoch 2 --tag 62626e31", "tag", "part 0 of the checkpoint begins with another tag");
    world.folder.write("keys.json", answer(&all[..9]));
    world.breaks("--epoch 2", "signature", "is not by the bitmap's validators");
    // Whose key is invalid counts among all, and not among those who signed.
    let mut invalid = all.clone();
    invalid[4].1 = "c0".to_owned() + &"00".repeat(95);
    invalid[4].2 = 5000;
    world.folder.write("keys.json", answer(&invalid));
    world.breaks("--epoch 2", "power", "9000 of 14000");
    assert_eq!(world.verified("--epoch 2", 1).invalid_keys, [4]);
    world.folder.write("keys.json", answer(&all));
    // Headers: not linked, without the block, and without the trusted one.
    world.write_headers(&[world.blocks[0].clone(), world.blocks[2].clone()]);
    world.breaks("--epoch 2", "headers", "the previous block of");
    world.write_headers(&world.blocks[1..]);
    world.breaks("--epoch 2", "in_chain", "of part 0 is not in the chain of headers");
    world.write_headers(&world.blocks[2..]);
    world.breaks("--epoch 2", "headers", "is not among the headers");
    world.write_headers(&world.blocks);
    // Proofs: of another place, and of another block.
    let [one, other] = &world.parts;
    let genuine = proofs(&world.blocks, &[one, other]);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut proofs = genuine.clone();
        change(&mut proofs["proofs"][0]);
        world.folder.write("proofs.json", proofs.to_string());
    };
    changed(&|proof| proof["btc_transaction_index"] = json!("2"));
    world.breaks("--epoch 2", "inclusion", "part 0 of the checkpoint: ");
    changed(&|proof| proof["confirming_btc_header"] = json!(serialize_hex(&world.blocks[2].header)));
    world.breaks("--epoch 2", "inclusion", "part 0 of the checkpoint: ");
    let swapped = json!([genuine["proofs"][1], genuine["proofs"][0]]);
    world.folder.write("proofs.json", swapped.to_string());
    world.breaks("--epoch 2", "length", "part 0 of the checkpoint has 63 bytes; must have 78");
}

/// Every field of both parts, changed in one place.
#[test]
fn payloads_that_are_changed_are_refused() {
    let (first, second) = (hex::decode(FIRST).unwrap(), hex::decode(SECOND).unwrap());
    let cases: [(&str, usize, &str); 9] = [
        ("first", 3, "tag"),
        ("first", 7, "part"),
        ("first", 8, "pair"),
        ("first", 20, "pair"),
        ("first", 48, "pair"),
        ("first", 80, "pair"),
        ("second", 6, "part"),
        ("second", 30, "signature"),
        ("second", 60, "pair"),
    ];
    for (which, at, rule) in cases {
        let (mut one, mut other) = (first.clone(), second.clone());
        let bytes = if which == "first" { &mut one } else { &mut other };
        bytes[at] ^= 0x01;
        let parts = [with_output(1, &hex::encode(one)), with_output(2, &hex::encode(other))];
        let world = World::new(parts, &epoch_2());
        let found = world.verified("--epoch 2", 1);
        let is_named = found.rule.as_deref().is_some_and(|name| name.starts_with(rule));
        assert!(is_named && !found.valid, "{which} {at}: {found:?}");
    }
    // Two standard outputs are one too many, and none too few.
    let mut two = with_output(1, FIRST);
    two.output.push(two.output[0].clone());
    let world = World::new([two, with_output(2, SECOND)], &epoch_2());
    world.breaks("--epoch 2", "op_returns", "has 2 standard OP_RETURN outputs; must have one");
    let world = World::new([with_output(1, FIRST), with_output(2, "51")], &epoch_2());
    world.breaks("--epoch 2", "op_returns", "has 0 standard OP_RETURN outputs; must have one");
}

/// More than two thirds must sign: of 4, 4 and 4, two thirds exactly are too little.
#[test]
fn two_thirds_exactly_are_too_little() {
    let made = |powers: &[u64], signers: [usize; 2]| -> World {
        let validators = TestValidators::new(powers);
        let checkpoint = validators.checkpoint(7, [5; 32], signers);
        let parts = checkpoint_transactions(&checkpoint, CheckpointTag::LOCAL, 9);
        World::new(parts, &listed(validators.validators()))
    };
    made(&[4, 4, 4], [0, 2]).breaks("--epoch 7", "power", "8 of 12");
    let more = made(&[4, 4, 5], [0, 2]).verified("--epoch 7", 0);
    assert_eq!((more.signed_power.as_deref(), more.total_power.as_str()), (Some("9"), "13"));
    // A signature that is none.
    let validators = TestValidators::new(&[1, 1, 1]);
    let genuine = validators.checkpoint(7, [5; 32], [0, 1, 2]);
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    for (bytes, rule) in [([0xff; 48], "signature_encoding"), (infinity, "signature_infinity")] {
        let checkpoint = Checkpoint { bls_multi_signature: bytes, ..genuine };
        let parts = checkpoint_transactions(&checkpoint, CheckpointTag::LOCAL, 9);
        World::new(parts, &listed(validators.validators())).breaks("--epoch 7", rule, "the BLS signature");
    }
}

#[test]
fn files_that_are_none_are_named() {
    let world = World::new([with_output(1, FIRST), with_output(2, SECOND)], &epoch_2());
    let fails = |file: &str, content: &str, words: &[&str]| {
        let before = world.folder.read(file);
        world.folder.write(file, content);
        world.folder.run(&world.line("--epoch 2")).fails(words);
        world.folder.write(file, before);
    };
    fails("proofs.json", "{}", &["--proofs proofs.json", "no list `proofs`"]);
    fails("proofs.json", "{\"proofs\": []}", &["--proofs proofs.json", "it has 0 proofs; must have two"]);
    fails("proofs.json", "[{}, {}]", &["the first proof", "missing field `btc_transaction`"]);
    fails("proofs.json", "nonsense", &["--proofs proofs.json"]);
    fails("headers.hex", "00", &["--headers headers.hex", "1 bytes; must be headers of 80 bytes"]);
    fails("keys.json", "{}", &["--validators keys.json", "missing field `validator_with_bls_keys`"]);
    let mut all = epoch_2();
    all[3].1 = "00".to_owned();
    fails("keys.json", &answer(&all), &["--validators keys.json", "validator 3", "is not 96 bytes in hex"]);
    let twice = [epoch_2(), epoch_2()[..1].to_vec()].concat();
    fails("keys.json", &answer(&twice), &["--validators keys.json", "the validators at 10"]);
    let page = answer(&epoch_2()).replace("\"next_key\":null", "\"next_key\":\"AAAA\"");
    fails("keys.json", &page, &["it is one page of several"]);
    let depths = "--epoch 2 --confirmation-depth 5 --finalization-timeout 4";
    world.folder.run(&world.line(depths)).fails(&["--confirmation-depth is 5; must be at most 4"]);
    world.folder.run(&world.line("--epoch 2 --tag zz")).fails(&["--tag", "8 hex digits"]);
    world.folder.run(&world.line("")).fails(&["--epoch"]);
    world
        .folder
        .run("checkpoint verify --proofs proofs.json --validators keys.json --epoch 2 --network regtest")
        .fails(&["--headers is absent; must be given, or --node"]);
    world.folder.run("checkpoint verify --validators keys.json --epoch 2").fails(&["--proofs"]);
}

#[test]
fn transactions_of_a_node_are_verified_with_its_headers() {
    let served = Served::new();
    served.mine(30);
    let parts = [FIRST, SECOND].map(|part| served.publish(&[script(part)]).compute_txid());
    served.mine(4);
    served.folder.write("keys.json", answer(&epoch_2()));
    let [first, second] = parts;
    let line = format!(
        "checkpoint verify --part {first} --part {second} --epoch 2 --validators keys.json --network regtest {}",
        served.at()
    );
    let found: CheckpointVerify = served.folder.output(&line);
    assert_eq!((found.valid, found.depth, found.warnings.len()), (true, Some(4), 0));
    assert_eq!(found.parts[1].height, Some(served.height() - 4));
    // In the other order they are none, and one alone is wrong usage.
    let swapped =
        line.replace(&format!("--part {first} --part {second}"), &format!("--part {second} --part {first}"));
    let found: CheckpointVerify = served.folder.run(&format!("--json {swapped}")).output(1);
    assert_eq!(found.rule.as_deref(), Some("length"));
    let once = line.replace(&format!(" --part {second}"), "");
    served.folder.run(&once).fails(&["--part is given 1 times; must be given twice"]);
    // Proofs that were taken before, and a node whose chain has them no more.
    let blocks = [5, 4].map(|above| served.chain_block(served.height() - above));
    let transactions = [&blocks[0].txdata[1], &blocks[1].txdata[1]];
    served.folder.write("proofs.json", proofs(&blocks, &transactions).to_string());
    let kept = format!(
        "checkpoint verify --proofs proofs.json --epoch 2 --validators keys.json --network regtest {}",
        served.at()
    );
    assert!(served.folder.output::<CheckpointVerify>(&kept).valid);
    served.reorganize(served.height() - 5, 6);
    let found: CheckpointVerify = served.folder.run(&format!("--json {kept}")).output(1);
    assert_eq!(found.rule.as_deref(), Some("in_chain"));
}
