//! Where ours and the chain's verdict differ, each with the reason.

use babylon::Message;
use bitcoin::{OutPoint, ScriptBuf};
use staking_scripts::testing::key;

use super::Change::Resigned;
use super::{ACCEPTED, Setting, ask, make, network};
use crate::staking::{prove_possession, provider_message, stake};

/// What only the chain knows: who is registered, and who was slashed.
#[test]
fn a_check_does_not_know_what_is_registered() {
    let Some(devnet) = network() else { return };
    let mut differences = Vec::new();
    let staker = |number| key("staker", number);

    let (unknown, _) = stake(&devnet, &staker(0), &key("provider", 7));
    differences.extend(ask(&devnet, "a provider that nobody registered", &unknown, (&[], "is not found")));

    let (once, _) = stake(&devnet, &staker(1), &key("provider", 0));
    differences.extend(ask(&devnet, "a stake", &once, ACCEPTED));
    differences.extend(ask(&devnet, "the same again", &once, (&[], "the BTC staking tx is already used")));

    let (account, second) = (devnet.new_account(1), key("provider", 1));
    let address = account.address().unwrap();
    let (_, proof) = prove_possession(&second, &address);
    devnet.verdict(&account, &[provider_message(&address, &second, &proof)]).unwrap();
    let (before, _) = stake(&devnet, &staker(2), &second);
    differences.extend(ask(&devnet, "a stake to a second provider", &before, ACCEPTED));
    devnet.send(&[Message::selective_slashing_evidence(devnet.account().address(), &second)]);
    let (after, _) = stake(&devnet, &staker(3), &second);
    let slashed = (&[][..], "the finality provider has already been slashed");
    differences.extend(ask(&devnet, "a stake to a provider that was slashed", &after, slashed));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The chain sees that a transaction is a coinbase by its place in the block, which is proven later: it never
/// makes such a stake active. Ours refuses it at once.
#[test]
fn a_check_refuses_a_coinbase_before_it_is_proven() {
    let Some(devnet) = network() else { return };
    let staker = key("staker", 0);
    let change = Resigned(|it, _| {
        let input = &mut it.staking_transaction.input[0];
        input.previous_output = OutPoint::null();
        input.script_sig = ScriptBuf::from_bytes(vec![0x51, 0x51]);
    });
    let delegation = make(&Setting { devnet: &devnet, staker: &staker }, &change);
    let difference = ask(&devnet, "a coinbase", &delegation, (&["coinbase"], ""));
    assert_eq!(difference, None);
}
