//! The OP_RETURN output of a phase-1 stake: tag, keys and staking time, 71 bytes.

use bitcoin::opcodes::all::{OP_PUSHBYTES_71, OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4, OP_RETURN};
use bitcoin::{Script, ScriptBuf, Transaction, XOnlyPublicKey};

use crate::outputs::output::StakingOutput;
use crate::outputs::timelock::Timelock;

/// The first two bytes of the script: `OP_RETURN`, and the opcode that pushes 71 bytes.
const FRAME: [u8; 2] = [OP_RETURN.to_u8(), OP_PUSHBYTES_71.to_u8()];

/// The length of the script in bytes: two opcodes and 71 bytes of data.
pub(crate) const SCRIPT_SIZE: usize = 73;

/// The version of the data; there is no other.
const VERSION: u8 = 0;

/// The data in the OP_RETURN output of a phase-1 stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpReturnData {
    /// The network's tag.
    pub tag: [u8; 4],
    /// The staker's key.
    pub staker: XOnlyPublicKey,
    /// The finality provider's key.
    pub finality_provider: XOnlyPublicKey,
    /// The staking time.
    pub staking_time: Timelock,
}

/// The transaction does not have exactly one valid OP_RETURN output of a phase-1 stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpReturnError {
    /// No output is an OP_RETURN with one push of 71 bytes, version 0.
    #[error("no output is a phase-1 stake's: OP_RETURN and one push of 71 bytes, version 0")]
    Absent,
    /// Several outputs are OP_RETURN outputs of a phase-1 stake.
    #[error("{0} outputs are a phase-1 stake's OP_RETURN; exactly one must be")]
    Repeated(usize),
    /// A key is not the x coordinate of a point on the curve (BIP-340).
    #[error("the {party}'s key {} in the OP_RETURN is not on the curve", hex::encode(key))]
    KeyOffCurve {
        /// The party of the key: `staker` or `finality provider`.
        party: &'static str,
        /// The 32 bytes given as the key.
        key: [u8; 32],
    },
    /// The staking time is 0.
    #[error("the staking time in the OP_RETURN is 0 blocks; must be 1 to 65535")]
    NoStakingTime,
}

impl OpReturnData {
    /// Returns the script of the OP_RETURN output, 73 bytes: `OP_RETURN OP_PUSHBYTES_71 <tag(4) ‖ version 00
    /// ‖ staker(32) ‖ finality provider(32) ‖ BE16(staking time)>`.
    pub fn script(&self) -> ScriptBuf {
        let (staker, provider) = (self.staker.serialize(), self.finality_provider.serialize());
        let time = self.staking_time.blocks().to_be_bytes();
        let parts: [&[u8]; 6] = [&FRAME, &self.tag, &[VERSION], &staker, &provider, &time];
        ScriptBuf::from_bytes(parts.concat())
    }

    /// Returns the data for `output` on the network of this tag; `None` for several finality providers, which
    /// a phase-1 stake does not have.
    pub fn of_stake(tag: [u8; 4], output: &StakingOutput) -> Option<Self> {
        let &[finality_provider] = output.parties().finality_providers().as_slice() else { return None };
        Some(Self {
            tag,
            staker: *output.parties().staker(),
            finality_provider,
            staking_time: output.staking_time(),
        })
    }

