//! `btcstake broadcast`, on a real bitcoind.

use btcstake::outputs::Broadcast;

use crate::fixtures::delegation::FILES;
use crate::fixtures::node::{Regtest, to};

#[test]
fn transactions_are_accepted_or_the_reason_is_said() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("stake");
    let sent = regtest.broadcast("stake.tx");
    assert_eq!(sent.txid, regtest.status("stake").staking_txid);
    assert_eq!(regtest.broadcast("stake.tx"), sent, "again is no error");
    regtest.mine(4);
    let withdraw =
        format!("tx withdraw {FILES} stake.json {} --from staking --secret-key-file staker.key", to(2));
    regtest.folder.write("early.tx", regtest.folder.run(&withdraw).ends(0).stdout());
    let rejected: Broadcast = regtest.run("--json broadcast @early.tx").output(1);
    assert!(rejected.reason.as_ref().unwrap().contains("non-BIP68-final"), "{rejected:?}");
    assert_eq!(
        (rejected.kind.as_str(), rejected.fee_raised_by.as_deref()),
        ("withdrawal", Some("replacement"))
    );
    let unbonding = regtest.send(&format!("tx unbond {FILES} stake.json --secret-key-file staker.key"));
    assert_eq!((unbonding.kind.as_str(), unbonding.fee_raised_by.as_deref()), ("unbonding", Some("nothing")));
}
