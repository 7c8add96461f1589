//! The table of `docs/finality-rules.md` says what the code does.

use std::collections::BTreeMap;

use super::{Stored, all, candidates};
use crate::ConsumerHeight;
use crate::rules::{
    Canonical, ChainState, CosmosRules, FinalityOrder, FinalityRules, GenesisRules, Liveness, RuleSet,
};

const PAGE: &str = include_str!("../../../../docs/finality-rules.md");

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

/// The rows that are computed: each by name, with one cell for each rule set.
fn computed() -> BTreeMap<&'static str, Vec<String>> {
    let sets = all();
    let row = |cell: &dyn Fn(&dyn FinalityRules) -> String| {
        sets.iter().map(|set: &RuleSet| cell(set.rules())).collect::<Vec<_>>()
    };
    let mut rows = BTreeMap::new();
    rows.insert("name", row(&|rules| format!("`{}`", rules.name())));
    rows.insert("exactly two thirds is final", row(&|rules| yes(rules.quorum().unwrap().is_reached(2, 3))));
    rows.insert(
        "in order",
        row(&|rules| {
            match rules.order() {
                FinalityOrder::Sequential { .. } => "yes",
                FinalityOrder::WithAncestors => "final with its ancestors",
                _ => "each height alone",
            }
            .to_owned()
        }),
    );
    rows.insert(
        "heights in one block",
        row(&|rules| match rules.order() {
            FinalityOrder::Sequential { heights_per_block } => heights_per_block.to_string(),
            _ => "–".to_owned(),
        }),
    );
    // A cut at 60 of 121 equal ones: how many, and whether the smaller or the larger keys stay.
    let equal = candidates(&[1; 121]);
    let of = |rules: &dyn FinalityRules| {
        let set = rules.select(&equal);
        let (first, last) = (set.contains(&equal[0].public_key), set.contains(&equal[120].public_key));
        (
            set.len(),
            match (first, last) {
                (true, true) => "–",
                (true, false) => "smaller",
                _ => "larger",
            },
        )
    };
    let cut = [
        of(&GenesisRules { max_active: 60, ..GenesisRules::mainnet() }),
        of(&CosmosRules { max_active: 61, ..CosmosRules::default() }),
        of(sets[2].rules()),
        of(sets[3].rules()),
    ];
    rows.insert(
        "of two equal ones stays the key that is",
        cut.iter().map(|(_, key)| (*key).to_owned()).collect(),
    );
    let more = [cut[0].0 - 60, cut[1].0 - 61];
    rows.insert(
        "most active",
        vec!["60".to_owned(), format!("100 + {}", more[1]), "all".to_owned(), "all".to_owned()],
    );
    assert_eq!(more[0], 0);
    rows.insert(
        "jails",
        row(&|rules| match rules.liveness() {
            Liveness::Window(window) => {
                format!("more than {} of {} missed", window.max_missed(), window.window_blocks)
            }
            Liveness::Silence { window_blocks, .. } => format!("silent for {window_blocks}"),
            Liveness::None => "nobody".to_owned(),
        }),
    );
    rows.insert(
        "canonical in evidence",
        row(&|rules| {
            match rules.canonical() {
                Canonical::OfTheChain => "the chain's block",
                Canonical::FirstSeen => "first seen",
                Canonical::NoEvidence => "no evidence",
            }
            .to_owned()
        }),
    );
    rows.insert("a proposal ends a halt", row(&|rules| yes(rules.can_resume())));
    rows.insert(
        "passes over heights without providers",
        row(&|rules| {
            let changes = ChainState::default().tally(rules, &Stored::default(), ConsumerHeight(1));
            yes(!changes.is_empty())
        }),
    );
    rows
}

#[test]
fn table_says_what_the_code_does() {
    let mut rows = computed();
    let expected = rows.len();
    let mut read = 0;
    for line in PAGE.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Some(values) = rows.remove(cells[0]) else { continue };
        // The cells' first words are computed; what stands in brackets explains them.
        let found: Vec<_> =
            cells[1..5].iter().map(|cell| cell.split(" (").next().unwrap_or_default()).collect();
        assert_eq!(found, values, "{}", cells[0]);
        read += 1;
    }
    assert_eq!((read, rows.keys().collect::<Vec<_>>()), (expected, vec![]), "rows that the page lacks");
}
