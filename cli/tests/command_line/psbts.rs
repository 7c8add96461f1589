//! PSBTs between signers: who has signed, and who has not.

use serde_json::json;

use crate::delegation::{STAKER, write_all};
use crate::process::{Folder, MEMBER_KEY};

#[test]
fn who_has_not_signed_is_named() {
    let folder = Folder::new();
    write_all(&folder);
    let check = folder.json("psbt check --psbt @signed.psbt");
    assert_eq!(check["quorums"], json!([{ "input": 0, "signed": 0, "members": 3, "quorum": 2 }]));
    assert!(
        check["missing"].as_array().unwrap().contains(&json!({ "input": 0, "public_key": MEMBER_KEY })),
        "{check}"
    );
    let text = folder.run("psbt check --psbt @signed.psbt").ends(0).stdout();
    let lines = [
        format!("input 0  {STAKER}  valid"),
        format!("input 0  {MEMBER_KEY}  has not signed"),
        "input 0  covenant: 0 of 3 members have signed; the quorum is 2".to_owned(),
    ];
    assert!(lines.iter().all(|line| text.lines().any(|found| found == line)), "{text}");
    // A coin that nobody has signed is named.
    let check = folder.json("psbt check --psbt @unsigned-stake.psbt");
    assert_eq!(
        (&check["unsigned_inputs"], &check["missing"], &check["quorums"]),
        (&json!([0]), &json!([]), &json!([]))
    );
    let text = folder.run("psbt check --psbt @unsigned-stake.psbt").ends(0).stdout();
    assert!(text.contains("input 0  not signed yet\n"), "{text}");
    assert_eq!(folder.json("psbt check --psbt @stake.psbt")["unsigned_inputs"], json!([]));
}

#[test]
fn one_psbt_is_not_combined() {
    let folder = Folder::new();
    write_all(&folder);
    folder.run("psbt combine --psbt @signed.psbt").fails(&["--psbt is given once"]);
}
