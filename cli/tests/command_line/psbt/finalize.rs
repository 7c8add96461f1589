//! `btcstake psbt finalize`.

use bitcoin::Transaction;
use bitcoin::consensus::encode::deserialize_hex;

use crate::fixtures::delegation::{FILES, stake, transaction};
use crate::fixtures::process::Folder;

/// On a machine that knows nothing but a PSBT and a key, the wallet has signed.
#[test]
fn stake_is_finalized_once_a_quorum_has_signed() {
    let folder = Folder::with_delegation();
    let finalize = format!("psbt finalize {FILES} verified.json --psbt @stake.psbt");
    let staked = transaction(&folder.output(&finalize));
    let draft: btcstake::outputs::BuiltTransaction = folder.output(&stake("sized.json"));
    assert_eq!(draft.vsize, staked.vsize(), "known before it is signed");
    let delegation = folder.delegation("verified.json");
    let given: Transaction = deserialize_hex(delegation["staking_transaction"].as_str().unwrap()).unwrap();
    assert_eq!(staked.compute_txid(), given.compute_txid());
    // Not before the committee has answered, not unsigned, not another transaction.
    let early = finalize.replace("verified.json", "signed.json");
    folder.run(&early).refuses(&["0 covenant members have signed", "--without-quorum"]);
    folder.run(&format!("{early} --without-quorum")).ends(0);
    folder
        .run(&finalize.replace("stake.psbt", "unsigned-stake.psbt"))
        .fails(&["--psbt: input 0, which spends", "is not signed"]);
    folder
        .run(&finalize.replace("stake.psbt", "signed.psbt"))
        .fails(&["--psbt is of transaction", "the delegation's staking transaction"]);
}
