//! A delegation through all of its roles, by files: draft, signed, answered; then unbonded, slashed,
//! withdrawn.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Psbt, Transaction};
use eots::SecretKey;
use serde_json::{Value, json};

use crate::process::{Folder, MEMBER_KEY, PROVIDER_KEY};

pub(crate) const STAKER: &str = "531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337";
/// The address of the key 04, tweaked as BIP-86 says.
fn wallet() -> String {
    let key = SecretKey::from_bytes(&[4; 32]).unwrap();
    staking_scripts::coins::key_path_script(key.public_key()).to_hex_string()
}

pub(crate) const ADDRESS: &str = "bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45";
pub(crate) const ACCOUNT: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

pub(crate) fn secret(byte: u8) -> String {
    hex::encode([byte; 32])
}

/// Mainnet's numbers with a committee of three, two of whom sign: `member.key` and the keys of 05 and 06.
pub(crate) fn parameters() -> Value {
    let members = [2, 5, 6].map(|byte| SecretKey::from_bytes(&[byte; 32]).unwrap().public_key().to_string());
    assert_eq!(members[0], MEMBER_KEY);
    json!([{
        "covenant_pks": members, "covenant_quorum": 2,
        "min_staking_value_sat": "500000", "max_staking_value_sat": "5000000",
        "min_staking_time_blocks": 64000, "max_staking_time_blocks": 64000,
        "slashing_pk_script": "agdiYWJ5bG9u", "min_slashing_tx_fee_sat": "100000", "slashing_rate": "0.001000000000000000",
        "unbonding_time_blocks": 1008, "unbonding_fee_sat": "9600", "btc_activation_height": 857_910
    }])
}

/// The keys and the parameters.
fn keys(folder: &Folder) {
    folder.write("staker.key", secret(3));
    folder.write("second.key", secret(5));
    folder.write("third.key", secret(6));
    folder.write("params.json", parameters().to_string());
}

pub(crate) fn stake(out: &str) -> String {
    let coin = format!("{}:0:900000:{}", "07".repeat(32), wallet());
    format!(
        "tx stake --params params.json --height 900000 --staker {STAKER} --finality-provider {PROVIDER_KEY} --amount-sat 500000 \
         --staking-time 64000 --coin {coin} --network regtest --change {ADDRESS} --fee-rate 5 --out {out}"
    )
}

pub(crate) const FILES: &str = "--params params.json --delegation";

/// Everything that the examples of the help need, made by the commands themselves.
pub(crate) fn write_all(folder: &Folder) {
    keys(folder);
    let psbt = folder.run(&stake("draft.json")).ends(0).stdout();
    folder.write("unsigned-stake.psbt", &psbt);
    let sign = format!(
        "stake sign {FILES} draft.json --secret-key-file staker.key --address {ACCOUNT} --out signed.json"
    );
    folder.run(&sign).ends(0);
    for (member, answer) in [("member.key", "answer.json"), ("second.key", "second.json")] {
        let line =
            format!("covenant sign {FILES} signed.json --record {member}.record --secret-key-file {member}");
        folder.write(answer, folder.run(&line).ends(0).stdout());
    }
    let add = format!(
        "stake add {FILES} signed.json --covenant-signatures answer.json --covenant-signatures second.json --out verified.json"
    );
    folder.run(&add).ends(0);
    folder.write("wallet.key", secret(4));
    let signed =
        folder.run("psbt sign --psbt @unsigned-stake.psbt --secret-key-file wallet.key").ends(0).stdout();
    folder.write("stake.psbt", signed);
    let unbond = folder.run(&format!("tx unbond {FILES} verified.json")).ends(0).stdout();
    folder.write("unbonding.psbt", &unbond);
    let signed = folder.run("psbt sign --psbt @unbonding.psbt --secret-key-file staker.key").ends(0).stdout();
    folder.write("signed.psbt", signed);
    let finalize = format!("psbt finalize {FILES} verified.json --psbt @stake.psbt");
    folder.write("stake.tx", folder.run(&finalize).ends(0).stdout());
}

pub(crate) fn transaction(json: &Value) -> Transaction {
    deserialize_hex(json["transaction"].as_str().unwrap()).unwrap()
}

