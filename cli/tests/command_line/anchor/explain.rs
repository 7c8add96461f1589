//! `btcstake anchor explain`, and what `tx explain` tells of marks.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use btcstake::outputs::{AnchorExplain, FieldValue, MarkData, TxExplain};
use spv::anchors::op_return;
use spv::testing::{coinbase, transaction};

use super::{CORE, KEYSTONE, OF_COINBASES, OF_OUTPUTS, RSK, data, script};
use crate::fixtures::bitcoin::Served;
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

fn format(data: &MarkData) -> Option<&str> {
    data.mark.as_ref().map(|mark| mark.mark_format.as_str())
}

/// A transaction with outputs of these scripts, worth 1000 sat each.
fn paying(scripts: impl IntoIterator<Item = ScriptBuf>) -> Transaction {
    let output = |script_pubkey| TxOut { value: Amount::from_sat(1000), script_pubkey };
    Transaction { output: scripts.into_iter().map(output).collect(), ..transaction(1, Vec::new()) }
}

#[test]
fn real_marks_are_known_as_scripts_and_as_data() {
    let folder = Folder::new();
    let all = OF_OUTPUTS.map(|mark| (mark, "output")).into_iter();
    for ((script, name), place) in all.chain(OF_COINBASES.map(|mark| (mark, "coinbase_output"))) {
        let found: AnchorExplain = folder.output(&format!("anchor explain {script}"));
        let [told] = &found.marks[..] else { panic!("{found:?}") };
        assert_eq!((found.read_as.as_str(), format(told)), ("script", Some(name)));
        assert_eq!((told.place.as_str(), told.index, told.data.as_str()), (place, None, data(script)));
        let bare: AnchorExplain = folder.output(&format!("anchor explain {}", data(script)));
        assert_eq!((bare.read_as.as_str(), format(&bare.marks[0])), ("data", Some(name)));
        assert_eq!((&bare.marks[0].mark, &bare.marks[0].push), (&told.mark, &None));
        let text = folder.run(&format!("anchor explain {script}")).ends(0).stdout();
        assert!(
            text.contains(name) && text.contains("it follows: ") && text.contains("it does not: "),
            "{text}"
        );
        // What is cut, longer or of another version is something else.
        let (cut, long) = (&data(script)[..data(script).len() - 2], format!("{}00", data(script)));
        for near in [cut.to_owned(), long, format!("00{}", &data(script)[2..])] {
            let script = op_return(&hex::decode(near).unwrap()).to_hex_string();
            let found: AnchorExplain = folder.run(&format!("--json anchor explain {script}")).output(1);
            assert_eq!(format(&found.marks[0]), None, "{script}");
        }
    }
    for (script, push) in [(OF_OUTPUTS[0].0, "pushdata1"), (OF_OUTPUTS[4].0, "direct")] {
        let found: AnchorExplain = folder.output(&format!("anchor explain {script}"));
        assert_eq!(found.marks[0].push.as_deref(), Some(push), "{found:?}");
    }
}

#[test]
fn what_stands_after_a_mark_is_reported_and_changes_nothing() {
    let folder = Folder::new();
    let found: AnchorExplain = folder.output(&format!("anchor explain {KEYSTONE}1a063a00"));
    assert_eq!((format(&found.marks[0]), found.marks[0].trailing_bytes), (Some("hemi_keystone"), 4));
    let text = folder.run(&format!("anchor explain {KEYSTONE}1a063a00")).ends(0).stdout();
    assert!(text.contains("4 bytes of the script follow the data"), "{text}");
}

/// 32 bytes have no magic: they may be a commitment, and never are one.
#[test]
fn bare_push_is_possible_and_no_more() {
    let folder = Folder::new();
    for argument in [format!("6a20{}", "07".repeat(32)), "07".repeat(32)] {
        let found: AnchorExplain = folder.output(&format!("anchor explain {argument}"));
        let mark = found.marks[0].mark.as_ref().unwrap();
        assert_eq!((mark.mark_format.as_str(), mark.certainty.as_str()), ("bare_32_bytes", "possible"));
        assert!(mark.concluded.starts_with("nothing"), "{mark:?}");
    }
}

/// Of many bytes the first are shown; the field has all of them.
#[test]
fn long_data_fill_no_terminal() {
    let folder = Folder::new();
    folder.write("long.bin", [7; 100_000]);
    let found: AnchorExplain =
        serde_json::from_slice(folder.run("--json anchor explain @long.bin").ends(1).stdout().as_bytes())
            .unwrap();
    assert_eq!(found.marks[0].data.len(), 200_000);
    let text = folder.run("anchor explain @long.bin").ends(1).stdout();
    assert!(text.contains("100000 bytes") && text.contains("07…") && text.len() < 500, "{}", text.len());
}

