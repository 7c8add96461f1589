//! Heights of the chain that is voted on.

use crate::ConsumerHeight;

#[test]
fn heights_end_where_their_numbers_do() {
    let height = ConsumerHeight(7);
    assert_eq!(height.checked_add(3), Some(ConsumerHeight(10)));
    assert_eq!(ConsumerHeight::MAX.checked_add(1), None);
    assert_eq!(ConsumerHeight::MAX.saturating_add(1), ConsumerHeight::MAX);
    assert_eq!(height.blocks_after(ConsumerHeight(5)), Some(2));
    assert_eq!(ConsumerHeight(5).blocks_after(height), None);
    assert_eq!(height.to_be_bytes(), [0, 0, 0, 0, 0, 0, 0, 7]);
}

#[test]
fn heights_are_written_as_numbers() {
    assert_eq!(format!("{:>3}", ConsumerHeight(7)), "  7");
    assert_eq!("18446744073709551615".parse(), Ok(ConsumerHeight::MAX));
    for text in ["", "-1", "7.0", "18446744073709551616"] {
        assert!(text.parse::<ConsumerHeight>().is_err(), "{text}");
    }
}
