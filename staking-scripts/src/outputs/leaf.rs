//! The tapleaves: the scripts through which the outputs are spent.

use std::fmt;
use std::sync::Arc;

use bitcoin::secp256k1::constants::SCHNORR_SIGNATURE_SIZE;
use bitcoin::taproot::{ControlBlock, LeafVersion};
use bitcoin::transaction::InputWeightPrediction;
use bitcoin::{Script, ScriptBuf, TapLeafHash, Weight, XOnlyPublicKey};
use miniscript::{Miniscript, RelLockTime, Tap, Terminal, Threshold};

use crate::outputs::timelock::Timelock;

/// The longest script in bytes that is read in a witness: above a leaf of 1998 keys, the most that two
/// thresholds have.
pub(crate) const MAX_SCRIPT: usize = 70_000;

/// The weight of an unsatisfied input of a SegWit transaction: outpoint, nSequence, and the lengths of an
/// empty script and an empty witness.
pub(crate) const EMPTY_INPUT: Weight = Weight::from_wu(4 * (32 + 4 + 4 + 1) + 1);

/// The path through which an output is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpendPath {
    /// The path of the staker alone, after the timelock.
    Timelock,
    /// The path of the staker and a covenant quorum.
    Unbonding,
    /// The path of the staker, one finality provider and a covenant quorum.
    Slashing,
}

impl fmt::Display for SpendPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timelock => "timelock",
            Self::Unbonding => "unbonding",
            Self::Slashing => "slashing",
        })
    }
}

/// The keys, quorum and timelock of a leaf's script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafKeys {
    /// The timelock leaf: `<staker> CHECKSIGVERIFY <n> CSV`.
    Timelock {
        /// The staker's key.
        staker: XOnlyPublicKey,
        /// The timelock in blocks.
        timelock: Timelock,
    },
    /// The unbonding leaf: `<staker> CHECKSIGVERIFY <covenant M-of-N>`.
    Unbonding {
        /// The staker's key.
        staker: XOnlyPublicKey,
        /// The covenant members' keys, ascending.
        covenant: Vec<XOnlyPublicKey>,
        /// The number of members that must sign, exactly.
        quorum: u16,
    },
    /// The slashing leaf: `<staker> CHECKSIGVERIFY <one of the finality providers> <covenant M-of-N>`.
    Slashing {
        /// The staker's key.
        staker: XOnlyPublicKey,
        /// The finality providers' keys, ascending; exactly one must sign.
        finality_providers: Vec<XOnlyPublicKey>,
        /// The covenant members' keys, ascending.
        covenant: Vec<XOnlyPublicKey>,
        /// The number of members that must sign, exactly.
        quorum: u16,
    },
}

/// The script is not a leaf of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the script {0} is not a leaf of the staking protocol; must be a timelock, unbonding or slashing leaf"
)]
#[non_exhaustive]
pub struct UnknownLeaf(pub ScriptBuf);

impl LeafKeys {
    /// Reads a leaf's script. Only the protocol's own scripts are read, byte for byte.
    ///
    /// # Errors
    /// [`UnknownLeaf`] with the script.
    pub fn from_script(script: &Script) -> Result<Self, UnknownLeaf> {
        let unknown = || UnknownLeaf(script.to_owned());
        // Decoding takes some hundred times as much memory as the script.
        if script.len() > MAX_SCRIPT {
            return Err(unknown());
        }
        let miniscript = Miniscript::<XOnlyPublicKey, Tap>::decode(script).map_err(|_| unknown())?;
        let mut conditions = Vec::new();
        flatten(&miniscript, &mut conditions);
        let keys = match conditions.as_slice() {
            [Condition::Signature(staker), Condition::After(timelock)] => {
                Self::Timelock { staker: *staker, timelock: *timelock }
            }
            [Condition::Signature(staker), covenant] => {
                let (quorum, covenant) = covenant.threshold().ok_or_else(unknown)?;
                Self::Unbonding { staker: *staker, covenant, quorum }
            }
            [Condition::Signature(staker), provider, covenant] => {
                let (one, finality_providers) = provider.threshold().ok_or_else(unknown)?;
                let (quorum, covenant) = covenant.threshold().ok_or_else(unknown)?;
                if one != 1 {
                    return Err(unknown());
                }
                Self::Slashing { staker: *staker, finality_providers, covenant, quorum }
            }
            _ => return Err(unknown()),
        };
        let sorted = |keys: &[XOnlyPublicKey]| keys.is_sorted_by_key(XOnlyPublicKey::serialize);
        if !sorted(keys.finality_providers()) || !sorted(keys.covenant().0) {
            return Err(unknown());
        }
        // Serialized again, it must be the same bytes, number encodings and counts included.
        if keys.script().as_deref() == Some(script) { Ok(keys) } else { Err(unknown()) }
    }

