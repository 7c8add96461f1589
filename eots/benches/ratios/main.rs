//! `make bench`: what an operation costs beside libsecp256k1 and beside the registry's `eots` crate, as
//! ratios measured in one run.
//!
//! Arguments: a word, to measure only the rows that contain it; `--strict`, to exit with 1 when a target is
//! missed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

mod batch;
mod measure;
mod reference;

use std::process::ExitCode;

use eots::secp256k1::{self, Keypair, Message, SECP256K1, schnorr};
use eots::{
    AdaptorSignature, Parity, PublicRandomness, SecretKey, SecretRandomness, Signature, XOnlyPublicKey,
};
use k256::ProjectivePoint;
use k256::elliptic_curve::ops::MulByGenerator;
use sha2::{Digest, Sha256};

use measure::Ratio::{Speed, Time};
use measure::{Table, each, each_spending};
use reference::Reference;

/// How many different votes each side works on: the time of a verification depends on its numbers.
const VOTES: u64 = 32;
const CHAIN_ID: &[u8] = b"bbn-1";
const AUX: [u8; 32] = [3; 32];

const VERIFY_SCHNORR: &str = "libsecp256k1 verify_schnorr";
const GENERATE_KEY: &str = "libsecp256k1 key generation";
// Measured with the features of k256 that it asks for itself. With k256's precomputed tables, which neither
// it nor this workspace asks for, it signs in half the time.
const PEER: &str = "registry's eots 0.14.0";
const REFERENCE: &str = "the reference, in Go";

fn main() -> ExitCode {
    Table::of_arguments(measure_all)
}

fn measure_all(table: &mut Table) {
    // The peer does not negate a secret whose point has odd y, so what it signs is no BIP-340 signature then:
    // the key has even y. Nor does it hash the message: it is given the digest, made beforehand, as
    // libsecp256k1 is. Only this crate hashes within its measured time.
    let key = SecretKey::from_bytes(&[7; 32]).expect("a key").with_parity(Parity::Even);
    let encryption_key = *SecretKey::from_bytes(&[9; 32]).expect("a key").public_key();
    let public_key = key.public_key();
    let peer = peer_eots::SecretKey::from_bytes(key.to_bytes().as_slice()).expect("a key");
    let peer_public_key = peer.pubkey();
    let votes: Vec<Vote> = (0..VOTES).map(|height| Vote::new(&key, &encryption_key, height)).collect();

    let verify_schnorr = || {
        each(&votes, |vote| {
            SECP256K1
                .verify_schnorr(&vote.bip340, &Message::from_digest(vote.block.digest), public_key)
                .expect("valid");
        })
    };
    table.row(
        "Schnorr verify, for the noise",
        VERIFY_SCHNORR,
        Time(None),
        verify_schnorr(),
        verify_schnorr(),
    );

    let verify = || {
        each(&votes, |vote| {
            let Signed { message, signature, .. } = &vote.block;
            eots::verify(public_key, &vote.public_randomness, message, signature).expect("valid");
        })
    };
    table.row("verify", VERIFY_SCHNORR, Time(Some(1.05)), verify(), verify_schnorr());
    let peer_verify = each(&votes, |vote| {
        let Signed { digest, signature, .. } = &vote.block;
        let valid = peer_public_key.verify(&vote.public_randomness.to_bytes(), digest, &signature.to_bytes());
        assert_eq!(valid, Ok(true));
    });
    table.row("verify", PEER, Speed(None), verify(), peer_verify);

    let derive = |vote: &Vote| SecretRandomness::derive(&key, CHAIN_ID, vote.height);
    let sign = each_spending(&votes, derive, |vote, randomness| {
        eots::sign(&key, randomness, &vote.block.message).expect("a signature")
    });
    table.row("sign, verified", VERIFY_SCHNORR, Time(Some(1.1)), sign, verify_schnorr());
    let sign_without_verifying = || {
        each_spending(&votes, derive, |vote, randomness| {
            eots::sign_without_verifying(&key, randomness, &vote.block.message).expect("a signature")
        })
    };
    let peer_sign = each(&votes, |vote| peer.sign(&vote.scalar, &vote.block.digest).expect("a signature"));
    table.row("sign, without verifying", PEER, Speed(Some(100.0)), sign_without_verifying(), peer_sign);

    let extract = || {
        each(&votes, |Vote { public_randomness, block, fork, .. }| {
            let (first, second) = ((&*block.message, &block.signature), (&*fork.message, &fork.signature));
            eots::extract(public_key, public_randomness, first, second).expect("a key")
        })
    };
    table.row("extract", VERIFY_SCHNORR, Time(None), extract(), verify_schnorr());
    // The peer returns whatever number comes out; this crate checks that it is the key.
    let peer_extract = each(&votes, |Vote { public_randomness, block, fork, .. }| {
        let (first, second) = (block.signature.to_bytes(), fork.signature.to_bytes());
        let randomness = public_randomness.to_bytes();
        peer_public_key
            .extract_secret_key(&randomness, &block.digest, &first, &fork.digest, &second)
            .expect("a key")
    });
    table.row("extract", PEER, Speed(None), extract(), peer_extract);

    let randomness = || each(&votes, |vote| *derive(vote).public_randomness());
    let generate_key = each(&votes, |vote| {
        Keypair::from_secret_key(SECP256K1, &secp256k1::SecretKey::from_slice(&vote.scalar).expect("a key"))
    });
    table.row("public randomness of a height", GENERATE_KEY, Time(None), randomness(), generate_key);
    // The peer derives nothing from a height: it is given the number.
    let peer_randomness = each(&votes, |vote| {
        let secret = peer_eots::SecRand::new(&vote.scalar).expect("a number");
        peer_eots::PubRand::from(ProjectivePoint::mul_by_generator(&*secret)).to_bytes()
    });
    table.row("public randomness of a height", PEER, Speed(None), randomness(), peer_randomness);

    let adaptor_verify = || {
        each(&votes, |vote| {
            vote.adaptor_signature
                .verify(public_key, &encryption_key, Message::from_digest(vote.block.digest))
                .expect("valid");
        })
    };
    table.row("adaptor verify", VERIFY_SCHNORR, Time(Some(1.5)), adaptor_verify(), verify_schnorr());
    let adaptor_sign = each(&votes, |vote| {
        AdaptorSignature::sign(&key, &encryption_key, Message::from_digest(vote.block.digest), &AUX)
            .expect("an adaptor signature")
    });
    table.row("adaptor sign, verified", VERIFY_SCHNORR, Time(None), adaptor_sign, verify_schnorr());

    batch::measure(table);

    let Some(reference) = Reference::start() else { return };
    table.row("verify", REFERENCE, Speed(None), verify(), reference.side("verify"));
    table.row(
        "sign, without verifying",
        REFERENCE,
        Speed(Some(100.0)),
        sign_without_verifying(),
        reference.side("sign"),
    );
    table.row(
        "adaptor verify",
        REFERENCE,
        Speed(Some(4.0)),
        adaptor_verify(),
        reference.side("adaptor_verify"),
    );
}

