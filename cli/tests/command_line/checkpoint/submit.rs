//! `btcstake checkpoint submit`: the chain is told where an epoch's checkpoint is in Bitcoin.

use bitcoin::block::Header;
use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::hashes::Hash as _;
use bitcoin::{ScriptBuf, Transaction, Txid};
use chain::Broadcast as _;
use serde_json::{Value, json};
use spv::anchors::{Checkpoint, CheckpointTag};

use crate::fixtures::bitcoin::Served;
use crate::fixtures::secured_chain::{SecuredChain, sent, unsigned};
use crate::fixtures::wire::{InclusionProof, MsgInsertHeaders, MsgInsertSpvProof, SpvProof, TransactionKey};
use crate::stake::undelegate::root;

const KIND: &str = "/babylon.btccheckpoint.v1.MsgInsertBTCSpvProof";
const HEADERS: &str = "/babylon.btclightclient.v1.MsgInsertHeaders";
const FROM: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

/// The outputs that bring a checkpoint to Bitcoin.
fn scripts(tag: [u8; 4]) -> [ScriptBuf; 2] {
    let checkpoint = Checkpoint {
        epoch: 3,
        block_hash: [5; 32],
        bitmap: [1; 13],
        submitter: [7; 20],
        bls_multi_signature: [9; 48],
    };
    checkpoint.script_pubkeys(CheckpointTag(tag))
}

/// A chain whose wallet can pay, and that knows Bitcoin as it is then.
fn world() -> (Served, SecuredChain) {
    let served = Served::new();
    served.mine(12);
    let chain = SecuredChain::start(&served.folder);
    chain.chain.know_bitcoin(served.height(), served.header(served.height()).block_hash());
    (served, chain)
}

fn submit(served: &Served, parts: [Txid; 2], flags: &str) -> String {
    let [first, second] = parts;
    format!("checkpoint submit --part {first} --part {second} --network regtest {} {flags}", served.at())
}

/// Has both parts in a block each, and returns them with their blocks.
fn confirmed(served: &Served) -> [(Transaction, Header); 2] {
    scripts([1, 2, 3, 4]).map(|script| {
        let transaction = served.paying(&[script]);
        let header = served.confirm(&transaction);
        (transaction, header)
    })
}

/// Asserts that a proof is of this transaction in this block.
fn check(proof: &SpvProof, (transaction, header): &(Transaction, Header)) {
    let bare: Transaction = deserialize(&proof.transaction).unwrap();
    assert_eq!(bare.compute_txid(), transaction.compute_txid());
    assert!(bare.input.iter().all(|input| input.witness.is_empty()), "the chain reads none");
    assert_eq!(deserialize::<Header>(&proof.header).unwrap(), *header);
    let key = Some(TransactionKey { index: proof.index, hash: header.block_hash().to_byte_array().to_vec() });
    let as_inclusion = InclusionProof { key, proof: proof.merkle_nodes.clone() };
    assert_eq!(root(transaction, &as_inclusion), header.merkle_root.to_byte_array());
}

#[test]
fn both_parts_are_proven_with_the_headers_that_the_chain_lacks() {
    let (served, chain) = world();
    let first_new = served.height() + 1;
    let parts = confirmed(&served);
    served.mine(3);
    let ids = [parts[0].0.compute_txid(), parts[1].0.compute_txid()];
    let line = submit(&served, ids, &chain.flags());
    let printed = sent(&served.folder, &line);
    assert_eq!(printed.messages, [HEADERS, KIND], "the headers come first");
    let [headers, proof] = &chain.last_messages()[..] else { panic!("two messages") };
    let headers: MsgInsertHeaders = headers.read(HEADERS);
    let expected: Vec<_> =
        (first_new..=served.height()).map(|height| serialize(&served.header(height))).collect();
    assert_eq!((headers.headers, headers.signer), (expected, chain.address.clone()));
    let proof: MsgInsertSpvProof = proof.read(KIND);
    assert_eq!((&proof.submitter, proof.proofs.len()), (&chain.address, 2));
    proof.proofs.iter().zip(&parts).for_each(|(proof, part)| check(proof, part));
    // A chain that knows every header is told of none.
    let printed = sent(&served.folder, &line);
    assert_eq!(printed.messages, [KIND]);
    // For a key that is kept elsewhere, too.
    let node = format!("--chain-node http://{} --unsigned --from {FROM}", chain.node.address());
    let messages = unsigned(&served.folder, &submit(&served, ids, &node));
    assert_eq!((&messages[0]["@type"], &messages[0]["submitter"]), (&json!(KIND), &json!(FROM)));
    let shown = &messages[0]["proofs"][1];
    assert_eq!(shown["confirming_btc_header"], json!(hex::encode(serialize(&parts[1].1))));
    assert_eq!(shown["btc_transaction_index"], json!(1));
}

