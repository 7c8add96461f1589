//! Explanation of transactions.

mod kind;
mod leaves;
mod selective;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::taproot::{TapTree, TaprootBuilder};
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Transaction, TxIn, TxOut, Txid, Witness};
use proptest::prelude::*;

use crate::coins::{FundingCoin, key_path_script};
use crate::explain::{PaidOutput, TransactionKind, explain, explain_psbt};
use crate::outputs::{ProtocolOutput, SpendPath};
use crate::psbt::review_psbt;
use crate::testing::{Scene, key};
use crate::transactions::{
    CovenantTransaction as _, LeafTransaction as _, NewStake, StakingTransaction, UnbondingTransaction,
    WithdrawalTransaction, spent_outputs,
};

fn announcing(payloads: &[&[u8]]) -> Transaction {
    let output = |payload: &&[u8]| {
        let data = PushBytesBuf::try_from(payload.to_vec()).unwrap();
        let script_pubkey = Builder::new().push_opcode(OP_RETURN).push_slice(data).into_script();
        TxOut { value: Amount::ZERO, script_pubkey }
    };
    let mut tx = blank();
    tx.output.extend(payloads.iter().map(output));
    tx
}

fn blank() -> Transaction {
    let (version, lock_time) = (bitcoin::transaction::Version::TWO, bitcoin::absolute::LockTime::ZERO);
    Transaction { version, lock_time, input: vec![TxIn::default()], output: vec![] }
}

#[test]
fn explain_recognises_unbonding_and_withdrawal() {
    let scene = Scene::new(2, 5, 3);
    let tx =
        UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(500)).unwrap();
    let covenant: Vec<_> =
        scene.covenant.iter().map(|member| tx.sign_as_covenant_member_unchecked(member).unwrap()).collect();
    let finalized = tx.finalize(&tx.sign_as_staker(&scene.staker).unwrap(), &covenant).unwrap();
    let explained = explain(&finalized);
    assert_eq!(explained.kind, TransactionKind::Unbonding);
    assert_eq!(explained.paid, Amount::from_sat(999_500));
    let spent = &explained.spent[0];
    assert_eq!((spent.keys.path(), spent.outpoint), (SpendPath::Unbonding, scene.staking.outpoint()));
    assert_eq!(spent.covenant_signers.len(), 3);
    assert!(spent.covenant_signers.is_sorted());

    // With a second input, which funds a new stake, it is an extension. In any other form it is unknown.
    let shaped = |change: &dyn Fn(&mut Transaction)| {
        let mut transaction = finalized.clone();
        change(&mut transaction);
        explain(&transaction)
    };
    let coin =
        || TxIn { previous_output: OutPoint::new(Txid::from_byte_array([9; 32]), 0), ..TxIn::default() };
    assert_eq!(shaped(&|tx| tx.input.push(coin())).kind, TransactionKind::Extension);
    let funding_first = shaped(&|tx| tx.input.insert(0, coin()));
    assert_eq!((funding_first.kind, funding_first.spent[0].input), (TransactionKind::Unknown, 1));
    assert_eq!(shaped(&|tx| tx.input.resize(3, TxIn::default())).kind, TransactionKind::Unknown);
    assert_eq!(shaped(&|tx| tx.output.push(tx.output[0].clone())).kind, TransactionKind::Unknown);
    assert_eq!(shaped(&|tx| tx.input.push(tx.input[0].clone())).kind, TransactionKind::Unknown);

    let destination = key_path_script(scene.staker.public_key());
    let withdrawal =
        WithdrawalTransaction::new(&tx.unbonding_output(), destination, FeeRate::BROADCAST_MIN).unwrap();
    let withdrawn = withdrawal.finalize(&withdrawal.sign_as_staker(&scene.staker).unwrap()).unwrap();
    assert_eq!(explain(&withdrawn).kind, TransactionKind::Withdrawal);
    // An nSequence without the timelock, a scriptSig, or witness elements that are not signatures: the leaf
    // is not counted.
    let changed = |change: &dyn Fn(&mut TxIn)| {
        let mut transaction = withdrawn.clone();
        change(&mut transaction.input[0]);
        explain(&transaction)
    };
    assert_eq!(changed(&|input| input.sequence = bitcoin::Sequence::MAX).kind, TransactionKind::Unknown);
    assert_eq!(
        changed(&|input| input.script_sig = ScriptBuf::from_bytes(vec![0x51])).kind,
        TransactionKind::Unknown
    );
    let mut forged = finalized.clone();
    let places =
        forged.input[0].witness.iter().map(|place| if place.len() == 64 { vec![1] } else { place.to_vec() });
    forged.input[0].witness = Witness::from_slice(&places.collect::<Vec<_>>());
    assert_eq!(explain(&forged).spent[0].covenant_signers, []);
    // Without its witness it is unknown; a PSBT has the leaf that it offers for signing.
    assert_eq!(explain(withdrawal.unsigned()).kind, TransactionKind::Unknown);
    assert_eq!(explain_psbt(withdrawal.psbt()).kind, TransactionKind::Withdrawal);
    let mut psbt = tx.psbt().clone();
    assert_eq!(explain_psbt(&psbt).spent[0].covenant_signers, []);
    let hash = scene.staking.output().taproot().leaf(SpendPath::Unbonding).unwrap().hash();
    let signature = bitcoin::taproot::Signature {
        signature: covenant[0].signature,
        sighash_type: bitcoin::TapSighashType::Default,
    };
    psbt.inputs[0].tap_script_sigs.insert((covenant[0].member, hash), signature);
    let explained = explain_psbt(&psbt);
    assert_eq!((explained.kind, explained.txid), (TransactionKind::Unbonding, tx.txid()));
    assert_eq!(explained.spent[0].covenant_signers, [covenant[0].member]);
    // With two leaves offered, the spend path is not known.
    let other = scene.staking.output().taproot().leaf(SpendPath::Timelock).unwrap();
    let script = (other.script.clone(), bitcoin::taproot::LeafVersion::TapScript);
    psbt.inputs[0].tap_scripts.insert(other.control_block.clone(), script);
    assert_eq!(explain_psbt(&psbt).kind, TransactionKind::Unknown);
}

