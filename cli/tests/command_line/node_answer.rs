//! The example in `cli/examples/node-answer`: a node's answer without a proof of possession, and a phase-1
//! staking transaction, spent by the commands of the README; Bitcoin Core's engine judges what they built.

use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Address, Network, Psbt, ScriptBuf, Transaction, Witness};
use chain::{Broadcast as _, ChainSource as _, EmbeddedRegtest, Lookup as _, Mine as _, NodeError};
use eots::SecretKey;
use serde_json::{Value, json};

use crate::fixtures::delegation::{node_answer, parameters_with, public_keys};
use crate::fixtures::process::{Folder, PROVIDER, PROVIDER_KEY};

/// Two coins, then a hundred blocks: the chain that the example's staking transactions spend from.
const COINS: u32 = 2;
const MATURE: u32 = COINS + 100;
/// The block that includes both staking transactions; the README names it.
pub(crate) const INCLUDED: u32 = MATURE + 1;
const UNBONDING_BLOCKS: u32 = 1008;
const PHASE_1_BLOCKS: u32 = 150;
const STAKER: u8 = 3;
const WALLET: u8 = 4;
pub(crate) const MEMBERS: [u8; 9] = [2, 5, 6, 7, 8, 9, 10, 11, 12];

pub(crate) fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/node-answer")
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

fn script(byte: u8) -> ScriptBuf {
    staking_scripts::coins::key_path_script(key(byte).public_key())
}

/// Where blocks go when nobody needs their coins.
pub(crate) fn nobody() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51])
}

/// The chain on which the example's coins are, always the same ones: a coinbase depends on height and script.
fn chain() -> EmbeddedRegtest {
    let node = EmbeddedRegtest::in_memory().unwrap();
    node.mine(COINS, &script(WALLET)).unwrap();
    node.mine(MATURE - COINS, &nobody()).unwrap();
    node
}

/// As a node prints its own: mainnet's numbers, but for shorter staking times, and a tenth slashed.
fn parameters() -> Value {
    let versions = parameters_with(json!({
        "covenant_pks": public_keys(&MEMBERS), "covenant_quorum": 6,
        "min_staking_time_blocks": PHASE_1_BLOCKS, "slashing_rate": "0.100000000000000000",
        "min_commission_rate": "0.030000000000000000", "delegation_creation_base_gas_fee": "1095000",
        "allow_list_expiration_height": "0", "btc_activation_height": 1
    }));
    json!({ "params": [{ "version": 0, "params": versions[0] }] })
}

fn phase_1_parameters() -> Value {
    let compressed: Vec<_> = public_keys(&MEMBERS).iter().map(|member| format!("02{member}")).collect();
    json!({ "versions": [{
        "version": 0, "activation_height": 1, "staking_cap": 100_000_000_000_u64, "tag": "62626e31",
        "covenant_pks": compressed, "covenant_quorum": 6, "unbonding_time": UNBONDING_BLOCKS,
        "unbonding_fee": 64_000, "max_staking_amount": 5_000_000, "min_staking_amount": 500_000,
        "max_staking_time": 64_000, "min_staking_time": PHASE_1_BLOCKS, "confirmation_depth": 10
    }]})
}

/// Makes the example's files by the commands themselves, below `folder`.
fn make(folder: &Folder) {
    let node = chain();
    let coins = node.coins(&script(WALLET)).unwrap();
    let address = Address::from_script(&script(WALLET), Network::Regtest).unwrap();
    folder.write("staker.key", hex::encode([STAKER; 32]) + "\n");
    folder.write("provider.key", format!("{PROVIDER}\n"));
    folder.write("wallet.key", hex::encode([WALLET; 32]));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    folder.write("params.json", pretty(&parameters()));
    folder.write("phase1-params.json", pretty(&phase_1_parameters()));
    let stake = |coin: usize, more: &str| {
        let (outpoint, output) = (coins[coin].outpoint, &coins[coin].output);
        folder.run(&format!(
            "tx stake --params params.json --height {MATURE} --staker {} --finality-provider {PROVIDER_KEY} \
             --amount-sat 500000 --coin {outpoint}:{}:{} --network regtest --change {address} --fee-rate 5 {more}",
            key(STAKER).public_key(),
            output.value.to_sat(),
            output.script_pubkey.to_hex_string(),
        ))
    };
    let files = "--network regtest --params params.json --delegation";

    folder.write("stake.psbt", stake(0, "--staking-time 64000 --out draft.json").ends(0).stdout());
    folder
        .run(&format!(
            "stake sign {files} draft.json --secret-key-file staker.key \
             --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm --out signed.json"
        ))
        .ends(0);
    let mut added = String::new();
    for byte in &MEMBERS[..6] {
        folder.write(&format!("{byte}.key"), hex::encode([*byte; 32]));
        let line = format!(
            "covenant sign --dangerously-without-height {files} signed.json --record {byte}.record --secret-key-file {byte}.key --aux-rand {}",
            "00".repeat(32)
        );
        folder.write(&format!("{byte}.json"), folder.run(&line).ends(0).stdout());
        added.push_str(&format!(" --covenant-signatures {byte}.json"));
    }
    folder.run(&format!("stake add {files} signed.json{added} --out verified.json")).ends(0);
    let own: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("verified.json")).unwrap()).unwrap();
    folder.write("node.json", pretty(&node_answer(&own)));
    let sign = |psbt: &str| {
        folder.run(&format!("psbt sign --psbt @{psbt} --secret-key-file wallet.key")).ends(0).stdout()
    };
    folder.write("signed.psbt", sign("stake.psbt"));
    let finalized = folder.run(&format!("psbt finalize {files} verified.json --psbt @signed.psbt"));
    folder.write("stake.tx", finalized.ends(0).stdout());

    let phase_1 =
        stake(1, &format!("--staking-time {PHASE_1_BLOCKS} --op-return-tag 62626e31 --out phase1.json"));
    folder.write("phase1.psbt", phase_1.ends(0).stdout());
    // No command finalizes a stake of phase 1: there are no new ones.
    let mut psbt: Psbt = sign("phase1.psbt").trim().parse().unwrap();
    let signature = psbt.inputs[0].tap_key_sig.unwrap();
    psbt.inputs[0].final_script_witness = Some(Witness::p2tr_key_spend(&signature));
    folder.write("phase1.tx", serialize_hex(&psbt.extract_tx().unwrap()) + "\n");
}

