//! What nodes relay and people mean: limits that no transaction built here crosses.

use bitcoin::{Amount, FeeRate, ScriptBuf, TxOut, Weight};

/// The most that a transaction may weigh to be relayed (Bitcoin Core's `MAX_STANDARD_TX_WEIGHT`).
pub(crate) const MAX_WEIGHT: Weight = Weight::from_wu(400_000);

/// An output that the network would not relay for its small amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an output of {} sat to {script_pubkey} is dust: at least {} sat are needed", .amount.to_sat(), .minimum.to_sat())]
#[non_exhaustive]
pub struct OutputTooSmall {
    /// The amount it would have.
    pub amount: Amount,
    /// The least that it may have.
    pub minimum: Amount,
    /// The script it would pay.
    pub script_pubkey: ScriptBuf,
}

impl OutputTooSmall {
    /// Fails when `output` is dust (Bitcoin Core's `GetDustThreshold` at the default dust relay fee).
    /// OP_RETURN outputs are exempt.
    pub(crate) fn check(output: &TxOut) -> Result<(), Self> {
        let minimum = output.script_pubkey.minimal_non_dust();
        if output.value >= minimum || output.script_pubkey.is_op_return() {
            return Ok(());
        }
        Err(Self { amount: output.value, minimum, script_pubkey: output.script_pubkey.clone() })
    }
}

/// The highest fee rate that transactions are built at (10 000 sat/vB): what Bitcoin Core's
/// `sendrawtransaction` takes by default (0.1 BTC/kvB). Above it, the one who named the rate was mistaken, or
/// lied.
pub const MAX_FEE_RATE: FeeRate = FeeRate::from_sat_per_kwu(10_000 * 250);

/// A script that belongs to no address, where money would be lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the script {script_pubkey} belongs to no address, and what is paid there would be lost")]
#[non_exhaustive]
pub struct NotAnAddress {
    /// The script.
    pub script_pubkey: ScriptBuf,
}

impl NotAnAddress {
    pub(crate) fn check(script_pubkey: &ScriptBuf) -> Result<(), Self> {
        let known = script_pubkey.is_witness_program() || script_pubkey.is_p2pkh() || script_pubkey.is_p2sh();
        if known { Ok(()) } else { Err(Self { script_pubkey: script_pubkey.clone() }) }
    }
}
