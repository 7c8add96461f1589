//! What somebody should know: each alert begins with its reason, and ends when it is not so any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use babylon::node::{Answer, ChainNode as _, Query};
use babylon::testing::Fault;
use eots::{PublicRandomness, SecretKey, XOnlyPublicKey};
use finality::{
    ConsumerHeight, PossessionMessage, ProvenVotes, RandomnessSchedule, SignedCommitment, Signer,
    SignerError, SigningContext, VoteMessage, VoteSignature,
};
use signer::session::{ProtectedSigner, SessionError};

use super::world::{Liar, World, policy};
use crate::provider::{ProviderAlert, ProviderDaemon, ProviderParts, ProviderPolicy};

fn raised<S: Signer>(daemon: &ProviderDaemon<'_, S>) -> Vec<ProviderAlert> {
    daemon.alerts().collect()
}

#[test]
fn a_chain_without_blocks_is_halted_until_the_next_one() {
    let world = World::new();
    let node = Liar::new(&world.chain, |_| false);
    let policy = ProviderPolicy { halted_after: Duration::from_secs(60), ..policy() };
    let mut daemon = world.daemon(&node, None, policy);
    world.run(&mut daemon, 100);
    let last = world.chain.status().unwrap();
    let height = last.height;
    *node.stands_at.lock().unwrap() = Some(last);
    let begun = Instant::now();
    daemon.step(begun);
    for (seconds, is_halted) in [(60, false), (61, true), (90, true)] {
        daemon.step(begun + Duration::from_secs(seconds));
        assert_eq!(raised(&daemon).contains(&ProviderAlert::Halted), is_halted, "{seconds}");
    }
    let (reasons, cleared) = world.log.told_of(ProviderAlert::Halted);
    assert_eq!((reasons, cleared), (vec![format!("no block after {height} for 61 seconds")], 0));
    *node.stands_at.lock().unwrap() = None;
    daemon.step(begun + Duration::from_secs(91));
    assert!(!raised(&daemon).contains(&ProviderAlert::Halted));
    assert_eq!(world.log.told_of(ProviderAlert::Halted).1, 1);
    world.run(&mut daemon, 200);
    assert_eq!(world.missed(), [0_u64; 0]);
}

/// The blocks that come are below what one node has told of once.
#[test]
fn a_height_that_was_invented_is_no_halt() {
    let world = World::new();
    let node = Liar::new(&world.chain, |_| false);
    let policy = ProviderPolicy { halted_after: Duration::from_secs(60), ..policy() };
    let mut daemon = world.daemon(&node, Some(&world.chain), policy);
    world.run(&mut daemon, 100);
    let begun = Instant::now();
    node.boasts.store(5_000, Ordering::Relaxed);
    daemon.step(begun);
    node.boasts.store(0, Ordering::Relaxed);
    for seconds in [1, 59, 118, 177] {
        daemon.step(begun + Duration::from_secs(seconds));
        assert!(!raised(&daemon).contains(&ProviderAlert::Halted), "{seconds}");
    }
    // One that is behind by a few blocks tells of no new one.
    let last = world.chain.status().unwrap();
    let behind = ConsumerHeight(last.height.to_u64() - 10);
    for (seconds, height) in [(200, last.height), (240, behind), (261, behind)] {
        *node.stands_at.lock().unwrap() = Some(babylon::node::NodeStatus { height, ..last.clone() });
        daemon.step(begun + Duration::from_secs(seconds));
    }
    assert!(raised(&daemon).contains(&ProviderAlert::Halted));
}

#[test]
fn a_provider_that_the_chain_does_not_know_commits_nothing() {
    let world = World::new();
    let address = world.account.address().unwrap();
    let other = SecretKey::from_bytes(&[2; 32]).unwrap();
    world.chain.register(*other.public_key(), &address);
    let mut daemon = world.daemon(&world.chain, None, policy());
    for _ in 0..5 {
        daemon.step(Instant::now());
    }
    assert_eq!(raised(&daemon), [ProviderAlert::NotRegistered]);
    assert!(world.chain.committed().is_empty() && world.chain.transactions().is_empty());
    let (reasons, _) = world.log.told_of(ProviderAlert::NotRegistered);
    assert_eq!(reasons, ["the chain does not know the finality provider"]);
    world.chain.register(world.signer.public_key(), &address);
    world.run(&mut daemon, 100);
    assert_eq!((raised(&daemon), world.log.told_of(ProviderAlert::NotRegistered).1), (vec![], 1));
    assert!(!world.chain.voted().is_empty());
}

