//! Leaves that other protocols have too, under the same internal key: a leaf counts at its place in a tree of
//! the protocol alone, and in a transaction that can be valid.

use bitcoin::hashes::Hash as _;
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CSV, OP_DROP, OP_EQUALVERIFY, OP_HASH160};
use bitcoin::script::Builder;
use bitcoin::secp256k1::SECP256K1;
use bitcoin::taproot::{ControlBlock, LeafVersion, TaprootBuilder};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, FeeRate, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, XOnlyPublicKey,
};

use super::blank;
use crate::explain::{Explanation, TransactionKind, explain, explain_psbt};
use crate::outputs::{
    CovenantCommittee, LeafKeys, NUMS_INTERNAL_KEY, SlashingRefundOutput, SpendPath, Timelock,
};
use crate::testing::{Scene, key, lost_scripts, wallet};
use crate::transactions::{
    LeafTransaction as _, SlashingTransaction, UnbondingTransaction, WithdrawalTransaction,
};

const UNKNOWN: (TransactionKind, usize) = (TransactionKind::Unknown, 0);

fn time(blocks: u32) -> Timelock {
    Timelock::from_blocks(blocks).unwrap()
}

fn waiting(staker: &XOnlyPublicKey, blocks: u32) -> LeafKeys {
    LeafKeys::Timelock { staker: *staker, timelock: time(blocks) }
}

fn leaf(scene: &Scene, path: SpendPath) -> LeafKeys {
    scene.staking.output().taproot().leaf(path).unwrap().keys.clone()
}

/// Returns the control block of the leaf `spent` in a tree of these scripts, each with its depth, under the
/// NUMS key.
fn block(spent: &LeafKeys, tree: &[(u8, &ScriptBuf)]) -> ControlBlock {
    let builder = tree.iter().try_fold(TaprootBuilder::new(), |builder, (depth, script)| {
        builder.add_leaf(*depth, (*script).clone())
    });
    let internal: XOnlyPublicKey = NUMS_INTERNAL_KEY.parse().unwrap();
    let info = builder.unwrap().finalize(SECP256K1, internal).unwrap();
    info.control_block(&(spent.script().unwrap(), LeafVersion::TapScript)).unwrap()
}

fn outpoint(number: u8) -> OutPoint {
    OutPoint::new(Txid::from_byte_array([number; 32]), 0)
}

/// Returns an input that spends the leaf, with as many elements of a signature's size as it takes.
fn input(keys: &LeafKeys, at: &ControlBlock) -> TxIn {
    let places =
        |count: usize, of: usize| (0..of).map(move |place| vec![1; if place < count { 64 } else { 0 }]);
    let (members, quorum) = keys.covenant();
    let signatures = places(1, 1)
        .chain(places(1, keys.finality_providers().len()))
        .chain(places(usize::from(quorum), members.len()));
    let mut elements: Vec<Vec<u8>> = signatures.collect();
    elements.reverse();
    elements.extend([keys.script().unwrap().to_bytes(), at.serialize()]);
    let sequence = match keys {
        LeafKeys::Timelock { timelock, .. } => timelock.sequence(),
        _ => Sequence::MAX,
    };
    let witness = Witness::from_slice(&elements);
    TxIn { previous_output: outpoint(7), sequence, witness, ..TxIn::default() }
}

fn paying(scripts: &[&ScriptBuf]) -> Vec<TxOut> {
    let output =
        |script: &&ScriptBuf| TxOut { value: Amount::from_sat(1000), script_pubkey: (*script).clone() };
    scripts.iter().map(output).collect()
}

/// Returns a transaction that spends the leaf in the form of its path. A slashing transaction has the refund
/// with this timelock.
fn spend(keys: &LeafKeys, at: &ControlBlock, refund: u32) -> Transaction {
    let refund = SlashingRefundOutput::new(*keys.staker(), time(refund)).unwrap();
    let (refund, burn) = (refund.taproot().script_pubkey(), ScriptBuf::from_hex("6a0101").unwrap());
    let output = match keys.path() {
        SpendPath::Slashing => paying(&[&burn, &refund]),
        SpendPath::Unbonding | SpendPath::Timelock => paying(&[&wallet()]),
    };
    Transaction { input: vec![input(keys, at)], output, ..blank() }
}

