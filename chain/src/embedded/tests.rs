use std::sync::Barrier;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::key::{Keypair, TapTweak as _};
use bitcoin::opcodes::all::OP_CSV;
use bitcoin::script::Builder;
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, BlockHash, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
};

use super::{EmbeddedRegtest, block_template};
use crate::{BlockHeight, Broadcast as _, ChainSource as _, Coin, Lookup as _, Mine as _, Node, NodeError};

/// OP_TRUE: anyone may spend it, without a witness.
pub(super) fn anyone() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51])
}

pub(super) fn spend_to(coin: &Coin, sequence: Sequence, script_pubkey: ScriptBuf) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: coin.outpoint,
            script_sig: ScriptBuf::new(),
            sequence,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: coin.output.value.checked_sub(Amount::from_sat(1_000)).unwrap(),
            script_pubkey,
        }],
    }
}

pub(super) fn spend(coin: &Coin) -> Transaction {
    spend_to(coin, Sequence::MAX, anyone())
}

/// The coin that a transaction's first output is once it is confirmed.
pub(super) fn first_output(transaction: &Transaction, height: u32) -> Coin {
    let outpoint = OutPoint { txid: transaction.compute_txid(), vout: 0 };
    Coin { outpoint, output: transaction.output[0].clone(), height: BlockHeight::new(height) }
}

pub(super) fn funded() -> (EmbeddedRegtest, Vec<Coin>) {
    let node = EmbeddedRegtest::in_memory().unwrap();
    node.mine(110, &anyone()).unwrap();
    let coins = node.coins(&anyone()).unwrap();
    (node, coins)
}

#[track_caller]
fn rejection(node: &EmbeddedRegtest, transaction: &Transaction) -> (String, String) {
    match node.broadcast(transaction) {
        Err(NodeError::Rejected { txid, reason, detail }) => {
            assert_eq!(txid, transaction.compute_txid());
            (reason, detail)
        }
        other => panic!("expected a rejection, got {other:?}"),
    }
}

#[track_caller]
fn assert_rejected(node: &EmbeddedRegtest, transaction: &Transaction, expected: &str) {
    let tip = node.tip().unwrap();
    assert_eq!(rejection(node, transaction).0, expected);
    assert_eq!(node.tip().unwrap(), tip, "a probe never becomes part of the chain");
    assert_eq!(node.transaction(&transaction.compute_txid()).unwrap(), None);
}

#[test]
fn nodes_can_be_shared_between_threads() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<EmbeddedRegtest>();
    #[cfg(feature = "rpc")]
    check::<crate::BitcoinCore>();
    let node: Box<dyn Node> = Box::new(EmbeddedRegtest::in_memory().unwrap());
    assert_eq!(node.network(), bitcoin::Network::Regtest);
}

#[test]
fn chain_that_is_new_holds_the_genesis_block_alone() {
    let node = EmbeddedRegtest::in_memory().unwrap();
    let genesis = bitcoin::constants::genesis_block(bitcoin::Network::Regtest);
    assert_eq!(node.tip().unwrap().height, BlockHeight::GENESIS);
    assert_eq!(node.tip().unwrap().hash, genesis.block_hash());
    assert_eq!(node.block_at(BlockHeight::GENESIS).unwrap(), genesis);
    assert!(node.coins(&genesis.txdata[0].output[0].script_pubkey).unwrap().is_empty());
    let found = node.transaction(&genesis.txdata[0].compute_txid()).unwrap().unwrap();
    assert_eq!((found.confirmations, found.block.unwrap().height), (1, BlockHeight::GENESIS));
    assert_eq!(node.mine(0, &anyone()).unwrap(), Vec::<BlockHash>::new());
}

