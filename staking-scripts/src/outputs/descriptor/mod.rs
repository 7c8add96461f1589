//! Parsing of descriptors: which output of the protocol it is, with which keys.

mod error;
mod key;
mod text;

use std::str::FromStr;

use bitcoin::XOnlyPublicKey;
use bitcoin::taproot::{LeafVersion, TapTree};
use miniscript::descriptor::Tr;
use miniscript::expression::{Parens, Tree, TreeIterItem};

pub use self::error::DescriptorError;
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::leaf::LeafKeys;
use crate::outputs::output::{
    NUMS_INTERNAL_KEY, SlashingRefundOutput, StakingOutput, TaprootOutput, UnbondingOutput,
};
use crate::outputs::parties::Parties;
use crate::outputs::timelock::Timelock;

/// The largest number of leaves that an output has.
const MOST_LEAVES: usize = 3;

/// An output of the protocol: staking, unbonding or slashing refund.
///
/// It is parsed from a descriptor ([`TaprootOutput::descriptor`]), with its checksum or without. The tree
/// alone determines which output it is: a staking output has the three leaves
/// `{slashing,{unbonding,timelock}}`, an unbonding output the two leaves `{slashing,timelock}`, a slashing
/// refund output the one leaf `timelock`.
///
/// A descriptor is read only when its script pubkey is that of one of these outputs; some other spellings of
/// the same script are refused. The two sides of a branch may be swapped, as Taproot sorts them (BIP-341);
/// `and_v` may nest in either way, and `pk(KEY)` be spelled out as `c:pk_k(KEY)`, as the script is the same.
///
/// A key may have its origin before it (`[FINGERPRINT/PATH]KEY`, BIP-380), be compressed instead of x-only,
/// or be one child of an extended public key (`xpub…/0/3`): the script has its x coordinate alone. Not read
/// are keys that stand for many (`*`, `<0;1>`), hardened steps after an extended key, and secret keys.
///
/// Keys of `multi_a` in another order than the ascending one make another script, and are refused;
/// `sortedmulti_a` (BIP-387) of several keys is the ascending `multi_a`, however they are listed. A script
/// has the finality providers ascending and not in the order that the staker gave, so they are ascending in
/// an output that is read.
///
/// ```
/// use staking_scripts::outputs::{ProtocolOutput, SlashingRefundOutput, Timelock};
///
/// let staker = "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766".parse()?;
/// let refund = SlashingRefundOutput::new(staker, Timelock::from_blocks(1008)?)?;
/// let text = refund.taproot().descriptor().to_string();
/// assert_eq!(text.parse(), Ok(ProtocolOutput::SlashingRefund(refund)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtocolOutput {
    /// The output that locks a stake.
    Staking(StakingOutput),
    /// The output that locks an unbonding stake for the unbonding time.
    Unbonding(UnbondingOutput),
    /// The output that returns to the staker what slashing left.
    SlashingRefund(SlashingRefundOutput),
}

impl ProtocolOutput {
    /// Returns which output it is, in lower case.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Staking(_) => "staking",
            Self::Unbonding(_) => "unbonding",
            Self::SlashingRefund(_) => "slashing-refund",
        }
    }

    /// Returns the Taproot output: script, address, descriptor and leaves.
    pub const fn taproot(&self) -> &TaprootOutput {
        match self {
            Self::Staking(output) => output.taproot(),
            Self::Unbonding(output) => output.taproot(),
            Self::SlashingRefund(output) => output.taproot(),
        }
    }

    /// Returns the parties; `None` for a slashing refund output, which is the staker's alone.
    pub const fn parties(&self) -> Option<&Parties> {
        match self {
            Self::Staking(output) => Some(output.parties()),
            Self::Unbonding(output) => Some(output.parties()),
            Self::SlashingRefund(_) => None,
        }
    }

    /// Returns the staker's key.
    pub const fn staker(&self) -> &XOnlyPublicKey {
        match self {
            Self::Staking(output) => output.parties().staker(),
            Self::Unbonding(output) => output.parties().staker(),
            Self::SlashingRefund(output) => output.staker(),
        }
    }

    /// Returns the number of blocks after which the staker alone can spend it.
    pub const fn timelock(&self) -> Timelock {
        match self {
            Self::Staking(output) => output.staking_time(),
            Self::Unbonding(output) => output.unbonding_time(),
            Self::SlashingRefund(output) => output.unbonding_time(),
        }
    }
}

impl FromStr for ProtocolOutput {
    type Err = DescriptorError;

    fn from_str(text: &str) -> Result<Self, DescriptorError> {
        let tree = Tree::from_str(text).map_err(|error| DescriptorError::of_form(&error))?;
        let output = Self::of_leaves(leaves(script_tree(tree.root())?)?)?;
        // The miniscript library, which does not know `sortedmulti_a`, parses the whole text again: it must
        // be the same output.
        let miniscript = |reason: &dyn ToString| DescriptorError::Miniscript(reason.to_string());
        let plain = text::plain(tree.root());
        let written: Tr<XOnlyPublicKey> = plain.parse().map_err(|error| miniscript(&error))?;
        if written.script_pubkey() == output.taproot().script_pubkey() {
            Ok(output)
        } else {
            Err(miniscript(&"they make another output"))
        }
    }
}

