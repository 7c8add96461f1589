//! `btcstake tx extend`.

use btcstake::outputs::{BuiltTransaction, StakeCheck, TxExplain};

use crate::fixtures::delegation::{ACCOUNT, ADDRESS, FILES, lost_addresses, transaction, wallet};
use crate::fixtures::process::{Folder, MEMBER_KEY};

/// A coin of the wallet.
fn coin() -> String {
    format!("{}:0:300000:{}", "08".repeat(32), wallet())
}

/// The command that extends the stake of `verified.json`, and writes the delegation to `out`.
fn extend(coin: &str, amount: u32, out: &str) -> String {
    format!(
        "tx extend {FILES} verified.json --height 900001 --amount-sat {amount} --staking-time 64000 --coin {coin} --change {ADDRESS} \
         --fee-rate 5 --out {out}"
    )
}

#[test]
fn extension_is_signed_by_everyone_and_finalized() {
    let folder = Folder::with_delegation();
    folder.run(&extend(&coin(), 499_999, "less.json")).fails(&["--amount-sat"]);
    for lost in lost_addresses() {
        let line = extend(&coin(), 600_000, "lost.json").replace(ADDRESS, &lost);
        folder.run(&line).fails(&["error: --change: ", &lost, "must be P2WPKH, P2WSH, P2TR with a key"]);
    }
    let psbt = folder.run(&extend(&coin(), 600_000, "extension.json")).ends(0).stdout();
    folder.write("extension.psbt", psbt);
    let sign = "stake sign --params params.json --delegation extension.json --secret-key-file staker.key";
    folder.run(&format!("{sign} --address {ACCOUNT} --out extension-signed.json")).ends(0);
    let mut answers = String::new();
    for member in ["member", "third"] {
        let line = format!(
            "covenant sign --dangerously-without-height {FILES} extension-signed.json --record {member}.key.record --secret-key-file {member}.key"
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
    let check: StakeCheck = folder.output(&format!("stake check {FILES} extension-verified.json"));
    let of_extension = ["funding_is_a_stake", "running_stake_active", "same_account", "age"];
    assert_eq!(check.not_checked[3..], of_extension);
    assert_eq!(check.status.as_deref(), Some("VERIFIED"));
    // The staker signs the running stake, the wallet its coin.
    for (number, key) in ["staker", "wallet"].iter().enumerate() {
        let line = format!("psbt sign --psbt @extension.psbt --secret-key-file {key}.key");
        folder.write(&format!("part{number}.psbt"), folder.run(&line).ends(0).stdout());
    }
    let both = folder.run("psbt combine --psbt @part0.psbt --psbt @part1.psbt").ends(0).stdout();
    folder.write("both.psbt", both);
    let done: BuiltTransaction =
        folder.output(&format!("psbt finalize {FILES} extension-verified.json --psbt @both.psbt"));
    let extension = transaction(&done);
    assert_eq!((extension.input.len(), extension.output[0].value.to_sat()), (2, 600_000));
    let explained: TxExplain = folder.output(&format!("tx explain {}", done.transaction.unwrap()));
    assert_eq!(explained.kind, "extension");
    // Its delegation knows it before anybody has signed.
    let bare =
        folder.delegation("extension-verified.json")["staking_transaction"].as_str().unwrap().to_owned();
    let told: TxExplain = folder.output(&format!("tx explain {FILES} extension-verified.json {bare}"));
    assert_eq!(told.kind, "extension");
    assert_eq!(told.delegation.unwrap().stake_transaction.as_deref(), Some("staking"));
    folder
        .run(&format!("psbt finalize {FILES} extension-verified.json --psbt @part1.psbt"))
        .fails(&["input 0, which spends", "is not signed"]);
}

/// An extension's id would not be final with a nested coin.
#[test]
fn coin_that_is_nested_is_refused() {
    let folder = Folder::with_delegation();
    let extend = |script: &str| {
        folder.run(&extend(&format!("{}:0:300000:{script}", "08".repeat(32)), 600_000, "extension.json"))
    };
    extend(&format!("sh(wpkh(02{MEMBER_KEY}))")).fails(&["nested witness program"]);
    extend(&format!("wpkh(02{MEMBER_KEY})")).ends(0);
}
