//! How far ahead commitments reach.

use crate::{ConsumerHeight, CoverageError, InvalidCommitment, RandomnessCommitment, RandomnessCoverage};

#[test]
fn coverage_is_of_several_commitments() {
    let commitment = |start_height, count| RandomnessCommitment {
        start_height: ConsumerHeight(start_height),
        count,
        root: [0; 32],
    };
    let mut coverage = RandomnessCoverage::new(10);
    assert_eq!(
        (
            coverage.remaining(ConsumerHeight(0)),
            coverage.next_start_height(ConsumerHeight(0)).to_u64(),
            coverage.is_due(ConsumerHeight(0))
        ),
        (0, 11, true)
    );
    coverage.add(&commitment(11, 100)).unwrap();
    coverage.add(&commitment(111, 100)).unwrap();
    coverage.add(&commitment(300, 10)).unwrap();
    assert_eq!(coverage.remaining(ConsumerHeight(9)), 0, "height 10 is not covered");
    assert_eq!(coverage.remaining(ConsumerHeight(10)), 200);
    assert_eq!(coverage.remaining(ConsumerHeight(205)), 5);
    assert_eq!(coverage.remaining(ConsumerHeight(250)), 0);
    assert_eq!(coverage.remaining(ConsumerHeight(305)), 4);
    assert_eq!(coverage.next_start_height(ConsumerHeight(250)).to_u64(), 310, "after all that is committed");
    assert_eq!(coverage.next_start_height(ConsumerHeight(400)).to_u64(), 411, "not before it can serve");
    assert!(!coverage.is_due(ConsumerHeight(199)) && coverage.is_due(ConsumerHeight(200)));
    let overlap = |start_height, last_height, other_start_height, other_last_height| CoverageError::Overlap {
        start_height: ConsumerHeight(start_height),
        last_height: ConsumerHeight(last_height),
        other_start_height: ConsumerHeight(other_start_height),
        other_last_height: ConsumerHeight(other_last_height),
    };
    assert_eq!(coverage.add(&commitment(5, 7)), Err(overlap(5, 11, 11, 110)));
    assert_eq!(coverage.add(&commitment(110, 1)), Err(overlap(110, 110, 11, 110)));
    assert_eq!(coverage.add(&commitment(0, 1000)), Err(overlap(0, 999, 300, 309)));
    assert_eq!(coverage.add(&commitment(50, 1)), Err(overlap(50, 50, 11, 110)));
    assert_eq!(coverage.add(&commitment(7, 0)), Err(CoverageError::Invalid(InvalidCommitment::Empty)));
    let past_the_end = InvalidCommitment::PastTheEnd { start_height: ConsumerHeight::MAX, count: 1 };
    assert_eq!(coverage.add(&commitment(u64::MAX, 1)), Err(CoverageError::Invalid(past_the_end)));
    coverage.add(&commitment(u64::MAX - 1, 1)).unwrap();
    assert_eq!(
        coverage.next_start_height(ConsumerHeight(0)).to_u64(),
        u64::MAX,
        "nothing can be committed there"
    );
}
