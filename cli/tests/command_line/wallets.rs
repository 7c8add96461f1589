//! Stakers with wallets of any kind: coins by descriptor, keys with their origins, signatures and proofs that
//! come from elsewhere.

use bitcoin::Psbt;
use serde_json::{Value, json};

use crate::delegation::{ACCOUNT, ADDRESS, FILES, STAKER, stake, write_all};
use crate::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

fn psbt(folder: &Folder, line: &str) -> Psbt {
    folder.run(line).ends(0).stdout().trim().parse().unwrap()
}

/// The wallet holds the staker's key: it gets PSBTs, and what it returns goes into the delegation.
#[test]
fn a_delegation_is_signed_by_a_wallet() {
    let folder = Folder::new();
    write_all(&folder);
    let lines = folder.run(&format!("stake psbts {FILES} draft.json")).ends(0).stdout();
    for (name, line) in ["slashing", "later"].iter().zip(lines.lines()) {
        folder.write(&format!("{name}.psbt"), line);
        let signed = folder
            .run(&format!("psbt sign --psbt @{name}.psbt --secret-key-file staker.key"))
            .ends(0)
            .stdout();
        folder.write(&format!("{name}-signed.psbt"), signed);
    }
    let fields = folder.json(&format!("stake psbts {FILES} draft.json"));
    // The same into two files, or into none.
    let out = format!("stake psbts {FILES} draft.json --out mine");
    assert_eq!(
        folder.run(&out).ends(0).stdout(),
        "written to mine.slashing.psbt and mine.unbonding-slashing.psbt\n"
    );
    let names = ["mine.slashing.psbt", "mine.unbonding-slashing.psbt"];
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(names.map(read).concat(), lines);
    let sign = |name: &str| {
        folder.run(&format!("psbt sign --psbt @{name} --secret-key-file staker.key")).ends(0).stdout()
    };
    assert_eq!(names.map(sign), ["slashing-signed.psbt", "later-signed.psbt"].map(read));
    std::fs::remove_file(folder.path().join(names[0])).unwrap();
    folder.run(&out).fails(&["--out mine.unbonding-slashing.psbt", "exists"]);
    assert!(!folder.path().join(names[0]).exists(), "both or none");
    assert_eq!(fields["slashing"].as_str().unwrap(), lines.lines().next().unwrap());
    let proof = "pop create --secret-key-file staker.key --json --address";
    let proof = |rest: &str| folder.run(&format!("{proof} {ACCOUNT} {rest}")).ends(0).stdout();
    let sign = format!("stake sign {FILES} draft.json --possession proof.json");
    let wallet = format!("{sign} --slashing @slashing-signed.psbt --unbonding-slashing @later-signed.psbt");
    for kind in ["--type bip340", "--type ecdsa", "--type bip322 --script p2wpkh --network regtest"] {
        folder.write("proof.json", proof(kind));
        let signed: Value = folder.json(&wallet);
        folder.write("by-wallet.json", signed.to_string());
        assert_eq!(
            folder.json(&format!("stake check {FILES} by-wallet.json"))["accepted"],
            json!(true),
            "{kind}"
        );
        let by_key = folder.json(&format!("{sign} --secret-key-file staker.key"));
        assert_eq!(by_key["proof_of_possession"], signed["proof_of_possession"]);
    }
    // Swapped, unsigned, of another key, without the proof, with a proof of another key.
    let swapped = format!("{sign} --slashing @later-signed.psbt --unbonding-slashing @slashing-signed.psbt");
    folder.run(&swapped).fails(&["error: --slashing\n", "the PSBT is of the transaction"]);
    folder
        .run(&wallet.replace("@later-signed", "@later"))
        .fails(&["error: --unbonding-slashing\n", "has not signed"]);
    folder.run(&wallet.replace("--possession proof.json", "")).fails(&["--possession"]);
    folder
        .run(&wallet.replace("--unbonding-slashing @later-signed.psbt", ""))
        .fails(&["--unbonding-slashing"]);
    folder.run(&format!("{wallet} --secret-key-file staker.key")).fails(&["--secret-key-file"]);
    folder.run(&format!("{sign} --address {ACCOUNT} --secret-key-file staker.key")).fails(&["--possession"]);
    folder.write("proof.json", proof("--type bip340").replace(ACCOUNT, "bbn1nonsense"));
    folder.run(&wallet).fails(&["error: --possession proof.json", "not an account address"]);
    let other = format!("pop create --secret-key-file member.key --json --type bip340 --address {ACCOUNT}");
    folder.write("proof.json", folder.run(&other).ends(0).stdout());
    folder.run(&wallet).fails(&["the proof of possession"]);
}

