//! `btcstake tx stake`.

use bitcoin::Psbt;
use btcstake::outputs::{BuiltTransaction, TxExplain};
use eots::SecretKey;
use serde_json::json;

use crate::fixtures::delegation::{ADDRESS, STAKER, lost_addresses, stake, write_keys};
use crate::fixtures::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

#[test]
fn terms_that_make_no_stake_name_their_flag() {
    let folder = Folder::new();
    write_keys(&folder);
    let with = |from: &str, to: &str| folder.run(&stake("new.json").replace(from, to));
    with("--amount-sat 500000", "--amount-sat 499999")
        .fails(&["--amount-sat is 499999 sat; must be 500000 to 5000000 sat"]);
    with("--staking-time 64000", "--staking-time 100").fails(&["--staking-time is 100 blocks; must be"]);
    with("--height 900000", "--height 5").fails(&["--height", "height 5"]);
    with(":900000:", ":400000:").fails(&["the coins hold 400000 sat; the stake and its fee need"]);
    with(":900000:5120", ":900000:76a9").fails(&["--coin"]);
    with(":0:900000:", ":x:900000:").fails(&["--coin", "INDEX is \"x\"; must be"]);
    with(":900000:", ":9.5:").fails(&["--coin", "SATOSHIS is \"9.5\"; must be"]);
    with(":900000:5120", ":900000:z").fails(&["--coin", "SCRIPT is", "must be a script pubkey"]);
    with("--coin 0707", "--coin zz07").fails(&["--coin", "TXID is", "must be 64 hex digits"]);
    with("--fee-rate 5", "--fee-rate 0").fails(&["--fee-rate"]);
    with("--fee-rate 5", "--fee-rate 1e9").fails(&["--fee-rate"]);
    with("--fee-rate 5", "--fee-rate NaN").fails(&["--fee-rate"]);
    with(ADDRESS, "nonsense").fails(&["--change", "address"]);
    let two = format!("--finality-provider {PROVIDER_KEY} --finality-provider {}", MEMBER_KEY);
    with(&format!("--finality-provider {PROVIDER_KEY}"), &two).fails(&["--finality-provider", "CHAIN=KEY"]);
    // What pays to another network's address may be lost here.
    let on = ["--change: bcrt1p", "is an address of regtest; must be of signet"];
    with("--network regtest", "--network signet").fails(&on);
    let testnet = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";
    with(ADDRESS, testnet).fails(&["--change: tb1q", "of testnet4 or signet; must be of regtest"]);
    for lost in lost_addresses() {
        with(ADDRESS, &lost).fails(&["error: --change: ", &lost, "must be P2WPKH, P2WSH, P2TR with a key"]);
    }
    assert!(!folder.path().join("new.json").exists());
    for network in ["testnet4", "signet"] {
        let line =
            stake(&format!("{network}.json")).replace("--network regtest", &format!("--network {network}"));
        folder.run(&line.replace(ADDRESS, testnet)).ends(0);
    }
    // A provider for each of two chains.
    let provider = SecretKey::from_bytes(&[9; 32]).unwrap();
    let two = format!("--finality-provider a={PROVIDER_KEY} --finality-provider b={}", provider.public_key());
    with(&format!("--finality-provider {PROVIDER_KEY}"), &two).ends(0);
    let draft = folder.delegation("new.json");
    assert_eq!(draft["finality_providers"], json!([PROVIDER_KEY, provider.public_key().to_string()]));
    assert_eq!(draft["consumer_chains"], json!(["a", "b"]));
}

#[test]
fn file_that_is_there_is_not_overwritten() {
    let folder = Folder::with_delegation();
    folder.run(&stake("draft.json")).fails(&["--out draft.json"]);
}

#[test]
fn coins_of_any_segregated_witness_kind() {
    let folder = Folder::with_delegation();
    let fund = |script: &str, out: &str| {
        let line = stake(out);
        let (before, coin) = line.split_once("--coin ").unwrap();
        let (coin, after) = coin.split_once(' ').unwrap();
        let (place, _) = coin.rsplit_once(':').unwrap();
        format!("{before}--coin {place}:{script} {after}")
    };
    let (a, b) = (format!("02{MEMBER_KEY}"), format!("02{STAKER}"));
    let kinds = [
        format!("wpkh({a})"),
        format!("sh(wpkh({a}))"),
        format!("wsh(multi(2,{a},{b}))"),
        format!("tr({STAKER},pk({MEMBER_KEY}))"),
        format!("wpkh([d34db33f/84h/1h/0h/0/7]{a})"),
    ];
    for (number, descriptor) in kinds.iter().enumerate() {
        let built = folder.psbt(&fund(descriptor, &format!("{number}.json")));
        let input = &built.inputs[0];
        assert!(input.witness_utxo.is_some(), "{descriptor}");
        let described = !input.bip32_derivation.is_empty() || !input.tap_key_origins.is_empty();
        assert!(described, "{descriptor} is not described");
    }
    folder.run(&fund(&format!("pkh({a})"), "legacy.json")).fails(&["segregated witness"]);
    folder.run(&fund("wpkh(nonsense)", "bad.json")).fails(&["--coin", "descriptor"]);
}

#[test]
fn op_return_output_describes_the_stake() {
    let folder = Folder::with_delegation();
    let built: BuiltTransaction = folder.output(&format!("{} --op-return-tag 62626e31", stake("new.json")));
    let explained: TxExplain = folder.output(&format!("tx explain {}", built.psbt));
    assert_eq!((explained.kind.as_str(), explained.staker.as_deref()), ("stake", Some(STAKER)));
    assert_eq!(explained.timelock, Some(64000));
    assert_eq!(explained.finality_providers, [PROVIDER_KEY]);
    folder
        .run(&format!("{} --op-return-tag 62", stake("other.json")))
        .fails(&["--op-return-tag", "8 hex digits"]);
    let second = "462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b";
    let two = format!("--finality-provider a={PROVIDER_KEY} --finality-provider b={second}");
    let line = stake("other.json").replace(&format!("--finality-provider {PROVIDER_KEY}"), &two);
    folder.run(&format!("{line} --op-return-tag 62626e31")).fails(&["2 finality providers"]);
}

/// The staker is told, on standard error and in the fields, when a pre-signed transaction pays less than
/// what confirms today.
#[test]
fn fixed_fees_below_the_rate_are_named() {
    let folder = Folder::with_delegation();
    let at = |rate: u32, out: &str| stake(out).replace("--fee-rate 5", &format!("--fee-rate {rate}"));
    let warnings = |line: &str| folder.output::<BuiltTransaction>(line).warnings;
    assert!(warnings(&at(5, "a.json")).is_empty());
    let some = warnings(&at(50, "b.json"));
    assert!(some[0].contains("unbonding transaction") && some[0].contains("50.0 sat/vB"), "{some:?}");
    assert_eq!(some.len(), 1, "slashing pays 100 000 sat");
    let run = folder.run(&at(50, "c.json"));
    assert!(run.stderr().contains("warning:") && run.code() == Some(0), "{}", run.stderr());
    run.stdout().trim().parse::<Psbt>().unwrap();
}

#[test]
fn fee_rate_that_is_too_low_is_named() {
    let folder = Folder::new();
    write_keys(&folder);
    let line = stake("low.json").replace("--fee-rate 5", "--fee-rate 0.5");
    let warnings = folder.output::<BuiltTransaction>(&line).warnings;
    assert!(warnings[0].contains("below 1 sat/vB"), "{warnings:?}");
}
