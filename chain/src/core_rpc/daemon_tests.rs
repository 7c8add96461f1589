//! Against a real `bitcoind`, named by the environment variable `BITCOIND_EXE`.

use std::path::PathBuf;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::opcodes::all::OP_CSV;
use bitcoin::script::Builder;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, FeeRate, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
};

use crate::testing::RegtestDaemon;
use crate::{
    BitcoinCore, BlockHeight, Broadcast as _, ChainSource as _, Coin, Credentials, FeeEstimate as _,
    Lookup as _, Mine as _, NodeError,
};

/// The daemon to test with, or a line that says why there is no test.
pub(super) fn exe(test: &str) -> Option<PathBuf> {
    let exe = std::env::var_os("BITCOIND_EXE").map(PathBuf::from);
    if exe.is_none() {
        eprintln!("SKIPPED: {test} needs a bitcoind, and BITCOIND_EXE names none");
    }
    exe
}

/// A witness program that anyone may spend with the witness script OP_TRUE, and that relay policy takes.
pub(super) fn anyone() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51]).to_p2wsh()
}

pub(super) fn spend(
    coin: &Coin,
    sequence: Sequence,
    witness_script: ScriptBuf,
    outputs: Vec<TxOut>,
) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: coin.outpoint,
            script_sig: ScriptBuf::new(),
            sequence,
            witness: Witness::from_slice(&[witness_script.into_bytes()]),
        }],
        output: outputs,
    }
}

pub(super) fn op_true() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51])
}

pub(super) fn pay(coin: &Coin, script_pubkey: ScriptBuf) -> Vec<TxOut> {
    vec![TxOut { value: coin.output.value.checked_sub(Amount::from_sat(10_000)).unwrap(), script_pubkey }]
}

