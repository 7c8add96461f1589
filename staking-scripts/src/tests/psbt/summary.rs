//! `summarize_psbt`: what is seen is what is signed.

use bitcoin::hashes::Hash as _;
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::{
    Amount, FeeRate, OutPoint, Psbt, PubkeyHash, ScriptBuf, Transaction, TxOut, WPubkeyHash, psbt,
};

use super::{staked, unbonding};
use crate::WithdrawnOutput;
use crate::coins::key_path_script;
use crate::explain::explain_psbt;
use crate::outputs::SpendPath;
use crate::psbt::{OutputOwner, PaymentSummary, summarize_psbt, unproven_amounts};
use crate::testing::{Scene, coin, key, parameters, staking_transaction, wallet};
use crate::transactions::{LeafTransaction as _, SlashingTransaction};

fn summary(psbt: &Psbt) -> PaymentSummary {
    summarize_psbt(psbt, &explain_psbt(psbt), None)
}

fn owners(summary: &PaymentSummary) -> Vec<&'static str> {
    summary.outputs.iter().map(|paid| paid.owner.as_str()).collect()
}

/// Two withdrawals that differ in the receiving address alone.
#[test]
fn summary_shows_whom_a_withdrawal_pays() {
    let (delegation, parameters) = staked();
    let built = |to: ScriptBuf| {
        let rate = FeeRate::from_sat_per_vb_u32(5);
        delegation.withdrawal(WithdrawnOutput::Staking, to, rate, parameters.covenant()).unwrap()
    };
    let (staker, thief) = (key_path_script(key("staker", 0).public_key()), wallet());
    let own = summary(built(staker.clone()).psbt());
    let other = summary(built(thief.clone()).psbt());
    assert_eq!((owners(&own), owners(&other)), (vec!["staker"], vec!["unknown"]));
    assert_eq!(own.outputs[0].output.script_pubkey, staker);
    assert_eq!(other.outputs[0].output.script_pubkey, thief);
    assert_eq!((own.fee, own.inputs.clone()), (other.fee, other.inputs.clone()));
    let stake = delegation.stake(parameters.covenant()).unwrap().staking;
    assert_eq!(own.inputs[0].outpoint, stake.outpoint());
    assert_eq!(own.inputs[0].spent, Some(stake.tx_out()));
    assert_eq!(own.inputs[0].path, Some(SpendPath::Timelock));
    // A script pins what may be paid.
    let signer = *key("staker", 0).public_key();
    assert_eq!(own.unexpected(&signer, std::slice::from_ref(&staker)), Vec::<usize>::new());
    assert_eq!(other.unexpected(&signer, std::slice::from_ref(&staker)), [0]);
    assert_eq!(own.unexpected(&signer, &[]), [0], "even the staker's own address must be named");
}

