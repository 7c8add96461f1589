//! `btcstake tx explain`.

use serde_json::json;

use crate::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

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

#[test]
fn what_is_no_transaction_is_said() {
    let folder = Folder::new();
    folder.run("tx explain zz").fails(&["TRANSACTION", "hex"]);
    folder.run("tx explain 0200").fails(&["TRANSACTION", "not a transaction"]);
    folder.run("tx explain 70736274ff00").fails(&["TRANSACTION", "not a PSBT"]);
    folder.run("tx explain @nowhere").fails(&["cannot open nowhere"]);
    let (shorter, longer) = (&announcement()[..40], format!("{}00", announcement()));
    folder.run(&format!("tx explain {shorter}")).fails(&["not a transaction"]);
    folder.run(&format!("tx explain {longer}")).fails(&["not a transaction"]);
}
