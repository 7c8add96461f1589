//! Core's stakes of bitcoin: which account delegates to which validator, beside an output that is locked
//! until a time (core-genesis-contract 6046c87, `BitcoinStake.sol`, `BitcoinLSTStake.sol`).

use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::{Script, Transaction};

use super::core_redeem::{CoreOwner, CoreRedeemScript, by_script};
use crate::anchors::data::{Fields, ReturnedData};
use crate::anchors::mark::{Comparison, Conclusions, Field, MarkFormat, Place};

const MAGIC: [u8; 4] = *b"SAT+";

/// The most outputs of a stake that are told of.
const MOST_OUTPUTS: usize = 16;

/// How the time until which a stake is locked is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoreLock {
    /// By the redeem script itself.
    Script(CoreRedeemScript),
    /// By the lock time alone, in seconds since 1970: the owner's key is elsewhere.
    Time(u32),
    /// Not here.
    Untold,
}

/// A stake of version 1: to a validator. Accounts are Core's, of 20 bytes; the delegator comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreDelegation {
    /// Core's chain: 1116 is its mainnet, 1115 its test network, 1112 its development network.
    pub chain: u16,
    /// The account that the rewards go to.
    pub delegator: [u8; 20],
    /// The validator.
    pub validator: [u8; 20],
    /// What whoever tells Core of the transaction takes.
    pub fee: u8,
    /// The lock.
    pub lock: CoreLock,
}

/// A stake of version 2, which is liquid: it is to no validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreLiquidDelegation {
    /// Core's chain.
    pub chain: u16,
    /// The account that the rewards go to.
    pub delegator: [u8; 20],
    /// What whoever tells Core of the transaction takes.
    pub fee: u8,
}

impl CoreDelegation {
    /// Returns the data of the OP_RETURN output.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { chain, delegator, validator, fee, lock } = self;
        let lock = match lock {
            CoreLock::Script(script) => script.script().into_bytes(),
            CoreLock::Time(time) => time.to_le_bytes().to_vec(),
            CoreLock::Untold => Vec::new(),
        };
        [&MAGIC[..], &[1], &chain.to_be_bytes(), delegator, validator, &[*fee], &lock].concat()
    }

    /// Reads data; `None` for another magic or version, and where what follows the fee is neither nothing,
    /// nor four bytes, nor a redeem script.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        fields.magic(&MAGIC)?;
        fields.magic(&[1])?;
        let chain = fields.be16()?;
        let (delegator, validator) = (fields.array()?, fields.array()?);
        let fee = fields.byte()?;
        let lock = match *fields.rest() {
            [] => CoreLock::Untold,
            [a, b, c, d] => CoreLock::Time(u32::from_le_bytes([a, b, c, d])),
            ref script => CoreLock::Script(CoreRedeemScript::from_script(Script::from_bytes(script))?),
        };
        Some(Self { chain, delegator, validator, fee, lock })
    }
}

impl CoreLiquidDelegation {
    /// Returns the data of the OP_RETURN output, 28 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        [&MAGIC[..], &[2], &self.chain.to_be_bytes(), &self.delegator, &[self.fee]].concat()
    }

    /// Reads data; `None` for another length, magic or version.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let mut fields = Fields(data);
        fields.magic(&MAGIC)?;
        fields.magic(&[2])?;
        let delegation = Self { chain: fields.be16()?, delegator: fields.array()?, fee: fields.byte()? };
        fields.end()?;
        Some(delegation)
    }
}

fn chain_name(chain: u16) -> Field {
    let name = match chain {
        1116 => "mainnet",
        1115 => "testnet",
        1112 => "devnet",
        _ => "unknown",
    };
    Field::text("network", name)
}

/// Core wants every OP_RETURN output of the transaction to be of its own.
fn others(transaction: &Transaction) -> Option<String> {
    let is_other = |script: &[u8]| {
        script.first() == Some(&OP_RETURN.to_u8())
            && !ReturnedData::read(script).is_some_and(|read| read.data.starts_with(&MAGIC))
    };
    let others = transaction.output.iter().filter(|output| is_other(output.script_pubkey.as_bytes()));
    let count = others.count();
    (count > 0)
        .then(|| format!("{count} other OP_RETURN outputs; Core wants every one to begin with \"SAT+\""))
}

/// Stakes of version 1.
pub(crate) struct Delegations;

