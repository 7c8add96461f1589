//! `btcstake pop create`.

use btcstake::outputs::PopCreate;
use serde_json::json;

use super::{ADDRESS, BIP340, CONTEXT, ECDSA, P2TR, P2WPKH, create};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn proofs_of_the_three_types() {
    let folder = Folder::new();
    for (name, key, kind, signature) in
        [("provider", PROVIDER_KEY, "bip340", BIP340), ("member", MEMBER_KEY, "ecdsa", ECDSA)]
    {
        let expected = json!({
            "public_key": key, "type": kind, "account": ADDRESS, "signature": signature,
            "signing_context": null, "bitcoin_address": null, "simple_signature": null,
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
    folder.run(&bitcoin).fails(&["--address"]);
}