#[test]
fn mining_pays_the_halving_subsidy() {
    let node = EmbeddedRegtest::in_memory().unwrap();
    let hashes = node.mine(301, &anyone()).unwrap();
    assert_eq!(hashes.len(), 301);
    assert_eq!(node.tip().unwrap().hash, *hashes.last().unwrap());
    for (index, sat) in [(0, 5_000_000_000), (148, 5_000_000_000), (149, 2_500_000_000), (299, 1_250_000_000)]
    {
        let height = u32::try_from(index).unwrap() + 1;
        let block = node.block_at(BlockHeight::new(height)).unwrap();
        assert_eq!(block.block_hash(), hashes[index]);
        assert_eq!(block.txdata[0].output[0].value.to_sat(), sat, "at height {height}");
        assert!(block.check_merkle_root() && block.check_witness_commitment());
    }
    assert_eq!(block_template::subsidy(BlockHeight::new(u32::MAX)), Amount::ZERO);
    match node.block_at(BlockHeight::new(302)) {
        Err(NodeError::NoSuchBlock { height, tip }) => {
            assert_eq!((height.to_u32(), tip.to_u32()), (302, 301))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn spend_waits_and_is_then_confirmed_and_its_fee_paid() {
    let (node, coins) = funded();
    assert_eq!(coins.len(), 11, "heights 1 to 11 are mature for the block at 111");
    assert!(coins.windows(2).all(|pair| pair[0].height < pair[1].height), "oldest first");
    let target = ScriptBuf::from_bytes(vec![0x52]);
    let parent = spend_to(&coins[0], Sequence::MAX, anyone());
    let child = spend_to(&first_output(&parent, 111), Sequence::MAX, target.clone());

    assert_eq!(node.broadcast(&parent).unwrap(), parent.compute_txid());
    node.broadcast(&child).unwrap();
    let unconfirmed = node.transaction(&child.compute_txid()).unwrap().unwrap();
    assert_eq!((unconfirmed.block, unconfirmed.confirmations, &unconfirmed.transaction), (None, 0, &child));
    assert!(node.coins(&target).unwrap().is_empty(), "unconfirmed outputs are no coins");
    let spender = || node.spender(&coins[0]).unwrap();
    assert_eq!(spender().map(|found| (found.transaction, found.block)), Some((parent.clone(), None)));

    let hash = node.mine(1, &ScriptBuf::from_bytes(vec![0x53])).unwrap()[0];
    let found = node.transaction(&child.compute_txid()).unwrap().unwrap();
    assert_eq!((found.block.unwrap().hash, found.confirmations), (hash, 1));
    assert_eq!(spender().and_then(|found| found.block).map(|block| block.hash), Some(hash));
    let gone = node.spender(&Coin { height: BlockHeight::new(112), ..coins[0].clone() }).unwrap_err();
    assert!(matches!(gone, NodeError::NoSuchOutput { .. }), "no earlier block is looked at: {gone}");
    let nothing = Coin { outpoint: OutPoint { vout: 9, ..coins[1].outpoint }, ..coins[1].clone() };
    assert!(matches!(node.spender(&nothing), Err(NodeError::NoSuchOutput { .. })));
    assert_eq!(node.spender(&coins[1]).unwrap(), None);
    assert_eq!(node.coins(&target).unwrap(), [first_output(&child, 111)]);
    assert!(!node.coins(&anyone()).unwrap().contains(&coins[0]));
    let reward = node.block_at(BlockHeight::new(111)).unwrap().txdata[0].output[0].value;
    assert_eq!(reward.to_sat(), 5_000_000_000 + 2_000, "both fees");
    node.mine(5, &anyone()).unwrap();
    assert_eq!(node.transaction(&child.compute_txid()).unwrap().unwrap().confirmations, 6);
}

#[test]
fn broadcast_again_is_no_error() {
    let (node, coins) = funded();
    let transaction = spend(&coins[0]);
    for _ in 0..2 {
        assert_eq!(node.broadcast(&transaction).unwrap(), transaction.compute_txid());
    }
    node.mine(1, &anyone()).unwrap();
    assert_eq!(node.broadcast(&transaction).unwrap(), transaction.compute_txid());
    assert_eq!(node.block_at(node.tip().unwrap().height).unwrap().txdata.len(), 2);
    node.mine(1, &anyone()).unwrap();
    assert_eq!(node.block_at(node.tip().unwrap().height).unwrap().txdata.len(), 1);
}

#[test]
fn engine_names_the_broken_rule() {
    let (node, coins) = funded();
    let stranger = OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 3 };
    let mut transaction = spend(&coins[0]);
    transaction.input[0].previous_output = stranger;
    assert_rejected(&node, &transaction, "bad-txns-inputs-missingorspent");

    let young = node.block_at(BlockHeight::new(12)).unwrap().txdata[0].clone();
    let (reason, detail) = rejection(&node, &spend(&first_output(&young, 12)));
    assert_eq!(reason, "bad-txns-premature-spend-of-coinbase");
    assert!(detail.contains("tried to spend coinbase at depth 99"), "{detail}");

    let mut transaction = spend(&coins[0]);
    transaction.output[0].value = coins[0].output.value + Amount::from_sat(1);
    assert_rejected(&node, &transaction, "bad-txns-in-belowout");

    let mut transaction = spend(&coins[0]);
    transaction.input[0].script_sig =
        Builder::new().push_opcode(bitcoin::opcodes::all::OP_RETURN).into_script();
    assert_rejected(&node, &transaction, "block-script-verify-flag-failed (OP_RETURN was encountered)");

    let mut transaction = spend(&coins[0]);
    transaction.lock_time = LockTime::from_height(112).unwrap();
    transaction.input[0].sequence = Sequence::ENABLE_LOCKTIME_NO_RBF;
    assert_rejected(&node, &transaction, "bad-txns-nonfinal");
    transaction.lock_time = LockTime::from_height(110).unwrap();
    node.broadcast(&transaction).unwrap();
}

#[test]
fn malformed_transactions_are_rejected_without_panic() {
    let (node, coins) = funded();
    let mut transaction = spend(&coins[0]);
    transaction.input.clear();
    assert_rejected(&node, &transaction, "bad-txns-vin-empty");

    let mut transaction = spend(&coins[0]);
    transaction.output.clear();
    assert_rejected(&node, &transaction, "bad-txns-vout-empty");

    let mut transaction = spend(&coins[0]);
    transaction.input.push(transaction.input[0].clone());
    assert_rejected(&node, &transaction, "bad-txns-inputs-duplicate");

    let mut transaction = spend(&coins[0]);
    transaction.output[0].value = Amount::MAX_MONEY + Amount::from_sat(1);
    assert_rejected(&node, &transaction, "bad-txns-vout-toolarge");
    transaction.output[0].value = Amount::from_sat(u64::MAX);
    assert_rejected(&node, &transaction, "bad-txns-vout-negative");

    let mut coinbase = node.block_at(BlockHeight::new(1)).unwrap().txdata[0].clone();
    coinbase.output[0].value = Amount::from_sat(1);
    assert_rejected(&node, &coinbase, "bad-cb-multiple");

    let mut transaction = spend(&coins[0]);
    transaction.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0; 4_100_000]);
    assert_rejected(&node, &transaction, "bad-blk-length");
    transaction.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0; 33_600_000]);
    assert_rejected(&node, &transaction, "block-decode-failed");

    let tip = node.tip().unwrap();
    match node.mine(1, Script::from_bytes(&vec![0; 1_000_000])) {
        Err(error @ NodeError::Engine { .. }) => {
            assert!(error.to_string().contains("bad-blk-length"), "{error}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(node.tip().unwrap(), tip);
    node.mine(1, &anyone()).unwrap();
}

/// As Bitcoin Core: the id decides, and the first witness stays, even where the second is valid alone.
#[test]
fn twin_with_another_witness_is_the_known_one() {
    let (node, coins) = funded();
    let good = spend(&coins[0]);
    let mut twin = good.clone();
    twin.input[0].witness.push([1; 64]);
    assert_eq!(twin.compute_txid(), good.compute_txid());
    node.broadcast(&good).unwrap();
    for _ in 0..2 {
        assert_eq!(node.broadcast(&twin).unwrap(), good.compute_txid());
        assert_eq!(node.transaction(&good.compute_txid()).unwrap().unwrap().transaction, good);
        node.mine(1, &anyone()).unwrap();
    }
    node.broadcast(&good).unwrap();
}

#[test]
fn spend_of_a_coin_that_is_spent_is_rejected() {
    let (node, coins) = funded();
    node.broadcast(&spend(&coins[0])).unwrap();
    let rival = spend_to(&coins[0], Sequence::MAX, ScriptBuf::from_bytes(vec![0x52]));
    assert_rejected(&node, &rival, "insufficient fee");
    node.mine(1, &anyone()).unwrap();
    assert_rejected(&node, &rival, "bad-txns-inputs-missingorspent");
}

#[test]
fn relative_lock_times_hold_to_the_block() {
    const DELAY: u16 = 10;
    let (node, coins) = funded();
    let delayed = Builder::new().push_int(i64::from(DELAY)).push_opcode(OP_CSV).into_script();
    let parent = spend_to(&coins[0], Sequence::MAX, delayed);
    node.broadcast(&parent).unwrap();
    node.mine(1, &anyone()).unwrap();
    let coin = first_output(&parent, 111);

    let hurried = spend_to(&coin, Sequence::from_height(DELAY - 1), anyone());
    let patient = spend_to(&coin, Sequence::from_height(DELAY), anyone());
    // The next block is the tip + 1, and the coin was confirmed in the tip: it will be one block old.
    for age in 1..DELAY {
        let (reason, detail) = rejection(&node, &patient);
        assert_eq!(reason, "bad-txns-nonfinal", "at age {age}");
        assert!(detail.contains("non-BIP68-final"), "{detail}");
        node.mine(1, &anyone()).unwrap();
    }
    assert_rejected(&node, &hurried, "block-script-verify-flag-failed (Locktime requirement not satisfied)");
    node.broadcast(&patient).unwrap();
    node.mine(1, &anyone()).unwrap();
    assert_eq!(
        node.transaction(&patient.compute_txid()).unwrap().unwrap().block.unwrap().height.to_u32(),
        121
    );
}

#[test]
fn signatures_are_checked() {
    let (node, coins) = funded();
    let secp = Secp256k1::new();
    let keypair = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[9; 32]).unwrap());
    let owned = ScriptBuf::new_p2tr(&secp, keypair.x_only_public_key().0, None);
    let parent = spend_to(&coins[0], Sequence::MAX, owned);
    node.broadcast(&parent).unwrap();
    let mut transaction = spend(&first_output(&parent, 111));
    let hash = SighashCache::new(&transaction)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&parent.output), TapSighashType::Default)
        .unwrap();
    let tweaked = keypair.tap_tweak(&secp, None).to_keypair();
    let signature = secp.sign_schnorr_no_aux_rand(&Message::from(hash), &tweaked).serialize();

    let mut wrong = signature;
    wrong[40] ^= 1;
    transaction.input[0].witness = Witness::from_slice(&[wrong]);
    assert_rejected(&node, &transaction, "block-script-verify-flag-failed (Invalid Schnorr signature)");
    transaction.input[0].witness = Witness::from_slice(&[signature]);
    node.broadcast(&transaction).unwrap();
    node.mine(1, &anyone()).unwrap();
    assert_eq!(node.transaction(&transaction.compute_txid()).unwrap().unwrap().confirmations, 1);
}

