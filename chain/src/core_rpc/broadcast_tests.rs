//! Packages, priorities and private broadcasts of a real `bitcoind`.

use bitcoin::{Amount, Network, Sequence, Transaction, TxOut};
use serde_json::json;

use super::daemon_tests::{anyone, exe, op_true, reason, spend};
use super::tests::{Server, error, result};
use crate::testing::RegtestDaemon;
use crate::{BitcoinCore, Broadcast as _, Coin, Lookup as _, Mempool as _, Mine as _};

/// Spends a coin with this fee.
fn paying(coin: &Coin, fee_sat: u64) -> Transaction {
    let value = coin.output.value.checked_sub(Amount::from_sat(fee_sat)).unwrap();
    spend(coin, Sequence::ENABLE_RBF_NO_LOCKTIME, op_true(), vec![TxOut { value, script_pubkey: anyone() }])
}

fn output_of(transaction: &Transaction, coin: &Coin) -> Coin {
    let outpoint = bitcoin::OutPoint::new(transaction.compute_txid(), 0);
    Coin { outpoint, output: transaction.output[0].clone(), ..coin.clone() }
}

fn with_coins(node: &BitcoinCore) -> Vec<Coin> {
    node.mine(110, &anyone()).unwrap();
    node.coins(&anyone()).unwrap()
}

#[test]
fn what_a_parent_and_its_child_pay_counts_together() {
    let Some(exe) = exe("what_a_parent_and_its_child_pay_counts_together") else { return };
    let daemon = RegtestDaemon::start(&exe).unwrap();
    let node = daemon.connect().unwrap();
    let coin = &with_coins(&node)[0];
    let parent = paying(coin, 0);
    let child = paying(&output_of(&parent, coin), 2_000);
    let poor = paying(&output_of(&parent, coin), 1);
    assert_eq!(reason(node.broadcast(&parent)), "min relay fee not met");
    assert_eq!(reason(node.broadcast(&child)), "bad-txns-inputs-missingorspent");
    let refused = node.broadcast_with_parent(&parent, &poor).unwrap_err();
    assert!(refused.rejection_class().is_some(), "{refused:?}");
    assert!(refused.to_string().contains("fee"), "{refused}");
    assert_eq!(node.waiting().unwrap(), []);
    for _ in 0..2 {
        assert_eq!(node.broadcast_with_parent(&parent, &child).unwrap(), child.compute_txid());
    }
    assert_eq!(node.waiting().unwrap().len(), 2);
    // In the wrong order, it is no package.
    let refused = node.broadcast_with_parent(&child, &parent).unwrap_err();
    assert!(refused.to_string().contains("topology"), "{refused}");
}

#[test]
fn a_cheaper_transaction_replaces_another_where_it_is_preferred() {
    let Some(exe) = exe("a_cheaper_transaction_replaces_another_where_it_is_preferred") else { return };
    let daemon = RegtestDaemon::start(&exe).unwrap();
    let node = daemon.connect().unwrap();
    let coin = &with_coins(&node)[0];
    let (dear, cheap) = (paying(coin, 50_000), paying(coin, 1_000));
    node.broadcast(&dear).unwrap();
    assert_eq!(reason(node.broadcast(&cheap)), "insufficient fee");
    node.prioritise(&cheap.compute_txid(), Amount::from_sat(100_000)).unwrap();
    assert_eq!(node.broadcast(&cheap).unwrap(), cheap.compute_txid());
    assert_eq!(node.waiting().unwrap(), [cheap.compute_txid()]);
}

/// One that does needs a way to others that a node of a test does not have: its answers are Bitcoin Core's.
#[test]
fn a_node_tells_whether_it_broadcasts_in_private() {
    let asked = |reply| Server::start(vec![reply]).node(Network::Regtest).broadcasts_in_private();
    assert!(asked(result(json!({ "transactions": [] }))).unwrap());
    assert!(!asked(error(-32601, "Private broadcast is not enabled.")).unwrap());
    assert!(asked(error(-28, "Verifying blocks…")).unwrap_err().is_retryable());
    let Some(exe) = exe("a_node_tells_whether_it_broadcasts_in_private") else { return };
    let ordinary = RegtestDaemon::start(&exe).unwrap();
    assert!(!ordinary.connect().unwrap().broadcasts_in_private().unwrap());
}
