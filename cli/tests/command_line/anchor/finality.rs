//! `btcstake anchor finality`.

use btcstake::outputs::{AnchorFinality, FinalKeystone};

use super::{digits, keystone};
use crate::fixtures::bitcoin::Served;

const OTHERS: &str = "every keystone that is published counts, and anybody can publish one";

fn finality(served: &Served, more: &str) -> String {
    format!("anchor finality --network regtest {} {more}", served.at())
}

fn found(served: &Served, more: &str, code: i32) -> AnchorFinality {
    served.folder.run(&format!("--json {}", finality(served, more))).output(code)
}

fn short(found: &FinalKeystone) -> (u32, usize, u32, bool) {
    let FinalKeystone { l2_block_number, publication_count, effective_confirmations, super_finality, .. } =
        found;
    (*l2_block_number, *publication_count, *effective_confirmations, *super_finality)
}

#[test]
fn confirmations_are_those_of_the_deepest_descendant() {
    let served = Served::new();
    served.mine(30);
    let [one, two, three, forged] = [keystone(1, 0), keystone(2, 1), keystone(3, 2), keystone(9, 3)];
    let from = served.height() + 1;
    // The second first, and then the first twice in one block's outputs, and again.
    let second = served.publish(&[two.script_pubkey()]);
    served.mine(3);
    let first = served.publish(&[one.script_pubkey(), one.script_pubkey()]);
    served.publish(&[one.script_pubkey()]);
    served.publish(&[forged.script_pubkey()]);
    served.mine(4);
    let tip = served.height();
    assert_eq!(tip, from + 10);
    served.folder.write("hemi.txt", [one, two, three].map(|keystone| digits(&keystone)).join("\n\n"));
    let told = found(&served, &format!("--from {from} --keystones hemi.txt"), 0);
    assert_eq!(
        (told.from_height, told.to_height, told.tip_height, told.super_finality_from),
        (from, tip, tip, 10)
    );
    // The third is not published, and what was forged is not of the chain.
    let shown: Vec<_> = told.keystones.iter().map(short).collect();
    assert_eq!(shown, [(25, 2, 10, true), (50, 1, 10, true), (75, 0, 0, false)]);
    let [of_one, of_two, of_three] = &told.keystones[..] else { panic!("{told:?}") };
    assert_eq!(of_one.confirmed_by, Some(two.hash().to_string()));
    assert_eq!((&of_two.keystone_hash, &of_three.confirmed_by), (&two.hash().to_string(), &None));
    let place = of_one.first_publication.as_ref().unwrap();
    assert_eq!((place.height, &place.txid, place.index), (from + 4, &first.compute_txid().to_string(), 0));
    assert_eq!(of_two.first_publication.as_ref().unwrap().txid, second.compute_txid().to_string());
    let text = served
        .folder
        .run(&finality(&served, &format!("--from {from} --keystones hemi.txt")))
        .ends(0)
        .stdout();
    for words in [
        "3 keystones",
        "10 effective confirmations  super final",
        "not published",
        "confirmed by its descendant",
    ] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    // Who asks of one has a yes or a no.
    let ask = |keystone| format!("--from {from} --keystones hemi.txt --keystone {}", digits(keystone));
    assert_eq!(found(&served, &ask(&one), 0).keystones, told.keystones[..1]);
    assert_eq!(found(&served, &ask(&three), 1).keystones, told.keystones[2..]);
    let not_of_hemi = found(&served, &ask(&forged), 1);
    assert_eq!(short(&not_of_hemi.keystones[0]), (225, 1, 0, false));
    assert!(not_of_hemi.warnings[0].contains("is not in --keystones"), "{not_of_hemi:?}");
    // Without them, whatever is published counts, which is said: the third has the forged one's depth.
    let all = found(&served, &format!("--from {from} --keystone {}", digits(&three)), 1);
    assert!(all.warnings[0].starts_with(OTHERS), "{all:?}");
    assert_eq!(short(&all.keystones[0]), (75, 0, 4, false));
    let all = found(&served, &format!("--from {from}"), 0);
    assert_eq!(all.keystones.iter().map(|found| found.l2_block_number).collect::<Vec<_>>(), [25, 50, 225]);
    // From one block later on the second's publication is not seen.
    let later = found(&served, &format!("--from {} --keystones hemi.txt", from + 1), 0);
    assert_eq!(
        later.keystones.iter().map(short).collect::<Vec<_>>(),
        [(25, 2, 6, false), (50, 0, 0, false), (75, 0, 0, false)]
    );
}

#[test]
fn ranges_and_files_that_are_none_are_named() {
    let served = Served::new();
    let fails = |more: &str, words: &[&str]| served.folder.run(&finality(&served, more)).fails(words);
    fails("", &["--from is absent; must be the height of the first block"]);
    fails("--from 500", &["--from is 500; must be at most 108"]);
    served.folder.write("bad.txt", format!("{}\nzz\n", digits(&keystone(1, 0))));
    fails("--from 100 --keystones bad.txt", &["--keystones bad.txt", "line 2: not hex"]);
    served.folder.write("short.txt", "00\n");
    fails(
        "--from 100 --keystones short.txt",
        &["--keystones short.txt", "line 1", "not a keystone: 1 bytes"],
    );
    fails("--from 100 --keystone 00", &["--keystone", "not a keystone"]);
    served.folder.run("anchor finality --from 5").fails(&["--node"]);
    let empty = found(&served, "--from 108", 0);
    assert!(empty.keystones.is_empty());
}
