//! The two versions of PSBTs and their encodings: nothing is lost between them.

use std::collections::BTreeMap;

use bitcoin::base64::Engine as _;
use bitcoin::base64::prelude::BASE64_STANDARD;
use bitcoin::bip32::{DerivationPath, Fingerprint, KeySource, Xpriv, Xpub};
use bitcoin::hashes::{Hash as _, hash160, ripemd160, sha256, sha256d};
use bitcoin::psbt::{Input, Output, PsbtSighashType, raw};
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::taproot::{LeafVersion, TapNodeHash};
use bitcoin::{
    EcdsaSighashType, NetworkKind, Psbt, PublicKey, ScriptBuf, TapSighashType, Witness, absolute, ecdsa,
    taproot,
};

use super::maps::{maps, with};
use super::unbonding;
use crate::SpendPath;
use crate::psbt::{PsbtVersion, VersionedPsbt, sign_psbt};
use crate::testing::{Scene, coin, parameters, staking_transaction};
use crate::transactions::LeafTransaction as _;

const VERSIONS: [PsbtVersion; 2] = [PsbtVersion::Zero, PsbtVersion::Two];

fn own(name: u8) -> BTreeMap<raw::ProprietaryKey, Vec<u8>> {
    let key = raw::ProprietaryKey { prefix: b"btcstake".to_vec(), subtype: name, key: vec![name; 3] };
    [(key, vec![name; 300])].into()
}

/// Among them the field of MuSig2's participants (BIP-373), which the library does not know.
fn unknown(name: u8) -> BTreeMap<raw::Key, Vec<u8>> {
    let key = |type_value, key| raw::Key { type_value, key };
    [(key(0x1a, vec![2; 33]), vec![name; 66]), (key(0xfb - name, vec![]), vec![])].into()
}

/// A PSBT in which every field that the library has is set, in an input and in an output. The literals name
/// them all, so that a new one must come here.
fn full() -> Psbt {
    let staking = staking_transaction(&[coin(1, 2_000_000)], &parameters(0));
    let mut psbt = staking.psbt().clone();
    let scene = Scene::new(2, 3, 2);
    let leaf = scene.staking.output().taproot().leaf(SpendPath::Unbonding).unwrap();
    let staker = *scene.staker.public_key();
    let source: KeySource = (Fingerprint::from([1, 2, 3, 4]), "86'/0'/3".parse::<DerivationPath>().unwrap());
    let full_key = staker.public_key(bitcoin::secp256k1::Parity::Odd);
    let signature = taproot::Signature {
        signature: scene.staker.sign_bip340(Message::from_digest([7; 32])).unwrap(),
        sighash_type: TapSighashType::All,
    };
    let secret = bitcoin::secp256k1::SecretKey::from_slice(&[5; 32]).unwrap();
    let ecdsa = ecdsa::Signature {
        signature: SECP256K1.sign_ecdsa(&Message::from_digest([8; 32]), &secret),
        sighash_type: EcdsaSighashType::All,
    };
    let script = |byte| Some(ScriptBuf::from_bytes(vec![byte; 40]));
    let origins: BTreeMap<_, _> = [(staker, (vec![leaf.hash()], source.clone()))].into();
    psbt.inputs[0] = Input {
        non_witness_utxo: Some(staking.without_witnesses()),
        witness_utxo: psbt.inputs[0].witness_utxo.clone(),
        partial_sigs: [(PublicKey::new(full_key), ecdsa)].into(),
        sighash_type: Some(PsbtSighashType::from_u32(0x81)),
        redeem_script: script(1),
        witness_script: script(2),
        bip32_derivation: [(full_key, source.clone())].into(),
        final_script_sig: script(3),
        final_script_witness: Some(Witness::from_slice(&[vec![4; 64], vec![], vec![5; 33]])),
        ripemd160_preimages: [(ripemd160::Hash::hash(b"a"), b"a".to_vec())].into(),
        sha256_preimages: [(sha256::Hash::hash(b"b"), b"b".to_vec())].into(),
        hash160_preimages: [(hash160::Hash::hash(b"c"), b"c".to_vec())].into(),
        hash256_preimages: [(sha256d::Hash::hash(b"d"), b"d".to_vec())].into(),
        tap_key_sig: Some(signature),
        tap_script_sigs: [((staker, leaf.hash()), signature)].into(),
        tap_scripts: [(leaf.control_block.clone(), (leaf.script.clone(), LeafVersion::TapScript))].into(),
        tap_key_origins: origins.clone(),
        tap_internal_key: Some(staker),
        tap_merkle_root: Some(TapNodeHash::from_byte_array([9; 32])),
        proprietary: own(1),
        unknown: unknown(1),
    };
    let tree = psbt.outputs.iter().find_map(|output| output.tap_tree.clone());
    assert!(tree.is_some());
    psbt.outputs[0] = Output {
        redeem_script: script(6),
        witness_script: script(7),
        bip32_derivation: [(full_key, source.clone())].into(),
        tap_internal_key: Some(staker),
        tap_tree: tree,
        tap_key_origins: origins,
        proprietary: own(2),
        unknown: unknown(2),
    };
    let xpub = Xpub::from_priv(SECP256K1, &Xpriv::new_master(NetworkKind::Test, &[3; 32]).unwrap());
    psbt.unsigned_tx.lock_time = absolute::LockTime::from_consensus(800_000);
    Psbt { xpub: [(xpub, source)].into(), proprietary: own(3), unknown: unknown(3), ..psbt }
}

