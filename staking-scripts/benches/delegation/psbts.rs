//! The time of a check of a PSBT for each of its inputs, and of the refusal of one that is too heavy.

use std::hint::black_box;

use staking_scripts::bitcoin::absolute::LockTime;
use staking_scripts::bitcoin::hashes::{Hash as _, sha256};
use staking_scripts::bitcoin::secp256k1::{self, Message, SECP256K1};
use staking_scripts::bitcoin::sighash::Prevouts;
use staking_scripts::bitcoin::transaction::Version;
use staking_scripts::bitcoin::{
    Amount, EcdsaSighashType, OutPoint, Psbt, PublicKey, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid,
    Witness, ecdsa, script,
};
use staking_scripts::miniscript::interpreter::Interpreter;
use staking_scripts::psbt::{PsbtSigningError, review_psbt, sign_psbt};
use staking_scripts::testing::{key, wallet};

use crate::measure::Ratio::{Speed, Time};
use crate::measure::{Table, each};

/// Measures the rows of PSBTs.
pub(crate) fn measure(table: &mut Table) {
    let (many, few) = (signed(1500), signed(100));
    let each_of = |psbt: &Psbt| {
        let (psbt, inputs) = (psbt.clone(), psbt.inputs.len() as f64);
        let mut check = each(&[()], move |()| {
            let review = review_psbt(&psbt).expect("relayed");
            assert!(review.signatures.len() == psbt.inputs.len() && review.invalid_witnesses.is_empty());
        });
        move |passes| check(passes) / inputs
    };
    let name = "psbt check, each of 1500 inputs";
    table.row(name, "each of 100 inputs", Time(Some(1.3)), each_of(&many), each_of(&few));
    let (message, signer) = (Message::from_digest([7; 32]), key("wallet", 0));
    let signature = signer.sign_bip340(message).expect("a signature");
    let verify = each(&[()], |()| {
        SECP256K1.verify_schnorr(&signature, black_box(&message), signer.public_key()).expect("valid");
    });
    table.row(name, "one schnorrsig_verify", Time(Some(2.5)), each_of(&many), verify);
    // A tenth of the inputs, verified as they were before the weight came first: quadratic, so a hundredth of
    // the time.
    let (heavy, tenth) = (legacy(8000), legacy(800));
    let refuse = each(&[()], |()| {
        let refused = review_psbt(&heavy);
        assert!(matches!(refused, Err(PsbtSigningError::TooHeavy(_))));
    });
    let anew = each(&[()], |()| assert_eq!(verified_anew(&tenth), 800));
    table.row("psbt of 8000 inputs refused", "800, each verified anew", Speed(Some(30.0)), refuse, anew);
}

/// Returns a PSBT that spends this many coins of a script.
fn spending(count: u32, script_pubkey: &ScriptBuf) -> Psbt {
    let coin = TxOut { value: Amount::from_sat(10_000), script_pubkey: script_pubkey.clone() };
    let input = |vout| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([7; 32]), vout),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let mut psbt = Psbt::from_unsigned_tx(Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: (0..count).map(input).collect(),
        output: vec![TxOut { value: Amount::from_sat(1000), script_pubkey: wallet() }],
    })
    .expect("unsigned");
    psbt.inputs.iter_mut().for_each(|input| input.witness_utxo = Some(coin.clone()));
    psbt
}

/// Returns a PSBT of Taproot coins that a wallet has finalized.
fn signed(count: u32) -> Psbt {
    let psbt = spending(count, &wallet());
    let (mut psbt, _) = sign_psbt(&psbt, &key("wallet", 0)).expect("the wallet's");
    for input in &mut psbt.inputs {
        let signature = input.tap_key_sig.take().expect("signed");
        input.final_script_witness = Some(Witness::p2tr_key_spend(&signature));
    }
    psbt
}

/// Returns a PSBT of P2PKH coins, finalized with a signature of something else.
fn legacy(count: u32) -> Psbt {
    let secret = secp256k1::SecretKey::from_slice(&[9; 32]).expect("a key");
    let public = PublicKey::new(secret.public_key(SECP256K1));
    let message = Message::from_digest(sha256::Hash::hash(b"something else").to_byte_array());
    let signature = SECP256K1.sign_ecdsa(&message, &secret);
    let signature = ecdsa::Signature { signature, sighash_type: EcdsaSighashType::All };
    let script_sig = script::Builder::new().push_slice(signature.serialize()).push_key(&public).into_script();
    let mut psbt = spending(count, &ScriptBuf::new_p2pkh(&public.pubkey_hash()));
    psbt.inputs.iter_mut().for_each(|input| input.final_script_sig = Some(script_sig.clone()));
    psbt
}

/// Verifies each input with an interpreter and sighashes of its own, and returns how many do not verify.
fn verified_anew(psbt: &Psbt) -> usize {
    let prevouts: Vec<_> = psbt.inputs.iter().filter_map(|input| input.witness_utxo.clone()).collect();
    let (transaction, witness) = (&psbt.unsigned_tx, Witness::new());
    let inputs = psbt.inputs.iter().zip(&transaction.input).enumerate();
    let fails = |(index, (described, input)): (usize, (&staking_scripts::bitcoin::psbt::Input, &TxIn))| {
        let script_sig = described.final_script_sig.clone().expect("finalized");
        let spent = &prevouts[index].script_pubkey;
        let interpreter =
            Interpreter::from_txdata(spent, &script_sig, &witness, input.sequence, transaction.lock_time)
                .expect("P2PKH");
        let all = Prevouts::All(&prevouts);
        interpreter.iter(SECP256K1, transaction, index, &all).any(|found| found.is_err())
    };
    inputs.map(fails).filter(|failed| *failed).count()
}
