//! Phase-1 stakes in a transaction.

use crate::outputs::OpReturnError;
use bitcoin::opcodes::all::OP_PUSHDATA1;
use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut};

use crate::outputs::{InvalidParties, OpReturnData, Parties, StakingOutput, Timelock};
use crate::parameters::{ParametersHistory, Phase1Parameters};
use crate::phase1::{Phase1Error as Error, parse_phase1_stake};
use crate::testing::key;
use crate::transactions::FundedError;

/// Mainnet's last version, which takes any staking time from 100 to 200 blocks here.
fn parameters() -> Phase1Parameters {
    let mut parameters =
        ParametersHistory::<Phase1Parameters>::mainnet_phase1().unwrap().get(2).unwrap().clone();
    parameters.staking_time = time(100)..=time(200);
    parameters
}

fn time(blocks: u32) -> Timelock {
    Timelock::from_blocks(blocks).unwrap()
}

fn op_return() -> OpReturnData {
    let (staker, finality_provider) = (*key("staker", 0).public_key(), *key("provider", 0).public_key());
    OpReturnData { tag: *b"bbn1", staker, finality_provider, staking_time: time(150) }
}

/// The data of an OP_RETURN output, and its staking output.
fn outputs(said: &OpReturnData, parameters: &Phase1Parameters) -> [TxOut; 2] {
    let parties = Parties::new(said.staker, [said.finality_provider], parameters.covenant.clone()).unwrap();
    let staking = StakingOutput::new(parties, said.staking_time).unwrap();
    [paying(0, said.script()), staking.taproot().paying(Amount::from_sat(1_000_000))]
}

fn paying(sat: u64, script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(sat), script_pubkey }
}

fn transaction(output: Vec<TxOut>) -> Transaction {
    let (version, lock_time) = (bitcoin::transaction::Version::TWO, bitcoin::absolute::LockTime::ZERO);
    Transaction { version, lock_time, input: vec![TxIn::default()], output }
}

/// Returns the OP_RETURN script with other bytes from `place` on.
fn with(place: usize, bytes: &[u8]) -> ScriptBuf {
    let mut script = op_return().script().into_bytes();
    script[place..place + bytes.len()].copy_from_slice(bytes);
    ScriptBuf::from_bytes(script)
}

/// Parses a stake with this OP_RETURN script.
fn with_op_return(script: ScriptBuf) -> Result<(), Error> {
    let [_, staking] = outputs(&op_return(), &parameters());
    parse_phase1_stake(&transaction(vec![staking, paying(0, script)]), &parameters()).map(drop)
}

#[test]
fn phase1_stake_is_found_wherever_it_stands() {
    let [said, staking] = outputs(&op_return(), &parameters());
    let other = paying(5000, ScriptBuf::from_hex("51").unwrap());
    let note = paying(0, ScriptBuf::from_hex("6a026869").unwrap());
    for (outputs, vout) in [
        (vec![said.clone(), staking.clone()], 1),
        (vec![staking.clone(), said.clone()], 0),
        (vec![other, note, staking.clone(), said], 2),
    ] {
        let transaction = transaction(outputs);
        let found = parse_phase1_stake(&transaction, &parameters()).unwrap();
        assert_eq!((found.outpoint().txid, found.outpoint().vout), (transaction.compute_txid(), vout));
        assert_eq!((found.tx_out(), found.amount()), (staking.clone(), Amount::from_sat(1_000_000)));
        assert_eq!(found.output().staking_time(), time(150));
    }
}

#[test]
fn op_return_of_another_form_is_absent() {
    let script = op_return().script().into_bytes();
    let length_byte = [&script[..1], &[OP_PUSHDATA1.to_u8()], &script[1..]].concat();
    let two_pushes = [&[0x6a, 4], &script[2..6], &[67], &script[6..]].concat();
    let longer = [&script[..], &[0x51]].concat();
    let others = [length_byte, two_pushes, longer, script[..72].to_vec(), script[..1].to_vec(), vec![]];
    for script in others.into_iter().map(ScriptBuf::from_bytes) {
        assert_eq!(OpReturnData::from_script(&script), Err(OpReturnError::Absent), "{script}");
        assert_eq!(with_op_return(script), Err(OpReturnError::Absent.into()));
    }
    for (place, byte) in [(0, 0x61), (1, 70), (6, 1), (6, 255)] {
        assert_eq!(
            with_op_return(with(place, &[byte])),
            Err(OpReturnError::Absent.into()),
            "byte {place} is {byte}"
        );
    }
}

