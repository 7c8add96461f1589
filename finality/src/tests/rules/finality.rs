//! Quorums, sequential finality, halts, reorganizations.

use super::{Stored, all, gadget, genesis, rollup, set, sorted_keys};
use crate::ConsumerHeight;
use crate::rules::{
    ChainState, Change, CosmosRules, Finality, FinalityRules, Moment, Quorum, ResumeProposal, ResumeRefusal,
    UnixTime,
};

fn heights(first: u64, last: u64) -> (ConsumerHeight, ConsumerHeight) {
    (ConsumerHeight(first), ConsumerHeight(last))
}

fn finals(first: u64, last: u64) -> Change {
    let (first, last) = heights(first, last);
    Change::Final { first, last }
}

fn passed_over(first: u64, last: u64) -> Change {
    let (first, last) = heights(first, last);
    Change::PassedOver { first, last }
}

#[test]
fn quorums_differ_at_exact_thirds_alone() {
    use Quorum::{MoreThanTwoThirds, TwoThirds};
    // (voted, total, chain, gadget)
    let cases = [
        (0, 0, false, false),
        (0, 1, false, false),
        (1, 1, true, true),
        (2, 3, false, true),
        (3, 3, true, true),
        (3, 4, true, true),
        (66, 100, false, false),
        (67, 100, true, true),
        (66, 99, false, true),
        (2_099_999_999_999_998, 3_149_999_999_999_997, false, true),
        (2_099_999_999_999_999, 3_149_999_999_999_997, true, true),
        (2_099_999_999_999_997, 3_149_999_999_999_997, false, false),
        (u128::from(u64::MAX) * 2, u128::from(u64::MAX) * 3, false, true),
    ];
    for (voted, total, chain, gadget) in cases {
        assert_eq!(MoreThanTwoThirds.is_reached(voted, total), chain, "{voted} of {total}");
        assert_eq!(TwoThirds.is_reached(voted, total), gadget, "{voted} of {total}");
    }
    for total in 1..1000 {
        for quorum in [MoreThanTwoThirds, TwoThirds] {
            let least = quorum.least_sat(total);
            assert!(quorum.is_reached(least, total) && !quorum.is_reached(least - 1, total), "{total}");
        }
    }
    let at_two_thirds: Vec<_> =
        all().iter().map(|rules| rules.rules().quorum().unwrap().is_reached(2, 3)).collect();
    assert_eq!(at_two_thirds, [false, false, false, true]);
}

/// Heights without providers are passed over; one that is not final holds up the rest.
#[test]
fn chains_finalize_in_order() {
    let genesis = genesis();
    let cosmos = CosmosRules::default();
    for rules in [&genesis as &dyn FinalityRules, &cosmos] {
        let mut votes =
            Stored::of(&[1, 1, 1], 9, |height| if height == 6 { vec![0, 1] } else { vec![0, 1, 2] });
        votes.sets.remove(&ConsumerHeight(1));
        votes.sets.insert(ConsumerHeight(4), set(&[]));
        let mut state = ChainState::default();
        let changes = state.tally(rules, &votes, ConsumerHeight(9));
        assert_eq!(changes, [passed_over(1, 1), finals(2, 3), passed_over(4, 4), finals(5, 5)]);
        state.apply_all(&changes);
        state.apply_all(&changes);
        let answers: Vec<_> = (0..8).map(|height| state.finality(rules, ConsumerHeight(height))).collect();
        use Finality::{BeforeActivation, Final, NeverFinal, NotYet};
        assert_eq!(answers, [BeforeActivation, NeverFinal, Final, Final, NeverFinal, Final, NotYet, NotYet]);
        assert_eq!(state.last_final_in(rules, ConsumerHeight(2), ConsumerHeight(9)), Some(ConsumerHeight(3)));
        assert_eq!(state.last_final_in(rules, ConsumerHeight(5), ConsumerHeight(9)), Some(ConsumerHeight(5)));
        assert_eq!(state.last_final_in(rules, ConsumerHeight(4), ConsumerHeight(9)), None);
        assert_eq!(state.last_final_in(rules, ConsumerHeight(5), ConsumerHeight(4)), None);
        // The third vote comes late: all that waited is final at once.
        votes.voters.get_mut(&ConsumerHeight(6)).unwrap().push(sorted_keys(3)[2]);
        assert_eq!(state.tally(rules, &votes, ConsumerHeight(9)), [finals(6, 9)]);
        assert_eq!(state.tally(rules, &votes, ConsumerHeight(5)), [], "no block beyond the tip");
    }
}

