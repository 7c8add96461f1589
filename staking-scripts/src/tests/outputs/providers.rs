//! The finality providers of consumer chains.

use crate::outputs::{ConsumerProviders, InvalidParties};
use crate::testing::key;

#[test]
fn consumer_providers_are_of_different_chains_and_keys() {
    let [a, b] = [0, 1].map(|n| *key("provider", n).public_key());
    let new = |providers: &[(&str, _)]| {
        ConsumerProviders::new(providers.iter().map(|(chain, key)| ((*chain).to_owned(), *key)))
    };
    assert_eq!(new(&[]), Err(InvalidParties::NoFinalityProvider));
    assert_eq!(new(&[("x", a), ("x", b)]), Err(InvalidParties::SameChain("x".to_owned())));
    assert_eq!(new(&[("x", a), ("y", a)]), Err(InvalidParties::DuplicateProvider(a)));
    assert_eq!(new(&[("x", a), ("y", b)]).unwrap().iter().collect::<Vec<_>>(), [("x", &a), ("y", &b)]);
}
