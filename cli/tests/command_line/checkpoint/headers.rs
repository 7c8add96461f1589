//! `btcstake checkpoint headers`: the chain is told of the Bitcoin headers that it does not know.

use babylon::testing::Fault;
use bitcoin::block::Header;
use bitcoin::consensus::encode::{deserialize, deserialize_hex};
use btcstake::outputs::{CheckpointHeaders, Refused, ToldHeaders};
use serde_json::{Value, json};

use crate::fixtures::bitcoin::Served;
use crate::fixtures::secured_chain::SecuredChain;
use crate::fixtures::wire::MsgInsertHeaders;

const KIND: &str = "/babylon.btclightclient.v1.MsgInsertHeaders";
const FROM: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

/// A chain that knows Bitcoin up to this height.
fn knowing(served: &Served, height: u32) -> SecuredChain {
    let chain = SecuredChain::start(&served.folder);
    chain.chain.know_bitcoin(height, served.header(height).block_hash());
    chain
}

fn headers(served: &Served, flags: &str) -> String {
    format!("checkpoint headers --network regtest {} {flags}", served.at())
}

fn told(served: &Served, chain: &SecuredChain) -> ToldHeaders {
    match served.folder.output(&headers(served, &chain.flags())) {
        CheckpointHeaders::Told(told) => told,
        other => panic!("{other:?}"),
    }
}

/// The heights of the headers in a message, whose bytes are those of the node's chain.
fn heights(served: &Served, headers: &[Vec<u8>]) -> Vec<u32> {
    let height = |bytes: &Vec<u8>| {
        let header: Header = deserialize(bytes).unwrap();
        (0..=served.height()).find(|height| served.header(*height) == header).unwrap()
    };
    headers.iter().map(height).collect()
}

#[test]
fn what_the_chain_does_not_know_is_told_oldest_first() {
    let served = Served::new();
    let chain = knowing(&served, served.height() - 5);
    let output = told(&served, &chain);
    assert_eq!((output.count, output.transactions.len()), (5, 1));
    assert_eq!(
        (&output.transactions[0].messages, &output.transactions[0].account),
        (&vec![KIND.to_owned()], &chain.address)
    );
    let [message] = &chain.last_messages()[..] else { panic!("one message") };
    let message: MsgInsertHeaders = message.read(KIND);
    assert_eq!(message.signer, chain.address);
    let last = served.height();
    assert_eq!(heights(&served, &message.headers), (last - 4..=last).collect::<Vec<_>>());
    assert_eq!(chain.chain.known_bitcoin(), Some(served.header(last).block_hash()));
    // Then it knows them all, and is sent nothing.
    assert_eq!(told(&served, &chain), ToldHeaders { count: 0, transactions: vec![] });
    let text = served.folder.run(&headers(&served, &chain.flags())).ends(0).stdout();
    assert_eq!(text, "the chain knows every header\n");
    assert_eq!(chain.chain.transactions().len(), 1);
}

/// More headers than one transaction may have are in several, each after the one before; what stops on the
/// way tells how far it came.
#[test]
fn many_headers_are_told_in_several_transactions() {
    let served = Served::new();
    let first = served.height();
    served.mine(405);
    let chain = knowing(&served, first);
    // The first is handed in twice; with a fixed limit the second is not tried again with more.
    chain.chain.fail([Fault::AnswerLost, Fault::AnswerLost, Fault::OutOfGas]);
    let line = headers(&served, &format!("{} --gas 9000000", chain.flags()));
    let run = served.folder.run(&format!("--json {line}"));
    let refused: Refused = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(refused.violations[0].rule, "refused_by_chain");
    assert!(refused.violations[0].message.contains("out of gas"), "{refused:?}");
    run.warns(1, &["400 headers are told, the last by ", "the next are not"]);
    assert_eq!(chain.chain.known_bitcoin(), Some(served.header(first + 400).block_hash()));
    let output = told(&served, &chain);
    assert_eq!((output.count, output.transactions.len()), (5, 1));
    let all = chain.chain.transactions().len();
    assert_eq!(all, 3, "400, a failed one, 5");
    // From the beginning, in one run.
    let chain = knowing(&served, first);
    let output = told(&served, &chain);
    assert_eq!((output.count, output.transactions.len()), (405, 2));
    assert_ne!(output.transactions[0].transaction_hash, output.transactions[1].transaction_hash);
}

/// For a key that is kept elsewhere: as many as one transaction may have, and a word of the next.
#[test]
fn unsigned_headers_are_for_babylond() {
    let served = Served::new();
    let first = served.height();
    served.mine(401);
    let chain = knowing(&served, first);
    let node = format!("--chain-node http://{} --unsigned --from {FROM}", chain.node.address());
    let line = format!("--json {}", headers(&served, &node));
    let run = served.folder.run(&line);
    let printed: Value = serde_json::from_str(&run.stdout()).unwrap();
    run.warns(0, &["these are the first 400 headers", "ask again for the next"]);
    crate::outputs::check(&line, &printed);
    let message = &printed["body"]["messages"][0];
    assert_eq!((&message["@type"], &message["signer"]), (&json!(KIND), &json!(FROM)));
    let shown = message["headers"].as_array().unwrap();
    assert_eq!(shown.len(), 400);
    let header: Header = deserialize_hex(shown[399].as_str().unwrap()).unwrap();
    assert_eq!(header, served.header(first + 400));
    // Room for all of them, 10 400 units of gas each.
    let gas: u64 = printed["auth_info"]["fee"]["gas_limit"].as_str().unwrap().parse().unwrap();
    assert!((400 * 10_400..10_000_000).contains(&gas), "{gas}");
    // Of a chain that knows them all there is nothing to print.
    chain.chain.know_bitcoin(first + 401, served.header(first + 401).block_hash());
    let printed = served.folder.json(&headers(&served, &node));
    assert_eq!(printed, json!({ "count": 0, "transactions": [] }));
    assert!(chain.chain.transactions().is_empty());
}

#[test]
fn what_cannot_be_told_is_said() {
    let served = Served::new();
    let chain = knowing(&served, 100);
    let flags = chain.flags();
    let fails = |line: &str, words: &[&str]| served.folder.run(line).fails(words);
    fails(&format!("checkpoint headers --network regtest {flags}"), &["--node is absent"]);
    let signet = headers(&served, &flags).replace("regtest", "signet");
    fails(&signet, &["--node is on regtest; must be on signet"]);
    fails(&headers(&served, "--account-key-file account.key --chain-id bbn-1"), &["--chain-node is absent"]);
    let bare = flags.replace("--chain-id bbn-1", "");
    fails(&headers(&served, &bare), &["--chain-id is absent"]);
    // What the chain knows is of another network.
    chain.chain.know_bitcoin(100, "ee".repeat(32).parse().unwrap());
    fails(&headers(&served, &flags), &["is unknown to the node", &"ee".repeat(32)]);
    assert!(chain.chain.transactions().is_empty());
}
