//! What is too heavy to be relayed is refused before anything in it is verified.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::psbt::Input;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, Psbt, PubkeyHash, ScriptBuf, ScriptHash, Sequence, Transaction, TxIn, TxOut, Txid,
    WPubkeyHash, Weight, Witness,
};

use super::unbonding;
use crate::explain::explain_psbt;
use crate::psbt::{
    PsbtSigningError, check_psbt_weight, finalize_psbt, review_psbt, sign_psbt, summarize_psbt,
};
use crate::testing::{Scene, key, wallet};
use crate::transactions::LeafTransaction as _;

const MOST: Weight = Weight::from_wu(400_000);

/// Returns a PSBT with this input as often, which pays one output.
fn psbt_of(count: u32, input: &Input) -> Psbt {
    let spending = |vout| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([7; 32]), vout),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let mut psbt = Psbt::from_unsigned_tx(Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: (0..count).map(spending).collect(),
        output: vec![TxOut { value: Amount::from_sat(1000), script_pubkey: wallet() }],
    })
    .unwrap();
    psbt.inputs.fill(input.clone());
    psbt
}

fn coin(script_pubkey: ScriptBuf) -> Input {
    let output = TxOut { value: Amount::from_sat(10_000), script_pubkey };
    Input { witness_utxo: Some(output), ..Input::default() }
}

/// The kinds of coins, each with the scriptSig and the witness of its least satisfaction.
fn coins() -> Vec<(Input, ScriptBuf, Witness)> {
    let (hash, ecdsa) = ([9; 20], Witness::from_slice(&[&[1; 71][..], &[2; 33]]));
    let redeem = ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array(hash));
    let nested = Input {
        redeem_script: Some(redeem.clone()),
        ..coin(ScriptBuf::new_p2sh(&ScriptHash::hash(redeem.as_bytes())))
    };
    let push = ScriptBuf::from_bytes([&[22], redeem.as_bytes()].concat());
    let legacy = ScriptBuf::from_bytes([&[71][..], &[1; 71], &[33], &[2; 33]].concat());
    vec![
        (coin(wallet()), ScriptBuf::new(), Witness::from_slice(&[[1; 64]])),
        (coin(redeem), ScriptBuf::new(), ecdsa.clone()),
        (nested, push, ecdsa),
        (coin(ScriptBuf::new_p2pkh(&PubkeyHash::from_byte_array(hash))), legacy, Witness::new()),
    ]
}

/// Returns the PSBT with every input finalized like this, and the transaction.
fn finalized(psbt: &Psbt, script_sig: &ScriptBuf, witness: &Witness) -> (Psbt, Transaction) {
    let (mut psbt, mut transaction) = (psbt.clone(), psbt.unsigned_tx.clone());
    for (described, input) in psbt.inputs.iter_mut().zip(&mut transaction.input) {
        described.final_script_sig = Some(script_sig.clone()).filter(|script| !script.is_empty());
        described.final_script_witness = Some(witness.clone()).filter(|witness| !witness.is_empty());
        (input.script_sig, input.witness) = (script_sig.clone(), witness.clone());
    }
    (psbt, transaction)
}

fn weight(psbt: &Psbt) -> Weight {
    summarize_psbt(psbt, &explain_psbt(psbt), None).weight
}

#[test]
fn psbt_of_8000_inputs_is_refused_by_its_weight() {
    for (input, script_sig, witness) in coins() {
        let psbt = psbt_of(8000, &input);
        // Its signatures are nonsense, which is not found out.
        for psbt in [finalized(&psbt, &script_sig, &witness).0, psbt] {
            let refused = |error| matches!(error, PsbtSigningError::TooHeavy(found) if found > MOST);
            assert!(refused(review_psbt(&psbt).unwrap_err()));
            assert!(refused(sign_psbt(&psbt, &key("wallet", 0)).unwrap_err()));
            assert!(refused(finalize_psbt(&psbt).unwrap_err()));
        }
    }
    let text = review_psbt(&psbt_of(8000, &Input::default())).unwrap_err().to_string();
    assert!(
        text.contains("at least") && text.ends_with("must be at most 400000, which nodes relay"),
        "{text}"
    );
}

