//! The data of an OP_RETURN output: how they are pushed, and what stands after them.

use bitcoin::ScriptBuf;
use bitcoin::opcodes::all::{OP_PUSHBYTES_75, OP_PUSHDATA1, OP_PUSHDATA2, OP_PUSHDATA4, OP_RETURN};
use bitcoin::opcodes::all::{OP_PUSHNUM_1, OP_PUSHNUM_16};
use bitcoin::script::PushBytes;

const RETURN: u8 = OP_RETURN.to_u8();
const DIRECT: u8 = OP_PUSHBYTES_75.to_u8();
const DATA1: u8 = OP_PUSHDATA1.to_u8();
const DATA2: u8 = OP_PUSHDATA2.to_u8();
const DATA4: u8 = OP_PUSHDATA4.to_u8();
const FIRST_NUMBER: u8 = OP_PUSHNUM_1.to_u8();
const LAST_NUMBER: u8 = OP_PUSHNUM_16.to_u8();

/// The most bytes of data in a standard OP_RETURN output, by the rule of the reference implementations. Newer
/// Bitcoin nodes relay more.
const MAX_STANDARD: usize = 80;

/// How data are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushForm {
    /// The opcode is the length: up to 75 bytes.
    Direct,
    /// OP_PUSHDATA1: a length of one byte.
    PushData1,
    /// OP_PUSHDATA2: a length of two bytes.
    PushData2,
    /// OP_PUSHDATA4: a length of four bytes.
    PushData4,
}

/// The first push of an OP_RETURN output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnedData<'a> {
    /// How the data are pushed.
    pub form: PushForm,
    /// The data.
    pub data: &'a [u8],
    /// What stands in the script after them: nothing, where the output is standard.
    pub trailing: &'a [u8],
}

impl<'a> ReturnedData<'a> {
    /// Reads a script; `None` where it is not OP_RETURN and a whole push. A push of no bytes (OP_0) is one.
    #[inline]
    pub fn read(script: &'a [u8]) -> Option<Self> {
        let rest = script.strip_prefix(&[RETURN])?;
        let (&opcode, rest) = rest.split_first()?;
        let (form, length, rest) = match opcode {
            ..=DIRECT => (PushForm::Direct, u32::from(opcode), rest),
            DATA1 => {
                let (&length, rest) = rest.split_first()?;
                (PushForm::PushData1, length.into(), rest)
            }
            DATA2 => {
                let (length, rest) = rest.split_first_chunk()?;
                (PushForm::PushData2, u16::from_le_bytes(*length).into(), rest)
            }
            DATA4 => {
                let (length, rest) = rest.split_first_chunk()?;
                (PushForm::PushData4, u32::from_le_bytes(*length), rest)
            }
            _ => return None,
        };
        let (data, trailing) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        Some(Self { form, data, trailing })
    }

    /// Reads the script of a standard OP_RETURN output: OP_RETURN, then nothing, a number up to 16, or one
    /// push of at most 80 bytes, in any form, and nothing after it. `None` for another script; no data where
    /// there is no push.
    ///
    /// This is the rule by which Babylon Genesis counts OP_RETURN outputs (babylon v4.3.1,
    /// `x/btccheckpoint/types/btcutils.go`).
    pub fn read_standard(script: &'a [u8]) -> Option<&'a [u8]> {
        match script {
            [RETURN] | [RETURN, FIRST_NUMBER..=LAST_NUMBER] => Some(&[]),
            script => Self::read(script)
                .filter(|read| read.trailing.is_empty() && read.data.len() <= MAX_STANDARD)
                .map(|read| read.data),
        }
    }
}

/// Returns the script OP_RETURN and a push of these data, in the shortest form. More data than a script can
/// push give OP_RETURN alone; no mark is as long.
pub fn op_return(data: &[u8]) -> ScriptBuf {
    <&PushBytes>::try_from(data)
        .map_or_else(|_| ScriptBuf::from_bytes(vec![RETURN]), ScriptBuf::new_op_return)
}

/// Fields of fixed length, read one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// Reads `magic`, which must be next.
    pub(crate) fn magic(&mut self, magic: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(magic)?;
        Some(())
    }

    /// Reads the next bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    /// Reads a byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads a big-endian number of two bytes.
    pub(crate) fn be16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Reads a big-endian number of four bytes.
    pub(crate) fn be32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads a little-endian number of four bytes.
    pub(crate) fn le32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Returns what is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Succeeds where nothing is left.
    pub(crate) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
