//! One vote, two votes: an extractable one-time signature proves a vote, and two at one height give the
//! secret key away.
//!
//! ```console
//! cargo run --package btcstake-eots --example vote_and_extract
//! ```

use std::error::Error;

use eots::{SecretKey, SecretRandomness};

fn main() -> Result<(), Box<dyn Error>> {
    let key = SecretKey::generate(&mut rand_core::OsRng);
    let (public_key, chain_id, height) = (*key.public_key(), b"bbn-1", 7);
    let randomness = || SecretRandomness::derive(&key, chain_id, height);

    // The public randomness is committed before the height is reached.
    let public_randomness = *randomness().public_randomness();

    // The vote.
    let vote = eots::sign(&key, randomness(), b"block A")?;
    eots::verify(&public_key, &public_randomness, b"block A", &vote)?;
    println!("vote of {public_key}: {vote}");

    // A vote for another block at the same height.
    let fork = eots::sign(&key, randomness(), b"block B")?;
    eots::verify(&public_key, &public_randomness, b"block B", &fork)?;

    // Anybody who sees both has the secret key.
    let extracted = eots::extract(&public_key, &public_randomness, (b"block A", &vote), (b"block B", &fork))?;
    assert_eq!(extracted.public_key(), &public_key);
    println!("extracted the secret key of {}", extracted.public_key());
    Ok(())
}

#[test]
fn vote_and_extract_runs() {
    main().unwrap();
}
