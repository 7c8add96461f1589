//! `btcstake tx explain` beside parameters and a delegation.

use bitcoin::Psbt;
use eots::SecretKey;
use serde_json::{Value, json};

use crate::delegation::{ADDRESS, FILES, parameters, transaction, write_all};
use crate::process::Folder;

/// Whoever sees a transaction can ask which rules it breaks, under each version of the parameters.
#[test]
fn explained_under_parameters() {
    let folder = Folder::new();
    write_all(&folder);
    let mut versions = parameters();
    let mut other = versions[0].clone();
    other["unbonding_time_blocks"] = json!(500);
    other["unbonding_fee_sat"] = json!("1000");
    other["slashing_rate"] = json!("0.01");
    other["covenant_quorum"] = json!(3);
    other["btc_activation_height"] = json!(950_000);
    versions.as_array_mut().unwrap().push(other);
    folder.write("two.json", versions.to_string());
    let rules = |file: &str| -> Vec<Vec<Value>> {
        let explained = folder.json(&format!("tx explain --params two.json @{file}"));
        let versions = explained["parameters"].as_array().unwrap().iter();
        versions
            .map(|v| v["violations"].as_array().unwrap().iter().map(|v| v["rule"].clone()).collect())
            .collect()
    };
    // A PSBT says what its input holds, so that fees are known.
    let all = ["covenant_committee", "unbonding_time", "unbonding_fee"].map(|rule| json!(rule));
    assert_eq!(rules("unbonding.psbt"), [vec![], all.to_vec()]);
    assert_eq!(rules("unsigned-stake.psbt"), [vec![], vec![json!("covenant_committee")]]);
    let slash = format!("tx slash {FILES} verified.json --provider-key-file provider.key");
    let slashing = folder.json(&slash);
    folder.write("slashing.tx", slashing["transaction"].as_str().unwrap());
    assert_eq!(rules("slashing.tx"), [vec![], vec![json!("covenant_committee"), json!("output_script")]]);
    folder.write("slashing.psbt", slashing["psbt"].as_str().unwrap());
    let all =
        ["covenant_committee", "unbonding_time", "output_script", "output_amount"].map(|rule| json!(rule));
    assert_eq!(rules("slashing.psbt"), [vec![], all.to_vec()]);
    let withdraw = format!(
        "tx withdraw {FILES} verified.json --from unbonding --network regtest --to {ADDRESS} --fee-rate 2"
    );
    folder.write("withdrawal.psbt", folder.run(&withdraw).ends(0).stdout());
    assert_eq!(rules("withdrawal.psbt"), [vec![], vec![json!("timelock")]]);
    let text = folder.run("tx explain --params two.json @unbonding.psbt").ends(0).stdout();
    assert!(text.contains("under version 0     no rule") && text.contains("  unbonding_fee: "), "{text}");
}

/// A delegation tells of its transactions what they do not show by themselves, even of those that nobody has
/// signed.
#[test]
fn explained_by_a_delegation() {
    let folder = Folder::new();
    write_all(&folder);
    let delegation = folder.delegation("verified.json");
    let explain = |transaction: &str| folder.json(&format!("tx explain {FILES} verified.json {transaction}"));
    let part = |name: &str| delegation[name].as_str().unwrap().to_owned();
    let (stake, unbonding) = (part("staking_transaction"), part("unbonding_transaction"));

    let alone = folder.json(&format!("tx explain {stake}"));
    assert_eq!(
        (&alone["kind"], &alone["protocol_outputs"], &alone["finalized"]),
        (&json!("unknown"), &json!([]), &json!(false))
    );
    let told = explain(&stake);
    assert_eq!((&told["kind"], &told["delegation"]["part"]), (&json!("stake"), &json!("staking")));
    assert_eq!(told["protocol_outputs"], json!([{ "index": 0, "output": "staking", "timelock": 64000 }]));
    assert_eq!((&told["staker"], &told["covenant_members"]), (&delegation["staker"], &json!(3)));
    assert_eq!((&told["quorum"], &told["timelock"]), (&json!(2), &json!(64000)));
    // The PSBT of it says as much by itself.
    let by_itself = folder.json("tx explain @unsigned-stake.psbt");
    for field in ["kind", "staker", "finality_providers", "timelock", "quorum", "protocol_outputs"] {
        assert_eq!(by_itself[field], told[field], "{field}");
    }

    let told = explain(&unbonding);
    assert_eq!(
        (&told["kind"], &told["fee_sat"], &told["finalized"]),
        (&json!("unbonding"), &json!(9600), &json!(false))
    );
    let text = folder.run(&format!("tx explain {FILES} verified.json {unbonding}")).ends(0).stdout();
    assert!(text.contains("the unbonding output, open to the staker after"), "{text}");

    // What a withdrawal spends is named, and what it pays.
    for (from, output) in
        [("staking", "staking"), ("unbonding", "unbonding"), ("slashing", "slashing-refund")]
    {
        let withdraw = format!(
            "tx withdraw {FILES} verified.json --from {from} --to {ADDRESS} --network regtest --fee-rate 2"
        );
        let done = folder.json(&format!("{withdraw} --secret-key-file staker.key"));
        let told = explain(done["transaction"].as_str().unwrap());
        assert_eq!((&told["kind"], &told["spent"][0]["output"]), (&json!("withdrawal"), &json!(output)));
        assert_eq!((&told["fee_sat"], &told["delegation"]["part"]), (&done["fee_sat"], &Value::Null));
    }
}

