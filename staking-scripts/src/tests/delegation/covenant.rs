//! The signatures of covenant members: signing, the record, and verification.

use std::slice;

use bitcoin::Amount;
use eots::SecretKey;

use super::plain;
use crate::coins::sign_key_path;
use crate::delegation::{
    ChainRules, CheckedDelegation, CovenantRecord, CovenantSignatures, CovenantSignaturesError,
    CovenantSigningError, Delegation, MemoryCovenantRecord, RecordVerdict, SignedStake,
};
use crate::testing::{
    Extended, consumer_rules, consumers, covenant_signatures, extended, genesis, honest, key, members,
    parameters_changed,
};
use crate::transactions::{LeafTransaction as _, SigningError};

fn verify(checked: &CheckedDelegation, given: &CovenantSignatures) -> Result<(), CovenantSignaturesError> {
    checked.verify_covenant_signatures(slice::from_ref(given)).remove(0)
}

fn checked_extension() -> CheckedDelegation {
    let Extended { delegation, old, new, .. } = extended();
    delegation.check_under(&new, Some(&old), consumer_rules()).unwrap()
}

#[test]
fn covenant_signatures_unbond_and_slash_an_honest_stake() {
    for staked_to in [genesis(), consumers(3)] {
        let providers = staked_to.keys().len();
        let rules = if providers == 1 { ChainRules::MAINNET } else { consumer_rules() };
        let (mut delegation, parameters) = honest(staked_to);
        let checked = delegation.check_under(&parameters, None, rules).unwrap();
        let slashing = delegation.slashing.clone().unwrap();
        assert_eq!(checked.presigned().slashing.unsigned(), &slashing.transaction);
        assert_eq!(checked.staking().amount(), delegation.staking_amount);
        let given: Vec<_> = members(0).iter().map(|member| covenant_signatures(&checked, member)).collect();
        for signed in &given {
            verify(&checked, signed).unwrap();
            assert_eq!((signed.slashing.signatures.len(), &signed.extension), (providers, &None));
        }
        let (stranger, mut record) = (key("member", 100), MemoryCovenantRecord::default());
        assert!(checked.sign_as_covenant_member(&stranger, &[0; 32], &mut record).is_err());
        // They finalize the unbonding, and the slashing with the key of any of the providers.
        let staker = checked.presigned().unbonding.sign_as_staker(&key("staker", 0)).unwrap();
        let unbonding: Vec<_> = given.iter().map(|signed| signed.unbonding).collect();
        let unbonded = checked.presigned().unbonding.finalize(&staker, &unbonding).unwrap();
        let adaptors: Vec<_> = given.iter().map(|signed| signed.slashing.clone()).collect();
        let provider = key("provider", providers - 1);
        let signature = slashing.staker_signature.unwrap();
        let slashed = checked.presigned().slashing.slash(&signature, &adaptors, &provider).unwrap();
        // The same from the delegation that has them.
        delegation.covenant_signatures = given;
        assert_eq!(delegation.unbond(&staker, parameters.covenant()).unwrap(), unbonded);
        let which = crate::SlashedOutput::Staking;
        assert_eq!(delegation.slash(which, &provider, parameters.covenant()).unwrap(), slashed);
    }
}

#[test]
fn covenant_signatures_of_an_extension_are_of_members_of_both_committees() {
    let checked = checked_extension();
    let extension = checked.extension().unwrap();
    let mut signatures = Vec::new();
    // Members 2 to 10 are of the new committee, 0 to 8 of the old one. A member of one only does not sign.
    for number in 2..9 {
        let signed = covenant_signatures(&checked, &key("member", number));
        verify(&checked, &signed).unwrap();
        let unsigned = CovenantSignatures { extension: None, ..signed.clone() };
        let member = signed.unbonding.member;
        assert_eq!(verify(&checked, &unsigned), Err(CovenantSignaturesError::ExtensionNotSigned(member)));
        signatures.extend(signed.extension);
    }
    assert_eq!((signatures.len(), checked.quorum()), (7, 6));
    for outside in [0, 1, 9, 10] {
        let (member, mut record) = (key("member", outside), MemoryCovenantRecord::default());
        let refused = checked.sign_as_covenant_member(&member, &[0; 32], &mut record).unwrap_err();
        assert_eq!(refused, CovenantSigningError::Signing(SigningError::NotAMember(*member.public_key())));
    }
    let funding = sign_key_path(extension.psbt(), &key("wallet", 0)).unwrap();
    let staker = extension.sign_as_staker(&key("staker", 0)).unwrap();
    extension.finalize(&staker, &signatures, &funding).unwrap();
}

