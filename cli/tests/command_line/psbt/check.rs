//! `btcstake psbt check`.

use bitcoin::Psbt;
use btcstake::outputs::{MissingSignature, PsbtCheck, PsbtQuorum};

use crate::fixtures::delegation::{FILES, STAKER};
use crate::fixtures::process::{Folder, MEMBER_KEY};

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
