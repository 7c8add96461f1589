//! The combination attack on a daemon, through the reference's interface: a list of randomness, 256 votes,
//! and a signature over a commitment that nobody asked for.

use std::num::NonZeroUsize;

use eots::{PublicRandomness, SecretKey, Signature};
use finality::{
    ConsumerHeight, RandomnessCommitment, RandomnessSchedule, RandomnessTree, SignedCommitment,
    SigningContext,
};
use signer::wire::reference::{CreateRandomnessPairListRequest, SignEotsRequest};
use tokio::runtime::Handle;
use tonic::{Code, Status};

use crate::forge::{HEIGHTS, forge};
use crate::harness::{ALICE, ANYBODY, Running, public, uid, vote};
use crate::node::{self, Node};

/// What the attacker wants to have signed: a commitment to the attacker's own randomness.
fn wanted() -> RandomnessCommitment {
    let attacker = SecretKey::from_bytes(&[0x66; 32]).unwrap();
    let range = RandomnessSchedule::new(ConsumerHeight(5000), 64, 1).unwrap();
    RandomnessTree::derive(&attacker, b"bbn-1", range, NonZeroUsize::MIN, |_| {}).unwrap().commitment()
}

/// How an attack ended.
struct Ended {
    /// Whether it has a commitment that verifies.
    is_forged: bool,
    /// How many votes were signed.
    signed: u64,
    /// The refusal that ended it.
    refused: Option<Status>,
}

/// Makes the attack on votes from this height on.
async fn attack(running: &Running, chain_id: &str, first: u64) -> Ended {
    let mut client = running.reference().await;
    let chain_id = chain_id.as_bytes().to_vec();
    let list = CreateRandomnessPairListRequest {
        uid: uid(ALICE),
        chain_id: chain_id.clone(),
        start_height: first,
        num: HEIGHTS.try_into().unwrap(),
        interval: None,
    };
    let list = client.create_randomness_pair_list(list).await.unwrap().into_inner().pub_rand_list;
    let list: Vec<_> =
        list.into_iter().map(|one| PublicRandomness::from_bytes(one.try_into().unwrap())).collect();
    let at = |place: usize| first + u64::try_from(place).unwrap();
    let (mut signed, mut refused) = (0, None);
    let forged = tokio::task::block_in_place(|| {
        let digest = *wanted().digest(&SigningContext::GENESIS).as_ref();
        let message = |place, block| vote(at(place), block);
        forge(&public(ALICE), &list, digest, message, |place, block| {
            let height = at(place);
            let ask = SignEotsRequest {
                uid: uid(ALICE),
                chain_id: chain_id.clone(),
                msg: vote(height, block),
                height,
            };
            match Handle::current().block_on(client.sign_eots(ask)) {
                Ok(answer) => {
                    signed += 1;
                    let bytes = answer.into_inner().sig;
                    Some(Signature::from_bytes(bytes.try_into().unwrap()).unwrap())
                }
                Err(status) => {
                    refused = Some(status);
                    None
                }
            }
        })
    });
    let is_forged = forged.is_some_and(|signature| {
        let made = SignedCommitment { commitment: wanted(), signature };
        made.verify(&public(ALICE), &SigningContext::GENESIS).is_ok()
    });
    Ended { is_forged, signed, refused }
}

/// Where the chain has no node and the limit lets it pass, it works: the other tests test something, and the
/// docs say so.
#[tokio::test(flavor = "multi_thread")]
async fn it_works_on_committed_heights_of_a_chain_without_a_node() {
    let running = Running::open().await;
    let ended = attack(&running, "bbn-1", 200).await;
    assert!(ended.is_forged && ended.signed == 256, "{:?}", ended.refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_the_chain_refuses_it() {
    let node = Node::start("node-1", 500_000).await;
    let running = node::home().start(&node.table()).await;
    let ended = attack(&running, "node-1", 200).await;
    let refused = ended.refused.unwrap();
    assert_eq!(
        (ended.is_forged, ended.signed, refused.code()),
        (false, 0, Code::PermissionDenied),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn heights_that_are_not_committed_refuse_it() {
    let running = Running::open().await;
    // The last committed height is 10 000, and not all of them are within reach.
    for first in [20_000, 9_900] {
        let ended = attack(&running, "bbn-1", first).await;
        let refused = ended.refused.unwrap();
        assert_eq!((ended.is_forged, refused.code()), (false, Code::PermissionDenied), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_votes_refuses_it_until_somebody_notices() {
    let limited =
        "[[chain]]\nchain_id = \"node-1\"\nvotes_per_minute = 1\nvotes_at_once = 64\n".to_owned() + ANYBODY;
    let running = node::home().start(&limited).await;
    let ended = attack(&running, "node-1", 200).await;
    let refused = ended.refused.unwrap();
    assert_eq!(
        (ended.is_forged, ended.signed, refused.code()),
        (false, 64, Code::ResourceExhausted),
        "{refused}"
    );
    let metrics = running.get("/metrics").await;
    let line = metrics.lines().find(|line| line.contains("rule=\"vote_rate\"")).unwrap();
    assert!(line.ends_with(" 1"), "{line}");
}

/// Whoever asks for the same vote again and again gets the same signature, and no more votes by it.
#[tokio::test(flavor = "multi_thread")]
async fn recorded_votes_that_are_asked_again_do_not_raise_the_limit() {
    let limited =
        "[[chain]]\nchain_id = \"node-1\"\nvotes_per_minute = 1\nvotes_at_once = 2\n".to_owned() + ANYBODY;
    let running = node::home().start(&limited).await;
    let mut client = running.reference().await;
    let mut sign = async |height| {
        let ask =
            SignEotsRequest { uid: uid(ALICE), chain_id: b"node-1".to_vec(), msg: vote(height, 1), height };
        client.sign_eots(ask).await.map(|answer| answer.into_inner().sig)
    };
    let mut first = Vec::new();
    for height in [200, 201] {
        first.push(sign(height).await.unwrap());
        for _ in 0..8 {
            assert_eq!(&sign(height).await.unwrap(), first.last().unwrap());
        }
    }
    let refused = sign(202).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert_eq!(sign(200).await.unwrap(), first[0]);
}