#[test]
fn chain_is_the_same_after_the_same_calls() {
    let run = || {
        let (node, coins) = funded();
        let txid = node.broadcast(&spend(&coins[3])).unwrap();
        assert!(node.broadcast(&spend_to(&coins[3], Sequence::ZERO, anyone())).is_err());
        (txid, node.mine(20, &anyone()).unwrap())
    };
    let (txid, hashes) = run();
    assert_eq!(run(), (txid, hashes.clone()));
    assert_eq!(
        hashes.last().unwrap().to_string(),
        "2da30353207e756d7d324f3ef02d0ce721107dd3cae1f1b746f86fcdbc414672",
        "a change of the block template changes every txid that scripts and documents may have noted"
    );
}

#[test]
fn directory_is_continued() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("new").join("node");
    let node = EmbeddedRegtest::open(&data_dir).unwrap();
    node.mine(101, &anyone()).unwrap();
    let coins = node.coins(&anyone()).unwrap();
    let transaction = spend(&coins[0]);
    node.broadcast(&transaction).unwrap();
    node.mine(1, &anyone()).unwrap();
    let (tip, coins) = (node.tip().unwrap(), node.coins(&anyone()).unwrap());
    let rival = spend_to(&coins[0], Sequence::from_height(200), anyone());
    assert_rejected(&node, &rival, "bad-txns-nonfinal");

    let second = EmbeddedRegtest::open(&data_dir).unwrap_err();
    assert!(
        matches!(second, NodeError::Engine { source: Some(_), .. }) && !second.is_retryable(),
        "{second}"
    );
    drop(node);

    let node = EmbeddedRegtest::open(&data_dir).unwrap();
    assert_eq!(node.tip().unwrap(), tip);
    assert_eq!(node.coins(&anyone()).unwrap(), coins);
    assert_eq!(node.broadcast(&transaction).unwrap(), transaction.compute_txid());
    assert_rejected(&node, &rival, "bad-txns-nonfinal");
    node.broadcast(&spend(&coins[0])).unwrap();
    node.mine(1, &anyone()).unwrap();
    assert_eq!(node.tip().unwrap().height, tip.height.saturating_add(1));
}