#[test]
fn from_draft_to_withdrawal() {
    let folder = Folder::new();
    write_all(&folder);
    let check = |file: &str| folder.json(&format!("stake check {FILES} {file}"));
    let signed = check("signed.json");
    assert_eq!(
        signed,
        json!({ "accepted": true, "violations": [], "covenant_signatures": 0, "quorum": 2, "status": "PENDING" })
    );
    assert_eq!(
        (&check("verified.json")["covenant_signatures"], &check("verified.json")["status"]),
        (&json!(2), &json!("VERIFIED"))
    );

    // The staker leaves early: the key at hand, or a signer elsewhere.
    let unbond = format!("tx unbond {FILES} verified.json");
    let psbt: Psbt = folder.run(&unbond).ends(0).stdout().trim().parse().unwrap();
    let done = folder.json(&format!("{unbond} --secret-key-file staker.key"));
    let unbonding = transaction(&done);
    assert_eq!((unbonding.compute_txid(), &done["fee_sat"]), (psbt.unsigned_tx.compute_txid(), &json!(9600)));
    assert_eq!(done["vsize"], json!(unbonding.vsize()));
    let finalized: Psbt = done["psbt"].as_str().unwrap().parse().unwrap();
    assert_eq!(finalized.extract_tx().unwrap(), unbonding, "the PSBT is as complete as the transaction");
    assert_eq!(folder.json(&unbond)["vsize"], done["vsize"], "known before it is signed");
    let mut returned = psbt.clone();
    returned.inputs[0].final_script_witness = Some(unbonding.input[0].witness.clone());
    folder.write("returned.psbt", returned.serialize());
    assert_eq!(transaction(&folder.json(&format!("{unbond} --signed @returned.psbt"))), unbonding);
    returned.unsigned_tx.lock_time = bitcoin::absolute::LockTime::from_consensus(1);
    folder.write("changed.psbt", returned.to_string());
    folder
        .run(&format!("{unbond} --signed @changed.psbt"))
        .fails(&["the PSBT is of the transaction", "must be of"]);

    // Slashed with the provider's key, from either output.
    let slash = format!("tx slash {FILES} verified.json --provider-key-file provider.key");
    let slashed = transaction(&folder.json(&slash));
    assert_eq!(slashed.output[0].value.to_sat(), 500);
    let later = transaction(&folder.json(&format!("{slash} --unbonding")));
    assert_eq!(later.input[0].previous_output.txid, unbonding.compute_txid());
    // Seen on chain, the slashing transaction shows the key to whoever has the delegation.
    for slashing in [&slashed, &later] {
        folder.write("slashing.tx", bitcoin::consensus::encode::serialize_hex(slashing));
        let explained = folder.json(&format!("tx explain {FILES} verified.json @slashing.tx"));
        let said = &explained["delegation"];
        assert_eq!(said["provider_secret_key"], json!(crate::process::PROVIDER_EVEN), "{said}");
        assert!(said["part"].as_str().unwrap().ends_with("slashing") && said["violations"] == json!([]));
    }
    folder
        .run(&slash.replace("provider.key", "member.key"))
        .fails(&[MEMBER_KEY, "not one of the stake's finality providers'"]);

    // Withdrawn, from each of the four.
    for (from, spent) in [
        ("staking", slashed.input[0].previous_output.txid),
        ("unbonding", unbonding.compute_txid()),
        ("slashing", slashed.compute_txid()),
        ("unbonding-slashing", later.compute_txid()),
    ] {
        let withdraw = format!(
            "tx withdraw {FILES} verified.json --from {from} --network regtest --to {ADDRESS} --fee-rate 2.5"
        );
        let withdrawal = transaction(&folder.json(&format!("{withdraw} --secret-key-file staker.key")));
        assert_eq!(withdrawal.input[0].previous_output.txid, spent, "{from}");
        folder.run(&format!("{withdraw} --secret-key-file member.key")).fails(&["must be the staker's"]);
        let elsewhere = folder.run(&withdraw.replace("--network regtest", "--network signet"));
        elsewhere.fails(&["--to: bcrt1p", "of regtest; must be of signet"]);
        let unsigned: Psbt = folder.run(&withdraw).ends(0).stdout().trim().parse().unwrap();
        assert_eq!(unsigned.unsigned_tx.compute_txid(), withdrawal.compute_txid());
        assert_eq!(folder.json(&withdraw)["vsize"], json!(withdrawal.vsize()));
        folder.run(&format!("{withdraw} --signed {unsigned}")).fails(&["--signed", "no signature"]);
    }
}

