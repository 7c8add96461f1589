//! Many callers at once, and keys that stand for each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use eots::{Parity, SecretKey, extract};
use finality::{Signer as _, SignerChain};

use super::{ProtectedSigner, SessionError, VoteRules, change, height, range, vote};
use crate::protection::{ChangeKind, MemoryStore, Refusal, Store};

/// Callers with a block each, at the same heights: through two signers of one key and one store.
fn race(store: Arc<dyn Store>) {
    const HEIGHTS: u64 = 24;
    let signers: Vec<_> = (0..2)
        .map(|_| {
            let key = SecretKey::from_bytes(&[1; 32]).unwrap();
            ProtectedSigner::new(key, SignerChain::genesis("bbn-1"), store.clone(), VoteRules::default())
        })
        .collect();
    signers[0].commit(range(1, 100)).unwrap();
    let made = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16_u8)
            .map(|thread| {
                let signer = &signers[usize::from(thread % 2)];
                scope.spawn(move || {
                    let ask = |at| match signer.vote(&vote(at, thread)) {
                        Ok(made) => Some((at, (thread, made))),
                        Err(SessionError::Refused(Refusal::DoubleSign { .. })) => None,
                        Err(other) => panic!("{other}"),
                    };
                    (1..=HEIGHTS).filter_map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let winners: BTreeMap<_, _> = made.iter().copied().collect();
    assert_eq!((made.len(), winners.len()), (24, 24), "one winner for each height");
    // The others are told the winner's message, and no caller can turn it into a second signature.
    for (at, (winner, made)) in winners {
        for block in (0..16).filter(|block| *block != winner) {
            assert!(signers[1].vote(&vote(at, block)).is_err());
            let pair = (&vote(at, winner).to_bytes()[..], &made.signature);
            let other = (&vote(at, block).to_bytes()[..], &made.signature);
            let found = extract(&signers[0].public_key(), &made.public_randomness, pair, other);
            assert!(found.is_err());
        }
    }
}

fn registered(store: &dyn Store) {
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let lane = crate::protection::Lane { public_key: *key.public_key(), chain_id: b"bbn-1".to_vec() };
    let kind = ChangeKind::Register(height(0));
    store.change(vec![crate::protection::LaneChange { lane, kind }]).unwrap();
}

#[test]
fn one_vote_of_many_callers_wins_a_height_in_memory() {
    let store = Arc::new(MemoryStore::default());
    registered(store.as_ref());
    race(store);
}

#[cfg(feature = "sqlite")]
#[test]
fn one_vote_of_many_callers_wins_a_height_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let paths = crate::protection::SqlitePaths::beside(folder.path().join("signing.db"));
    let store = Arc::new(crate::protection::SqliteStore::initialise(&paths, &[]).unwrap());
    registered(store.as_ref());
    race(store);
}

/// A signer records under the lane of its own key, which it derives from the key: there is no way to say
/// another (`VoteRequest` has the doctest). One key on two chains has two randomnesses, two keys on one chain
/// as well.
#[test]
fn signer_records_under_its_own_key() {
    let (one, store) = super::signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let other = |byte: u8, chain: &str| {
        let key = SecretKey::from_bytes(&[byte; 32]).unwrap();
        let chain = SignerChain::genesis(chain);
        let other = ProtectedSigner::new(key, chain, store.clone(), VoteRules::default());
        change(&other, &store, ChangeKind::Register(height(0)));
        other
    };
    let all = [one, other(2, "bbn-1"), other(1, "bbn-2")];
    for (block, signer) in (0..).zip(&all) {
        signer.sign_message(height(5), vote(5, block).to_bytes()).unwrap();
        assert_eq!(store.records(signer.lane(), height(0), 9).unwrap().len(), 1);
        let refused = signer.sign_message(height(5), vote(5, 9).to_bytes()).unwrap_err();
        assert!(matches!(refused, SessionError::Refused(Refusal::DoubleSign { .. })), "{refused}");
    }
    let mut randomness: Vec<_> = all.iter().map(|signer| signer.public_randomness_at(height(5))).collect();
    randomness.sort_unstable();
    randomness.dedup();
    assert_eq!(randomness.len(), 3);
}

/// A key and its negation have one public key, and so one lane, but not the same randomness: what one signed,
/// the other does not sign again, nor release.
#[test]
fn negated_key_is_on_the_same_lane() {
    let (one, store) = super::signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let other = if key.parity() == Parity::Even { Parity::Odd } else { Parity::Even };
    let negated = ProtectedSigner::new(
        key.with_parity(other),
        SignerChain::genesis("bbn-1"),
        store,
        VoteRules::default(),
    );
    assert_eq!(one.lane(), negated.lane());
    one.sign_message(height(5), b"a".to_vec()).unwrap();
    let again = negated.sign_message(height(5), b"a".to_vec()).unwrap_err();
    assert!(matches!(again, SessionError::Sign(eots::SignError::Fault)), "{again}");
    assert!(matches!(
        negated.sign_message(height(5), b"b".to_vec()),
        Err(SessionError::Refused(Refusal::DoubleSign { .. }))
    ));
}
