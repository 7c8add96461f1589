//! The commands that ask a node, on a real bitcoind: stakes by files, from the coin to where they end.

use bitcoin::ScriptBuf;
use chain::testing::RegtestDaemon;
use chain::{BitcoinCore, ChainSource as _, Lookup as _, Mine as _};
use eots::SecretKey;
use serde_json::{Value, json};

use crate::process::{Folder, PROVIDER_KEY, Run};

/// 40 blocks of staking, 10 of unbonding.
fn parameters() -> Value {
    let members = [2, 5, 6].map(|byte| SecretKey::from_bytes(&[byte; 32]).unwrap().public_key().to_string());
    json!([{
        "covenant_pks": members, "covenant_quorum": 2,
        "min_staking_value_sat": "500000", "max_staking_value_sat": "5000000",
        "min_staking_time_blocks": 40, "max_staking_time_blocks": 40,
        "slashing_pk_script": "agdiYWJ5bG9u", "min_slashing_tx_fee_sat": "3000", "slashing_rate": "0.001",
        "unbonding_time_blocks": 10, "unbonding_fee_sat": "2000", "btc_activation_height": 1
    }])
}

fn wallet() -> ScriptBuf {
    staking_scripts::coins::key_path_script(SecretKey::from_bytes(&[4; 32]).unwrap().public_key())
}

struct World {
    folder: Folder,
    node: BitcoinCore,
    daemon: RegtestDaemon,
}

impl World {
    /// A chain with coins, or a line that says why there is no test.
    fn new() -> Option<Self> {
        let Some(program) = std::env::var_os("BITCOIND_EXE") else {
            eprintln!("SKIPPED: BITCOIND_EXE names no bitcoind");
            return None;
        };
        let daemon = RegtestDaemon::start(program.as_ref()).unwrap();
        let (node, folder) = (daemon.connect().unwrap(), Folder::new());
        node.mine(104, &wallet()).unwrap();
        for (name, byte) in [("staker", 3), ("wallet", 4), ("second", 5)] {
            folder.write(&format!("{name}.key"), hex::encode([byte; 32]));
        }
        folder.write("params.json", parameters().to_string());
        Some(Self { folder, node, daemon })
    }

    fn mine(&self, blocks: u32) {
        self.node.mine(blocks, &ScriptBuf::from_bytes(vec![0x51])).unwrap();
    }

    fn run(&self, line: &str) -> Run {
        self.folder.run(&format!("{line} {}", self.at()))
    }

    fn json(&self, line: &str) -> Value {
        self.run(&format!("--json {line}")).json(0)
    }

    fn at(&self) -> String {
        format!("--node {} --cookie-file {}", self.daemon.url(), self.daemon.cookie_file().display())
    }

    /// A stake with the answers of a quorum in `verified.json`, and its transaction in `stake.tx`.
    fn stake(&self, name: &str) {
        let (folder, height) = (&self.folder, self.node.tip().unwrap().height);
        let coin = self.node.coins(&wallet()).unwrap().remove(0);
        let staker = SecretKey::from_bytes(&[3; 32]).unwrap();
        let coin = format!(
            "{}:{}:{}",
            coin.outpoint,
            coin.output.value.to_sat(),
            coin.output.script_pubkey.to_hex_string()
        );
        let psbt = folder.run(&format!(
            "tx stake --params params.json --height {height} --staker {} --finality-provider {PROVIDER_KEY} --amount-sat 500000 \
             --staking-time 40 --coin {coin} --network regtest --change {} --fee-rate 2 --out {name}-draft.json",
            staker.public_key(),
            bitcoin::Address::from_script(&wallet(), bitcoin::Network::Regtest).unwrap()
        ));
        folder.write("unsigned.psbt", psbt.ends(0).stdout());
        let files = "--params params.json --delegation";
        folder
            .run(&format!(
                "stake sign {files} {name}-draft.json --secret-key-file staker.key \
                 --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm --out {name}-signed.json"
            ))
            .ends(0);
        let mut answers = String::new();
        for member in ["member", "second"] {
            let line = format!(
                "covenant sign {files} {name}-signed.json --record {member}.key.record --secret-key-file {member}.key"
            );
            folder.write(&format!("{name}-{member}.json"), folder.run(&line).ends(0).stdout());
            answers.push_str(&format!(" --covenant-signatures {name}-{member}.json"));
        }
        folder.run(&format!("stake add {files} {name}-signed.json{answers} --out {name}.json")).ends(0);
        let signed =
            folder.run("psbt sign --psbt @unsigned.psbt --secret-key-file wallet.key").ends(0).stdout();
        folder.write("signed.psbt", signed);
        let done =
            folder.run(&format!("psbt finalize {files} {name}.json --psbt @signed.psbt")).ends(0).stdout();
        folder.write(&format!("{name}.tx"), done);
    }