#[test]
fn covenant_signatures_that_do_not_hold_name_the_part() {
    let checked = checked_extension();
    let [one, two] = [2, 3].map(|n| covenant_signatures(&checked, &key("member", n)));
    let mixed = CovenantSignatures { slashing: two.slashing.clone(), ..one.clone() };
    let (a, b) = (one.unbonding.member, two.unbonding.member);
    assert_eq!(verify(&checked, &mixed), Err(CovenantSignaturesError::SeveralMembers(a, b)));
    let mut wrong = one.clone();
    wrong.unbonding.signature = one.extension.unwrap().signature;
    assert!(matches!(verify(&checked, &wrong), Err(CovenantSignaturesError::Unbonding(_))));
    let mut wrong = one.clone();
    wrong.slashing.signatures.swap(0, 1);
    assert!(matches!(verify(&checked, &wrong), Err(CovenantSignaturesError::Slashing(_))));
    let mut wrong = one.clone();
    wrong.unbonding_slashing.signatures.pop();
    assert!(matches!(verify(&checked, &wrong), Err(CovenantSignaturesError::UnbondingSlashing(_))));
    let mut wrong = one.clone();
    wrong.extension.as_mut().unwrap().signature = one.unbonding.signature;
    assert!(matches!(verify(&checked, &wrong), Err(CovenantSignaturesError::Extension(_))));
    let plain = plain();
    let mut wrong = covenant_signatures(&plain, &key("member", 2));
    wrong.extension = one.extension;
    assert_eq!(verify(&plain, &wrong), Err(CovenantSignaturesError::NoExtension));
}

/// Verified as a batch, each has the result that it has alone.
#[test]
fn covenant_signatures_are_judged_together_as_alone() {
    let checked = checked_extension();
    let sound: Vec<_> = (2..9).map(|n| covenant_signatures(&checked, &key("member", n))).collect();
    assert_eq!(checked.verify_covenant_signatures(&sound), vec![Ok(()); 7]);
    assert_eq!(checked.verify_covenant_signatures(&[]), []);
    let mut given = sound.clone();
    given[0].slashing.signatures.swap(0, 1);
    // Two parts are wrong, a signature and then the number of signatures: the error names the first.
    given[2].slashing.signatures[1] = sound[2].unbonding_slashing.signatures[1];
    given[2].unbonding_slashing.signatures.pop();
    given[3].extension = None;
    given[5].unbonding.signature = sound[4].unbonding.signature;
    given[6].unbonding_slashing.member = given[5].unbonding.member;
    let alone: Vec<_> = given.iter().map(|signed| verify(&checked, signed)).collect();
    let wrong: Vec<_> = (0..7).filter(|index| alone[*index].is_err()).collect();
    assert_eq!(wrong, [0, 2, 3, 5, 6]);
    assert!(matches!(alone[2], Err(CovenantSignaturesError::Slashing(_))));
    assert_eq!(checked.verify_covenant_signatures(&given), alone);
}