#[test]
fn one_block_looks_at_so_many_heights() {
    let votes = Stored::of(&[1], 10_101, |_| vec![0]);
    let run =
        |rules: &dyn FinalityRules, tip| ChainState::default().tally(rules, &votes, ConsumerHeight(tip));
    assert_eq!(run(&genesis(), 10_101), [finals(1, 10_000)]);
    assert_eq!(run(&CosmosRules::default(), 10_101), [finals(1, 200)]);
    let mut state = ChainState::default();
    state.apply(&finals(1, 200));
    let next = state.tally(&CosmosRules::default(), &votes, ConsumerHeight(10_101));
    assert_eq!(next, [finals(201, 400)]);
    // Those that are passed over count as well.
    let nobody = Stored::default();
    let changes = ChainState::default().tally(&CosmosRules::default(), &nobody, ConsumerHeight(1000));
    assert_eq!(changes, [passed_over(1, 200)]);
    // Activation comes first.
    let late = CosmosRules { activation_height: ConsumerHeight(50), ..CosmosRules::default() };
    assert_eq!(run(&late, 60), [finals(50, 60)]);
    assert_eq!(run(&late, 49), []);
}

/// The gadget counts each height by itself; exactly two thirds pass.
#[test]
fn gadget_waits_for_nobody() {
    let votes = Stored::of(&[1, 1, 1], 5, |height| if height == 3 { vec![0] } else { vec![0, 1] });
    let mut state = ChainState::default();
    let changes = state.tally(&gadget(), &votes, ConsumerHeight(5));
    state.apply_all(&changes);
    assert_eq!(state.final_heights.ranges(), [heights(1, 2), heights(4, 5)]);
    assert_eq!(state.last_final_in(&gadget(), ConsumerHeight(1), ConsumerHeight(5)), Some(ConsumerHeight(2)));
    assert_eq!(state.finality(&gadget(), ConsumerHeight(3)), Finality::NotYet);
    assert_eq!(state.tally(&gadget(), &votes, ConsumerHeight(5)), [], "nothing is final twice");
    let off = crate::rules::GadgetRules { enabled: false, ..gadget() };
    let answer = state.finality(&off, ConsumerHeight(3));
    assert_eq!((answer, answer.is_final(), answer.gadget_answer()), (Finality::NotEnabled, false, true));
    assert_eq!(state.last_final_in(&off, ConsumerHeight(3), ConsumerHeight(9)), Some(ConsumerHeight(9)));
    let nobody = Stored { sets: [(ConsumerHeight(1), set(&[]))].into(), ..Stored::default() };
    assert_eq!(state.count(&gadget(), &nobody, ConsumerHeight(9)), [], "no power is no quorum");
}

/// A rollup is voted on at every fifth height, and its readers take the ancestors of a final block for final.
#[test]
fn rollup_counts_at_its_interval_if_at_all() {
    let rules = rollup(5);
    let votes = Stored::of(&[1, 1, 1, 1], 17, |height| match height {
        // Everybody voted at a height that is not voted on.
        12 | 11 => vec![0, 1, 2],
        6 => vec![0],
        _ => vec![],
    });
    let changes = ChainState::default().tally(&rules, &votes, ConsumerHeight(17));
    assert_eq!(changes, [finals(1, 11)]);
    let mut state = ChainState::default();
    state.apply_all(&changes);
    let answers = [6, 11, 12].map(|height| state.finality(&rules, ConsumerHeight(height)));
    assert_eq!(answers, [Finality::Final, Finality::Final, Finality::NotYet]);
    let contract = crate::rules::RollupRules { reader_quorum: None, ..rules };
    assert_eq!(ChainState::default().tally(&contract, &votes, ConsumerHeight(17)), []);
    assert_eq!(state.finality(&contract, ConsumerHeight(6)), Finality::NotCounted);
}

#[test]
fn reorganized_heights_are_counted_again() {
    let votes = Stored::of(&[1], 9, |_| vec![0]);
    for rules in all() {
        let rules = rules.rules();
        let mut state = ChainState::default();
        state.apply_all(&state.clone().tally(rules, &votes, ConsumerHeight(9)));
        let (change, lost) = state.disconnect(ConsumerHeight(6));
        assert_eq!(lost, [heights(7, 9)], "the caller must hear of it");
        state.apply(&change);
        assert_eq!(state.last_final_height(), Some(ConsumerHeight(6)));
        state.apply_all(&state.clone().tally(rules, &votes, ConsumerHeight(8)));
        assert_eq!(state.final_heights.ranges(), [heights(1, 8)]);
        assert_eq!(state.disconnect(ConsumerHeight(8)).1, []);
    }
}

