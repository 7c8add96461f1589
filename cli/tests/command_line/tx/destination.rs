//! A stake that was made under parameters whose slashing script nobody can spend on purpose, in `btcstake
//! tx`, `stake` and `covenant`.

use btcstake::outputs::{BuiltTransaction, StakeCheck};
use staking_scripts::testing::{key, lost_scripts, made_under, members};

use crate::fixtures::delegation::{ADDRESS, FILES, STAKER, stake, transaction, wallet};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

fn folder() -> Folder {
    let folder = Folder::new();
    let (delegation, params) = made_under(&lost_scripts()[0]);
    folder.write("params.json", params);
    folder.write("verified.json", delegation.to_json());
    let secret = |name, number| hex::encode(key(name, number).to_bytes().as_slice());
    folder.write("staker.key", secret("staker", 0));
    folder.write("provider.key", secret("provider", 0));
    folder.write("member.key", hex::encode(members(0)[0].to_bytes().as_slice()));
    folder
}

/// It ends, with a warning that names the rule.
#[test]
fn existing_stake_is_unbonded_slashed_and_withdrawn_with_a_warning() {
    let folder = folder();
    let txids = |line: &str| {
        let built: BuiltTransaction = {
            let run = folder.run(&format!("--json {line}"));
            assert_eq!(run.code(), Some(0), "{}", run.stderr());
            serde_json::from_str(&run.stdout()).unwrap()
        };
        let (warning, others) = built.warnings.split_first().unwrap();
        // All nine members have signed.
        assert!(others.iter().all(|other| other.starts_with("9 covenant members have signed")), "{others:?}");
        let rule = "the delegation breaks the rule slashing_destination: the parameters' slashing script: the script 51024e73";
        assert!(warning.starts_with(rule), "{warning}");
        let done = transaction(&built);
        (done.compute_txid(), done.input[0].previous_output.txid)
    };
    let withdraw = |from: &str| {
        txids(&format!(
            "tx withdraw {FILES} verified.json --from {from} --to {ADDRESS} --fee-rate 2 --secret-key-file staker.key"
        ))
    };
    let (unbonding, staking) =
        txids(&format!("tx unbond {FILES} verified.json --secret-key-file staker.key"));
    assert_eq!(withdraw("staking").1, staking);
    assert_eq!(withdraw("unbonding").1, unbonding);
    let slash = format!("tx slash {FILES} verified.json --provider-key-file provider.key");
    assert_eq!(withdraw("slashing").1, txids(&slash).0);
    assert_eq!(withdraw("unbonding-slashing").1, txids(&format!("{slash} --unbonding")).0);
}

/// No stake is made, and nothing is signed for one.
#[test]
fn new_stake_and_signature_are_refused() {
    let folder = folder();
    let names = "slashing_destination";
    let check: StakeCheck = folder.run(&format!("--json stake check {FILES} verified.json")).output(1);
    assert_eq!(check.violations.iter().map(|found| &found.rule).collect::<Vec<_>>(), [names]);
    folder
        .run(&format!(
            "covenant sign --dangerously-without-height {FILES} verified.json --record record --secret-key-file member.key"
        ))
        .refuses(&[names]);
    let lost = "the script 51024e73 is pay-to-anchor, which anybody can spend";
    folder.run(&format!("stake psbts {FILES} verified.json")).refuses(&[names, lost]);
    folder
        .run(&format!(
            "stake sign {FILES} verified.json --secret-key-file staker.key --address {}",
            staking_scripts::testing::ACCOUNT
        ))
        .refuses(&[names, lost]);
    let line = stake("new.json");
    assert!(line.contains(STAKER) && line.contains(PROVIDER_KEY));
    folder.run(&line).fails(&["--params: slashing_pk_script", lost]);
    let extend = format!(
        "tx extend {FILES} verified.json --height 900001 --amount-sat 1500000 --staking-time 64000 \
         --coin {}:0:900000:{} --change {ADDRESS} --fee-rate 5 --out extended.json",
        "08".repeat(32),
        wallet()
    );
    folder.run(&extend).fails(&["--params: slashing_pk_script", lost]);
    for file in ["new.json", "extended.json"] {
        assert!(!folder.path().join(file).exists(), "{file}");
    }
}