#[test]
fn summary_names_the_owner_of_every_output() {
    // A stake: the staking output and the change.
    let parameters = parameters(0);
    let staking = staking_transaction(&[coin(1, 2_000_000)], &parameters);
    let stake = summary(staking.psbt());
    let outpoint = staking.staking_output().outpoint();
    let of = |summary: &PaymentSummary, index: usize| match &summary.outputs[index].owner {
        OutputOwner::Protocol { stake, .. } => *stake,
        other => panic!("{other:?}"),
    };
    let staked_at = usize::try_from(outpoint.vout).unwrap();
    assert_eq!(of(&stake, staked_at), outpoint);
    assert_eq!(owners(&stake)[staked_at], "staking");
    assert_eq!(owners(&stake).iter().filter(|owner| **owner == "change").count(), stake.outputs.len() - 1);
    assert_eq!(stake.inputs[0].path, None);
    let signer = *key("staker", 0).public_key();
    // A new stake locks coins under keys of whoever made it: it is named like any address.
    assert_eq!(stake.unexpected(&signer, &[wallet()]), [staked_at]);
    let script = stake.outputs[staked_at].output.script_pubkey.clone();
    assert_eq!(stake.unexpected(&signer, &[wallet(), script]), Vec::<usize>::new());
    // The unbonding output, and what a slashing transaction burns and refunds, are of the stake spent.
    let scene = Scene::new(1, 3, 2);
    let unbonding = summary(unbonding(&scene).psbt());
    assert_eq!((owners(&unbonding), of(&unbonding, 0)), (vec!["unbonding"], scene.staking.outpoint()));
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let slashing = summary(slashing.psbt());
    assert_eq!(owners(&slashing), ["burnt", "slashing-refund"]);
    assert_eq!(of(&slashing, 1), scene.staking.outpoint());
    assert_eq!(slashing.unexpected(scene.staker.public_key(), &[]), Vec::<usize>::new());
    // An unbonding transaction that pays to another script, and a PSBT that only claims an output's keys.
    let mut thief = super::unbonding(&scene).psbt().clone();
    thief.unsigned_tx.output[0].script_pubkey = wallet();
    assert_eq!(owners(&summary(&thief)), ["unknown"]);
    let mut claims = super::unbonding(&scene).psbt().clone();
    claims.unsigned_tx.output.push(TxOut { value: Amount::ONE_SAT, script_pubkey: wallet() });
    claims.outputs.push(claims.outputs[0].clone());
    assert_eq!(owners(&summary(&claims)), ["unknown", "unknown"], "no unbonding has two outputs");
    // Burnt, where nothing is slashed.
    claims.unsigned_tx.output[1].script_pubkey = scene.slashing_parameters.pk_script.clone();
    assert_eq!(owners(&summary(&claims))[1], "burnt");
    assert_eq!(summary(&claims).unexpected(scene.staker.public_key(), &[]), [0, 1]);
    claims.unsigned_tx.output[1].value = Amount::ZERO;
    assert_eq!(summary(&claims).unexpected(scene.staker.public_key(), &[]), [0]);
}

#[test]
fn summary_of_unknown_amounts_has_no_fee() {
    let scene = Scene::new(1, 3, 2);
    let mut psbt = unbonding(&scene).psbt().clone();
    assert_eq!(summary(&psbt).fee, Some(Amount::from_sat(500)));
    psbt.inputs[0].witness_utxo = None;
    let unknown = summary(&psbt);
    assert_eq!((unknown.fee, unknown.fee_rate, unknown.inputs[0].spent.clone()), (None, None, None));
    assert_eq!(unknown.inputs[0].outpoint, OutPoint { ..scene.staking.outpoint() });
}

/// The fee rate is that of the transaction with its witnesses, before they are there and after.
#[test]
fn summary_weighs_the_witnesses_to_come() {
    let (delegation, parameters) = staked();
    let rate = FeeRate::from_sat_per_vb_u32(5);
    let withdrawal =
        delegation.withdrawal(WithdrawnOutput::Staking, wallet(), rate, parameters.covenant()).unwrap();
    let finalized = withdrawal.finalize(&withdrawal.sign_as_staker(&key("staker", 0)).unwrap()).unwrap();
    let before = summary(withdrawal.psbt());
    assert_eq!(before.weight, finalized.weight());
    let mut after = withdrawal.psbt().clone();
    after.inputs[0].final_script_witness = Some(finalized.input[0].witness.clone());
    assert_eq!(summary(&after).weight, finalized.weight());
    let found = summary(&after).fee_rate.unwrap().to_sat_per_kwu();
    assert!((1240..=1260).contains(&found), "{found} sat/kwu beside 5 sat/vB");
    assert_eq!(before.with_weight(finalized.weight()).fee_rate, summary(&after).fee_rate);
}

/// A PSBT can describe the keys of any output: a thief's are none of the stake that is spent.
#[test]
fn summary_takes_no_output_for_the_stakes_on_the_psbts_word() {
    let (delegation, parameters) = staked();
    let covenant = parameters.covenant();
    let rate = FeeRate::from_sat_per_vb_u32(5);
    let withdrawal = delegation.withdrawal(WithdrawnOutput::Staking, wallet(), rate, covenant).unwrap();
    let thief = Scene { staker: key("thief", 0), ..Scene::new(1, 3, 2) };
    let of_thief = crate::testing::parties(&thief.staker, &thief.providers, &thief.covenant, 2);
    let own = crate::testing::parties(&key("staker", 0), &thief.providers, &thief.covenant, 2);
    let signer = *key("staker", 0).public_key();
    for parties in [of_thief, own] {
        let time = thief.unbonding.unbonding_time();
        let output = crate::outputs::UnbondingOutput::new(parties, time).unwrap();
        // A withdrawal that pays to it; and an unbonding transaction that does.
        for psbt in [withdrawal.psbt(), delegation.unbonding(covenant).unwrap().psbt()] {
            let mut psbt = psbt.clone();
            psbt.unsigned_tx.output[0].script_pubkey = output.taproot().script_pubkey();
            psbt.outputs[0].tap_internal_key = Some(output.taproot().internal_key());
            psbt.outputs[0].tap_tree = Some(output.taproot().tap_tree());
            assert_eq!(owners(&summary(&psbt)), ["unknown"]);
            let signing = summarize_psbt(&psbt, &explain_psbt(&psbt), Some(&signer));
            assert_eq!((owners(&signing), signing.unexpected(&signer, &[])), (vec!["unknown"], vec![0]));
        }
    }
}