    /// Reads the script of an output, 73 bytes. The same data in another push is refused, with the exceptions
    /// below.
    ///
    /// As in the reference, the tag begins at the script's third byte even where a longer push has its length
    /// there: `OP_PUSHDATA1` and 70 bytes are read with a tag that begins with 70, `OP_PUSHDATA2` and 69
    /// bytes with one of 69 and 0, `OP_PUSHDATA4` and 67 bytes with 67, 0, 0 and 0. No network has such a
    /// tag; beside another OP_RETURN output of a stake, there are two.
    ///
    /// # Errors
    /// [`OpReturnError::Absent`] for a script of another form or version; [`OpReturnError::KeyOffCurve`] and
    /// [`OpReturnError::NoStakingTime`] for one of this form with invalid values.
    pub fn from_script(script: &Script) -> Result<Self, OpReturnError> {
        let fields = Fields::read(script.as_bytes()).ok_or(OpReturnError::Absent)?;
        let key = |party, key: [u8; 32]| {
            XOnlyPublicKey::from_slice(&key).map_err(|_| OpReturnError::KeyOffCurve { party, key })
        };
        // Keys first: outputs whose keys are none do not count, and one whose staking time is 0 does.
        let (staker, finality_provider) =
            (key("staker", fields.staker)?, key("finality provider", fields.provider)?);
        let staking_time = u16::from_be_bytes(fields.staking_time).into();
        let staking_time = Timelock::from_blocks(staking_time).map_err(|_| OpReturnError::NoStakingTime)?;
        Ok(Self { tag: fields.tag, staker, finality_provider, staking_time })
    }

    /// Returns the data of a transaction's one OP_RETURN output of a phase-1 stake. As in the reference, an
    /// output whose keys are off the curve does not count beside another one: anybody could write it.
    ///
    /// # Errors
    /// [`OpReturnError`] when there is not exactly one such output, or its values are invalid.
    pub fn of(transaction: &Transaction) -> Result<Self, OpReturnError> {
        Self::among(transaction.output.iter().map(|output| output.script_pubkey.as_script()))
    }

    /// Returns the data of the one OP_RETURN of a phase-1 stake among the scripts of a transaction's outputs.
    pub(crate) fn among<'a>(scripts: impl Iterator<Item = &'a Script>) -> Result<Self, OpReturnError> {
        let read = scripts.map(Self::from_script);
        let (mut single, mut count) = (Err(OpReturnError::Absent), 0_usize);
        for found in read {
            match found {
                Err(OpReturnError::Absent) => {}
                Err(OpReturnError::KeyOffCurve { .. }) if single != Err(OpReturnError::Absent) => {}
                Err(OpReturnError::KeyOffCurve { .. }) => single = found,
                _ => {
                    count = count.saturating_add(1);
                    single = found;
                }
            }
        }
        if count > 1 { Err(OpReturnError::Repeated(count)) } else { single }
    }
}

/// The fields of OP_RETURN data of the right form and version. Their values are not checked.
struct Fields {
    tag: [u8; 4],
    staker: [u8; 32],
    provider: [u8; 32],
    staking_time: [u8; 2],
}

impl Fields {
    fn read(script: &[u8]) -> Option<Self> {
        let (opcodes, data) = script.split_first_chunk::<2>()?;
        let (tag, rest) = data.split_first_chunk::<4>()?;
        let (version, rest) = rest.split_first()?;
        let (staker, rest) = rest.split_first_chunk::<32>()?;
        let (provider, rest) = rest.split_first_chunk::<32>()?;
        let staking_time = rest.try_into().ok()?;
        let fields = Self { tag: *tag, staker: *staker, provider: *provider, staking_time };
        (is_one_push(*opcodes, *tag) && *version == VERSION).then_some(fields)
    }
}

/// Returns whether a script of 73 bytes is `OP_RETURN` and one push, by its first two bytes and the four
/// after them.
fn is_one_push(opcodes: [u8; 2], next: [u8; 4]) -> bool {
    const SHORT: u8 = OP_PUSHDATA1.to_u8();
    const MIDDLE: u8 = OP_PUSHDATA2.to_u8();
    const LONG: u8 = OP_PUSHDATA4.to_u8();
    let [first, push] = opcodes;
    opcodes == FRAME
        || (first == OP_RETURN.to_u8()
            && matches!((push, next), (SHORT, [70, ..]) | (MIDDLE, [69, 0, ..]) | (LONG, [67, 0, 0, 0])))
}
