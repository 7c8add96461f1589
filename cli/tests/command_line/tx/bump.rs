//! `btcstake tx bump`.

use btcstake::outputs::{BuiltTransaction, TxExplain};

use serde_json::json;

use super::write_page;
use crate::fixtures::delegation::{ADDRESS, lost_addresses, parameters, stake};
use crate::fixtures::node::{Regtest, to};
use crate::fixtures::process::Folder;

/// The network stands beside them in each command.
const FILES: &str = "--params params.json --delegation";

#[test]
fn arguments_are_checked_against_the_parent() {
    let folder = Folder::with_delegation();
    let staked: BuiltTransaction =
        folder.output(&format!("psbt finalize {FILES} verified.json --psbt @stake.psbt"));
    let fee = staked.fee_sat;
    folder.write("finalized.psbt", staked.psbt);
    let to = format!("--network regtest --to {ADDRESS} --fee-rate 20");
    let bump = |parent: &str, fee: u64, rest: &str| format!("tx bump @{parent} --fee-sat {fee} {rest} {to}");
    let (key, change) = ("--secret-key-file member.key", "--change-output 1");
    let txid = |line: &str| folder.output::<BuiltTransaction>(line).txid;
    let child = txid(&bump("stake.tx", fee, &format!("{change} {key}")));
    for rest in [change.to_owned(), format!("{change} {FILES} verified.json {key}")] {
        assert_eq!(txid(&bump("finalized.psbt", fee, &rest)), child);
    }
    let fails = |parent: &str, fee: u64, rest: &str, words: &[&str]| {
        folder.run(&bump(parent, fee, rest)).fails(words)
    };
    fails("finalized.psbt", fee + 1, change, &["--fee-sat", &format!("pays {fee} sat")]);
    for lost in lost_addresses() {
        folder.run(&bump("stake.tx", fee, change).replace(ADDRESS, &lost)).fails(&[
            "error: --to: ",
            &lost,
            "must be P2WPKH, P2WSH, P2TR with a key",
        ]);
    }
    fails("stake.tx", fee, "--change-output 2", &["--change-output", "the 2 outputs of"]);
    fails(
        "stake.tx",
        fee,
        &format!("--change-output 0 {FILES} verified.json"),
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
        &format!("{change} {FILES} other.json"),
        &["--delegation is of the staking transaction"],
    );
    let elsewhere = bump("stake.tx", fee, change).replace("--network regtest", "");
    folder.run(&elsewhere).fails(&["--to", "of regtest; must be of mainnet"]);
}

/// The delegation is read as by every other command, and needs no more than its staking transaction.
#[test]
fn delegation_names_the_staking_output() {
    let folder = Folder::with_delegation();
    let staked: BuiltTransaction =
        folder.output(&format!("psbt finalize {FILES} verified.json --psbt @stake.psbt"));
    let bump = |change: u32, rest: &str| {
        folder.run(&format!(
            "--json tx bump @stake.tx --fee-sat {} --change-output {change} --network regtest --to {ADDRESS} \
             --fee-rate 20 {rest}",
            staked.fee_sat
        ))
    };
    let is_the_stake = ["--change-output", "output 0 is the staking output"];
    folder.write_changed("verified.json", "bare.json", |json| {
        for name in ["unbonding", "slashing", "unbonding_slashing"] {
            json.as_object_mut().unwrap().remove(&format!("{name}_transaction")).unwrap();
        }
    });
    for file in ["verified.json", "bare.json"] {
        bump(0, &format!("{FILES} {file}")).fails(&is_the_stake);
        bump(1, &format!("{FILES} {file}")).ends(0);
    }
    bump(1, "--delegation verified.json").fails(&["--params"]);
    // With another committee, the transaction has no staking output.
    let mut other = parameters();
    other[0]["covenant_quorum"] = json!(3);
    folder.write("other-params.json", other.to_string());
    bump(1, "--params other-params.json --delegation verified.json").fails(&[
        "--delegation",
        "staking_transaction",
        "exactly one must",
    ]);

    let txid = write_page(&folder);
    let page = format!("{FILES} page.json");
    bump(1, &page).fails(&["--delegation", "2 delegations", "--staking-txid"]);
    bump(1, &format!("{page} --staking-txid {txid}")).ends(0);
    bump(0, &format!("{page} --staking-txid {txid}")).fails(&is_the_stake);
    bump(1, &format!("{page} --staking-txid {txid} --previous-delegation page.json"))
        .fails(&["--previous-delegation", "does not extend a stake"]);
    bump(1, &format!("--staking-txid {txid}")).fails(&["--delegation"]);
}

#[test]
fn child_pays_for_a_stake() {
    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    regtest.stake("stake");
    regtest.broadcast("stake.tx");
    let explained: TxExplain = folder.output("tx explain @stake.tx");
    let fee = 2 * explained.vsize as u64;
    let bump =
        |rate| format!("tx bump @stake.tx --fee-sat {fee} --change-output 1 --network regtest {}", to(rate));
    let child: BuiltTransaction = folder.output(&format!("{} --secret-key-file wallet.key", bump(20)));
    let (paid, size) = (fee + child.fee_sat, (explained.vsize + child.vsize) as u64);
    assert!(paid >= 20 * size && paid <= 20 * size + 40, "{paid} for {size}");
    folder.write("child.tx", child.transaction.unwrap());
    regtest.broadcast("child.tx");
    // A wallet elsewhere signs the same child.
    folder.write("child.psbt", folder.run(&bump(20)).ends(0).stdout());
    let signed = folder.run("psbt sign --psbt @child.psbt --secret-key-file wallet.key").ends(0).stdout();
    folder.write("child-signed.psbt", signed);
    let elsewhere: BuiltTransaction = folder.output(&format!("{} --signed @child-signed.psbt", bump(20)));
    assert_eq!(elsewhere.txid, child.txid);
    regtest.mine(1);
    let found: TxExplain = regtest.output(&format!("tx explain {} --network regtest", child.txid));
    assert_eq!(
        (found.confirmations, found.fee_sat),
        (Some(1), Some(child.fee_sat)),
        "what it spends is found"
    );

    folder.run(&bump(1)).fails(&["pays this fee rate by itself"]);
    folder
        .run(&bump(20).replace("--change-output 1", "--change-output 7"))
        .fails(&["--change-output is 7; must be one of the 2 outputs"]);
    folder.run(&format!("{} --secret-key-file staker.key", bump(20))).fails(&["--secret-key-file"]);
    let unbond = "tx unbond --network regtest --params params.json --delegation stake.json --secret-key-file staker.key";
    folder.write("unbonding.tx", folder.run(unbond).ends(0).stdout());
    folder
        .run(&bump(20).replace("@stake.tx", "@unbonding.tx"))
        .fails(&["of the kind unbonding", "must be a stake or an extension"]);
}