#[test]
fn what_breaks_a_rule_goes_no_further() {
    let folder = Folder::new();
    write_all(&folder);
    let edit = |change: &dyn Fn(&mut Value), name: &str| {
        let text = std::fs::read_to_string(folder.path().join("signed.json")).unwrap();
        let mut json: Value = serde_json::from_str(&text).unwrap();
        change(&mut json);
        folder.write(name, json.to_string());
    };
    edit(&|json| json["unbonding_time_blocks"] = json!(1009), "bad.json");
    let check = folder.run(&format!("--json stake check {FILES} bad.json")).json(1);
    assert_eq!((&check["accepted"], &check["status"]), (&json!(false), &json!("REJECTED")));
    let rules: Vec<_> = check["violations"].as_array().unwrap().iter().map(|v| v["rule"].clone()).collect();
    assert_eq!(rules[0], json!("unbonding_time"));
    let sign =
        format!("covenant sign {FILES} bad.json --record member.key.record --secret-key-file member.key");
    let refused = folder.run(&format!("--json {sign}")).json(1);
    assert_eq!(refused["violations"], check["violations"]);
    folder
        .run(&format!("tx unbond {FILES} bad.json"))
        .fails(&["--delegation", "unbonding_transaction is the transaction"]);

    // One rule is one rule.
    let one = |json: &mut Value| json["proof_of_possession"]["signature"] = json!("00".repeat(64));
    edit(&one, "one-rule.json");
    let text = folder.run(&format!("stake check {FILES} one-rule.json")).ends(1).stdout();
    assert!(
        text.starts_with("not accepted: 1 rule is broken\n  possession: the proof of possession does not "),
        "{text}"
    );
    let refused = folder
        .run(&format!(
            "covenant sign {FILES} one-rule.json --record member.key.record --secret-key-file member.key"
        ))
        .ends(1)
        .stdout();
    assert!(refused.starts_with("refused: 1 rule is broken\n"), "{refused}");
    assert!(folder.run(&format!("stake check {FILES} bad.json")).stdout().contains(" rules are broken\n"));
    // A batch goes on.
    let batch = format!(
        "covenant sign {FILES} signed.json --delegation bad.json --delegation nowhere.json --delegation signed.json"
    );
    let lines = folder
        .run(&format!("{batch} --record batch.jsonl --secret-key-file member.key --aux-rand {}", secret(0)))
        .ends(1)
        .stdout();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["covenant_signatures"], lines[3]["covenant_signatures"]);
    assert_eq!(lines[0]["covenant_signatures"]["member"], json!(MEMBER_KEY));
    assert_eq!(lines[1]["refused"]["violations"], check["violations"]);
    assert!(lines[2]["error"].as_str().unwrap().contains("nowhere.json"));
    let answer = &lines[0]["covenant_signatures"];
    for (field, count) in [("slashing_adaptor_signatures", 1), ("unbonding_slashing_adaptor_signatures", 1)] {
        assert_eq!(answer[field].as_array().unwrap().len(), count);
    }

    // An answer of a stranger, one that was changed, one that is for something else.
    let sign = format!(
        "covenant sign {FILES} signed.json --record provider.key.record --secret-key-file provider.key"
    );
    folder.run(&sign).fails(&["--secret-key-file", "not in the covenant committee"]);
    let mut forged = answer.clone();
    forged["unbonding_signature"] = json!("00".repeat(64));
    folder.write("forged.json", forged.to_string());
    let verdict = folder
        .run(&format!("--json covenant check {FILES} signed.json --covenant-signatures forged.json"))
        .json(1);
    assert!(verdict["reason"].as_str().unwrap().contains("unbonding"), "{verdict}");
    folder
        .run(&format!("stake add {FILES} signed.json --covenant-signatures forged.json --out new.json"))
        .fails(&["--covenant-signatures forged.json"]);
    assert!(!folder.path().join("new.json").exists());
    // Too few to unbond.
    let one = format!("stake add {FILES} signed.json --covenant-signatures answer.json --out one.json");
    folder.run(&one).ends(0);
    folder.run(&format!("tx unbond {FILES} one.json --secret-key-file staker.key")).fails(&["quorum is 2"]);
}

