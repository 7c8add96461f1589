//! The combination attack: signatures over messages of the caller's choice, with randomness that is known
//! beforehand, add up to one over a message that nobody asked for (the problem ROS, solved in polynomial time
//! by Benhamouda, Lepoint, Loss, Orrù and Raykova, "On the (in)security of ROS", 2020).
//!
//! For each of 256 heights the caller takes two messages, with the challenges `c0` and `c1`. The sum of
//! `2^i · (c − c0) / (c1 − c0)` over the heights is linear in the challenges `c` that are asked for, and its
//! value is the number whose bits say which of the two each is. So the same linear combination of the public
//! randomness is a randomness `R` of the caller's own, whose challenge, for a message of the caller's own, is
//! reached by choosing the bits.

use eots::{PublicRandomness, SecretKey, SecretRandomness, Signature, XOnlyPublicKey};
use finality::{
    RandomnessSchedule, RandomnessTree, SignedCommitment, Signer as _, SignerChain, SigningContext,
};
use secp256k1::{SECP256K1, schnorr};

use super::forge::{self, HEIGHTS};
use super::{height, range, signer, vote};
use crate::protection::Refusal;
use crate::session::{SessionError, VoteRules};

/// The first height.
const FIRST: u64 = 1000;
/// How many there are.
const COUNT: u32 = 256;

fn heights() -> std::ops::Range<u64> {
    FIRST..FIRST + u64::from(COUNT)
}

fn at(place: usize) -> u64 {
    FIRST + u64::try_from(place).unwrap()
}

/// Makes the attack on votes of these heights.
fn forge(
    key: &XOnlyPublicKey,
    randomness: &[PublicRandomness],
    digest: [u8; 32],
    mut sign: impl FnMut(u64, u8) -> Option<Signature>,
) -> Option<schnorr::Signature> {
    assert_eq!(heights().count(), HEIGHTS);
    let message = |place, block| message(at(place), block);
    forge::forge(key, randomness, digest, message, |place, block| sign(at(place), block))
}

/// The message of a vote: one of two for each height.
fn message(at: u64, block: u8) -> Vec<u8> {
    vote(at, block).to_bytes()
}

/// What the caller wants to have signed: a commitment to somebody else's randomness.
struct Wanted(finality::RandomnessCommitment);

impl Wanted {
    fn new() -> Self {
        let attacker = SecretKey::from_bytes(&[0x66; 32]).unwrap();
        let tree =
            RandomnessTree::derive(&attacker, b"bbn-1", range(5000, 64), std::num::NonZeroUsize::MIN, |_| {});
        Self(tree.unwrap().commitment())
    }

    fn digest(&self) -> [u8; 32] {
        *self.0.digest(&SigningContext::GENESIS).as_ref()
    }

    #[track_caller]
    fn assert_forged(&self, key: &XOnlyPublicKey, signature: schnorr::Signature) {
        let message = secp256k1::Message::from_digest(self.digest());
        SECP256K1.verify_schnorr(&signature, &message, key).unwrap();
        SignedCommitment { commitment: self.0, signature }.verify(key, &SigningContext::GENESIS).unwrap();
    }
}

/// The attack works on whoever signs any message with randomness that is known: the test tests something.
#[test]
fn combination_forges_a_commitment_of_a_signer_without_rules() {
    let wanted = Wanted::new();
    for byte in 1..=4 {
        let key = SecretKey::from_bytes(&[byte; 32]).unwrap();
        let randomness = |at| SecretRandomness::derive(&key, b"bbn-1", at);
        let public: Vec<_> = heights().map(|at| *randomness(at).public_randomness()).collect();
        let blind = |at, block| eots::sign_without_verifying(&key, randomness(at), &message(at, block)).ok();
        let forged = forge(key.public_key(), &public, wanted.digest(), blind).unwrap();
        wanted.assert_forged(key.public_key(), forged);
        // All of the signatures are needed.
        let all_but_one = |at, block| if at == FIRST + 200 { None } else { blind(at, block) };
        assert_eq!(forge(key.public_key(), &public, wanted.digest(), all_but_one), None);
    }
}