fn told(transaction: &Transaction) -> (TransactionKind, usize) {
    let Explanation { kind, spent, .. } = explain(transaction);
    (kind, spent.len())
}

/// Returns what is told of a spend of the leaf in this tree.
fn in_tree(keys: &LeafKeys, tree: &[(u8, &ScriptBuf)]) -> (TransactionKind, usize) {
    told(&spend(keys, &block(keys, tree), 100))
}

/// Returns the scripts of Ark and of vaults for the owner alone: after a timelock, and with a preimage.
fn foreign(owner: &XOnlyPublicKey) -> [ScriptBuf; 2] {
    let timelock = Builder::new().push_int(144).push_opcode(OP_CSV).push_opcode(OP_DROP);
    let hash = Builder::new().push_opcode(OP_HASH160).push_slice([3; 20]).push_opcode(OP_EQUALVERIFY);
    [timelock, hash].map(|it| it.push_x_only_key(owner).push_opcode(OP_CHECKSIG).into_script())
}

/// `<A> CHECKSIGVERIFY <B> CHECKSIG` is an unbonding leaf of a committee of one, and Ark's and vaults' too.
#[test]
fn unbonding_leaf_counts_beside_its_timelock_leaf_at_depth_2() {
    let scene = Scene::new(1, 1, 1);
    let (staker, other) = (*scene.staker.public_key(), *key("other", 0).public_key());
    let (own, slashing) = (leaf(&scene, SpendPath::Unbonding), leaf(&scene, SpendPath::Slashing));
    let (script, slashing) = (own.script().unwrap(), slashing.script().unwrap());
    let [exit, preimage] = foreign(&staker);
    let timelock = |owner: &XOnlyPublicKey, blocks| waiting(owner, blocks).script().unwrap();
    // The tree of a stake, whatever its staking time.
    for blocks in [1, 16, 17, 1000, 32_768, 64_000, 65_535] {
        let tree = [(1, &slashing), (2, &script), (2, &timelock(&staker, blocks))];
        assert_eq!(in_tree(&own, &tree), (TransactionKind::Unbonding, 1), "{blocks}");
    }
    // Alone, at depth 1 as Ark has it, at depth 3.
    assert_eq!(in_tree(&own, &[(0, &script)]), UNKNOWN);
    for beside in [&exit, &timelock(&staker, 1000), &slashing] {
        assert_eq!(in_tree(&own, &[(1, &script), (1, beside)]), UNKNOWN);
    }
    let deep = [(1, &slashing), (2, &preimage), (3, &script), (3, &timelock(&staker, 1000))];
    assert_eq!(in_tree(&own, &deep), UNKNOWN);
    // At depth 2 beside another leaf: of Ark, of a stake but the timelock's, of another's timelock.
    for beside in [&exit, &preimage, &slashing, &timelock(&other, 1000)] {
        assert_eq!(in_tree(&own, &[(1, &slashing), (2, &script), (2, beside)]), UNKNOWN);
    }
    let four = [(2, &exit), (2, &preimage), (2, &script), (2, &slashing)];
    assert_eq!(in_tree(&own, &four), UNKNOWN);
}

#[test]
fn slashing_leaf_counts_beside_the_others_at_depth_1() {
    let scene = Scene::new(2, 3, 2);
    let staker = *scene.staker.public_key();
    let (own, unbonding) = (leaf(&scene, SpendPath::Slashing), leaf(&scene, SpendPath::Unbonding));
    let (script, unbonding) = (own.script().unwrap(), unbonding.script().unwrap());
    let timelock = |blocks| waiting(&staker, blocks).script().unwrap();
    let smaller = leaf(&Scene::new(2, 3, 1), SpendPath::Unbonding).script().unwrap();
    let [exit, _] = foreign(&staker);
    // A staking output, and an unbonding output, whose refund has the same timelock.
    let slashing = (TransactionKind::Slashing, 1);
    assert_eq!(in_tree(&own, &[(1, &script), (2, &unbonding), (2, &timelock(64_000))]), slashing);
    assert_eq!(in_tree(&own, &[(1, &script), (1, &timelock(100))]), slashing);
    // Another depth.
    assert_eq!(in_tree(&own, &[(0, &script)]), UNKNOWN);
    assert_eq!(in_tree(&own, &[(1, &exit), (2, &script), (2, &timelock(100))]), UNKNOWN);
    // Another leaf beside it: foreign, of another quorum, of another staker.
    let others = waiting(key("other", 0).public_key(), 100).script().unwrap();
    for beside in [&exit, &unbonding, &others] {
        assert_eq!(in_tree(&own, &[(1, &script), (1, beside)]), UNKNOWN);
    }
    for pair in [[&smaller, &timelock(1000)], [&unbonding, &others], [&unbonding, &exit]] {
        assert_eq!(in_tree(&own, &[(1, &script), (2, pair[0]), (2, pair[1])]), UNKNOWN);
    }
}

