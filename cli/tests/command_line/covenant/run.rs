//! `btcstake covenant run`: what is said before it runs, and an extension among the stakes that wait. More of
//! its work is tested in `roles`, and on a real chain.

use bitcoin::TxOut;
use bitcoin::consensus::encode::serialize_hex;
use chain::Lookup as _;
use serde_json::{Value, json};

use crate::fixtures::bitcoin::Served;
use crate::fixtures::delegation::{FILES, node_answer, transaction_of};
use crate::fixtures::node::{flag, parameters, wallet, wallet_address};
use crate::fixtures::process::{Folder, MEMBER_KEY};
use crate::fixtures::secured_chain::SecuredChain;
use crate::fixtures::wire::{self, MsgAddCovenantSigs};
use crate::provider::run::{Daemon, wait};

#[test]
fn what_cannot_run_is_said_before_it_runs() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    let run = "covenant run --secret-key-file member.key --record member.record --network regtest";
    let fails = |more: &str, words: &[&str]| folder.run(&format!("{run} {more}")).fails(words);
    fails(&chain.flags(), &["--node is absent"]);
    fails(&format!("{} --node http://127.0.0.1:1", chain.flags()), &["127.0.0.1:1"]);
    // It would end all calls ten minutes after the start.
    let limited = format!("{} --node http://127.0.0.1:1 --timeout 600", chain.flags());
    fails(&limited, &["--timeout is given; must be absent"]);
    fails(
        "--chain-id bbn-1 --node http://127.0.0.1:1 --account-key-file account.key",
        &["--chain-node is absent"],
    );
    fails("--chain-id bbn-1 --chain-node http://127.0.0.1:1", &["--account is absent"]);
    let other = chain.flags().replace("--chain-id bbn-1", "--chain-id bbn-2");
    fails(&format!("{other} --node http://127.0.0.1:1"), &["\"bbn-1\"", "\"bbn-2\""]);
    assert!(!folder.path().join("member.record").exists());
}

/// The page names every alert, and no flag that is not there.
#[test]
fn docs_have_every_alert_and_flag() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/covenant.md")).unwrap();
    for alert in roles::covenant::CovenantAlert::ALL {
        assert!(page.contains(&format!("\n| `{alert}` |")), "{alert}");
    }
    crate::provider::run::check_flags(&page);
}

/// What the chain lists of a stake in a folder that waits for the committee.
fn pending(folder: &Folder, file: &str) -> Value {
    let mut listed = node_answer(&folder.delegation(file))["btc_delegation"].clone();
    listed["status_desc"] = json!("PENDING");
    listed
}

/// Extends a stake by a coin of the wallet, and returns what the chain lists of the extension.
fn extend(served: &Served, name: &str) -> Value {
    let folder = &served.folder;
    let coin = served.chain.coins(&wallet()).unwrap().remove(0);
    folder
        .run(&format!(
            "tx extend {FILES} {name}.json --height {} --amount-sat 600000 --staking-time 40 --coin {} --change {} --fee-rate 2 \
             --out extension-draft.json",
            served.height(),
            flag(&coin),
            wallet_address()
        ))
        .ends(0);
    served.have_signed("extension");
    let running = transaction_of(&folder.delegation(&format!("{name}.json"))).compute_txid();
    let mut listed = pending(folder, "extension-signed.json");
    let funding: &TxOut = &coin.output;
    listed["stk_exp"] = json!({
        "previous_staking_tx_hash_hex": running, "other_funding_tx_out_hex": serialize_hex(funding),
    });
    listed
}

/// The signatures of a message as `covenant sign` prints them.
fn printed(message: &MsgAddCovenantSigs) -> Value {
    let all = |of: &[Vec<u8>]| of.iter().map(hex::encode).collect::<Vec<_>>();
    let mut printed = json!({
        "member": hex::encode(&message.pk),
        "unbonding_signature": hex::encode(&message.unbonding_tx_sig),
        "slashing_adaptor_signatures": all(&message.slashing_tx_sigs),
        "unbonding_slashing_adaptor_signatures": all(&message.slashing_unbonding_tx_sigs),
    });
    if !message.stake_expansion_tx_sig.is_empty() {
        printed["extension_signature"] = json!(hex::encode(&message.stake_expansion_tx_sig));
    }
    printed
}

