//! Untrusted transactions and PSBTs: explained, signed and finalized as far as that goes.
#![no_main]

use std::sync::LazyLock;

use btcstake_fuzz::{Changes, change, outpoint, scene};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::bitcoin::consensus::encode;
use staking_scripts::bitcoin::{Amount, FeeRate, Psbt, ScriptBuf, Transaction, TxOut, Witness};
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::explain::{PaidOutput, explain, explain_psbt};
use staking_scripts::outputs::ProtocolOutput;
use staking_scripts::psbt::{review_psbt, sign_psbt};
use staking_scripts::testing::Scene;
use staking_scripts::transactions::{CovenantTransaction, NewStake};
use staking_scripts::{
    Explanation, Funded, FundingCoin, LeafTransaction, SpendPath, StakingTransaction, TransactionKind,
    UnbondingTransaction, WithdrawalTransaction,
};

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// One of the protocol's, changed.
    Changed { sample: u8, changes: Changes },
    /// The unbonding transaction, with another witness before the leaf and its control block, and other
    /// outputs.
    Witness { path: u8, elements: Vec<Vec<u8>>, outputs: Vec<(u64, Vec<u8>)>, inputs: u8, waits: bool },
}

struct Samples {
    scene: Scene,
    staking: StakingTransaction,
    /// Serialized transactions and PSBTs.
    bytes: Vec<Vec<u8>>,
    unbonding: Transaction,
    /// What somebody who knows the keys recognises.
    known: [ProtocolOutput; 2],
}

static SAMPLES: LazyLock<Samples> = LazyLock::new(|| {
    let scene = scene();
    let output = scene.staking.output();
    let coins = key_path_script(scene.staker.public_key());
    let coin = |number| {
        let output = TxOut { value: Amount::from_sat(70_000), script_pubkey: coins.clone() };
        FundingCoin::new(outpoint(number), output).unwrap()
    };
    let (amount, rate) = (Amount::from_sat(100_000), FeeRate::BROADCAST_MIN);
    let staking = StakingTransaction::build(NewStake {
        output: output.clone(),
        amount,
        coins: &[coin(0), coin(1)],
        change: coins.clone(),
        fee_rate: rate,
        op_return_tag: None,
    })
    .unwrap();
    let signed = sign_key_path(staking.psbt(), &scene.staker).unwrap();
    let stake: Funded<_> = staking.staking_output();
    let unbonding =
        UnbondingTransaction::new(&stake, scene.unbonding.clone(), Amount::from_sat(500)).unwrap();
    let covenant: Vec<_> = scene
        .covenant
        .iter()
        .map(|member| unbonding.sign_as_covenant_member_unchecked(member).unwrap())
        .collect();
    let withdrawal = WithdrawalTransaction::new(&unbonding.unbonding_output(), coins, rate).unwrap();
    let finalized = unbonding.finalize(&unbonding.sign_as_staker(&scene.staker).unwrap(), &covenant).unwrap();
    let withdrawn = withdrawal.finalize(&withdrawal.sign_as_staker(&scene.staker).unwrap()).unwrap();
    let bytes = vec![
        encode::serialize(&staking.finalize(&signed).unwrap()),
        encode::serialize(&finalized),
        encode::serialize(&withdrawn),
        staking.psbt().serialize(),
        signed.serialize(),
        unbonding.psbt().serialize(),
        withdrawal.psbt().serialize(),
    ];
    let known = [ProtocolOutput::Staking(output.clone()), ProtocolOutput::Unbonding(scene.unbonding.clone())];
    Samples { scene, staking, bytes, unbonding: finalized, known }
});

fuzz_target!(|input: Input| match input {
    Input::Bytes(bytes) => read(&bytes),
    Input::Changed { sample, changes } => {
        let mut bytes = SAMPLES.bytes[usize::from(sample) % SAMPLES.bytes.len()].clone();
        change(&mut bytes, &changes);
        read(&bytes);
    }
    Input::Witness { path, elements, outputs, inputs, waits } =>
        witness(path, &elements, outputs, inputs, waits),
});

