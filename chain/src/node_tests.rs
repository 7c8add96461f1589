//! What both nodes do: the embedded one, and a `bitcoind` that the environment variable `BITCOIND_EXE` names.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::hashes::Hash as _;
use bitcoin::script::Builder;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Block, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use serde_json::{Value, json};

use crate::testing::RegtestDaemon;
use crate::{
    BitcoinCore, BlockHeight, Broadcast as _, ChainSource as _, ChainTip, Coin, EmbeddedRegtest, Mine as _,
    MissingInput, Node, NodeError, RejectionClass, first_valid_height, missing_input,
};

/// A node, and the way to make it reorganize.
trait Forks {
    fn node(&self) -> &dyn Node;

    /// Makes a branch on this block, each of its blocks with these transactions alone, the best chain.
    fn reorganize(&self, fork_point: ChainTip, blocks: &[&[&Transaction]]);
}

impl Forks for EmbeddedRegtest {
    fn node(&self) -> &dyn Node {
        self
    }

    fn reorganize(&self, fork_point: ChainTip, blocks: &[&[&Transaction]]) {
        let mut parent = fork_point.hash;
        for transactions in blocks {
            let transactions: Vec<Transaction> = transactions.iter().map(|&t| t.clone()).collect();
            parent = self.mine_block_on(&parent, &op_true(), &transactions).unwrap();
        }
        assert_eq!(self.tip().unwrap().hash, parent, "the branch has more work");
    }
}

struct Daemon {
    daemon: RegtestDaemon,
    node: BitcoinCore,
}

impl Daemon {
    /// The daemon, or a line that says why there is no test.
    fn start(test: &str) -> Option<Self> {
        let Some(exe) = std::env::var_os("BITCOIND_EXE") else {
            eprintln!("SKIPPED: {test} needs a bitcoind, and BITCOIND_EXE names none");
            return None;
        };
        let daemon = RegtestDaemon::start(exe.as_ref()).unwrap();
        Some(Self { node: daemon.connect().unwrap(), daemon })
    }

    fn call(&self, method: &str, params: &[Value]) -> Value {
        self.daemon.call(method, params).unwrap()
    }

    /// A block on the tip with these transactions; `submit` makes it the tip.
    fn block(&self, script: &[u8], transactions: &[&Transaction], submit: bool) -> Block {
        let descriptor = format!("raw({})", ScriptBuf::from_bytes(script.to_vec()).to_hex_string());
        let descriptor = self.call("getdescriptorinfo", &[json!(descriptor)])["descriptor"].clone();
        let transactions: Vec<String> = transactions.iter().map(|&t| serialize_hex(t)).collect();
        let made = self.call("generateblock", &[descriptor, json!(transactions), json!(submit)]);
        if submit {
            let hash = made["hash"].as_str().unwrap().parse().unwrap();
            return self.node.block(&hash).unwrap();
        }
        deserialize_hex(made["hex"].as_str().unwrap()).unwrap()
    }
}

impl Forks for Daemon {
    fn node(&self) -> &dyn Node {
        &self.node
    }

    fn reorganize(&self, fork_point: ChainTip, blocks: &[&[&Transaction]]) {
        let first = self.node.block_hash(fork_point.height.saturating_add(1)).unwrap();
        self.call("invalidateblock", &[json!(first)]);
        assert_eq!(self.node.tip().unwrap(), fork_point);
        for (transactions, number) in blocks.iter().zip(1_u8..) {
            // Another script than that of any block before, or it could be the invalidated one again.
            let salt = u8::try_from(self.node.tip().unwrap().height.to_u32() % 100).unwrap();
            self.block(&[0x01, salt, 0x01, number, 0x51], transactions, true);
        }
    }
}

fn on_both(test: &str, check: impl Fn(&dyn Forks, Vec<Coin>)) {
    let embedded = EmbeddedRegtest::in_memory().unwrap();
    let coins = funded(&embedded);
    check(&embedded, coins);
    if let Some(daemon) = Daemon::start(test) {
        let coins = funded(daemon.node());
        check(&daemon, coins);
    }
}

fn funded(node: &dyn Node) -> Vec<Coin> {
    node.mine(110, &anyone()).unwrap();
    let coins = node.coins(&anyone()).unwrap();
    assert_eq!(coins.len(), 11);
    coins
}

