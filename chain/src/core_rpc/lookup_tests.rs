//! Finding spenders and transactions, against a server that answers what it is told to.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, Block, BlockHash, Network, OutPoint, ScriptBuf, TxOut, Txid};
use serde_json::{Value, json};

use super::tests::{Server, error, result};
use crate::{BlockHeight, Broadcast as _, ChainSource as _, Coin, FoundTransaction, Lookup as _, NodeError};

const NOT_IN_MEMPOOL: &str = "No such mempool transaction. Use -txindex or provide a block hash";

fn genesis() -> Block {
    bitcoin::constants::genesis_block(Network::Regtest)
}

/// A block on genesis, with a transaction that spends `outpoint`.
fn block_with_a_spender(outpoint: OutPoint) -> Block {
    let mut block = genesis();
    let mut spender = block.txdata[0].clone();
    spender.input[0].previous_output = outpoint;
    block.header.prev_blockhash = block.block_hash();
    block.txdata.push(spender);
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    block
}

fn header(block: &Block, height: u32, confirmations: i64) -> Vec<u8> {
    let header = block.header;
    let previous = (header.prev_blockhash != BlockHash::all_zeros()).then_some(header.prev_blockhash);
    result(json!({
        "confirmations": confirmations, "height": height, "version": header.version.to_consensus(),
        "merkleroot": header.merkle_root, "time": header.time, "nonce": header.nonce,
        "bits": format!("{:x}", header.bits.to_consensus()), "previousblockhash": previous,
    }))
}

fn chain_info(tip: &Block, height: u32) -> Vec<u8> {
    result(json!({"chain": "regtest", "blocks": height, "headers": height, "bestblockhash": tip.block_hash(),
        "difficulty": 1.0, "time": 0, "mediantime": 0, "verificationprogress": 1.0,
        "initialblockdownload": false, "chainwork": "00", "size_on_disk": 0, "pruned": false, "warnings": []}))
}

fn outpoint() -> OutPoint {
    OutPoint { txid: Txid::from_byte_array([3; 32]), vout: 1 }
}

/// What is known of that output.
fn coin(height: u32) -> Coin {
    let output =
        TxOut { value: Amount::from_sat(123_456_789), script_pubkey: ScriptBuf::from_bytes(vec![0x51]) };
    Coin { outpoint: outpoint(), output, height: BlockHeight::new(height) }
}

/// What `gettxout` says of an unspent output.
fn unspent(btc: f64, script: &str) -> Value {
    json!({"bestblock": genesis().block_hash(), "confirmations": 2, "value": btc,
        "scriptPubKey": {"asm": "", "hex": script, "type": "nonstandard"}, "coinbase": false})
}

/// `gettxspendingprevout` on a spender in the mempool.
fn names(txid: Txid) -> Vec<u8> {
    result(json!([{"txid": outpoint().txid, "vout": 1, "spendingtxid": txid}]))
}

fn spender(replies: Vec<Vec<u8>>, since: u32) -> Result<Option<FoundTransaction>, NodeError> {
    Server::start(replies).node(Network::Regtest).spender(&coin(since))
}