const FILES: [&str; 7] =
    ["node.json", "params.json", "stake.tx", "phase1.tx", "phase1-params.json", "staker.key", "provider.key"];

/// `UPDATE_EXAMPLES=1 cargo test -p btcstake node_answer` writes the files again.
#[test]
fn node_answer_example_is_what_the_commands_make() {
    let folder = Folder::new();
    make(&folder);
    for name in FILES {
        let (made, kept) = (folder.path().join(name), example().join(name));
        if std::env::var_os("UPDATE_EXAMPLES").is_some() {
            std::fs::copy(&made, &kept).unwrap();
        }
        assert_eq!(std::fs::read_to_string(made).unwrap(), std::fs::read_to_string(kept).unwrap(), "{name}");
    }
    let node: Value = serde_json::from_slice(&std::fs::read(example().join("node.json")).unwrap()).unwrap();
    assert!(!node.to_string().contains("pop"), "a node does not print the proof of possession");
}

pub(crate) fn transaction(folder: &Path, name: &str) -> Transaction {
    deserialize_hex(std::fs::read_to_string(folder.join(name)).unwrap().trim()).unwrap()
}

pub(crate) fn confirm(node: &EmbeddedRegtest, transaction: &Transaction) {
    node.broadcast(transaction).unwrap_or_else(|e| panic!("{e}: {}", transaction.compute_txid()));
    node.mine(1, &nobody()).unwrap();
    let block = node.block_at(node.tip().unwrap().height).unwrap();
    assert!(block.txdata.contains(transaction), "the block lacks {}", transaction.compute_txid());
}

/// Refused now, valid after this many more blocks.
fn confirm_after(node: &EmbeddedRegtest, transaction: &Transaction, blocks: u32) {
    let refused = |found: Result<_, NodeError>| {
        let error = found.expect_err("the timelock holds").to_string();
        assert!(error.contains("non-BIP68-final"), "{error}");
    };
    refused(node.broadcast(transaction).map(drop));
    node.mine(blocks - 2, &nobody()).unwrap();
    refused(node.broadcast(transaction).map(drop));
    node.mine(1, &nobody()).unwrap();
    confirm(node, transaction);
}

/// A chain where the example's stakes are.
fn staked() -> EmbeddedRegtest {
    let node = chain();
    node.broadcast(&transaction(&example(), "stake.tx")).unwrap();
    confirm(&node, &transaction(&example(), "phase1.tx"));
    assert_eq!(node.tip().unwrap().height.to_u32(), INCLUDED);
    node
}

/// The phase-1 stake of the example is unbonded on its chain by one transaction of this folder, and withdrawn
/// from there by the other.
pub(crate) fn judge_phase1_unbonding(made: &Path, unbonding: &str, withdrawal: &str) {
    let node = staked();
    confirm(&node, &transaction(made, unbonding));
    confirm_after(&node, &transaction(made, withdrawal), UNBONDING_BLOCKS);
}

/// What the README's block made in this folder is valid on a chain where the example's stakes are.
pub(crate) fn judge(made: &Path) {
    let unbonded = staked();
    confirm(&unbonded, &transaction(made, "unbonding.tx"));
    confirm_after(&unbonded, &transaction(made, "withdrawal.tx"), UNBONDING_BLOCKS);

    let slashed = staked();
    let slashing = transaction(made, "slashing.tx");
    confirm(&slashed, &slashing);
    assert_eq!(slashing.output[0].value.to_sat(), 50_000, "a tenth is slashed");

    let phase_1 = staked();
    confirm_after(&phase_1, &transaction(made, "phase1-withdrawal.tx"), PHASE_1_BLOCKS);
}
