//! The validators' signature over a checkpoint: of others' checkpoints, of our own, and of none.

use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::params::Params;
use proptest::prelude::proptest;

use super::{data, script};
use crate::anchors::{
    Checkpoint, CheckpointError, CheckpointSignatureError, CheckpointTag, EpochValidator, PartProof,
    Submission, SubmissionError, TimestampDepths, TimestampStatus, Timestamps, ValidatorOrder, ValidatorSet,
    ValidatorSetError, op_return,
};
use crate::testing::{TestValidators, blocks, checkpoint_transactions};
use crate::{Anchor, HeaderChain, InclusionProof};

const TAG: CheckpointTag = CheckpointTag::LOCAL;
const FIRST: &str = "6a4c4e01020304000000000000000002d6d1c945e4bca1c24a8c6efbd4622d7c901aeb6b3d9288ff3f06921e2acd99ceffffffffffffffffffffffff0f92a24b448d13bb1009fc53dc3a3241caaf3630a4";
const SECOND: &str = "6a3f0102030410a28efe8afb726a32f05289b28e334d505b6af5de4e65fda1d80f8fd0d5b101833c783a57666d2b420caad972654ce38ad096d0ad53a44b901a49";

/// The checkpoint of epoch 2 of a test chain, and its validators.
fn epoch_2() -> (Checkpoint, Vec<EpochValidator>) {
    let (first, second) = (script(FIRST), script(SECOND));
    let checkpoint = Checkpoint::from_payloads(TAG, data(&first), data(&second)).unwrap();
    let validators = include_str!("../data/epoch_2_validators.txt").lines().map(|line| {
        let [address, key, power] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        EpochValidator::from_text(address, key, power).unwrap()
    });
    let validators: Vec<_> = validators.collect();
    assert_eq!(validators.len(), 10);
    (checkpoint, validators)
}

#[test]
fn a_checkpoint_of_a_test_chain_is_verified_in_both_orders() {
    let (checkpoint, validators) = epoch_2();
    let set = ValidatorSet::in_bitmap_order(2, &validators).unwrap();
    // The bitmap has 100 bits.
    assert_eq!((0..104).filter(|place| checkpoint.has_signed(*place)).count(), 100);
    assert_eq!((set.verify(&checkpoint), set.total_power()), (Ok(10_000), 10_000));
    assert_eq!((set.epoch(), set.invalid_keys().count()), (2, 0));
    let reversed: Vec<_> = validators.iter().rev().cloned().collect();
    for order in [ValidatorOrder::FirstEightBytes, ValidatorOrder::WholeAddress] {
        assert_eq!(ValidatorSet::sorted(2, reversed.clone(), order).unwrap().verify(&checkpoint), Ok(10_000));
    }
    let refused = CheckpointSignatureError::OtherEpoch { found: 2, expected: 3 };
    assert_eq!(ValidatorSet::in_bitmap_order(3, &validators).unwrap().verify(&checkpoint), Err(refused));
    // One validator fewer: the sum of keys is another.
    let fewer = ValidatorSet::in_bitmap_order(2, &validators[..9]).unwrap();
    assert_eq!(fewer.verify(&checkpoint), Err(CheckpointSignatureError::NotValid));
}

/// What a node of a network of one validator answered, with the sum of the keys as the only key.
#[test]
fn checkpoints_of_a_development_network_are_verified() {
    let key = "jARXRkr8UR1zRwrd/nXVX3HGE67mf/17RzLeg5B0T9GtvfyscdZbZwcxq9N86d5RE/CaAHXovgYPJtrbyo6YWRQL10VE9CBUQ3fWx0f4pGonwNnKLNMRqYkaEjxipsun";
    for (epoch, hash, signature) in [
        (
            1,
            "613568312480e91f86173456cd2401e59e61084658e56854252e75b5daad9876",
            "hoKzWalR1Ern2xAMVOstI/kC0jg6rWXIEJ9nc07XLSC5q2Rd4L/2SwsVltyVpt/N",
        ),
        (
            17,
            "bee953978ba0d6dd145d673819e9012639f19ba4ec097e43e991e2d70a32e547",
            "gEkfpm31yf9rim+iDyKWUsVeFnBNJbL04RbezZqu7XwZCa9uMRpsHgf1aYDK97rp",
        ),
    ] {
        let bls_key = STANDARD.decode(key).unwrap().try_into().unwrap();
        let validator = EpochValidator { address: vec![1; 20], bls_key, power: 100 };
        let checkpoint = read(epoch, hash, "AQAAAAAAAAAAAAAAAA==", signature);
        let set = ValidatorSet::in_bitmap_order(epoch, std::slice::from_ref(&validator)).unwrap();
        assert_eq!(set.verify(&checkpoint), Ok(100));
        // The signature is over the epoch, too.
        let other = ValidatorSet::in_bitmap_order(epoch + 1, &[validator]).unwrap();
        let moved = Checkpoint { epoch: epoch + 1, ..checkpoint };
        assert_eq!(other.verify(&moved), Err(CheckpointSignatureError::NotValid));
    }
}

