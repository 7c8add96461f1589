//! What nodes relay and people mean: limits that no transaction built here crosses.

use bitcoin::{Amount, FeeRate, ScriptBuf, TxOut, Weight};

/// The most that a transaction may weigh to be relayed (Bitcoin Core's `MAX_STANDARD_TX_WEIGHT`).
pub(crate) const MAX_WEIGHT: Weight = Weight::from_wu(400_000);

/// The highest fee rate that transactions are built at (10 000 sat/vB): what Bitcoin Core's
/// `sendrawtransaction` takes by default (0.1 BTC/kvB). Above it, the one who named the rate was mistaken, or
/// lied.
pub const MAX_FEE_RATE: FeeRate = FeeRate::from_sat_per_kwu(10_000 * 250);

/// An output that no transaction may pay: dust, or a script of no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsafeOutput {
    /// The amount is so small that nodes do not relay the output.
    #[error("{} sat to {script_pubkey} are dust; must be at least {} sat", .amount.to_sat(), .minimum.to_sat())]
    Dust {
        /// The amount it would have.
        amount: Amount,
        /// The least that it may have.
        minimum: Amount,
        /// The script it would pay.
        script_pubkey: ScriptBuf,
    },
    /// The script belongs to no address, and what is paid there would be lost.
    #[error("the script {script_pubkey} belongs to no address; must be that of an address")]
    NotAnAddress {
        /// The script.
        script_pubkey: ScriptBuf,
    },
}

impl UnsafeOutput {
    /// Refuses dust (Bitcoin Core's `GetDustThreshold` at the default dust relay fee). OP_RETURN outputs are
    /// exempt.
    pub(crate) fn check_amount(output: &TxOut) -> Result<(), Self> {
        let minimum = output.script_pubkey.minimal_non_dust();
        if output.value >= minimum || output.script_pubkey.is_op_return() {
            return Ok(());
        }
        Err(Self::Dust { amount: output.value, minimum, script_pubkey: output.script_pubkey.clone() })
    }

    /// Refuses a script of no address.
    pub(crate) fn check_script(script_pubkey: &ScriptBuf) -> Result<(), Self> {
        let known = script_pubkey.is_witness_program() || script_pubkey.is_p2pkh() || script_pubkey.is_p2sh();
        if known { Ok(()) } else { Err(Self::NotAnAddress { script_pubkey: script_pubkey.clone() }) }
    }
}