/// A thief's coin among the inputs, and a thief's key in the description of an output.
#[test]
fn summary_takes_no_script_for_change_or_the_stakers_on_the_psbts_word() {
    let (delegation, parameters) = staked();
    let rate = FeeRate::from_sat_per_vb_u32(5);
    let thief = key_path_script(key("thief", 0).public_key());
    let withdrawal =
        delegation.withdrawal(WithdrawnOutput::Staking, thief.clone(), rate, parameters.covenant()).unwrap();
    let mut psbt = withdrawal.psbt().clone();
    let mut second = psbt.unsigned_tx.input[0].clone();
    second.previous_output.vout += 7;
    psbt.unsigned_tx.input.push(second);
    let coin = TxOut { value: Amount::from_sat(1000), script_pubkey: thief };
    psbt.inputs.push(bitcoin::psbt::Input { witness_utxo: Some(coin), ..Default::default() });
    assert_eq!(owners(&summary(&psbt)), ["unknown"]);
    let signer = *key("staker", 0).public_key();
    assert_eq!(owners(&summarize_psbt(&psbt, &explain_psbt(&psbt), Some(&signer))), ["unknown"]);
    // Two coins of different scripts fund a stake: change to either is unknown.
    let other = crate::testing::coin(2, 1_500_000);
    let staking = staking_transaction(&[coin_of(&key("thief", 0)), other], &parameters);
    assert!(!owners(&summary(staking.psbt())).contains(&"change") || staking.unsigned().input.len() == 1);
}

fn coin_of(key: &eots::SecretKey) -> crate::FundingCoin {
    let output = TxOut { value: Amount::from_sat(600_000), script_pubkey: key_path_script(key.public_key()) };
    crate::FundingCoin::new(OutPoint::new(bitcoin::hashes::Hash::all_zeros(), 3), output).unwrap()
}

/// The signature for a legacy coin does not cover its amount; the transaction that it is of does.
#[test]
fn amounts_of_legacy_coins_are_the_psbts_word() {
    let mut psbt = unbonding(&Scene::new(1, 3, 2)).psbt().clone();
    assert!(unproven_amounts(&psbt).is_empty());
    let source = Transaction {
        output: vec![TxOut {
            value: Amount::from_sat(9000),
            script_pubkey: ScriptBuf::new_p2pkh(&PubkeyHash::from_byte_array([1; 20])),
        }],
        ..psbt.unsigned_tx.clone()
    };
    psbt.inputs[0].witness_utxo = Some(source.output[0].clone());
    assert_eq!(unproven_amounts(&psbt), [0]);
    psbt.inputs[0].non_witness_utxo = Some(source);
    assert!(unproven_amounts(&psbt).is_empty());
    // A nested witness program: its signature covers the amount.
    let redeem = ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([2; 20]));
    let nested = TxOut { value: Amount::from_sat(9000), script_pubkey: redeem.to_p2sh() };
    psbt.inputs[0] = psbt::Input { witness_utxo: Some(nested), ..psbt::Input::default() };
    assert_eq!(unproven_amounts(&psbt), [0]);
    psbt.inputs[0].redeem_script = Some(redeem.clone());
    assert!(unproven_amounts(&psbt).is_empty());
    psbt.inputs[0].redeem_script = None;
    let push = Builder::new().push_slice(PushBytesBuf::try_from(redeem.into_bytes()).unwrap());
    psbt.inputs[0].final_script_sig = Some(push.into_script());
    assert!(unproven_amounts(&psbt).is_empty());
}
