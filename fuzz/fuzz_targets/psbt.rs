//! Untrusted PSBTs of version 0 and 2, as bytes and as text: what is read is the same in either version.
#![no_main]

use std::sync::LazyLock;

use btcstake_fuzz::{Changes, change, outpoint, scene};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use staking_scripts::bitcoin::{Amount, FeeRate, Psbt, TxOut, absolute};
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::psbt::{InvalidPsbt, PsbtSigningError, PsbtVersion, VersionedPsbt};
use staking_scripts::transactions::NewStake;
use staking_scripts::{FundingCoin, LeafTransaction, StakingTransaction, UnbondingTransaction};

#[derive(Arbitrary, Debug)]
enum Input {
    /// Any bytes.
    Bytes(Vec<u8>),
    /// The beginning of a PSBT of version 2, and any bytes.
    Two(Vec<u8>),
    /// One of the protocol's in either version, changed.
    Changed { sample: u8, changes: Changes },
    /// One of the protocol's of version 2 with these fields first in its global map.
    Fields { sample: u8, fields: Vec<(u8, Vec<u8>)> },
}

/// Serialized PSBTs: unsigned and signed, of version 0 and then of version 2.
static SAMPLES: LazyLock<Vec<[Vec<u8>; 2]>> = LazyLock::new(|| {
    let scene = scene();
    let coins = key_path_script(scene.staker.public_key());
    let output = TxOut { value: Amount::from_sat(170_000), script_pubkey: coins.clone() };
    let staking = StakingTransaction::build(NewStake {
        output: scene.staking.output().clone(),
        amount: Amount::from_sat(100_000),
        coins: &[FundingCoin::new(outpoint(0), output).unwrap()],
        change: coins,
        fee_rate: FeeRate::BROADCAST_MIN,
        op_return_tag: None,
    })
    .unwrap();
    let signed = sign_key_path(staking.psbt(), &scene.staker).unwrap();
    let (stake, waiting) = (staking.staking_output(), scene.unbonding.clone());
    let unbonding = UnbondingTransaction::new(&stake, waiting, Amount::from_sat(500)).unwrap();
    let mut locked = unbonding.psbt().clone();
    locked.unsigned_tx.lock_time = absolute::LockTime::from_consensus(800_000);
    [staking.psbt(), &signed, unbonding.psbt(), &locked]
        .map(|psbt| {
            let psbt = VersionedPsbt::from(psbt.clone());
            [PsbtVersion::Zero, PsbtVersion::Two].map(|version| psbt.serialize(version).unwrap())
        })
        .to_vec()
});

const MAGIC: &[u8] = b"psbt\xff";

fuzz_target!(|input: Input| match input {
    Input::Bytes(bytes) => {
        read(&bytes);
        let _ = VersionedPsbt::read(&bytes);
    }
    Input::Two(bytes) => read(&[MAGIC, b"\x01\xfb\x04\x02\0\0\0", &bytes].concat()),
    Input::Changed { sample, changes } => {
        let of = &SAMPLES[usize::from(sample / 2) % SAMPLES.len()];
        let mut bytes = of[usize::from(sample % 2)].clone();
        change(&mut bytes, &changes);
        read(&bytes);
    }
    Input::Fields { sample, fields } => {
        let [_, two] = &SAMPLES[usize::from(sample) % SAMPLES.len()];
        let mut bytes = MAGIC.to_vec();
        for (kind, mut value) in fields {
            value.truncate(250);
            bytes.extend([1, kind, value.len() as u8]);
            bytes.extend(value);
        }
        bytes.extend(&two[MAGIC.len()..]);
        read(&bytes);
    }
});

fn read(bytes: &[u8]) {
    let Ok(read) = VersionedPsbt::deserialize(bytes) else { return };
    // Nothing is left over, and nothing may follow.
    assert_eq!(
        VersionedPsbt::deserialize(&[bytes, &[0]].concat()),
        Err(PsbtSigningError::Invalid(InvalidPsbt::TrailingBytes(1))),
        "a byte more"
    );
    if read.version() == PsbtVersion::Zero {
        assert_eq!(&Psbt::deserialize(bytes).unwrap(), read.psbt());
    }
    for version in [PsbtVersion::Zero, PsbtVersion::Two] {
        // Version 2 has signed amounts.
        let huge =
            read.psbt().unsigned_tx.output.iter().any(|paid| i64::try_from(paid.value.to_sat()).is_err());
        if version == PsbtVersion::Two && huge {
            assert!(read.serialize(version).is_err());
            continue;
        }
        let written = read.serialize(version).unwrap();
        let again = VersionedPsbt::deserialize(&written).unwrap();
        assert_eq!((again.version(), again.psbt()), (version, read.psbt()));
        assert_eq!(again.serialize(version).unwrap(), written);
        for text in [read.to_hex(version).unwrap(), read.to_base64(version).unwrap()] {
            assert_eq!(text.parse::<VersionedPsbt>().as_ref(), Ok(&again));
        }
    }
}
