//! Covenant committees.

use crate::outputs::CovenantCommittee;
use crate::testing::{keys, public};

#[test]
fn committee_contains_its_members_alone() {
    let members = keys("member", 3);
    let committee = CovenantCommittee::new(public(&members[..2]), 2).unwrap();
    assert!(committee.contains(members[0].public_key()) && !committee.contains(members[2].public_key()));
}