/// The chain takes no proof of a block that it does not know: headers that do not reach it are no help.
#[test]
fn a_chain_far_behind_is_told_of_headers_first() {
    let (served, chain) = world();
    let known = served.height();
    served.mine(298);
    let parts = confirmed(&served);
    let ids = [parts[0].0.compute_txid(), parts[1].0.compute_txid()];
    let line = submit(&served, ids, &chain.flags());
    // Both are in the last two of 300 headers: that is enough, and the rest is for later.
    assert_eq!(served.height(), known + 300);
    served.mine(1);
    let run = served.folder.run(&format!("--json {line}"));
    let printed: Value = serde_json::from_str(&run.stdout()).unwrap();
    let ends = format!("the headers end at block {}", known + 300);
    run.warns(0, &[&ends, "checkpoint headers"]);
    assert_eq!(printed["messages"], json!([HEADERS, KIND]));
    // One block less, and the second part is in a block that the chain would not know.
    chain.chain.know_bitcoin(known - 1, served.header(known - 1).block_hash());
    let before = chain.chain.transactions().len();
    let rule = ["--part", &ids[1].to_string(), "must be told of them first", "btcstake checkpoint headers"];
    served.folder.run(&line).fails(&rule);
    assert_eq!(chain.chain.transactions().len(), before);
    let headers = format!("checkpoint headers --network regtest {} {}", served.at(), chain.flags());
    assert_eq!(served.folder.json(&headers)["count"], json!(302));
    assert_eq!(sent(&served.folder, &line).messages, [KIND]);
}

/// The chain counts standard OP_RETURN outputs alone: one that is not does not spoil a part.
#[test]
fn an_output_that_is_not_standard_does_not_count() {
    let (served, chain) = world();
    let [first, second] = scripts([1, 2, 3, 4]);
    // Two pushes, and a push whose end is missing.
    let others = [vec![0x6a, 0x01, 0x07, 0x01, 0x07], vec![0x6a, 0x4c]].map(ScriptBuf::from_bytes);
    let parts = [[&others[..], &[first]].concat(), vec![second]]
        .map(|scripts| served.publish(&scripts).compute_txid());
    let printed = sent(&served.folder, &submit(&served, parts, &chain.flags()));
    assert_eq!(printed.messages, [HEADERS, KIND]);
}

#[test]
fn what_is_no_checkpoint_is_refused_and_nothing_is_sent() {
    let (served, chain) = world();
    let parts = confirmed(&served);
    let [first, second] = [parts[0].0.compute_txid(), parts[1].0.compute_txid()];
    let flags = chain.flags();
    let fails = |parts: [Txid; 2], words: &[&str]| {
        served.folder.run(&submit(&served, parts, &flags)).fails(words);
    };
    // In the other order the first has the second's length.
    fails([second, first], &["--part"]);
    fails([first, first], &["--part"]);
    let confirm = |scripts: &[ScriptBuf]| {
        let transaction = served.paying(scripts);
        served.confirm(&transaction);
        transaction.compute_txid()
    };
    let both = confirm(&scripts([1, 2, 3, 4]));
    fails([first, both], &["--part", &both.to_string(), "has 2 standard OP_RETURN outputs; must have one"]);
    let none = confirm(&[]);
    fails([first, none], &["--part", &none.to_string(), "has 0 standard OP_RETURN outputs; must have one"]);
    let empty = confirm(&[ScriptBuf::from_bytes(vec![0x6a])]);
    // It is standard, and has no data.
    fails([empty, second], &["--part", "part 0 of the checkpoint has 0 bytes; must have 78"]);
    let [other, _] = scripts([0x62, 0x62, 0x74, 0x34]);
    fails([confirm(&[other]), second], &["--part", "tag"]);
    // A part of another checkpoint, which is whole by itself.
    let mut bytes = scripts([1, 2, 3, 4])[0].to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    fails([confirm(&[ScriptBuf::from_bytes(bytes)]), second], &["--part", "checkpoint"]);
    let waiting = served.paying(&scripts([1, 2, 3, 4])[..1]);
    served.chain.broadcast(&waiting).unwrap();
    let waiting = waiting.compute_txid();
    fails([waiting, second], &[&format!("the transaction {waiting} is unconfirmed; must be in a block")]);
    let nowhere: Txid = "07".repeat(32).parse().unwrap();
    fails([first, nowhere], &[&format!("the node has no transaction {nowhere}")]);
    let once = format!("checkpoint submit --part {first} --network regtest {} {flags}", served.at());
    served.folder.run(&once).fails(&["--part is given 1 times; must be given twice"]);
    let bare = format!("checkpoint submit --part {first} --part {second} --network regtest {flags}");
    served.folder.run(&bare).fails(&["--node is absent"]);
    assert!(chain.chain.transactions().is_empty());
}
