//! Signing contexts.

use crate::{Operation, SigningContext};

/// hex(SHA256("btcstaking/0/fp_fin_vote/…")), computed by another program.
#[test]
fn signing_contexts_have_the_protocols_bytes() {
    let context = SigningContext::consumer(Operation::FinalityVote, "test-1", "bbn1addr");
    assert_eq!(context.to_string(), "fc1f4c2b45db3c8fef77227d2b2f16f16c9fdbb5d2ba034936b8a84266774834");
    assert_eq!(context.to_string().parse::<SigningContext>().unwrap(), context);
    let operations = [
        Operation::FinalityProviderPop,
        Operation::RandomnessCommitment,
        Operation::FinalityVote,
        Operation::StakerPop,
    ];
    let mut all: Vec<_> =
        operations.iter().map(|operation| SigningContext::consumer(*operation, "c", "a")).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
    for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"A".repeat(64), &"g".repeat(64)] {
        assert!(text.parse::<SigningContext>().is_err(), "{text}");
    }
}

#[test]
fn signing_context_of_babylon_genesis_is_empty() {
    assert_eq!(SigningContext::genesis(), SigningContext::GENESIS);
    assert!(SigningContext::GENESIS.is_genesis());
    assert_eq!((SigningContext::GENESIS.as_bytes(), SigningContext::GENESIS.as_str()), (&[][..], ""));
    let consumer = SigningContext::consumer(Operation::FinalityVote, "test-1", "bbn1addr");
    assert!(!consumer.is_genesis());
    assert_eq!(consumer.as_bytes(), consumer.to_string().as_bytes());
    assert_eq!((consumer.as_str(), consumer.as_bytes().len()), (consumer.to_string().as_str(), 64));
    // No text stands for Babylon Genesis, not the one it is shown as either.
    assert_eq!(SigningContext::GENESIS.to_string(), "Babylon Genesis");
    assert!("Babylon Genesis".parse::<SigningContext>().is_err());
    assert!("".parse::<SigningContext>().is_err());
}
