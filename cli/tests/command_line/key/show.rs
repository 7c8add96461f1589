//! `btcstake key show`.

use serde_json::json;

use crate::fixtures::process::{Folder, MEMBER, MEMBER_KEY, PROVIDER, PROVIDER_KEY};

#[test]
fn key_file_is_shown_by_what_is_public() {
    let folder = Folder::new();
    let show = |rest: &str| folder.run(&format!("key show {rest}")).ends(0).stdout();
    assert_eq!(show("--secret-key-file provider.key"), format!("{PROVIDER_KEY}\n"));
    assert_eq!(
        folder.run_with(&["key", "show", "--secret-key-file", "-"], MEMBER.as_bytes()).ends(0).stdout(),
        format!("{MEMBER_KEY}\n")
    );
    // The first receiving address of BIP-86's test vectors.
    folder.write("bip86.key", "41f41d69260df4cf277826a9b65a3717e4eeddbeedf637f212ca096576479361");
    let key = "cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115";
    let script = "5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c";
    let address = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr";
    assert_eq!(
        show("--secret-key-file bip86.key --network mainnet"),
        format!("public key         {key}\naddress            {address}\nscript pubkey      {script}\n")
    );
    let json = |rest: &str| folder.json(&format!("key show --secret-key-file bip86.key {rest}"));
    let account = json("")["account"].clone();
    assert!(account.as_str().unwrap().starts_with("bbn1"), "{account}");
    let text = show("--secret-key-file bip86.key --account-address");
    assert_eq!(text, format!("public key         {key}\naccount            {}\n", account.as_str().unwrap()));
    let plain = json!({ "account": account, "public_key": key, "script_pubkey": script, "address": null, "warnings": [] });
    assert_eq!(json(""), plain);
    for (network, start) in
        [("mainnet", "bc1p"), ("testnet4", "tb1p"), ("signet", "tb1p"), ("regtest", "bcrt1p")]
    {
        let mut shown = json(&format!("--network {network}"));
        let address = shown.as_object_mut().unwrap().remove("address").unwrap();
        assert!(address.as_str().unwrap().starts_with(start), "{network}: {address}");
        assert_eq!(
            shown,
            json!({ "account": account, "public_key": key, "script_pubkey": script, "warnings": [] })
        );
    }
}

#[test]
fn file_that_holds_no_key_is_an_error_that_keeps_the_secret() {
    let folder = Folder::new();
    folder.write("zero.key", "00".repeat(32));
    folder.write("short.key", &PROVIDER[2..]);
    folder.run("key show").fails(&["--secret-key-file"]);
    folder.run("key show --secret-key-file nowhere.key").fails(&["--secret-key-file", "cannot open"]);
    folder.run("key show --secret-key-file short.key").fails(&["--secret-key-file", "64 hex digits"]);
    folder.run("key show --secret-key-file zero.key").fails(&["--secret-key-file", "zero.key"]);
    folder
        .run("key show --secret-key-file provider.key --network testnet3")
        .fails(&["--network", "testnet4"]);
    for rest in [format!("--secret-key-file {PROVIDER}"), PROVIDER.to_owned()] {
        let run = folder.run(&format!("key show {rest}"));
        assert!(!run.stderr().contains(PROVIDER), "{}", run.stderr());
        run.fails(&["--secret-key-file"]);
    }
}

/// Without its passphrase, by what its file states.
#[cfg(unix)]
#[test]
fn key_of_the_keystore_is_shown() {
    let folder = super::with_alice();
    let show = |rest: &str| folder.run(&format!("key show {rest}"));
    assert_eq!(show("--name alice").ends(0).stdout(), format!("{PROVIDER_KEY}\n"));
    let network = "--network regtest";
    let mut of_file = folder.json(&format!("key show --secret-key-file provider.key {network}"));
    // The account has the parity of the key's point, which the public key lacks.
    of_file["account"] = serde_json::Value::Null;
    show("--name alice --account-address").fails(&["--account-address", "keystore:NAME"]);
    assert_eq!(folder.json(&format!("key show --name alice {network}")), of_file);
    show("--name nobody").fails(&["--name", "there is no key nobody"]);
    show("--name alice --secret-key-file provider.key").fails(&["--name", "--secret-key-file"]);
}
