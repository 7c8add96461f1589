//! The reference's interface, row by row.

use std::os::unix::fs::PermissionsExt as _;

use eots::{PublicRandomness, SecretRandomness, Signature, verify};
use finality::{ConsumerHeight, Operation, RandomnessTree, SigningContext};
use secp256k1::{Message, SECP256K1, schnorr};
use signer::wire::reference::{
    BackupRequest, BatchedVote, CreateRandomnessPairListRequest, PingRequest, SaveEotsKeyNameRequest,
    SignBatchEotsRequest, SignEotsRequest, SignSchnorrSigRequest, UnlockKeyRequest,
};
use tonic::Code;

use crate::harness::{
    ALICE, BOB, BOB_PASSPHRASE, Home, Running, chain_id, files, public, refused, secret, uid, vote,
};

fn sign(key: u8, chain: usize, height: u64, msg: Vec<u8>) -> SignEotsRequest {
    SignEotsRequest { uid: uid(key), chain_id: chain_id(chain), msg, height }
}

fn list(key: u8, start_height: u64, num: u32, interval: Option<u64>) -> CreateRandomnessPairListRequest {
    CreateRandomnessPairListRequest { uid: uid(key), chain_id: chain_id(0), start_height, num, interval }
}

fn randomness(key: u8, chain: usize, height: u64) -> PublicRandomness {
    *SecretRandomness::derive(&secret(key), &chain_id(chain), height).public_randomness()
}

