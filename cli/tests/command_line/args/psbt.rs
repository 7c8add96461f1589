//! `--key-origin`: hardware wallets sign only where they find their own key.

use bitcoin::Psbt;
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
        "tx withdraw {FILES} verified.json --from staking --network regtest --to {ADDRESS} --fee-rate 2 {origin}"
    )));
    let both: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json {origin}"));
    for psbt in [both.slashing_psbt, both.unbonding_slashing_psbt] {
        has(&psbt.parse().unwrap());
    }
    // In the staking transaction the key is in all three leaves of the output.
    let staked = folder.psbt(&format!("{} {origin}", stake("new.json")));
    assert_eq!(staked.outputs[0].tap_key_origins[&staker].0.len(), 3);
    for bad in ["[d34db33f/86h]zz", STAKER, "[zz/0]00", "xpub"] {
        folder.run(&format!("tx unbond {FILES} verified.json --key-origin {bad}")).fails(&["--key-origin"]);
    }
}