impl MarkFormat for Delegations {
    fn name(&self) -> &'static str {
        "core_stake"
    }

    fn title(&self) -> &'static str {
        "stake of bitcoin on Core"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "with a redeem script: which output it locks, how much, until when and for whom, where its fields say so",
            may_not: "that Core accepted the stake; without a redeem script, that coins are locked",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        vec![b'S']
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place.is_other_output() && CoreDelegation::from_bytes(data).is_some()
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(stake) = CoreDelegation::from_bytes(data) else { return Vec::new() };
        let mut fields = vec![
            Field::number("core_chain_id", stake.chain),
            chain_name(stake.chain),
            Field::bytes("delegator", stake.delegator),
            Field::bytes("validator", stake.validator),
            Field::number("fee", stake.fee),
        ];
        match stake.lock {
            CoreLock::Script(script) => {
                fields.push(Field::number("unlock_time", script.lock_time));
                fields.push(Field::bytes("redeem_script", script.script().into_bytes()));
                fields.extend(owner(&script.owner));
            }
            CoreLock::Time(time) => fields.push(Field::number("unlock_time", time)),
            CoreLock::Untold => {}
        }
        fields
    }

    fn compare(&self, marks: &[&[u8]], transaction: &Transaction) -> Vec<Comparison> {
        let (others, outputs) = (others(transaction), by_script(transaction));
        let compare = |data: &&[u8]| {
            let (mut fields, mut notes) = (Vec::new(), Vec::from_iter(others.clone()));
            let lock = CoreDelegation::from_bytes(data).map(|stake| stake.lock);
            if let Some(CoreLock::Script(CoreRedeemScript { lock_time, .. }) | CoreLock::Time(lock_time)) =
                &lock
            {
                notes.extend(CoreRedeemScript::objection(*lock_time).map(str::to_owned));
            }
            if let Some(CoreLock::Script(script)) = lock {
                let mut outputs = script.outputs_among(&outputs);
                for output in outputs.by_ref().take(MOST_OUTPUTS) {
                    fields.push(Field::number("stake_output", output.index));
                    fields.push(Field::number("stake_sat", output.value.to_sat()));
                    fields.push(Field::text("stake_type", if output.is_segwit { "p2wsh" } else { "p2sh" }));
                }
                let more = outputs.count();
                if more > 0 {
                    notes.push(format!("{more} more outputs pay to the redeem script"));
                }
                if fields.is_empty() {
                    notes.push("no output pays to the redeem script".to_owned());
                }
            }
            Comparison { fields, notes }
        };
        marks.iter().map(compare).collect()
    }
}

fn owner(owner: &CoreOwner) -> Vec<Field> {
    match owner {
        CoreOwner::Key(key) => vec![Field::bytes("owner_key", key.clone())],
        CoreOwner::KeyHash(hash) => vec![Field::bytes("owner_key_hash", *hash)],
        CoreOwner::Keys { quorum, keys } => {
            let keys = keys.iter().map(|key| Field::bytes("owner_key", key.clone()));
            [Field::number("owner_quorum", *quorum)].into_iter().chain(keys).collect()
        }
    }
}

/// Stakes of version 2.
pub(crate) struct LiquidDelegations;

impl MarkFormat for LiquidDelegations {
    fn name(&self) -> &'static str {
        "core_liquid_stake"
    }

    fn title(&self) -> &'static str {
        "liquid stake of bitcoin on Core"
    }

    fn conclusions(&self) -> Conclusions {
        Conclusions {
            may: "which account the writer would have credited",
            may_not: "that coins are locked, or that Core credited it",
        }
    }

    fn first_bytes(&self) -> Vec<u8> {
        vec![b'S']
    }

    fn recognises(&self, data: &[u8], place: Place) -> bool {
        place.is_other_output() && CoreLiquidDelegation::from_bytes(data).is_some()
    }

    fn fields(&self, data: &[u8]) -> Vec<Field> {
        let Some(stake) = CoreLiquidDelegation::from_bytes(data) else { return Vec::new() };
        vec![
            Field::number("core_chain_id", stake.chain),
            chain_name(stake.chain),
            Field::bytes("delegator", stake.delegator),
            Field::number("fee", stake.fee),
        ]
    }

    fn compare(&self, marks: &[&[u8]], transaction: &Transaction) -> Vec<Comparison> {
        let notes = Vec::from_iter(others(transaction));
        vec![Comparison { fields: Vec::new(), notes }; marks.len()]
    }
}
