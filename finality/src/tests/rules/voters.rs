//! Who may vote and commit, and when a vote comes too late.

use std::num::{NonZeroU32, NonZeroU64};

use super::{all, candidates, gadget, genesis, rollup, sorted_keys};
use crate::power::{RecordedCommitment, TimestampMark};
use crate::rules::{
    ChainState, Change, CommitmentFacts, CommitmentRefusal, CosmosRules, FinalityRules, RateBucket,
    RateLimit, VoteFacts, VoteRefusal, VoteTiming,
};
use crate::{ConsumerHeight, InvalidCommitment, RandomnessCommitment};

fn commitment(start_height: u64, count: u64) -> RandomnessCommitment {
    RandomnessCommitment { start_height: ConsumerHeight(start_height), count, root: [0; 32] }
}

fn recorded(mark: u64) -> RecordedCommitment {
    RecordedCommitment {
        commitment: commitment(1, 1000),
        interval: NonZeroU64::MIN,
        recorded: TimestampMark(mark),
    }
}

/// A vote that every rule set takes.
fn good() -> VoteFacts {
    VoteFacts {
        provider: sorted_keys(1)[0],
        height: ConsumerHeight(21),
        tip_height: ConsumerHeight(22),
        power_sat: 5,
        registered: true,
        slashed: false,
        jailed: false,
        deleted: false,
        is_final: false,
        is_timestamped: false,
        commitment: Some(recorded(1)),
        babylon_height: 100,
        bucket: None,
    }
}

/// Which of the four take it: G(enesis), C(osmos), R(ollup), g(adget).
fn takes(facts: VoteFacts) -> String {
    let takes = all().into_iter().zip("GCRg".chars());
    takes.filter(|(rules, _)| rules.rules().check_vote(&facts).is_ok()).map(|(_, letter)| letter).collect()
}

#[test]
fn each_rule_set_refuses_what_its_implementation_does() {
    let good = good();
    let cases = [
        ("good", good, "GCRg"),
        ("slashed", VoteFacts { slashed: true, ..good }, "g"),
        ("jailed", VoteFacts { jailed: true, ..good }, "CRg"),
        ("deleted", VoteFacts { deleted: true, ..good }, "CRg"),
        ("powerless", VoteFacts { power_sat: 0, ..good }, "R"),
        ("not registered", VoteFacts { registered: false, ..good }, "g"),
        ("not committed", VoteFacts { commitment: None, ..good }, "g"),
        ("ahead", VoteFacts { height: ConsumerHeight(23), ..good }, "Rg"),
        ("at the tip", VoteFacts { height: ConsumerHeight(22), ..good }, "GCRg"),
        ("before activation", VoteFacts { height: ConsumerHeight(0), ..good }, ""),
        ("final", VoteFacts { is_final: true, ..good }, "GCRg"),
        ("timestamped", VoteFacts { is_timestamped: true, ..good }, "GCRg"),
        ("settled", VoteFacts { is_final: true, is_timestamped: true, ..good }, "CRg"),
    ];
    for (name, facts, expected) in cases {
        assert_eq!(takes(facts), expected, "{name}");
    }
    let settled = VoteFacts { is_final: true, is_timestamped: true, slashed: true, ..good };
    assert_eq!(
        genesis().check_vote(&settled),
        Err(VoteRefusal::Settled(ConsumerHeight(21))),
        "in this order"
    );
}

#[test]
fn rollup_votes_at_its_interval_by_the_allowed() {
    let mut rules = rollup(5);
    rules.activation_height = ConsumerHeight(21);
    let at = |height| rules.check_vote(&VoteFacts { height: ConsumerHeight(height), ..good() });
    for height in [21, 26, 31, 1_000_001] {
        assert_eq!(at(height), Ok(()));
    }
    for height in [22, 25, 27] {
        assert!(matches!(at(height), Err(VoteRefusal::BetweenIntervals { .. })), "{height}");
    }
    for height in [0, 16, 20] {
        assert!(matches!(at(height), Err(VoteRefusal::BeforeActivation { .. })), "{height}");
    }
    let key = good().provider;
    rules.allowed = Some([sorted_keys(2)[1]].into());
    assert_eq!(rules.check_vote(&good()), Err(VoteRefusal::NotAllowed(key)));
    rules.allowed = Some([key].into());
    assert_eq!(rules.check_vote(&good()), Ok(()));
}

