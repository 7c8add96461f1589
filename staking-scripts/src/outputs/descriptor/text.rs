//! The parts of a descriptor's text: keys, numbers, leaves.

use bitcoin::XOnlyPublicKey;
use miniscript::expression::{Parens, TreeIterItem, parse_num};

use super::error::DescriptorError;
use super::key;
use crate::outputs::leaf::LeafKeys;
use crate::outputs::timelock::Timelock;

/// The bits of an nSequence that disable the timelock, and make it count time instead of blocks (BIP-68).
const DISABLED: u32 = 1 << 31;
const IN_TIME: u32 = 1 << 22;

/// One of the conditions of a leaf, in the order of its script.
enum Condition {
    Key(XOnlyPublicKey),
    Threshold { position: usize, k: u16, keys: Vec<XOnlyPublicKey> },
    After(Timelock),
}

impl Condition {
    /// Returns the number of signatures and the keys.
    fn threshold(self, leaf: usize) -> Result<(u16, Vec<XOnlyPublicKey>), DescriptorError> {
        match self {
            Self::Key(key) => Ok((1, vec![key])),
            Self::Threshold { position, keys, .. } if keys.len() < 2 => {
                Err(DescriptorError::LoneKey(position))
            }
            Self::Threshold { k, keys, .. } => Ok((k, keys)),
            Self::After(_) => Err(DescriptorError::Leaf(leaf)),
        }
    }
}

/// Parses a key.
pub(super) fn key(node: TreeIterItem<'_>) -> Result<XOnlyPublicKey, DescriptorError> {
    let read = match node.parens() {
        Parens::None => key::read(node.name()),
        _ => Err("it is an expression"),
    };
    read.map_err(|reason| DescriptorError::Key { position: node.name_pos(), reason })
}

fn number(node: TreeIterItem<'_>, most: u32) -> Result<u32, DescriptorError> {
    let number = if node.parens() == Parens::None { parse_num(node.name()).ok() } else { None };
    let error = DescriptorError::Number { position: node.name_pos(), most };
    number.filter(|number| *number <= most).ok_or(error)
}

fn timelock(node: TreeIterItem<'_>) -> Result<Timelock, DescriptorError> {
    match number(node, u32::MAX)? {
        time if time & DISABLED == 0 && time & IN_TIME != 0 => Err(DescriptorError::TimelockInTime(time)),
        blocks => Ok(Timelock::from_blocks(blocks)?),
    }
}

/// Collects the conditions of a leaf in their order. Nested `and_v` make one script however they are nested.
/// The types of the fragments (a missing `v:`) are not checked here: the miniscript library checks them at
/// the end.
fn parts(node: TreeIterItem<'_>, leaf: usize, found: &mut Vec<Condition>) -> Result<(), DescriptorError> {
    let unknown = DescriptorError::Leaf(leaf);
    if node.parens() != Parens::Round {
        return Err(unknown);
    }
    let mut children = node.children();
    match (node.name(), node.n_children()) {
        ("and_v", 2) => {
            for child in children {
                parts(child, leaf, found)?;
            }
        }
        ("pk" | "v:pk" | "c:pk_k" | "vc:pk_k", 1) => {
            for child in children {
                found.push(Condition::Key(key(child)?));
            }
        }
        ("older", 1) => {
            for child in children {
                found.push(Condition::After(timelock(child)?));
            }
        }
        ("multi_a" | "v:multi_a" | "sortedmulti_a" | "v:sortedmulti_a", _) => {
            let most = u16::MAX;
            let k = number(children.next().ok_or(unknown)?, u32::from(most))?;
            let position = node.name_pos();
            let mut keys = children.map(key).collect::<Result<Vec<_>, _>>()?;
            if is_sorted_multi(node) {
                keys.sort_by_key(XOnlyPublicKey::serialize);
            }
            found.push(Condition::Threshold { position, k: u16::try_from(k).unwrap_or(most), keys });
        }
        _ => return Err(unknown),
    }
    Ok(())
}

/// Returns whether it is a threshold whose script has the keys ascending, however they are listed (BIP-387):
/// the protocol's order, so that of several keys it is the protocol's script.
fn is_sorted_multi(node: TreeIterItem<'_>) -> bool {
    matches!(node.name(), "sortedmulti_a" | "v:sortedmulti_a")
}

/// Writes an expression that was parsed, without a checksum: its keys x-only and without their origins,
/// `sortedmulti_a` as the `multi_a` that it means.
pub(super) fn plain(node: TreeIterItem<'_>) -> String {
    let mut children: Vec<_> = node.children().map(plain).collect();
    let mut name = node.name().to_owned();
    if is_sorted_multi(node) {
        name = name.replace("sortedmulti_a", "multi_a");
        // Lower-case hex is in the order of the bytes.
        children.get_mut(1..).unwrap_or_default().sort();
    }
    match node.parens() {
        Parens::None => key(node).map_or(name, |key| key.to_string()),
        Parens::Round => format!("{name}({})", children.join(",")),
        Parens::Curly => format!("{name}{{{}}}", children.join(",")),
    }
}

/// Returns the first key that is below the one before it.
fn out_of_order(keys: &[XOnlyPublicKey]) -> Option<XOnlyPublicKey> {
    let mut pairs = keys.iter().zip(keys.iter().skip(1));
    pairs.find(|(earlier, later)| earlier.serialize() > later.serialize()).map(|(_, later)| *later)
}

fn sorted(
    keys: Vec<XOnlyPublicKey>,
    unsorted: fn(XOnlyPublicKey) -> DescriptorError,
) -> Result<Vec<XOnlyPublicKey>, DescriptorError> {
    match out_of_order(&keys) {
        Some(key) => Err(unsorted(key)),
        None => Ok(keys),
    }
}

/// Parses a leaf.
pub(super) fn leaf(node: TreeIterItem<'_>) -> Result<LeafKeys, DescriptorError> {
    let position = node.name_pos();
    let mut found = Vec::new();
    parts(node, position, &mut found)?;
    let mut found = found.into_iter();
    match (found.next(), found.next(), found.next(), found.next()) {
        (Some(Condition::Key(staker)), Some(Condition::After(timelock)), None, _) => {
            Ok(LeafKeys::Timelock { staker, timelock })
        }
        (Some(Condition::Key(staker)), Some(covenant), None, _) => {
            let (quorum, covenant) = covenant.threshold(position)?;
            let covenant = sorted(covenant, DescriptorError::UnsortedCovenant)?;
            Ok(LeafKeys::Unbonding { staker, covenant, quorum })
        }
        (Some(Condition::Key(staker)), Some(providers), Some(covenant), None) => {
            let (one, finality_providers) = providers.threshold(position)?;
            if one != 1 {
                return Err(DescriptorError::ProviderThreshold(one));
            }
            let finality_providers = sorted(finality_providers, DescriptorError::UnsortedProviders)?;
            let (quorum, covenant) = covenant.threshold(position)?;
            let covenant = sorted(covenant, DescriptorError::UnsortedCovenant)?;
            Ok(LeafKeys::Slashing { staker, finality_providers, covenant, quorum })
        }
        _ => Err(DescriptorError::Leaf(position)),
    }
}