#[test]
fn directory_survives_a_process_that_was_killed() {
    fn copy(from: &std::path::Path, to: &std::path::Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let [lived, killed] = ["lived", "killed"].map(|name| dir.path().join(name));
    EmbeddedRegtest::open(&lived).unwrap().mine(105, &anyone()).unwrap();
    let node = EmbeddedRegtest::open(&lived).unwrap();
    let txid = node.broadcast(&spend(&node.coins(&anyone()).unwrap()[0])).unwrap();
    let hashes = node.mine(10, &anyone()).unwrap();
    // The files as a kill at this point would leave them.
    copy(&lived, &killed);

    let reopened = EmbeddedRegtest::open(&killed).unwrap();
    let height = reopened.tip().unwrap().height.to_u32();
    assert!((105..=115).contains(&height), "{height}");
    if height == 105 {
        assert_eq!(reopened.broadcast(&spend(&reopened.coins(&anyone()).unwrap()[0])).unwrap(), txid);
        assert_eq!(reopened.mine(10, &anyone()).unwrap(), hashes);
    }
    assert_eq!(reopened.transaction(&txid).unwrap().unwrap().confirmations, 10);
}

#[test]
fn directory_that_cannot_be_used_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let error = EmbeddedRegtest::open(&file).unwrap_err();
    assert!(matches!(&error, NodeError::Storage { path, .. } if path == &file), "{error}");
}