/// The chain keeps what it knows of a provider that it has removed, and takes nothing of it.
#[test]
fn a_provider_that_was_removed_votes_no_more() {
    const METHOD: &str = "/babylon.btcstaking.v1.Query/FinalityProvider";
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 100);
    let request = [&[0x0a, 64], world.signer.public_key().to_string().as_bytes()].concat();
    let asked = Query { method: METHOD, request, path: String::new(), post: None };
    let Answer::Protobuf(known) = world.chain.query(&asked).unwrap() else { panic!("protobuf") };
    // The same provider with one more field: 13, `soft_deleted`, is true.
    let [tag, length, fields @ ..] = known.as_slice() else { panic!("{known:?}") };
    let removed = [&[*tag, *length + 2], fields, &[13 << 3, 1]].concat();
    world.chain.answer(METHOD, removed);
    let before = world.chain.transactions().len();
    for _ in 0..10 {
        daemon.step(Instant::now());
    }
    assert_eq!(raised(&daemon), [ProviderAlert::NotRegistered]);
    let (reasons, _) = world.log.told_of(ProviderAlert::NotRegistered);
    assert_eq!(reasons, ["the chain has removed the finality provider"]);
    assert_eq!(world.chain.transactions().len(), before);
    world.chain.answer(METHOD, known);
    world.run(&mut daemon, 200);
    assert_eq!((world.missed(), raised(&daemon)), (vec![], vec![]));
}

/// A signer that does not answer at times.
struct Remote<'a> {
    own: &'a ProtectedSigner,
    is_away: AtomicBool,
}

/// Why it has not signed.
#[derive(Debug, thiserror::Error)]
enum RemoteError {
    #[error("nobody answers at the signer's address")]
    Away,
    #[error(transparent)]
    Own(#[from] SessionError),
}

impl SignerError for RemoteError {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Own(error) if error.is_refusal())
    }
}

impl Remote<'_> {
    fn here(&self) -> Result<&ProtectedSigner, RemoteError> {
        if self.is_away.load(Ordering::Relaxed) { Err(RemoteError::Away) } else { Ok(self.own) }
    }
}

impl Signer for Remote<'_> {
    type Error = RemoteError;

    fn public_key(&self) -> XOnlyPublicKey {
        self.own.public_key()
    }

    fn public_randomness(&self, range: RandomnessSchedule) -> Result<Vec<PublicRandomness>, RemoteError> {
        Ok(self.here()?.public_randomness(range)?)
    }

    fn commit(&self, range: RandomnessSchedule) -> Result<SignedCommitment, RemoteError> {
        Ok(self.here()?.commit(range)?)
    }

    fn vote(&self, message: &VoteMessage) -> Result<VoteSignature, RemoteError> {
        Ok(self.here()?.vote(message)?)
    }

    fn prove_votes(
        &self,
        range: RandomnessSchedule,
        messages: &[VoteMessage],
    ) -> Result<ProvenVotes<RemoteError>, RemoteError> {
        let votes = self.here()?.prove_votes(range, messages)?;
        Ok(votes.into_iter().map(|vote| vote.map_err(RemoteError::Own)).collect())
    }

    fn prove_possession(
        &self,
        message: &PossessionMessage,
    ) -> Result<bitcoin::secp256k1::schnorr::Signature, RemoteError> {
        Ok(self.here()?.prove_possession(message)?)
    }
}