/// The chain tells of the running stake by its id alone: it is asked for, and the extension signed in its
/// committee too, beside an ordinary stake and one that breaks a rule.
#[cfg(unix)]
#[test]
fn extension_among_the_stakes_that_wait_is_signed_and_submitted() {
    let served = Served::new();
    let folder = &served.folder;
    let chain = SecuredChain::start(folder);
    chain.chain.set_balance(&chain.address.parse().unwrap(), 5_000_000);
    served.stake("running");
    served.confirm_file("running.tx");
    let extension = extend(&served, "running");
    served.stake("first");
    served.confirm_file("first.tx");
    served.stake("short");
    let mut short = pending(folder, "short-signed.json");
    short["staking_time"] = json!(39);
    let listed = [short, pending(folder, "first-signed.json"), extension];
    let (height, hash) = served.show_newest();
    chain.chain.know_bitcoin(height, hash);
    chain.chain.answer("/babylon.btcstaking.v1.Query/ParamsVersions", wire::parameters(&parameters()));
    chain.chain.answer("/babylon.btcstaking.v1.Query/BTCDelegations", wire::delegations(&listed));
    let running = node_answer(&folder.delegation("running.json"))["btc_delegation"].clone();
    chain.chain.answer("/babylon.btcstaking.v1.Query/BTCDelegation", wire::delegations(&[running]));

    let flags = format!(
        "--secret-key-file member.key --record run.record --network regtest {} {} --metrics 127.0.0.1:0 --poll 10",
        served.at(),
        chain.flags()
    );
    let mut daemon = Daemon::start_role(folder, "covenant", &flags);
    crate::outputs::check("covenant run", &daemon.said);
    assert_eq!(
        (&daemon.said["public_key"], &daemon.said["account"]),
        (&json!(MEMBER_KEY), &json!(chain.address))
    );
    let log = || folder.read("covenant.log");
    let gauge = |name: &str, count: u8| {
        wait(name, || daemon.get("/metrics").contains(&format!("\nbtcstake_covenant_{name} {count}\n")));
    };
    gauge("submitted_total", 2);
    gauge("refused", 1);
    assert!(daemon.get("/health").starts_with("HTTP/1.1 200"), "{}", log());
    // Both in one transaction, which is sent once.
    assert_eq!(chain.chain.transactions().len(), 1, "{}", log());
    let messages: Vec<MsgAddCovenantSigs> = chain
        .last_messages()
        .iter()
        .map(|message| message.read("/babylon.btcstaking.v1.MsgAddCovenantSigs"))
        .collect();
    assert_eq!(messages.len(), 2);
    for (message, name) in messages.iter().zip(["first", "extension"]) {
        let file = format!("{name}-signed.json");
        let stake = transaction_of(&folder.delegation(&file)).compute_txid();
        assert_eq!((&message.staking_tx_hash, &message.signer), (&stake.to_string(), &chain.address));
        assert_eq!(message.stake_expansion_tx_sig.len(), if name == "extension" { 64 } else { 0 });
        // Whoever adds them verifies every one; those without fresh randomness are the command's own.
        folder.write("sent.json", printed(message).to_string());
        let add = format!("stake add {FILES} {file} --covenant-signatures sent.json --out {name}-added.json");
        folder.run(&add).ends(0);
        let own: Value = serde_json::from_str(&folder.read(&format!("{name}-member.json"))).unwrap();
        for field in ["member", "unbonding_signature", "extension_signature"] {
            assert_eq!(printed(message)[field], own[field], "{name}: {field}");
        }
    }
    // It is recorded before it is signed, and what breaks a rule is told with its reason.
    assert_eq!(folder.read("run.record").lines().count(), 2);
    let refused = transaction_of(&folder.delegation("short-signed.json")).compute_txid().to_string();
    let told = log().lines().any(|line| line.contains("refused") && line.contains(&refused));
    assert!(told, "{}", log());
    daemon.terminate();
    assert!(daemon.ended().success());
}