#[test]
fn nodes_in_two_threads_get_their_own_reasons() {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        for early in [true, false] {
            let start = &start;
            scope.spawn(move || {
                let (node, coins) = funded();
                start.wait();
                for round in 0..50 {
                    let sequence = Sequence::from_height(1_000 + round);
                    let mut transaction = spend_to(&coins[0], sequence, anyone());
                    if early {
                        assert_rejected(&node, &transaction, "bad-txns-nonfinal");
                    } else {
                        transaction.output[0].value = coins[0].output.value * 2;
                        assert_rejected(&node, &transaction, "bad-txns-in-belowout");
                    }
                }
                node.broadcast(&spend(&coins[0])).unwrap();
                node.mine(1, &anyone()).unwrap();
            });
        }
    });
}

#[test]
fn node_serves_many_threads() {
    let (node, coins) = funded();
    std::thread::scope(|scope| {
        for coin in &coins[..4] {
            let node = &node;
            scope.spawn(move || node.broadcast(&spend(coin)).unwrap());
        }
    });
    node.mine(1, &anyone()).unwrap();
    assert_eq!(node.block_at(BlockHeight::new(111)).unwrap().txdata.len(), 5);
}

#[test]
fn node_works_after_a_thread_panicked_with_it_in_hand() {
    let (node, _) = funded();
    let panicked = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let _held = node.state();
                panic!("on purpose");
            })
            .join()
    });
    assert!(panicked.is_err());
    node.mine(1, &anyone()).unwrap();
    assert_eq!(node.tip().unwrap().height.to_u32(), 111);
}
