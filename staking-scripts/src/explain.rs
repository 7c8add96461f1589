//! Reading a transaction back: what it is in this protocol, by the leaf its witness reveals, never by position.

use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::script::Instruction;
use bitcoin::taproot::{ControlBlock, LeafVersion};
use bitcoin::{Amount, OutPoint, Script, Transaction, TxIn, TxOut, Txid, XOnlyPublicKey};

use crate::leaf::{LeafKeys, Path};
use crate::outputs::INTERNAL_KEY;

/// What a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionKind {
    /// It pays to a staking output and says so (a phase-1 stake, with its OP_RETURN).
    Stake,
    /// Its one input spends a staking output through the unbonding path, into one output.
    Unbonding,
    /// Its first input spends a staking output through the unbonding path, beside a second one that funds the new stake.
    Extension,
    /// Its one input spends a staking or unbonding output through the slashing path, into two outputs.
    Slashing,
    /// It spends one or more matured outputs through the timelock path, and none through another.
    Withdrawal,
    /// Nothing in it shows the protocol, or it spends the protocol's outputs in a shape that the protocol does not have: then the paths
    /// are named all the same. A staking output cannot be told from any other Taproot output until it is spent.
    Unknown,
}

impl TransactionKind {
    /// The kind as one lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stake => "stake",
            Self::Unbonding => "unbonding",
            Self::Extension => "extension",
            Self::Slashing => "slashing",
            Self::Withdrawal => "withdrawal",
            Self::Unknown => "unknown",
        }
    }
}

/// A leaf that an input reveals, and who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentLeaf {
    /// Which input.
    pub input: usize,
    /// What it spends.
    pub outpoint: OutPoint,
    /// What the leaf demands.
    pub keys: LeafKeys,
    /// The finality providers whose signatures are there: one, in a transaction that a node takes.
    pub provider_signers: Vec<XOnlyPublicKey>,
    /// The covenant members whose signatures are there, ascending.
    pub covenant_signers: Vec<XOnlyPublicKey>,
}

/// What a phase-1 stake says in its OP_RETURN output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StakeAnnouncement {
    /// The network's tag.
    pub tag: [u8; 4],
    /// The staker.
    pub staker: XOnlyPublicKey,
    /// The finality provider.
    pub finality_provider: XOnlyPublicKey,
    /// The staking time in blocks.
    pub staking_time_blocks: u16,
}

/// What a transaction is in this protocol. Signatures are taken from the places the script gives them; whether they verify is the
/// chain's judgement, and needs the outputs spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Its id.
    pub txid: Txid,
    /// What it is.
    pub kind: TransactionKind,
    /// The protocol's leaves that its inputs reveal.
    pub spent: Vec<SpentLeaf>,
    /// What it says if it is a phase-1 stake.
    pub announcement: Option<StakeAnnouncement>,
    /// The sum of its outputs.
    pub paid: Amount,
}

/// Explains a transaction. Anything can be explained; what is not of this protocol is [`TransactionKind::Unknown`].
pub fn explain(transaction: &Transaction) -> Explanation {
    let spent: Vec<_> =
        transaction.input.iter().enumerate().filter_map(|(index, input)| spent_leaf(index, input)).collect();
    let announcement = announcement(&transaction.output);
    let paths: Vec<_> = spent.iter().map(|leaf| (leaf.input, leaf.keys.path())).collect();
    let kind = match (paths.as_slice(), transaction.input.len(), transaction.output.len()) {
        ([], _, _) if announcement.is_some() => TransactionKind::Stake,
        ([(0, Path::Unbonding)], 1, 1) => TransactionKind::Unbonding,
        ([(0, Path::Unbonding)], 2, _) => TransactionKind::Extension,
        ([(0, Path::Slashing)], 1, 2) => TransactionKind::Slashing,
        // The staker alone decides what else goes into a withdrawal.
        ([_, ..], _, _) if paths.iter().all(|(_, path)| *path == Path::Timelock) => TransactionKind::Withdrawal,
        _ => TransactionKind::Unknown,
    };
    let paid = transaction.output.iter().try_fold(Amount::ZERO, |sum, out| sum.checked_add(out.value));
    Explanation { txid: transaction.compute_txid(), kind, spent, announcement, paid: paid.unwrap_or(Amount::MAX) }
}

fn spent_leaf(index: usize, input: &TxIn) -> Option<SpentLeaf> {
    // An annex would stand last in the witness (BIP-341); the library tells it from the control block.
    let leaf = input.witness.taproot_leaf_script().filter(|leaf| leaf.version == LeafVersion::TapScript)?;
    let keys = LeafKeys::from_script(leaf.script).ok()?;
    let mut elements: Vec<_> = input.witness.iter().collect();
    if input.witness.taproot_annex().is_some() {
        elements.pop();
    }
    let [places @ .., _, control_block] = elements.as_slice() else { return None };
    let control_block = ControlBlock::decode(control_block).ok()?;
    if control_block.internal_key.to_string() != INTERNAL_KEY {
        return None;
    }
    let in_order: Vec<_> = keys.in_script_order().copied().collect();
    if places.len() != in_order.len() {
        return None;
    }
    let signed: Vec<_> =
        in_order.iter().zip(places.iter().rev()).filter(|(_, place)| !place.is_empty()).map(|(key, _)| *key).collect();
    let among = |keys: &[XOnlyPublicKey]| keys.iter().filter(|key| signed.contains(key)).copied().collect::<Vec<_>>();
    let (provider_signers, covenant_signers) = (among(keys.finality_providers()), among(keys.covenant().0));
    Some(SpentLeaf { input: index, outpoint: input.previous_output, keys, provider_signers, covenant_signers })
}

/// The announcement of a phase-1 stake; `None` when there is none, or more than one, which makes it invalid.
fn announcement(outputs: &[TxOut]) -> Option<StakeAnnouncement> {
    let mut found = outputs.iter().filter_map(|output| parse_announcement(&output.script_pubkey));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// `OP_RETURN <tag(4) ‖ version 00 ‖ staker(32) ‖ finality provider(32) ‖ BE16(staking time)>`
fn parse_announcement(script: &Script) -> Option<StakeAnnouncement> {
    let mut instructions = script.instructions();
    let (Instruction::Op(OP_RETURN), Instruction::PushBytes(data)) =
        (instructions.next()?.ok()?, instructions.next()?.ok()?)
    else {
        return None;
    };
    let (tag, rest) = data.as_bytes().split_first_chunk::<4>()?;
    let (version, rest) = rest.split_first()?;
    let (staker, rest) = rest.split_first_chunk::<32>()?;
    let (provider, rest) = rest.split_first_chunk::<32>()?;
    let time: [u8; 2] = rest.try_into().ok()?;
    if *version != 0 || instructions.next().is_some() {
        return None;
    }
    Some(StakeAnnouncement {
        tag: *tag,
        staker: XOnlyPublicKey::from_slice(staker).ok()?,
        finality_provider: XOnlyPublicKey::from_slice(provider).ok()?,
        staking_time_blocks: u16::from_be_bytes(time),
    })
}