    /// Builds a transaction with this command, and hands it to the node.
    fn send(&self, line: &str) -> Value {
        let built = self.folder.run(line).ends(0).stdout();
        self.folder.write("built.tx", built);
        let sent = self.json("broadcast @built.tx");
        assert_eq!(sent["accepted"], json!(true), "{sent}");
        sent
    }

    fn status(&self, name: &str) -> Value {
        self.json(&format!("status --params params.json --delegation {name}.json --depth 3"))
    }
}

const TO: &str =
    "--network regtest --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 2";

#[test]
fn a_stake_from_the_coin_to_its_withdrawal() {
    let Some(world) = World::new() else { return };
    world.stake("stake");
    let is = |status: &str| {
        let found = world.status("stake");
        assert_eq!(found["status"], json!(status), "{found}");
        found
    };
    // Neither waiting nor in a block.
    let before = is("VERIFIED");
    assert_eq!(
        (&before["covenant_signatures"], &before["unconfirmed"], &before["depth"]),
        (&json!(2), &json!([]), &json!(null))
    );
    let unanswered = world.status("stake-signed");
    assert_eq!((&unanswered["status"], &unanswered["covenant_signatures"]), (&json!("PENDING"), &json!(0)));
    let unknown = format!("tx explain {}", before["staking_txid"].as_str().unwrap());
    world.run(&unknown).fails(&["the node has no transaction"]);
    let include = "stake include --params params.json --delegation stake.json --network regtest --depth 3";
    world.run(&format!("{include} --out included.json")).fails(&["the node has no transaction"]);

    let sent = world.json("broadcast @stake.tx");
    assert_eq!((&sent["txid"], &sent["accepted"]), (&before["staking_txid"], &json!(true)));
    assert_eq!(world.json("broadcast @stake.tx"), sent, "again is no error");
    assert_eq!(is("VERIFIED")["unconfirmed"][0]["kind"], json!("stake"));
    world.run(&format!("{include} --out included.json")).fails(&["is unconfirmed; must be in a block"]);
    world.mine(1);
    let included = is("VERIFIED");
    assert_eq!((&included["depth"], &included["inclusion_height"]), (&json!(0), &json!(105)));
    assert_eq!(included["withdrawable_from"], json!(145));
    world
        .run(&format!("{include} --out included.json"))
        .fails(&["is not shown to be in a block", "0 blocks stand on"]);
    world.mine(3);
    is("ACTIVE");
    let text = world.run("status --params params.json --delegation stake.json --depth 3").ends(0).stdout();
    assert!(
        text.starts_with("ACTIVE at height 108") && text.contains("included            at height 105"),
        "{text}"
    );

    // By its id, with what the node knows of it.
    let explained = world.json(&format!("{unknown} --params params.json --delegation stake.json"));
    assert_eq!(explained["delegation"]["part"], json!("staking"));
    assert_eq!((&explained["block_height"], &explained["confirmations"]), (&json!(105), &json!(4)));

    // The proof that it is in a block goes with the delegation, to who asks no node.
    world.run(&format!("{include} --out included.json")).ends(0);
    world.folder.delegation("included.json");
    let check = "stake check --params params.json --delegation included.json";
    let checked = world.folder.json(&format!("{check} --network regtest --depth 3"));
    assert_eq!(checked["accepted"], json!(true), "{checked}");
    for bad in ["--network regtest", "--depth 3"] {
        let refused = world.folder.run(&format!("--json {check} {bad}")).json(1);
        assert_eq!(refused["violations"][0]["rule"], json!("inclusion"), "{refused}");
        // Read as mainnet's, it is of another network.
        let hint = refused["violations"][0]["message"].as_str().unwrap().contains("--network says which");
        assert_eq!(hint, bad == "--depth 3", "{refused}");
    }
    let wrong = include.replace("--network regtest", "--network signet");
    world.run(&format!("{wrong} --out wrong.json")).fails(&["--network is signet", "on regtest"]);

    // It leaves early.
    let withdraw =
        format!("tx withdraw --params params.json --delegation stake.json {TO} --secret-key-file staker.key");
    let early = world.folder.run(&format!("{withdraw} --from staking")).ends(0).stdout();
    world.folder.write("early.tx", early);
    let rejected = world.run("--json broadcast @early.tx").json(1);
    assert!(rejected["reason"].as_str().unwrap().contains("non-BIP68-final"), "{rejected}");
    assert_eq!((&rejected["kind"], &rejected["fee_bump"]), (&json!("withdrawal"), &json!("replacement")));
    let unbond = "tx unbond --params params.json --delegation stake.json --secret-key-file staker.key";
    let unbonding = world.send(unbond);
    assert_eq!((&unbonding["kind"], &unbonding["fee_bump"]), (&json!("unbonding"), &json!("nothing")));
    assert_eq!(is("ACTIVE")["unconfirmed"][0]["txid"], unbonding["txid"]);
    world.mine(1);
    let running = is("UNBONDING");
    assert_eq!(
        (&running["spent_by"]["path"], &running["withdrawable_from"]),
        (&json!("unbonding"), &json!(119))
    );
    world.mine(9);
    is("UNBONDED");
    let withdrawal = world.send(&format!("{withdraw} --from unbonding"));
    world.mine(1);
    assert_eq!(is("WITHDRAWN")["unbonding_spent_by"]["txid"], withdrawal["txid"]);
    // Its amount in is found, as the node has that transaction in a block it finds at once or not at all.
    let explained = world.json(&format!("tx explain {}", withdrawal["txid"].as_str().unwrap()));
    assert_eq!((&explained["kind"], &explained["confirmations"]), (&json!("withdrawal"), &json!(1)));
}

