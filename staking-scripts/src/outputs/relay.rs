//! The outputs that transactions may pay, and the limits of what nodes relay: no transaction built here
//! breaks either.

use std::borrow::Cow;

use bitcoin::script::Instruction;
use bitcoin::{Amount, FeeRate, Script, ScriptBuf, TxOut, Weight, WitnessVersion, XOnlyPublicKey};

use crate::outputs::output::NUMS_INTERNAL_KEY;

/// The highest weight of a transaction that nodes relay (Bitcoin Core's `MAX_STANDARD_TX_WEIGHT`).
pub(crate) const MAX_WEIGHT: Weight = Weight::from_wu(400_000);

/// The highest fee rate that transactions are built at, 10 000 sat/vB: the default `maxfeerate` of Bitcoin
/// Core's `sendrawtransaction` (0.1 BTC/kvB). A higher one is taken for a mistake.
pub const MAX_FEE_RATE: FeeRate = FeeRate::from_sat_per_kwu(10_000 * 250);

/// The longest OP_RETURN script that every node relays: Bitcoin Core's `MAX_OP_RETURN_RELAY` before version
/// 30, which counts the opcodes.
const MOST_OP_RETURN_SCRIPT: usize = 83;

/// The most data that an OP_RETURN script pushes where it is standard.
const MOST_OP_RETURN_DATA: usize = 80;

/// An output that no transaction may pay: dust, or a script that nobody can spend on purpose.
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
    /// Nobody, or anybody, can spend what is paid to the script.
    #[error(
        "the script {} {}; must be P2WPKH, P2WSH, P2TR with a key on the curve, P2PKH or P2SH",
        .script_pubkey.to_hex_string(),
        fault(.script_pubkey)
    )]
    NotADestination {
        /// The script of the output.
        script_pubkey: ScriptBuf,
    },
    /// The OP_RETURN script burns, but nodes do not relay it.
    #[error(
        "the script {} is no standard OP_RETURN; must push at most {MOST_OP_RETURN_DATA} bytes in one push, and nothing else",
        .script_pubkey.to_hex_string()
    )]
    NotABurn {
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

    /// Refuses a script that nobody can spend on purpose. A destination is a version 0 witness program of 20
    /// or 32 bytes (BIP-141), a version 1 program of 32 bytes that are the x coordinate of a point on the
    /// curve (BIP-341), P2PKH or P2SH. Everything else is lost, or open to anybody: pay-to-anchor, witness
    /// programs of other sizes and versions, scripts without an address. Whether somebody has the key is not
    /// known.
    ///
    /// # Errors
    /// [`UnsafeOutput::NotADestination`].
    pub fn check_destination(script_pubkey: &Script) -> Result<(), Self> {
        let is_destination = script_pubkey.is_p2wpkh()
            || script_pubkey.is_p2wsh()
            || (script_pubkey.is_p2tr() && is_key(script_pubkey))
            || script_pubkey.is_p2pkh()
            || script_pubkey.is_p2sh();
        if is_destination {
            return Ok(());
        }
        Err(Self::NotADestination { script_pubkey: script_pubkey.to_owned() })
    }

    /// Refuses a slashing script that neither is a [destination](Self::check_destination) nor burns in an
    /// output that every node relays: OP_RETURN and nothing, a small number, or one push of at most 80 bytes.
    ///
    /// # Errors
    /// [`UnsafeOutput::NotADestination`] or, of an OP_RETURN script, [`UnsafeOutput::NotABurn`].
    pub fn check_slashing_script(script_pubkey: &Script) -> Result<(), Self> {
        if !script_pubkey.is_op_return() {
            return Self::check_destination(script_pubkey);
        }
        // The first one is OP_RETURN itself.
        let mut pushed = script_pubkey.instructions().skip(1);
        let is_standard = match (pushed.next(), pushed.next()) {
            (None, _) => true,
            (Some(Ok(Instruction::PushBytes(data))), None) => data.len() <= MOST_OP_RETURN_DATA,
            (Some(Ok(push @ Instruction::Op(_))), None) => push.script_num().is_some_and(|number| number > 0),
            _ => false,
        };
        if is_standard && script_pubkey.len() <= MOST_OP_RETURN_SCRIPT {
            return Ok(());
        }
        Err(Self::NotABurn { script_pubkey: script_pubkey.to_owned() })
    }
}

/// Returns whether the program of a P2TR script is the x coordinate of a point on the curve, and not of the
/// one that nobody has the key of, by itself: a script tree under it has another output key.
fn is_key(p2tr: &Script) -> bool {
    let key = p2tr.as_bytes().get(2..).and_then(|program| XOnlyPublicKey::from_slice(program).ok());
    key.is_some_and(|key| key.to_string() != NUMS_INTERNAL_KEY)
}

/// Returns why a script is no destination.
fn fault(script_pubkey: &Script) -> Cow<'static, str> {
    /// Pay-to-anchor (Bitcoin Core's `IsPayToAnchor`): version 1, two bytes.
    const ANCHOR: [u8; 4] = [0x51, 0x02, 0x4e, 0x73];
    let size = script_pubkey.len().saturating_sub(2);
    match script_pubkey.witness_version() {
        _ if script_pubkey.is_op_return() => "burns what is paid to it".into(),
        None => "belongs to no address".into(),
        Some(_) if script_pubkey.as_bytes() == ANCHOR => "is pay-to-anchor, which anybody can spend".into(),
        Some(_) if script_pubkey.to_hex_string().ends_with(NUMS_INTERNAL_KEY) => {
            "is P2TR with the key that nobody has (NUMS), and no script tree".into()
        }
        Some(_) if script_pubkey.is_p2tr() => "is P2TR with a key that is not on the curve".into(),
        Some(WitnessVersion::V0) => {
            format!("is a version 0 witness program of {size} bytes, which nobody can spend").into()
        }
        Some(version) => format!(
            "is a witness program of version {} and {size} bytes, which is not in use",
            version.to_num()
        )
        .into(),
    }
}