/// A staking output is recognised by its script tree in a PSBT, or by a caller that knows its keys; and by
/// its script only.
#[test]
fn explain_recognises_outputs() {
    let scene = Scene::new(1, 3, 2);
    let wallet = key_path_script(scene.staker.public_key());
    let coin = TxOut { value: Amount::from_sat(2_000_000), script_pubkey: wallet.clone() };
    let coin = FundingCoin::new(OutPoint::new(Txid::from_byte_array([9; 32]), 0), coin).unwrap();
    let (output, rate) = (scene.staking.output().clone(), FeeRate::BROADCAST_MIN);
    let stake = StakingTransaction::build(NewStake {
        output: output.clone(),
        amount: Amount::from_sat(1_000_000),
        coins: &[coin],
        change: wallet,
        fee_rate: rate,
        op_return_tag: None,
    })
    .unwrap();
    let explained = explain_psbt(stake.psbt());
    assert_eq!((explained.kind, explained.spent.len()), (TransactionKind::Stake, 0));
    let known = ProtocolOutput::Staking(output);
    let paid = vec![PaidOutput { index: explained.outputs[0].index, output: known.clone() }];
    assert_eq!(explained.outputs, paid);
    assert_eq!(stake.unsigned().output[paid[0].index].value, Amount::from_sat(1_000_000));

    // Without the PSBT it is recognised only by a caller that knows the keys.
    let bare = explain(stake.unsigned());
    assert_eq!((bare.kind, bare.outputs.len()), (TransactionKind::Unknown, 0));
    let unbonding = ProtocolOutput::Unbonding(scene.unbonding.clone());
    assert_eq!(bare.clone().with_known_outputs(stake.unsigned(), std::slice::from_ref(&unbonding)), bare);
    let told = bare.with_known_outputs(stake.unsigned(), &[unbonding.clone(), known.clone()]);
    assert_eq!((told.kind, &told.outputs), (TransactionKind::Stake, &paid));
    assert_eq!(told.clone().with_known_outputs(stake.unsigned(), &[known]), told, "once");

    // A tree of another output, or one that is almost the protocol's, is not recognised.
    let harmed = |harm: &dyn Fn(&mut bitcoin::psbt::Output)| {
        let mut psbt = stake.psbt().clone();
        harm(&mut psbt.outputs[paid[0].index]);
        explain_psbt(&psbt)
    };
    let other = scene.unbonding.taproot().tap_tree();
    assert_eq!(harmed(&|output| output.tap_tree = Some(other.clone())).kind, TransactionKind::Unknown);
    assert_eq!(harmed(&|output| output.tap_tree = None).kind, TransactionKind::Unknown);
    let script = scene.unbonding.taproot().leaf(SpendPath::Timelock).unwrap().script.clone();
    for depths in [vec![0], vec![1, 2, 3, 3]] {
        let tree = depths
            .iter()
            .try_fold(TaprootBuilder::new(), |tree, depth| tree.add_leaf(*depth, script.clone()));
        let tree: TapTree = tree.unwrap().try_into_taptree().unwrap();
        assert_eq!(harmed(&|output| output.tap_tree = Some(tree.clone())).kind, TransactionKind::Unknown);
    }
    // An unbonding transaction's PSBT describes its output too.
    let tx =
        UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(500)).unwrap();
    let explained = explain_psbt(tx.psbt());
    assert_eq!(explained.kind, TransactionKind::Unbonding);
    assert_eq!(explained.outputs, [PaidOutput { index: 0, output: unbonding }]);
}

