//! Slashing transactions that are altered by hand and signed again, and signatures over others.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, TxOut, Txid};
use staking_scripts::Delegation;
use staking_scripts::coins::key_path_script;
use staking_scripts::testing::key;

use super::Change::{AsItIs, Resigned};
use super::{ACCEPTED, Row, Says, Setting, judge, network, row, slashing, unbonding_slashing};

const VERSION: Says = (&["version"], "tx version must be between 1 and 2");
const PAYS_TOO_MUCH: Says =
    (&["fee_too_small"], "slashing transaction must not spend more than staking transaction");
const SLASHES_TOO_LITTLE: &str =
    "slashing transaction must slash at least staking output value * slashing rate";
const OTHER_REFUND: Says = (&["output_script"], "invalid slashing tx change output pkscript");
const NOT_SIGNED: Says = (&["staker_signature"], "invalid delegator signature");

const ROWS: &[Row] = &[
    row("version 0", Resigned(|it, _| slashing(it).version = Version(0)), VERSION),
    row("version 1", Resigned(|it, _| slashing(it).version = Version::ONE), ACCEPTED),
    row("version 3", Resigned(|it, _| slashing(it).version = Version(3)), VERSION),
    row(
        "a lock time",
        Resigned(|it, _| slashing(it).lock_time = LockTime::from_consensus(1)),
        (&["lock_time"], "pre-signed tx must not have locktime"),
    ),
    row(
        "replaceable",
        Resigned(|it, _| slashing(it).input[0].sequence = Sequence::ENABLE_RBF_NO_LOCKTIME),
        (&["input"], "pre-signed tx must not be replaceable"),
    ),
    row(
        "a scriptSig",
        Resigned(|it, _| slashing(it).input[0].script_sig = ScriptBuf::from_bytes(vec![0x51])),
        (&["input"], "pre-signed tx must not have signature script"),
    ),
    row(
        "two inputs",
        Resigned(|it, _| {
            let mut input = slashing(it).input[0].clone();
            input.previous_output.vout = 1;
            slashing(it).input.push(input);
        }),
        // Ours finds no signature that is over this output alone, too.
        (&["inputs", "staker_signature"], "tx must have exactly 1 inputs"),
    ),
    row(
        "a third output",
        Resigned(|it, _| slashing(it).output.push(burnt())),
        (&["outputs"], "tx must have exactly 2 outputs"),
    ),
    row(
        "no refund",
        Resigned(|it, _| drop(slashing(it).output.pop())),
        (&["outputs"], "tx must have exactly 2 outputs"),
    ),
    row(
        "outputs swapped",
        Resigned(|it, _| slashing(it).output.swap(0, 1)),
        (&["output_script"], "slashing transaction must pay to the provided slashing address"),
    ),
    row(
        "a spend of the change",
        Resigned(|it, _| slashing(it).input[0].previous_output.vout = 1),
        (&["spends"], "slashing transaction input must spend staking output"),
    ),
    row(
        "a spend of another transaction",
        Resigned(|it, _| slashing(it).input[0].previous_output.txid = Txid::from_byte_array([1; 32])),
        (&["spends"], "slashing transaction must spend staking output"),
    ),
    row(
        "the unbonding output's slashing spends the staking output",
        Resigned(|it, _| {
            let staked = slashing(it).input[0].previous_output;
            unbonding_slashing(it).input[0].previous_output = staked;
        }),
        (&["spends"], "slashing transaction must spend staking output"),
    ),
    row(
        "the unbonding output's slashing pays as the staking output's",
        Resigned(|it, _| unbonding_slashing(it).output = slashing(it).output.clone()),
        PAYS_TOO_MUCH,
    ),
    row("a refund for 21 blocks", Resigned(refund_for_21_blocks), OTHER_REFUND),
    row(
        "a refund to the staker's key",
        Resigned(|it, setting| {
            slashing(it).output[1].script_pubkey = key_path_script(setting.staker.public_key());
        }),
        OTHER_REFUND,
    ),
    row("a refund of 330 sat, the rest a fee", Resigned(|it, _| pay(it, 50_000, 330)), ACCEPTED),
    row(
        "a refund of 329 sat, which is dust",
        Resigned(|it, _| pay(it, 50_000, 329)),
        (&["dust"], "transaction contains a dust output"),
    ),
    row("all slashed but 330 sat", Resigned(|it, _| pay(it, 497_670, 330)), ACCEPTED),
    row(
        "all slashed but 330 sat, and a satoshi more",
        Resigned(|it, _| pay(it, 497_671, 330)),
        (&["fee_too_small"], "slashing transaction fee must be larger than 2000"),
    ),
    row("no fee", Resigned(|it, _| pay(it, 50_000, 450_000)), PAYS_TOO_MUCH),
    row("more paid than staked", Resigned(|it, _| pay(it, 50_000, 450_001)), PAYS_TOO_MUCH),
    row("nothing slashed", Resigned(|it, _| pay(it, 0, 498_000)), (&["output_amount"], SLASHES_TOO_LITTLE)),
    row(
        "one signature over both",
        AsItIs(|it, _| {
            let signature = it.slashing.as_ref().unwrap().staker_signature;
            it.unbonding_slashing.as_mut().unwrap().staker_signature = signature;
        }),
        NOT_SIGNED,
    ),
    row("the signature of another stake", AsItIs(|it, setting| take_signature(it, setting, 500)), NOT_SIGNED),
    row("the signature of another", AsItIs(|it, _| sign_as_provider(it)), NOT_SIGNED),
];

fn burnt() -> TxOut {
    TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new_op_return([7; 4]) }
}

fn pay(delegation: &mut Delegation, slashed: u64, refund: u64) {
    for (output, paid) in slashing(delegation).output.iter_mut().zip([slashed, refund]) {
        output.value = Amount::from_sat(paid);
    }
}

fn refund_for_21_blocks(delegation: &mut Delegation, setting: &Setting<'_>) {
    let other = Delegation { unbonding_time_blocks: 21, ..delegation.clone() };
    let parameters = setting.devnet.parameters.get(0).unwrap();
    let refund = other.stake(parameters.covenant()).unwrap().refund_output;
    slashing(delegation).output[1].script_pubkey = refund.taproot().script_pubkey();
}

/// The same staker's signature over the slashing of a stake for other blocks.
fn take_signature(delegation: &mut Delegation, setting: &Setting<'_>, blocks: u32) {
    let provider = key("provider", 0);
    let mut plan = crate::staking::Plan::new(setting.devnet, setting.staker, &provider);
    plan.blocks = blocks;
    let (other, _) = plan.make(setting.devnet);
    delegation.slashing.as_mut().unwrap().staker_signature = other.slashing.unwrap().staker_signature;
}

fn sign_as_provider(delegation: &mut Delegation) {
    let digest = bitcoin::secp256k1::Message::from_digest([7; 32]);
    let signature = key("provider", 0).sign_bip340(digest).unwrap();
    delegation.slashing.as_mut().unwrap().staker_signature = Some(signature);
}

#[test]
fn altered_slashing_transactions_are_judged_alike() {
    let Some(devnet) = network() else { return };
    judge(&devnet, ROWS);
}
