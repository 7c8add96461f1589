//! The redeem scripts of Core's stakes: coins that are locked until a time, and then belong to their owner.

use std::collections::HashMap;

use bitcoin::opcodes::all::{
    OP_CHECKMULTISIG, OP_CHECKSIG, OP_CLTV, OP_DROP, OP_DUP, OP_EQUALVERIFY, OP_HASH160, OP_PUSHBYTES_4,
    OP_PUSHBYTES_20, OP_PUSHNUM_1, OP_PUSHNUM_16,
};
use bitcoin::{Amount, Script, ScriptBuf, Transaction};

use crate::anchors::data::Fields;

/// From this number on, OP_CHECKLOCKTIMEVERIFY takes a lock time for a time, and below for a height.
const FIRST_TIME: u32 = 500_000_000;

/// From this number on, four bytes are a negative number in a script.
const FIRST_NEGATIVE: u32 = 0x8000_0000;

const PUSH_4: u8 = OP_PUSHBYTES_4.to_u8();
const NUMBER_1: u8 = OP_PUSHNUM_1.to_u8();
const NUMBER_16: u8 = OP_PUSHNUM_16.to_u8();

/// The outputs of a transaction by their scripts: the number and value of each.
pub(crate) type ByScript<'a> = HashMap<&'a Script, Vec<(u32, Amount)>>;

/// Who owns a stake's coins when they are unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoreOwner {
    /// A public key, 33 or 65 bytes.
    Key(Vec<u8>),
    /// The hash of a public key (HASH160).
    KeyHash([u8; 20]),
    /// So many of these public keys.
    Keys {
        /// How many must sign.
        quorum: u8,
        /// The keys, 33 or 65 bytes each.
        keys: Vec<Vec<u8>>,
    },
}

/// The redeem script of a stake on Core: `<4 bytes> OP_CLTV OP_DROP`, then the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreRedeemScript {
    /// When the coins are unlocked, in seconds since 1970. The script has it as four little-endian bytes.
    pub lock_time: u32,
    /// Who owns them then.
    pub owner: CoreOwner,
}

/// An output of a stake on Core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreStakeOutput {
    /// Its number in the transaction, from 0.
    pub index: u32,
    /// What it is worth.
    pub value: Amount,
    /// Whether it pays to the script's hash by segwit (P2WSH); otherwise it does without (P2SH).
    pub is_segwit: bool,
}

impl CoreRedeemScript {
    /// Returns the script.
    pub fn script(&self) -> ScriptBuf {
        let mut bytes = vec![PUSH_4];
        bytes.extend(self.lock_time.to_le_bytes());
        bytes.extend([OP_CLTV.to_u8(), OP_DROP.to_u8()]);
        match &self.owner {
            CoreOwner::Key(key) => {
                push(&mut bytes, key);
                bytes.push(OP_CHECKSIG.to_u8());
            }
            CoreOwner::KeyHash(hash) => {
                bytes.extend([OP_DUP.to_u8(), OP_HASH160.to_u8()]);
                push(&mut bytes, hash);
                bytes.extend([OP_EQUALVERIFY.to_u8(), OP_CHECKSIG.to_u8()]);
            }
            CoreOwner::Keys { quorum, keys } => {
                bytes.push(small_number(*quorum));
                keys.iter().for_each(|key| push(&mut bytes, key));
                bytes.push(small_number(u8::try_from(keys.len()).unwrap_or(u8::MAX)));
                bytes.push(OP_CHECKMULTISIG.to_u8());
            }
        }
        ScriptBuf::from_bytes(bytes)
    }

