//! The signer over a store.

#![allow(clippy::arithmetic_side_effects)]

mod combination;
mod forge;
#[cfg(feature = "sqlite")]
mod migration;
#[cfg(feature = "sqlite")]
mod restore;
mod threads;

use std::sync::Arc;

use eots::{SecretKey, verify};
use finality::{
    ConsumerHeight, PossessionMessage, RandomnessSchedule, Signer as _, SignerChain, SignerError as _,
    SigningContext, VoteMessage,
};

use super::{ProtectedSigner, SessionError, VoteRules};
use crate::protection::{
    ChangeKind, HeightRange, LaneChange, MemoryStore, Refusal, SigningRecord, Store as _, Verdict,
};

fn height(number: u64) -> ConsumerHeight {
    ConsumerHeight(number)
}

fn range(start: u64, count: u32) -> RandomnessSchedule {
    RandomnessSchedule::new(height(start), count, 1).unwrap()
}

/// A signer whose lane is registered from height 0 on, and its store.
fn signer(chain: SignerChain, rules: VoteRules) -> (ProtectedSigner, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    let signer = ProtectedSigner::new(key, chain, store.clone(), rules);
    change(&signer, &store, ChangeKind::Register(height(0)));
    (signer, store)
}

fn change(signer: &ProtectedSigner, store: &MemoryStore, kind: ChangeKind) {
    store.change(vec![LaneChange { lane: signer.lane().clone(), kind }]).unwrap();
}

fn vote(at: u64, block: u8) -> VoteMessage {
    VoteMessage::new(SigningContext::GENESIS, height(at), [block; 32])
}

#[test]
fn signer_commits_and_votes_once_at_a_height() {
    let (signer, store) = signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let committed = signer.commit(range(100, 50)).unwrap();
    committed.verify(&signer.public_key(), &SigningContext::GENESIS).unwrap();
    let expected = HeightRange { first: height(100), last: height(149) };
    assert_eq!(store.state(signer.lane()).unwrap().committed, [expected]);
    let made = signer.vote(&vote(120, 1)).unwrap();
    let listed = signer.public_randomness(range(120, 1)).unwrap();
    assert_eq!(listed, [made.public_randomness]);
    verify(&signer.public_key(), &made.public_randomness, &vote(120, 1).to_bytes(), &made.signature).unwrap();
    assert_eq!(signer.vote(&vote(120, 1)).unwrap(), made);
    let refused = signer.vote(&vote(120, 2)).unwrap_err();
    assert!(matches!(refused, SessionError::Refused(Refusal::DoubleSign { .. })), "{refused}");
    assert_eq!(refused.to_string(), "double sign: another message was signed at height 120");
}

/// Several votes are one batch, and each has an outcome of its own.
#[test]
fn signer_proves_several_votes() {
    let (signer, store) = signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let committed = signer.commit(range(100, 50)).unwrap();
    signer.vote(&vote(111, 9)).unwrap();
    let asked = [vote(110, 1), vote(111, 1), vote(112, 1), vote(112, 2), vote(150, 1), vote(149, 1)];
    let made = signer.prove_votes(range(100, 50), &asked).unwrap();
    let said: Vec<_> = made
        .iter()
        .zip(&asked)
        .map(|(made, asked)| match made {
            Ok(vote) => {
                assert_eq!(vote.message, *asked);
                vote.verify(&committed.commitment).unwrap();
                "signed"
            }
            Err(error) if error.is_refusal() => "refused",
            Err(_) => "later",
        })
        .collect();
    assert_eq!(said, ["signed", "refused", "signed", "refused", "later", "signed"]);
    // The same again is the same.
    assert_eq!(
        signer.prove_votes(range(100, 50), &asked[..1]).unwrap()[0].as_ref().ok(),
        made[0].as_ref().ok()
    );
    // A range that was not committed proves nothing of what was; what is asked of it outside is not recorded.
    change(&signer, &store, ChangeKind::Committed(HeightRange { first: height(200), last: height(299) }));
    let outside = signer.prove_votes(range(100, 50), &[vote(200, 1)]).unwrap();
    assert!(matches!(outside[0], Err(SessionError::NotInCommitment { .. })));
    assert!(!signer.has_record(height(200)).unwrap());
    let none = RandomnessSchedule::new(height(1), 0, 1).unwrap();
    assert!(signer.prove_votes(none, &asked).is_err());
}

/// The context precedes the message, and the randomness does not depend on it.
#[test]
fn signer_refuses_another_context_and_another_message_under_it() {
    let chain = SignerChain::consumer("consumer-1", "consumer-1", "bbn1module");
    let context = chain.vote_context;
    let (signer, _) = signer(chain, VoteRules::default());
    signer.commit(range(1, 10)).unwrap();
    let foreign = signer.vote(&vote(5, 1)).unwrap_err();
    assert!(
        matches!(foreign, SessionError::OtherContext { expected, .. } if expected == context),
        "{foreign}"
    );
    signer.vote(&VoteMessage::new(context, height(5), [1; 32])).unwrap();
    let bare = signer.sign_message(height(5), vote(5, 1).to_bytes()).unwrap_err();
    assert!(matches!(bare, SessionError::Refused(Refusal::DoubleSign { .. })), "{bare}");
}

