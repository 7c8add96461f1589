//! Finding spenders and transactions, against a server that answers what it is told to.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash as _;
use bitcoin::{Block, BlockHash, Network, OutPoint, Txid};
use serde_json::{Value, json};

use super::tests::{Server, error, result};
use crate::{BlockHeight, Broadcast as _, ChainSource as _, Lookup as _, NodeError};

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

#[test]
fn spender_in_a_block_is_read_from_the_block_that_the_index_names() {
    let block = block_with_a_spender(outpoint());
    let (hash, txid) = (block.block_hash(), block.txdata[1].compute_txid());
    let named =
        || result(json!([{"txid": outpoint().txid, "vout": 1, "spendingtxid": txid, "blockhash": hash}]));
    let node = |replies| Server::start(replies).node(Network::Regtest);
    let replies =
        || vec![result(Value::Null), named(), header(&block, 7, 4), result(json!(serialize_hex(&block)))];
    let found = node(replies()).spender(&outpoint(), BlockHeight::new(7)).unwrap().unwrap();
    assert_eq!((found.transaction.compute_txid(), found.confirmations), (txid, 4));
    assert_eq!(found.block.map(|block| (block.height.to_u32(), block.hash)), Some((7, hash)));
    assert_eq!(node(replies()).spender(&outpoint(), BlockHeight::new(8)).unwrap(), None, "an earlier block");

    // Stale, or unknown since a crash: what the index says is no answer, so blocks are searched.
    for gone in [header(&block, 1, -1), error(-5, "Block not found")] {
        let replies = vec![
            result(Value::Null),
            named(),
            gone,
            chain_info(&block, 1),
            result(json!(serialize_hex(&block))),
        ];
        let found = node(replies).spender(&outpoint(), BlockHeight::GENESIS).unwrap().unwrap();
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
        result(json!([{"txid": outpoint().txid, "vout": 1, "spendingtxid": txid}])),
        error(-5, NOT_IN_MEMPOOL),
        chain_info(&block, 1),
        result(json!(serialize_hex(&block))),
    ];
    let found =
        Server::start(replies).node(Network::Regtest).spender(&outpoint(), BlockHeight::GENESIS).unwrap();
    assert_eq!(found.unwrap().transaction.compute_txid(), txid);
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
    match Server::start(replies).node(Network::Regtest).spender(&outpoint(), BlockHeight::GENESIS) {
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
