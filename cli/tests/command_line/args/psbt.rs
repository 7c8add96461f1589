//! `--key-origin`: hardware wallets sign only where they find their own key.

use bitcoin::Psbt;
use bitcoin::hashes::{Hash as _, hash160};
use btcstake::outputs::StakePsbts;

use crate::fixtures::delegation::{ADDRESS, FILES, STAKER, stake};
use crate::fixtures::process::Folder;

#[test]
fn key_origins_are_in_every_psbt() {
    let folder = Folder::with_delegation();
    let origin = format!("--key-origin [d34db33f/86h/0h/0h/0/3]{STAKER}");
    let staker: bitcoin::XOnlyPublicKey = STAKER.parse().unwrap();
    let has = |psbt: &Psbt| {
        let (leaves, (fingerprint, path)) = &psbt.inputs[0].tap_key_origins[&staker];
        assert_eq!(
            (leaves.len(), fingerprint.to_string(), path.to_string()),
            (1, "d34db33f".into(), "86'/0'/0'/0/3".into())
        );
    };
    has(&folder.psbt(&format!("tx unbond {FILES} verified.json {origin}")));
    has(&folder.psbt(&format!(
        "tx withdraw {FILES} verified.json --from staking --to {ADDRESS} --fee-rate 2 {origin}"
    )));
    let both: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json {origin}"));
    for psbt in [both.slashing_psbt, both.unbonding_slashing_psbt] {
        has(&psbt.parse().unwrap());
    }
    // In the staking transaction the key is in all three leaves of the output.
    let staked = folder.psbt(&format!("{} {origin}", stake("new.json")));
    assert_eq!(staked.outputs[0].tap_key_origins[&staker].0.len(), 3);
    // A compressed key is the same key.
    let compressed = origin.replace(STAKER, &format!("03{STAKER}"));
    has(&folder.psbt(&format!("tx unbond {FILES} verified.json {compressed}")));
    for bad in ["[d34db33f/86h]zz", STAKER, "[zz/0]00", "xpub"] {
        folder.run(&format!("tx unbond {FILES} verified.json --key-origin {bad}")).fails(&["--key-origin"]);
    }
}

/// Without an origin some signers sign nothing, and report no error: the key is its own.
#[test]
fn key_is_its_own_origin_where_none_is_given() {
    let folder = Folder::with_delegation();
    let staker: bitcoin::XOnlyPublicKey = STAKER.parse().unwrap();
    let own = hex::encode(&hash160::Hash::hash(&staker.serialize())[..4]);
    let has = |psbt: &Psbt| {
        let input = &psbt.inputs[0];
        let (leaves, (fingerprint, path)) = &input.tap_key_origins[&staker];
        assert_eq!((leaves.len(), fingerprint.to_string(), path.len()), (1, own.clone(), 0));
        assert_eq!((input.tap_key_origins.len(), input.tap_scripts.len()), (1, 1));
        assert_eq!((input.tap_merkle_root, input.sighash_type), (None, None));
    };
    has(&folder.psbt(&format!("tx unbond {FILES} verified.json")));
    has(&folder
        .psbt(&format!("tx withdraw {FILES} verified.json --from unbonding --to {ADDRESS} --fee-rate 2")));
    let both: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json"));
    for psbt in [both.slashing_psbt, both.unbonding_slashing_psbt] {
        let psbt: Psbt = psbt.parse().unwrap();
        has(&psbt);
        assert_eq!(psbt.unsigned_tx.version, bitcoin::transaction::Version::TWO, "some signers fail at 1");
    }
}
