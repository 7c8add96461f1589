//! `btcstake anchor publish`; the engine judges what is built.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, Psbt, Sequence, Transaction};
use btcstake::outputs::{AnchorExplain, AnchorFinality, AnchorPublish};
use chain::Lookup as _;

use super::{KEYSTONE, digits, keystone};
use crate::fixtures::bitcoin::Served;
use crate::fixtures::node::{flag, wallet, wallet_address};
use crate::fixtures::process::Folder;

const COIN: &str = "0707070707070707070707070707070707070707070707070707070707070707:0:100000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b";

fn publish(keystone: &str, coin: &str, more: &str) -> String {
    let change = wallet_address();
    format!(
        "anchor publish --keystone {keystone} --coin {coin} --network regtest --change {change} --fee-rate 5 {more}"
    )
}

#[test]
fn psbt_pays_a_change_and_the_keystone() {
    let folder = Folder::new();
    let line = publish(KEYSTONE, COIN, "");
    let built: AnchorPublish = folder.output(&line);
    let hash = "1531758580cb7114137d618bc4f4035f1820d0f24b7f4cc3bd4f85d386b2dcc2";
    assert_eq!((built.keystone_hash.as_str(), built.l2_block_number), (hash, 2_634_175));
    assert_eq!((&built.transaction, built.known_to_node), (&None, None));
    let psbt: Psbt = built.psbt.parse().unwrap();
    assert_eq!(folder.psbt(&line), psbt);
    let Transaction { version, input, output, .. } = &psbt.unsigned_tx;
    assert_eq!((version.0, input.len(), output.len()), (2, 1, 2));
    assert_eq!(input[0].sequence, Sequence::ENABLE_RBF_NO_LOCKTIME);
    assert_eq!((output[0].script_pubkey.clone(), output[1].value), (wallet(), Amount::ZERO));
    assert_eq!(output[1].script_pubkey.to_hex_string(), KEYSTONE);
    // 5 sat for each of its virtual bytes.
    let most = 5 * built.vsize as u64;
    assert!((most - 4..=most).contains(&built.fee_sat), "{built:?}");
    assert_eq!(output[0].value.to_sat(), 100_000 - built.fee_sat);
    assert_eq!(built.txid, psbt.unsigned_tx.compute_txid().to_string());
    let told: AnchorExplain = folder.output(&format!("anchor explain {}", built.psbt));
    assert_eq!(told.marks[0].mark.as_ref().unwrap().mark_format, "hemi_keystone");
    // The same keystone in each of its forms.
    folder.write("keystone.bin", hex::decode(&KEYSTONE[6..]).unwrap());
    for keystone in [&KEYSTONE[6..], &KEYSTONE[14..], "@keystone.bin"] {
        assert_eq!(folder.output::<AnchorPublish>(&publish(keystone, COIN, "")), built);
    }
    let version2 = folder.output::<AnchorPublish>(&publish(KEYSTONE, COIN, "--psbt-version 2 --format hex"));
    assert!(version2.psbt.starts_with("70736274ff"), "{version2:?}");
}