/// A checkpoint as a node answers it.
fn read(epoch: u64, hash: &str, bitmap: &str, signature: &str) -> Checkpoint {
    Checkpoint {
        epoch,
        block_hash: script(hash).try_into().unwrap(),
        bitmap: STANDARD.decode(bitmap).unwrap().try_into().unwrap(),
        submitter: [7; 20],
        bls_multi_signature: STANDARD.decode(signature).unwrap().try_into().unwrap(),
    }
}

/// Of four validators, the second was stopped. Their keys are not known, so that the signature is only
/// found to be one of somebody else's.
#[test]
fn a_checkpoint_of_three_of_four_validators_is_read() {
    let checkpoint = read(
        8,
        "9521ac75536ec757dbfc9e0a5883960203945dc16adb28bfa4c8e3380abb8ea1",
        "DQAAAAAAAAAAAAAAAA==",
        "gdxOb/nHzTVeWE/UN3TBOkhHX4yULAgJhRzjoKauNlMALBtbzYghIE8ocr/bh17h",
    );
    assert_eq!((0..104).filter(|place| checkpoint.has_signed(*place)).collect::<Vec<_>>(), [0, 2, 3]);
    let [first, second] = checkpoint.payloads(TAG);
    assert_eq!(Checkpoint::from_payloads(TAG, &first, &second), Ok(checkpoint));
    let others = TestValidators::new(&[100; 4]);
    assert_eq!(others.set(8).verify(&checkpoint), Err(CheckpointSignatureError::NotValid));
}

#[test]
fn the_signature_must_be_a_point_of_the_group() {
    let (checkpoint, validators) = epoch_2();
    let set = ValidatorSet::in_bitmap_order(2, &validators).unwrap();
    let of = |bls_multi_signature| set.verify(&Checkpoint { bls_multi_signature, ..checkpoint });
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    assert_eq!(of(infinity), Err(CheckpointSignatureError::Infinity));
    assert_eq!(of([0; 48]), Err(CheckpointSignatureError::Encoding));
    // x = 4: on the curve, and not in the group.
    let mut outside = [0; 48];
    (outside[0], outside[47]) = (0x80, 4);
    assert_eq!(of(outside), Err(CheckpointSignatureError::NotInGroup));
    // Negated.
    let mut negated = checkpoint.bls_multi_signature;
    negated[0] ^= 0x20;
    assert_eq!(of(negated), Err(CheckpointSignatureError::NotValid));
}

#[test]
fn more_than_two_thirds_of_the_power_must_sign() {
    for (powers, signers, power) in [
        // Exactly two thirds are too little.
        (vec![2, 1], vec![0], None),
        (vec![1, 1, 1], vec![0, 2], None),
        (vec![1, 1, 1], vec![0, 1, 2], Some(3)),
        (vec![2_000_001, 1_000_000], vec![0], Some(2_000_001)),
        (vec![2_000_000, 1_000_001], vec![0], None),
        (vec![u64::MAX; 3], vec![1, 2], None),
        (vec![u64::MAX; 4], vec![1, 2, 3], Some(3 * u128::from(u64::MAX))),
        // Nobody has power.
        (vec![0, 0], vec![0, 1], None),
    ] {
        let validators = TestValidators::new(&powers);
        let checkpoint = validators.checkpoint(5, [3; 32], signers.clone());
        let total = powers.iter().map(|power| u128::from(*power)).sum();
        let signed = signers.iter().map(|place| u128::from(powers[*place])).sum();
        let little = CheckpointSignatureError::TooLittlePower { power: signed, total };
        assert_eq!(validators.set(5).verify(&checkpoint), power.ok_or(little), "{powers:?} {signers:?}");
    }
    let validators = TestValidators::new(&[1; 3]);
    let nobody = Checkpoint { bitmap: [0; 13], ..validators.checkpoint(5, [3; 32], [0]) };
    let little = CheckpointSignatureError::TooLittlePower { power: 0, total: 3 };
    assert_eq!(validators.set(5).verify(&nobody), Err(little));
}

