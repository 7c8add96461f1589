//! Recovery of a provider's key from a slashing transaction, for any signers and any order of the committee.

use eots::Parity;

use crate::explain::{RecoverError, recover_provider_key};
use crate::testing::Scene;
use crate::transactions::{CovenantAdaptorSignatures, LeafTransaction as _, SlashingTransaction};

#[test]
fn recover_provider_key_gives_the_key() {
    for (providers, members, quorum) in [(1, 1, 1), (1, 9, 6), (3, 9, 6)] {
        let scene = Scene::new(providers, members, quorum);
        let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
        // Not in the order of the keys, as on mainnet.
        let mut answers: Vec<CovenantAdaptorSignatures> = scene
            .covenant
            .iter()
            .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap())
            .collect();
        let staker = slashing.sign_as_staker(&scene.staker).unwrap();
        for provider in &scene.providers {
            answers.rotate_left(1);
            let transaction = slashing.slash(&staker, &answers, provider).unwrap();
            for given in [answers.clone(), answers.iter().rev().cloned().collect()] {
                let key = recover_provider_key(&transaction, &given).unwrap();
                assert_eq!((key.public_key(), key.parity()), (provider.public_key(), Parity::Even));
            }
        }
    }
}

#[test]
fn recover_provider_key_refuses_what_gives_none() {
    let scene = Scene::new(2, 5, 3);
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let answers: Vec<_> = scene
        .covenant
        .iter()
        .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap())
        .collect();
    let staker = slashing.sign_as_staker(&scene.staker).unwrap();
    let transaction = slashing.slash(&staker, &answers[..3], &scene.providers[0]).unwrap();
    // Members that did not sign; adaptor signatures with other randomness; another transaction.
    assert_eq!(recover_provider_key(&transaction, &answers[3..]).unwrap_err(), RecoverError::NoSigner);
    assert_eq!(recover_provider_key(&transaction, &[]).unwrap_err(), RecoverError::NoSigner);
    let other: Vec<_> = scene
        .covenant
        .iter()
        .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[9; 32]).unwrap())
        .collect();
    assert_eq!(recover_provider_key(&transaction, &other).unwrap_err(), RecoverError::Unrelated);
    // Adaptor signatures that recover a key which is not that of a provider of the stake.
    let shifted: Vec<_> = answers
        .iter()
        .map(|answer| {
            let signatures = answer.signatures.iter().map(|signature| {
                let mut bytes = signature.to_bytes();
                bytes[64] ^= 1;
                eots::AdaptorSignature::from_slice(&bytes).unwrap()
            });
            CovenantAdaptorSignatures { member: answer.member, signatures: signatures.collect() }
        })
        .collect();
    assert_eq!(recover_provider_key(&transaction, &shifted).unwrap_err(), RecoverError::Unrelated);
    let unsigned = slashing.unsigned();
    assert!(matches!(recover_provider_key(unsigned, &answers), Err(RecoverError::NotSlashing(_))));
}
