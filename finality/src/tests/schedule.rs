//! Lists of heights.

use eots::SecretKey;

use crate::{ConsumerHeight, RandomnessSchedule};

#[test]
fn schedule_visits_its_heights() {
    let heights = |start, count, interval| {
        RandomnessSchedule::new(ConsumerHeight(start), count, interval)
            .map(|schedule| schedule.heights().map(ConsumerHeight::to_u64).collect::<Vec<_>>())
    };
    assert_eq!(heights(5, 3, 1).unwrap(), [5, 6, 7]);
    assert_eq!(heights(5, 3, 10).unwrap(), [5, 15, 25]);
    assert!(heights(5, 0, 1).unwrap().is_empty());
    assert_eq!(heights(u64::MAX, 1, 9).unwrap(), [u64::MAX]);
    assert!(heights(5, 3, 0).is_err());
    assert!(heights(u64::MAX, 2, 1).is_err());
    assert!(
        RandomnessSchedule::new(ConsumerHeight(0), 10_000_000, 1).is_ok()
            && RandomnessSchedule::new(ConsumerHeight(0), 10_000_001, 1).is_err()
    );
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let list = RandomnessSchedule::new(ConsumerHeight(0), 2, 1).unwrap().public_randomness(&key, b"bbn-1");
    assert_eq!(list[1].to_string(), "c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf");
}