#[test]
fn files_are_read_strictly_and_never_overwritten() {
    let folder = Folder::new();
    write_all(&folder);
    folder.run(&stake("draft.json")).fails(&["--out draft.json"]);
    let unsigned = folder.run(&format!("stake check {FILES} draft.json"));
    let unsigned = unsigned.ends(1).stdout();
    assert!(unsigned.contains("absent: staker_signatures is absent"), "{unsigned}");
    let text = std::fs::read_to_string(folder.path().join("signed.json")).unwrap();
    folder.write("more.json", text.replacen('{', r#"{"unknown":1,"#, 1));
    folder.run(&format!("stake check {FILES} more.json")).fails(&["--delegation", "unknown"]);
    folder.write("early.json", text.replace("\"parameters_height\": 900000", "\"parameters_height\": 1"));
    folder.run(&format!("stake check {FILES} early.json")).fails(&[
        "--delegation",
        "parameters_height",
        "no parameters are in force at height 1",
    ]);
    folder
        .run(&format!("tx unbond {FILES} early.json"))
        .fails(&["parameters_height", "no parameters are in force at height 1"]);
    folder.write("bad-params.json", parameters().to_string().replace("\"0.001", "\"2.001"));
    folder
        .run("stake check --delegation signed.json --params bad-params.json")
        .fails(&["--params", "slashing_rate"]);
    // A draft whose transactions are not what the staker's program makes of it is not signed.
    let mut draft: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("draft.json")).unwrap()).unwrap();
    draft["slashing_transaction"] = draft["unbonding_slashing_transaction"].clone();
    folder.write("swapped.json", draft.to_string());
    let sign = format!("stake sign {FILES} swapped.json --secret-key-file staker.key --address {ACCOUNT}");
    folder.run(&sign).fails(&[
        "--delegation",
        "slashing_transaction is the transaction",
        "the other fields make",
    ]);
    let other = format!("stake sign {FILES} draft.json --secret-key-file member.key --address {ACCOUNT}");
    folder.run(&other).fails(&["error: --secret-key-file\n", "must be the staker's"]);
}

#[test]
fn stakes_that_cannot_be_built() {
    let folder = Folder::new();
    keys(&folder);
    let with = |from: &str, to: &str| folder.run(&stake("new.json").replace(from, to));
    with("--amount-sat 500000", "--amount-sat 499999")
        .fails(&["--amount-sat is 499999 sat; must be 500000 to 5000000 sat"]);
    with("--staking-time 64000", "--staking-time 100").fails(&["--staking-time is 100 blocks; must be"]);
    with("--height 900000", "--height 5").fails(&["--height", "height 5"]);
    with(":900000:", ":400000:").fails(&["the coins hold 400000 sat; the stake and its fee need"]);
    with(":900000:5120", ":900000:76a9").fails(&["--coin"]);
    with("--fee-rate 5", "--fee-rate 0").fails(&["--fee-rate"]);
    with("--fee-rate 5", "--fee-rate 1e9").fails(&["--fee-rate"]);
    with("--fee-rate 5", "--fee-rate NaN").fails(&["--fee-rate"]);
    with(ADDRESS, "nonsense").fails(&["--change", "address"]);
    let two = format!("--finality-provider {PROVIDER_KEY} --finality-provider {}", MEMBER_KEY);
    with(&format!("--finality-provider {PROVIDER_KEY}"), &two).fails(&["--finality-provider", "CHAIN=KEY"]);
    // What pays to another network's address may be lost here.
    let on = ["--change: bcrt1p", "is an address of regtest; must be of mainnet"];
    with("--network regtest", "").fails(&on);
    let testnet = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";
    with(ADDRESS, testnet).fails(&["--change: tb1q", "of testnet4 or signet; must be of regtest"]);
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
    let draft: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("new.json")).unwrap()).unwrap();
    assert_eq!(draft["finality_providers"][0], json!({ "consumer_chain": "a", "public_key": PROVIDER_KEY }));
}