#[test]
fn every_field_is_kept_from_version_to_version() {
    let psbt = full();
    let given = VersionedPsbt::from(psbt.clone());
    let [zero, two] = VERSIONS.map(|version| given.serialize(version).unwrap());
    assert_eq!(zero, psbt.serialize());
    let taproot = |bytes: &[u8]| {
        let kinds = |map: usize, kinds: &[u8]| {
            let all = maps(bytes);
            kinds.iter().all(|kind| all[map].iter().any(|(key, _)| key[0] == *kind))
        };
        let outputs = 1 + psbt.inputs.len();
        kinds(1, &[0x13, 0x14, 0x15, 0x16, 0x17, 0x18]) && kinds(outputs, &[0x05, 0x06, 0x07])
    };
    assert!(taproot(&zero) && taproot(&two));
    for (bytes, version) in [(&zero, PsbtVersion::Zero), (&two, PsbtVersion::Two)] {
        let read = VersionedPsbt::deserialize(bytes).unwrap();
        assert_eq!((read.version(), read.psbt()), (version, &psbt));
        // And on, either way.
        assert_eq!(read.serialize(PsbtVersion::Zero).unwrap(), zero);
        assert_eq!(read.serialize(PsbtVersion::Two).unwrap(), two);
    }
    // In the maps of version 2 is all that the maps of version 0 have, but the transaction.
    for (index, (old, new)) in maps(&zero).iter().zip(maps(&two)).enumerate() {
        let lost: Vec<_> =
            old.iter().filter(|pair| !new.contains(pair)).map(|(key, _)| key.clone()).collect();
        assert_eq!(lost, if index == 0 { vec![vec![0]] } else { vec![] }, "map {index}");
    }
}

/// Base64, hex and bytes are recognized, however a file has them, in both versions.
#[test]
fn every_encoding_of_both_versions_is_read() {
    let psbt = full();
    let given = VersionedPsbt::from(psbt.clone());
    for version in VERSIONS {
        let bytes = given.serialize(version).unwrap();
        let (base64, hex) = (given.to_base64(version).unwrap(), given.to_hex(version).unwrap());
        assert_eq!((BASE64_STANDARD.encode(&bytes), hex::encode(&bytes)), (base64.clone(), hex.clone()));
        let folded = |text: &str| {
            let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line));
            lines.collect::<Vec<_>>().join("\r\n")
        };
        let texts = [base64.clone(), hex.clone(), hex.to_uppercase(), folded(&base64), folded(&hex)];
        let marked = texts.clone().map(|text| format!("\u{feff}{text}\r\n"));
        for text in texts.iter().chain(&marked) {
            let read = text.parse::<VersionedPsbt>().unwrap();
            assert_eq!((read.version(), read.psbt()), (version, &psbt));
            assert_eq!(VersionedPsbt::read(text.as_bytes()), Ok(read));
        }
        assert_eq!(VersionedPsbt::read(&bytes).unwrap().into_psbt(), psbt);
    }
}

/// A transaction without inputs, whose usual form is that of segregated witness.
#[test]
fn psbts_without_inputs_or_outputs_are_converted() {
    let mut psbt = full();
    (psbt.inputs, psbt.unsigned_tx.input) = (vec![], vec![]);
    for empty in [false, true] {
        if empty {
            (psbt.outputs, psbt.unsigned_tx.output) = (vec![], vec![]);
        }
        for version in VERSIONS {
            let bytes = VersionedPsbt::from(psbt.clone()).serialize(version).unwrap();
            assert_eq!(VersionedPsbt::deserialize(&bytes).unwrap().psbt(), &psbt);
        }
    }
    // Maps that are not those of the transaction.
    let mut odd = full();
    odd.inputs.clear();
    assert!(VersionedPsbt::from(odd).serialize(PsbtVersion::Two).is_err());
}

const TIME: u32 = 1_657_048_460;

/// An unbonding transaction's PSBT as another constructor writes it: the input requires a height or a time,
/// and the transaction may be modified.
fn constructed(scene: &Scene) -> (Psbt, Vec<u8>) {
    let mut psbt = unbonding(scene).psbt().clone();
    psbt.unsigned_tx.lock_time = absolute::LockTime::from_consensus(700_000);
    let bytes = VersionedPsbt::from(psbt.clone()).serialize(PsbtVersion::Two).unwrap();
    let bytes = with(&bytes, 0, &[3], &[0; 4]);
    let bytes = with(&bytes, 1, &[0x11], &TIME.to_le_bytes());
    let bytes = with(&bytes, 1, &[0x12], &700_000_u32.to_le_bytes());
    (psbt, with(&bytes, 0, &[6], &[0b1011]))
}