#[test]
fn covenant_quorum_counts_each_member_once() {
    let checked = plain();
    let given: Vec<_> = members(0).iter().map(|member| covenant_signatures(&checked, member)).collect();
    let counted = |given: &[CovenantSignatures]| {
        let found = checked.covenant_quorum(given);
        assert_eq!((found.quorum, found.is_reached()), (6, found.signed >= 6));
        (found.signed, found.invalid)
    };
    assert_eq!((counted(&given), counted(&[])), ((9, vec![]), (0, vec![])));
    let repeated = [given[0].clone(), given[1].clone(), given[0].clone()];
    let again = CovenantSignaturesError::RepeatedMember(given[0].unbonding.member);
    assert_eq!(counted(&repeated), (2, vec![again.clone()]));
    let mut wrong = given[..3].to_vec();
    wrong[1].slashing.signatures[0] = given[2].slashing.signatures[0];
    let (signed, invalid) = counted(&wrong);
    assert_eq!(signed, 2);
    assert!(matches!(invalid.as_slice(), [CovenantSignaturesError::Slashing(_)]), "{invalid:?}");
    // Both are named.
    wrong.push(given[0].clone());
    assert_eq!(counted(&wrong), (2, vec![again, invalid[0].clone()]));
    // A bad copy in front does not uncount the good one behind it.
    let mut forged = given[0].clone();
    forged.unbonding.signature = given[1].unbonding.signature;
    let (signed, invalid) = counted(&[forged.clone(), forged.clone(), given[0].clone(), given[1].clone()]);
    assert_eq!((signed, invalid.len()), (2, 3));
    // Neither spoils a quorum.
    wrong.extend_from_slice(&given[3..7]);
    assert_eq!(checked.may_be_broadcast(&wrong), Ok(()));
}

/// A stake that breaks a rule is unbonded all the same, so its signatures are verified all the same.
#[test]
fn transactions_are_of_a_stake_that_breaks_rules_too() {
    let (delegation, parameters) = honest(genesis());
    let checked = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
    let given = covenant_signatures(&checked, &key("member", 0));
    let strict = parameters_changed(|fields| fields["min_staking_value_sat"] = "1000001".into());
    assert!(delegation.check_under(&strict, None, ChainRules::MAINNET).is_err());
    let transactions = delegation.transactions(strict.covenant(), None).unwrap();
    assert_eq!(transactions.verify_covenant_signatures(slice::from_ref(&given)), [Ok(())]);
    let Extended { delegation, old, new, .. } = extended();
    let with = |previous| delegation.transactions(new.covenant(), previous).unwrap();
    assert!(with(Some(old.covenant())).extension().is_some());
    assert!(with(None).extension().is_none());
    assert!(with(Some(new.covenant())).extension().is_none(), "the running stake has the old committee");
}

#[test]
fn may_be_broadcast_demands_the_quorum() {
    for checked in [plain(), checked_extension()] {
        let given: Vec<_> = (2..9).map(|n| covenant_signatures(&checked, &key("member", n))).collect();
        assert_eq!(checked.quorum(), 6);
        assert_eq!(checked.may_be_broadcast(&given), Ok(()));
        assert_eq!(checked.may_be_broadcast(&given[..6]), Ok(()));
        let below = |members| Err(CovenantSignaturesError::BelowQuorum { members, quorum: 6 });
        assert_eq!(checked.may_be_broadcast(&given[..5]), below(5));
        assert_eq!(checked.may_be_broadcast(&[]), below(0));
        let mut repeated = given[..5].to_vec();
        repeated.push(given[0].clone());
        assert_eq!(checked.may_be_broadcast(&repeated), below(5));
        let mut wrong = given[..6].to_vec();
        wrong[5].unbonding.signature = given[4].unbonding.signature;
        assert_eq!(checked.may_be_broadcast(&wrong), below(5));
        wrong.push(given[6].clone());
        assert_eq!(checked.may_be_broadcast(&wrong), Ok(()));
    }
}

/// A record that counts its calls, and may fail.
#[derive(Default)]
struct Recording {
    record: MemoryCovenantRecord,
    asked: Vec<SignedStake>,
    fails: bool,
}