/// On machines that know nothing but a PSBT and a key.
#[test]
fn signed_elsewhere() {
    let folder = Folder::new();
    write_all(&folder);
    let finalize = format!("psbt finalize {FILES} verified.json --psbt @stake.psbt");
    let staked = transaction(&folder.json(&finalize));
    assert_eq!(
        folder.json(&stake("sized.json"))["vsize"],
        json!(staked.vsize()),
        "known before it is signed"
    );
    let text = std::fs::read_to_string(folder.path().join("verified.json")).unwrap();
    let delegation: Value = serde_json::from_str(&text).unwrap();
    let given: Transaction = deserialize_hex(delegation["staking_transaction"].as_str().unwrap()).unwrap();
    assert_eq!(staked.compute_txid(), given.compute_txid());
    // Not before the committee has answered, not unsigned, not another transaction.
    let early = finalize.replace("verified.json", "signed.json");
    folder.run(&early).fails(&["0 covenant members have signed", "--without-quorum"]);
    folder.run(&format!("{early} --without-quorum")).ends(0);
    folder
        .run(&finalize.replace("stake.psbt", "unsigned-stake.psbt"))
        .fails(&["--psbt: input 0, which spends", "is not signed"]);
    folder
        .run(&finalize.replace("stake.psbt", "signed.psbt"))
        .fails(&["--psbt is of transaction", "the delegation's staking transaction"]);
    folder
        .run(&format!("tx unbond {FILES} verified.json --signed @unbonding.psbt"))
        .fails(&["--signed", "no signature"]);

    // The unbonding: who has signed, and what comes of a signature that was tampered with.
    let check = folder.json("psbt check --psbt @signed.psbt");
    assert_eq!(
        (&check["kind"], &check["valid"], &check["fee_sat"]),
        (&json!("unbonding"), &json!(true), &json!(9600))
    );
    assert_eq!(
        (check["signatures"].as_array().unwrap().len(), check["missing"].as_array().unwrap().len()),
        (1, 3)
    );
    let read = |name: &str| -> Psbt {
        std::fs::read_to_string(folder.path().join(name)).unwrap().trim().parse().unwrap()
    };
    let mut forged = read("signed.psbt");
    let signature = forged.inputs[0].tap_script_sigs.values_mut().next().unwrap();
    let mut bytes = signature.signature.serialize();
    bytes[40] ^= 1;
    signature.signature = bitcoin::secp256k1::schnorr::Signature::from_slice(&bytes).unwrap();
    folder.write("forged.psbt", forged.to_string());
    assert_eq!(
        folder.run("--json psbt check --psbt @forged.psbt").json(1)["signatures"][0]["valid"],
        json!(false)
    );
    folder.run(&format!("tx unbond {FILES} verified.json --signed @forged.psbt")).fails(&["does not verify"]);

    let combined = folder.run("psbt combine --psbt @unbonding.psbt --psbt @signed.psbt").ends(0).stdout();
    assert_eq!(combined.trim().parse::<Psbt>().unwrap(), read("signed.psbt"));
    folder.run("psbt combine --psbt @unbonding.psbt --psbt @stake.psbt").fails(&["--psbt number 2"]);
    // A covenant member's key signs nothing here, nor a provider's.
    for key in ["member.key", "provider.key"] {
        folder.run(&format!("psbt sign --psbt @unbonding.psbt --secret-key-file {key}")).fails(&["no input"]);
    }
    folder.run("psbt sign --psbt zz --secret-key-file staker.key").fails(&["--psbt"]);
}