/// Returns the script tree of `tr(KEY,TREE)` with the NUMS internal key.
fn script_tree(root: TreeIterItem<'_>) -> Result<TreeIterItem<'_>, DescriptorError> {
    if root.name() != "tr" || root.parens() != Parens::Round {
        return Err(DescriptorError::NotTaproot);
    }
    let mut children = root.children();
    let (internal, tree) = (children.next().ok_or(DescriptorError::NotTaproot)?, children.next());
    let internal = text::key(internal)?;
    if internal.to_string() != NUMS_INTERNAL_KEY {
        return Err(DescriptorError::InternalKey(internal));
    }
    match (tree, children.next()) {
        (Some(tree), None) => Ok(tree),
        (None, _) => Err(DescriptorError::NoTree),
        (Some(_), Some(_)) => Err(DescriptorError::NotTaproot),
    }
}

/// Returns every leaf with its depth, by depth and then by spend path.
fn leaves(tree: TreeIterItem<'_>) -> Result<Vec<(usize, LeafKeys)>, DescriptorError> {
    let mut nodes = Vec::new();
    let mut unseen = vec![(0_usize, tree)];
    while let Some((depth, node)) = unseen.pop() {
        if node.parens() != Parens::Curly || !node.name().is_empty() {
            nodes.push((depth, node));
            continue;
        }
        let sides = node.n_children();
        if sides != 2 {
            return Err(DescriptorError::Branch { position: node.name_pos(), sides });
        }
        unseen.extend(node.children().map(|child| (depth.saturating_add(1), child)));
    }
    if nodes.len() > MOST_LEAVES {
        return Err(DescriptorError::TooManyLeaves(nodes.len()));
    }
    let read = |(depth, node)| text::leaf(node).map(|leaf| (depth, leaf));
    let mut leaves = nodes.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    leaves.sort_by_key(|(depth, leaf)| (*depth, leaf.path()));
    Ok(leaves)
}

/// Returns the parties of a slashing leaf, the one leaf with all of their keys.
fn parties(
    staker: XOnlyPublicKey,
    finality_providers: &[XOnlyPublicKey],
    (covenant, quorum): (&[XOnlyPublicKey], u16),
) -> Result<Parties, DescriptorError> {
    let covenant = CovenantCommittee::new(covenant.iter().copied(), quorum)?;
    Ok(Parties::new(staker, finality_providers.iter().copied(), covenant)?)
}

impl ProtocolOutput {
    /// Returns the output that a PSBT describes by its script tree. The caller compares the script pubkey.
    pub(crate) fn of_tree(tree: &TapTree) -> Option<Self> {
        let mut leaves = Vec::with_capacity(MOST_LEAVES);
        for leaf in tree.script_leaves() {
            if leaves.len() == MOST_LEAVES || leaf.version() != LeafVersion::TapScript {
                return None;
            }
            leaves.push((leaf.merkle_branch().len(), LeafKeys::from_script(leaf.script()).ok()?));
        }
        leaves.sort_by_key(|(depth, leaf)| (*depth, leaf.path()));
        Self::of_leaves(leaves).ok()
    }

    fn of_leaves(leaves: Vec<(usize, LeafKeys)>) -> Result<Self, DescriptorError> {
        let stakers = || leaves.iter().map(|(_, leaf)| *leaf.staker());
        let other_staker = || stakers().zip(stakers().skip(1)).find(|(first, second)| first != second);
        if let Some((first, second)) = other_staker() {
            return Err(DescriptorError::Stakers(first, second));
        }
        match leaves.as_slice() {
            [(0, LeafKeys::Timelock { staker, timelock })] => {
                Ok(Self::SlashingRefund(SlashingRefundOutput::new(*staker, *timelock)?))
            }
            [(1, LeafKeys::Timelock { staker, timelock }), (1, slashing @ LeafKeys::Slashing { .. })] => {
                let parties = parties(*staker, slashing.finality_providers(), slashing.covenant())?;
                Ok(Self::Unbonding(UnbondingOutput::new(parties, *timelock)?))
            }
            [
                (1, slashing @ LeafKeys::Slashing { .. }),
                (2, LeafKeys::Timelock { staker, timelock }),
                (2, unbonding @ LeafKeys::Unbonding { .. }),
            ] => {
                if slashing.covenant() != unbonding.covenant() {
                    return Err(DescriptorError::Committees);
                }
                let parties = parties(*staker, slashing.finality_providers(), slashing.covenant())?;
                Ok(Self::Staking(StakingOutput::new(parties, *timelock)?))
            }
            other => {
                let places = other.iter().map(|(depth, leaf)| format!("{} at depth {depth}", leaf.path()));
                Err(DescriptorError::Shape(places.collect::<Vec<_>>().join(", ")))
            }
        }
    }
}