#[test]
fn timelock_leaf_counts_at_depths_0_to_2() {
    let scene = Scene::new(1, 3, 2);
    let own = waiting(scene.staker.public_key(), 100);
    let (script, beside) = (own.script().unwrap(), leaf(&scene, SpendPath::Slashing).script().unwrap());
    let [exit, preimage] = foreign(scene.staker.public_key());
    let withdrawal = (TransactionKind::Withdrawal, 1);
    assert_eq!(in_tree(&own, &[(0, &script)]), withdrawal);
    assert_eq!(in_tree(&own, &[(1, &beside), (1, &script)]), withdrawal);
    assert_eq!(in_tree(&own, &[(1, &beside), (2, &exit), (2, &script)]), withdrawal);
    let deep = [(1, &beside), (2, &exit), (3, &preimage), (3, &script)];
    assert_eq!(in_tree(&own, &deep), UNKNOWN);
}

/// Beside the timelock leaf of a staking output is the unbonding leaf of its committee; which, the witness
/// does not tell.
#[test]
fn timelock_leaf_counts_beside_the_unbonding_leaf_of_a_known_committee() {
    let (scene, other) = (Scene::new(1, 3, 2), Scene::new(1, 4, 3));
    let own = waiting(scene.staker.public_key(), 100);
    let [script, beside, unbonding] =
        [own.clone(), leaf(&scene, SpendPath::Slashing), leaf(&scene, SpendPath::Unbonding)]
            .map(|keys| keys.script().unwrap());
    let [exit, _] = foreign(scene.staker.public_key());
    let [first, second] = [&scene, &other].map(|scene| scene.parties.covenant());
    let kind = |tree: &[(u8, &ScriptBuf)], known: &[&CovenantCommittee]| {
        let transaction = spend(&own, &block(&own, tree), 100);
        let explanation = explain(&transaction);
        assert_eq!(explanation.kind, TransactionKind::Withdrawal);
        explanation.with_committees(&transaction, known).kind
    };
    let staking = [(1, &beside), (2, &unbonding), (2, &script)];
    assert_eq!(kind(&staking, &[first]), TransactionKind::Withdrawal);
    assert_eq!(kind(&staking, &[second, first]), TransactionKind::Withdrawal);
    assert_eq!(kind(&staking, &[second]), TransactionKind::Unknown);
    assert_eq!(kind(&[(1, &beside), (2, &exit), (2, &script)], &[first]), TransactionKind::Unknown);
    // An unbonding and a slashing leaf say their committee themselves.
    for path in [SpendPath::Unbonding, SpendPath::Slashing] {
        let keys = leaf(&scene, path);
        let tree = match path {
            SpendPath::Unbonding => [(1, &beside), (2, &script), (2, &unbonding)],
            _ => [(2, &script), (2, &unbonding), (1, &beside)],
        };
        let transaction = spend(&keys, &block(&keys, &tree), 100);
        let kind =
            |known: &[&CovenantCommittee]| explain(&transaction).with_committees(&transaction, known).kind;
        assert_eq!(kind(&[first]), explain(&transaction).kind);
        assert!(kind(&[first]) != TransactionKind::Unknown && kind(&[second]) == TransactionKind::Unknown);
    }
    // The hash beside that of an unbonding output tells no committee: it has the finality providers too.
    assert_eq!(kind(&[(1, &beside), (1, &script)], &[second]), TransactionKind::Withdrawal);
    assert_eq!(kind(&[(0, &script)], &[second]), TransactionKind::Withdrawal);
}

