//! The leaves: the scripts through which the outputs are spent.

use std::fmt;
use std::sync::Arc;

use bitcoin::secp256k1::constants::SCHNORR_SIGNATURE_SIZE;
use bitcoin::taproot::{ControlBlock, LeafVersion};
use bitcoin::transaction::InputWeightPrediction;
use bitcoin::{Script, ScriptBuf, TapLeafHash, Weight, XOnlyPublicKey};
use miniscript::{Miniscript, RelLockTime, Tap, Terminal, Threshold};

use crate::outputs::timelock::Timelock;

/// The longest script that is read in a witness: a leaf of 1998 keys, the most that two thresholds may have,
/// and a little.
pub(crate) const MAX_SCRIPT: usize = 70_000;

/// An unsatisfied input of a segregated witness transaction: outpoint, sequence, and the counts of an empty
/// script and an empty witness.
pub(crate) const EMPTY_INPUT: Weight = Weight::from_wu(4 * (32 + 4 + 4 + 1) + 1);

/// The path through which an output is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpendPath {
    /// By the staker alone, after the timelock.
    Timelock,
    /// By the staker and a covenant quorum.
    Unbonding,
    /// By the staker, one finality provider and a covenant quorum.
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

/// What a leaf's script demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafKeys {
    /// `<staker> CHECKSIGVERIFY <n> CSV`
    Timelock {
        /// Who signs.
        staker: XOnlyPublicKey,
        /// After how many blocks.
        timelock: Timelock,
    },
    /// `<staker> CHECKSIGVERIFY <covenant M-of-N>`
    Unbonding {
        /// Who signs,
        staker: XOnlyPublicKey,
        /// with members of these, ascending,
        covenant: Vec<XOnlyPublicKey>,
        /// exactly this many.
        quorum: u16,
    },
    /// `<staker> CHECKSIGVERIFY <one of the finality providers> <covenant M-of-N>`
    Slashing {
        /// Who signs,
        staker: XOnlyPublicKey,
        /// with exactly one of these, ascending,
        finality_providers: Vec<XOnlyPublicKey>,
        /// with members of these, ascending,
        covenant: Vec<XOnlyPublicKey>,
        /// exactly this many.
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
    /// Reads a leaf's script. Exactly the protocol's scripts are read, and nothing that is almost one.
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
        let mut parts = Vec::new();
        flatten(&miniscript, &mut parts);
        let keys = match parts.as_slice() {
            [Part::Signature(staker), Part::After(timelock)] => {
                Self::Timelock { staker: *staker, timelock: *timelock }
            }
            [Part::Signature(staker), covenant] => {
                let (quorum, covenant) = covenant.threshold().ok_or_else(unknown)?;
                Self::Unbonding { staker: *staker, covenant, quorum }
            }
            [Part::Signature(staker), provider, covenant] => {
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
        // Written again, it must be the same bytes: number encodings and counts included.
        if keys.script().as_deref() == Some(script) { Ok(keys) } else { Err(unknown()) }
    }

    /// The leaf as a miniscript. It is made from the keys and not from text, because reading a key
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

    fn script(&self) -> Option<ScriptBuf> {
        self.miniscript().ok().map(|miniscript| miniscript.encode())
    }

    /// The path this leaf belongs to.
    pub const fn path(&self) -> SpendPath {
        match self {
            Self::Timelock { .. } => SpendPath::Timelock,
            Self::Unbonding { .. } => SpendPath::Unbonding,
            Self::Slashing { .. } => SpendPath::Slashing,
        }
    }

    /// The staker's key.
    pub const fn staker(&self) -> &XOnlyPublicKey {
        match self {
            Self::Timelock { staker, .. }
            | Self::Unbonding { staker, .. }
            | Self::Slashing { staker, .. } => staker,
        }
    }

    /// The finality providers that may sign, ascending; none but on the slashing path.
    pub fn finality_providers(&self) -> &[XOnlyPublicKey] {
        match self {
            Self::Slashing { finality_providers, .. } => finality_providers,
            Self::Timelock { .. } | Self::Unbonding { .. } => &[],
        }
    }

    /// The covenant members that may sign, ascending, and how many must; none and 0 on the timelock path.
    pub fn covenant(&self) -> (&[XOnlyPublicKey], u16) {
        match self {
            Self::Timelock { .. } => (&[], 0),
            Self::Unbonding { covenant, quorum, .. } | Self::Slashing { covenant, quorum, .. } => {
                (covenant, *quorum)
            }
        }
    }

    /// Every key of the script, in its order. The witness has the signatures (or empty places) in the reverse
    /// of it.
    pub fn in_script_order(&self) -> impl DoubleEndedIterator<Item = &XOnlyPublicKey> {
        [self.staker()].into_iter().chain(self.finality_providers()).chain(self.covenant().0)
    }
}

/// A leaf's script, with its keys.
pub(crate) type TapMiniscript = Miniscript<XOnlyPublicKey, Tap>;

/// Why no script could be made, as the miniscript library says it.
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

/// `k` of `keys`, as the protocol writes it: a single key stands alone, without a count.
fn threshold(k: u16, keys: &[XOnlyPublicKey]) -> Result<TapMiniscript, Unscriptable> {
    match keys {
        [single] => key(*single),
        _ => {
            let threshold = Threshold::new(k.into(), keys.to_vec()).map_err(|e| e.to_string())?;
            from_ast(Terminal::MultiA(threshold))
        }
    }
}

/// One link of the chain of conditions in a leaf.
enum Part {
    Signature(XOnlyPublicKey),
    Threshold(u16, Vec<XOnlyPublicKey>),
    After(Timelock),
    Other,
}

impl Part {
    fn threshold(&self) -> Option<(u16, Vec<XOnlyPublicKey>)> {
        match self {
            Self::Signature(key) => Some((1, vec![*key])),
            Self::Threshold(k, keys) => Some((*k, keys.clone())),
            Self::After(_) | Self::Other => None,
        }
    }
}

fn flatten(miniscript: &Miniscript<XOnlyPublicKey, Tap>, parts: &mut Vec<Part>) {
    match miniscript.as_inner() {
        Terminal::AndV(left, right) => {
            flatten(left, parts);
            flatten(right, parts);
        }
        Terminal::Verify(inner) => flatten(inner, parts),
        Terminal::Check(inner) => parts.push(match inner.as_inner() {
            Terminal::PkK(key) => Part::Signature(*key),
            _ => Part::Other,
        }),
        Terminal::MultiA(threshold) => parts.push(match u16::try_from(threshold.k()) {
            Ok(k) => Part::Threshold(k, threshold.iter().copied().collect()),
            Err(_) => Part::Other,
        }),
        Terminal::Older(lock) => parts.push(match Timelock::from_blocks(lock.to_consensus_u32()) {
            Ok(timelock) => Part::After(timelock),
            Err(_) => Part::Other,
        }),
        _ => parts.push(Part::Other),
    }
}

/// One leaf of an output, with what spends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What the script demands.
    pub keys: LeafKeys,
    /// The script.
    pub script: ScriptBuf,
    /// The control block that proves the script's place in the output (BIP-341).
    pub control_block: ControlBlock,
}

impl Leaf {
    /// The leaf's hash (BIP-341), which every signature through it commits to.
    pub fn hash(&self) -> TapLeafHash {
        TapLeafHash::from_script(&self.script, LeafVersion::TapScript)
    }
}

/// What an input weighs that spends through `leaf` with exactly the signatures that its script takes.
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