fn op_true() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51])
}

/// Anyone may spend it, and relay policy takes it.
fn anyone() -> ScriptBuf {
    op_true().to_p2wsh()
}

/// A spend of such coins with this fee, into so many equal outputs.
fn spend(coins: &[&Coin], fee: u64, outputs: u64) -> Transaction {
    let input = |coin: &&Coin| TxIn {
        previous_output: coin.outpoint,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::from_slice(&[op_true().into_bytes()]),
    };
    let held: u64 = coins.iter().map(|coin| coin.output.value.to_sat()).sum();
    let (share, rest) = ((held - fee) / outputs, (held - fee) % outputs);
    let output = TxOut { value: Amount::from_sat(share), script_pubkey: anyone() };
    let mut output = vec![output; usize::try_from(outputs).unwrap()];
    output[0].value += Amount::from_sat(rest);
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: coins.iter().map(input).collect(),
        output,
    }
}

/// An output of a transaction, as if it were confirmed.
fn output(transaction: &Transaction, vout: u32) -> Coin {
    let outpoint = OutPoint { txid: transaction.compute_txid(), vout };
    let output = transaction.output[usize::try_from(vout).unwrap()].clone();
    Coin { outpoint, output, height: BlockHeight::new(111) }
}

#[track_caller]
fn refused(node: &dyn Node, transaction: &Transaction) -> (String, RejectionClass) {
    match node.broadcast(transaction) {
        Err(error @ NodeError::Rejected { .. }) => (
            error.to_string().split_once("was rejected: ").unwrap().1.to_owned(),
            error.rejection_class().unwrap(),
        ),
        other => panic!("{other:?}"),
    }
}

/// Confirmations; 0 in the mempool, `None` nowhere.
fn depth(node: &dyn Node, transaction: &Transaction) -> Option<u32> {
    node.transaction(&transaction.compute_txid()).unwrap().map(|found| found.confirmations)
}

#[test]
fn replacement_is_accepted_and_refused_as_bitcoin_core_does() {
    on_both("replacement_is_accepted_and_refused_as_bitcoin_core_does", |forks, coins| {
        let node = forks.node();
        let first = spend(&[&coins[0]], 10_000, 1);
        let child = spend(&[&output(&first, 0)], 20_000, 1);
        for transaction in [&first, &child] {
            node.broadcast(transaction).unwrap();
        }
        // Less than the first and its child pay together.
        let (text, class) = refused(node, &spend(&[&coins[0]], 29_999, 2));
        assert!(text.starts_with("insufficient fee (rejecting replacement"), "{text}");
        assert!(text.ends_with("less fees than conflicting txs; 0.00029999 < 0.0003)"), "{text}");
        assert_eq!(class, RejectionClass::Mempool);
        // As much, and nothing for its own relay.
        let (text, _) = refused(node, &spend(&[&coins[0]], 30_000, 2));
        assert!(text.contains("not enough additional fees to relay; 0.00 < 0.000000"), "{text}");
        assert_eq!(depth(node, &child), Some(0), "what is refused changes nothing");
        // More in all, and a worse rate than the child has with its parent.
        let fat = spend(&[&coins[0]], 31_000, 40);
        assert_eq!(
            refused(node, &fat).0,
            "replacement-failed (insufficient feerate: does not improve feerate diagram)"
        );
        // It cannot spend what it would replace.
        let own = spend(&[&coins[0], &output(&first, 0)], 1_000_000, 1);
        let (text, class) = refused(node, &own);
        assert!(text.starts_with("bad-txns-spends-conflicting-tx"), "{text}");
        assert_eq!(class, RejectionClass::Invalid);

        let better = spend(&[&coins[0]], 40_000, 2);
        node.broadcast(&better).unwrap();
        assert_eq!([&first, &child, &better].map(|t| depth(node, t)), [None, None, Some(0)]);
        assert_eq!(node.spender(&coins[0]).unwrap().unwrap().transaction, better);
        // The id decides: another witness is no replacement and no error.
        let mut twin = better.clone();
        twin.input[0].witness = Witness::new();
        assert_eq!(node.broadcast(&twin).unwrap(), better.compute_txid());
        assert_eq!(node.spender(&coins[0]).unwrap().unwrap().transaction, better);
        node.mine(1, &op_true()).unwrap();
        assert_eq!(depth(node, &better), Some(1));
        let rival = spend(&[&coins[0]], 900_000, 1);
        let (text, class) = refused(node, &rival);
        assert!(text.starts_with("bad-txns-inputs-missingorspent"), "{text}");
        assert_eq!(class, RejectionClass::MissingInputs);
    });
}