#[test]
fn coins_of_any_segregated_witness_kind() {
    let folder = Folder::new();
    write_all(&folder);
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
        let built = psbt(&folder, &fund(descriptor, &format!("{number}.json")));
        let input = &built.inputs[0];
        assert!(input.witness_utxo.is_some(), "{descriptor}");
        let described = !input.bip32_derivation.is_empty() || !input.tap_key_origins.is_empty();
        assert!(described, "{descriptor} is not described");
    }
    folder.run(&fund(&format!("pkh({a})"), "legacy.json")).fails(&["segregated witness"]);
    folder.run(&fund("wpkh(nonsense)", "bad.json")).fails(&["--coin", "descriptor"]);
    // An extension's id would not be final with a nested coin.
    let coin = format!("{}:0:300000:sh(wpkh({a}))", "08".repeat(32));
    let extend = format!(
        "tx extend {FILES} verified.json --height 900001 --amount-sat 600000 --staking-time 64000 --coin {coin} --network regtest --change {ADDRESS} \
         --fee-rate 5 --out extension.json"
    );
    folder.run(&extend).fails(&["nested witness program"]);
    folder.run(&extend.replace(&format!("sh(wpkh({a}))"), &format!("wpkh({a})"))).ends(0);
}

/// Hardware wallets sign only where they find their own key.
#[test]
fn keys_with_their_origins() {
    let folder = Folder::new();
    write_all(&folder);
    let origin = format!("--key-origin [d34db33f/86h/0h/0h/0/3]{STAKER}");
    let staker: bitcoin::XOnlyPublicKey = STAKER.parse().unwrap();
    let has = |psbt: &Psbt| {
        let (leaves, (fingerprint, path)) = &psbt.inputs[0].tap_key_origins[&staker];
        assert_eq!(
            (leaves.len(), fingerprint.to_string(), path.to_string()),
            (1, "d34db33f".into(), "86'/0'/0'/0/3".into())
        );
    };
    has(&psbt(&folder, &format!("tx unbond {FILES} verified.json {origin}")));
    has(&psbt(
        &folder,
        &format!(
            "tx withdraw {FILES} verified.json --from staking --network regtest --to {ADDRESS} --fee-rate 2 {origin}"
        ),
    ));
    let both = folder.json(&format!("stake psbts {FILES} draft.json {origin}"));
    for name in ["slashing", "unbonding_slashing"] {
        has(&both[name].as_str().unwrap().parse().unwrap());
    }
    // In the staking transaction the key is in all three leaves of the output.
    let staked = psbt(&folder, &format!("{} {origin}", stake("new.json")));
    assert_eq!(staked.outputs[0].tap_key_origins[&staker].0.len(), 3);
    for bad in ["[d34db33f/86h]zz", STAKER, "[zz/0]00", "xpub"] {
        folder.run(&format!("tx unbond {FILES} verified.json --key-origin {bad}")).fails(&["--key-origin"]);
    }
}

#[test]
fn a_stake_that_announces_itself() {
    let folder = Folder::new();
    write_all(&folder);
    let built = folder.json(&format!("{} --op-return-tag 62626e31", stake("new.json")));
    let explained = folder.json(&format!("tx explain {}", built["psbt"].as_str().unwrap()));
    assert_eq!((&explained["kind"], &explained["staker"]), (&json!("stake"), &json!(STAKER)));
    assert_eq!(
        (&explained["timelock"], &explained["finality_providers"]),
        (&json!(64000), &json!([PROVIDER_KEY]))
    );
    folder
        .run(&format!("{} --op-return-tag 62", stake("other.json")))
        .fails(&["--op-return-tag", "8 hex digits"]);
    let second = "462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b";
    let two = format!("--finality-provider a={PROVIDER_KEY} --finality-provider b={second}");
    let line = stake("other.json").replace(&format!("--finality-provider {PROVIDER_KEY}"), &two);
    folder.run(&format!("{line} --op-return-tag 62626e31")).fails(&["2 finality providers"]);
}