fn read(bytes: &[u8]) {
    if let Ok(transaction) = encode::deserialize::<Transaction>(bytes) {
        let explained = explain(&transaction);
        check(&explained, &transaction);
        check(&explained.with_known_outputs(&transaction, &SAMPLES.known), &transaction);
    }
    let Ok(psbt) = Psbt::deserialize(bytes) else { return };
    // With the scripts of finalized inputs, which are part of the id.
    let (explained, transaction) = (explain_psbt(&psbt), psbt.clone().extract_tx_unchecked_fee_rate());
    check(&explained, &transaction);
    check(&explained.with_known_outputs(&transaction, &SAMPLES.known), &transaction);
    if let Ok(signed) = sign_key_path(&psbt, &SAMPLES.scene.staker) {
        assert_eq!(signed.unsigned_tx, psbt.unsigned_tx);
    }
    if let Ok(review) = review_psbt(&psbt) {
        assert!(review.signatures.iter().all(|found| found.input < psbt.inputs.len()));
    }
    if let Ok((signed, count)) = sign_psbt(&psbt, &SAMPLES.scene.staker) {
        assert_eq!(signed.unsigned_tx, psbt.unsigned_tx);
        let valid = review_psbt(&signed).unwrap().signatures.iter().filter(|found| found.valid).count();
        assert!(valid >= count, "what was signed verifies");
    }
    if let Ok(finalized) = SAMPLES.staking.finalize(&psbt) {
        assert_eq!(finalized.compute_txid(), SAMPLES.staking.txid());
    }
}

/// What an explanation may say of any transaction.
fn check(explained: &Explanation, transaction: &Transaction) {
    assert_eq!(explained.txid, transaction.compute_txid());
    let paid = transaction.output.iter().map(|out| u128::from(out.value.to_sat())).sum::<u128>();
    assert_eq!(u128::from(explained.paid.to_sat()), paid.min(u64::MAX.into()));
    let paths: Vec<_> = explained.spent.iter().map(|spent| spent.keys.path()).collect();
    for spent in &explained.spent {
        assert_eq!(spent.outpoint, transaction.input[spent.input].previous_output);
        assert!(spent.provider_signers.iter().all(|key| spent.keys.finality_providers().contains(key)));
        assert!(spent.covenant_signers.iter().all(|key| spent.keys.covenant().0.contains(key)));
    }
    assert!(explained.spent.is_sorted_by(|one, next| one.input < next.input));
    // An output is recognised by its script, and once.
    for PaidOutput { index, output } in &explained.outputs {
        assert_eq!(transaction.output[*index].script_pubkey, output.taproot().script_pubkey());
    }
    assert!(explained.outputs.is_sorted_by(|one, next| one.index < next.index));
    let expected: &[SpendPath] = match explained.kind {
        TransactionKind::Stake => {
            let staking = |paid: &PaidOutput| matches!(paid.output, ProtocolOutput::Staking(_));
            assert!(explained.outputs.iter().any(staking));
            &[]
        }
        TransactionKind::Unbonding | TransactionKind::Extension => &[SpendPath::Unbonding],
        TransactionKind::Slashing => &[SpendPath::Slashing],
        TransactionKind::Withdrawal => {
            assert!(!paths.is_empty() && paths.iter().all(|path| *path == SpendPath::Timelock));
            return;
        }
        _ => return,
    };
    assert_eq!(paths, expected);
}

fn witness(path: u8, elements: &[Vec<u8>], outputs: Vec<(u64, Vec<u8>)>, inputs: u8, waits: bool) {
    let mut transaction = SAMPLES.unbonding.clone();
    let path = [SpendPath::Timelock, SpendPath::Unbonding, SpendPath::Slashing][usize::from(path % 3)];
    let staking = SAMPLES.scene.staking.output();
    let leaf = staking.taproot().leaf(path).unwrap();
    let mut witness = Witness::from_slice(elements);
    witness.push(leaf.script.as_bytes());
    witness.push(leaf.control_block.serialize());
    transaction.input[0].witness = witness;
    if waits {
        transaction.input[0].sequence = staking.staking_time().sequence();
    }
    transaction.output.extend(outputs.into_iter().map(|(sat, script)| TxOut {
        value: Amount::from_sat(sat),
        script_pubkey: ScriptBuf::from_bytes(script),
    }));
    let mut other = transaction.input[0].clone();
    other.previous_output = outpoint(9);
    transaction.input.resize(1 + usize::from(inputs % 3), other);
    let explained = explain(&transaction);
    check(&explained, &transaction);
    // The leaf counts when there is one place for each key of its script, and the input waits for its
    // timelock.
    let spends =
        elements.len() == leaf.keys.in_script_order().count() && (path != SpendPath::Timelock || waits);
    assert_eq!(explained.spent.len(), if spends { transaction.input.len() } else { 0 });
    for spent in &explained.spent {
        let signatures = elements.iter().filter(|place| matches!(place.len(), 64 | 65)).count();
        assert!(spent.provider_signers.len() + spent.covenant_signers.len() <= signatures);
    }
}
