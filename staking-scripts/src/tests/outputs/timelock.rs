//! Relative timelocks.

use crate::outputs::Timelock;

#[test]
fn timelock_is_1_to_65535_blocks() {
    assert!(Timelock::from_blocks(0).is_err());
    assert_eq!(Timelock::from_blocks(1).unwrap().blocks(), 1);
    assert_eq!(Timelock::from_blocks(65535).unwrap().blocks(), 65535);
    assert_eq!(
        Timelock::from_blocks(65536).unwrap_err().to_string(),
        "the timelock is 65536 blocks; must be 1 to 65535"
    );
    assert_eq!(Timelock::from_blocks(65535).unwrap().sequence().0, 0xffff);
}