/// CSV fails before version 2, and where the nSequence is no number of blocks or a lower one.
#[test]
fn timelock_leaf_counts_where_it_is_satisfied() {
    let own = waiting(key("staker", 0).public_key(), 100);
    let whole = spend(&own, &block(&own, &[(0, &own.script().unwrap())]), 100);
    let (withdrawal, blocks) = ((TransactionKind::Withdrawal, 1), 100);
    for (version, expected) in
        [(0, UNKNOWN), (1, UNKNOWN), (2, withdrawal), (3, withdrawal), (-1, withdrawal)]
    {
        assert_eq!(told(&Transaction { version: Version(version), ..whole.clone() }), expected, "{version}");
    }
    let waits = |sequence: u32| {
        let mut transaction = whole.clone();
        transaction.input[0].sequence = Sequence(sequence);
        told(&transaction)
    };
    // Bits without a meaning do not count.
    for sequence in [blocks, blocks + 1, 65_535, blocks | 1 << 16, blocks | 1 << 30] {
        assert_eq!(waits(sequence), withdrawal, "{sequence:x}");
    }
    for sequence in [0, blocks - 1, blocks | 1 << 22, blocks | 1 << 31, u32::MAX, u32::MAX - 2] {
        assert_eq!(waits(sequence), UNKNOWN, "{sequence:x}");
    }
    // The same in a PSBT, which offers the leaf.
    let scene = Scene::new(1, 3, 2);
    let withdrawal = WithdrawalTransaction::new(&scene.staking, wallet(), FeeRate::BROADCAST_MIN).unwrap();
    let kind = |change: &dyn Fn(&mut Transaction)| {
        let mut psbt = withdrawal.psbt().clone();
        change(&mut psbt.unsigned_tx);
        let explained = explain_psbt(&psbt);
        (explained.kind, explained.spent.len())
    };
    assert_eq!(kind(&|_| ()), (TransactionKind::Withdrawal, 1));
    assert_eq!(kind(&|tx| tx.version = Version::ONE), UNKNOWN);
    assert_eq!(kind(&|tx| tx.input[0].sequence = Sequence(999)), UNKNOWN);
}

/// Unbonds and slashes a stake, and slashes the unbonding output, each with everything signed.
fn pre_signed(scene: &Scene) -> [Transaction; 3] {
    let (staking, unbonding) = (scene.staking.output().taproot(), scene.unbonding.taproot());
    let spends = |own: &crate::outputs::Leaf| spend(&own.keys, &own.control_block, 100);
    [(staking, SpendPath::Unbonding), (staking, SpendPath::Slashing), (unbonding, SpendPath::Slashing)]
        .map(|(output, path)| spends(output.leaf(path).unwrap()))
}

#[test]
fn unbonding_pays_one_taproot_output_and_is_final() {
    let [whole, ..] = pre_signed(&Scene::new(1, 3, 2));
    assert_eq!(told(&whole), (TransactionKind::Unbonding, 1));
    // The path is named all the same.
    let other = (TransactionKind::Unknown, 1);
    let changed = |change: &dyn Fn(&mut Transaction)| {
        let mut transaction = whole.clone();
        change(&mut transaction);
        told(&transaction)
    };
    let scripts = lost_scripts().into_iter().chain([
        ScriptBuf::from_hex("00140101010101010101010101010101010101010101").unwrap(),
        ScriptBuf::from_hex("6a0101").unwrap(),
    ]);
    for script in scripts {
        assert_eq!(changed(&|tx| tx.output = paying(&[&script])), other, "{script}");
    }
    assert_eq!(changed(&|tx| tx.output = paying(&[&wallet(), &wallet()])), other);
    assert_eq!(changed(&|tx| tx.output.clear()), other);
    for sequence in [0, 1000, u32::MAX - 1] {
        assert_eq!(changed(&|tx| tx.input[0].sequence = Sequence(sequence)), other, "{sequence}");
    }
    // With a second input it is an extension, which may be replaceable, and pays a Taproot output.
    let funded = |change: &dyn Fn(&mut Transaction)| {
        changed(&|tx| {
            tx.input.push(TxIn { previous_output: outpoint(9), ..TxIn::default() });
            change(tx);
        })
    };
    let extension = (TransactionKind::Extension, 1);
    assert_eq!(funded(&|tx| tx.input[0].sequence = Sequence(u32::MAX - 2)), extension);
    assert_eq!(funded(&|tx| tx.output = paying(&[&ScriptBuf::new(), &wallet()])), extension);
    assert_eq!(funded(&|tx| tx.output = paying(&[&ScriptBuf::new()])), other);
}