/// Three messages in ten blocks of Babylon Genesis; a refused one does not count, and a new interval begins
/// at 0.
#[test]
fn rollup_limits_rates() {
    let rules = rollup(1);
    let mut state = ChainState::default();
    let provider = good().provider;
    let mut vote = |babylon_height| {
        let facts = VoteFacts { babylon_height, bucket: state.buckets.get(&provider).copied(), ..good() };
        let taken = state.take_vote(&rules, &facts, true);
        taken.map(|(_, changes)| state.apply_all(&changes))
    };
    for babylon_height in [100, 105, 109] {
        assert_eq!(vote(babylon_height), Ok(()));
    }
    let limited = VoteRefusal::RateLimited { provider, limit: 3, since: 100, until: 110 };
    assert_eq!([vote(109), vote(109)], [Err(limited), Err(limited)]);
    assert_eq!([vote(110), vote(119), vote(119)], [Ok(()), Ok(()), Ok(())]);
    assert!(vote(119).is_err());
    assert_eq!(state.buckets[&provider], RateBucket { interval: 11, count: 3 });
    let limit = RateLimit { interval_blocks: NonZeroU64::MIN, max_messages: NonZeroU32::MIN };
    let full = RateBucket { interval: u64::MAX, count: u32::MAX };
    assert_eq!(limit.count(Some(full), u64::MAX), None);
}

#[test]
fn votes_come_in_time_or_late() {
    let timing = |rules: &dyn FinalityRules, tip: u64, is_final| {
        let facts = VoteFacts { tip_height: ConsumerHeight(tip), is_final, ..good() };
        ChainState::default().take_vote(rules, &facts, true).unwrap()
    };
    // Height 21 is looked at when block 24 ends: a vote in that block is in time.
    assert_eq!(timing(&genesis(), 24, false), (VoteTiming::InTime, vec![]));
    assert_eq!(timing(&genesis(), 25, false), (VoteTiming::MissedLiveness, vec![]));
    assert_eq!(timing(&genesis(), 25, true), (VoteTiming::AfterFinality, vec![]));
    // The contract notes the last vote, late or not, unless it is for a fork.
    let voted = Change::Voted { provider: good().provider, height: ConsumerHeight(21) };
    let cosmos = CosmosRules::default();
    assert_eq!(timing(&cosmos, 9999, true), (VoteTiming::AfterFinality, vec![voted]));
    assert_eq!(ChainState::default().take_vote(&cosmos, &good(), false), Ok((VoteTiming::InTime, vec![])));
}

#[test]
fn commitments_are_taken_within_bounds() {
    let facts = |start, count, last: Option<u64>| CommitmentFacts {
        commitment: commitment(start, count),
        tip_height: ConsumerHeight(1000),
        last_height: last.map(ConsumerHeight),
    };
    let mut mainnet = genesis();
    mainnet.activation_height = ConsumerHeight(500);
    let cosmos = CosmosRules::default();
    let chain = |start, count, last| mainnet.check_commitment(&facts(start, count, last));
    assert_eq!(chain(500, 8192, None), Ok(()));
    assert_eq!(chain(500, 8191, None), Err(CommitmentRefusal::TooFew { count: 8191, least: 8192 }));
    assert!(matches!(chain(499, 8192, None), Err(CommitmentRefusal::StartsBeforeActivation { .. })));
    assert_eq!(chain(160_999, 8192, None), Ok(()));
    let (start_height, limit_height) = (ConsumerHeight(161_000), ConsumerHeight(161_000));
    assert_eq!(chain(161_000, 8192, None), Err(CommitmentRefusal::TooFar { start_height, limit_height }));
    assert_eq!(chain(8692, 8192, Some(8691)), Ok(()));
    assert!(matches!(chain(8691, 8192, Some(8691)), Err(CommitmentRefusal::Overlaps(_))));
    assert_eq!(cosmos.check_commitment(&facts(1_600_999, 1, None)), Ok(()));
    assert!(cosmos.check_commitment(&facts(1_601_000, 1, None)).is_err());
    // The rollup has no bound ahead, and takes those that begin before the activation.
    let mut late = rollup(5);
    late.activation_height = ConsumerHeight(1_000_000);
    assert_eq!(late.check_commitment(&facts(1, 1, None)), Ok(()));
    assert_eq!(late.check_commitment(&facts(u64::MAX - 1, 1, None)), Ok(()));
    for rules in all() {
        let empty = rules.rules().check_commitment(&facts(1, 0, None));
        assert_eq!(empty, Err(CommitmentRefusal::Invalid(InvalidCommitment::Empty)));
    }
}

/// Epoch 0 is finalized from the start on Babylon Genesis; in the contracts nothing is usable before the
/// first epoch is.
#[test]
fn commitments_are_usable_once_timestamped() {
    let usable = |mark, finalized| -> String {
        let usable = all().into_iter().zip("GCRg".chars());
        let is_usable = |rules: &crate::rules::RuleSet| {
            rules.rules().is_usable(&recorded(mark), TimestampMark(finalized))
        };
        usable.filter(|(rules, _)| is_usable(rules)).map(|(_, letter)| letter).collect()
    };
    assert_eq!(usable(7, 6), "g");
    assert_eq!(usable(7, 7), "GCRg");
    assert_eq!(usable(0, 0), "Gg");
    assert_eq!(gadget().select(&candidates(&[1, 1])).len(), 2);
}