/// What a slip of the keyboard makes of a fee is said, and not refused.
#[test]
fn fees_that_may_be_mistakes_are_named() {
    let folder = Folder::new();
    write_all(&folder);
    let withdraw = |rate: &str| {
        format!(
            "tx withdraw {FILES} verified.json --from unbonding --network regtest --to {ADDRESS} --fee-rate {rate}"
        )
    };
    let warnings = |rate: &str| -> Vec<String> {
        let said = folder.json(&withdraw(rate))["warnings"].clone();
        let signed = folder.json(&format!("{} --secret-key-file staker.key", withdraw(rate)));
        assert_eq!(signed["warnings"], said, "signed or not");
        serde_json::from_value(said).unwrap()
    };
    assert!(warnings("1").is_empty() && warnings("300").is_empty());
    let low = warnings("0.9");
    assert!(low.len() == 1 && low[0].contains("--fee-rate: 0.9 sat/vB is below 1 sat/vB"), "{low:?}");
    let much = warnings("900");
    assert!(much.len() == 1 && much[0].contains("more than a tenth of the 490400 sat"), "{much:?}");
    let high = warnings("1000.5");
    assert!(
        high.len() == 2 && high[0].contains("--fee-rate: 1000.5 sat/vB is above 1000 sat/vB"),
        "{high:?}"
    );
    let run = folder.run(&withdraw("0.9"));
    assert!(run.stderr().contains("warning: --fee-rate") && run.code() == Some(0), "{}", run.stderr());
    let stake = folder.json(&stake("low.json").replace("--fee-rate 5", "--fee-rate 0.5"));
    assert!(stake["warnings"][0].as_str().unwrap().contains("below 1 sat/vB"), "{stake}");
}

#[test]
fn what_a_bump_is_told_is_checked() {
    let folder = Folder::new();
    write_all(&folder);
    let staked = folder.json(&format!("psbt finalize {FILES} verified.json --psbt @stake.psbt"));
    let fee = staked["fee_sat"].as_u64().unwrap();
    folder.write("finalized.psbt", staked["psbt"].as_str().unwrap());
    let to = format!("--network regtest --to {ADDRESS} --fee-rate 20");
    let bump = |parent: &str, fee: u64, rest: &str| format!("tx bump @{parent} --fee-sat {fee} {rest} {to}");
    let (key, change) = ("--secret-key-file member.key", "--change-output 1");
    let child = folder.json(&bump("stake.tx", fee, &format!("{change} {key}")));
    for rest in [change.to_owned(), format!("{change} --delegation verified.json {key}")] {
        assert_eq!(folder.json(&bump("finalized.psbt", fee, &rest))["txid"], child["txid"]);
    }
    let fails = |parent: &str, fee: u64, rest: &str, words: &[&str]| {
        folder.run(&bump(parent, fee, rest)).fails(words)
    };
    fails("finalized.psbt", fee + 1, change, &["--fee-sat", &format!("pays {fee} sat")]);
    fails("stake.tx", fee, "--change-output 2", &["--change-output", "the 2 outputs of"]);
    fails(
        "stake.tx",
        fee,
        "--change-output 0 --delegation verified.json",
        &["--change-output", "the staking output"],
    );
    fails("stake.tx", fee, &format!("--change-output 0 {key}"), &["--change-output", "--secret-key-file"]);
    fails("stake.tx", 100_000, change, &["--fee-rate", "pays this fee rate by itself"]);
    fails(
        "stake.tx",
        fee,
        &format!("{change} --signed @stake.psbt"),
        &["--signed", "the PSBT is of the transaction"],
    );
    folder.run(&stake("other.json").replace("--fee-rate 5", "--fee-rate 6")).ends(0);
    fails(
        "stake.tx",
        fee,
        &format!("{change} --delegation other.json"),
        &["--delegation is of the staking transaction"],
    );
    let elsewhere = bump("stake.tx", fee, change).replace("--network regtest", "");
    folder.run(&elsewhere).fails(&["--to", "of regtest; must be of mainnet"]);
}

/// The staker is told, on standard error and in the fields, when a pre-signed transaction pays less than
/// what confirms today.
#[test]
fn fixed_fees_below_the_rate_are_named() {
    let folder = Folder::new();
    write_all(&folder);
    let at = |rate: u32, out: &str| stake(out).replace("--fee-rate 5", &format!("--fee-rate {rate}"));
    assert_eq!(folder.json(&at(5, "a.json"))["warnings"], json!([]));
    let some = folder.json(&at(50, "b.json"));
    let warning = some["warnings"][0].as_str().unwrap();
    assert!(warning.contains("unbonding transaction") && warning.contains("50.0 sat/vB"), "{warning}");
    assert_eq!(some["warnings"].as_array().unwrap().len(), 1, "slashing pays 100 000 sat");
    let run = folder.run(&at(50, "c.json"));
    assert!(run.stderr().contains("warning:") && run.code() == Some(0), "{}", run.stderr());
    run.stdout().trim().parse::<Psbt>().unwrap();
}
