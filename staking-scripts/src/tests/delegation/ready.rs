//! Slashing transactions that are ready are completed as their delegations are.

use bitcoin::XOnlyPublicKey;
use eots::SecretKey;
use proptest::prelude::*;

use super::{complete, slash};
use crate::delegation::{Delegation, ReadySlashing, SlashedOutput};
use crate::parameters::Parameters;
use crate::testing::{consumers, covenant_signatures, honest, key, members};
use crate::transactions::{FinalizeError, SlashingError};

const BOTH: [SlashedOutput; 2] = [SlashedOutput::Staking, SlashedOutput::Unbonding];

fn ready(delegation: &Delegation, which: SlashedOutput, parameters: &Parameters) -> ReadySlashing {
    let ready = delegation.ready_slashing(which, parameters.covenant()).unwrap();
    let read = ReadySlashing::from_bytes(&ready.to_bytes()).unwrap();
    assert_eq!(read, ready);
    read
}

fn completed(
    ready: &[ReadySlashing],
    provider: &SecretKey,
) -> Vec<Result<bitcoin::Transaction, SlashingError>> {
    ReadySlashing::complete(ready, provider)
}

#[test]
fn the_same_transactions_come_of_it() {
    let (delegation, parameters) = complete();
    let ready: Vec<_> = BOTH.map(|which| ready(&delegation, which, &parameters)).into();
    let made = completed(&ready, &key("provider", 0));
    for (which, made) in BOTH.into_iter().zip(made) {
        assert_eq!(made.unwrap(), slash(&delegation, which, &parameters).unwrap());
    }
    assert_eq!(completed(&[], &key("provider", 0)), []);
}

/// Each provider of a stake to several has signatures of its own.
#[test]
fn with_the_key_of_any_provider() {
    let (mut delegation, parameters) = honest(consumers(3));
    let rules = crate::testing::consumer_rules();
    let checked = delegation.check_under(&parameters, None, rules).unwrap();
    delegation.covenant_signatures =
        members(0).iter().map(|member| covenant_signatures(&checked, member)).collect();
    let ready = [ready(&delegation, SlashedOutput::Staking, &parameters)];
    for number in 0..3 {
        let provider = key("provider", number);
        let made = completed(&ready, &provider).pop().unwrap().unwrap();
        assert_eq!(made, delegation.slash(SlashedOutput::Staking, &provider, parameters.covenant()).unwrap());
    }
    for other in [key("provider", 3), members(0).remove(0), key("staker", 0)] {
        let refused = completed(&ready, &other).pop().unwrap().unwrap_err();
        assert_eq!(refused, SlashingError::NotAFinalityProvider(*other.public_key()));
    }
}

/// One that does not verify is named, and spoils no other.
#[test]
fn a_bad_signature_is_named() {
    let (good, parameters) = complete();
    let provider = key("provider", 0);
    let mut bad = good.clone();
    let other = bad.covenant_signatures[3].unbonding_slashing.signatures[0];
    let given = &mut bad.covenant_signatures[2].slashing;
    let member: XOnlyPublicKey = given.member;
    given.signatures[0] = other;
    let mut unsigned = good.clone();
    let slashing = unsigned.unbonding_slashing.as_mut().unwrap();
    slashing.staker_signature = good.slashing.as_ref().unwrap().staker_signature;
    let ready = [
        ready(&good, SlashedOutput::Staking, &parameters),
        ready(&bad, SlashedOutput::Staking, &parameters),
        ready(&bad, SlashedOutput::Unbonding, &parameters),
        ready(&unsigned, SlashedOutput::Unbonding, &parameters),
    ];
    let made = completed(&ready, &provider);
    let invalid = |key| Err(SlashingError::Finalize(FinalizeError::InvalidSignature(key)));
    assert!(made[0].is_ok() && made[2].is_ok());
    assert_eq!(made[1], invalid(member));
    assert_eq!(made[3], invalid(good.staker));
    // The delegation has signatures of nine members.
    assert!(slash(&bad, SlashedOutput::Staking, &parameters).is_ok());
}

#[test]
fn too_few_are_not_ready() {
    let (mut delegation, parameters) = complete();
    delegation.covenant_signatures.truncate(5);
    // One member twice counts once.
    delegation.covenant_signatures.push(delegation.covenant_signatures[0].clone());
    let refused = delegation.ready_slashing(SlashedOutput::Staking, parameters.covenant()).unwrap_err();
    assert!(format!("{:?}", refused).contains("BelowQuorum"), "{refused:?}");
    let (mut delegation, parameters) = complete();
    delegation.slashing.as_mut().unwrap().staker_signature = None;
    let refused = delegation.ready_slashing(SlashedOutput::Staking, parameters.covenant()).unwrap_err();
    assert_eq!(super::absent(Err::<(), _>(refused)), "staker_signatures");
}

#[test]
fn every_part_of_its_bytes_counts() {
    let (delegation, parameters) = complete();
    let bytes = ready(&delegation, SlashedOutput::Staking, &parameters).to_bytes();
    for length in 0..bytes.len() {
        assert!(ReadySlashing::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
    assert!(ReadySlashing::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
    let good = slash(&delegation, SlashedOutput::Staking, &parameters).unwrap();
    let mut other = 0;
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        // What can still be read makes no transaction but one that is valid: only the control block, and what
        // is left over of it, is not covered by a signature.
        let Ok(read) = ReadySlashing::from_bytes(&changed) else { continue };
        if let Some(Ok(made)) = completed(&[read], &key("provider", 0)).pop() {
            let control_block =
                |transaction: &bitcoin::Transaction| transaction.input[0].witness.last().map(<[u8]>::to_vec);
            assert!(made == good || control_block(&made) != control_block(&good), "{place}");
            other += usize::from(made != good);
        }
    }
    assert_eq!(other, 65, "the bytes of the control block");
}

proptest! {
    #[test]
    fn whatever_is_read_is_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(read) = ReadySlashing::from_bytes(&bytes) {
            let _made = completed(&[read], &key("provider", 0));
        }
    }
}