/// The slash that pays more and the unbonding that waits: more fee with a worse rate is refused, as measured.
#[test]
fn replacement_by_a_dearer_and_larger_one() {
    on_both("replacement_by_a_dearer_and_larger_one", |forks, coins| {
        let node = forks.node();
        let unbonding = spend(&[&coins[0]], 9_600, 1);
        node.broadcast(&unbonding).unwrap();
        let (small, large) = (unbonding.weight().to_wu(), spend(&[&coins[0]], 0, 3).weight().to_wu());
        // Rounded down, so a little worse.
        let same_rate = 9_600 * large / small - 1;
        let (text, _) = refused(node, &spend(&[&coins[0]], same_rate, 3));
        assert!(text.starts_with("replacement-failed"), "{text}");
        node.broadcast(&spend(&[&coins[0]], same_rate + 200, 3)).unwrap();
    });
}

#[test]
fn transactions_return_to_the_mempool_as_bitcoin_core_does() {
    on_both("transactions_return_to_the_mempool_as_bitcoin_core_does", |forks, coins| {
        let node = forks.node();
        let fork_point = node.tip().unwrap();
        let parent = spend(&[&coins[0]], 10_000, 1);
        let child = spend(&[&output(&parent, 0)], 10_000, 1);
        let loser = spend(&[&coins[1]], 10_000, 1);
        let of_loser = spend(&[&output(&loser, 0)], 10_000, 1);
        let winner = spend(&[&coins[1]], 20_000, 1);
        for transaction in [&parent, &child, &loser] {
            node.broadcast(transaction).unwrap();
        }
        node.mine(1, &op_true()).unwrap();
        node.broadcast(&of_loser).unwrap();
        let waiting = spend(&[&output(&child, 0)], 10_000, 1);
        node.broadcast(&waiting).unwrap();
        // A block later a spend of the output with a timelock is valid, and confirmed.
        let mut early = spend(&[&coins[2]], 10_000, 1);
        node.broadcast(&early).unwrap();
        node.mine(1, &op_true()).unwrap();
        early = {
            let mut spend = spend(&[&output(&early, 0)], 10_000, 1);
            spend.input[0].sequence = Sequence::from_height(2);
            spend
        };
        node.mine(1, &op_true()).unwrap();
        node.broadcast(&early).unwrap();
        assert_eq!(depth(node, &early), Some(0));

        forks.reorganize(fork_point, &[&[&winner], &[], &[], &[]]);
        assert_eq!([&parent, &child, &waiting].map(|t| depth(node, t)), [Some(0); 3], "back, or still there");
        assert_eq!(depth(node, &winner), Some(4));
        assert_eq!([&loser, &of_loser].map(|t| depth(node, t)), [None; 2], "its coin is spent");
        assert_eq!(depth(node, &early), None, "too early again: its parent is unconfirmed");
        // It does not come back by itself, and is accepted when it is broadcast in time.
        assert_eq!(refused(node, &early).1, RejectionClass::TooEarly);
        node.mine(2, &op_true()).unwrap();
        assert_eq!(depth(node, &parent), Some(2));
        assert_eq!(depth(node, &early), None);
        node.broadcast(&early).unwrap();
    });
}

/// What spends the reward of a block that has left the chain is gone for good.
#[test]
fn spend_of_a_coinbase_that_left_the_chain_does_not_return() {
    on_both("spend_of_a_coinbase_that_left_the_chain_does_not_return", |forks, _| {
        let node = forks.node();
        let fork_point = node.tip().unwrap();
        node.mine(101, &anyone()).unwrap();
        let block = node.block_at(fork_point.height.saturating_add(1)).unwrap();
        let spent = spend(&[&output(&block.txdata[0], 0)], 10_000, 1);
        node.broadcast(&spent).unwrap();
        node.mine(1, &op_true()).unwrap();
        assert_eq!(depth(node, &spent), Some(1));
        let empty: &[&Transaction] = &[];
        forks.reorganize(fork_point, &[empty; 103]);
        assert_eq!(depth(node, &spent), None);
        assert_eq!(refused(node, &spent).1, RejectionClass::MissingInputs);
    });
}

