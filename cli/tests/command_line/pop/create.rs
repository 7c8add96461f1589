//! `btcstake pop create`.

use btcstake::outputs::PopCreate;
use serde_json::json;

use super::{
    ADDRESS, BIP340, CONTEXT, CONTRACT, ECDSA, OF_CONTRACT, P2TR, P2WPKH, TEXT, TEXT_BASE64, create,
};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn proofs_of_the_three_types() {
    let folder = Folder::new();
    for (name, key, kind, signature) in
        [("provider", PROVIDER_KEY, "bip340", BIP340), ("member", MEMBER_KEY, "ecdsa", ECDSA)]
    {
        let expected = json!({
            "public_key": key, "type": kind, "account": ADDRESS, "signature": signature,
            "signing_context": null, "bitcoin_address": null, "simple_signature": null, "eots_sign_baby": null,
        });
        assert_eq!(folder.json(&create(name, kind)), expected);
    }
    let bip322 = |rest: &str, address: &str, signature: &str| {
        let made: PopCreate = folder.output(&create("member", &format!("bip322 {rest}")));
        assert_eq!(made.bitcoin_address.as_deref(), Some(address));
        assert_eq!(made.simple_signature.as_deref(), Some(signature));
    };
    bip322("--script p2wpkh --network mainnet", "bc1qa0qwuze2h85zw7nqpsj3ga0z9geyrgwpp9ee7r", P2WPKH);
    bip322(
        "--script p2tr --network regtest",
        "bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45",
        P2TR,
    );
    // As text: the signature alone where there is nothing else.
    assert_eq!(folder.run(&create("provider", "bip340")).ends(0).stdout(), format!("{BIP340}\n"));
}

#[test]
fn flags_that_do_not_belong_together_are_named() {
    let folder = Folder::new();
    folder.run(&create("member", "bip322 --script p2tr")).fails(&["--network"]);
    folder.run(&create("member", "bip322 --network regtest")).fails(&["--script"]);
    folder.run(&create("member", "ecdsa --script p2tr")).fails(&["--script", "--type bip322"]);
    folder.run(&create("member", "bip340 --network regtest")).fails(&["--network", "--type bip322"]);
    // An account of another chain needs that chain's context.
    let osmo = create("member", "bip340").replace(ADDRESS, "osmo1qurswpc8qurswpc8qurswpc8qurswpc8mg52kn");
    folder.run(&osmo).fails(&["osmo1", "bbn1", "signing context"]);
    folder.json(&format!("{osmo} --signing-context {CONTEXT}"));
    // A Bitcoin address is no account.
    let bitcoin = create("member", "bip340").replace(ADDRESS, "bc1qa0qwuze2h85zw7nqpsj3ga0z9geyrgwpp9ee7r");
    folder.run(&bitcoin).fails(&["--address", "a SegWit address (bc1…)"]);
}

/// Contracts and interchain accounts have 32 bytes; upper case is read, and what is signed is in lower case.
#[test]
fn account_of_32_bytes_and_in_upper_case() {
    let folder = Folder::new();
    let line = create("provider", "bip340").replace(ADDRESS, CONTRACT);
    let made: PopCreate = folder.output(&line);
    assert_eq!((made.account.as_str(), made.signature.as_str()), (CONTRACT, OF_CONTRACT));
    for kind in ["bip340", "ecdsa", "bip322 --script p2tr --network regtest"] {
        let line = create("member", kind).replace(ADDRESS, CONTRACT);
        let upper = folder.json(&line.replace(CONTRACT, &CONTRACT.to_uppercase()));
        assert_eq!(upper, folder.json(&line));
        let mixed = line.replace(CONTRACT, &CONTRACT.replace("bbn", "BBN"));
        folder.run(&mixed).fails(&["--address", "mixed"]);
    }
}

/// `eotsd pop export` signs the text of the account, of any chain.
#[test]
fn proof_over_the_text_of_an_account() {
    let folder = Folder::new();
    let made: PopCreate = folder.output(&create("provider", "bip340-text"));
    assert_eq!((made.kind.as_str(), made.account.as_str()), ("bip340-text", ADDRESS));
    assert_eq!((made.signature.as_str(), made.eots_sign_baby.as_deref()), (TEXT, Some(TEXT_BASE64)));
    let text = folder.run(&create("provider", "bip340-text")).ends(0).stdout();
    assert_eq!(text, format!("signature     {TEXT}\neotsSignBaby  {TEXT_BASE64}\n"));
    let other =
        create("provider", "bip340-text").replace(ADDRESS, "0x52908400098527886E0F7030069857D2E4169EE7");
    let other: PopCreate = folder.output(&other);
    assert_eq!(other.account, "0x52908400098527886E0F7030069857D2E4169EE7");
    // Upper case is another text here.
    let upper = create("provider", "bip340-text").replace(ADDRESS, &ADDRESS.to_uppercase());
    assert_ne!(folder.output::<PopCreate>(&upper).signature, TEXT);
    let text = |text: &str| create("provider", "bip340-text").replace(ADDRESS, text);
    folder.run(&text("ä")).fails(&["--address", "printable ASCII"]);
    folder.run(&text(&"x".repeat(20))).fails(&["--address", "has 20 bytes", "another account's"]);
    let context = format!("{} --signing-context {CONTEXT}", create("provider", "bip340-text"));
    folder.run(&context).fails(&["--signing-context", "bip340-text"]);
    let script = format!("{} --script p2tr --network regtest", create("provider", "bip340-text"));
    folder.run(&script).fails(&["--script", "--type bip322"]);
}