/// A finality vote and its equivocation, as this crate, libsecp256k1 and the peer take them.
struct Vote {
    height: u64,
    public_randomness: PublicRandomness,
    block: Signed,
    fork: Signed,
    /// The signature over `block`, as libsecp256k1 takes it.
    bip340: schnorr::Signature,
    /// An adaptor signature over the digest of `block`.
    adaptor_signature: AdaptorSignature,
    /// Any secret number, for work that is given one.
    scalar: [u8; 32],
}

struct Signed {
    message: Vec<u8>,
    digest: [u8; 32],
    signature: Signature,
}

impl Vote {
    fn new(key: &SecretKey, encryption_key: &XOnlyPublicKey, height: u64) -> Self {
        let randomness = || SecretRandomness::derive(key, CHAIN_ID, height);
        let public_randomness = *randomness().public_randomness();
        let sign = |block_hash| {
            // As long as a real one: signing context, height, block hash.
            let message = [[b'c'; 64].as_slice(), &height.to_be_bytes(), &[block_hash; 32]].concat();
            let signature = eots::sign(key, randomness(), &message).expect("a signature");
            Signed { digest: Sha256::digest(&message).into(), message, signature }
        };
        let (block, fork) = (sign(0xa), sign(0xb));
        let bip340 = [public_randomness.to_bytes(), block.signature.to_bytes()].concat();
        Self {
            height,
            public_randomness,
            bip340: schnorr::Signature::from_slice(&bip340).expect("64 bytes"),
            adaptor_signature: AdaptorSignature::sign(
                key,
                encryption_key,
                Message::from_digest(block.digest),
                &AUX,
            )
            .expect("a signature"),
            scalar: Sha256::digest(&bip340).into(),
            block,
            fork,
        }
    }
}
