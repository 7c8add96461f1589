//! The forms of the transactions that spend an output of the protocol.

use bitcoin::{Sequence, Transaction, TxIn, TxOut};

use super::{PaidOutput, SpentLeaf, TransactionKind};
use crate::outputs::descriptor::ProtocolOutput;
use crate::outputs::leaf::SpendPath;
use crate::outputs::output::{SlashingRefundOutput, StakingOutput, UnbondingOutput};
use crate::outputs::place::LeafOutput;
use crate::outputs::relay::UnsafeOutput;
use crate::transactions::possible::check_possible;

/// Returns the kind of a transaction that spends these leaves, and pays these outputs of the protocol, as far
/// as they are recognised.
pub(super) fn kind(
    transaction: &Transaction,
    spent: &[SpentLeaf],
    recognised: &[PaidOutput],
) -> TransactionKind {
    // A coinbase spends nothing.
    let is_possible = check_possible(transaction).is_ok() && !transaction.is_coinbase();
    if !is_possible || !spent.iter().all(|leaf| leaf.may_satisfy) {
        return TransactionKind::Unknown;
    }
    let paths: Vec<_> = spent.iter().map(|leaf| leaf.keys.path()).collect();
    let (inputs, outputs) = (transaction.input.as_slice(), transaction.output.as_slice());
    match (spent, paths.as_slice(), inputs, outputs) {
        ([leaf], [SpendPath::Unbonding], [input], [output])
            if is_final(input) && is_taproot(output) && unbonds(leaf, recognised) =>
        {
            TransactionKind::Unbonding
        }
        ([leaf], [SpendPath::Unbonding], [_, _], _)
            if leaf.input == 0 && outputs.iter().any(is_taproot) && extends(leaf, recognised) =>
        {
            TransactionKind::Extension
        }
        ([leaf], [SpendPath::Slashing], [input], [_, refund])
            if is_final(input) && is_taproot(refund) && refunds(leaf, refund, recognised) =>
        {
            TransactionKind::Slashing
        }
        // The staker alone decides what else goes into a withdrawal.
        ([_, ..], paths, ..) if paths.iter().all(|path| *path == SpendPath::Timelock) => {
            TransactionKind::Withdrawal
        }
        _ => TransactionKind::Unknown,
    }
}

/// Returns whether an input is final, as those of pre-signed transactions are.
fn is_final(input: &TxIn) -> bool {
    input.sequence == Sequence::MAX
}

/// Returns whether an output can be one of the protocol: Taproot, with a key on the curve.
fn is_taproot(output: &TxOut) -> bool {
    output.script_pubkey.is_p2tr() && UnsafeOutput::check_destination(&output.script_pubkey).is_ok()
}

/// Returns whether the one output, if it is recognised, is the unbonding output of the stake that is spent:
/// with its parties and the timelock found, the staking output has the leaf at this place.
fn unbonds(leaf: &SpentLeaf, recognised: &[PaidOutput]) -> bool {
    match recognised {
        [] => true,
        [PaidOutput { output: ProtocolOutput::Unbonding(output), .. }] => is_of_stake(leaf, output),
        _ => false,
    }
}

fn is_of_stake(leaf: &SpentLeaf, output: &UnbondingOutput) -> bool {
    let staking = StakingOutput::new(output.parties().clone(), leaf.place.timelock).ok();
    let own = staking.as_ref().and_then(|staking| staking.taproot().leaf(SpendPath::Unbonding));
    own.is_some_and(|own| own.keys == leaf.keys && leaf.is_at(&own.control_block))
}

/// Returns whether a staking output that is recognised is of the same staker.
fn extends(leaf: &SpentLeaf, recognised: &[PaidOutput]) -> bool {
    let mut stakes = recognised.iter().filter(|paid| matches!(paid.output, ProtocolOutput::Staking(_)));
    stakes.all(|paid| paid.output.staker() == leaf.keys.staker())
}

/// Returns whether the second output can be the slashing refund output: of an unbonding output, the refund
/// has the same timelock, so that its script is known.
fn refunds(leaf: &SpentLeaf, refund: &TxOut, recognised: &[PaidOutput]) -> bool {
    let staker = leaf.keys.staker();
    let is_refund = |paid: &PaidOutput| match &paid.output {
        ProtocolOutput::SlashingRefund(output) => output.staker() == staker,
        ProtocolOutput::Staking(_) | ProtocolOutput::Unbonding(_) => false,
    };
    if !recognised.iter().filter(|paid| paid.index == 1).all(is_refund) {
        return false;
    }
    if leaf.place.output == LeafOutput::Staking {
        return true;
    }
    let own = SlashingRefundOutput::new(*staker, leaf.place.timelock);
    own.is_ok_and(|own| own.taproot().script_pubkey() == refund.script_pubkey)
}