    /// Returns the leaf as a miniscript. It is built from the keys and not from text, because reading a key
    /// costs a square root.
    pub(crate) fn miniscript(&self) -> Result<TapMiniscript, Unscriptable> {
        let staker = |rest| both(verify(key(*self.staker()))?, rest);
        match self {
            Self::Timelock { timelock, .. } => {
                let lock = RelLockTime::from_height(timelock.blocks());
                staker(from_ast(Terminal::Older(lock))?)
            }
            Self::Unbonding { covenant, quorum, .. } => staker(threshold(*quorum, covenant)?),
            Self::Slashing { finality_providers, covenant, quorum, .. } => {
                let provider = verify(threshold(1, finality_providers))?;
                both(staker(provider)?, threshold(*quorum, covenant)?)
            }
        }
    }

    pub(crate) fn script(&self) -> Option<ScriptBuf> {
        self.miniscript().ok().map(|miniscript| miniscript.encode())
    }

    /// Returns the spend path of this leaf.
    pub const fn path(&self) -> SpendPath {
        match self {
            Self::Timelock { .. } => SpendPath::Timelock,
            Self::Unbonding { .. } => SpendPath::Unbonding,
            Self::Slashing { .. } => SpendPath::Slashing,
        }
    }

    /// Returns the staker's key.
    pub const fn staker(&self) -> &XOnlyPublicKey {
        match self {
            Self::Timelock { staker, .. }
            | Self::Unbonding { staker, .. }
            | Self::Slashing { staker, .. } => staker,
        }
    }

    /// Returns the finality providers of which one must sign, ascending; empty but on the slashing path.
    pub fn finality_providers(&self) -> &[XOnlyPublicKey] {
        match self {
            Self::Slashing { finality_providers, .. } => finality_providers,
            Self::Timelock { .. } | Self::Unbonding { .. } => &[],
        }
    }

    /// Returns the covenant members, ascending, and the quorum; no members and 0 on the timelock path.
    pub fn covenant(&self) -> (&[XOnlyPublicKey], u16) {
        match self {
            Self::Timelock { .. } => (&[], 0),
            Self::Unbonding { covenant, quorum, .. } | Self::Slashing { covenant, quorum, .. } => {
                (covenant, *quorum)
            }
        }
    }

    /// Returns every key of the script, in its order. The witness has the signatures (or empty elements) in
    /// reverse order.
    pub fn in_script_order(&self) -> impl DoubleEndedIterator<Item = &XOnlyPublicKey> {
        [self.staker()].into_iter().chain(self.finality_providers()).chain(self.covenant().0)
    }
}

/// A leaf's script, with its keys.
pub(crate) type TapMiniscript = Miniscript<XOnlyPublicKey, Tap>;

/// The miniscript library's reason why there is no script.
pub(crate) type Unscriptable = String;

fn from_ast(node: Terminal<XOnlyPublicKey, Tap>) -> Result<TapMiniscript, Unscriptable> {
    Miniscript::from_ast(node).map_err(|e| e.to_string())
}

fn key(key: XOnlyPublicKey) -> Result<TapMiniscript, Unscriptable> {
    from_ast(Terminal::Check(Arc::new(from_ast(Terminal::PkK(key))?)))
}

