//! `btcstake psbt sign`.

use bitcoin::Psbt;
use btcstake::outputs::{Key, PsbtCheck, PsbtSign, Refused, StakePsbts, TxExplain, Violation};

use crate::fixtures::delegation::{ADDRESS, FILES};
use crate::fixtures::process::Folder;

/// A covenant member's key signs nothing of an unbonding transaction here, nor a provider's.
#[test]
fn keys_that_sign_no_input_are_refused() {
    let folder = Folder::with_delegation();
    for key in ["member.key", "provider.key"] {
        folder.run(&format!("psbt sign --psbt @unbonding.psbt --secret-key-file {key}")).fails(&["no input"]);
    }
    folder.run("psbt sign --psbt zz --secret-key-file staker.key").fails(&["--psbt"]);
}

/// A compromised machine changes the address: it is shown before it is signed, and a script pins it.
#[test]
fn sign_shows_whom_it_pays_and_can_be_held_to_it() {
    let folder = Folder::with_delegation();
    let withdraw = |to: &str| {
        let step = format!("tx withdraw {FILES} verified.json --from staking --fee-rate 5");
        folder.run(&format!("{step} --to {to}")).ends(0).stdout()
    };
    let thief: Key = folder.output("key show --secret-key-file provider.key --network regtest");
    let thief = thief.address.unwrap();
    folder.write("own.psbt", withdraw(ADDRESS));
    folder.write("thief.psbt", withdraw(&thief));
    let sign = |file: &str, rest: &str| {
        folder.run(&format!("psbt sign --psbt @{file} --secret-key-file staker.key --network regtest {rest}"))
    };
    for (file, address) in [("own.psbt", ADDRESS), ("thief.psbt", thief.as_str())] {
        let run = sign(file, "");
        let shown = run.stderr();
        let spends = shown.lines().find(|line| line.starts_with("input 0  spends ")).unwrap();
        assert!(spends.contains("500000 sat  bcrt1p") && spends.ends_with("timelock path"), "{shown}");
        let pays = shown.lines().find(|line| line.starts_with("output 0  pays ")).unwrap();
        assert!(pays.contains(address) && pays.ends_with("  unknown"), "{shown}");
        assert!(shown.lines().any(|line| line.starts_with("fee ") && line.ends_with(" sat/vB")), "{shown}");
        let signed: PsbtSign = sign(file, "--json").output(0);
        assert_eq!(signed.outputs[0].address.as_deref(), Some(address));
        assert_eq!(signed.inputs[0].path.as_deref(), Some("timelock"));
        // `psbt check` and `tx explain` show the same.
        let check: PsbtCheck = folder.output(&format!("psbt check --psbt @{file} --network regtest"));
        assert_eq!((&check.inputs, &check.outputs), (&signed.inputs, &signed.outputs));
        let explained: TxExplain = folder.output(&format!("tx explain @{file} --network regtest"));
        assert_eq!((&explained.inputs, &explained.outputs), (&signed.inputs, &signed.outputs));
        assert_eq!(
            (check.fee_sat, check.fee_rate_sat_per_kvb),
            (signed.fee_sat, signed.fee_rate_sat_per_kvb)
        );
    }
    sign("own.psbt", &format!("--expect-to {ADDRESS}")).ends(0);
    sign("own.psbt", &format!("--expect-change {ADDRESS}")).ends(0);
    let refused: Refused = sign("thief.psbt", &format!("--json --expect-to {ADDRESS}")).output(1);
    let [Violation { rule, message }] = refused.violations.as_slice() else { panic!("{refused:?}") };
    assert_eq!(rule, "expected_outputs");
    assert!(message.contains(&format!("to {thief} (unknown)")), "{message}");
    assert!(message.contains(&format!("no output pays to --expect-to {ADDRESS}")), "{message}");
    // What is the staker's own needs no name: the stake's outputs, and what its slashing burns.
    let psbts: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json"));
    folder.write("slashing.psbt", psbts.slashing_psbt);
    sign("slashing.psbt", &format!("--expect-change {ADDRESS}")).ends(0);
    sign("unbonding.psbt", &format!("--expect-change {ADDRESS}")).ends(0);
    sign("unbonding.psbt", &format!("--expect-to {ADDRESS}")).refuses(&["no output pays to --expect-to"]);
    // An address of another network is a mistake.
    let mainnet = "--expect-to bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr";
    sign("own.psbt", mainnet).fails(&["--expect-to", "mainnet"]);
}

/// The slashing fee of this stake is a fifth of it.
#[test]
fn sign_warns_of_a_fee_that_may_be_a_mistake() {
    let folder = Folder::with_delegation();
    let psbts: StakePsbts = folder.output(&format!("stake psbts {FILES} draft.json"));
    folder.write("slashing.psbt", psbts.slashing_psbt);
    let sign = "psbt sign --psbt @slashing.psbt --secret-key-file staker.key";
    let shown = folder.run(sign).ends(0).stderr();
    assert!(shown.contains("the fee of 100000 sat is more than a tenth of the 500000 sat"), "{shown}");
    let signed: PsbtSign = folder.run(&format!("--json {sign}")).output(0);
    assert_eq!(
        signed.outputs.iter().map(|paid| paid.owner.as_str()).collect::<Vec<_>>(),
        ["burnt", "slashing-refund"]
    );
    assert!(signed.outputs[1].stake.is_some() && signed.outputs[0].address.is_none());
    assert!(signed.fee_rate_sat_per_kvb.is_some_and(|rate| rate > 300_000), "{signed:?}");
    assert_eq!(signed.fee_sat, Some(100_000));
}

/// A bound on the rate too, wherever a fee is shown.
#[test]
fn fee_rate_above_a_bound_is_warned_of() {
    let folder = Folder::with_delegation();
    let mut dear: Psbt = folder.read("unsigned-stake.psbt").trim().parse().unwrap();
    // 200 000 sat for some 240 vB: less than a tenth of a larger coin.
    let coin = dear.inputs[0].witness_utxo.as_mut().unwrap();
    coin.value = bitcoin::Amount::from_sat(9_900_000);
    dear.unsigned_tx.output[1].value = bitcoin::Amount::from_sat(9_100_000);
    folder.write("dear.psbt", dear.to_string());
    let said = "is above 1000 sat/vB, which hardly any transaction pays";
    for line in ["psbt check --psbt @dear.psbt", "tx explain @dear.psbt"] {
        let output = folder.json(line);
        let warnings = output["warnings"].as_array().unwrap();
        assert!(warnings.iter().any(|found| found.as_str().unwrap().contains(said)), "{line}: {warnings:?}");
    }
    let shown = folder.run("psbt sign --psbt @dear.psbt --secret-key-file wallet.key").stderr();
    assert!(shown.contains(said), "{shown}");
}