/// The weight is that of the finalized transaction, to the unit, and the limit is the last one taken.
#[test]
fn weight_is_with_the_witnesses_that_are_there_or_the_least_ones() {
    for (input, script_sig, witness) in coins() {
        let of = |count| {
            let psbt = psbt_of(count, &input);
            let (finalized, transaction) = finalized(&psbt, &script_sig, &witness);
            (psbt, finalized, transaction.weight())
        };
        let (first, second) = (of(1).2, of(2).2);
        assert_eq!((weight(&of(1).0), weight(&of(1).1)), (first, first), "{:?}", input.witness_utxo);
        let each = second.to_wu() - first.to_wu();
        // The longer counts of inputs, from 253 on, are of 2 bytes more.
        let most = u32::try_from((MOST.to_wu() - first.to_wu() - 8) / each + 1).unwrap();
        let (psbt, finalized, found) = of(most);
        assert!(found <= MOST && weight(&psbt) == found && weight(&finalized) == found);
        check_psbt_weight(&psbt).unwrap();
        check_psbt_weight(&finalized).unwrap();
        let (psbt, finalized, found) = of(most + 1);
        assert!(found > MOST);
        for psbt in [psbt, finalized] {
            // Weighed up to the input that is one too many.
            let refused = check_psbt_weight(&psbt).unwrap_err();
            assert!(matches!(refused, PsbtSigningError::TooHeavy(least) if least > MOST && least <= found));
        }
    }
}

/// The witness of a leaf is the heaviest part: few inputs without it are light.
#[test]
fn weight_is_with_the_witness_of_a_leaf() {
    let scene = Scene::new(1, 9, 6);
    let input = unbonding(&scene).psbt().inputs[0].clone();
    let light = psbt_of(200, &input);
    check_psbt_weight(&light).unwrap();
    let heavy = psbt_of(500, &input);
    assert!(heavy.unsigned_tx.weight() < MOST);
    assert!(matches!(check_psbt_weight(&heavy), Err(PsbtSigningError::TooHeavy(found)) if found > MOST));
    let mut unknown = heavy;
    unknown.inputs.fill(Input::default());
    check_psbt_weight(&unknown).unwrap();
}

/// Each leaf that is described costs a point multiplication, and each signature two; neither has weight.
#[test]
fn psbt_with_more_leaves_or_signatures_than_any_needs_is_refused() {
    let scene = crate::testing::Scene::new(1, 3, 2);
    let unbonding = super::unbonding(&scene);
    let leaves = |count: u32| {
        let mut psbt = unbonding.psbt().clone();
        let (block, leaf) = psbt.inputs[0].tap_scripts.first_key_value().unwrap();
        let (block, version) = (block.clone(), leaf.1);
        let scripts = (0..count).map(|number| {
            let script = bitcoin::script::Builder::new().push_int(i64::from(number)).into_script();
            let mut hashes = block.merkle_branch.as_slice().to_vec();
            hashes[0] = bitcoin::TapNodeHash::from_script(&script, version);
            (
                bitcoin::taproot::ControlBlock { merkle_branch: hashes.try_into().unwrap(), ..block.clone() },
                (script, version),
            )
        });
        psbt.inputs[0].tap_scripts = scripts.collect();
        check_psbt_weight(&psbt)
    };
    leaves(5000).unwrap();
    let error = leaves(5001).unwrap_err();
    assert_eq!(error.to_string(), "the PSBT has 5001 leaves; must have at most 5000");
    let mut psbt = unbonding.psbt().clone();
    let signature = bitcoin::taproot::Signature {
        signature: scene.staker.sign_bip340(unbonding.sighash()).unwrap(),
        sighash_type: bitcoin::TapSighashType::Default,
    };
    let hashes = (0..5001_u32).map(|number| {
        let script = bitcoin::script::Builder::new().push_int(i64::from(number)).into_script();
        bitcoin::TapLeafHash::from_script(&script, bitcoin::taproot::LeafVersion::TapScript)
    });
    let key = *scene.staker.public_key();
    psbt.inputs[0].tap_script_sigs = hashes.map(|hash| ((key, hash), signature)).collect();
    assert!(check_psbt_weight(&psbt).unwrap_err().to_string().contains("5001 signatures"));
}
