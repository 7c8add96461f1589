//! `btcstake broadcast`: on a real bitcoind, and on a server that rejects as it is told to.

use btcstake::outputs::Broadcast;

use crate::fixtures::delegation::FILES;
use crate::fixtures::node::{Regtest, ScriptedNode, rpc_error, to};
use crate::fixtures::process::Folder;
use crate::status::answers;

#[test]
fn transactions_are_accepted_or_the_reason_is_said() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("stake");
    let sent = regtest.broadcast("stake.tx");
    assert_eq!(sent.txid, regtest.status("stake").staking_txid);
    assert_eq!(regtest.broadcast("stake.tx"), sent, "again is no error");
    regtest.mine(4);
    let withdraw =
        format!("tx withdraw {FILES} stake.json {} --from staking --secret-key-file staker.key", to(2));
    regtest.folder.write("early.tx", regtest.folder.run(&withdraw).ends(0).stdout());
    let rejected: Broadcast = regtest.run("--json broadcast @early.tx --network regtest").output(1);
    assert!(rejected.reason.as_ref().unwrap().contains("non-BIP68-final"), "{rejected:?}");
    assert_eq!(
        (rejected.kind.as_str(), rejected.fee_raised_by.as_deref()),
        ("withdrawal", Some("replacement"))
    );
    // In a block at 105, and the timelock is 40 blocks.
    assert_eq!(
        (rejected.rejection_class.as_deref(), rejected.valid_from_height),
        (Some("too-early"), Some(145))
    );
    let text = regtest.run("broadcast @early.tx --network regtest").ends(1).stdout();
    assert!(text.contains("too-early: ") && text.contains("height 145"), "{text}");
    let unbonding = regtest.send(&format!("tx unbond {FILES} stake.json --secret-key-file staker.key"));
    assert_eq!((unbonding.kind.as_str(), unbonding.fee_raised_by.as_deref()), ("unbonding", Some("nothing")));
}

/// The node's words are the same for all of these; who spends the input tells.
#[test]
fn transaction_whose_input_is_missing_is_explained_by_the_spender() {
    for args in [&[][..], &["-txospenderindex=1"]] {
        let Some(regtest) = Regtest::with_args(args) else { continue };
        for name in ["stake", "waiting"] {
            regtest.stake(name);
            if name == "stake" {
                regtest.broadcast("stake.tx");
                regtest.mine(5);
            }
        }
        let slash = |name: &str| {
            let line = format!("tx slash {FILES} {name}.json --provider-key-file provider.key");
            regtest.folder.run(&line).ends(0).stdout()
        };
        regtest.folder.write("slash.tx", slash("stake"));
        let unbonding = regtest.send(&format!("tx unbond {FILES} stake.json --secret-key-file staker.key"));
        regtest.mine(1);
        let rejected: Broadcast = regtest.run("--json broadcast @slash.tx --network regtest").output(1);
        assert_eq!(rejected.rejection_class.as_deref(), Some("spent-by-another"), "{rejected:?}");
        assert_eq!(rejected.spender_txid, Some(unbonding.txid.clone()));
        assert!(rejected.reason.unwrap().contains("bad-txns-inputs-missingorspent"));
        let text = regtest.run("broadcast @slash.tx --network regtest").ends(1).stdout();
        assert!(text.contains("spent-by-another: ") && text.contains(&unbonding.txid), "{text}");

        // Its parent is not on the chain yet.
        regtest.folder.write("slash.tx", slash("waiting"));
        let rejected: Broadcast = regtest.run("--json broadcast @slash.tx --network regtest").output(1);
        assert_eq!(
            (rejected.rejection_class.as_deref(), rejected.spender_txid),
            (Some("missing-inputs"), None)
        );

        // Confirmed, and all that it paid is spent again: known, with no index too.
        regtest.folder.write("unbonding.tx", regtest.folder.read("built.tx"));
        regtest.mine(9);
        regtest.send(&format!(
            "tx withdraw {FILES} stake.json --from unbonding {} --secret-key-file staker.key",
            to(2)
        ));
        regtest.mine(1);
        assert_eq!(regtest.broadcast("unbonding.tx").txid, unbonding.txid);
    }
}

/// The class stands beside the node's words, in JSON and in text.
#[test]
fn rejection_has_a_class_beside_the_nodes_words() {
    let folder = Folder::with_delegation();
    let table = [
        (
            -26,
            "insufficient fee, rejecting replacement ab, less fees than conflicting txs; 0.001 < 0.002",
            "mempool",
        ),
        (-26, "mempool min fee not met, 94 < 490", "mempool"),
        (-26, "too-large-cluster", "mempool"),
        (-26, "non-final", "too-early"),
        (-25, "bad-txns-inputs-missingorspent", "missing-inputs"),
        (-25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", "caller-limit"),
        (-25, "Unspendable output exceeds maximum configured by user (maxburnamount)", "caller-limit"),
        (-26, "dust, tx with dust output must be 0-fee", "policy"),
        (-26, "mempool-script-verify-flag-failed (Invalid Schnorr signature), input 0 of ab", "invalid"),
    ];
    for (code, words, class) in table {
        let mut answers = answers(900_100);
        answers.insert("sendrawtransaction", rpc_error(code, words));
        let node = ScriptedNode::start(answers);
        let line = format!("broadcast @stake.tx --network regtest {}", node.at(&folder));
        let rejected: Broadcast = folder.run(&format!("--json {line}")).output(1);
        assert_eq!(rejected.rejection_class.as_deref(), Some(class), "{rejected:?}");
        let reason = rejected.reason.unwrap();
        assert!(reason.contains(words.split(',').next().unwrap()), "{reason}");
        let run = folder.run(&line);
        assert!(run.code() == Some(1) && run.stdout().contains(&format!("{class}: ")), "{}", run.stdout());
    }
    let mut answers = answers(900_100);
    answers.insert("sendrawtransaction", rpc_error(-1, "out of luck"));
    let node = ScriptedNode::start(answers);
    folder
        .run(&format!("broadcast @stake.tx --network regtest {}", node.at(&folder)))
        .fails(&["out of luck"]);
}

/// A node with `-privatebroadcast=1` takes every transaction, and has none of them.
#[test]
fn node_that_took_a_transaction_and_does_not_have_it_is_not_believed() {
    let folder = Folder::with_delegation();
    let txid = folder.json("tx explain @stake.tx --network regtest")["txid"].clone();
    let mut answers = answers(900_100);
    answers.insert("sendrawtransaction", txid.clone());
    answers.insert("getrawtransaction", rpc_error(-5, "No such mempool transaction."));
    answers.insert("gettxout", serde_json::Value::Null);
    let node = ScriptedNode::start(answers);
    let line = format!("broadcast @stake.tx --network regtest {}", node.at(&folder));
    let said = format!("the node took the transaction {}, but does not have it", txid.as_str().unwrap());
    folder.run(&line).fails(&[&said, "-privatebroadcast=1"]);
}