#[track_caller]
pub(super) fn reason(result: Result<Txid, NodeError>) -> String {
    match result {
        Err(NodeError::Rejected { reason, .. }) => reason,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

#[test]
fn node_that_is_real_does_what_the_trait_says() {
    let Some(exe) = exe("node_that_is_real_does_what_the_trait_says") else { return };
    let daemon = RegtestDaemon::start(&exe).unwrap();
    let node = daemon.connect().unwrap();
    assert_eq!((node.network(), node.tip().unwrap().height), (Network::Regtest, BlockHeight::GENESIS));

    let hashes = node.mine(110, &anyone()).unwrap();
    assert_eq!((hashes.len(), node.tip().unwrap().hash), (110, hashes[109]));
    assert_eq!(node.block_at(BlockHeight::new(7)).unwrap().block_hash(), hashes[6]);
    for above in [111, u32::MAX] {
        match node.block_at(BlockHeight::new(above)) {
            Err(NodeError::NoSuchBlock { height, tip }) => {
                assert_eq!((height.to_u32(), tip.to_u32()), (above, 110))
            }
            other => panic!("{other:?}"),
        }
    }
    let coins = node.coins(&anyone()).unwrap();
    let heights: Vec<u32> = coins.iter().map(|coin| coin.height.to_u32()).collect();
    assert_eq!(heights, (1..=11).collect::<Vec<_>>(), "mature ones alone, oldest first");
    assert!(node.coins(&op_true()).unwrap().is_empty());
    assert!(node.fee_rate(2).unwrap() > FeeRate::ZERO);

    // A relative timelock, to the block.
    const DELAY: u16 = 3;
    let delayed = Builder::new().push_int(i64::from(DELAY)).push_opcode(OP_CSV).into_script();
    let parent = spend(&coins[0], Sequence::MAX, op_true(), pay(&coins[0], delayed.to_p2wsh()));
    let parent_txid = parent.compute_txid();
    assert_eq!(node.transaction(&parent_txid).unwrap(), None);
    for _ in 0..2 {
        assert_eq!(node.broadcast(&parent).unwrap(), parent_txid);
    }
    let unconfirmed = node.transaction(&parent_txid).unwrap().unwrap();
    assert_eq!(
        (unconfirmed.transaction, unconfirmed.block, unconfirmed.confirmations),
        (parent.clone(), None, 0)
    );
    node.mine(1, &anyone()).unwrap();
    assert_eq!(node.broadcast(&parent).unwrap(), parent_txid, "confirmed, its output unspent");
    let coin = node.coins(&delayed.to_p2wsh()).unwrap().remove(0);
    assert_eq!((coin.outpoint.txid, coin.height.to_u32()), (parent_txid, 111));
    let child = spend(&coin, Sequence::from_height(DELAY), delayed.clone(), pay(&coin, anyone()));
    for _ in 1..DELAY {
        assert_eq!(reason(node.broadcast(&child)), "non-BIP68-final");
        node.mine(1, &anyone()).unwrap();
    }
    let hurried = spend(&coin, Sequence::from_height(DELAY - 1), delayed, pay(&coin, anyone()));
    let refused = reason(node.broadcast(&hurried));
    assert!(refused.ends_with("(Locktime requirement not satisfied)"), "{refused}");
    assert_eq!(node.spender(&coin).unwrap(), None);
    node.broadcast(&child).unwrap();
    let spender = node.spender(&coin).unwrap().unwrap();
    assert_eq!((spender.transaction.compute_txid(), spender.block), (child.compute_txid(), None));
    node.mine(1, &anyone()).unwrap();
    let spender = node.spender(&coin).unwrap().unwrap();
    let place = node.tip().unwrap();
    assert_eq!((&spender.transaction, spender.block, spender.confirmations), (&child, Some(place), 1));
    let above = Coin { height: place.height.saturating_add(1), ..coin };
    match node.spender(&above) {
        Err(NodeError::NoSuchOutput { since, .. }) => assert_eq!(since, above.height),
        other => panic!("an earlier block was looked at: {other:?}"),
    }
    let found = node.transaction(&parent_txid).unwrap().unwrap();
    assert_eq!((found.block.unwrap().height.to_u32(), found.confirmations), (111, 4));

    // Burning, missing inputs, a second spend.
    let burn = vec![
        TxOut { value: Amount::from_sat(1_234), script_pubkey: ScriptBuf::new_op_return([7; 4]) },
        pay(&coins[1], anyone()).remove(0),
    ];
    node.broadcast(&spend(&coins[1], Sequence::MAX, op_true(), burn)).unwrap();
    let mut stranger = coins[2].clone();
    stranger.outpoint = OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 0 };
    let missing = spend(&stranger, Sequence::MAX, op_true(), pay(&stranger, anyone()));
    assert_eq!(reason(node.broadcast(&missing)), "bad-txns-inputs-missingorspent");
    node.mine(1, &anyone()).unwrap();
    let second = spend(&coins[0], Sequence::ZERO, op_true(), pay(&coins[0], anyone()));
    assert_eq!(reason(node.broadcast(&second)), "bad-txns-inputs-missingorspent");
    let mut without_inputs = second.clone();
    without_inputs.input.clear();
    assert_eq!(reason(node.broadcast(&without_inputs)).split('.').next(), Some("TX decode failed"));

    // Without an index the search ends somewhere.
    let genesis = node.block_at(BlockHeight::GENESIS).unwrap().txdata[0].compute_txid();
    assert_eq!(node.transaction(&genesis).unwrap().unwrap().block.unwrap().height, BlockHeight::GENESIS);
    let unknown = Txid::from_byte_array([9; 32]);
    assert_eq!(node.transaction(&unknown).unwrap(), None, "the whole chain was searched");
    let node = node.with_search_depth(5);
    match node.spender(&Coin { outpoint: OutPoint { txid: unknown, vout: 0 }, ..coins[0].clone() }) {
        Err(NodeError::SpenderNotFound { scanned_blocks: 5, .. }) => {}
        other => panic!("{other:?}"),
    }
    match node.transaction(&unknown) {
        Err(error @ NodeError::NotIndexed { scanned_blocks: 5, .. }) => {
            assert!(error.to_string().contains("-txindex=1"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn node_that_restarted_is_found_again() {
    let Some(exe) = exe("node_that_restarted_is_found_again") else { return };
    let mut daemon = RegtestDaemon::start_with_args(&exe, &["-txindex=1"]).unwrap();
    let wrong = Credentials::UserPassword { user: "nobody".into(), password: "wrong".into() };
    assert!(matches!(BitcoinCore::connect(&daemon.url(), wrong), Err(NodeError::Unauthorized { .. })));

    let node = daemon.connect().unwrap().with_search_depth(1);
    node.mine(5, &anyone()).unwrap();
    let cookie = std::fs::read(daemon.cookie_file()).unwrap();
    daemon.restart().unwrap();
    assert_ne!(std::fs::read(daemon.cookie_file()).unwrap(), cookie);
    assert_eq!(node.tip().unwrap().height.to_u32(), 5, "the same connection, with the new cookie");

    let first = node.block_at(BlockHeight::new(1)).unwrap().txdata[0].clone();
    let found = (0..200).find_map(|_| match node.transaction(&first.compute_txid()) {
        Ok(found) => found,
        Err(NodeError::NotIndexed { .. }) => {
            std::thread::sleep(std::time::Duration::from_millis(50));
            None
        }
        Err(error) => panic!("{error}"),
    });
    let found = found.expect("the index catches up within ten seconds");
    assert_eq!((found.transaction, found.confirmations), (first, 5));
    assert_eq!(node.transaction(&Txid::from_byte_array([9; 32])).unwrap(), None, "the index knows");
}

#[test]
fn daemon_that_does_not_start_is_named() {
    for exe in ["/nonexistent/bitcoind", "/bin/false"] {
        match RegtestDaemon::start(exe.as_ref()) {
            Err(error @ NodeError::Daemon { .. }) => assert!(error.to_string().contains(exe), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Blocks over the REST interface are the blocks; and hashes by the thousand are those of their heights.
#[test]
fn blocks_and_hashes_of_a_long_chain() {
    let Some(exe) = exe("blocks_and_hashes_of_a_long_chain") else { return };
    for (args, has_rest) in [(&["-rest=1"][..], true), (&[], false)] {
        let daemon = RegtestDaemon::start_with_args(&exe, args).unwrap();
        let node = daemon.connect().unwrap();
        let mined = node.mine(1_300, &anyone()).unwrap();
        assert_eq!(node.hashes_above(BlockHeight::GENESIS, 2_000).unwrap(), mined);
        assert_eq!(node.hashes_above(BlockHeight::new(1_298), 1).unwrap(), mined[1_298..1_299]);
        for height in [1_300, u32::MAX - 1, u32::MAX] {
            assert_eq!(node.hashes_above(BlockHeight::new(height), 5).unwrap(), [], "{height}");
        }
        for hash in [mined[0], mined[1_299]] {
            assert_eq!(node.block(&hash).unwrap().block_hash(), hash);
        }
        assert_eq!(node.has_rest(), has_rest);
        // It says why there is no block, and goes on asking the interface.
        let unknown = bitcoin::BlockHash::from_byte_array([7; 32]);
        let refused = node.block(&unknown).unwrap_err();
        assert!(matches!(refused, NodeError::UnknownBlock { hash } if hash == unknown), "{refused:?}");
        assert_eq!(node.has_rest(), has_rest);
    }
}