#[test]
fn stakes_that_expire_and_that_are_slashed() {
    let Some(world) = World::new() else { return };
    for name in ["expires", "slashed", "later"] {
        world.stake(name);
        world.json(&format!("broadcast @{name}.tx"));
        world.mine(1);
    }
    let is = |name: &str, status: &str| {
        let found = world.status(name);
        assert_eq!(found["status"], json!(status), "{found}");
        found
    };
    world.mine(5);
    is("expires", "ACTIVE");
    let slash = |name: &str| {
        format!("tx slash --params params.json --delegation {name}.json --provider-key-file provider.key")
    };
    let slashing = world.send(&slash("slashed"));
    assert_eq!(is("slashed", "ACTIVE")["unconfirmed"][0]["kind"], json!("slashing"));
    world.send("tx unbond --params params.json --delegation later.json --secret-key-file staker.key");
    world.mine(1);
    let slashed = is("slashed", "SLASHED");
    assert_eq!(
        (&slashed["spent_by"]["txid"], &slashed["spent_by"]["path"]),
        (&slashing["txid"], &json!("slashing"))
    );
    is("later", "UNBONDING");
    let later = world.send(&format!("{} --unbonding", slash("later")));
    world.mine(1);
    assert_eq!(is("later", "SLASHED")["unbonding_spent_by"]["txid"], later["txid"]);

    // What slashing left is taken out, and then there is nothing more to take.
    assert_eq!(slashed["withdrawable_from"], json!(123));
    world.mine(9);
    let refund = world.send(&format!(
        "tx withdraw --params params.json --delegation slashed.json {TO} --from slashing --secret-key-file staker.key"
    ));
    assert_eq!(is("slashed", "SLASHED")["unconfirmed"][0]["txid"], refund["txid"]);
    world.mine(1);
    let taken = is("slashed", "SLASHED");
    assert_eq!(
        (&taken["refund_spent_by"]["txid"], &taken["withdrawable_from"]),
        (&refund["txid"], &json!(null))
    );

    // Whoever sees the slashing has the key, from the adaptor signatures.
    let explained = world.json(&format!(
        "tx explain {} --params params.json --delegation slashed.json",
        slashing["txid"].as_str().unwrap()
    ));
    assert_eq!(explained["delegation"]["provider_secret_key"], json!(crate::process::PROVIDER_EVEN));

    world.mine(10);
    is("expires", "ACTIVE");
    world.mine(1);
    let expired = is("expires", "EXPIRED");
    assert_eq!(expired["withdrawable_from"], json!(145));
    world.mine(9);
    world.send(&format!(
        "tx withdraw --params params.json --delegation expires.json {TO} --from staking --secret-key-file staker.key"
    ));
    world.mine(1);
    assert_eq!(is("expires", "WITHDRAWN")["spent_by"]["path"], json!("timelock"));
    // A spender too deep to be found without an index of them.
    world.mine(3);
    let shallow = "status --params params.json --delegation expires.json --search-blocks 2";
    world.run(shallow).fails(&["2 blocks"]);
}