/// What is not signed now is signed when the signer is there again: it was no refusal.
#[test]
fn a_signer_that_is_away_is_waited_for() {
    let world = World::new();
    let remote = Remote { own: &world.signer, is_away: AtomicBool::new(true) };
    let parts = world.daemon(&world.chain, None, policy()).into_parts();
    let ProviderParts { node, second, account, observer, policy, .. } = parts;
    let mut daemon =
        ProviderDaemon::new(ProviderParts { node, second, account, signer: &remote, observer, policy })
            .unwrap();
    // There is nothing to vote for yet, and randomness is due.
    daemon.step(Instant::now());
    assert!(raised(&daemon).contains(&ProviderAlert::Commitment));
    remote.is_away.store(false, Ordering::Relaxed);
    world.run(&mut daemon, 80);
    assert_eq!(raised(&daemon), []);
    remote.is_away.store(true, Ordering::Relaxed);
    let before = world.chain.voted().len();
    for _ in 0..10 {
        daemon.step(Instant::now());
    }
    assert_eq!((raised(&daemon), world.chain.voted().len()), (vec![ProviderAlert::Signer], before));
    let (reasons, cleared) = world.log.told_of(ProviderAlert::Signer);
    assert_eq!((reasons, cleared), (vec!["nobody answers at the signer's address".to_owned()], 0));
    remote.is_away.store(false, Ordering::Relaxed);
    world.run(&mut daemon, 200);
    assert_eq!((world.missed(), daemon.facts().left_out), (vec![], 0));
    assert_eq!((raised(&daemon), world.log.told_of(ProviderAlert::Signer).1), (vec![], 1));
}

/// Another signer may have the key: that is never over by itself.
#[test]
fn a_refused_vote_is_told_for_good() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 60);
    let other = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(95), [0xee; 32]);
    world.signer.vote(&other).unwrap();
    world.run(&mut daemon, 200);
    assert_eq!((world.missed(), raised(&daemon)), (vec![95], vec![ProviderAlert::Refused]));
    let (reasons, cleared) = world.log.told_of(ProviderAlert::Refused);
    assert!(reasons.len() == 1 && reasons[0].contains("double sign") && cleared == 0, "{reasons:?}");
    assert_eq!(world.chain.is_jailed_or_slashed(), (false, false));
}

#[test]
fn a_transaction_that_no_block_has_is_told_and_sent_again() {
    let world = World::new();
    let mut daemon = world.daemon(&world.chain, None, policy());
    world.run(&mut daemon, 80);
    assert_eq!(world.log.told_of(ProviderAlert::Sending).0, [""; 0]);
    world.chain.fail([Fault::Forgotten]);
    while world.log.told_of(ProviderAlert::Sending).0.is_empty() {
        assert!(world.chain.height() < 200, "nothing was sent");
        daemon.step(Instant::now());
    }
    assert!(raised(&daemon).contains(&ProviderAlert::Sending));
    world.run(&mut daemon, 250);
    let (reasons, cleared) = world.log.told_of(ProviderAlert::Sending);
    assert_eq!((reasons.len(), cleared), (1, 1), "{reasons:?}");
    assert_eq!((world.missed(), raised(&daemon)), (vec![], vec![]));
}

/// The only node lies: the chain takes the vote for another block without a word. The right one would reveal
/// the key, so that it stays, and somebody must know.
#[test]
fn a_vote_that_the_chain_does_not_count_is_told_and_stays() {
    let world = World::new();
    let node = Liar::new(&world.chain, |height| height == 120);
    let mut daemon = world.daemon(&node, None, policy());
    world.run(&mut daemon, 180);
    assert_eq!(raised(&daemon), [ProviderAlert::NotCounted]);
    node.is_lying.store(false, Ordering::Relaxed);
    world.run(&mut daemon, 300);
    let (reasons, cleared) = world.log.told_of(ProviderAlert::NotCounted);
    let expected = "the vote at height 120 was executed, and is not among those that the chain has";
    assert_eq!((reasons, cleared), (vec![expected.to_owned()], 0));
    assert_eq!((world.missed(), raised(&daemon)), (vec![120], vec![ProviderAlert::NotCounted]));
    assert_eq!(world.chain.is_jailed_or_slashed(), (false, false));
    // One that is started again finds the vote missing, and the signer lets it sign no other.
    let mut again = world.daemon(&node, None, policy());
    world.run(&mut again, 340);
    assert_eq!(world.chain.is_jailed_or_slashed(), (false, false));
    assert_eq!(raised(&again), [ProviderAlert::Refused]);
}