#[test]
fn votes_are_for_committed_heights_not_far_above_the_highest() {
    let rules = VoteRules { committed_only: true, most_above: 10 };
    let (signer, store) = signer(SignerChain::genesis("bbn-1"), rules);
    let refused = signer.vote(&vote(100, 1)).unwrap_err();
    assert!(matches!(refused, SessionError::NotCommitted { .. }), "{refused}");
    signer.commit(range(100, 100)).unwrap();
    for outside in [99, 200] {
        assert!(matches!(signer.vote(&vote(outside, 1)), Err(SessionError::NotCommitted { .. })));
    }
    let far = signer.vote(&vote(111, 1)).unwrap_err();
    assert!(matches!(far, SessionError::TooFarAbove { highest, .. } if highest == height(100)), "{far}");
    signer.vote(&vote(110, 1)).unwrap();
    signer.vote(&vote(120, 1)).unwrap();
    assert!(matches!(signer.vote(&vote(131, 1)), Err(SessionError::TooFarAbove { .. })));
    // Below the highest there is no distance.
    signer.vote(&vote(101, 1)).unwrap();
    // What was committed elsewhere is registered.
    let elsewhere = HeightRange { first: height(10), last: height(20) };
    change(&signer, &store, ChangeKind::Committed(elsewhere));
    signer.vote(&vote(15, 1)).unwrap();
    let free = VoteRules { committed_only: false, most_above: u64::MAX };
    let (signer, _) = self::signer(SignerChain::genesis("bbn-1"), free);
    signer.vote(&vote(1_000_000, 1)).unwrap();
}

#[test]
fn commitments_end_at_the_last_height() {
    let (signer, store) = signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    assert!(signer.commit(range(5, 0)).is_err());
    let gaps = RandomnessSchedule::new(height(1), 3, 2).unwrap();
    assert!(matches!(signer.commit(gaps), Err(SessionError::Commitment(_))));
    assert!(store.state(signer.lane()).unwrap().committed.is_empty(), "nothing is noted of what is refused");
    let unknown = ProtectedSigner::new(
        SecretKey::from_bytes(&[2; 32]).unwrap(),
        SignerChain::genesis("bbn-1"),
        store,
        VoteRules::default(),
    );
    let refused = unknown.commit(range(1, 1)).unwrap_err();
    assert!(refused.to_string().contains("is unknown to this store"), "{refused}");
    assert!(matches!(
        unknown.sign_message(height(1), vec![1]),
        Err(SessionError::Refused(Refusal::UnknownLane(_)))
    ));
}

#[test]
fn signer_proves_possession_and_shows_no_secret() {
    let (signer, _) = signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let account = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap();
    let message = PossessionMessage::new(SigningContext::GENESIS, account).unwrap();
    let proof = signer.prove_possession(&message).unwrap();
    assert_eq!(proof, message.sign_bip340(&SecretKey::from_bytes(&[1; 32]).unwrap()).unwrap());
    let shown = format!("{signer:?}");
    assert!(!shown.contains(&"01".repeat(8)) && !shown.contains("1, 1, 1, 1"), "{shown}");
    assert!(matches!(signer.sign_message(height(1), b"any".to_vec()).unwrap(), Verdict::New(_)));
}

/// A record with a faulty signature, such as a machine that computes wrongly would leave.
#[test]
fn faulty_signature_of_a_record_is_not_released() {
    let (signer, store) = signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let good = *signer.sign_message(height(1), b"a".to_vec()).unwrap().signature();
    let record = SigningRecord { height: height(2), message: b"a".to_vec(), signature: Some(good) };
    change(&signer, &store, ChangeKind::Import(vec![record]));
    let refused = signer.sign_message(height(2), b"a".to_vec()).unwrap_err();
    assert!(matches!(refused, SessionError::Sign(eots::SignError::Fault)), "{refused}");
}

/// Of several votes it alone is held back. All of the commitment is asked for, so that nothing is derived
/// twice.
#[test]
fn faulty_signature_among_several_is_not_released() {
    let (signer, store) = signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let committed = signer.commit(range(107, 13)).unwrap();
    let good = *signer.sign_message(height(1), b"a".to_vec()).unwrap().signature();
    let message = vote(107, 1).to_bytes();
    let record = SigningRecord { height: height(107), message, signature: Some(good) };
    change(&signer, &store, ChangeKind::Import(vec![record]));
    let asked: Vec<_> = (107..120).map(|height| vote(height, if height == 111 { 2 } else { 1 })).collect();
    signer.vote(&vote(111, 1)).unwrap();
    for (place, made) in signer.prove_votes(range(107, 13), &asked).unwrap().into_iter().enumerate() {
        match (place, made) {
            (0, Err(SessionError::Sign(eots::SignError::Fault))) => {}
            (4, Err(SessionError::Refused(Refusal::DoubleSign { .. }))) => {}
            (_, made) => made.unwrap().verify(&committed.commitment).unwrap(),
        }
    }
}
