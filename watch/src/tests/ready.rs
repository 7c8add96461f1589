//! Slashing with what is ready, and with the delegation where that does not do.

use bitcoin::hashes::Hash as _;
use staking_scripts::Delegation;
use staking_scripts::delegation::{ChainRules, SlashedOutput};
use staking_scripts::testing::{covenant_signatures, members};

use super::stakes::{MADE, PARAMETERS, evidence, slashing};
use super::tower::Tower;
use super::world::Bitcoin;
use super::{confirm, learn};
use crate::event::Event;

/// Tells of a stake, puts something else in place of what is ready of it, and returns what is sent when its
/// provider equivocates.
fn sent(delegation: &Delegation, instead: Option<&[u8]>) -> Vec<bitcoin::Transaction> {
    let mut bitcoin = Bitcoin::new();
    let mut tower = Tower::new(&mut bitcoin);
    learn(&mut bitcoin, &mut tower, delegation);
    let key = delegation.staking_transaction.compute_txid().to_byte_array();
    assert_eq!(tower.rows("ready"), 1);
    match instead {
        Some([]) => tower.change(|changes| {
            changes.delete("ready", key.to_vec());
        }),
        Some(bytes) => tower.change(|changes| {
            changes.put("ready", key.to_vec(), bytes.to_vec());
        }),
        None => {}
    }
    confirm(&mut bitcoin, &mut tower, &MADE[0].staking);
    tower.tell(Event::Evidence { evidence: &evidence(0, 7) }, &mut bitcoin).unwrap();
    assert!(tower.alerts.iter().all(|alert| alert.kind() == "equivocation"), "{:?}", tower.alerts);
    bitcoin.mempool().to_vec()
}

/// A store of before has nothing ready.
#[test]
fn the_delegation_does_where_nothing_is_ready() {
    let expected = [slashing(0, SlashedOutput::Staking)];
    for instead in [None, Some([].as_slice()), Some(&[7; 100])] {
        assert_eq!(sent(&MADE[0].delegation, instead), expected, "{instead:?}");
    }
}

/// Of seven members one gave a signature that does not verify: the others are a quorum.
#[test]
fn the_delegation_does_where_a_signature_of_what_is_ready_is_bad() {
    let parameters = PARAMETERS.get(0).unwrap();
    let mut delegation = MADE[0].delegation.clone();
    let checked = delegation.check_under(parameters, Some(parameters), ChainRules::MAINNET).unwrap();
    delegation.covenant_signatures.push(covenant_signatures(&checked, &members(0)[6]));
    let expected = {
        let mut others = delegation.clone();
        others.covenant_signatures.remove(2);
        let key = staking_scripts::testing::key("provider", 0);
        others.slash(SlashedOutput::Staking, &key, parameters.covenant()).unwrap()
    };
    let other = delegation.covenant_signatures[3].slashing.signatures[0];
    delegation.covenant_signatures[2].slashing.signatures[0] = other;
    assert_eq!(sent(&delegation, None), [expected]);
}
