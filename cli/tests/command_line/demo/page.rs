//! `btcstake demo --report`: the page, read back as the XML that it is besides.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Script, Transaction};
use btcstake::outputs::{Demo, DemoStep};
use roxmltree::{Document, Node, ParsingOptions};
use staking_scripts::outputs::LeafKeys;

use crate::fixtures::process::Folder;

const SEED: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";

/// What was played, and the page about it.
fn play(scenario: &str) -> (Demo, String) {
    let folder = Folder::new();
    let demo = folder.output(&format!("demo --scenario {scenario} --seed {SEED} --report page.html"));
    (demo, folder.read("page.html"))
}

/// It must be well-formed: every tag closed, every attribute once, everything escaped.
fn read(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap()
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect()
}

fn elements<'a, 'i>(node: Node<'a, 'i>, class: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    let has = move |node: &Node<'_, '_>| {
        node.attribute("class").is_some_and(|classes| classes.split(' ').any(|one| one == class))
    };
    node.descendants().filter(has)
}

fn by_id<'a, 'i>(page: &'a Document<'i>, id: &str) -> Node<'a, 'i> {
    let found = page.descendants().find(|node| node.attribute("id") == Some(id));
    found.unwrap_or_else(|| panic!("nothing has the id {id}"))
}

/// The steps of all scenarios, each with its id in the page.
fn steps(demo: &Demo) -> Vec<(String, &DemoStep)> {
    let steps = demo.scenarios.iter().flat_map(|scenario| {
        (1..).zip(&scenario.steps).map(|(number, step)| (format!("{}-{number}", scenario.name), step))
    });
    steps.collect()
}