/// A store alone lets it pass: each height has one message.
#[test]
fn combination_forges_a_commitment_of_a_signer_with_a_store_alone() {
    let (signer, _) = signer(SignerChain::genesis("bbn-1"), VoteRules::default());
    let public: Vec<_> = heights().map(|at| signer.public_randomness_at(height(at))).collect();
    let sign = |at, block| signer.sign_message(height(at), message(at, block)).map(|it| *it.signature()).ok();
    let wanted = Wanted::new();
    let forged = forge(&signer.public_key(), &public, wanted.digest(), sign).unwrap();
    wanted.assert_forged(&signer.public_key(), forged);
}

/// Runs the attack through the trait, in this order of heights, and returns what it forged, or why not.
fn attack(
    committed: RandomnessSchedule,
    rules: VoteRules,
    is_descending: bool,
) -> (Option<schnorr::Signature>, Vec<SessionError>) {
    let (signer, _) = signer(SignerChain::genesis("bbn-1"), rules);
    signer.commit(committed).unwrap();
    let public = signer.public_randomness(range(FIRST, COUNT)).unwrap();
    let wanted = Wanted::new();
    let mut refused = Vec::new();
    let mut ask = |at: u64, block| match signer.vote(&vote(at, block)) {
        Ok(made) => Some(made.signature),
        Err(error) => {
            refused.push(error);
            None
        }
    };
    if is_descending {
        // The highest first: whatever it is for, it raises what is within reach.
        ask(FIRST + u64::from(COUNT) - 1, 0);
        return (None, refused);
    }
    let forged = forge(&signer.public_key(), &public, wanted.digest(), ask);
    if let Some(forged) = forged {
        wanted.assert_forged(&signer.public_key(), forged);
        // No vote of it contradicts another: the key stays secret, and every height is spent.
        for at in heights() {
            let both = [0, 1].map(|block| signer.vote(&vote(at, block)));
            let refusals = both
                .iter()
                .filter(|vote| matches!(vote, Err(SessionError::Refused(Refusal::DoubleSign { .. }))));
            assert_eq!(refusals.count(), 1, "{at}");
        }
    }
    (forged, refused)
}

/// What stops the attack are heights that are not committed.
#[test]
fn combination_is_refused_at_heights_that_are_not_committed() {
    for committed in [range(1, 500), range(FIRST, 200), range(FIRST + 1, COUNT)] {
        let (forged, refused) = attack(committed, VoteRules::default(), false);
        assert_eq!(forged, None);
        assert!(matches!(refused[..], [SessionError::NotCommitted { .. }]), "{refused:?}");
    }
}

/// A height that is far above the highest one is out of reach, but each vote brings the next one into it: the
/// distance alone stops nobody who asks in order. It bounds what is spent at once.
#[test]
fn combination_works_on_committed_heights_whatever_the_distance() {
    let committed = range(FIRST, COUNT);
    let near = VoteRules { committed_only: true, most_above: 100 };
    let (_, refused) = attack(committed, near, true);
    assert!(
        matches!(refused[..], [SessionError::TooFarAbove { most_above: 100, .. }]),
        "the last of them first: {refused:?}"
    );
    for most_above in [1, 100, 20_000] {
        let (forged, refused) = attack(committed, VoteRules { committed_only: true, most_above }, false);
        assert!(forged.is_some() && refused.is_empty(), "{most_above}: {refused:?}");
    }
    // Only where nothing above the highest is signed, nothing is left to choose.
    let (forged, refused) = attack(committed, VoteRules { committed_only: true, most_above: 0 }, false);
    assert_eq!(forged, None);
    let [SessionError::TooFarAbove { height: at, .. }] = refused[..] else { panic!("{refused:?}") };
    assert_eq!(at, height(FIRST + 1));
}