#[track_caller]
fn assert_malformed<T: std::fmt::Debug>(answer: Result<T, NodeError>, expected: &str) {
    match answer {
        Err(NodeError::MalformedAnswer { source, .. }) => {
            assert!(source.to_string().contains(expected), "{source}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn spender_in_a_block_is_read_from_the_block_that_the_index_names() {
    let block = block_with_a_spender(outpoint());
    let (hash, txid) = (block.block_hash(), block.txdata[1].compute_txid());
    let named =
        || result(json!([{"txid": outpoint().txid, "vout": 1, "spendingtxid": txid, "blockhash": hash}]));
    let mut replies =
        vec![result(Value::Null), named(), header(&block, 7, 4), result(json!(serialize_hex(&block)))];
    let found = spender(replies.clone(), 7).unwrap().unwrap();
    assert_eq!((found.transaction.compute_txid(), found.confirmations), (txid, 4));
    assert_eq!(found.block.map(|block| (block.height.to_u32(), block.hash)), Some((7, hash)));
    replies.push(result(Value::Null));
    match spender(replies, 8) {
        Err(error @ NodeError::NoSuchOutput { .. }) => assert!(error.is_retryable(), "an earlier block"),
        other => panic!("{other:?}"),
    }

    // Stale, or unknown since a crash: what the index says is no answer, so blocks are searched.
    for gone in [header(&block, 1, -1), error(-5, "Block not found")] {
        let replies = vec![
            result(Value::Null),
            named(),
            gone,
            chain_info(&block, 1),
            result(json!(serialize_hex(&block))),
        ];
        let found = spender(replies, 0).unwrap().unwrap();
        assert_eq!((found.transaction.compute_txid(), found.confirmations), (txid, 1));
    }
}

/// Between the two calls the spender left the mempool for a block.
#[test]
fn spender_that_is_mined_between_two_calls_is_searched() {
    let block = block_with_a_spender(outpoint());
    let txid = block.txdata[1].compute_txid();
    let replies = vec![
        result(Value::Null),
        names(txid),
        error(-5, NOT_IN_MEMPOOL),
        chain_info(&block, 1),
        result(json!(serialize_hex(&block))),
    ];
    assert_eq!(spender(replies, 0).unwrap().unwrap().transaction.compute_txid(), txid);
}

#[test]
fn spender_below_the_pruned_blocks_is_not_found() {
    let block = block_with_a_spender(outpoint());
    let replies = vec![
        result(Value::Null),
        result(json!([{"txid": outpoint().txid, "vout": 1}])),
        chain_info(&block, 9),
        error(-1, "Block not available (pruned data)"),
    ];
    match spender(replies, 0) {
        Err(NodeError::SpenderNotFound { scanned_blocks: 0, .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// A node that was killed no longer knows the block that its index of transactions names.
#[test]
fn transaction_in_a_block_that_the_node_forgot_is_searched() {
    let block = genesis();
    let txid = block.txdata[0].compute_txid();
    let replies = vec![
        result(
            json!({"hex": serialize_hex(&block.txdata[0]), "blockhash": BlockHash::from_byte_array([7; 32])}),
        ),
        error(-5, "Block not found"),
        result(json!({"txindex": {"synced": true, "best_block_height": 3}})),
    ];
    assert_eq!(Server::start(replies).node(Network::Regtest).transaction(&txid).unwrap(), None);
}

#[test]
fn block_and_header_errors_name_the_block() {
    let hash = genesis().block_hash();
    let node = |reply| Server::start(vec![reply]).node(Network::Regtest);
    let unknown = |error: NodeError| matches!(error, NodeError::UnknownBlock { hash: of } if of == hash);
    assert!(unknown(node(error(-5, "Block not found")).header(&hash).unwrap_err()));
    assert!(unknown(node(error(-5, "Block not found")).block(&hash).unwrap_err()));
    let pruned = node(error(-1, "Block not available (pruned data)")).block(&hash).unwrap_err();
    assert!(matches!(pruned, NodeError::BlockPruned { hash: of } if of == hash) && !pruned.is_retryable());
    let missing = node(error(-1, "Block not available (not fully downloaded)")).block(&hash).unwrap_err();
    assert!(matches!(missing, NodeError::BlockNotDownloaded { hash: of } if of == hash));
    assert!(missing.is_retryable());
    let other = node(header(&block_with_a_spender(outpoint()), 1, 1)).header(&hash).unwrap_err();
    assert!(matches!(other, NodeError::MalformedAnswer { .. }), "{other}");
    let found = node(header(&genesis(), 0, 12)).header(&hash).unwrap();
    assert_eq!((found.header, found.height.to_u32(), found.confirmations), (genesis().header, 0, 12));
}

/// A reorg between asking for the hash and asking for the block.
#[test]
fn block_at_a_height_is_read_again_when_the_chain_moved() {
    let (stale, now) = (genesis(), block_with_a_spender(outpoint()));
    let hash = |block: &Block| result(json!(block.block_hash()));
    let block = |block: &Block| result(json!(serialize_hex(block)));
    let replies = vec![hash(&stale), block(&stale), hash(&now), block(&now), hash(&now)];
    let node = Server::start(replies).node(Network::Regtest);
    assert_eq!(node.block_at(BlockHeight::new(1)).unwrap(), now);
}

/// Mined, every output spent: the index of spenders knows the transaction again.
#[test]
fn broadcast_again_is_known_by_the_index_of_spenders() {
    let block = block_with_a_spender(outpoint());
    let transaction = &block.txdata[1];
    let named = |txid: Txid| {
        result(
            json!([{"txid": outpoint().txid, "vout": 1, "spendingtxid": txid, "blockhash": block.block_hash()}]),
        )
    };
    let replies = |answer| {
        vec![
            error(-25, "bad-txns-inputs-missingorspent"),
            error(-5, NOT_IN_MEMPOOL),
            answer,
            header(&block, 7, 4),
        ]
    };
    let node = |replies| Server::start(replies).node(Network::Regtest);
    let txid = transaction.compute_txid();
    assert_eq!(node(replies(named(txid))).broadcast(transaction).unwrap(), txid);
    let other = node(replies(named(Txid::from_byte_array([9; 32])))).broadcast(transaction);
    assert!(matches!(other, Err(NodeError::Rejected { .. })), "{other:?}");
}

/// `gettxout` of a lying node: what it says of an unspent output must be what is known of it.
#[test]
fn unspent_output_must_be_the_one_that_is_known() {
    assert_eq!(spender(vec![result(unspent(1.234_567_89, "51"))], 1).unwrap(), None);
    for (answer, expected) in [
        (unspent(1.234_567_88, "51"), "it has 123456788 sat to 51; must be 123456789 sat to 51"),
        (unspent(1.234_567_89, "52"), "it has 123456789 sat to 52; must be 123456789 sat to 51"),
        (unspent(-1.0, "51"), "JSON decode error"),
        (unspent(1.234_567_89, "5"), "JSON decode error"),
        (json!({}), "JSON decode error"),
        (json!(true), "JSON decode error"),
        (json!({"bestblock": genesis().block_hash(), "confirmations": 2}), "JSON decode error"),
    ] {
        assert_malformed(spender(vec![result(answer)], 1), expected);
    }
}

/// The same where a transaction is found by its output.
#[test]
fn unspent_output_must_be_one_of_its_transaction() {
    let block = block_with_a_spender(outpoint());
    let (txid, hash) = (block.txdata[1].compute_txid(), block.block_hash());
    let output = &block.txdata[1].output[0];
    let script = output.script_pubkey.to_hex_string();
    let look_up = |btc: f64| {
        let mut unspent = unspent(btc, &script);
        unspent["bestblock"] = json!(hash);
        let replies = vec![
            error(-5, NOT_IN_MEMPOOL),
            result(json!({})),
            result(unspent),
            header(&block, 2, 1),
            result(json!(hash)),
            result(json!(serialize_hex(&block))),
            result(json!(hash)),
        ];
        Server::start(replies).node(Network::Regtest).transaction(&txid)
    };
    assert_eq!(output.value.to_btc(), 50.0);
    assert_eq!(look_up(50.0).unwrap().unwrap().transaction, block.txdata[1]);
    assert_malformed(look_up(49.0), "must be 5000000000 sat");
}

#[test]
fn spender_must_spend_the_outpoint() {
    // Waiting: the transaction that the node names is of other inputs.
    let other = genesis().txdata[0].clone();
    let replies = || {
        let waiting = result(json!({ "hex": serialize_hex(&other) }));
        vec![result(Value::Null), names(other.compute_txid()), waiting]
    };
    assert_malformed(spender(replies(), 1), "must be a spender of");
    // The answer is about another output.
    let other_output =
        result(json!([{"txid": outpoint().txid, "vout": 2, "spendingtxid": other.compute_txid()}]));
    assert_malformed(spender(vec![result(Value::Null), other_output], 1), "about other outputs");
    assert_malformed(spender(vec![result(Value::Null), result(json!([]))], 1), "about other outputs");
    // Confirmed: the block that the index names has no spender, and neither have those below the tip.
    let (genesis, block) = (genesis(), block_with_a_spender(outpoint()));
    let named = json!([{"txid": outpoint().txid, "vout": 1, "spendingtxid": other.compute_txid(),
        "blockhash": genesis.block_hash()}]);
    let replies = vec![
        result(Value::Null),
        result(named),
        header(&genesis, 0, 2),
        result(json!(serialize_hex(&genesis))),
        chain_info(&block, 1),
        result(json!(serialize_hex(&block))),
    ];
    let found = spender(replies, 1).unwrap().unwrap();
    assert_eq!(found.transaction, block.txdata[1], "it is searched");
}

/// Neither unspent nor spent: never "nothing spends it".
#[test]
fn output_that_is_gone_is_an_error() {
    let empty = genesis();
    let nothing = || result(json!([{"txid": outpoint().txid, "vout": 1}]));
    let replies = |last| {
        vec![
            result(Value::Null),
            nothing(),
            chain_info(&empty, 0),
            result(json!(serialize_hex(&empty))),
            last,
        ]
    };
    match spender(replies(result(Value::Null)), 0) {
        Err(error @ NodeError::NoSuchOutput { .. }) => {
            assert!(error.to_string().contains("neither unspent nor spent from height 0 on"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    // Its spender left the mempool during the search.
    assert_eq!(spender(replies(result(unspent(1.234_567_89, "51"))), 0).unwrap(), None);
}

/// Bitcoin Core 31 with an index of spenders that is not built yet.
#[test]
fn index_that_is_not_built_yet_is_no_index() {
    let block = block_with_a_spender(outpoint());
    let replies = vec![
        result(Value::Null),
        error(-1, "Mempool lacks a relevant spend, and txospenderindex is unavailable."),
        chain_info(&block, 1),
        result(json!(serialize_hex(&block))),
    ];
    assert_eq!(spender(replies, 1).unwrap().unwrap().transaction, block.txdata[1]);
}

/// Versions 28 to 30 know neither the index of spenders nor an option of `gettxspendingprevout`.
#[test]
fn version_28_is_asked_for_nothing_that_it_lacks() {
    let block = block_with_a_spender(outpoint());
    let server = Server::start(vec![
        result(Value::Null),
        result(json!([{"txid": outpoint().txid, "vout": 1}])),
        chain_info(&block, 1),
        result(json!(serialize_hex(&block))),
    ]);
    assert!(server.node(Network::Regtest).spender(&coin(1)).unwrap().is_some());
    let asked: Vec<(String, usize)> = server.requests.iter().map(|request| request_of(&request)).collect();
    let expected = [("gettxout", 3), ("gettxspendingprevout", 1), ("getblockchaininfo", 0), ("getblock", 2)];
    assert_eq!(asked, expected.map(|(method, params)| (method.to_owned(), params)));
}

/// A request's method, and the number of its parameters.
fn request_of(request: &str) -> (String, usize) {
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    (body["method"].as_str().unwrap().to_owned(), body["params"].as_array().map_or(0, Vec::len))
}

/// `getblock` with the ids of the transactions.
fn listed(block: &Block, height: u32, ids: &[Txid]) -> Value {
    let header = block.header;
    let previous = (header.prev_blockhash != BlockHash::all_zeros()).then_some(header.prev_blockhash);
    json!({"hash": block.block_hash(), "confirmations": 1, "height": height, "version": header.version.to_consensus(),
        "merkleroot": header.merkle_root, "time": header.time, "nonce": header.nonce, "tx": ids,
        "bits": format!("{:x}", header.bits.to_consensus()), "previousblockhash": previous})
}

#[test]
fn blocks_that_are_searched_must_link() {
    let genesis = genesis();
    let mut block = genesis.clone();
    block.txdata[0].output[0].value = Amount::from_sat(1);
    block.header.prev_blockhash = genesis.block_hash();
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    let ids = |block: &Block| block.txdata.iter().map(|tx| tx.compute_txid()).collect::<Vec<_>>();
    let wanted = ids(&genesis)[0];
    let search = |replies: Vec<Value>| {
        let mut all =
            vec![error(-5, NOT_IN_MEMPOOL), result(json!({})), result(Value::Null), result(Value::Null)];
        all.push(chain_info(&block, 1));
        all.extend(replies.into_iter().map(result));
        Server::start(all).node(Network::Regtest).transaction(&wanted)
    };
    let top = || listed(&block, 1, &ids(&block));
    let found = search(vec![top(), listed(&genesis, 0, &ids(&genesis)), json!(serialize_hex(&genesis))]);
    let found = found.unwrap().unwrap();
    assert_eq!((found.transaction, found.confirmations), (genesis.txdata[0].clone(), 2));

    // Another parent than the header's; another block in the place of the parent; a list without a
    // transaction, or with one more.
    let mut other_parent = top();
    other_parent["previousblockhash"] = json!(BlockHash::from_byte_array([7; 32]));
    assert_malformed(search(vec![other_parent]), "the header of another block");
    assert_malformed(search(vec![top(), listed(&block, 0, &ids(&block))]), "the header of another block");
    let fewer = listed(&block, 1, &[]);
    assert_malformed(search(vec![fewer]), "does not commit to");
    let more = listed(&block, 1, &[ids(&block), vec![wanted]].concat());
    assert_malformed(search(vec![more]), "does not commit to");
}

/// The hash commits to the header alone.
#[test]
fn block_must_hold_the_transactions_that_its_header_commits_to() {
    let block = block_with_a_spender(outpoint());
    let read = |block: &Block| {
        let replies = vec![result(json!(serialize_hex(block)))];
        Server::start(replies).node(Network::Regtest).block(&block.block_hash())
    };
    assert_eq!(read(&block).unwrap(), block);
    let mut hidden = block.clone();
    hidden.txdata.pop();
    assert_malformed(read(&hidden), "does not commit to");
    let mut other_witness = block.clone();
    other_witness.txdata[1].input[0].witness.push([1; 64]);
    assert_eq!(other_witness.compute_merkle_root(), block.compute_merkle_root());
    assert_malformed(read(&other_witness), "does not commit to");
    // And one that its header commits to, of another spender: the search for a spender refuses it too.
    let replies = vec![
        result(Value::Null),
        result(json!([{"txid": outpoint().txid, "vout": 1}])),
        chain_info(&block, 1),
        result(json!(serialize_hex(&hidden))),
    ];
    assert_malformed(spender(replies, 1), "does not commit to");
}