fn verify(inner: Result<TapMiniscript, Unscriptable>) -> Result<TapMiniscript, Unscriptable> {
    from_ast(Terminal::Verify(Arc::new(inner?)))
}

fn both(left: TapMiniscript, right: TapMiniscript) -> Result<TapMiniscript, Unscriptable> {
    from_ast(Terminal::AndV(Arc::new(left), Arc::new(right)))
}

/// Returns `k` of `keys`, as the protocol has it: a single key without a count.
fn threshold(k: u16, keys: &[XOnlyPublicKey]) -> Result<TapMiniscript, Unscriptable> {
    match keys {
        [single] => key(*single),
        _ => {
            let threshold = Threshold::new(k.into(), keys.to_vec()).map_err(|e| e.to_string())?;
            from_ast(Terminal::MultiA(threshold))
        }
    }
}

/// One of the conditions of a leaf, in the order of its script.
enum Condition {
    Signature(XOnlyPublicKey),
    Threshold(u16, Vec<XOnlyPublicKey>),
    After(Timelock),
    Other,
}

impl Condition {
    fn threshold(&self) -> Option<(u16, Vec<XOnlyPublicKey>)> {
        match self {
            Self::Signature(key) => Some((1, vec![*key])),
            Self::Threshold(k, keys) => Some((*k, keys.clone())),
            Self::After(_) | Self::Other => None,
        }
    }
}

fn flatten(miniscript: &Miniscript<XOnlyPublicKey, Tap>, conditions: &mut Vec<Condition>) {
    match miniscript.as_inner() {
        Terminal::AndV(left, right) => {
            flatten(left, conditions);
            flatten(right, conditions);
        }
        Terminal::Verify(inner) => flatten(inner, conditions),
        Terminal::Check(inner) => conditions.push(match inner.as_inner() {
            Terminal::PkK(key) => Condition::Signature(*key),
            _ => Condition::Other,
        }),
        Terminal::MultiA(threshold) => conditions.push(match u16::try_from(threshold.k()) {
            Ok(k) => Condition::Threshold(k, threshold.iter().copied().collect()),
            Err(_) => Condition::Other,
        }),
        Terminal::Older(lock) => conditions.push(match Timelock::from_blocks(lock.to_consensus_u32()) {
            Ok(timelock) => Condition::After(timelock),
            Err(_) => Condition::Other,
        }),
        _ => conditions.push(Condition::Other),
    }
}

/// One leaf of an output: keys, script and control block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The keys, quorum and timelock of the script.
    pub keys: LeafKeys,
    /// The script.
    pub script: ScriptBuf,
    /// The control block that proves the script to be in the output (BIP-341).
    pub control_block: ControlBlock,
}

impl Leaf {
    /// Returns the tapleaf hash (BIP-341), which every signature through the leaf commits to.
    pub fn hash(&self) -> TapLeafHash {
        TapLeafHash::from_script(&self.script, LeafVersion::TapScript)
    }
}

/// Returns the weight of an input that spends through `leaf` with exactly the signatures that its script
/// takes.
pub(crate) fn leaf_input_weight(leaf: &Leaf) -> Option<Weight> {
    let (covenant, quorum) = leaf.keys.covenant();
    let providers = leaf.keys.finality_providers().len();
    let signatures = usize::from(quorum).saturating_add(1).saturating_add(providers.min(1));
    let places = covenant.len().saturating_add(1).saturating_add(providers);
    let absent = places.saturating_sub(signatures);
    let elements = std::iter::repeat_n(SCHNORR_SIGNATURE_SIZE, signatures)
        .chain(std::iter::repeat_n(0, absent))
        .chain([leaf.script.len(), leaf.control_block.serialize().len()]);
    let witness = InputWeightPrediction::new(0, elements).weight();
    // The prediction counts the empty script's length, as the empty input does, and the witness count.
    EMPTY_INPUT.checked_add(witness)?.checked_sub(Weight::from_wu(5))
}