/// What a transaction or a PSBT says against the delegation is not believed.
#[test]
fn a_delegation_knows_better() {
    let folder = Folder::new();
    write_all(&folder);
    let explain =
        |transaction: &str| folder.run(&format!("--json tx explain {FILES} verified.json {transaction}"));
    // Somebody else's leaf, which the stake does not have.
    let withdraw = format!(
        "tx withdraw {FILES} verified.json --from staking --to {ADDRESS} --network regtest --fee-rate 2"
    );
    let mut withdrawal = transaction(&folder.json(&format!("{withdraw} --secret-key-file staker.key")));
    let staking = withdrawal.input[0].previous_output;
    let time = staking_scripts::Timelock::from_blocks(64000).unwrap();
    let stranger = *SecretKey::from_bytes(&[1; 32]).unwrap().public_key();
    let theirs = staking_scripts::outputs::SlashingRefundOutput::new(stranger, time).unwrap();
    let leaf = theirs.taproot().leaf(staking_scripts::SpendPath::Timelock).unwrap();
    let signature = withdrawal.input[0].witness[0].to_vec();
    let witness = [signature, leaf.script.to_bytes(), leaf.control_block.serialize()];
    withdrawal.input[0].witness = bitcoin::Witness::from_slice(&witness);
    let hex = bitcoin::consensus::encode::serialize_hex(&withdrawal);
    assert_eq!(
        folder.json(&format!("tx explain {hex}"))["staker"],
        json!(stranger),
        "nobody knows what it spends"
    );
    let told = explain(&hex).json(0);
    assert_eq!(
        (&told["kind"], &told["spent"], &told["staker"]),
        (&json!("unknown"), &json!([]), &Value::Null)
    );
    // The same leaf in a PSBT that says what it spends.
    let psbt = folder.run(&withdraw).ends(0).stdout();
    let mut psbt: Psbt = psbt.trim().parse().unwrap();
    assert_eq!(psbt.unsigned_tx.input[0].previous_output, staking);
    psbt.inputs[0].final_script_witness = Some(withdrawal.input[0].witness.clone());
    assert_eq!(folder.json(&format!("tx explain {psbt}"))["kind"], json!("unknown"));

    // An amount that the delegation knows.
    let mut psbt: Psbt =
        folder.run(&format!("tx unbond {FILES} verified.json")).ends(0).stdout().trim().parse().unwrap();
    psbt.inputs[0].witness_utxo.as_mut().unwrap().value += bitcoin::Amount::from_sat(200_000);
    explain(&psbt.to_string()).fails(&["input 0 spends 700000 sat", "500000 sat"]);
    psbt.inputs[0].non_witness_utxo = Some(psbt.unsigned_tx.clone());
    folder.run(&format!("tx explain {psbt}")).fails(&["describes"]);

    // The stake is named, whatever stands before it.
    let mut psbt: Psbt = folder
        .run("psbt combine --psbt @unsigned-stake.psbt --psbt @stake.psbt")
        .ends(0)
        .stdout()
        .trim()
        .parse()
        .unwrap();
    let told = folder.json(&format!("tx explain {psbt}"));
    let out = theirs.taproot().paying(bitcoin::Amount::from_sat(1000));
    psbt.unsigned_tx.output.insert(0, out);
    let tree = bitcoin::taproot::TaprootBuilder::new().add_leaf(0, leaf.script.clone()).unwrap();
    let tap_tree = Some(tree.try_into_taptree().unwrap());
    let described = bitcoin::psbt::Output { tap_tree, ..Default::default() };
    psbt.outputs.insert(0, described);
    let after = folder.json(&format!("tx explain {psbt}"));
    assert_eq!(after["protocol_outputs"].as_array().unwrap().len(), 2);
    assert_eq!((&after["kind"], &after["staker"]), (&json!("stake"), &told["staker"]));
    folder.run("key new --out -").fails(&["--out -"]);
}