fn value(bytes: &[u8], map: usize, kind: u8) -> Option<Vec<u8>> {
    maps(bytes)[map].iter().find(|(key, _)| *key == [kind]).map(|(_, value)| value.clone())
}

#[test]
fn what_only_version_2_says_comes_back() {
    let (psbt, bytes) = constructed(&Scene::new(1, 3, 2));
    let read = VersionedPsbt::deserialize(&bytes).unwrap();
    assert_eq!(read.psbt(), &psbt);
    let mut again = maps(&read.serialize(PsbtVersion::Two).unwrap());
    let mut given = maps(&bytes);
    again.iter_mut().chain(&mut given).for_each(|map| map.sort());
    assert_eq!(again, given);
    // In version 0 it is left out: the transaction has the lock time itself.
    assert_eq!(read.serialize(PsbtVersion::Zero).unwrap(), psbt.serialize());
    // Of another transaction, the version alone stays.
    let mut other = psbt.clone();
    other.unsigned_tx.lock_time = absolute::LockTime::ZERO;
    let other = read.with_psbt(other);
    assert_eq!(other.version(), PsbtVersion::Two);
    let bytes = other.serialize(PsbtVersion::Two).unwrap();
    assert_eq!(
        [(0, 6), (1, 0x11), (1, 0x12)].map(|(map, kind)| value(&bytes, map, kind)),
        [None, None, None]
    );
    assert_eq!(VersionedPsbt::deserialize(&bytes).unwrap().psbt(), other.psbt());
}

/// BIP-370, "Signer": what a signature covers may no longer be modified.
#[test]
fn signatures_end_what_may_be_modified() {
    let scene = Scene::new(1, 3, 2);
    let (psbt, bytes) = constructed(&scene);
    let read = VersionedPsbt::deserialize(&bytes).unwrap();
    let flags = |psbt: Psbt| value(&read.with_psbt(psbt).serialize(PsbtVersion::Two).unwrap(), 0, 6);
    assert_eq!(flags(psbt.clone()), Some(vec![0b1011]));
    let (signed, count) = sign_psbt(&psbt, &scene.staker).unwrap();
    assert_eq!((count, flags(signed.clone())), (1, Some(vec![0b1000])));
    let place = *signed.inputs[0].tap_script_sigs.keys().next().unwrap();
    for (kind, left) in [
        (TapSighashType::All, 0b1000),
        (TapSighashType::None, 0b1010),
        (TapSighashType::Single, 0b1100),
        (TapSighashType::AllPlusAnyoneCanPay, 0b1001),
        (TapSighashType::NonePlusAnyoneCanPay, 0b1011),
        (TapSighashType::SinglePlusAnyoneCanPay, 0b1101),
    ] {
        let mut other = signed.clone();
        let signature = other.inputs[0].tap_script_sigs.get_mut(&place).unwrap();
        signature.sighash_type = kind;
        assert_eq!(flags(other), Some(vec![left]), "{kind}");
    }
    let mut done = psbt.clone();
    done.inputs[0].final_script_witness = Some(Witness::from_slice(&[[1; 64]]));
    assert_eq!(flags(done), Some(vec![0b1000]));
    // What did not say that it may be modified does not say it later.
    let plain = VersionedPsbt::from(psbt).serialize(PsbtVersion::Two).unwrap();
    assert_eq!(value(&plain, 0, 6), None);
}

/// One of version 2 and one of version 0, in either order: the signatures of both, in version 2.
#[test]
fn combining_keeps_version_2() {
    let scene = Scene::new(1, 3, 2);
    let (psbt, bytes) = constructed(&scene);
    let (signed, _) = sign_psbt(&psbt, &scene.staker).unwrap();
    let (new, old) = (VersionedPsbt::deserialize(&bytes).unwrap(), VersionedPsbt::from(signed.clone()));
    for (mut one, other) in [(new.clone(), old.clone()), (old.clone(), new.clone())] {
        one.combine(other).unwrap();
        assert_eq!((one.version(), one.psbt()), (PsbtVersion::Two, &signed));
        let bytes = one.serialize(PsbtVersion::Two).unwrap();
        assert_eq!(
            (value(&bytes, 0, 6), value(&bytes, 1, 0x11)),
            (Some(vec![0b1000]), Some(TIME.to_le_bytes().to_vec()))
        );
    }
    let mut both = old.clone();
    both.combine(old).unwrap();
    assert_eq!(both.version(), PsbtVersion::Zero);
    // It may be modified as far as both say so; what either says of SINGLE stays.
    for (one, other, left) in [(3, 1, 1), (3, 6, 6), (1, 2, 0), (7, 3, 7)] {
        let mut flagged =
            [one, other].map(|flags| VersionedPsbt::deserialize(&with(&bytes, 0, &[6], &[flags])).unwrap());
        let other = flagged[1].clone();
        flagged[0].combine(other).unwrap();
        assert_eq!(value(&flagged[0].serialize(PsbtVersion::Two).unwrap(), 0, 6), Some(vec![left]));
    }
    let stranger = VersionedPsbt::from(unbonding(&Scene::new(2, 3, 2)).psbt().clone());
    assert!(new.clone().combine(stranger).is_err());
}