#[test]
fn slashing_refunds_the_staker_in_its_second_output_and_is_final() {
    let [_, slashing, of_unbonding] = pre_signed(&Scene::new(2, 3, 2));
    let other = (TransactionKind::Unknown, 1);
    let refund = |blocks| {
        let output = SlashingRefundOutput::new(*key("staker", 0).public_key(), time(blocks)).unwrap();
        output.taproot().script_pubkey()
    };
    for whole in [&slashing, &of_unbonding] {
        let changed = |change: &dyn Fn(&mut Transaction)| {
            let mut transaction = whole.clone();
            change(&mut transaction);
            told(&transaction)
        };
        assert_eq!(changed(&|_| ()), (TransactionKind::Slashing, 1));
        assert_eq!(changed(&|tx| tx.input[0].sequence = Sequence(0)), other);
        assert_eq!(changed(&|tx| tx.output.swap(0, 1)), other);
        assert_eq!(changed(&|tx| tx.output.truncate(1)), other);
        assert_eq!(changed(&|tx| tx.output[1].script_pubkey = lost_scripts().remove(0)), other);
    }
    // Of an unbonding output, the refund's timelock is known.
    let waiting = |whole: &Transaction, blocks| {
        let mut transaction = whole.clone();
        transaction.output[1].script_pubkey = refund(blocks);
        told(&transaction).0
    };
    assert_eq!(waiting(&slashing, 101), TransactionKind::Slashing);
    assert_eq!(waiting(&of_unbonding, 101), TransactionKind::Unknown);
}

/// Exactly a quorum, one provider and the staker sign; every other element is empty.
#[test]
fn witness_that_the_script_refuses_makes_no_kind() {
    let [unbonding, slashing, _] = pre_signed(&Scene::new(2, 3, 2));
    let changed = |whole: &Transaction, place: usize, element: &[u8]| {
        let mut transaction = whole.clone();
        let mut elements = transaction.input[0].witness.to_vec();
        elements[place] = element.to_vec();
        transaction.input[0].witness = Witness::from_slice(&elements);
        told(&transaction)
    };
    let (full, other) = ([1; 64], (TransactionKind::Unknown, 1));
    // In the order of the witness: an absent member and two that sign; two providers; the staker.
    assert_eq!(changed(&unbonding, 0, &[]), (TransactionKind::Unbonding, 1));
    for (place, element) in [(0, &full[..]), (0, &[1]), (1, &[]), (3, &[]), (3, &full[..63])] {
        assert_eq!(changed(&unbonding, place, element), other, "{place}");
    }
    assert_eq!(changed(&slashing, 3, &[]), (TransactionKind::Slashing, 1));
    for (place, element) in [(0, &full[..]), (2, &[]), (3, &full[..]), (4, &[]), (5, &[]), (3, &[0])] {
        assert_eq!(changed(&slashing, place, element), other, "{place}");
    }
}

#[test]
fn transaction_that_no_block_can_include_has_no_kind() {
    let own = waiting(key("staker", 0).public_key(), 100);
    let whole = spend(&own, &block(&own, &[(0, &own.script().unwrap())]), 100);
    let changed = |change: &dyn Fn(&mut Transaction)| {
        let mut transaction = whole.clone();
        change(&mut transaction);
        told(&transaction)
    };
    assert_eq!(changed(&|_| ()), (TransactionKind::Withdrawal, 1));
    let other = (TransactionKind::Unknown, 1);
    assert_eq!(changed(&|tx| tx.output[0].value = Amount::MAX_MONEY + Amount::from_sat(1)), other);
    assert_eq!(changed(&|tx| tx.output.clear()), other);
    assert_eq!(changed(&|tx| tx.input[0].previous_output = OutPoint::null()), other);
    assert_eq!(changed(&|tx| tx.input.push(tx.input[0].clone())), (TransactionKind::Unknown, 2));
}