#[test]
fn what_is_no_keystone_or_does_not_pay_is_named() {
    let folder = Folder::new();
    let fails = |keystone: &str, coin: &str, words: &[&str]| {
        folder.run(&publish(keystone, coin, "")).fails(words);
    };
    let data = &KEYSTONE[6..];
    let other_version = format!("48454d4902{}", &data[10..]);
    for (near, words) in [
        (&data[..data.len() - 2], "79 bytes that begin with HEMI; must be 80, of version 1"),
        (other_version.as_str(), "80 bytes that begin with HEMI; must be 80, of version 1"),
        (&data[10..], "not a keystone: 75 bytes"),
        ("00", "not a keystone: 1 bytes"),
        ("zz", "not hex"),
    ] {
        fails(near, COIN, &["--keystone", words]);
    }
    let worth = |satoshis: &str| COIN.replace(":100000:", &format!(":{satoshis}:"));
    fails(KEYSTONE, &worth("100"), &["--coin", "the coin is worth", "must be worth at least the fee"]);
    fails(KEYSTONE, &worth("1100"), &["--coin", "the change is", "or nodes do not relay it"]);
    fails(KEYSTONE, "07:0:1:51", &["--coin", "TXID"]);
    let line = publish(KEYSTONE, COIN, "");
    folder
        .run(&line.replace("--network regtest", "--network signet"))
        .fails(&["--change", "must be of signet"]);
    folder.run(&line.replace("--fee-rate 5", "--fee-rate 0")).fails(&["--fee-rate"]);
    folder.run(&format!("{line} --broadcast")).fails(&["--node"]);
    let unsigned = format!("{line} --broadcast --node http://127.0.0.1:1");
    folder.run(&unsigned).fails(&["--broadcast takes a signed transaction", "--secret-key-file"]);
    // A key that the coin is not of.
    folder.run(&format!("{line} --secret-key-file member.key")).fails(&["--secret-key-file"]);
    // A fee above a tenth of the coin is questioned.
    let run = folder.run(&publish(KEYSTONE, &worth("8000"), ""));
    run.warns(0, &["is more than a tenth of the 8000 sat"]);
}

#[test]
fn signed_and_broadcast_it_is_published() {
    let served = Served::new();
    let coins = served.chain.coins(&wallet()).unwrap();
    let [first, second] = [1, 2].map(|number| digits(&keystone(number, number - 1)));
    let node = served.at();
    // Signed here, and sent.
    let line = publish(&first, &flag(&coins[0]), "--secret-key-file wallet.key");
    let sent: AnchorPublish = served.folder.output(&format!("{line} --broadcast {node}"));
    assert_eq!((sent.known_to_node, &sent.reason), (Some(true), &None));
    let transaction: Transaction = deserialize_hex(sent.transaction.as_ref().unwrap()).unwrap();
    assert_eq!(transaction.compute_txid().to_string(), sent.txid);
    // What is estimated of a key's signature is what it takes.
    let estimated: AnchorPublish = served.folder.output(&publish(&first, &flag(&coins[0]), ""));
    assert_eq!((transaction.vsize(), sent.fee_sat), (estimated.vsize, estimated.fee_sat));
    // Signed elsewhere, and finalized only.
    served
        .folder
        .write("unsigned.psbt", served.folder.run(&publish(&second, &flag(&coins[1]), "")).ends(0).stdout());
    let signed = served.folder.run("psbt sign --psbt @unsigned.psbt --secret-key-file wallet.key").ends(0);
    served.folder.write("signed.psbt", signed.stdout());
    let line = publish(&second, &flag(&coins[1]), "--signed @signed.psbt");
    let built: AnchorPublish = served.folder.output(&line);
    assert_eq!(built.known_to_node, None);
    served.folder.write("second.tx", served.folder.run(&line).ends(0).stdout());
    served.confirm_file("second.tx");
    let height = served.height();
    let found: AnchorFinality = served
        .folder
        .run(&format!("--json anchor finality --network regtest {node} --from {height}"))
        .output(0);
    let published: Vec<_> =
        found.keystones.iter().map(|found| found.first_publication.clone().unwrap().txid).collect();
    assert_eq!(published, [sent.txid.clone(), built.txid]);
    // The coin is spent.
    let again = publish(&second, &flag(&coins[0]), "--secret-key-file wallet.key");
    let rejected: AnchorPublish = served.folder.run(&format!("--json {again} --broadcast {node}")).output(1);
    assert_eq!(
        (rejected.known_to_node, rejected.rejection_class.as_deref()),
        (Some(false), Some("missing-inputs"))
    );
    let text = served.folder.run(&format!("{again} --broadcast {node}")).ends(1).stdout();
    assert!(text.starts_with("rejected: ") && text.contains("missing-inputs"), "{text}");
    // A PSBT of another transaction.
    let other = publish(&first, &flag(&coins[1]), "--signed @signed.psbt");
    served.folder.run(&other).fails(&["--signed"]);
}