#[test]
fn transaction_has_each_of_its_outputs_explained() {
    let folder = Folder::new();
    let redeem = script("04178c8667b17576a914332046df873f53e867a3e76f75b2a2f37f013f2f88ac");
    let stake = paying([redeem.to_p2wsh(), script(CORE)]);
    folder.write("stake.tx", serialize_hex(&stake));
    let found: AnchorExplain = folder.output("anchor explain @stake.tx");
    assert_eq!((found.read_as.as_str(), found.txid), ("transaction", Some(stake.compute_txid().to_string())));
    let [told] = &found.marks[..] else { panic!("{:?}", found.marks) };
    assert_eq!((format(told), told.index), (Some("core_stake"), Some(1)));
    let mark = told.mark.as_ref().unwrap();
    let field = |name: &str| mark.mark_fields.iter().find(|field| field.name == name).unwrap().value.clone();
    assert_eq!(field("unlock_time"), FieldValue::Number(1_736_870_935));
    assert_eq!(
        (field("stake_output"), field("stake_sat")),
        (FieldValue::Number(0), FieldValue::Number(1000))
    );
    // A coinbase, with a mark in its input.
    let mut mined = coinbase();
    let aux = format!("fabe6d6d{}0100000000000000", "07".repeat(32));
    mined.input[0].script_sig = script(&format!("03aabbcc2c{aux}"));
    mined.output.push(TxOut { value: Amount::ZERO, script_pubkey: script(RSK) });
    let found: AnchorExplain = folder.output(&format!("anchor explain {}", serialize_hex(&mined)));
    let places: Vec<_> = found.marks.iter().map(|data| (data.place.as_str(), format(data))).collect();
    let expected = [("coinbase_input", Some("aux_pow")), ("coinbase_output", Some("rsk_merged_mining"))];
    assert_eq!(places, expected);
    // The same script by itself.
    let alone: AnchorExplain = folder.output(&format!("anchor explain 03aabbcc2c{aux}"));
    assert_eq!((alone.marks[0].place.as_str(), format(&alone.marks[0])), ("coinbase_input", Some("aux_pow")));
    // In an output of another transaction it is none.
    let found: AnchorExplain =
        folder.run(&format!("--json anchor explain {}", serialize_hex(&paying([script(RSK)])))).output(1);
    assert_eq!((found.marks.len(), format(&found.marks[0])), (1, None));
    let none = serialize_hex(&paying([script("51")]));
    let text = folder.run(&format!("anchor explain {none}")).ends(1).stdout();
    assert!(text.ends_with("no OP_RETURN output\n"), "{text}");
}

#[test]
fn any_bytes_are_explained_or_named() {
    let folder = Folder::new();
    for bytes in ["6a", "6a4c", "6a4d0000", "6a4e00000001", "6a4c50", "51", "00", "ff", "6a6a", "6a00"] {
        let found: AnchorExplain = folder.run(&format!("--json anchor explain {bytes}")).output(1);
        assert_eq!(format(&found.marks[0]), None, "{bytes}");
        assert_eq!(found.read_as == "script", bytes.starts_with("6a"), "{bytes}");
    }
    folder.run("anchor explain zz").fails(&["DATA", "not hex", "a file is given as @FILE"]);
    folder.run("anchor explain 6a0").fails(&["DATA", "not hex"]);
    folder.run("anchor explain 70736274ff00").fails(&["DATA", "not a PSBT"]);
    folder.run("anchor explain @nowhere").fails(&["cannot open nowhere"]);
    folder.write("empty", "\n");
    folder.run("anchor explain @empty").fails(&["the file empty is empty"]);
    folder.write("script.bin", hex::decode(KEYSTONE).unwrap());
    let found: AnchorExplain = folder.output("anchor explain @script.bin");
    assert_eq!(format(&found.marks[0]), Some("hemi_keystone"));
}

#[test]
fn txid_is_looked_up_on_a_node() {
    let served = Served::new();
    served.mine(20);
    let txid = served.publish(&[script(KEYSTONE)]).compute_txid();
    let at = format!("--network regtest {}", served.at());
    let found: AnchorExplain = served.folder.output(&format!("anchor explain {txid} {at}"));
    assert_eq!((found.txid, format(&found.marks[0])), (Some(txid.to_string()), Some("hemi_keystone")));
    let nowhere = "07".repeat(32);
    let fails = format!("the node has no transaction {nowhere}");
    served.folder.run(&format!("anchor explain {nowhere} {at}")).fails(&[&fails]);
}

/// `tx explain` tells of what the staking protocol does not explain, and not twice of what it does.
#[test]
fn tx_explain_tells_of_other_chains_marks() {
    let folder = Folder::new();
    let transaction = paying([script("51"), script(KEYSTONE), script("6a0507070707ff")]);
    let explained: TxExplain = folder.output(&format!("tx explain {}", serialize_hex(&transaction)));
    assert_eq!((explained.kind.as_str(), explained.op_return_tag), ("unknown", None));
    let told: Vec<_> = explained.marks.iter().map(|data| (data.index, format(data))).collect();
    assert_eq!(told, [(Some(1), Some("hemi_keystone")), (Some(2), None)]);
    let text = folder.run(&format!("tx explain {}", serialize_hex(&transaction))).ends(0).stdout();
    assert!(text.contains("keystone of Hemi, hemi_keystone: every field has the format"), "{text}");
    assert!(!text.contains("no known mark"), "{text}");
    // Data of a phase-1 stake, known tag or not, and beside them a mark.
    for tag in ["62626e31", "0badcafe"] {
        let payload = format!("{tag}00{MEMBER_KEY}{PROVIDER_KEY}fa00");
        let stake = paying([script(&format!("6a47{payload}"))]);
        let explained: TxExplain = folder.output(&format!("tx explain {}", serialize_hex(&stake)));
        assert_eq!((explained.op_return_tag.as_deref(), explained.marks.len()), (Some(tag), 0));
    }
    // Keys off the curve are no stake's: the bytes are told as what they look like.
    let payload = format!("62626e3100{}{PROVIDER_KEY}fa00", "ff".repeat(32));
    let claimed = paying([script(&format!("6a47{payload}"))]);
    let explained: TxExplain = folder.output(&format!("tx explain {}", serialize_hex(&claimed)));
    assert_eq!(
        (explained.op_return_tag.as_deref(), format(&explained.marks[0])),
        (None, Some("babylon_phase1_stake"))
    );
}
