//! `btcstake tx withdraw-phase1`.

use bitcoin::OutPoint;
use btcstake::outputs::{BuiltTransaction, TxExplain};

use crate::fixtures::delegation::{ADDRESS, stake, transaction, write_keys};
use crate::fixtures::process::Folder;

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
    let explained: TxExplain = folder.output(&format!("tx explain {}", done.transaction.unwrap()));
    assert_eq!((explained.kind.as_str(), explained.timelock), ("withdrawal", Some(64000)));
    let unsigned = folder.psbt(&withdraw);
    assert_eq!(unsigned.unsigned_tx.compute_txid().to_string(), done.txid);
    folder
        .run(&format!("{withdraw} --secret-key-file member.key"))
        .fails(&["error: --secret-key-file\n", "must be the staker's"]);
    folder.run(&withdraw.replace("857950", "5")).fails(&["--height", "height 5"]);
    let other = withdraw.replace("@phase1.psbt", &unsigned.to_string());
    folder.run(&other).fails(&["--staking-transaction"]);
}