/// A halt at height 5: two of five do not vote. The proposal jails them and takes their power from there on.
#[test]
fn proposal_ends_a_halt() {
    let keys = sorted_keys(5);
    let rules = genesis();
    let mut votes =
        Stored::of(&[1; 5], 8, |height| if height < 5 { vec![0, 1, 2, 3] } else { vec![0, 1, 2] });
    let mut state = ChainState::default();
    let (_, entered) = state.begin_block(&rules, ConsumerHeight(1), &super::candidates(&[1; 5]));
    state.apply_all(&entered);
    let block = Moment { height: ConsumerHeight(8), time: UnixTime(1000) };
    state.apply_all(&state.clone().end_block(&rules, &votes, block));
    assert_eq!(state.last_final_height(), Some(ConsumerHeight(4)), "three of five are not enough");

    let halt = state.halt(&rules, &votes, ConsumerHeight(8)).unwrap();
    assert_eq!((halt.height, halt.blocks_since), (ConsumerHeight(5), 3));
    assert_eq!((halt.voted_sat, halt.needed_sat), (3, 4));
    assert_eq!(halt.silent.iter().map(|provider| provider.public_key).collect::<Vec<_>>(), keys[3..]);
    assert_eq!(state.halt(&rules, &votes, ConsumerHeight(4)), None, "nothing waits");
    assert_eq!(state.halt(&gadget(), &votes, ConsumerHeight(8)), None, "heights do not wait for each other");

    let named = |providers: &[usize], halting| ResumeProposal {
        providers: providers.iter().map(|index| keys[*index]).collect(),
        halting_height: ConsumerHeight(halting),
    };
    let refused = |proposal| state.resume(&rules, &votes, &proposal, block).unwrap_err();
    let (halting_height, tip_height) = heights(9, 8);
    assert_eq!(refused(named(&[3], 9)), ResumeRefusal::HaltInFuture { halting_height, tip_height });
    assert!(matches!(refused(named(&[3], 0)), ResumeRefusal::HaltBeforeActivation { .. }));
    let halting_height = ConsumerHeight(5);
    assert_eq!(refused(named(&[3, 0], 5)), ResumeRefusal::HasVoted { provider: keys[0], halting_height });
    let stranger = sorted_keys(9).into_iter().find(|key| !keys.contains(key)).unwrap();
    let unknown = ResumeProposal { providers: [stranger].into(), halting_height };
    assert_eq!(refused(unknown), ResumeRefusal::NeverActive(stranger));
    for other in [&CosmosRules::default() as &dyn FinalityRules, &rollup(1), &gadget()] {
        let refusal = state.resume(other, &votes, &named(&[3], 5), block);
        assert_eq!(refusal, Err(ResumeRefusal::NotSupported));
    }

    let changes = state.resume(&rules, &votes, &named(&[3, 4], 5), block).unwrap();
    for change in &changes {
        state.apply(change);
        if let Change::PowerTaken { providers, first, last } = change {
            assert_eq!((*first, *last), heights(5, 8));
            for (_, set) in votes.sets.range_mut(*first..=*last) {
                *set = set.without_power_of(providers);
            }
        }
    }
    assert!(state.is_jailed(&keys[3]) && state.is_jailed(&keys[4]) && !state.is_jailed(&keys[0]));
    assert_eq!(state.signing[&keys[3]].jailed_until, Some(UnixTime(1600)));
    assert_eq!(state.tally(&rules, &votes, ConsumerHeight(8)), [finals(5, 8)], "three of three");
    // Who is jailed already is not jailed anew; with everybody's power gone the height is not passed over.
    let again = state.resume(&rules, &votes, &named(&[3, 4], 5), block).unwrap();
    assert!(again.iter().all(|change| !matches!(change, Change::Jailed { .. })));
    let nobody = Stored {
        sets: [(ConsumerHeight(5), set(&[1]).without_power_of(&[keys[0]].into()))].into(),
        ..Stored::default()
    };
    let mut at_five = ChainState::default();
    at_five.apply(&finals(1, 4));
    assert_eq!(at_five.tally(&rules, &nobody, ConsumerHeight(5)), []);
}
