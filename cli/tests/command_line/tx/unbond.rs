//! `btcstake tx unbond`.

use bitcoin::Psbt;
use btcstake::outputs::{BuiltTransaction, PsbtCheck};
use serde_json::json;

use crate::fixtures::delegation::{ADDRESS, FILES, STAKER, transaction};
use crate::fixtures::process::Folder;

/// The staker leaves early: the key at hand, or a signer elsewhere.
#[test]
fn unbonding_is_signed_here_or_elsewhere() {
    let folder = Folder::with_delegation();
    let unbond = format!("tx unbond {FILES} verified.json");
    let psbt = folder.psbt(&unbond);
    let done: BuiltTransaction = folder.output(&format!("{unbond} --secret-key-file staker.key"));
    let unbonding = transaction(&done);
    assert_eq!((unbonding.compute_txid(), done.fee_sat), (psbt.unsigned_tx.compute_txid(), 9600));
    assert_eq!(done.vsize, unbonding.vsize());
    let finalized: Psbt = done.psbt.parse().unwrap();
    assert_eq!(finalized.extract_tx().unwrap(), unbonding, "the PSBT is as complete as the transaction");
    let unsigned: BuiltTransaction = folder.output(&unbond);
    assert_eq!(unsigned.vsize, done.vsize, "known before it is signed");
    let mut returned = psbt.clone();
    returned.inputs[0].final_script_witness = Some(unbonding.input[0].witness.clone());
    folder.write("returned.psbt", returned.serialize());
    assert_eq!(transaction(&folder.output(&format!("{unbond} --signed @returned.psbt"))), unbonding);
    returned.unsigned_tx.lock_time = bitcoin::absolute::LockTime::from_consensus(1);
    folder.write("changed.psbt", returned.to_string());
    folder.run(&format!("{unbond} --signed @changed.psbt")).fails(&[
        "error: --signed\n",
        "the PSBT is of the transaction",
        "must be of",
    ]);
    folder
        .run(&format!("{unbond} --secret-key-file member.key"))
        .fails(&["error: --secret-key-file\n", "must be the staker's"]);
    folder.run(&format!("{unbond} --signed @unbonding.psbt")).fails(&["--signed", "no signature"]);
}

/// A signature that nobody asked for is left out, with a warning.
#[test]
fn signature_for_another_leaf_is_warned_of() {
    let folder = Folder::with_delegation();
    let mut signed: Psbt = folder.read("signed.psbt").trim().parse().unwrap();
    let staker: bitcoin::XOnlyPublicKey = STAKER.parse().unwrap();
    let ((_, asked), signature) = {
        let mut all = signed.inputs[0].tap_script_sigs.iter();
        all.find(|((key, _), _)| *key == staker).map(|(at, signature)| (*at, *signature)).unwrap()
    };
    let withdraw = format!("tx withdraw {FILES} verified.json --from staking --to {ADDRESS} --fee-rate 5");
    let (script, version) = folder.psbt(&withdraw).inputs[0].tap_scripts.values().next().unwrap().clone();
    let timelock = bitcoin::TapLeafHash::from_script(&script, version);
    signed.inputs[0].tap_script_sigs.insert((staker, timelock), signature);
    folder.write("more.psbt", signed.to_string());
    let unbond = format!("tx unbond {FILES} verified.json --signed @more.psbt");
    let done: BuiltTransaction = folder.output(&unbond);
    let warning = format!(
        "--signed: {STAKER} has signed the timelock leaf too, which nobody asked for; it is left out"
    );
    assert_eq!(done.warnings, [warning]);
    let by_key = format!("tx unbond {FILES} verified.json --secret-key-file staker.key");
    assert_eq!(done.transaction, folder.output::<BuiltTransaction>(&by_key).transaction);
    // Alone, it is not what was asked for.
    signed.inputs[0].tap_script_sigs.remove(&(staker, asked));
    folder.write("other.psbt", signed.to_string());
    let other = format!("tx unbond {FILES} verified.json --signed @other.psbt");
    folder.run(&other).fails(&["error: --signed\n", "is for another leaf"]);
}

/// The staker's signature is all that the PSBT lacks: Bitcoin Core and wallets finalize it.
#[test]
fn psbt_has_the_covenants_signatures() {
    let folder = Folder::with_delegation();
    let unbond = format!("tx unbond {FILES} verified.json");
    assert_eq!(folder.psbt(&unbond).inputs[0].tap_script_sigs.len(), 2, "the quorum");
    let check: PsbtCheck = folder.output("psbt check --psbt @signed.psbt");
    assert_eq!((check.valid, check.quorums[0].signed), (true, 2));
    // One that does not verify is left out, with a warning, as where the transaction is finalized.
    folder.write_changed("verified.json", "forged.json", |json| {
        json["covenant_signatures"][0]["unbonding_signature"] = json!("00".repeat(64));
    });
    let forged: BuiltTransaction = folder.output(&format!("tx unbond {FILES} forged.json"));
    assert_eq!(forged.psbt.parse::<Psbt>().unwrap().inputs[0].tap_script_sigs.len(), 1);
    assert!(forged.warnings.iter().any(|warning| warning.starts_with("covenant_signatures: ")), "{forged:?}");
    let step = format!("tx slash {FILES} forged.json --provider-key-file provider.key");
    let slashed: BuiltTransaction = folder.output(&step);
    assert!(slashed.warnings.iter().any(|warning| warning.starts_with("covenant_signatures: ")));
}

#[test]
fn delegation_with_another_unbonding_transaction_is_refused() {
    let folder = Folder::with_delegation();
    folder.write_changed("signed.json", "bad.json", |json| json["unbonding_time_blocks"] = json!(1009));
    folder
        .run(&format!("tx unbond {FILES} bad.json"))
        .fails(&["--delegation", "unbonding_transaction is the transaction"]);
}
