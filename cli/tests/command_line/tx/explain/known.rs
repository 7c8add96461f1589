//! `btcstake tx explain` beside parameters and a delegation.

use bitcoin::Psbt;
use btcstake::outputs::{BuiltTransaction, StakeOutput, TxExplain};
use eots::SecretKey;
use serde_json::{Value, json};

use crate::fixtures::delegation::{ADDRESS, FILES, parameters, transaction};
use crate::fixtures::process::Folder;

/// Whoever sees a transaction can ask which rules it breaks, under each version of the parameters.
#[test]
fn parameters_name_the_rules_that_are_broken() {
    let folder = Folder::with_delegation();
    let mut versions = parameters();
    let mut other = versions[0].clone();
    other["unbonding_time_blocks"] = json!(500);
    other["unbonding_fee_sat"] = json!("1000");
    other["slashing_rate"] = json!("0.01");
    other["covenant_quorum"] = json!(3);
    other["btc_activation_height"] = json!(950_000);
    versions.as_array_mut().unwrap().push(other);
    folder.write("two.json", versions.to_string());
    // The rules that are broken under the second version; under the first, none.
    let rules = |file: &str| -> Vec<String> {
        let explained: TxExplain = folder.output(&format!("tx explain --params two.json @{file}"));
        let versions = explained.parameters.unwrap();
        let [first, second] = &versions[..] else { panic!("{versions:?}") };
        assert!(first.violations.is_empty(), "{first:?}");
        second.violations.iter().map(|found| found.rule.clone()).collect()
    };
    // A PSBT says what its input holds, so that fees are known.
    assert_eq!(rules("unbonding.psbt"), ["covenant_committee", "unbonding_time", "unbonding_fee"]);
    assert_eq!(rules("unsigned-stake.psbt"), ["covenant_committee"]);
    let slash = format!("tx slash {FILES} verified.json --provider-key-file provider.key");
    let slashing: BuiltTransaction = folder.output(&slash);
    folder.write("slashing.tx", slashing.transaction.unwrap());
    assert_eq!(rules("slashing.tx"), ["covenant_committee", "output_script"]);
    folder.write("slashing.psbt", slashing.psbt);
    assert_eq!(
        rules("slashing.psbt"),
        ["covenant_committee", "unbonding_time", "output_script", "output_amount"]
    );
    let withdraw = format!("tx withdraw {FILES} verified.json --from unbonding --to {ADDRESS} --fee-rate 2");
    folder.write("withdrawal.psbt", folder.run(&withdraw).ends(0).stdout());
    assert_eq!(rules("withdrawal.psbt"), ["timelock"]);
    let text = folder.run("tx explain --params two.json @unbonding.psbt").ends(0).stdout();
    assert!(text.contains("under version 0     no rule") && text.contains("  unbonding_fee: "), "{text}");
}

/// A delegation tells of its transactions what they do not show by themselves, even of those that nobody has
/// signed.
#[test]
fn delegation_says_what_its_transactions_are() {
    let folder = Folder::with_delegation();
    let delegation = folder.delegation("verified.json");
    let explain = |transaction: &str| -> TxExplain {
        folder.output(&format!("tx explain {FILES} verified.json {transaction}"))
    };
    let part = |name: &str| delegation[name].as_str().unwrap().to_owned();
    let (stake, unbonding) = (part("staking_transaction"), part("unbonding_transaction"));

    let alone: TxExplain = folder.output(&format!("tx explain {stake}"));
    assert_eq!((alone.kind.as_str(), alone.protocol_outputs, alone.finalized), ("unknown", vec![], false));
    let told = explain(&stake);
    assert_eq!(told.kind, "stake");
    assert_eq!(told.delegation.unwrap().stake_transaction.as_deref(), Some("staking"));
    let staking = StakeOutput { index: 0, output: "staking".to_owned(), timelock: 64000 };
    assert_eq!(told.protocol_outputs, [staking]);
    assert_eq!((told.staker.as_deref(), told.covenant_members), (delegation["staker"].as_str(), Some(3)));
    assert_eq!((told.quorum, told.timelock), (Some(2), Some(64000)));
    // The PSBT of it says as much by itself.
    let by_itself: TxExplain = folder.output("tx explain @unsigned-stake.psbt");
    assert_eq!((by_itself.kind, by_itself.staker), (told.kind, told.staker));
    assert_eq!((by_itself.quorum, by_itself.timelock), (told.quorum, told.timelock));
    assert_eq!(by_itself.finality_providers, told.finality_providers);
    assert_eq!(by_itself.protocol_outputs, told.protocol_outputs);

    let told = explain(&unbonding);
    assert_eq!((told.kind.as_str(), told.fee_sat, told.finalized), ("unbonding", Some(9600), false));
    let text = folder.run(&format!("tx explain {FILES} verified.json {unbonding}")).ends(0).stdout();
    assert!(text.contains("the unbonding output, open to the staker after"), "{text}");

    // What a withdrawal spends is named, and what it pays.
    for (from, output) in
        [("staking", "staking"), ("unbonding", "unbonding"), ("slashing", "slashing-refund")]
    {
        let withdraw = format!("tx withdraw {FILES} verified.json --from {from} --to {ADDRESS} --fee-rate 2");
        let done: BuiltTransaction = folder.output(&format!("{withdraw} --secret-key-file staker.key"));
        let told = explain(&done.transaction.unwrap());
        assert_eq!((told.kind.as_str(), told.spent[0].output.as_deref()), ("withdrawal", Some(output)));
        assert_eq!((told.fee_sat, told.delegation.unwrap().stake_transaction), (Some(done.fee_sat), None));
    }
}

/// A page of delegations is read as by every other command: one of them is named.
#[test]
fn delegation_of_a_page_is_named() {
    let folder = Folder::with_delegation();
    let txid = crate::tx::write_page(&folder);
    let explain = format!("tx explain @stake.tx {FILES} page.json");
    folder.run(&explain).fails(&["--delegation", "2 delegations", "--staking-txid"]);
    let named = format!("{explain} --staking-txid {txid}");
    let explained: TxExplain = folder.output(&named);
    assert_eq!(explained.delegation.unwrap().stake_transaction.as_deref(), Some("staking"));
    folder
        .run(&format!("{named} --previous-delegation page.json"))
        .fails(&["--previous-delegation", "does not extend a stake"]);
    folder.run(&format!("tx explain @stake.tx --staking-txid {txid}")).fails(&["--delegation"]);
}

/// What a transaction or a PSBT says against the delegation is not believed.
#[test]
fn delegation_is_believed_and_not_the_transaction() {
    let folder = Folder::with_delegation();
    let explain =
        |transaction: &str| folder.run(&format!("--json tx explain {FILES} verified.json {transaction}"));
    // Somebody else's leaf, which the stake does not have.
    let withdraw = format!("tx withdraw {FILES} verified.json --from staking --to {ADDRESS} --fee-rate 2");
    let mut withdrawal = transaction(&folder.output(&format!("{withdraw} --secret-key-file staker.key")));
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
}