fn check(key: u8, chain: usize, height: u64, message: &[u8], signature: &[u8]) {
    let signature = Signature::from_bytes(signature.try_into().unwrap()).unwrap();
    verify(&public(key), &randomness(key, chain, height), message, &signature).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn votes_are_signed_once_and_the_same_again() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    client.ping(PingRequest {}).await.unwrap();
    let first = client.sign_eots(sign(ALICE, 0, 120, vote(120, 1))).await.unwrap().into_inner().sig;
    check(ALICE, 0, 120, &vote(120, 1), &first);
    let again = client.sign_eots(sign(ALICE, 0, 120, vote(120, 1))).await.unwrap().into_inner().sig;
    assert_eq!(first, again);
    let (code, text) = refused(client.sign_eots(sign(ALICE, 0, 120, vote(120, 2))).await);
    assert_eq!(code, Code::FailedPrecondition);
    assert!(text.starts_with("double sign"), "{text}");
    // The refusal is counted, and health is good.
    let metrics = running.get("/metrics").await;
    let key = hex::encode(uid(ALICE));
    let lane = format!("chain_id=\"bbn-1\",fp_btc_pk_hex=\"{key}\"");
    for line in [
        format!("btcstake_signer_double_sign_refusals_total{{{lane}}} 1"),
        format!("btcstake_signer_refusals_total{{{lane},rule=\"double_sign\"}} 1"),
        format!("eots_fp_total_eots_sign_counter{{fp_btc_pk_hex=\"{key}\"}} 2"),
        format!("btcstake_signer_highest_height{{{lane}}} 120"),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    assert!(running.get("/health").await.starts_with("HTTP/1.1 200"), "healthy");

    // After a stop and a start the record is there.
    let home = running.stop().await;
    let running = home.start(crate::harness::ANYBODY).await;
    let mut client = running.reference().await;
    let after = client.sign_eots(sign(ALICE, 0, 120, vote(120, 1))).await.unwrap().into_inner().sig;
    assert_eq!(first, after);
    let (code, _) = refused(client.sign_eots(sign(ALICE, 0, 120, vote(120, 2))).await);
    assert_eq!(code, Code::FailedPrecondition);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_votes_of_configured_chains_and_committed_heights_are_signed() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let context = SigningContext::consumer(Operation::FinalityVote, "consumer-1", "bbn1contract");
    let consumer = [context.as_bytes(), &vote(130, 1)].concat();
    let signed = client.sign_eots(sign(ALICE, 1, 130, consumer.clone())).await.unwrap().into_inner();
    check(ALICE, 1, 130, &consumer, &signed.sig);

    for (request, code, says) in [
        // Messages that are no votes: anything else would be a signature of somebody else's choice.
        (sign(ALICE, 0, 131, Vec::new()), Code::InvalidArgument, "no vote"),
        (sign(ALICE, 0, 131, vec![7; 32]), Code::InvalidArgument, "no vote"),
        (sign(ALICE, 0, 131, consumer.clone()), Code::InvalidArgument, "no vote"),
        (sign(ALICE, 1, 131, vote(131, 1)), Code::InvalidArgument, "no vote"),
        (sign(ALICE, 0, 131, vote(132, 1)), Code::InvalidArgument, "at height 132; must be at 131"),
        (sign(ALICE, 0, 131, vec![7; 3 << 20]), Code::InvalidArgument, "no vote"),
        // Chains and heights.
        (
            SignEotsRequest { chain_id: b"other".to_vec(), ..sign(ALICE, 0, 131, vote(131, 1)) },
            Code::PermissionDenied,
            "other",
        ),
        (
            SignEotsRequest { chain_id: Vec::new(), ..sign(ALICE, 0, 131, vote(131, 1)) },
            Code::PermissionDenied,
            "chain",
        ),
        (sign(ALICE, 0, 10_001, vote(10_001, 1)), Code::PermissionDenied, "not committed"),
        (sign(ALICE, 0, u64::MAX, vote(u64::MAX, 1)), Code::PermissionDenied, "not committed"),
        (sign(ALICE, 0, 99, vote(99, 1)), Code::PermissionDenied, "not committed"),
        (sign(ALICE, 0, 9_000, vote(9_000, 1)), Code::PermissionDenied, "at most 5000 above"),
        // Keys.
        (
            SignEotsRequest { uid: vec![7; 31], ..sign(ALICE, 0, 131, vote(131, 1)) },
            Code::InvalidArgument,
            "31",
        ),
        (
            SignEotsRequest { uid: vec![7; 33], ..sign(ALICE, 0, 131, vote(131, 1)) },
            Code::InvalidArgument,
            "33",
        ),
        (
            SignEotsRequest { uid: Vec::new(), ..sign(ALICE, 0, 131, vote(131, 1)) },
            Code::InvalidArgument,
            "0 bytes",
        ),
        (sign(3, 0, 131, vote(131, 1)), Code::NotFound, "EOTS key name not found"),
    ] {
        let (found, text) = refused(client.sign_eots(request).await);
        assert_eq!((found, text.contains(says)), (code, true), "{text}");
    }
    // None of it was recorded.
    client.sign_eots(sign(ALICE, 0, 131, vote(131, 9))).await.unwrap();
    let (code, _) = refused(client.unsafe_sign_eots(sign(ALICE, 0, 132, vote(132, 1))).await);
    assert_eq!(code, Code::Unimplemented);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_key_answers_from_its_records_and_unlocks() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let unlock = |passphrase: &str| UnlockKeyRequest { uid: uid(BOB), passphrase: passphrase.to_owned() };
    let (code, text) = refused(client.sign_eots(sign(BOB, 0, 140, vote(140, 1))).await);
    assert_eq!((code, text.contains("locked")), (Code::Unavailable, true), "{text}");
    for wrong in ["", "another passphrase", "two\nlines"] {
        let (code, text) = refused(client.unlock_key(unlock(wrong)).await);
        assert_eq!(code, Code::InvalidArgument, "{text}");
    }
    client.unlock_key(unlock(BOB_PASSPHRASE)).await.unwrap();
    client.unlock_key(unlock(BOB_PASSPHRASE)).await.unwrap();
    let signed = client.sign_eots(sign(BOB, 0, 140, vote(140, 1))).await.unwrap().into_inner().sig;

    let mut own = running.own().await;
    let lock = signer::wire::own::LockRequest { public_key: uid(BOB) };
    own.lock(lock).await.unwrap();
    let again = client.sign_eots(sign(BOB, 0, 140, vote(140, 1))).await.unwrap().into_inner().sig;
    assert_eq!(signed, again);
    let (code, text) = refused(client.sign_eots(sign(BOB, 0, 140, vote(140, 2))).await);
    assert_eq!((code, text.starts_with("double sign")), (Code::FailedPrecondition, true), "{text}");
    let (code, _) = refused(client.sign_eots(sign(BOB, 0, 141, vote(141, 1))).await);
    assert_eq!(code, Code::Unavailable);
    let batch = SignBatchEotsRequest {
        uid: uid(BOB),
        chain_id: chain_id(0),
        sign_requests: vec![BatchedVote { msg: vote(140, 1), height: 140 }],
    };
    assert_eq!(refused(client.sign_batch_eots(batch).await).0, Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_leave_out_what_conflicts_and_refuse_duplicates() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let batch = |votes: &[(u64, u8)]| SignBatchEotsRequest {
        uid: uid(ALICE),
        chain_id: chain_id(0),
        sign_requests: votes
            .iter()
            .map(|(height, block)| BatchedVote { msg: vote(*height, *block), height: *height })
            .collect(),
    };
    let heights = |answer: tonic::Response<signer::wire::reference::SignBatchEotsResponse>| {
        answer.into_inner().responses.iter().map(|one| one.height).collect::<Vec<_>>()
    };
    assert!(client.sign_batch_eots(batch(&[])).await.unwrap().into_inner().responses.is_empty());
    let answer = client.sign_batch_eots(batch(&[(200, 1), (201, 1), (202, 1)])).await.unwrap().into_inner();
    for one in &answer.responses {
        check(ALICE, 0, one.height, &vote(one.height, 1), &one.sig);
    }
    assert_eq!(heights(client.sign_batch_eots(batch(&[(201, 1), (203, 1)])).await.unwrap()), [201, 203]);
    assert_eq!(heights(client.sign_batch_eots(batch(&[(201, 2), (204, 1)])).await.unwrap()), [204]);
    assert_eq!(heights(client.sign_batch_eots(batch(&[(201, 2), (200, 2)])).await.unwrap()), [0; 0]);
    let (code, text) = refused(client.sign_batch_eots(batch(&[(205, 1), (206, 1), (205, 1)])).await);
    assert_eq!(code, Code::InvalidArgument);
    assert!(text.starts_with("duplicate height in batch"), "{text}");
    let (code, _) = refused(client.sign_batch_eots(batch(&[(205, 1), (20_000, 1)])).await);
    assert_eq!(code, Code::PermissionDenied);
    let many: Vec<(u64, u8)> = (0..10_001).map(|n| (100 + n, 1)).collect();
    let (code, text) = refused(client.sign_batch_eots(batch(&many)).await);
    assert_eq!((code, text.contains("10001")), (Code::InvalidArgument, true), "{text}");
    // Nothing of these was recorded: another block is signed.
    client.sign_eots(sign(ALICE, 0, 205, vote(205, 7))).await.unwrap();
    client.sign_eots(sign(ALICE, 0, 206, vote(206, 7))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_those_of_the_library_and_are_bounded() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    for (interval, step) in [(None, 1), (Some(0), 1), (Some(1), 1), (Some(5), 5)] {
        let answer = client.create_randomness_pair_list(list(ALICE, 50, 3, interval)).await.unwrap();
        let expected: Vec<_> =
            (0..3).map(|n| randomness(ALICE, 0, 50 + n * step).to_bytes().to_vec()).collect();
        assert_eq!(answer.into_inner().pub_rand_list, expected);
    }
    let none = client.create_randomness_pair_list(list(ALICE, 50, 0, None)).await.unwrap();
    assert!(none.into_inner().pub_rand_list.is_empty());
    let last = client.create_randomness_pair_list(list(ALICE, u64::MAX - 1, 2, None)).await.unwrap();
    assert_eq!(last.into_inner().pub_rand_list.len(), 2);
    for (request, says) in [
        (list(ALICE, u64::MAX, 2, None), "ends above 2^64 - 1"),
        (list(ALICE, 0, 3, Some(u64::MAX)), "ends above 2^64 - 1"),
        (list(ALICE, 0, u32::MAX, None), "4294967295 heights"),
        (list(ALICE, 0, 493_401, None), "493401 heights"),
    ] {
        let since = std::time::Instant::now();
        let (code, text) = refused(client.create_randomness_pair_list(request).await);
        assert_eq!((code, text.contains(says)), (Code::InvalidArgument, true), "{text}");
        assert!(since.elapsed() < std::time::Duration::from_secs(2), "it cost something");
    }
    assert_eq!(refused(client.create_randomness_pair_list(list(BOB, 0, 3, None)).await).0, Code::Unavailable);
}

/// The reference's client signs the digest of the list that it has just fetched.
#[tokio::test(flavor = "multi_thread")]
async fn digests_of_served_lists_are_signed_and_no_others() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let digest = |start, count: u32| {
        let leaves: Vec<_> = (0..count).map(|n| randomness(ALICE, 0, start + u64::from(n))).collect();
        let commitment = RandomnessTree::new(ConsumerHeight(start), &leaves).unwrap().commitment();
        *commitment.digest(&SigningContext::GENESIS).as_ref()
    };
    let asked = |digest: &[u8]| SignSchnorrSigRequest { uid: uid(ALICE), msg: digest.to_vec() };
    let known = digest(20_000, 64);
    assert_eq!(refused(client.sign_schnorr_sig(asked(&known)).await).0, Code::PermissionDenied);
    // A vote there is refused until the commitment was signed: nobody can need it earlier.
    let later = sign(ALICE, 0, 20_001, vote(20_001, 1));
    assert_eq!(refused(client.sign_eots(later.clone()).await).0, Code::PermissionDenied);
    client.create_randomness_pair_list(list(ALICE, 20_000, 64, None)).await.unwrap();
    let sig = client.sign_schnorr_sig(asked(&known)).await.unwrap().into_inner().sig;
    let sig = schnorr::Signature::from_slice(&sig).unwrap();
    SECP256K1.verify_schnorr(&sig, &Message::from_digest(known), &public(ALICE)).unwrap();
    client.sign_schnorr_sig(asked(&known)).await.unwrap();
    let (code, text) = refused(client.sign_eots(later).await);
    assert_eq!((code, text.contains("at most 5000 above")), (Code::PermissionDenied, true), "{text}");
    for wrong in [digest(20_000, 63), digest(20_001, 64), [7; 32]] {
        assert_eq!(refused(client.sign_schnorr_sig(asked(&wrong)).await).0, Code::PermissionDenied);
    }
    // A consumer chain's list is committed to on that chain alone: without its context the commitment would
    // be one on Babylon Genesis.
    let consumer = CreateRandomnessPairListRequest { chain_id: chain_id(1), ..list(ALICE, 40_000, 8, None) };
    client.create_randomness_pair_list(consumer).await.unwrap();
    let leaves: Vec<_> = (0..8).map(|n| randomness(ALICE, 1, 40_000 + n)).collect();
    let commitment = RandomnessTree::new(ConsumerHeight(40_000), &leaves).unwrap().commitment();
    let context = SigningContext::consumer(Operation::RandomnessCommitment, "consumer-1", "bbn1contract");
    let genesis = *commitment.digest(&SigningContext::GENESIS).as_ref();
    assert_eq!(refused(client.sign_schnorr_sig(asked(&genesis)).await).0, Code::PermissionDenied);
    client.sign_schnorr_sig(asked(commitment.digest(&context).as_ref())).await.unwrap();
    for wrong in [&known[..5], &[], &[7; 33]] {
        assert_eq!(refused(client.sign_schnorr_sig(asked(wrong)).await).0, Code::InvalidArgument);
    }
    // A list with gaps is never committed to.
    client.create_randomness_pair_list(list(ALICE, 30_000, 2, Some(5))).await.unwrap();
    let leaves = [randomness(ALICE, 0, 30_000), randomness(ALICE, 0, 30_005)];
    let sparse = RandomnessTree::new(ConsumerHeight(30_000), &leaves).unwrap().commitment();
    let sparse = *sparse.digest(&SigningContext::GENESIS).as_ref();
    assert_eq!(refused(client.sign_schnorr_sig(asked(&sparse)).await).0, Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_have_names_of_their_own_and_are_private() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let folder = running.path("backups");
    let asked =
        |path: &str, folder: &str| BackupRequest { db_path: path.to_owned(), backup_dir: folder.to_owned() };
    for (path, folder) in [("", "/tmp"), ("any", ""), ("any", "relative/folder")] {
        assert_eq!(refused(client.backup(asked(path, folder)).await).0, Code::InvalidArgument);
    }
    let folder_text = folder.to_str().unwrap();
    let one = client.backup(asked("any", folder_text)).await.unwrap().into_inner().backup_name;
    let two = client.backup(asked("any", folder_text)).await.unwrap().into_inner().backup_name;
    assert_ne!(one, two);
    assert!(one.starts_with("eots_2") && one.ends_with(".db"), "{one}");
    let (mut first, mut second) = (running.reference().await, running.reference().await);
    let (three, four) =
        tokio::join!(first.backup(asked("any", folder_text)), second.backup(asked("any", folder_text)));
    let [three, four] = [three, four].map(|answer| answer.unwrap().into_inner().backup_name);
    let mut expected = vec![one.clone(), two, three, four];
    expected.sort();
    assert_eq!(files(&folder), expected);
    let mode = std::fs::metadata(folder.join(one)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Four in a minute.
    let mut limited = false;
    for _ in 0..4 {
        limited |= client.backup(asked("any", folder_text)).await.is_err_and(|status| {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            true
        });
    }
    assert!(limited);
}

/// A folder of a name that the signer's own files have would stop the next start.
#[tokio::test(flavor = "multi_thread")]
async fn no_folder_is_made_in_the_place_of_the_signers_files() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    for name in ["signing.db-journal", "signing.db.nonces.new", "absent/backups"] {
        let backup_dir = running.path(name).to_str().unwrap().to_owned();
        refused(client.backup(BackupRequest { db_path: "any".to_owned(), backup_dir }).await);
        assert!(!running.path(name).exists(), "{name}");
    }
    let home = running.stop().await;
    home.start(crate::harness::ANYBODY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_names_are_not_saved() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let asked = |eots_pk: Vec<u8>| SaveEotsKeyNameRequest { key_name: "new".to_owned(), eots_pk };
    let full = |key: u8| {
        let key = secp256k1::PublicKey::from_x_only_public_key(public(key), secp256k1::Parity::Even);
        key.serialize_uncompressed().to_vec()
    };
    assert_eq!(refused(client.save_eots_key_name(asked(full(ALICE))).await).0, Code::AlreadyExists);
    assert_eq!(refused(client.save_eots_key_name(asked(full(3))).await).0, Code::NotFound);
    assert_eq!(refused(client.save_eots_key_name(asked(vec![7; 32])).await).0, Code::InvalidArgument);
    let without = "[[client]]\nname = \"fpd\"\nunauthenticated = true\n";
    let running = Home::new().start(without).await;
    let mut client = running.reference().await;
    assert_eq!(refused(client.save_eots_key_name(asked(full(ALICE))).await).0, Code::PermissionDenied);
    let backup = BackupRequest { db_path: "any".to_owned(), backup_dir: "/tmp".to_owned() };
    assert_eq!(refused(client.backup(backup).await).0, Code::PermissionDenied);
    let unlock = UnlockKeyRequest { uid: uid(BOB), passphrase: BOB_PASSPHRASE.to_owned() };
    assert_eq!(refused(client.unlock_key(unlock).await).0, Code::PermissionDenied);
}
