//! The place of a leaf in the script tree of an output of the protocol: its depth, and the hashes beside it.
//!
//! Other protocols use the NUMS internal key too, and Ark and vaults have the leaf `<A> CHECKSIGVERIFY <B>
//! CHECKSIG`, which is an unbonding leaf of a committee of one. Their trees are others: beside an unbonding
//! leaf, and beside a slashing leaf, a stake has the timelock leaf of the same staker.

use bitcoin::opcodes::all::{OP_CHECKSIGVERIFY, OP_CSV};
use bitcoin::script::Builder;
use bitcoin::taproot::{ControlBlock, LeafVersion, TapNodeHash};
use bitcoin::{ScriptBuf, XOnlyPublicKey};

use crate::outputs::committee::CovenantCommittee;
use crate::outputs::leaf::{LeafKeys, SpendPath};
use crate::outputs::output::NUMS_INTERNAL_KEY;
use crate::outputs::timelock::Timelock;

/// An output of the protocol that a leaf can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafOutput {
    Staking,
    Unbonding,
    SlashingRefund,
}

/// The place of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeafPlace {
    /// The output that has such a tree.
    pub(crate) output: LeafOutput,
    /// That output's timelock.
    pub(crate) timelock: Timelock,
    /// The hashes beside the way from the leaf to the root.
    siblings: Vec<TapNodeHash>,
}

impl LeafPlace {
    /// Returns whether a control block shows this place.
    pub(crate) fn is_of(&self, control_block: &ControlBlock) -> bool {
        self.siblings == control_block.merkle_branch.as_slice()
    }

    /// Returns whether a leaf may be of a stake of one of these committees: its own committee is one of them,
    /// or, of a staking output's timelock leaf, the unbonding leaf of one is beside it. The timelock leaf of
    /// another output tells no committee.
    pub(crate) fn is_of_committees(&self, keys: &LeafKeys, known: &[&CovenantCommittee]) -> bool {
        let staker = *keys.staker();
        let unbonding =
            |covenant: Vec<XOnlyPublicKey>, quorum| LeafKeys::Unbonding { staker, covenant, quorum }.script();
        known.iter().any(|committee| {
            let own = unbonding(committee.members().to_vec(), committee.quorum());
            match (keys, self.siblings.as_slice()) {
                (LeafKeys::Timelock { .. }, [sibling, _]) => {
                    own.is_some_and(|it| TapNodeHash::from_script(&it, LeafVersion::TapScript) == *sibling)
                }
                (LeafKeys::Timelock { .. }, _) => true,
                (LeafKeys::Unbonding { .. } | LeafKeys::Slashing { .. }, _) => {
                    let (members, quorum) = keys.covenant();
                    own.is_some() && own == unbonding(members.to_vec(), quorum)
                }
            }
        })
    }
}

/// Returns whether an output of the protocol has a leaf of this kind at the depth of its control block: the
/// unbonding leaf at 2, the slashing leaf at 1, the timelock leaf at 0 to 2; and the NUMS internal key.
pub(crate) fn is_at_its_depth(keys: &LeafKeys, control_block: &ControlBlock) -> bool {
    let depth = control_block.merkle_branch.len();
    is_nums_tapscript(control_block)
        && match keys.path() {
            SpendPath::Timelock => depth <= 2,
            SpendPath::Unbonding => depth == 2,
            SpendPath::Slashing => depth == 1,
        }
}

/// Returns whether a control block is of a tapscript under the NUMS internal key, as all of the protocol's
/// are.
pub(crate) fn is_nums_tapscript(control_block: &ControlBlock) -> bool {
    control_block.leaf_version == LeafVersion::TapScript
        && control_block.internal_key.to_string() == NUMS_INTERNAL_KEY
}

/// How many times all timelocks are tried for the leaves of one transaction. One with many stakes has few
/// timelocks, which are found once; other trees must not cost a search for each of thousands of inputs.
const MOST_SEARCHES: usize = 4;

/// The timelocks of mainnet's stakes, which are tried first.
const COMMON: [u16; 3] = [64_000, 301, 1008];

/// Finds the places of the leaves of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Places {
    found: Vec<Timelock>,
    searches: usize,
}

impl Places {
    /// Returns the place of a leaf; `None` when no output of the protocol has the leaf there.
    ///
    /// A hash beside the leaf is checked where it can be computed: that of the timelock leaf, whose one
    /// unknown is a number of 16 bits, and of its branch with the unbonding leaf. The slashing leaf beside
    /// others has finality providers that they do not reveal.
    pub(crate) fn of(&mut self, keys: &LeafKeys, control_block: &ControlBlock) -> Option<LeafPlace> {
        if !is_at_its_depth(keys, control_block) {
            return None;
        }
        let siblings = control_block.merkle_branch.as_slice();
        let (output, timelock) = match (keys, siblings) {
            (LeafKeys::Timelock { timelock, .. }, []) => (LeafOutput::SlashingRefund, *timelock),
            (LeafKeys::Timelock { timelock, .. }, [_slashing]) => (LeafOutput::Unbonding, *timelock),
            (LeafKeys::Timelock { timelock, .. }, _) => (LeafOutput::Staking, *timelock),
            (LeafKeys::Unbonding { staker, .. }, [sibling, ..]) => {
                self.search(staker, |leaf| (leaf == *sibling).then_some(LeafOutput::Staking))?
            }
            (LeafKeys::Slashing { staker, covenant, quorum, .. }, [sibling]) => {
                let (staker, covenant, quorum) = (*staker, covenant.clone(), *quorum);
                let unbonding = LeafKeys::Unbonding { staker, covenant, quorum }.script()?;
                let unbonding = TapNodeHash::from_script(&unbonding, LeafVersion::TapScript);
                self.search(&staker, |leaf| {
                    if leaf == *sibling {
                        return Some(LeafOutput::Unbonding);
                    }
                    let branch = TapNodeHash::from_node_hashes(unbonding, leaf);
                    (branch == *sibling).then_some(LeafOutput::Staking)
                })?
            }
            _ => return None,
        };
        Some(LeafPlace { output, timelock, siblings: siblings.to_vec() })
    }

    /// Returns the timelock, and the output, for which the hash of the staker's timelock leaf is right.
    fn search(
        &mut self,
        staker: &XOnlyPublicKey,
        is_right: impl Fn(TapNodeHash) -> Option<LeafOutput>,
    ) -> Option<(LeafOutput, Timelock)> {
        let try_one = |timelock: Timelock| {
            let script = timelock_script(staker, timelock);
            let output = is_right(TapNodeHash::from_script(&script, LeafVersion::TapScript))?;
            Some((output, timelock))
        };
        if let Some(right) = self.found.iter().copied().find_map(try_one) {
            return Some(right);
        }
        if self.searches == MOST_SEARCHES {
            return None;
        }
        self.searches = self.searches.saturating_add(1);
        let blocks = COMMON.into_iter().chain(1..=u16::MAX).map(u32::from);
        let right = blocks.filter_map(|blocks| Timelock::from_blocks(blocks).ok()).find_map(try_one)?;
        self.found.push(right.1);
        Some(right)
    }
}

/// Returns the script of the timelock leaf, in a tenth of the time that miniscript takes to encode it: a
/// search makes thousands. A test compares the two.
pub(crate) fn timelock_script(staker: &XOnlyPublicKey, timelock: Timelock) -> ScriptBuf {
    Builder::new()
        .push_x_only_key(staker)
        .push_opcode(OP_CHECKSIGVERIFY)
        .push_int(timelock.blocks().into())
        .push_opcode(OP_CSV)
        .into_script()
}
