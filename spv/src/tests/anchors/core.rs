//! Stakes on Core: what they say, and whether an output is what they say.

use bitcoin::Script;

use super::{OUTPUT, data, explained, number, paying, script, text};
use crate::anchors::{CoreDelegation, CoreLock, CoreOwner, CoreRedeemScript, Registry, op_return};

pub(super) const CORE_MAINNET: &str = "6a4c505341542b01045cd6eef6a4ceb9270776d6b388cfaba62f5bc3357fa21cbd3caa4fe89bccd1d716c92ce4533e4d47330004178c8667b17576a914332046df873f53e867a3e76f75b2a2f37f013f2f88ac";

pub(super) const CORE_TESTNET: &str = "6a4c505341542b01045bde60b7d0e6b758ca5dd8c61d377a2c5f1af51ec1a9e209f5ea0036c8c2f41078a3cebee57d8a47d501041f5e0e66b17576a914c4b8ae927ff2b9ce218e20bf06d425d6b68424fd88ac";

#[test]
fn core_stakes_are_compared_with_their_outputs() {
    for (hex, chain, network, lock_time, p2wsh) in [
        (CORE_MAINNET, 1116, "mainnet", 1_736_870_935, "3087124d"),
        (CORE_TESTNET, 1115, "testnet", 1_712_217_631, "3dd731ae"),
    ] {
        let mark = explained(&script(hex), OUTPUT).unwrap();
        assert_eq!(number(&mark, "core_chain_id"), chain);
        assert_eq!((text(&mark, "network"), number(&mark, "unlock_time")), (network.to_owned(), lock_time));
        let stake = CoreDelegation::from_bytes(data(&script(hex))).unwrap();
        let CoreLock::Script(redeem) = &stake.lock else { panic!("{hex}") };
        assert!(matches!(redeem.owner, CoreOwner::KeyHash(_)));
        let (segwit, legacy) =
            (redeem.script().to_p2wsh().into_bytes(), redeem.script().to_p2sh().into_bytes());
        assert_eq!(hex::encode(&segwit[2..6]), p2wsh);
        for (output, kind) in [(segwit, "p2wsh"), (legacy, "p2sh")] {
            let found = Registry::new().explain(&paying(&[script(hex), output]));
            let mark = found[0].mark.as_ref().unwrap();
            assert_eq!((number(mark, "stake_output"), number(mark, "stake_sat")), (1, 1000));
            assert_eq!((text(mark, "stake_type"), mark.notes.len()), (kind.to_owned(), 0));
        }
        // Another output, and an OP_RETURN of somebody else's.
        let found = Registry::new().explain(&paying(&[script(hex), vec![0x51], script("6a0101")]));
        let mark = found[0].mark.as_ref().unwrap();
        assert_eq!(
            mark.notes,
            [
                "1 other OP_RETURN outputs; Core wants every one to begin with \"SAT+\"",
                "no output pays to the redeem script"
            ]
        );
        assert_eq!(found[1].mark, None);
    }
    // Delegator first, then validator.
    let stake = CoreDelegation::from_bytes(data(&script(CORE_MAINNET))).unwrap();
    assert_eq!(hex::encode(stake.delegator), "d6eef6a4ceb9270776d6b388cfaba62f5bc3357f");
    assert_eq!(hex::encode(stake.validator), "a21cbd3caa4fe89bccd1d716c92ce4533e4d4733");
    assert_eq!(stake.fee, 0);
}

#[test]
fn core_locks_are_times_and_redeem_scripts_of_three_forms() {
    let told = CoreDelegation {
        chain: 1112,
        delegator: [1; 20],
        validator: [2; 20],
        fee: 3,
        lock: CoreLock::Time(1_736_870_935),
    };
    let frame = op_return(&told.to_bytes()).into_bytes();
    assert_eq!(frame[..2], [0x6a, 0x34]);
    assert_eq!(text(&explained(&frame, OUTPUT).unwrap(), "network"), "devnet");
    let (key, full) = ([&[2][..], &[7; 32]].concat(), [&[4][..], &[7; 64]].concat());
    let owners = [
        CoreOwner::Key(key.clone()),
        CoreOwner::Key(full.clone()),
        CoreOwner::KeyHash([9; 20]),
        CoreOwner::Keys { quorum: 2, keys: vec![key.clone(), full, key] },
    ];
    for owner in owners {
        let redeem = CoreRedeemScript { lock_time: 1_736_870_935, owner };
        let bytes = redeem.script();
        assert_eq!(CoreRedeemScript::from_script(&bytes), Some(redeem.clone()));
        for length in 0..bytes.len() {
            assert_eq!(CoreRedeemScript::from_script(&bytes[..length]), None);
        }
        let stake = CoreDelegation { lock: CoreLock::Script(redeem), ..told.clone() };
        assert_eq!(CoreDelegation::from_bytes(&stake.to_bytes()), Some(stake.clone()));
        // What follows the fee must be a whole one.
        let near = [&stake.to_bytes()[..], &[0]].concat();
        assert_eq!(CoreDelegation::from_bytes(&near), None);
    }
    // More keys must sign than there are; a quorum of none; a number of keys that is another.
    let redeem = "045cd68667b175";
    let key = format!("21{}", hex::encode([&[2][..], &[7; 32]].concat()));
    let read = |owner: String| {
        let bytes = script(&[redeem, &owner].concat());
        CoreRedeemScript::from_script(Script::from_bytes(&bytes))
    };
    for near in
        [format!("52{key}51ae"), format!("00{key}51ae"), format!("51{key}52ae"), format!("51{key}51af")]
    {
        assert_eq!(read(near), None);
    }
    assert!(read(format!("51{key}51ae")).is_some());
}

#[test]
fn a_lock_time_that_bitcoin_reads_otherwise_is_noted() {
    for (lock_time, noted) in [
        (499_999_999, Some("height")),
        (500_000_000, None),
        (0x7fff_ffff, None),
        (0x8000_0000, Some("negative")),
        (u32::MAX, Some("negative")),
    ] {
        let lock = CoreLock::Time(lock_time);
        let stake = CoreDelegation { chain: 1116, delegator: [1; 20], validator: [2; 20], fee: 3, lock };
        let script = op_return(&stake.to_bytes()).into_bytes();
        let found = Registry::new().explain(&paying(&[script]));
        let notes = found[0].mark.as_ref().unwrap().notes.join("");
        assert!(noted.map_or(notes.is_empty(), |word| notes.contains(word)), "{lock_time}: {notes}");
    }
}