#[test]
fn an_invalid_key_counts_neither_in_the_sum_nor_in_the_power() {
    let own = TestValidators::new(&[1000; 4]);
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    for key in [[0; 96], [0xff; 96], infinity] {
        let mut validators = own.validators().to_vec();
        validators[3].bls_key = key;
        let set = ValidatorSet::in_bitmap_order(5, &validators).unwrap();
        assert_eq!((set.invalid_keys().collect::<Vec<_>>(), set.total_power()), (vec![3], 4000));
        let mut checkpoint = own.checkpoint(5, [3; 32], [0, 1, 2]);
        checkpoint.bitmap[0] |= 1 << 3;
        assert_eq!(set.verify(&checkpoint), Ok(3000));
        let mut checkpoint = own.checkpoint(5, [3; 32], [0, 1]);
        checkpoint.bitmap[0] |= 1 << 3;
        let little = CheckpointSignatureError::TooLittlePower { power: 2000, total: 4000 };
        assert_eq!(set.verify(&checkpoint), Err(little));
    }
}

#[test]
fn sets_are_of_different_validators_whose_order_is_determined() {
    let own = TestValidators::new(&[1; 105]);
    let set = ValidatorSet::in_bitmap_order(1, own.validators());
    assert_eq!(set.unwrap_err(), ValidatorSetError::TooMany(105));
    let checkpoint = TestValidators::new(&[1; 104]).checkpoint(1, [1; 32], 30..104);
    assert_eq!(checkpoint.bitmap[12], 0xff);
    assert_eq!(TestValidators::new(&[1; 104]).set(1).verify(&checkpoint), Ok(74));
    let [one, other] = [&own.validators()[0], &own.validators()[1]].map(Clone::clone);
    for repeated in [
        EpochValidator { address: one.address.clone(), ..other.clone() },
        EpochValidator { bls_key: one.bls_key, ..other.clone() },
    ] {
        let set = ValidatorSet::in_bitmap_order(1, &[one.clone(), repeated]);
        assert_eq!(set.unwrap_err(), ValidatorSetError::Repeated(1));
    }
    // The orders differ where the first eight bytes are the same.
    let near = |last| EpochValidator { address: [&[7; 8][..], &[last]].concat(), ..other.clone() };
    let pair = vec![EpochValidator { bls_key: one.bls_key, ..near(2) }, near(1)];
    let ambiguous = ValidatorSet::sorted(1, pair.clone(), ValidatorOrder::FirstEightBytes);
    assert_eq!(ambiguous.unwrap_err(), ValidatorSetError::AmbiguousOrder);
    let set = ValidatorSet::sorted(1, pair, ValidatorOrder::WholeAddress).unwrap();
    let second = own.checkpoint(1, [1; 32], [1]);
    assert_eq!(set.verify(&second), Err(CheckpointSignatureError::TooLittlePower { power: 1, total: 2 }));
    let short = EpochValidator { address: vec![1; 7], ..other };
    let set = ValidatorSet::sorted(1, vec![short], ValidatorOrder::WholeAddress);
    assert_eq!(set.unwrap_err(), ValidatorSetError::ShortAddress(7));
    let key = hex::encode(one.bls_key);
    let address = "bbnvaloper1qkfkegnzekafwuhk38yf5vajplnuv3tmglz4eh";
    assert!(EpochValidator::from_text(address, &key, "18446744073709551615").is_ok());
    for (address, key, power, refused) in [
        ("bbnvaloper1", &key[..], "1", ValidatorSetError::AddressText("bbnvaloper1".to_owned())),
        (address, &key[2..], "1", ValidatorSetError::KeyText(key[2..].to_owned())),
        (address, &key, "-1", ValidatorSetError::PowerText("-1".to_owned())),
    ] {
        assert_eq!(EpochValidator::from_text(address, key, power), Err(refused));
    }
}

/// What is said of a checkpoint's two payloads, by all that verifies them.
fn verdict(payloads: [&[u8]; 2], set: &ValidatorSet) -> Result<(), String> {
    let transactions = payloads.map(|payload| super::paying(&[op_return(payload).into_bytes()]));
    let blocks = blocks(None, [transactions.to_vec()]);
    let headers = blocks.iter().map(|block| block.header).collect();
    let chain = HeaderChain::new(headers, Anchor::NONE, &Params::REGTEST).unwrap();
    let proofs = transactions.map(|transaction| {
        let inclusion = InclusionProof::from_block(&blocks[0], transaction.compute_txid()).unwrap();
        PartProof { transaction, block: blocks[0].block_hash(), inclusion }
    });
    let submission = Submission::verify(TAG, &proofs, &chain, &Params::REGTEST);
    let submission = submission.map_err(|error| match error {
        SubmissionError::Checkpoint(CheckpointError::Tag { part }) => format!("tag {part}"),
        SubmissionError::Checkpoint(CheckpointError::Part { part, .. }) => format!("part {part}"),
        SubmissionError::Checkpoint(CheckpointError::NotAPair) => "pair".to_owned(),
        other => format!("{other:?}"),
    })?;
    let verified = submission.verify_signature(set);
    verified.map(drop).map_err(|error| match error {
        CheckpointSignatureError::OtherEpoch { .. } => "epoch".to_owned(),
        CheckpointSignatureError::TooLittlePower { .. } => "power".to_owned(),
        other => format!("{other:?}"),
    })
}