#[test]
fn page_asks_for_nothing_else_and_runs_no_scripts() {
    let (_, page) = play("all");
    for word in [
        "http:",
        "https:",
        "//",
        "<script",
        "src=",
        "url(",
        "@import",
        "@font-face",
        "onclick",
        "srcset",
        "<iframe",
    ] {
        assert!(!page.contains(word), "{word} in the page");
    }
    let document = read(&page);
    let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id stands twice");
    for node in document.descendants() {
        let Some(link) = node.attribute("href") else { continue };
        assert!(link == "data:," || link.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{link}");
    }
}

#[test]
fn headings_make_an_outline() {
    let (_, page) = play("slash-unbonding");
    let document = read(&page);
    let levels = document
        .descendants()
        .filter_map(|node| node.tag_name().name().strip_prefix('h')?.parse::<u8>().ok());
    let levels: Vec<_> = levels.collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(levels.starts_with(&[1]) && levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
}

#[test]
fn steps_are_all_there_with_their_figures() {
    let (demo, page) = play("all");
    let document = read(&page);
    let (mut confirmed, mut refused) = (0, 0);
    for (id, step) in steps(&demo) {
        let card = by_id(&document, &id);
        let told = text(card);
        assert!(told.contains(&step.name), "{id}: {told}");
        let Some(txid) = &step.txid else { continue };
        let (fee_sat, vsize) = (step.fee_sat.unwrap(), step.vsize.unwrap());
        let fee = fee_sat.to_string();
        assert!(
            card.descendants().any(|node| node.has_tag_name("data") && node.attribute("value") == Some(&fee)),
            "{id}"
        );
        let rate = (fee_sat as f64 / vsize as f64 * 10.0).floor() / 10.0;
        let (size, rate) = (format!("{vsize}\u{202f}vB"), format!("{rate:.1}\u{202f}sat/vB"));
        for words in [txid, step.transaction.as_ref().unwrap(), &size, &rate] {
            assert!(told.contains(words), "{id} has no {words}");
        }
        if let Some(reason) = &step.reason {
            assert!(told.contains("refused") && told.contains(reason), "{id}: {told}");
            refused += 1;
        } else {
            assert!(told.contains(&format!("block {}", step.height.unwrap())), "{id}: {told}");
            confirmed += 1;
        }
    }
    assert_eq!((confirmed, refused), (15, 13));
    for scenario in &demo.scenarios {
        let section = by_id(&document, &scenario.name);
        assert_eq!(text(elements(section, "status").next().unwrap()), scenario.final_status);
    }
}

#[test]
fn keys_of_those_who_take_part_are_listed_and_no_others() {
    for (scenario, count) in [("slash", 1 + 2 + 9), ("extend", 1 + 3 + 10)] {
        let (_, page) = play(scenario);
        let document = read(&page);
        let keys =
            elements(document.root(), "keys").flat_map(|keys| keys.children().filter(Node::is_element));
        assert_eq!(keys.count(), count, "{scenario}");
    }
}

/// The signs that are filled in are those of the keys whose places in the witness are, by the page's own list
/// of keys.
#[test]
fn signers_are_read_from_the_witnesses() {
    let (demo, page) = play("all");
    let document = read(&page);
    let entries = elements(document.root(), "keys").flat_map(|keys| keys.children().filter(Node::is_element));
    let signs: BTreeMap<_, _> = entries
        .map(|entry| {
            text(entry).split_once(' ').map(|(sign, key)| (key.to_owned(), sign.to_owned())).unwrap()
        })
        .collect();
    assert_eq!(signs.len(), 14);
    let mut seen = BTreeSet::new();
    for (id, step) in steps(&demo).into_iter().filter(|(_, step)| step.path.is_some()) {
        let transaction: Transaction = deserialize_hex(step.transaction.as_ref().unwrap()).unwrap();
        let witness: Vec<_> = transaction.input[0].witness.iter().collect();
        let [places @ .., script, _] = witness.as_slice() else { panic!("{witness:?}") };
        let keys = LeafKeys::from_script(Script::from_bytes(script)).unwrap();
        let of = |empty: bool| -> BTreeSet<_> {
            let places = keys.in_script_order().zip(places.iter().rev());
            places
                .filter(|(_, place)| place.is_empty() == empty)
                .map(|(key, _)| signs[&key.to_string()].clone())
                .collect()
        };
        // A refused one has its signs inside its box, and one that was taken has them at the line that leads
        // to it.
        let card = by_id(&document, &id);
        let drawn = if step.reason.is_none() { card.prev_sibling_element().unwrap() } else { card };
        let line = elements(drawn, "chips").next().unwrap();
        let empty: BTreeSet<_> = elements(line, "empty").map(text).collect();
        let filled: BTreeSet<_> =
            elements(line, "chip").map(text).filter(|sign| !empty.contains(sign)).collect();
        assert_eq!((&filled, &empty), (&of(false), &of(true)), "{id}");
        // In the witness itself, each place is named after its key.
        let labels: Vec<_> = elements(elements(card, "witness").next().unwrap(), "label").map(text).collect();
        let role = |sign: &str| {
            sign.replace('S', "the staker")
                .replace('P', "finality provider ")
                .replace('C', "covenant member ")
        };
        for ((label, key), place) in labels.iter().zip(keys.in_script_order().rev()).zip(places) {
            let size = if place.is_empty() { "empty".to_owned() } else { format!("{} bytes", place.len()) };
            assert_eq!(*label, format!("place of {}, {size}", role(&signs[&key.to_string()])), "{id}");
        }
        assert_eq!(labels.len(), witness.len(), "{id}");
        seen.insert((places.len(), empty.len()));
    }
    // On the timelock path the staker; and with 9 members, or 9 and 2 providers, none, one too few, or enough
    // of them.
    assert_eq!(seen, BTreeSet::from([(1, 0), (10, 3), (10, 4), (10, 9), (12, 4), (12, 5)]));
}

/// From the block that made an output to the one that spent it.
#[test]
fn outputs_are_drawn_over_the_heights() {
    let (demo, page) = play("all");
    let document = read(&page);
    for scenario in &demo.scenarios {
        let figure = elements(by_id(&document, &scenario.name), "lifeline").next().unwrap();
        let drawing = figure.descendants().find(|node| node.has_tag_name("svg")).unwrap();
        let told = drawing.attribute("aria-label").unwrap();
        let confirmed: Vec<_> = scenario.steps.iter().filter(|step| step.height.is_some()).collect();
        for pair in confirmed.windows(2) {
            let (from, to) = (pair[0].height.unwrap(), pair[1].height.unwrap());
            let path = pair[1].path.as_ref().unwrap();
            assert!(told.contains(&format!("blocks {from} to {to}, {path} path")), "{told}");
        }
        assert_eq!(elements(figure, "bar").count(), confirmed.len() - 1);
        let whole = |bar: Node<'_, '_>, name: &str| -> f64 {
            bar.attribute(name).unwrap().strip_suffix('%').unwrap().parse().unwrap()
        };
        let bars: Vec<_> =
            elements(figure, "bar").map(|bar| (whole(bar, "x"), whole(bar, "width"))).collect();
        // They follow each other from the left end to the right.
        let mut end = 1.0;
        for (start, width) in bars {
            assert!((start - end).abs() < 0.02, "{start} after {end}");
            end = start + width;
        }
        assert!((end - 99.0).abs() < 0.02, "{end}");
    }
}

#[test]
fn scripts_are_explained_line_by_line() {
    let (_, page) = play("extend");
    let document = read(&page);
    let scripts = by_id(&document, "scripts");
    let remarks: Vec<_> = elements(scripts, "remark").map(text).collect();
    assert!(remarks.iter().all(|remark| !remark.trim().is_empty()));
    for words in [
        "S the key of the staker",
        "P3 the key of finality provider 3",
        "C10 the key of covenant member 10",
        "the timelock: 150 blocks",
        "the timelock: 180 blocks",
        "the quorum: 6 of 9 covenant members",
        "1 of 3 finality providers",
        "starts the count: 1 if",
        "the hash of the unbonding leaf beside it",
        "the hash of the branch with the two other leaves",
    ] {
        assert!(remarks.iter().any(|remark| remark.contains(words)), "no {words:?} in {remarks:#?}");
    }
    // Two outputs, with three leaves each.
    assert_eq!(elements(scripts, "leaf").count(), 6);
}

/// The two votes stand there, so anyone can take the key from the page; the key itself does not.
#[test]
fn votes_give_the_key_which_is_not_printed() {
    let (_, page) = play("slash");
    let document = read(&page);
    let figure = elements(document.root(), "votes").next().unwrap();
    let values: Vec<_> = elements(figure, "long").map(|node| hex::decode(text(node)).unwrap()).collect();
    let [block, s, fork, s_fork, public_randomness, public_key, extracted] = values.as_slice() else {
        panic!("{values:?}")
    };
    let vote = |block: &[u8]| [&4u64.to_be_bytes(), block].concat();
    let key = eots::extract(
        &eots::XOnlyPublicKey::from_slice(public_key).unwrap(),
        &eots::PublicRandomness::from_bytes(public_randomness.as_slice().try_into().unwrap()),
        (&vote(block), &eots::Signature::from_bytes(s.as_slice().try_into().unwrap()).unwrap()),
        (&vote(fork), &eots::Signature::from_bytes(s_fork.as_slice().try_into().unwrap()).unwrap()),
    );
    let key = key.unwrap();
    assert_eq!(extracted, public_key);
    assert!(text(figure).contains("this is P"));
    for parity in [eots::Parity::Even, eots::Parity::Odd] {
        assert!(!page.contains(&hex::encode(key.with_parity(parity).to_bytes().as_slice())));
    }
}

/// What the signer refused stands beside what it was asked, and no key does.
#[test]
fn refusal_of_the_signer_is_told() {
    let (demo, page) = play("signer");
    let document = read(&page);
    let refused: Vec<_> =
        steps(&demo).into_iter().filter(|(_, step)| step.reason.is_some() && step.txid.is_none()).collect();
    let [(id, step)] = refused.as_slice() else { panic!("{refused:?}") };
    let told = text(by_id(&document, id));
    let reason = step.reason.as_ref().unwrap();
    assert!(told.contains(&format!("refused by the signer: {reason}")), "{told}");
    // The figure of the votes is the one of the scenario without a signer.
    let votes = |page: &str| text(elements(read(page).root(), "votes").next().unwrap());
    assert_eq!(votes(&page), votes(&play("slash").1));
}

#[test]
fn seed_gives_the_same_page_again() {
    assert_eq!(play("unbond").1, play("unbond").1);
}

#[test]
fn text_and_json_are_the_same_with_a_page() {
    let folder = Folder::new();
    let told = folder.run("demo --scenario unbond --report page.html").ends(0).stdout();
    assert_eq!(told.lines().filter(|line| *line == "The report is in page.html.").count(), 1, "{told}");
    let with = folder.json(&format!("demo --scenario unbond --seed {SEED} --report other.html"));
    assert_eq!(with, folder.json(&format!("demo --scenario unbond --seed {SEED}")));
}

/// The node given would be asked first otherwise, and is not there.
#[test]
fn file_that_is_there_is_left_alone_and_nothing_is_played() {
    let folder = Folder::new();
    folder.write("page.html", "mine");
    folder.run("demo --node http://127.0.0.1:1 --report page.html").fails(&["--report page.html", "exists"]);
    assert_eq!(folder.read("page.html"), "mine");
    folder
        .run("demo --node http://127.0.0.1:1 --report nowhere/page.html")
        .fails(&["--report nowhere/page.html", "No such file"]);
}

#[test]
fn file_of_a_demo_that_fails_is_not_left() {
    let folder = Folder::new();
    folder.run("demo --node http://127.0.0.1:1 --report page.html").fails(&["--node"]);
    assert!(!folder.path().join("page.html").exists());
}
