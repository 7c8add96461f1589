//! Our own interface, through the client that the command line uses.

use finality::{
    ConsumerHeight, Operation, PossessionMessage, RandomnessSchedule, RandomnessTree, Signer as _,
    SignerChain, SignerError as _, SigningContext, VoteMessage,
};
use signer::client::{Connection, InvalidAnswer, RemoteError, RemoteSigner};
use signer::wire::own::{Range, VoteRequest};

use crate::harness::{ALICE, BOB, BOB_PASSPHRASE, Running, chain_id, public, uid};

fn connect(url: String) -> RemoteSigner {
    RemoteSigner::connect(Connection { url, tls: None, auth: None }).unwrap()
}

fn range(start: u64, count: u32) -> RandomnessSchedule {
    RandomnessSchedule::new(ConsumerHeight(start), count, 1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_is_a_signer() {
    let running = Running::open().await;
    let url = running.url();
    let asked = tokio::task::spawn_blocking(move || {
        let signer = connect(url).signer(public(ALICE), SignerChain::genesis("bbn-1"));
        let list = signer.public_randomness(range(9_990, 20)).unwrap();
        let committed = signer.commit(range(9_990, 20)).unwrap();
        let tree = RandomnessTree::new(ConsumerHeight(9_990), &list).unwrap();
        assert_eq!(committed.commitment, tree.commitment());
        let vote = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(500), [1; 32]);
        let made = signer.vote(&vote).unwrap();
        assert_eq!(signer.vote(&vote).unwrap(), made);
        let other = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(500), [2; 32]);
        let refused = signer.vote(&other).unwrap_err();
        assert!(matches!(&refused, RemoteError::Refused { message } if message.starts_with("double sign")));
        let address = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap();
        let possession = PossessionMessage::new(SigningContext::GENESIS, address).unwrap();
        let proof = signer.prove_possession(&possession).unwrap();
        assert!(possession.verify_bip340(&public(ALICE), &proof));
        // A vote with a context that is not the chain's.
        let context = SigningContext::consumer(Operation::FinalityVote, "consumer-1", "bbn1contract");
        let foreign = VoteMessage::new(context, ConsumerHeight(501), [1; 32]);
        assert!(matches!(signer.vote(&foreign), Err(RemoteError::Failed { .. })));
    });
    asked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_chain_has_its_contexts() {
    let running = Running::open().await;
    let url = running.url();
    let asked = tokio::task::spawn_blocking(move || {
        let chain = SignerChain::consumer("consumer-1", "consumer-1", "bbn1contract");
        let signer = connect(url).signer(public(ALICE), chain.clone());
        signer.commit(range(20_000, 8)).unwrap();
        signer.vote(&VoteMessage::new(chain.vote_context, ConsumerHeight(500), [1; 32])).unwrap();
        let address: finality::AccountAddress = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap();
        let possession = PossessionMessage::new(chain.possession_context, address.clone()).unwrap();
        signer.prove_possession(&possession).unwrap();
        let other = SigningContext::consumer(Operation::FinalityProviderPop, "unknown-1", "bbn1contract");
        let possession = PossessionMessage::new(other, address).unwrap();
        assert!(matches!(signer.prove_possession(&possession), Err(RemoteError::NotAllowed { .. })));
    });
    asked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_brings_the_proof_of_its_randomness() {
    let running = Running::open().await;
    let mut client = running.own().await;
    let request = VoteRequest {
        public_key: uid(ALICE),
        chain_id: chain_id(0),
        height: 510,
        block_hash: vec![1; 32],
        context: String::new(),
        commitment: Some(Range { start_height: 500, count: 20 }),
    };
    let answer = client.vote(request.clone()).await.unwrap().into_inner();
    let proof = answer.proof.unwrap();
    let schedule = range(500, 20);
    let list = schedule.public_randomness(&crate::harness::secret(ALICE), b"bbn-1");
    let tree = RandomnessTree::new(ConsumerHeight(500), &list).unwrap();
    let expected = tree.prove(ConsumerHeight(510)).unwrap();
    assert_eq!((proof.total, proof.index), (expected.total, expected.index));
    assert_eq!(proof.aunts, expected.aunts.iter().map(|aunt| aunt.to_vec()).collect::<Vec<_>>());
    assert_eq!(answer.public_randomness, list[10].to_bytes());
    let outside = VoteRequest { height: 530, ..request };
    assert!(client.vote(outside).await.unwrap().into_inner().proof.is_none());
}

/// Each is signed or not, whatever becomes of the others.
#[tokio::test(flavor = "multi_thread")]
async fn many_votes_are_proven_at_once() {
    let running = Running::open().await;
    let url = running.url();
    let asked = tokio::task::spawn_blocking(move || {
        let signer = connect(url).signer(public(ALICE), SignerChain::genesis("bbn-1"));
        let vote =
            |height, block| VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(height), [block; 32]);
        let commitment = signer.commit(range(500, 300)).unwrap().commitment;
        signer.vote(&vote(610, 9)).unwrap();
        let messages: Vec<_> = (600..=800).map(|height| vote(height, 1)).collect();
        let made = signer.prove_votes(range(500, 300), &messages).unwrap();
        assert_eq!(made.len(), 201);
        for (height, made) in (600..).zip(made) {
            match (height, made) {
                (610, Err(error)) => assert!(error.is_refusal() && error.refusal() == Some("double_sign")),
                // Past the commitment.
                (800, Err(error)) => assert!(matches!(error, RemoteError::Answer(InvalidAnswer::Proof))),
                (_, made) => made.unwrap().verify(&commitment).unwrap(),
            }
        }
        // Nothing was signed that is proven by nothing.
        signer.vote(&vote(800, 2)).unwrap();
    });
    asked.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_unlocked_and_locked() {
    let running = Running::open().await;
    let url = running.url();
    let folder = running.path("copies");
    let asked = tokio::task::spawn_blocking(move || {
        let remote = connect(url);
        let unlocked = |remote: &RemoteSigner| {
            remote.status().unwrap().iter().map(|key| (key.name.clone(), key.unlocked)).collect::<Vec<_>>()
        };
        let names = |bob| vec![("alice".to_owned(), true), ("bob".to_owned(), bob)];
        let sorted = |mut found: Vec<(String, bool)>| {
            found.sort();
            found
        };
        assert_eq!(sorted(unlocked(&remote)), names(false));
        let refused = remote.unlock(&public(BOB), "wrong words").unwrap_err().to_string();
        assert!(!refused.contains("wrong words") && refused.contains("bob"), "{refused}");
        remote.unlock(&public(BOB), BOB_PASSPHRASE).unwrap();
        assert_eq!(sorted(unlocked(&remote)), names(true));
        remote.lock(&public(BOB)).unwrap();
        remote.lock(&public(BOB)).unwrap();
        assert_eq!(sorted(unlocked(&remote)), names(false));
        let lane = &remote.status().unwrap()[0].lanes[0];
        assert!(lane.registered);
        assert_eq!(lane.state.committed, [crate::harness::COMMITTED]);
        // What is wrong with the folder is the operator's to mend.
        let nowhere = remote.back_up("/nonexistent/folder").unwrap_err().to_string();
        assert!(nowhere.contains("InvalidArgument") && nowhere.contains("No such file"), "{nowhere}");
        let name = remote.back_up(folder.to_str().unwrap()).unwrap();
        assert!(folder.join(name).exists());
    });
    asked.await.unwrap();
}

#[test]
fn urls_are_checked_before_anything_is_sent() {
    for url in ["", "127.0.0.1:1", "ftp://127.0.0.1:1", "http://192.0.2.1:12582", "http://example.com:1"] {
        let connection = Connection { url: url.to_owned(), tls: None, auth: None };
        let error = RemoteSigner::connect(connection).unwrap_err();
        assert!(matches!(error, RemoteError::Url { .. }), "{url}: {error}");
    }
    let nobody = Connection { url: "http://127.0.0.1:1".to_owned(), tls: None, auth: None };
    assert!(matches!(RemoteSigner::connect(nobody), Err(RemoteError::Connect { .. })));
}