/// The result of the reference for scripts of 73 bytes with this beginning, version 0 and two keys.
#[test]
fn op_return_with_a_longer_push_has_its_length_in_the_tag() {
    let read = |start: &[u8]| OpReturnData::from_script(&with(0, start));
    for (start, tag) in [
        (&[0x6a, 0x4c, 70, b'b', b'n', b'1'], [70, b'b', b'n', b'1']),
        (&[0x6a, 0x4d, 69, 0, b'n', b'1'], [69, 0, b'n', b'1']),
        (&[0x6a, 0x4e, 67, 0, 0, 0], [67, 0, 0, 0]),
    ] {
        assert_eq!(read(start), Ok(OpReturnData { tag, ..op_return() }));
        // With the network's own OP_RETURN there are then two.
        let [said, staking] = outputs(&op_return(), &parameters());
        let both = transaction(vec![said, staking, paying(0, with(0, start))]);
        assert_eq!(
            parse_phase1_stake(&both, &parameters()).map(drop),
            Err(OpReturnError::Repeated(2).into())
        );
    }
    for start in [
        &[0x6a, 0x46][..],
        &[0x6a, 0x48],
        &[0x6a, 0x51],
        &[0x6a, 0x4c, 69],
        &[0x6a, 0x4c, 71],
        &[0x6a, 0x4d, 69, 1],
        &[0x6a, 0x4d, 70, 0],
        &[0x6a, 0x4e, 67, 0, 0, 1],
        &[0x6a, 0x4e, 68, 0, 0, 0],
        &[0x00, 0x4c, 70],
    ] {
        assert_eq!(read(start), Err(OpReturnError::Absent), "{start:02x?}");
    }
}

#[test]
fn op_return_output_must_be_the_only_one() {
    let [said, staking] = outputs(&op_return(), &parameters());
    let count = |announcements: &[&TxOut]| {
        let outputs = announcements.iter().copied().chain([&staking]).cloned().collect();
        parse_phase1_stake(&transaction(outputs), &parameters()).map(drop)
    };
    assert_eq!(count(&[]), Err(OpReturnError::Absent.into()));
    assert_eq!(count(&[&said]), Ok(()));
    assert_eq!(count(&[&said, &said, &said]), Err(OpReturnError::Repeated(3).into()));
    // With any data.
    let (other_tag, no_time) = (paying(0, with(2, b"else")), paying(0, with(71, &[0, 0])));
    for other in [&other_tag, &no_time] {
        assert_eq!(count(&[&said, other]), Err(OpReturnError::Repeated(2).into()));
        assert_eq!(count(&[other, &said]), Err(OpReturnError::Repeated(2).into()));
    }
    // But one with a key off the curve does not count.
    let off_curve = paying(0, with(7, &[0xff; 32]));
    assert_eq!(count(&[&off_curve, &said, &off_curve]), Ok(()));
    assert_eq!(count(&[&off_curve, &said, &said]), Err(OpReturnError::Repeated(2).into()));
    assert!(matches!(
        count(&[&off_curve, &off_curve]),
        Err(Error::OpReturn(OpReturnError::KeyOffCurve { .. }))
    ));
    assert_eq!(count(&[&off_curve, &no_time]), Err(OpReturnError::NoStakingTime.into()));
    assert_eq!(count(&[&no_time, &off_curve]), Err(OpReturnError::NoStakingTime.into()));
}