/// A PSBT with wrong data is not trusted.
#[test]
fn explain_psbt_checks_what_the_psbt_says() {
    let scene = Scene::new(1, 3, 2);
    let tx =
        UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(500)).unwrap();
    let destination = key_path_script(scene.staker.public_key());
    let withdrawal =
        WithdrawalTransaction::new(&tx.unbonding_output(), destination, FeeRate::BROADCAST_MIN).unwrap();
    let finalized = withdrawal.finalize(&withdrawal.sign_as_staker(&scene.staker).unwrap()).unwrap();
    let mut psbt = withdrawal.psbt().clone();
    psbt.inputs[0].final_script_witness = Some(finalized.input[0].witness.clone());
    assert_eq!(explain_psbt(&psbt).kind, TransactionKind::Withdrawal);
    // The leaf is of another output than the one spent.
    let other = TxOut { script_pubkey: scene.staking.output().taproot().script_pubkey(), ..spent(&psbt) };
    psbt.inputs[0].witness_utxo = Some(other);
    assert_eq!((explain_psbt(&psbt).kind, explain_psbt(&psbt).spent), (TransactionKind::Unknown, vec![]));

    // Two amounts for one coin: then none is known.
    let mut psbt = withdrawal.psbt().clone();
    let source = tx.unsigned().clone();
    psbt.inputs[0].non_witness_utxo = Some(source.clone());
    assert_eq!(spent_outputs(&psbt), [Some(spent(&psbt))]);
    psbt.inputs[0].witness_utxo.as_mut().unwrap().value += Amount::from_sat(1);
    assert_eq!((spent_outputs(&psbt), review_psbt(&psbt).unwrap().fee), (vec![None], None));
    psbt.inputs[0].witness_utxo = None;
    psbt.inputs[0].non_witness_utxo = Some(Transaction { lock_time: LockTime::from_consensus(1), ..source });
    assert_eq!(spent_outputs(&psbt), [None], "another transaction");

    // A scriptSig is part of the id.
    let mut psbt = tx.psbt().clone();
    psbt.inputs[0].final_script_sig = Some(ScriptBuf::from_bytes(vec![0x51]));
    assert_eq!(explain_psbt(&psbt).txid, psbt.clone().extract_tx_unchecked_fee_rate().compute_txid());
    assert_ne!(explain_psbt(&psbt).txid, tx.txid());

    // An extension whose first input offers another leaf too is unknown, and not a stake.
    let mut psbt = tx.psbt().clone();
    for path in [SpendPath::Slashing, SpendPath::Timelock] {
        let leaf = scene.staking.output().taproot().leaf(path).unwrap();
        let script = (leaf.script.clone(), bitcoin::taproot::LeafVersion::TapScript);
        psbt.inputs[0].tap_scripts.insert(leaf.control_block.clone(), script);
    }
    psbt.unsigned_tx.output[0].script_pubkey = scene.staking.output().taproot().script_pubkey();
    psbt.outputs[0].tap_tree = Some(scene.staking.output().taproot().tap_tree());
    let explained = explain_psbt(&psbt);
    assert_eq!((explained.kind, explained.outputs.len()), (TransactionKind::Unknown, 1));
    let known = ProtocolOutput::Staking(scene.staking.output().clone());
    assert_eq!(explained.with_known_outputs(&psbt.unsigned_tx, &[known]).kind, TransactionKind::Unknown);
}

