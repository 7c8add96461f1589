//! The active set: ties, cuts, pages.

use secp256k1::XOnlyPublicKey;

use super::{all, candidates, gadget, genesis, rollup, sorted_keys};
use crate::rules::{ActiveSet, CosmosRules, FinalityRules, GenesisRules};

fn members(set: &ActiveSet) -> Vec<XOnlyPublicKey> {
    set.iter().map(|(key, _)| *key).collect()
}

/// Babylon Genesis keeps the smaller of two equal keys at the cut.
#[test]
fn genesis_cuts_at_sixty_and_keeps_the_smaller_key() {
    let keys = sorted_keys(61);
    let of = |powers: &[u64]| members(&genesis().select(&candidates(powers)));
    assert_eq!(of(&[1; 60]).len(), 60);
    assert_eq!(of(&[1; 61]), keys[..60], "the largest key is cut");
    let mut powers = [5; 61];
    powers[60] = 6;
    assert_eq!(of(&powers).len(), 60);
    assert!(of(&powers).contains(&keys[60]) && !of(&powers).contains(&keys[59]));
    // One who cannot vote takes no place.
    let mut seventy = candidates(&[9; 70]);
    seventy[0].jailed = true;
    seventy[1].slashed = true;
    seventy[2].timestamped = false;
    seventy[3].power_sat = 0;
    let keys = sorted_keys(70);
    assert_eq!(members(&genesis().select(&seventy)), keys[4..64]);
    let two = GenesisRules { max_active: 2, ..genesis() };
    assert_eq!(members(&two.select(&candidates(&[1, 2, 2, 2]))), sorted_keys(4)[1..3]);
}

/// The contract takes pages of 30, the larger key first among equals, and never cuts one.
#[test]
fn cosmos_takes_whole_pages_and_the_larger_key_first() {
    let rules = |max_active| CosmosRules { max_active, ..CosmosRules::default() };
    let count = |max_active, powers: &[u64]| rules(max_active).select(&candidates(powers)).len();
    // (max_active, candidates, active)
    let cases = [
        (1, 200, 30),
        (29, 200, 30),
        (30, 200, 30),
        (31, 200, 60),
        (60, 200, 60),
        (61, 200, 90),
        (100, 200, 120),
        // 100 is reached only in the page that ends at 120: here 29 more.
        (91, 200, 120),
        (100, 119, 119),
        (100, 95, 95),
        (0, 200, 0),
    ];
    for (max_active, total, active) in cases {
        assert_eq!(count(max_active, &vec![7; total]), active, "max {max_active} of {total}");
    }
    let keys = sorted_keys(31);
    assert_eq!(members(&rules(30).select(&candidates(&[7; 31]))), keys[1..], "the smallest key is cut");
    // One who cannot vote takes a place in its page: 30 asked for, 29 found, so the next page comes.
    let mut many = candidates(&[7; 90]);
    many[89].jailed = true;
    assert_eq!(rules(30).select(&many).len(), 59);
    let mut first_page = candidates(&[7; 90]);
    first_page[60..].iter_mut().for_each(|candidate| candidate.timestamped = false);
    assert_eq!(members(&rules(1).select(&first_page)), sorted_keys(90)[30..60]);
}

#[test]
fn rollup_and_gadget_cut_nobody() {
    let many = candidates(&[7; 300]);
    assert_eq!(rollup(5).select(&many).len(), 300);
    assert_eq!(gadget().select(&many).len(), 300);
    let mut few = candidates(&[1, 2, 3, 4, 0]);
    few[0].jailed = true;
    few[1].slashed = true;
    few[2].timestamped = false;
    let keys = sorted_keys(5);
    // Neither knows a jail; the gadget does not look at randomness.
    assert_eq!(members(&rollup(5).select(&few)), [keys[0], keys[3]]);
    assert_eq!(members(&gadget().select(&few)), [keys[0], keys[2], keys[3]]);
    let mut listed = rollup(5);
    listed.allowed = Some([keys[2], keys[3]].into());
    assert_eq!(members(&listed.select(&few)), [keys[3]]);
}

#[test]
fn powers_are_summed_once_and_without_overflow() {
    for rules in all() {
        let set = rules.rules().select(&candidates(&[u64::MAX; 30]));
        assert_eq!(set.total_sat(), 30 * u128::from(u64::MAX));
        let keys = sorted_keys(30);
        assert_eq!(set.voted_sat([&keys[0], &keys[0]]), u128::from(u64::MAX), "one vote counts once");
        let without = set.without_power_of(&[keys[0]].into());
        assert_eq!((without.len(), without.power_sat(&keys[0])), (30, 0));
    }
}