/// The rejection's text does not tell why an input is missing; who spends it does.
#[test]
fn missing_input_is_explained_by_its_spender() {
    on_both("missing_input_is_explained_by_its_spender", |forks, coins| {
        let node = forks.node();
        let confirmed = spend(&[&coins[0]], 10_000, 1);
        let rest = spend(&[&output(&confirmed, 0)], 10_000, 1);
        for transaction in [&confirmed, &rest] {
            node.broadcast(transaction).unwrap();
        }
        node.mine(1, &op_true()).unwrap();
        let why = |transaction: &Transaction| missing_input(node, transaction).unwrap();
        match why(&confirmed) {
            Some(MissingInput::SpentByItself(found)) => assert_eq!(found.transaction, confirmed),
            other => panic!("{other:?}"),
        }
        let rival = spend(&[&coins[1], &coins[0]], 10_000, 1);
        assert_eq!(refused(node, &rival).1, RejectionClass::MissingInputs);
        match why(&rival) {
            Some(MissingInput::SpentByAnother { outpoint, spender }) => {
                assert_eq!((outpoint, spender.transaction), (coins[0].outpoint, confirmed.clone()));
            }
            other => panic!("{other:?}"),
        }
        let mut orphan = spend(&[&coins[1]], 10_000, 1);
        for outpoint in [
            OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 0 },
            OutPoint { vout: 5, ..rest.input[0].previous_output },
        ] {
            orphan.input[0].previous_output = outpoint;
            assert_eq!(why(&orphan), Some(MissingInput::UnknownOutput { outpoint }));
        }
        assert_eq!(why(&spend(&[&coins[1]], 10_000, 1)), None);
        let waiting = spend(&[&output(&rest, 0)], 10_000, 1);
        node.broadcast(&waiting).unwrap();
        assert_eq!(why(&spend(&[&output(&waiting, 0)], 10_000, 1)), None);
    });
}

/// Refused one block too early, and accepted at the height that is named.
#[test]
fn first_valid_height_is_exact() {
    on_both("first_valid_height_is_exact", |forks, coins| {
        let node = forks.node();
        let tip = || node.tip().unwrap().height.to_u32();
        let young = node.block_at(BlockHeight::new(14)).unwrap();
        let of_coinbase = Coin { height: BlockHeight::new(14), ..output(&young.txdata[0], 0) };
        let mut relative = spend(&[&coins[0]], 10_000, 1);
        node.broadcast(&relative).unwrap();
        node.mine(1, &op_true()).unwrap();
        relative = spend(&[&output(&relative, 0)], 10_000, 1);
        relative.input[0].sequence = Sequence::from_height(4);
        let mut absolute = spend(&[&coins[1]], 10_000, 1);
        absolute.lock_time = LockTime::from_height(115).unwrap();
        absolute.input[0].sequence = Sequence::ENABLE_LOCKTIME_NO_RBF;
        for (transaction, expected) in
            [(spend(&[&of_coinbase], 10_000, 1), 114), (relative.clone(), 115), (absolute.clone(), 116)]
        {
            let height = first_valid_height(node, &transaction).unwrap().unwrap().to_u32();
            assert_eq!(height, expected);
            while tip() + 1 < height {
                assert_eq!(refused(node, &transaction).1, RejectionClass::TooEarly);
                node.mine(1, &op_true()).unwrap();
            }
            node.broadcast(&transaction).unwrap();
        }
        // Version 1 has no relative timelocks, and those in seconds have no height.
        relative.version = Version::ONE;
        assert_eq!(first_valid_height(node, &relative).unwrap().unwrap().to_u32(), 111);
        relative.version = Version::TWO;
        relative.input[0].sequence = Sequence::from_512_second_intervals(1);
        assert_eq!(first_valid_height(node, &relative).unwrap(), None);
        absolute.lock_time = LockTime::from_time(1_700_000_000).unwrap();
        assert_eq!(first_valid_height(node, &absolute).unwrap(), None);
    });
}