fn spent(psbt: &Psbt) -> TxOut {
    psbt.inputs[0].witness_utxo.clone().unwrap()
}

#[test]
fn op_return_data_alone_are_no_stake() {
    let (staker, provider) = (key("staker", 0), key("provider", 0));
    let payload = [
        b"bbn1".as_slice(),
        &[0],
        &staker.public_key().serialize(),
        &provider.public_key().serialize(),
        &[0xfa, 0],
    ];
    let payload = payload.concat();
    assert_eq!(payload.len(), 71);
    let transaction = announcing(&[&payload]);
    let explained = explain(&transaction);
    assert_eq!((explained.kind, &explained.outputs), (TransactionKind::Unknown, &Vec::new()));
    let said = explained.op_return.unwrap();
    assert_eq!((said.tag, said.staking_time.blocks()), (*b"bbn1", 64000));
    assert_eq!((said.staker, said.finality_provider), (*staker.public_key(), *provider.public_key()));

    // With the output that they and the committee make, the transaction is one.
    let covenant = Scene::new(1, 3, 2).parties.covenant().clone();
    let parties = crate::outputs::Parties::new(said.staker, [said.finality_provider], covenant).unwrap();
    let output = crate::outputs::StakingOutput::new(parties, said.staking_time).unwrap();
    let mut stake = transaction.clone();
    stake.output.push(output.taproot().paying(Amount::from_sat(1000)));
    assert_eq!(explain(&stake).kind, TransactionKind::Unknown);
    let known = [ProtocolOutput::Staking(output)];
    assert_eq!(explain(&stake).with_known_outputs(&stake, &known).kind, TransactionKind::Stake);
    assert_eq!(explained.with_known_outputs(&transaction, &known).kind, TransactionKind::Unknown);

    let unknown = |tx: &Transaction| assert_eq!(explain(tx).kind, TransactionKind::Unknown);
    unknown(&announcing(&[&payload, &payload]));
    unknown(&announcing(&[&payload[..70]]));
    let mut other_version = payload.clone();
    other_version[4] = 1;
    unknown(&announcing(&[&other_version]));
    let mut no_time = payload.clone();
    no_time[69..].fill(0);
    unknown(&announcing(&[&no_time]));
    let mut off_curve = payload;
    off_curve[5..37].fill(0xff);
    unknown(&announcing(&[&off_curve]));
}

#[test]
fn explain_refuses_leaves_under_another_internal_key() {
    let scene = Scene::new(1, 3, 2);
    let leaf = scene.staking.output().taproot().leaf(SpendPath::Timelock).unwrap();
    let mut block = leaf.control_block.clone();
    let mut tx = blank();
    tx.input[0].sequence = bitcoin::Sequence::from_height(1000);
    tx.input[0].previous_output = scene.staking.outpoint();
    tx.output.push(scene.staking.tx_out());
    let mut kind = |block: &bitcoin::taproot::ControlBlock| {
        let elements = [vec![1; 64], leaf.script.to_bytes(), block.serialize()];
        tx.input[0].witness = Witness::from_slice(&elements);
        explain(&tx).kind
    };
    assert_eq!(kind(&block), TransactionKind::Withdrawal);
    block.internal_key = *key("else", 0).public_key();
    assert_eq!(kind(&block), TransactionKind::Unknown);
}

proptest! {
    #[test]
    fn explain_never_panics(elements: Vec<Vec<u8>>, script: Vec<u8>) {
        let mut tx = blank();
        tx.input[0].witness = Witness::from_slice(&elements);
        tx.output.push(TxOut { value: Amount::MAX, script_pubkey: ScriptBuf::from_bytes(script) });
        tx.output.push(TxOut { value: Amount::MAX, script_pubkey: ScriptBuf::new() });
        let explained = explain(&tx);
        prop_assert_eq!((explained.kind, explained.paid), (TransactionKind::Unknown, Amount::MAX));
    }
}