#[test]
fn op_return_must_say_what_is_possible() {
    let found = *b"bbn2";
    assert_eq!(with_op_return(with(2, &found)), Err(Error::OtherTag { found, expected: *b"bbn1" }));
    assert_eq!(with_op_return(with(71, &[0, 0])), Err(OpReturnError::NoStakingTime.into()));
    // A key above the field's prime, and one below it without a square root (BIP-340, vector 5).
    let no_root = hex::decode("eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34").unwrap();
    for (place, party) in [(7, "staker"), (39, "finality provider")] {
        for key in [[0xff; 32], no_root.as_slice().try_into().unwrap()] {
            assert_eq!(
                with_op_return(with(place, &key)),
                Err(OpReturnError::KeyOffCurve { party, key }.into())
            );
        }
    }
    let (staker, member) = (op_return().staker, parameters().covenant.members()[3]);
    for (place, key) in [(39, staker), (39, member), (7, member)] {
        let error = Err(Error::Parties(InvalidParties::DuplicateKey(key)));
        assert_eq!(with_op_return(with(place, &key.serialize())), error);
    }
}

#[test]
fn staking_output_must_be_there_exactly_once() {
    let [said, staking] = outputs(&op_return(), &parameters());
    let check = |outputs: Vec<TxOut>| parse_phase1_stake(&transaction(outputs), &parameters()).map(drop);
    let absent =
        |result: Result<(), Error>| matches!(result, Err(Error::StakingOutput(FundedError::Absent { .. })));
    assert!(absent(check(vec![said.clone()])));
    let twice = check(vec![staking.clone(), said.clone(), staking.clone()]);
    assert!(matches!(twice, Err(Error::StakingOutput(FundedError::Repeated { count: 2, .. }))));
    // With another amount, too.
    let smaller = paying(1000, staking.script_pubkey.clone());
    let twice = check(vec![staking, said, smaller]);
    assert!(matches!(twice, Err(Error::StakingOutput(FundedError::Repeated { count: 2, .. }))));
    // The staking output is that of the keys and time in the OP_RETURN, and of the parameters' committee.
    let other = key("other", 0).public_key().serialize();
    for script in [with(7, &other), with(39, &other), with(71, &[0, 151])] {
        assert!(absent(with_op_return(script)));
    }
    let mut less = parameters();
    less.covenant = crate::outputs::CovenantCommittee::new(less.covenant.members().to_vec(), 5).unwrap();
    assert!(absent(
        parse_phase1_stake(&transaction(outputs(&op_return(), &parameters()).to_vec()), &less).map(drop)
    ));
}

#[test]
fn phase1_time_and_amount_are_within_the_bounds() {
    let check = |blocks: u32, sat: u64| {
        let said = OpReturnData { staking_time: time(blocks), ..op_return() };
        let [said, mut staking] = outputs(&said, &parameters());
        staking.value = Amount::from_sat(sat);
        parse_phase1_stake(&transaction(vec![said, staking]), &parameters()).map(drop)
    };
    for blocks in [100, 200] {
        assert_eq!(check(blocks, 1_000_000), Ok(()));
    }
    for blocks in [1, 99, 201, 65535] {
        let allowed = time(100)..=time(200);
        assert_eq!(check(blocks, 1_000_000), Err(Error::StakingTime { found: time(blocks), allowed }));
    }
    let allowed = parameters().staking_amount;
    let (least, most) = (allowed.start().to_sat(), allowed.end().to_sat());
    assert_eq!((least, check(150, least), check(150, most)), (500_000, Ok(()), Ok(())));
    for sat in [0, least - 1, most + 1] {
        assert_eq!(
            check(150, sat),
            Err(Error::Amount { found: Amount::from_sat(sat), allowed: allowed.clone() })
        );
    }
}

#[test]
fn phase1_errors_tell_what_is_in_conflict() {
    let text = |result: Result<(), Error>| result.unwrap_err().to_string();
    assert_eq!(text(with_op_return(with(2, b"bbn2"))), "the OP_RETURN tag is 62626e32; must be 62626e31");
    let key = "ff".repeat(32);
    let expected = format!("the staker's key {key} in the OP_RETURN is not on the curve");
    assert_eq!(text(with_op_return(with(7, &[0xff; 32]))), expected);
    let allowed = time(100)..=time(200);
    let text = Error::StakingTime { found: time(99), allowed }.to_string();
    assert_eq!(text, "the staking time is 99 blocks; must be 100 to 200");
}
