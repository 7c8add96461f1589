//! Staking and unbonding transactions that are altered by hand; what spends them is signed again.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxOut, Txid, Witness};
use staking_scripts::Delegation;

use super::Change::{Plan, Resigned};
use super::{ACCEPTED, Row, Says, Setting, judge, network, row, slashing, unbonding, unbonding_slashing};

const NO_OUTPUT: Says = (&["staking_output"], "staking tx does not contain expected staking output");
const IMPOSSIBLE: Says = (&["impossible"], "funding transaction does not obey BTC rules");

const STAKING: &[Row] = &[
    row("an OP_RETURN as of phase 1", Plan(|plan| plan.op_return_tag = Some(*b"bbn1")), ACCEPTED),
    row("the change first", Resigned(|delegation, _| change_first(delegation, 1)), ACCEPTED),
    row(
        "the change first, and spent",
        Resigned(|delegation, _| change_first(delegation, 0)),
        (&["spends"], "slashing transaction input must spend staking output"),
    ),
    row("version 1", Resigned(|it, _| it.staking_transaction.version = Version::ONE), ACCEPTED),
    row("version 3", Resigned(|it, _| it.staking_transaction.version = Version(3)), ACCEPTED),
    row(
        "a lock time",
        Resigned(|it, _| it.staking_transaction.lock_time = LockTime::from_consensus(500)),
        ACCEPTED,
    ),
    row(
        "a witness",
        Resigned(|it, _| it.staking_transaction.input[0].witness = Witness::from_slice(&[[7; 64]])),
        ACCEPTED,
    ),
    row("the script paid twice, with two amounts", Resigned(|it, _| pay_again(it, 1_000)), ACCEPTED),
    row("the script paid twice, with one amount", Resigned(|it, _| pay_again(it, 500_000)), NO_OUTPUT),
    row(
        "another amount than is said",
        Resigned(|it, _| it.staking_amount += Amount::ONE_SAT),
        (&["staked_amount"], NO_OUTPUT.1),
    ),
    row(
        "another script",
        Resigned(|it, _| it.staking_transaction.output[0].script_pubkey = anyones()),
        NO_OUTPUT,
    ),
    row(
        "a coin spent twice",
        Resigned(|it, _| {
            let input = it.staking_transaction.input[0].clone();
            it.staking_transaction.input.push(input);
        }),
        IMPOSSIBLE,
    ),
    row(
        "more paid than there is",
        Resigned(|it, _| it.staking_transaction.output.push(paying(Amount::MAX_MONEY))),
        IMPOSSIBLE,
    ),
];

const UNBONDING: &[Row] = &[
    row(
        "version 1",
        Resigned(|it, _| unbonding(it).version = Version::ONE),
        (&["version"], "tx version must be between 2 and 2"),
    ),
    row(
        "version 3",
        Resigned(|it, _| unbonding(it).version = Version(3)),
        (&["version"], "tx version must be between 2 and 2"),
    ),
    row(
        "a lock time",
        Resigned(|it, _| unbonding(it).lock_time = LockTime::from_consensus(1)),
        (&["lock_time"], "pre-signed tx must not have locktime"),
    ),
    row(
        "replaceable",
        Resigned(|it, _| unbonding(it).input[0].sequence = Sequence::ENABLE_RBF_NO_LOCKTIME),
        (&["input"], "pre-signed tx must not be replaceable"),
    ),
    row(
        "sequence fffffffe",
        Resigned(|it, _| unbonding(it).input[0].sequence = Sequence::ENABLE_LOCKTIME_NO_RBF),
        (&["input"], "pre-signed tx must not be replaceable"),
    ),
    row(
        "a scriptSig",
        Resigned(|it, _| unbonding(it).input[0].script_sig = anyones()),
        (&["input"], "pre-signed tx must not have signature script"),
    ),
    row(
        "two inputs",
        Resigned(|it, _| {
            let mut input = unbonding(it).input[0].clone();
            input.previous_output.vout = 1;
            unbonding(it).input.push(input);
        }),
        (&["inputs"], "tx must have exactly 1 inputs"),
    ),
    row(
        "two outputs",
        Resigned(|it, _| unbonding(it).output.push(paying(Amount::ZERO))),
        (&["outputs"], "tx must have exactly 1 outputs"),
    ),
    row(
        "a spend of the change",
        Resigned(|it, _| unbonding(it).input[0].previous_output.vout = 1),
        (&["spends"], "unbonding transaction input must spend staking output"),
    ),
    row(
        "a spend of another transaction",
        Resigned(|it, _| unbonding(it).input[0].previous_output.txid = Txid::from_byte_array([1; 32])),
        (&["spends"], "unbonding transaction must spend staking output"),
    ),
    row(
        "an output for 21 blocks",
        Resigned(|it, setting| unbonding(it).output[0].script_pubkey = of_21_blocks(it, setting)),
        (&["output_script"], "the unbonding output script is not expected"),
    ),
    row(
        "no fee",
        Resigned(|it, _| unbond_to(it, 500_000)),
        (&["unbonding_fee"], "unbonding tx fee must be larger that 0"),
    ),
    row(
        "more than is staked",
        Resigned(|it, _| unbond_to(it, 600_000)),
        (&["unbonding_fee"], "unbonding tx fee must be larger that 0"),
    ),
];

fn anyones() -> ScriptBuf {
    ScriptBuf::from_bytes(vec![0x51])
}

/// An output that burns.
fn paying(value: Amount) -> TxOut {
    TxOut { value, script_pubkey: ScriptBuf::new_op_return([7; 4]) }
}

/// Moves the staking output to the second place, and has this place spent.
fn change_first(delegation: &mut Delegation, spent: u32) {
    delegation.staking_transaction.output.swap(0, 1);
    unbonding(delegation).input[0].previous_output.vout = spent;
    slashing(delegation).input[0].previous_output.vout = spent;
}

fn pay_again(delegation: &mut Delegation, sat: u64) {
    let Transaction { output, .. } = &mut delegation.staking_transaction;
    let script_pubkey = output[0].script_pubkey.clone();
    output.push(TxOut { value: Amount::from_sat(sat), script_pubkey });
}

/// The script of the unbonding output with another timelock.
fn of_21_blocks(delegation: &Delegation, setting: &Setting<'_>) -> ScriptBuf {
    let other = Delegation { unbonding_time_blocks: 21, ..delegation.clone() };
    let parameters = setting.devnet.parameters.get(0).unwrap();
    other.stake(parameters.covenant()).unwrap().unbonding_output.taproot().script_pubkey()
}

/// Lets the unbonding transaction pay this, and its slashing a tenth of that, at the right fee.
fn unbond_to(delegation: &mut Delegation, sat: u64) {
    unbonding(delegation).output[0].value = Amount::from_sat(sat);
    let slashed = sat / 10;
    let paid = [slashed, sat - slashed - 2_000];
    for (output, paid) in unbonding_slashing(delegation).output.iter_mut().zip(paid) {
        output.value = Amount::from_sat(paid);
    }
}

#[test]
fn altered_staking_transactions_are_judged_alike() {
    let Some(devnet) = network() else { return };
    judge(&devnet, STAKING);
}

#[test]
fn altered_unbonding_transactions_are_judged_alike() {
    let Some(devnet) = network() else { return };
    judge(&devnet, UNBONDING);
}