/// A difference that the embedded node's documentation names: it has no relay policy.
#[test]
fn relay_policy_is_that_of_bitcoind_alone() {
    let small = |coin: &Coin| {
        let mut dust = spend(&[coin], 10_000, 1);
        dust.output.push(TxOut { value: Amount::from_sat(1), script_pubkey: anyone() });
        let mut version = spend(&[coin], 10_000, 1);
        version.version = Version(4);
        let mut script = spend(&[coin], 10_000, 1);
        script.output[0].script_pubkey = Builder::new().push_int(7).push_int(7).into_script();
        [
            (dust, "dust"),
            (version, "version"),
            (script, "scriptpubkey"),
            (spend(&[coin], 0, 1), "min relay fee not met"),
        ]
    };
    for number in 0..4 {
        let embedded = EmbeddedRegtest::in_memory().unwrap();
        let coins = funded(&embedded);
        embedded.broadcast(&small(&coins[0])[number].0).unwrap();
    }
    let Some(daemon) = Daemon::start("relay_policy_is_that_of_bitcoind_alone") else { return };
    let coins = funded(daemon.node());
    for (transaction, reason) in small(&coins[0]) {
        let (text, class) = refused(daemon.node(), &transaction);
        assert!(text.starts_with(reason), "{text}");
        assert_eq!(class, RejectionClass::Policy, "{text}");
    }
}

/// A difference that the embedded node's documentation names: a branch with more work whose last block is
/// invalid. Bitcoin Core connects the blocks before it and comes back: what they confirmed waits then, and
/// what conflicted with it is gone.
#[test]
fn branch_with_a_bad_end_moves_the_mempool_of_bitcoind_alone() {
    let rivals = |coin: &Coin| (spend(&[coin], 10_000, 1), spend(&[coin], 90_000, 1));
    let embedded = EmbeddedRegtest::in_memory().unwrap();
    let coins = funded(&embedded);
    let (unbonding, slash) = rivals(&coins[0]);
    let fork_point = embedded.tip().unwrap();
    embedded.mine(1, &op_true()).unwrap();
    embedded.broadcast(&slash).unwrap();
    let good = embedded.mine_block_on(&fork_point.hash, &op_true(), &[unbonding]).unwrap();
    let bad = spend(
        &[&Coin {
            output: TxOut { value: Amount::MAX_MONEY, ..coins[1].output.clone() },
            ..coins[1].clone()
        }],
        0,
        1,
    );
    embedded.mine_block_on(&good, &op_true(), &[bad]).unwrap_err();
    assert_eq!(depth(&embedded, &slash), Some(0), "it still waits");

    let Some(daemon) = Daemon::start("branch_with_a_bad_end_moves_the_mempool_of_bitcoind_alone") else {
        return;
    };
    let node = daemon.node();
    let coins = funded(node);
    let (unbonding, slash) = rivals(&coins[0]);
    let good = daemon.block(&[0x51], &[&unbonding], false);
    let mut bad = daemon.block(&[0x52], &[], true);
    let tip = node.tip().unwrap();
    node.broadcast(&slash).unwrap();
    // On the good block, one higher, with a reward that is too large, and without witnesses.
    bad.header.prev_blockhash = good.block_hash();
    bad.header.time = good.header.time + 600;
    let coinbase = &mut bad.txdata[0];
    coinbase.input[0].script_sig =
        Builder::new().push_int(i64::from(tip.height.to_u32() + 1)).push_int(0).into_script();
    coinbase.input[0].witness = Witness::new();
    coinbase.lock_time = LockTime::ZERO;
    coinbase.output.truncate(1);
    coinbase.output[0].value = Amount::MAX_MONEY;
    bad.header.merkle_root = bad.compute_merkle_root().unwrap();
    while bad.header.validate_pow(bad.header.target()).is_err() {
        bad.header.nonce += 1;
    }
    for block in [&good, &bad] {
        daemon.call("submitblock", &[json!(serialize_hex(block))]);
    }
    assert_eq!(node.header(&good.block_hash()).unwrap().confirmations, 0);
    assert_eq!(node.tip().unwrap(), tip, "the same tip");
    assert_eq!(depth(node, &unbonding), Some(0), "what the good block confirmed waits");
    assert_eq!(depth(node, &slash), None, "the slash is gone, and no block has announced it");
    // Broadcasting again is what helps.
    node.broadcast(&slash).unwrap();
    assert_eq!((depth(node, &slash), depth(node, &unbonding)), (Some(0), None));
}
