//! An account on a scripted chain, whose answers are lost, whose mempool is full, whose blocks have too
//! little gas: what is sent is executed once, or known not to be.

use std::time::Duration;

use crate::client::{Account, Gas, Pace, SendError};
use crate::node::{ChainNode as _, NodeError, RefusalKind};
use crate::testing::{Fault, ScriptedChain};
use crate::{AccountKey, Message};

fn key() -> AccountKey {
    AccountKey::from_bytes(&[7; 32]).unwrap()
}

fn pace(blocks: u64) -> Pace {
    Pace { between: Duration::from_millis(1), patience: Duration::from_millis(400), blocks }
}

fn chain() -> ScriptedChain {
    let chain = ScriptedChain::new("bbn-dev-1");
    chain.open_account(&key().address().unwrap(), 12, 3);
    chain
}

fn payment(amount: u128) -> Message {
    let to = "bbn1hxux9c0ngteslenm0tsngpgpyy0td89pjf7uqj".parse().unwrap();
    Message::send(&key().address().unwrap(), &to, amount, "ubbn")
}

fn account<'a>(chain: &'a ScriptedChain, key: &'a AccountKey) -> Account<'a> {
    let price = "0.002ubbn".parse().unwrap();
    Account::open(chain, key, "bbn-dev-1", price).unwrap().with_pace(pace(60))
}

#[test]
fn what_is_sent_is_executed_once_whatever_is_lost() {
    use Fault::{AnswerLost, Lost, MempoolFull};
    let key = key();
    for faults in [
        vec![],
        vec![Lost],
        vec![AnswerLost],
        vec![MempoolFull, MempoolFull, Lost, AnswerLost],
        vec![Lost, AnswerLost, Lost],
    ] {
        let chain = chain();
        chain.fail(faults.clone());
        let account = account(&chain, &key);
        for amount in 1..4 {
            let sent = account.send(&[payment(amount)]).unwrap();
            assert_eq!(sent.executed.refusal, None, "{faults:?}");
        }
        assert_eq!(chain.transactions().len(), 3, "{faults:?}");
    }
}

#[test]
fn too_little_gas_is_doubled_once() {
    let (chain, key) = (chain(), key());
    chain.fail([Fault::OutOfGas]);
    account(&chain, &key).send(&[payment(1)]).unwrap();
    assert_eq!(chain.transactions().len(), 2);
    // A limit that was given is kept.
    chain.fail([Fault::OutOfGas]);
    let fixed = account(&chain, &key).with_gas(Gas::Fixed(90_000));
    let Err(SendError::Failed { refusal, .. }) = fixed.send(&[payment(1)]) else { panic!() };
    assert_eq!(refusal.kind(), RefusalKind::OutOfGas);
    assert_eq!(chain.transactions().len(), 3);
}

/// Entering the mempool is not being executed.
#[test]
fn what_the_mempool_forgets_is_known_not_to_be_executed() {
    let (chain, key) = (chain(), key());
    chain.fail([Fault::Forgotten]);
    let few = account(&chain, &key).with_pace(pace(5));
    let Err(SendError::NotIncluded { last, .. }) = few.send(&[payment(1)]) else { panic!() };
    assert!(chain.status().unwrap().height > last);
    assert_eq!(chain.transactions().len(), 0);
    // While it may still be executed, that is said.
    chain.fail([Fault::Forgotten]);
    let many = account(&chain, &key).with_pace(Pace { blocks: 1_000_000, ..pace(0) });
    assert!(matches!(many.send(&[payment(1)]), Err(SendError::Unknown { .. })));
}

#[test]
fn another_sequence_is_waited_for() {
    let (chain, key) = (chain(), key());
    let first = account(&chain, &key);
    std::thread::scope(|scope| {
        let all = [1, 2, 3].map(|amount| {
            let (chain, key) = (&chain, &key);
            scope.spawn(move || account(chain, key).send(&[payment(amount)]).map(|sent| sent.hash))
        });
        let mut hashes = all.map(|one| one.join().unwrap().unwrap());
        hashes.sort_unstable();
        assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
    });
    first.send(&[payment(9)]).unwrap();
    assert_eq!(chain.transactions().len(), 4);
}

#[test]
fn other_chains_accounts_and_signers_are_refused() {
    let (chain, key) = (chain(), key());
    let price = || "0.002ubbn".parse().unwrap();
    let other = Account::open(&chain, &key, "bbn-1", price()).unwrap_err();
    assert!(matches!(other, SendError::Node(NodeError::OtherChain { .. })), "{other}");
    let stranger = AccountKey::from_bytes(&[8; 32]).unwrap();
    let unpaid = Account::open(&chain, &stranger, "bbn-dev-1", price()).unwrap();
    let to = key.address().unwrap();
    let message = Message::send(unpaid.address(), &to, 1, "ubbn");
    assert!(matches!(unpaid.send(&[message]), Err(SendError::UnknownAccount(_))));
    assert!(matches!(unpaid.send(&[payment(1)]), Err(SendError::OtherSigner { .. })));
}
