//! A finality provider commits to randomness, proves one of it, votes twice at one height, and loses its key.
//!
//! ```console
//! cargo run --package btcstake-finality --example equivocate
//! ```

use std::error::Error;
use std::num::NonZeroUsize;

use finality::eots::{SecretKey, SecretRandomness};
use finality::{
    ConsumerHeight, Evidence, FinalityVote, RandomnessCommitment, RandomnessSchedule, RandomnessTree,
    SigningContext, VoteMessage,
};

fn main() -> Result<(), Box<dyn Error>> {
    let (key, chain_id, context) = (SecretKey::from_bytes(&[1; 32])?, b"bbn-1", SigningContext::GENESIS);

    // The provider derives the public randomness of 1000 heights, and signs the commitment to it.
    let schedule = RandomnessSchedule::new(ConsumerHeight(5000), 1000, 1)?;
    let tree = RandomnessTree::derive(&key, chain_id, schedule, NonZeroUsize::MIN, |_| {})?;
    let commitment: RandomnessCommitment = tree.commitment();
    let signature = commitment.sign(&key, &context)?;
    commitment.verify_signature(key.public_key(), &context, &signature)?;
    println!("committed to {} heights from {} on", commitment.count, commitment.start_height);

    // It proves that the public randomness of one height is in the commitment.
    let height = ConsumerHeight(5007);
    let proof = tree.prove(height).ok_or("the commitment does not cover the height")?;
    let randomness = || SecretRandomness::derive(&key, chain_id, height.to_u64());
    commitment.verify(height, randomness().public_randomness(), &proof)?;

    // It votes for a block, and for another block at the same height. A provider's signer refuses the second
    // vote, because it has a record of the first; here nothing keeps one.
    let vote = |block_hash| {
        FinalityVote::sign(&key, randomness(), VoteMessage::new(context, height, block_hash), proof.clone())
    };
    let (canonical, fork) = (vote([0xaa; 32])?, vote([0xbb; 32])?);
    canonical.verify(&commitment)?;
    fork.verify(&commitment)?;

    // Whoever sees both votes has the evidence, and with it the secret key.
    let evidence = Evidence::from_votes(&canonical, &fork)?;
    let extracted = evidence.extract()?;
    assert_eq!(extracted.public_key(), key.public_key());
    println!("{} equivocated at height {height}; its secret key is extracted", evidence.public_key);
    Ok(())
}

#[test]
fn equivocate_runs() {
    main().unwrap();
}
