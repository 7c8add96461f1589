//! `btcstake tx slash`.

use bitcoin::consensus::encode::serialize_hex;
use btcstake::outputs::TxExplain;

use crate::fixtures::delegation::{FILES, transaction};
use crate::fixtures::node::Regtest;
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_EVEN};

/// With the provider's key, from either output.
#[test]
fn slashing_from_either_output_shows_the_providers_key() {
    let folder = Folder::with_delegation();
    let slash = format!("tx slash {FILES} verified.json --provider-key-file provider.key");
    let slashed = transaction(&folder.output(&slash));
    assert_eq!(slashed.output[0].value.to_sat(), 500);
    let later = transaction(&folder.output(&format!("{slash} --unbonding")));
    let unbonding = folder.psbt(&format!("tx unbond {FILES} verified.json")).unsigned_tx;
    assert_eq!(later.input[0].previous_output.txid, unbonding.compute_txid());
    // Seen on chain, the slashing transaction shows the key to whoever has the delegation.
    for slashing in [&slashed, &later] {
        folder.write("slashing.tx", serialize_hex(slashing));
        let explained: TxExplain = folder.output(&format!("tx explain {FILES} verified.json @slashing.tx"));
        let said = explained.delegation.unwrap();
        assert_eq!(said.provider_secret_key.as_deref(), Some(PROVIDER_EVEN), "{said:?}");
        assert!(said.stake_transaction.unwrap().ends_with("slashing") && said.violations.is_empty());
    }
    folder.run(&slash.replace("provider.key", "member.key")).fails(&[
        "--provider-key-file",
        MEMBER_KEY,
        "not one of the stake's finality providers'",
    ]);
}

/// Whoever sees the slashing has the key, from the adaptor signatures.
#[test]
fn slashing_on_a_chain_shows_the_providers_key() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("slashed");
    regtest.broadcast("slashed.tx");
    regtest.mine(1);
    let slash = format!("tx slash {FILES} slashed.json --provider-key-file provider.key");
    let txid = regtest.send(&slash).txid;
    regtest.mine(1);
    let explain = format!("tx explain {txid} {FILES} slashed.json");
    let explained: TxExplain = regtest.output(&explain);
    assert_eq!(explained.delegation.unwrap().provider_secret_key.as_deref(), Some(PROVIDER_EVEN));
}
