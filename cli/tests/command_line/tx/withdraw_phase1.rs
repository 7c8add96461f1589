//! `btcstake tx withdraw-phase1`.

use bitcoin::OutPoint;
use btcstake::outputs::{BuiltTransaction, TxExplain};

use crate::fixtures::delegation::{ADDRESS, stake, transaction, write_keys};
use crate::fixtures::process::Folder;

/// What errors say that follow from parameters that nobody named.
const BUILT_IN: &str = "(mainnet's built-in parameters; --params names others)";

#[test]
fn withdrawal_needs_the_staking_transaction_alone() {
    let folder = Folder::new();
    write_keys(&folder);
    // Mainnet's committee was the same in phase 1.
    folder.write("params.json", folder.run("params show --network mainnet --all --json").ends(0).stdout());
    let staking = folder.psbt(&format!("{} --op-return-tag 62626e31", stake("draft.json")));
    folder.write("phase1.psbt", staking.to_string());
    let withdraw = format!(
        "tx withdraw-phase1 --staking-transaction @phase1.psbt --height 857950 --network regtest --to {ADDRESS} --fee-rate 5"
    );
    let done: BuiltTransaction = folder.output(&format!("{withdraw} --secret-key-file staker.key"));
    let spent = transaction(&done).input[0].previous_output;
    assert_eq!(spent, OutPoint::new(staking.unsigned_tx.compute_txid(), 0));
    let explained: TxExplain = folder.output(&format!("tx explain {}", done.transaction.clone().unwrap()));
    assert_eq!((explained.kind.as_str(), explained.timelock), ("withdrawal", Some(64000)));
    let unsigned = folder.psbt(&withdraw);
    assert_eq!(unsigned.unsigned_tx.compute_txid().to_string(), done.txid);
    folder
        .run(&format!("{withdraw} --secret-key-file member.key"))
        .fails(&["error: --secret-key-file\n", "must be the staker's"]);
    assert_eq!(done.warnings, Vec::<String>::new());
    // A stake that was not counted, since it broke a rule, is the staker's all the same.
    let mut file: serde_json::Value = folder.json("params show --network mainnet --phase1 --all");
    for version in file["versions"].as_array_mut().unwrap() {
        version["tag"] = "01020304".into();
        version["min_staking_amount"] = 600_000.into();
    }
    folder.write("phase1-params.json", file.to_string());
    let broken: BuiltTransaction =
        folder.output(&format!("{withdraw} --params phase1-params.json --secret-key-file staker.key"));
    assert_eq!(broken.transaction, done.transaction);
    let expected = [
        "the stake breaks a rule of phase 1: the OP_RETURN tag is 62626e31; must be 01020304",
        "the stake breaks a rule of phase 1: the stake holds 500000 sat; must be 600000 to",
    ];
    assert_eq!(broken.warnings.len(), 2);
    for (warning, start) in broken.warnings.iter().zip(expected) {
        assert!(warning.starts_with(start), "{warning}");
    }
    let early = withdraw.replace("857950", "5");
    folder.run(&early).fails(&["error: --height\n", "height 5", BUILT_IN]);
    let run = folder.run(&format!("{early} --params phase1-params.json"));
    assert!(!run.stderr().contains("built-in"), "{}", run.stderr());
    run.fails(&["error: --height\n", "height 5"]);
    let other = withdraw.replace("@phase1.psbt", &unsigned.to_string());
    folder.run(&other).fails(&["--staking-transaction"]);
}

/// Without `--params`, mainnet's are used, whose committee made no stake on another network.
#[test]
fn parameters_that_are_built_in_are_named() {
    let folder = Folder::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/node-answer");
    let withdraw = format!(
        "tx withdraw-phase1 --staking-transaction @{example}/phase1.tx --network regtest --to {ADDRESS} --fee-rate 5"
    );
    folder.run(&format!("{withdraw} --height 857950")).fails(&[
        "error: --staking-transaction\n",
        "exactly one must",
        BUILT_IN,
    ]);
    let named = format!("{withdraw} --params {example}/phase1-params.json --height");
    folder.run(&format!("{named} 103")).ends(0);
}