/// A PSBT describes its outputs: with the unbonding output, every leaf of the stake is known.
#[test]
fn output_that_is_described_is_of_the_stake_that_is_spent() {
    let (scene, other) = (Scene::new(1, 3, 2), Scene::new(2, 3, 2));
    let fee = Amount::from_sat(500);
    let unbonding = UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), fee).unwrap();
    let others = UnbondingTransaction::new(&other.staking, other.unbonding.clone(), fee).unwrap();
    assert_eq!(explain_psbt(unbonding.psbt()).kind, TransactionKind::Unbonding);
    let described = |from: &bitcoin::Psbt, index: usize, to: &bitcoin::Psbt| {
        let mut psbt = to.clone();
        psbt.unsigned_tx.output[index] = from.unsigned_tx.output[index].clone();
        psbt.outputs[index] = from.outputs[index].clone();
        let explained = explain_psbt(&psbt);
        assert_eq!((explained.spent.len(), explained.outputs.len()), (1, 1));
        explained.kind
    };
    // With the same staker and committee, and another finality provider.
    assert_eq!(described(others.psbt(), 0, unbonding.psbt()), TransactionKind::Unknown);
    // The refund of another staker.
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    assert_eq!(explain_psbt(slashing.psbt()).kind, TransactionKind::Slashing);
    let refund = SlashingRefundOutput::new(*key("other", 0).public_key(), time(100)).unwrap();
    let mut from = slashing.psbt().clone();
    from.unsigned_tx.output[1].script_pubkey = refund.taproot().script_pubkey();
    from.outputs[1].tap_tree = Some(refund.taproot().tap_tree());
    assert_eq!(described(&from, 1, slashing.psbt()), TransactionKind::Unknown);
}

/// What a PSBT offers is judged by the same rules, though the output that it says to spend commits to it.
#[test]
fn psbt_that_offers_a_foreign_leaf_is_unknown() {
    let scene = Scene::new(1, 1, 1);
    let (own, [exit, _]) = (leaf(&scene, SpendPath::Unbonding), foreign(scene.staker.public_key()));
    let script = own.script().unwrap();
    let mut psbt = UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(500))
        .unwrap()
        .psbt()
        .clone();
    assert_eq!(explain_psbt(&psbt).kind, TransactionKind::Unbonding);
    for tree in [vec![(1, &script), (1, &exit)], vec![(1, &exit), (2, &script), (2, &exit)]] {
        let at = block(&own, &tree);
        let scripts = [(at.clone(), (script.clone(), LeafVersion::TapScript))];
        psbt.inputs[0].tap_scripts = scripts.into_iter().collect();
        psbt.inputs[0].witness_utxo = None;
        let explained = explain_psbt(&psbt);
        assert_eq!((explained.kind, explained.spent.len()), UNKNOWN);
        // Nor finalized with its one signature, as some wallets do.
        let elements = [vec![1; 64], script.to_bytes(), at.serialize()];
        let mut signed = psbt.clone();
        signed.inputs[0].final_script_witness = Some(Witness::from_slice(&elements));
        assert_eq!(explain_psbt(&signed).spent, []);
    }
}

/// A transaction with thousands of foreign leaves does not cost a search for each.
#[test]
fn timelocks_are_searched_four_times_for_a_transaction() {
    let spends = |times: &[u32]| {
        let inputs = times.iter().enumerate().map(|(number, blocks)| {
            let number = u8::try_from(number).unwrap();
            let mut scene = Scene::new(1, 3, 2);
            scene.staker = key("staker", number.into());
            let parties = crate::testing::parties(&scene.staker, &scene.providers, &scene.covenant, 2);
            let output = crate::outputs::StakingOutput::new(parties, time(*blocks)).unwrap();
            let own = output.taproot().leaf(SpendPath::Unbonding).unwrap();
            TxIn { previous_output: outpoint(number), ..input(&own.keys, &own.control_block) }
        });
        let (input, output) = (inputs.collect(), paying(&[&wallet()]));
        told(&Transaction { input, output, ..blank() })
    };
    assert_eq!(spends(&[2000; 20]), (TransactionKind::Unknown, 20));
    assert_eq!(spends(&[1, 2, 3, 4, 5, 6]), (TransactionKind::Unknown, 4));
    assert_eq!(spends(&[1, 2, 3, 4, 5, 6, 1, 2]), (TransactionKind::Unknown, 6), "found before");
}
