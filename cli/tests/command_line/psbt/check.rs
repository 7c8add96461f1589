//! `btcstake psbt check`.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::key::PrivateKey;
use bitcoin::secp256k1::{SECP256K1, SecretKey};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, NetworkKind, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
};
use btcstake::outputs::{BuiltTransaction, MissingSignature, PsbtCheck, PsbtQuorum, Refused};

use crate::fixtures::delegation::{ACCOUNT, FILES, STAKER, stake, transaction, wallet};
use crate::fixtures::process::{Folder, MEMBER, MEMBER_KEY};

#[test]
fn missing_signatures_are_named() {
    let folder = Folder::with_delegation();
    // No covenant member has signed yet.
    folder.write("bare.psbt", folder.run(&format!("tx unbond {FILES} signed.json")).ends(0).stdout());
    let sign = "psbt sign --psbt @bare.psbt --secret-key-file staker.key";
    folder.write("early.psbt", folder.run(sign).ends(0).stdout());
    let check: PsbtCheck = folder.output("psbt check --psbt @early.psbt");
    assert_eq!((check.kind.as_str(), check.valid, check.fee_sat), ("unbonding", true, Some(9600)));
    assert_eq!((check.signatures.len(), check.missing.len()), (1, 3));
    assert_eq!(check.quorums, [PsbtQuorum { input: 0, signed: 0, members: 3, quorum: 2 }]);
    let member = MissingSignature { input: 0, public_key: MEMBER_KEY.to_owned() };
    assert!(check.missing.contains(&member), "{check:?}");
    let text = folder.run("psbt check --psbt @early.psbt").ends(0).stdout();
    let lines = [
        format!("input 0  {STAKER}  valid for the unbonding path"),
        format!("input 0  {MEMBER_KEY}  has not signed"),
        "input 0  covenant: 0 of 3 members have signed; the quorum is 2".to_owned(),
    ];
    assert!(lines.iter().all(|line| text.lines().any(|found| found == line)), "{text}");
}

#[test]
fn coins_that_nobody_has_signed_are_named() {
    let folder = Folder::with_delegation();
    let check: PsbtCheck = folder.output("psbt check --psbt @unsigned-stake.psbt");
    assert_eq!((check.unsigned_inputs, check.missing, check.quorums), (vec![0], vec![], vec![]));
    let text = folder.run("psbt check --psbt @unsigned-stake.psbt").ends(0).stdout();
    assert!(text.contains("input 0  not signed yet\n"), "{text}");
    let signed: PsbtCheck = folder.output("psbt check --psbt @stake.psbt");
    assert!(signed.unsigned_inputs.is_empty(), "{signed:?}");
}

#[test]
fn signature_that_was_tampered_with_is_not_valid() {
    let folder = Folder::with_delegation();
    let mut forged: Psbt = folder.read("signed.psbt").trim().parse().unwrap();
    let signature = forged.inputs[0].tap_script_sigs.values_mut().next().unwrap();
    let mut bytes = signature.signature.serialize();
    bytes[40] ^= 1;
    signature.signature = bitcoin::secp256k1::schnorr::Signature::from_slice(&bytes).unwrap();
    folder.write("forged.psbt", forged.to_string());
    let check: PsbtCheck = folder.run("--json psbt check --psbt @forged.psbt").output(1);
    assert!(!check.signatures[0].valid);
    folder.run(&format!("tx unbond {FILES} verified.json --signed @forged.psbt")).fails(&["does not verify"]);
}

/// Eight thousand inputs: no node relays it, and to verify its signatures would take long.
#[test]
fn psbt_of_8000_inputs_is_refused_by_its_weight() {
    let folder = Folder::with_delegation();
    let spending = |vout| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array([7; 32]), vout),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let p2pkh = ScriptBuf::from_hex("76a914000000000000000000000000000000000000000088ac").unwrap();
    let coin = TxOut { value: Amount::from_sat(1000), script_pubkey: p2pkh };
    let mut psbt = Psbt::from_unsigned_tx(Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: (0..8000).map(spending).collect(),
        output: vec![coin.clone()],
    })
    .unwrap();
    for input in &mut psbt.inputs {
        input.witness_utxo = Some(coin.clone());
        input.final_script_sig = Some(ScriptBuf::from_bytes([&[106][..], &[0; 106]].concat()));
    }
    folder.write("heavy.psbt", psbt.serialize());
    let steps =
        ["psbt check --psbt @heavy.psbt", "psbt sign --psbt @heavy.psbt --secret-key-file staker.key"];
    for step in steps {
        let refused: Refused = folder.run(&format!("--json {step}")).output(1);
        let [violation] = refused.violations.as_slice() else { panic!("{refused:?}") };
        assert_eq!(violation.rule, "too_heavy");
        assert!(violation.message.ends_with("must be at most 400000, which nodes relay"), "{violation:?}");
        folder.run(step).refuses(&["too_heavy: the transaction weighs at least 1"]);
    }
}