/// As they are, the parts bind each other. Where whoever changes the first part mends the second, the
/// signature binds what is signed.
#[test]
fn every_byte_of_both_payloads_is_refused_for_its_reason() {
    let (checkpoint, validators) = epoch_2();
    let set = ValidatorSet::in_bitmap_order(2, &validators).unwrap();
    let [first, second] = checkpoint.payloads(TAG);
    assert_eq!(verdict([&first, &second], &set), Ok(()));
    let changed = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    for at in 0..78 {
        let first = changed(&first, at);
        let expected = ["tag 0", "part 0", "pair"][usize::from(at >= 4) + usize::from(at >= 5)];
        assert_eq!(verdict([&first, &second], &set), Err(expected.to_owned()), "byte {at}");
        let checksum = sha256::Hash::hash(&first[5..]).to_byte_array();
        let second = [&second[..53], &checksum[..10]].concat();
        let mended = verdict([&first, &second], &set);
        let expected = match at {
            5..13 => Err("epoch"),
            // The block's hash, and bits 0 and 8: the first and the ninth of ten validators.
            13..=46 => Err("NotValid"),
            // Bits of no validator, and who sent it: nothing depends on them.
            47.. => Ok(()),
            // Tag, part and version are not in the checksum.
            ..5 => Err(expected),
        };
        assert_eq!(mended, expected.map_err(str::to_owned), "byte {at}, mended");
    }
    for at in 0..63 {
        let refused = verdict([&first, &changed(&second, at)], &set).unwrap_err();
        match at {
            0..4 => assert_eq!(refused, "tag 1"),
            4 => assert_eq!(refused, "part 1"),
            5..53 => assert!(["Encoding", "NotInGroup"].contains(&&refused[..]), "byte {at}: {refused}"),
            _ => assert_eq!(refused, "pair"),
        }
    }
}

#[test]
fn a_chain_of_ones_own_is_timestamped() {
    let validators = TestValidators::new(&[5, 3, 1]);
    let checkpoints: Vec<_> =
        (1..=3).map(|epoch| validators.checkpoint(epoch, [epoch as u8; 32], [0, 1])).collect();
    let parts: Vec<_> =
        (1..).zip(&checkpoints).map(|(seed, of)| checkpoint_transactions(of, TAG, seed)).collect();
    let mut layout: Vec<_> = parts.iter().map(|parts| parts.to_vec()).collect();
    layout.extend(vec![vec![]; 3]);
    let blocks = blocks(None, layout);
    let headers = blocks.iter().map(|block| block.header).collect();
    let chain = HeaderChain::new(headers, Anchor::NONE, &Params::REGTEST).unwrap();
    let mut record = Timestamps::from_epoch(1);
    for (block, parts) in blocks.iter().zip(&parts) {
        let proofs = parts.clone().map(|transaction| {
            let inclusion = InclusionProof::from_block(block, transaction.compute_txid()).unwrap();
            PartProof { transaction, block: block.block_hash(), inclusion }
        });
        let submission = Submission::verify(TAG, &proofs, &chain, &Params::REGTEST).unwrap();
        let set = validators.set(submission.checkpoint().epoch);
        record.record(submission.verify_signature(&set).unwrap(), &chain).unwrap();
    }
    let epochs = record.evaluate(&chain, TimestampDepths { confirmed: 4, finalized: 5 });
    let statuses: Vec<_> = epochs.iter().map(|(epoch, timestamp)| (epoch, timestamp.status)).collect();
    let expected = [TimestampStatus::Finalized, TimestampStatus::Confirmed, TimestampStatus::Submitted];
    assert_eq!(statuses, (1..).zip(expected).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]
    #[test]
    fn who_signs_is_who_is_counted(
        powers in proptest::collection::vec(0..5_u64, 1..20),
        who: u32,
        change: u32,
    ) {
        let validators = TestValidators::new(&powers);
        let signs = |who: u32| (0..powers.len()).filter(move |place| who & (1 << place) != 0);
        let who = if signs(who).next().is_none() { who | 1 } else { who };
        let checkpoint = validators.checkpoint(9, [1; 32], signs(who));
        let (power, total) = (signs(who).map(|place| powers[place]).sum::<u64>(), powers.iter().sum::<u64>());
        let verified = validators.set(9).verify(&checkpoint);
        assert_eq!(verified.is_ok(), power * 3 > total * 2);
        // A bitmap of others does not verify.
        let mut other = checkpoint;
        let change = change % u32::try_from(powers.len()).unwrap();
        other.bitmap[usize::try_from(change / 8).unwrap()] ^= 1 << (change % 8);
        assert!(validators.set(9).verify(&other).is_err());
    }
}
