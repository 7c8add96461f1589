//! Selective slashing: a provider's key that is used to slash one stake, without an equivocation, is made out
//! from the slashing itself, and reported.

use babylon::Message;
use babylon::query::{self, DelegationStatus};
use chain::Lookup as _;
use finality::ConsumerHeight;
use staking_scripts::StakeStatus;
use staking_scripts::delegation::{DelegationRelation, SlashedOutput};
use staking_scripts::testing::key;

use crate::checking::{own_status, parameters_at};
use crate::devnet::Devnet;
use crate::staking::{activate, register_provider};

#[test]
fn who_slashes_one_stake_alone_is_slashed_for_it() {
    let Some(devnet) = Devnet::start() else { return };
    let node = &devnet.network.rpc;
    let address = devnet.account().address().clone();
    let parameters = parameters_at(&devnet, devnet.tip());
    let provider = *key("provider", 0).public_key();
    register_provider(&devnet, &key("provider", 0));
    let active = |number| activate(&devnet, &key("staker", number), &key("provider", 0)).id;
    let [id, other] = [0, 1].map(active);
    let read = || query::delegation(node, id).unwrap().unwrap();

    // The provider decrypts the covenant's signatures with its own key, and slashes one of its two stakes.
    let slashing = read().slash(SlashedOutput::Staking, &key("provider", 0), parameters.covenant()).unwrap();
    let decrypted =
        read().covenant_signatures[0].slashing.signatures[0].decrypt(&key("provider", 0)).unwrap();
    assert!(slashing.input[0].witness.iter().any(|element| element == decrypted.as_ref()));
    let txid = slashing.compute_txid();
    devnet.confirm(&slashing);
    devnet.tell_headers();
    drop(slashing);
    let is_slashed = || query::finality_provider(node, &provider).unwrap().unwrap().is_slashed;
    assert!(!is_slashed());

    // Whoever watches has what both chains tell, and no more.
    let seen = devnet.bitcoin.transaction(&txid).unwrap().unwrap().transaction;
    let read = read();
    let recovered = DelegationRelation::new(&read, parameters).recover_provider_key(&seen).unwrap();
    assert_eq!(*recovered.public_key(), provider);
    // The other stake's signatures tell nothing of it.
    let unrelated = query::delegation(node, other).unwrap().unwrap();
    assert!(DelegationRelation::new(&unrelated, parameters).recover_provider_key(&seen).is_none());

    let unknown = Message::selective_slashing_evidence(&address, &key("stranger", 0));
    let unknown = devnet.refusal(&[unknown]);
    assert!(unknown.contains("the finality provider is not found"), "{unknown}");
    let report = Message::selective_slashing_evidence(&address, &recovered);
    devnet.send(std::slice::from_ref(&report));
    assert!(is_slashed());
    let again = devnet.refusal(&[report]);
    assert!(again.contains("the finality provider has already been slashed"), "{again}");
    // There were no two votes: the finality module knows nothing of it.
    assert_eq!(query::evidence(node, &provider).unwrap(), None);
    assert_eq!(query::evidences(node, ConsumerHeight(0)).unwrap(), []);
    // The chain has seen the key, and nobody has reported that the output is spent.
    assert_eq!(
        (devnet.status(id), own_status(&devnet, id)),
        (DelegationStatus::Active, StakeStatus::Slashed)
    );
    assert_eq!(own_status(&devnet, other), StakeStatus::Active);
}