#[test]
fn a_child_pays_for_a_stake() {
    let Some(world) = World::new() else { return };
    world.stake("stake");
    world.json("broadcast @stake.tx");
    let explained = world.folder.json("tx explain @stake.tx");
    let fee = 2 * explained["vsize"].as_u64().unwrap();
    let bump = |rate: u32| {
        let to = TO.replace("--fee-rate 2", &format!("--fee-rate {rate}"));
        format!("tx bump @stake.tx --fee-sat {fee} --change-output 1 {to}")
    };
    let child = world.folder.json(&format!("{} --secret-key-file wallet.key", bump(20)));
    let paid = fee + child["fee_sat"].as_u64().unwrap();
    let size = explained["vsize"].as_u64().unwrap() + child["vsize"].as_u64().unwrap();
    assert!(paid >= 20 * size && paid <= 20 * size + 40, "{paid} for {size}");
    world.folder.write("child.tx", child["transaction"].as_str().unwrap());
    assert_eq!(world.json("broadcast @child.tx")["accepted"], json!(true));
    // A wallet elsewhere signs the same child.
    world.folder.write("child.psbt", world.folder.run(&bump(20)).ends(0).stdout());
    let signed =
        world.folder.run("psbt sign --psbt @child.psbt --secret-key-file wallet.key").ends(0).stdout();
    world.folder.write("child-signed.psbt", signed);
    let elsewhere = world.folder.json(&format!("{} --signed @child-signed.psbt", bump(20)));
    assert_eq!(elsewhere["txid"], child["txid"]);
    world.mine(1);
    let found = world.json(&format!("tx explain {}", child["txid"].as_str().unwrap()));
    assert_eq!(
        (&found["confirmations"], &found["fee_sat"]),
        (&json!(1), &child["fee_sat"]),
        "what it spends is found"
    );

    world.folder.run(&bump(1)).fails(&["pays this fee rate by itself"]);
    world.folder.run(&bump(20).replace("--change-output 1", "--change-output 7")).fails(&["not the change"]);
    world.folder.run(&format!("{} --secret-key-file staker.key", bump(20))).fails(&["--secret-key-file"]);
    let unbond = "tx unbond --params params.json --delegation stake.json --secret-key-file staker.key";
    world.folder.write("unbonding.tx", world.folder.run(unbond).ends(0).stdout());
    world.folder.run(&bump(20).replace("@stake.tx", "@unbonding.tx")).fails(&["unbonding", "no child"]);
}

#[test]
fn nodes_that_do_not_answer() {
    let folder = Folder::new();
    crate::delegation::write_all(&folder);
    folder.run("broadcast @stake.tx").fails(&["--node is absent"]);
    let nowhere = "--node http://user:secret-of-the-node@127.0.0.1:1";
    for line in [
        "broadcast @stake.tx",
        "status --params params.json --delegation verified.json",
        "stake include --params params.json --delegation verified.json",
        "tx explain 0707070707070707070707070707070707070707070707070707070707070707",
    ] {
        let run = folder.run(&format!("{line} {nowhere}"));
        assert!(!run.stderr().contains("secret-of-the-node"), "{}", run.stderr());
        run.fails(&["--node"]);
    }
    folder.run("broadcast @unbonding.psbt --node http://127.0.0.1:1").fails(&["lacks signatures"]);
}
