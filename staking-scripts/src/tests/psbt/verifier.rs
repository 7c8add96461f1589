//! Coins of every kind are verified over sighashes of one cache, as the miniscript library verifies each.

use std::collections::BTreeMap;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::SECP256K1;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, EcdsaSighashType, Network, OutPoint, PrivateKey, Psbt, PublicKey, ScriptBuf, Sequence,
    Transaction, TxIn, TxOut, Txid, Witness, ecdsa,
};
use miniscript::interpreter::Interpreter;
use miniscript::psbt::{PsbtExt as _, PsbtInputExt as _};
use miniscript::{DefiniteDescriptorKey, Descriptor};

use super::review_psbt;
use crate::psbt::{PsbtReview, PsbtSigner, finalize_psbt};
use crate::testing::{key, wallet};

const KINDS: [&str; 9] = [
    "pk(K0)",
    "pkh(K1)",
    "sh(multi(2,K0,K1,K2))",
    "wpkh(K0)",
    "sh(wpkh(K1))",
    "wsh(multi(2,K0,K1,K2))",
    "sh(wsh(pkh(K2)))",
    "tr(X0)",
    "tr(X1,pk(X2))",
];

fn secrets() -> BTreeMap<PublicKey, PrivateKey> {
    let secret = |number| {
        let bytes = key("wallet", number).to_bytes();
        PrivateKey::from_slice(bytes.as_slice(), Network::Regtest).unwrap()
    };
    (0..3).map(secret).map(|secret| (secret.public_key(SECP256K1), secret)).collect()
}

fn descriptor(text: &str) -> Descriptor<DefiniteDescriptorKey> {
    let mut text = text.to_owned();
    for (number, key) in secrets().into_keys().enumerate() {
        text = text.replace(&format!("K{number}"), &key.to_string());
        text = text.replace(&format!("X{number}"), &key.inner.x_only_public_key().0.to_string());
    }
    text.parse().unwrap()
}

/// Returns a PSBT that spends two coins of every kind, signed.
fn signed() -> Psbt {
    let kinds: Vec<_> = KINDS.iter().chain(&KINDS).map(|text| descriptor(text)).collect();
    let spending = |(vout, _)| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([3; 32]), vout),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let mut psbt = Psbt::from_unsigned_tx(Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: (0..).zip(&kinds).map(spending).collect(),
        output: vec![TxOut { value: Amount::from_sat(1000), script_pubkey: wallet() }],
    })
    .unwrap();
    for ((number, input), kind) in (0..).zip(&mut psbt.inputs).zip(&kinds) {
        let value = Amount::from_sat(10_000 + number);
        input.witness_utxo = Some(TxOut { value, script_pubkey: kind.script_pubkey() });
        input.update_with_descriptor_unchecked(kind).unwrap();
    }
    psbt.sign(&secrets(), SECP256K1).unwrap();
    psbt
}

fn finalized(psbt: &Psbt) -> Psbt {
    psbt.clone().finalize(SECP256K1).unwrap()
}

/// Returns the inputs with a signature or a witness that does not verify.
fn invalid(review: &PsbtReview) -> Vec<usize> {
    let signatures = review.signatures.iter().filter(|found| !found.valid).map(|found| found.input);
    let mut inputs: Vec<_> = signatures.chain(review.invalid_witnesses.iter().copied()).collect();
    inputs.dedup();
    inputs
}