impl CovenantRecord for Recording {
    type Error = &'static str;

    fn check_and_record(&mut self, stake: &SignedStake) -> Result<RecordVerdict, &'static str> {
        if self.fails {
            return Err("the disk is full");
        }
        self.asked.push(*stake);
        let Ok(verdict) = self.record.check_and_record(stake);
        Ok(verdict)
    }
}

fn sign(
    checked: &CheckedDelegation,
    member: &SecretKey,
    record: &mut Recording,
) -> Result<CovenantSignatures, CovenantSigningError<&'static str>> {
    checked.sign_as_covenant_member(member, &[0; 32], record)
}

#[test]
fn sign_as_covenant_member_signs_the_same_again_and_nothing_else() {
    let (delegation, parameters) = honest(genesis());
    let (checked, member) = (plain(), key("member", 0));
    let mut record = Recording::default();
    let first = sign(&checked, &member, &mut record).unwrap();
    assert_eq!(sign(&checked, &member, &mut record).unwrap(), first);
    let presigned = checked.presigned();
    let own = SignedStake {
        staking_output: checked.staking().outpoint(),
        unbonding: presigned.unbonding.txid(),
        slashing: presigned.slashing.txid(),
        unbonding_slashing: presigned.unbonding_slashing.txid(),
        extends: None,
    };
    assert_eq!(record.asked, [own, own]);
    // The same stake with a larger slashing fee, which keeps every rule: another slashing transaction.
    let other = paying_more(&delegation, &parameters);
    assert_eq!(other.staking().outpoint(), own.staking_output);
    let slashing = other.presigned().slashing.txid();
    assert_ne!(slashing, own.slashing);
    let refused = sign(&other, &member, &mut record).unwrap_err();
    assert_eq!(
        refused,
        CovenantSigningError::Conflict {
            earlier: Box::new(own),
            own: Box::new(SignedStake { slashing, ..own })
        }
    );
    let text = refused.to_string();
    assert!(
        text.contains(&own.staking_output.to_string()) && text.contains(&own.unbonding.to_string()),
        "{text}"
    );
    // The stake signed first is signed again; a new record would have accepted the other.
    assert_eq!(sign(&checked, &member, &mut record).unwrap(), first);
    sign(&other, &member, &mut Recording::default()).unwrap();
    // Another stake is not a conflict.
    sign(&checked_extension(), &key("member", 2), &mut record).unwrap();
}

fn paying_more(delegation: &Delegation, parameters: &crate::Parameters) -> CheckedDelegation {
    let mut delegation = delegation.clone();
    delegation.slashing.as_mut().unwrap().transaction.output[1].value -= Amount::from_sat(7);
    let slashing = delegation.slashing(crate::SlashedOutput::Staking, parameters.covenant()).unwrap();
    let signature = slashing.sign_as_staker(&key("staker", 0)).unwrap();
    delegation.slashing.as_mut().unwrap().staker_signature = Some(signature);
    delegation.check_under(parameters, None, ChainRules::MAINNET).unwrap()
}

#[test]
fn sign_as_covenant_member_records_nothing_for_a_strangers_key() {
    let mut record = Recording::default();
    for (checked, numbers) in [(plain(), vec![9, 100]), (checked_extension(), vec![0, 1, 9, 10])] {
        for stranger in numbers.into_iter().map(|number| key("member", number)) {
            let refused = sign(&checked, &stranger, &mut record).unwrap_err();
            let not_a_member = SigningError::NotAMember(*stranger.public_key());
            assert_eq!(refused, CovenantSigningError::Signing(not_a_member));
        }
    }
    assert_eq!(record.asked, []);
}

#[test]
fn sign_as_covenant_member_signs_nothing_when_the_record_fails() {
    let mut record = Recording { fails: true, ..Recording::default() };
    let refused = sign(&plain(), &key("member", 0), &mut record).unwrap_err();
    assert_eq!(refused, CovenantSigningError::Record("the disk is full"));
}
