//! The limits of what nodes relay, which no transaction built here exceeds.

use bitcoin::{Amount, FeeRate, ScriptBuf, TxOut, Weight};

/// The highest weight of a transaction that nodes relay (Bitcoin Core's `MAX_STANDARD_TX_WEIGHT`).
pub(crate) const MAX_WEIGHT: Weight = Weight::from_wu(400_000);

/// The highest fee rate that transactions are built at, 10 000 sat/vB: the default `maxfeerate` of Bitcoin
/// Core's `sendrawtransaction` (0.1 BTC/kvB). A higher one is taken for a mistake.
pub const MAX_FEE_RATE: FeeRate = FeeRate::from_sat_per_kwu(10_000 * 250);

/// An output that no transaction may pay: dust, or a script that has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsafeOutput {
    /// The amount is dust: nodes do not relay the output.
    #[error("{} sat to {script_pubkey} are dust; must be at least {} sat", .amount.to_sat(), .minimum.to_sat())]
    Dust {
        /// The amount of the output.
        amount: Amount,
        /// The lowest amount that is not dust.
        minimum: Amount,
        /// The script of the output.
        script_pubkey: ScriptBuf,
    },
    /// The script has no address, so what is paid to it might be lost.
    #[error("the script {script_pubkey} belongs to no address; must be that of an address")]
    NotAnAddress {
        /// The script of the output.
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

    /// Refuses a script that has no address.
    pub(crate) fn check_script(script_pubkey: &ScriptBuf) -> Result<(), Self> {
        let known = script_pubkey.is_witness_program() || script_pubkey.is_p2pkh() || script_pubkey.is_p2sh();
        if known { Ok(()) } else { Err(Self::NotAnAddress { script_pubkey: script_pubkey.clone() }) }
    }
}