/// The redeem script of a nested coin (P2SH-P2WPKH) will be in its input, and is part of the id: it is the
/// delegation's before the wallet signs, and the same after.
#[test]
fn txid_of_a_stake_from_a_nested_coin_is_the_delegations() {
    let folder = Folder::with_delegation();
    let nested = stake("nested.json").replace(&wallet(), &format!("sh(wpkh(02{MEMBER_KEY}))"));
    let built: BuiltTransaction = folder.output(&nested);
    folder.write("nested.psbt", &built.psbt);
    let unsigned: PsbtCheck = folder.output("psbt check --psbt @nested.psbt");
    assert_eq!((&unsigned.txid, unsigned.warnings.as_slice()), (&built.txid, [].as_slice()));
    assert_eq!(unsigned.unsigned_inputs, [0]);
    let mut psbt: Psbt = built.psbt.parse().unwrap();
    assert_ne!(psbt.unsigned_tx.compute_txid().to_string(), built.txid);

    let secret = SecretKey::from_slice(&hex::decode(MEMBER).unwrap()).unwrap();
    let key = PrivateKey { compressed: true, network: NetworkKind::Test, inner: secret };
    psbt.sign(&std::collections::BTreeMap::from([(key.public_key(SECP256K1), key)]), SECP256K1).unwrap();
    folder.write("nested-signed.psbt", psbt.to_string());
    let signed: PsbtCheck = folder.output("psbt check --psbt @nested-signed.psbt");
    assert_eq!((signed.txid, signed.unsigned_inputs), (built.txid.clone(), vec![]));
    let sign = format!("stake sign {FILES} nested.json --secret-key-file staker.key --address {ACCOUNT}");
    folder.run(&format!("{sign} --out own.json")).ends(0);
    let finalize = format!("psbt finalize {FILES} own.json --without-quorum --psbt @nested-signed.psbt");
    let finalized: BuiltTransaction = folder.output(&finalize);
    assert_eq!(finalized.txid, built.txid);
    assert_eq!(transaction(&finalized).compute_txid().to_string(), built.txid);

    // Without the redeem script nobody knows the id yet, and that is said.
    psbt.inputs[0].redeem_script = None;
    psbt.inputs[0].partial_sigs.clear();
    folder.write("bare.psbt", psbt.to_string());
    let bare: PsbtCheck = folder.output("psbt check --psbt @bare.psbt");
    assert_eq!(bare.txid, psbt.unsigned_tx.compute_txid().to_string());
    let warning =
        "input 0: it gets a scriptSig that is not known yet, so signing changes the transaction's id";
    assert!(bare.warnings.iter().any(|found| found == warning), "{bare:?}");
}

/// A sighash type that nothing finalizes, an amount that nothing proves, a version that BIP-370 refuses.
#[test]
fn what_signers_disagree_about_is_warned_of() {
    let folder = Folder::with_delegation();
    let sound: Psbt = folder.read("unbonding.psbt").trim().parse().unwrap();
    let warnings = |psbt: &Psbt| {
        folder.write("odd.psbt", psbt.to_string());
        let checked: PsbtCheck = folder.run("--json psbt check --psbt @odd.psbt").output(0);
        let sign = "psbt sign --psbt @odd.psbt --secret-key-file staker.key";
        let shown = folder.run(sign).stderr();
        assert!(checked.warnings.iter().all(|warning| shown.contains(warning)), "{shown}");
        checked.warnings
    };
    assert_eq!(warnings(&sound), Vec::<String>::new());
    let mut typed = sound.clone();
    typed.inputs[0].sighash_type = Some(bitcoin::TapSighashType::All.into());
    let [found] = &warnings(&typed)[..] else { panic!("one warning") };
    assert!(
        found.starts_with("input 0: PSBT_IN_SIGHASH_TYPE is SIGHASH_ALL; through a leaf only"),
        "{found}"
    );
    let back = format!("tx unbond {FILES} verified.json --signed @odd.psbt");
    folder.run(&back).fails(&["PSBT_IN_SIGHASH_TYPE is SIGHASH_ALL; must be absent or SIGHASH_DEFAULT"]);
    typed.inputs[0].sighash_type = Some(bitcoin::TapSighashType::Default.into());
    assert_eq!(warnings(&typed), Vec::<String>::new());

    let mut legacy: Psbt = folder.read("unsigned-stake.psbt").trim().parse().unwrap();
    let coin = legacy.inputs[0].witness_utxo.as_mut().unwrap();
    coin.script_pubkey = ScriptBuf::new_p2pkh(&bitcoin::PubkeyHash::from_byte_array([9; 20]));
    folder.write("legacy.psbt", legacy.to_string());
    let found = folder.output::<PsbtCheck>("psbt check --psbt @legacy.psbt").warnings;
    assert!(
        found.iter().any(|found| found.starts_with("input 0: its amount is the PSBT's word")),
        "{found:?}"
    );
}

/// The Go reference drafts slashing transactions of version 1.
#[test]
fn psbt_of_version_2_with_a_transaction_of_version_1_is_warned_of() {
    let folder = Folder::with_delegation();
    let mut first: Psbt = folder.read("unbonding.psbt").trim().parse().unwrap();
    first.unsigned_tx.version = Version::ONE;
    first.inputs[0].tap_script_sigs.clear();
    folder.write("first.psbt", first.to_string());
    let sign = "psbt sign --psbt @first.psbt --secret-key-file staker.key";
    let words = "the transaction has version 1; a PSBT of version 2 is for 2 or later (BIP-370)";
    assert!(!folder.run(sign).stderr().contains(words));
    let two = folder.run(&format!("{sign} --psbt-version 2"));
    assert!(two.stderr().contains(words), "{}", two.stderr());
    folder.write("two.psbt", two.stdout());
    let checked: PsbtCheck = folder.run("--json psbt check --psbt @two.psbt").output(0);
    assert!(checked.warnings.iter().any(|found| found.starts_with(words)), "{checked:?}");
}
