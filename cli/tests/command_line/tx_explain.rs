//! `btcstake tx explain`.

use serde_json::json;
use staking_scripts::LeafTransaction;

use crate::process::{Folder, MEMBER_KEY, PROVIDER_KEY};
use crate::scene::Scene;

/// A phase-1 stake: one empty input, the OP_RETURN announcement.
fn announcement() -> String {
    let payload = format!("62626e3100{MEMBER_KEY}{PROVIDER_KEY}fa00");
    format!("0200000001{}ffffffff00ffffffff010000000000000000496a47{payload}00000000", "11".repeat(32))
}

#[test]
fn a_phase_1_stake() {
    let folder = Folder::new();
    let json = folder.json(&format!("tx explain {}", announcement()));
    assert_eq!(json["kind"], json!("stake"));
    assert_eq!(json["staker"], json!(MEMBER_KEY));
    assert_eq!(json["finality_providers"], json!([PROVIDER_KEY]));
    assert_eq!(json["timelock"], json!(64000));
    assert_eq!(json["fee_sat"], json!(null));
    // As text in a file, as raw bytes in a file, and on standard input.
    folder.write("stake.hex", format!("{}\n", announcement()));
    assert_eq!(folder.json("tx explain @stake.hex"), json);
    let raw = hex::decode(announcement()).unwrap();
    folder.write("stake.bin", &raw);
    assert_eq!(folder.json("tx explain @stake.bin"), json);
    assert_eq!(folder.run_with(&["--json", "tx", "explain", "-"], &raw).json(0), json);
}

fn public(keys: &[eots::SecretKey]) -> Vec<String> {
    let mut keys: Vec<_> = keys.iter().map(|key| key.public_key().to_string()).collect();
    keys.sort();
    keys
}

#[test]
fn an_unbonding_transaction_and_its_psbt() {
    let (folder, scene) = (Folder::new(), Scene::new());
    let json = folder.json(&format!("tx explain {}", scene.unbonding()));
    assert_eq!((&json["kind"], &json["spent_path"]), (&json!("unbonding"), &json!("unbonding")));
    assert_eq!(json["staker"], json!(scene.staker.public_key().to_string()));
    assert_eq!((&json["covenant_members"], &json["quorum"]), (&json!(3), &json!(2)));
    let signers: Vec<String> = serde_json::from_value(json["covenant_signers"].clone()).unwrap();
    assert_eq!(signers.len(), 2);
    assert!(signers.is_sorted() && signers.iter().all(|signer| public(&scene.covenant).contains(signer)));
    assert_eq!((&json["output_amounts_sat"], &json["paid_sat"]), (&json!([999_500]), &json!(999_500)));
    assert_eq!((&json["fee_sat"], &json["input_amounts_sat"]), (&json!(null), &json!([null])));
    assert_eq!(json["finality_providers"], json!([]));
    let outpoint = format!("{}:1", "07".repeat(32));
    assert_eq!(
        json["spent"],
        json!([{ "input": 0, "outpoint": outpoint, "path": "unbonding", "output": null }])
    );

    // A PSBT tells what its input holds, so the fee too.
    let psbt = scene.unbonding_transaction().psbt().clone();
    folder.write("unbonding.psbt", psbt.serialize());
    let explained = folder.json("tx explain @unbonding.psbt");
    assert_eq!((&explained["fee_sat"], &explained["input_amounts_sat"]), (&json!(500), &json!([1_000_000])));
    assert_eq!((&explained["kind"], &explained["txid"]), (&json!("unbonding"), &json["txid"]));
    assert_eq!((&explained["finalized"], &json["finalized"]), (&json!(false), &json!(true)));
    assert_eq!(explained["covenant_signers"], json!([]));
    assert_eq!(folder.json(&format!("tx explain {psbt}")), explained, "base64");
    assert_eq!(folder.json(&format!("tx explain {}", psbt.serialize_hex())), explained, "hex");
}

#[test]
fn a_slashing_transaction() {
    let scene = Scene::new();
    let json = Folder::new().json(&format!("tx explain {}", scene.slashing()));
    assert_eq!((&json["kind"], &json["spent_path"]), (&json!("slashing"), &json!("slashing")));
    assert_eq!(json["finality_providers"], json!(public(&scene.providers)));
    assert_eq!(json["provider_signers"], json!([scene.providers[0].public_key().to_string()]));
    assert_eq!(json["output_amounts_sat"], json!([1000, 997_000]));
    let text = Folder::new().run(&format!("tx explain {}", scene.slashing())).ends(0).stdout();
    assert!(
        text.contains("(signature present)")
            && text.contains("signatures of 2 of 3 members are present, the quorum is 2"),
        "{text}"
    );
}

#[test]
fn a_withdrawal() {
    let json = Folder::new().json(&format!("tx explain {}", Scene::new().withdrawal()));
    assert_eq!((&json["kind"], &json["spent_path"]), (&json!("withdrawal"), &json!("timelock")));
    assert_eq!((&json["timelock"], &json["sequence"]), (&json!(1000), &json!([1000])));
}

#[test]
fn what_is_no_transaction_is_said() {
    let folder = Folder::new();
    folder.run("tx explain zz").fails(&["TRANSACTION", "hex"]);
    folder.run("tx explain 0200").fails(&["TRANSACTION", "the transaction ends early"]);
    folder.run("tx explain 70736274ff00").fails(&["TRANSACTION", "not a PSBT"]);
    folder.run("tx explain @nowhere").fails(&["cannot open nowhere"]);
    let (shorter, longer) = (&announcement()[..40], format!("{}00", announcement()));
    folder.run(&format!("tx explain {shorter}")).fails(&["the transaction ends early"]);
    folder.write("empty.tx", "\n");
    folder.run("tx explain @empty.tx").fails(&["the file empty.tx is empty"]);
    // Folded, and with a byte order mark, it is the same transaction.
    let (first, second) = (&announcement()[..40], &announcement()[40..]);
    folder.write("folded.tx", format!("\u{feff}{first}\r\n{second}\r\n"));
    assert_eq!(folder.json("tx explain @folded.tx"), folder.json(&format!("tx explain {}", announcement())));
    folder.run(&format!("tx explain {longer}")).fails(&["not a transaction"]);
}