#[test]
fn extended_by_files() {
    let folder = Folder::new();
    write_all(&folder);
    let coin = format!("{}:0:300000:{}", "08".repeat(32), wallet());
    let extend = |amount: u32, out: &str| {
        format!(
            "tx extend {FILES} verified.json --height 900001 --amount-sat {amount} --staking-time 64000 --coin {coin} --network regtest --change {ADDRESS} \
             --fee-rate 5 --out {out}"
        )
    };
    folder.run(&extend(499_999, "less.json")).fails(&["--amount-sat"]);
    let psbt = folder.run(&extend(600_000, "extension.json")).ends(0).stdout();
    folder.write("extension.psbt", psbt);
    let sign = "stake sign --params params.json --delegation extension.json --secret-key-file staker.key";
    folder.run(&format!("{sign} --address {ACCOUNT} --out extension-signed.json")).ends(0);
    let mut answers = String::new();
    for member in ["member", "third"] {
        let line = format!(
            "covenant sign {FILES} extension-signed.json --record {member}.key.record --secret-key-file {member}.key"
        );
        let answer = folder.run(&line).ends(0).stdout();
        assert!(answer.contains("extension_signature"));
        folder.write(&format!("{member}.answer"), answer);
        answers.push_str(&format!(" --covenant-signatures {member}.answer"));
    }
    folder
        .run(&format!("stake add {FILES} extension-signed.json{answers} --out extension-verified.json"))
        .ends(0);
    folder.delegation("extension-verified.json");
    let status = folder.json(&format!("stake check {FILES} extension-verified.json"));
    assert_eq!(status["status"], json!("VERIFIED"));
    // The staker signs the running stake, the wallet its coin.
    for (number, key) in ["staker", "wallet"].iter().enumerate() {
        let line = format!("psbt sign --psbt @extension.psbt --secret-key-file {key}.key");
        folder.write(&format!("part{number}.psbt"), folder.run(&line).ends(0).stdout());
    }
    let both = folder.run("psbt combine --psbt @part0.psbt --psbt @part1.psbt").ends(0).stdout();
    folder.write("both.psbt", both);
    let done = folder.json(&format!("psbt finalize {FILES} extension-verified.json --psbt @both.psbt"));
    let extension = transaction(&done);
    assert_eq!((extension.input.len(), extension.output[0].value.to_sat()), (2, 600_000));
    let explained = folder.json(&format!("tx explain {}", done["transaction"].as_str().unwrap()));
    assert_eq!(explained["kind"], json!("extension"));
    // Its delegation knows it before anybody has signed.
    let bare =
        folder.delegation("extension-verified.json")["staking_transaction"].as_str().unwrap().to_owned();
    let told = folder.json(&format!("tx explain {FILES} extension-verified.json {bare}"));
    assert_eq!((&told["kind"], &told["delegation"]["part"]), (&json!("extension"), &json!("staking")));
    folder
        .run(&format!("psbt finalize {FILES} extension-verified.json --psbt @part1.psbt"))
        .fails(&["input 0, which spends", "is not signed"]);
}

/// The staker names the parameters' height; a member takes it only where its own knowledge agrees.
#[test]
fn consumer_chains_have_their_own_signing_context() {
    let folder = Folder::new();
    write_all(&folder);
    let second = SecretKey::from_bytes(&[9; 32]).unwrap();
    let two = format!("--finality-provider a={PROVIDER_KEY} --finality-provider b={}", second.public_key());
    let draft = stake("two.json").replace(&format!("--finality-provider {PROVIDER_KEY}"), &two);
    folder.run(&draft).ends(0);
    let context =
        folder.json("eots context --operation staker-pop --chain-id consumer-1 --address bbn1contract");
    let context = format!("--signing-context {}", context["signing_context"].as_str().unwrap());
    let sign = format!("stake sign {FILES} two.json --secret-key-file staker.key --address {ACCOUNT}");
    folder.run(&sign).fails(&["on Babylon Genesis there is one"]);
    folder.run(&format!("{sign} {context} --out two-signed.json")).ends(0);
    folder.delegation("two-signed.json");
    let check = format!("stake check {FILES} two-signed.json");
    assert_eq!(folder.json(&format!("{check} {context}"))["accepted"], json!(true));
    let refused = folder.run(&format!("--json {check}")).json(1);
    let rules: Vec<_> = refused["violations"].as_array().unwrap().iter().map(|v| v["rule"].clone()).collect();
    assert_eq!(rules, [json!("signing_context"), json!("stake_kind")]);
    let member = format!(
        "covenant sign {FILES} two-signed.json --record member.key.record --secret-key-file member.key"
    );
    folder.run(&member).ends(1);
    let answer: Value = folder.json(&format!("{member} {context}"));
    assert_eq!(answer["slashing_adaptor_signatures"].as_array().unwrap().len(), 2);
}