#[test]
fn one_cache_verifies_coins_of_every_kind() {
    let psbt = signed();
    let review = review_psbt(&psbt);
    assert_eq!((invalid(&review), &review.unsigned), (vec![], &vec![]));
    // Of the leaf's coin the key path is signed too; all three keys of a multisignature sign.
    let of = |review: &PsbtReview, input: usize| {
        review.signatures.iter().filter(|found| found.input == input).count()
    };
    let counts: Vec<_> = (0..KINDS.len()).map(|input| of(&review, input)).collect();
    assert_eq!(counts, [1, 1, 3, 1, 1, 3, 1, 1, 2]);

    let done = finalized(&psbt);
    let review = review_psbt(&done);
    assert_eq!(invalid(&review), Vec::<usize>::new());
    let counts: Vec<_> = (0..KINDS.len()).map(|input| of(&review, input)).collect();
    assert_eq!(counts, [1, 1, 2, 1, 1, 2, 1, 1, 1]);
    let transaction = finalize_psbt(&psbt).unwrap();
    // The library, with a cache of its own for each signature, says the same.
    let prevouts: Vec<_> = psbt.inputs.iter().map(|input| input.witness_utxo.clone().unwrap()).collect();
    for (index, input) in transaction.input.iter().enumerate() {
        let interpreter = Interpreter::from_txdata(
            &prevouts[index].script_pubkey,
            &input.script_sig,
            &input.witness,
            input.sequence,
            transaction.lock_time,
        )
        .unwrap();
        let all = Prevouts::All(&prevouts);
        assert!(interpreter.iter(SECP256K1, &transaction, index, &all).all(|found| found.is_ok()));
    }
}

/// A version 0 signature covers its own amount, a Taproot signature every one, a legacy signature none.
#[test]
fn one_cache_refuses_what_was_changed() {
    let (psbt, kinds) = (signed(), KINDS.len());
    let taproot = [7, 8, kinds + 7, kinds + 8];
    for psbt in [finalized(&psbt), psbt] {
        for (changed, kind) in KINDS.iter().enumerate() {
            let mut other = psbt.clone();
            other.inputs[changed].witness_utxo.as_mut().unwrap().value += Amount::from_sat(1);
            let own = (3..7).contains(&changed).then_some(changed);
            let expected: Vec<_> = own.into_iter().chain(taproot).collect();
            assert_eq!(invalid(&review_psbt(&other)), expected, "{kind}");
        }
        // An output covers all.
        let mut other = psbt.clone();
        other.unsigned_tx.output[0].value -= Amount::from_sat(1);
        assert_eq!(invalid(&review_psbt(&other)), (0..2 * kinds).collect::<Vec<_>>());
        // A witness of another input of the same kind.
        let mut other = psbt.clone();
        for kind in 0..kinds {
            let outputs = [kind, kinds + kind].map(|at| other.inputs[at].witness_utxo.clone());
            other.inputs.swap(kind, kinds + kind);
            (other.inputs[kind].witness_utxo, other.inputs[kinds + kind].witness_utxo) = outputs.into();
        }
        assert_eq!(invalid(&review_psbt(&other)), (0..2 * kinds).collect::<Vec<_>>());
    }
}

/// A key that the coin's script does not have signs nothing, whatever it signs.
#[test]
fn ecdsa_signature_by_a_key_that_is_in_no_script_is_not_valid() {
    let psbt = signed();
    let stranger =
        PrivateKey::from_slice(key("stranger", 0).to_bytes().as_slice(), Network::Regtest).unwrap();
    let stranger_key = stranger.public_key(SECP256K1);
    for (index, kind) in KINDS.iter().enumerate().take(7) {
        let mut other = psbt.clone();
        let (message, sighash_type) =
            psbt.sighash_ecdsa(index, &mut SighashCache::new(&psbt.unsigned_tx)).unwrap();
        assert_eq!(sighash_type, EcdsaSighashType::All);
        let signature = SECP256K1.sign_ecdsa(&message, &stranger.inner);
        let signature = ecdsa::Signature { signature, sighash_type };
        other.inputs[index].partial_sigs.insert(stranger_key, signature);
        let review = review_psbt(&other);
        let bad: Vec<_> = review.signatures.iter().filter(|found| !found.valid).collect();
        assert_eq!(bad.len(), 1, "{kind}");
        assert_eq!((bad[0].input, bad[0].signer), (index, PsbtSigner::Ecdsa(stranger_key)), "{kind}");
    }
    // A redeem script that the output does not commit to.
    let mut other = psbt;
    other.inputs[2].redeem_script = Some(descriptor("sh(multi(1,K0,K1,K2))").explicit_script().unwrap());
    assert_eq!(invalid(&review_psbt(&other)), [2]);
}
