//! `btcstake tx withdraw`.

use btcstake::outputs::BuiltTransaction;

use crate::fixtures::delegation::{ADDRESS, FILES, lost_addresses, transaction};
use crate::fixtures::process::Folder;

#[test]
fn withdrawal_of_each_output() {
    let folder = Folder::with_delegation();
    let made = |line: &str| transaction(&folder.output(line)).compute_txid();
    let slash = format!("tx slash {FILES} verified.json --provider-key-file provider.key");
    for (from, spent) in [
        ("staking", made(&format!("psbt finalize {FILES} verified.json --psbt @stake.psbt"))),
        ("unbonding", made(&format!("tx unbond {FILES} verified.json --secret-key-file staker.key"))),
        ("slashing", made(&slash)),
        ("unbonding-slashing", made(&format!("{slash} --unbonding"))),
    ] {
        let withdraw =
            format!("tx withdraw {FILES} verified.json --from {from} --to {ADDRESS} --fee-rate 2.5");
        let withdrawal = transaction(&folder.output(&format!("{withdraw} --secret-key-file staker.key")));
        assert_eq!(withdrawal.input[0].previous_output.txid, spent, "{from}");
        folder
            .run(&format!("{withdraw} --secret-key-file member.key"))
            .fails(&["error: --secret-key-file\n", "must be the staker's"]);
        let elsewhere = folder.run(&withdraw.replace("--network regtest", "--network signet"));
        elsewhere.fails(&["--to: bcrt1p", "of regtest; must be of signet"]);
        let unsigned = folder.psbt(&withdraw);
        assert_eq!(unsigned.unsigned_tx.compute_txid(), withdrawal.compute_txid());
        assert_eq!(folder.output::<BuiltTransaction>(&withdraw).vsize, withdrawal.vsize());
        folder.run(&format!("{withdraw} --signed {unsigned}")).fails(&["--signed", "no signature"]);
    }
}

/// What a slip of the keyboard makes of a fee is said, and not refused.
#[test]
fn fees_that_may_be_mistakes_are_named() {
    let folder = Folder::with_delegation();
    let withdraw = |rate: &str| {
        format!("tx withdraw {FILES} verified.json --from unbonding --to {ADDRESS} --fee-rate {rate}")
    };
    let warnings = |rate: &str| -> Vec<String> {
        let said: BuiltTransaction = folder.output(&withdraw(rate));
        let signed: BuiltTransaction =
            folder.output(&format!("{} --secret-key-file staker.key", withdraw(rate)));
        assert_eq!(signed.warnings, said.warnings, "signed or not");
        said.warnings
    };
    assert!(warnings("1").is_empty() && warnings("300").is_empty());
    let low = warnings("0.9");
    assert!(low.len() == 1 && low[0].contains("--fee-rate: 0.9 sat/vB is below 1 sat/vB"), "{low:?}");
    let much = warnings("900");
    assert!(much.len() == 1 && much[0].contains("more than a tenth of the 490400 sat"), "{much:?}");
    let high = warnings("1000.5");
    assert!(
        high.len() == 2 && high[0].contains("--fee-rate: 1000.5 sat/vB is above 1000 sat/vB"),
        "{high:?}"
    );
    let run = folder.run(&withdraw("0.9"));
    assert!(run.stderr().contains("warning: --fee-rate") && run.code() == Some(0), "{}", run.stderr());
}

#[test]
fn address_that_nobody_can_spend_from_is_refused() {
    let folder = Folder::with_delegation();
    for lost in lost_addresses() {
        let line = format!("tx withdraw {FILES} verified.json --from staking --to {lost} --fee-rate 2");
        folder.run(&line).fails(&["error: --to: ", &lost, "must be P2WPKH, P2WSH, P2TR with a key"]);
    }
}