    /// Reads a script; `None` for one of another form. Keys are taken by their length and first byte.
    pub fn from_script(script: &Script) -> Option<Self> {
        let mut fields = Fields(script.as_bytes());
        fields.magic(&[PUSH_4])?;
        let lock_time = fields.le32()?;
        fields.magic(&[OP_CLTV.to_u8(), OP_DROP.to_u8()])?;
        let owner = match fields.rest() {
            [first, ..] if *first == OP_DUP.to_u8() => {
                fields.magic(&[OP_DUP.to_u8(), OP_HASH160.to_u8(), OP_PUSHBYTES_20.to_u8()])?;
                let hash = fields.array()?;
                fields.magic(&[OP_EQUALVERIFY.to_u8(), OP_CHECKSIG.to_u8()])?;
                CoreOwner::KeyHash(hash)
            }
            [NUMBER_1..=NUMBER_16, ..] => {
                let quorum = number(fields.byte()?)?;
                let mut keys = Vec::new();
                while let Some(key) = public_key(&mut fields) {
                    keys.push(key);
                }
                let count = usize::from(number(fields.byte()?)?);
                fields.magic(&[OP_CHECKMULTISIG.to_u8()])?;
                if count != keys.len() || usize::from(quorum) > count {
                    return None;
                }
                CoreOwner::Keys { quorum, keys }
            }
            _ => {
                let key = public_key(&mut fields)?;
                fields.magic(&[OP_CHECKSIG.to_u8()])?;
                CoreOwner::Key(key)
            }
        };
        fields.end()?;
        Some(Self { lock_time, owner })
    }

    /// Returns the outputs of a transaction that pay to this script, by its hash: those by segwit first.
    pub fn outputs(&self, transaction: &Transaction) -> Vec<CoreStakeOutput> {
        self.outputs_among(&by_script(transaction)).collect()
    }

    /// Returns them by the outputs of the transaction, of which there may be many.
    pub(crate) fn outputs_among<'a>(
        &self,
        outputs: &'a ByScript<'_>,
    ) -> impl Iterator<Item = CoreStakeOutput> + use<'a> {
        let script = self.script();
        let paying = |script: ScriptBuf| outputs.get(script.as_script()).into_iter().flatten();
        let of = |is_segwit| move |&(index, value)| CoreStakeOutput { index, value, is_segwit };
        paying(script.to_p2wsh()).map(of(true)).chain(paying(script.to_p2sh()).map(of(false)))
    }

    /// Returns what is wrong with the lock time: Core takes any for a time.
    pub(crate) const fn objection(lock_time: u32) -> Option<&'static str> {
        match lock_time {
            FIRST_NEGATIVE.. => Some(
                "the lock time is a negative number in the script, so that nobody can ever spend the coins",
            ),
            FIRST_TIME.. => None,
            _ => Some("the lock time is below 500000000: Core reads a time, and Bitcoin a block height"),
        }
    }
}

/// Returns the outputs of a transaction by their scripts.
pub(crate) fn by_script(transaction: &Transaction) -> ByScript<'_> {
    let mut outputs = ByScript::new();
    for (index, output) in (0..).zip(&transaction.output) {
        outputs.entry(&output.script_pubkey).or_default().push((index, output.value));
    }
    outputs
}

/// Appends a push of at most 75 bytes.
fn push(script: &mut Vec<u8>, data: &[u8]) {
    script.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
    script.extend(data);
}

/// Returns the opcode of a number from 1 to 16.
const fn small_number(number: u8) -> u8 {
    number.saturating_add(NUMBER_1.saturating_sub(1))
}

/// Returns the number from 1 to 16 of an opcode.
fn number(opcode: u8) -> Option<u8> {
    (NUMBER_1..=NUMBER_16).contains(&opcode).then(|| opcode.saturating_sub(NUMBER_1).saturating_add(1))
}

/// Reads the push of a public key, by its length and first byte.
fn public_key(fields: &mut Fields<'_>) -> Option<Vec<u8>> {
    let length = match *fields.rest() {
        [33, 2 | 3, ..] => 33_usize,
        [65, 4, ..] => 65,
        _ => return None,
    };
    let (key, rest) = fields.rest().get(1..)?.split_at_checked(length)?;
    *fields = Fields(rest);
    Some(key.to_vec())
}
