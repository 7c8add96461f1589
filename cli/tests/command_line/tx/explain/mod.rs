//! `btcstake tx explain`: a transaction by itself, and by its id.

mod known;
mod phase1;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::transaction::Version;
use bitcoin::{Sequence, Transaction, Witness};
use btcstake::outputs::TxExplain;
use serde_json::json;
use staking_scripts::LeafTransaction;

use crate::fixtures::delegation::FILES;
use crate::fixtures::node::{Regtest, to};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};
use crate::fixtures::transactions::Transactions;

/// The OP_RETURN data of a phase-1 stake, and nothing beside them.
fn announcement() -> String {
    let payload = format!("62626e3100{MEMBER_KEY}{PROVIDER_KEY}fa00");
    format!("0200000001{}ffffffff00ffffffff010000000000000000496a47{payload}00000000", "11".repeat(32))
}

#[test]
fn op_return_data_say_whose_stake_they_claim() {
    let folder = Folder::new();
    let json = folder.json(&format!("tx explain {}", announcement()));
    assert_eq!((&json["kind"], &json["op_return_tag"]), (&json!("unknown"), &json!("62626e31")));
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
fn unbonding_transaction_and_its_psbt() {
    let (folder, made) = (Folder::new(), Transactions::new());
    let whole: TxExplain = folder.output(&format!("tx explain {}", made.unbonding()));
    assert_eq!((whole.kind.as_str(), whole.spent_path.as_deref()), ("unbonding", Some("unbonding")));
    assert_eq!(whole.staker, Some(made.0.staker.public_key().to_string()));
    assert_eq!((whole.covenant_members, whole.quorum), (Some(3), Some(2)));
    let signers = whole.covenant_signers;
    assert_eq!(signers.len(), 2);
    assert!(signers.is_sorted() && signers.iter().all(|signer| public(&made.0.covenant).contains(signer)));
    assert_eq!((whole.output_amounts_sat, whole.paid_sat), (vec![999_500], 999_500));
    assert_eq!((whole.fee_sat, whole.input_amounts_sat), (None, vec![None]));
    assert!(whole.finality_providers.is_empty());
    let [spent] = &whole.spent[..] else { panic!("{:?}", whole.spent) };
    assert_eq!((spent.input, &spent.outpoint), (0, &format!("{}:1", "07".repeat(32))));
    assert_eq!((spent.path.as_str(), &spent.output), ("unbonding", &None));

    // A PSBT tells what its input holds, so the fee too.
    let psbt = made.unbonding_transaction().psbt().clone();
    folder.write("unbonding.psbt", psbt.serialize());
    let explained: TxExplain = folder.output("tx explain @unbonding.psbt");
    assert_eq!((explained.fee_sat, &explained.input_amounts_sat), (Some(500), &vec![Some(1_000_000)]));
    assert_eq!((explained.kind.as_str(), &explained.txid), ("unbonding", &whole.txid));
    assert_eq!((explained.finalized, whole.finalized), (false, true));
    assert!(explained.covenant_signers.is_empty());
    for text in [psbt.to_string(), psbt.serialize_hex()] {
        assert_eq!(folder.output::<TxExplain>(&format!("tx explain {text}")), explained, "{text}");
    }
}

#[test]
fn slashing_transaction_names_who_signed() {
    let made = Transactions::new();
    let explained: TxExplain = Folder::new().output(&format!("tx explain {}", made.slashing()));
    assert_eq!((explained.kind.as_str(), explained.spent_path.as_deref()), ("slashing", Some("slashing")));
    assert_eq!(explained.finality_providers, public(&made.0.providers));
    assert_eq!(explained.provider_signers, [made.0.providers[0].public_key().to_string()]);
    assert_eq!(explained.output_amounts_sat, [1000, 997_000]);
    let text = Folder::new().run(&format!("tx explain {}", made.slashing())).ends(0).stdout();
    assert!(
        text.contains("(signature present)")
            && text.contains("signatures of 2 of 3 members are present, the quorum is 2"),
        "{text}"
    );
}

#[test]
fn withdrawal_has_its_timelock() {
    let explained: TxExplain =
        Folder::new().output(&format!("tx explain {}", Transactions::new().withdrawal()));
    assert_eq!((explained.kind.as_str(), explained.spent_path.as_deref()), ("withdrawal", Some("timelock")));
    assert_eq!((explained.timelock, explained.sequence), (Some(1000), vec![1000]));
    // This path does not show the committee.
    assert_eq!((explained.covenant_members, explained.quorum), (None, None));
}

#[test]
fn text_that_is_no_transaction_is_named() {
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

/// Other protocols have the same leaves elsewhere, and a leaf counts in a transaction that can be valid:
/// nobody is named for another's transaction.
#[test]
fn leaf_of_another_protocol_is_unknown() {
    let (folder, made) = (Folder::new(), Transactions::new());
    let changed = |hex: &str, change: &dyn Fn(&mut Transaction)| -> TxExplain {
        let mut transaction: Transaction = deserialize_hex(hex).unwrap();
        change(&mut transaction);
        folder.output(&format!("tx explain {}", serialize_hex(&transaction)))
    };
    // The control block of a tree with two leaves, as of Ark, or with another leaf beside the one that is
    // spent.
    let moved = |cut: usize| {
        move |tx: &mut Transaction| {
            let mut elements = tx.input[0].witness.to_vec();
            let block = elements.last_mut().unwrap();
            block.truncate(block.len() - cut);
            block[40] ^= 1;
            tx.input[0].witness = Witness::from_slice(&elements);
        }
    };
    let before_csv = |tx: &mut Transaction| tx.version = Version::ONE;
    for unknown in [
        changed(&made.unbonding(), &moved(32)),
        changed(&made.unbonding(), &moved(0)),
        changed(&made.slashing(), &moved(0)),
        changed(&made.withdrawal(), &before_csv),
    ] {
        assert_eq!((unknown.kind.as_str(), unknown.spent.len()), ("unknown", 0));
        assert_eq!((unknown.spent_path, unknown.staker, unknown.timelock), (None, None, None));
        assert_eq!((unknown.covenant_members, unknown.quorum), (None, None));
        assert!(unknown.finality_providers.is_empty() && unknown.covenant_signers.is_empty());
    }
    // A leaf of a stake in another form: the path is named.
    let replaceable = changed(&made.unbonding(), &|tx| tx.input[0].sequence = Sequence(0));
    assert_eq!(
        (replaceable.kind.as_str(), replaceable.spent_path.as_deref()),
        ("unknown", Some("unbonding"))
    );
}

/// With what a node knows of it.
#[test]
fn txid_is_looked_up_on_a_node() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("stake");
    let txid = regtest.status("stake").staking_txid;
    let by_id = format!("tx explain {txid}");
    regtest.run(&format!("{by_id} --network regtest")).fails(&["the node has no transaction"]);
    regtest.broadcast("stake.tx");
    regtest.mine(4);
    let explained: TxExplain = regtest.output(&format!("{by_id} {FILES} stake.json"));
    assert_eq!(explained.delegation.unwrap().stake_transaction.as_deref(), Some("staking"));
    assert_eq!((explained.block_height, explained.confirmations), (Some(105), Some(4)));
    // Its amount in is found, as the node has that transaction in a block it finds at once or not at all.
    regtest.send(&format!("tx unbond {FILES} stake.json --secret-key-file staker.key"));
    regtest.mine(10);
    let withdrawal = regtest.send(&format!(
        "tx withdraw {FILES} stake.json --from unbonding {} --secret-key-file staker.key",
        to(2)
    ));
    regtest.mine(1);
    let by_id = format!("tx explain {} --network regtest", withdrawal.txid);
    let explained: TxExplain = regtest.output(&by_id);
    assert_eq!((explained.kind.as_str(), explained.confirmations), ("withdrawal", Some(1)));
}

/// A leaf of another committee than the file's is of nobody that is known, which is said.
#[test]
fn leaves_of_other_committees_are_named() {
    let folder = Folder::with_delegation();
    folder.write("withdrawal.tx", Transactions::new().withdrawal());
    folder.write("unbonding.tx", Transactions::new().unbonding());
    for (file, kind) in [("withdrawal", "withdrawal"), ("unbonding", "unbonding")] {
        let bare: TxExplain = folder.output(&format!("tx explain @{file}.tx"));
        assert_eq!((bare.kind.as_str(), bare.warnings.len()), (kind, 0));
        assert_eq!(bare.inputs[0].path, bare.spent_path, "what the witness reveals");
        let under: TxExplain = folder.output(&format!("tx explain @{file}.tx --params params.json"));
        assert_eq!(under.kind, "unknown");
        assert!(
            under.warnings[0].starts_with("input 0: it spends a leaf with another committee"),
            "{under:?}"
        );
    }
}
