//! Paths of hierarchical deterministic keys, as the reference signer reads them.

use std::fmt;
use std::str::FromStr;

/// The path from the BIP-32 master key to a key.
///
/// The empty path, which is the default, is the master key itself. Otherwise the text is what the reference
/// takes: numbers below 2^31 with `/` between them, `'` after a hardened one, at least one `/`, and `m/`
/// before them or not: `44'/118'/0'/0/0` and `m/44'/118'/0'/0/0` are the same. Slashes at the end, and white
/// space around the `m`, do not matter. It does not take `m`, `m/`, `0` or `44h/0`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HdPath(Vec<u32>);

/// The error of a text that is not a path. It does not repeat the text, which may be a mnemonic given by
/// mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHdPath {
    /// It has one part only.
    #[error("the HD path has no '/' between two parts; must be empty, or be like 44'/118'/0'/0/0 or m/0/1")]
    NoSlash,
    /// A part is not a number.
    #[error("part {part} of the HD path is not a number; must be decimal digits, and ' after a hardened one")]
    NotANumber {
        /// The part's number, from 1, without the `m`.
        part: usize,
    },
    /// A number is too great.
    #[error("part {part} of the HD path is too great; must be below 2147483648")]
    TooGreat {
        /// The part's number, from 1, without the `m`.
        part: usize,
    },
    /// It has too many parts.
    #[error(
        "the HD path has {parts} parts; must have at most {}, as BIP-32 counts depth in a byte",
        HdPath::MAX_DEPTH
    )]
    TooDeep {
        /// How many it has.
        parts: usize,
    },
}

impl HdPath {
    /// The greatest number of parts.
    pub const MAX_DEPTH: usize = 255;
    const HARDENED: u32 = 1 << 31;

    /// Returns the index of each step; those of hardened ones have their highest bit set.
    pub(super) fn indexes(&self) -> &[u32] {
        &self.0
    }
}

impl FromStr for HdPath {
    type Err = InvalidHdPath;

    fn from_str(text: &str) -> Result<Self, InvalidHdPath> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let (first, rest) = text.trim_end_matches('/').split_once('/').ok_or(InvalidHdPath::NoSlash)?;
        let first = (first.trim() != "m").then_some(first);
        let parts = first.into_iter().chain(rest.split('/'));
        let count = parts.clone().count();
        if count > Self::MAX_DEPTH {
            return Err(InvalidHdPath::TooDeep { parts: count });
        }
        (1..).zip(parts).map(|(number, part)| index(number, part)).collect::<Result<_, _>>().map(Self)
    }
}

/// Reads one part of a path.
fn index(number: usize, text: &str) -> Result<u32, InvalidHdPath> {
    let (digits, bit) = text.strip_suffix('\'').map_or((text, 0), |digits| (digits, HdPath::HARDENED));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidHdPath::NotANumber { part: number });
    }
    let index = digits.parse().ok().filter(|&index: &u32| index < HdPath::HARDENED);
    index.map(|index| index | bit).ok_or(InvalidHdPath::TooGreat { part: number })
}

/// Shows the path with the `m`; the empty one as `m`.
impl fmt::Display for HdPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("m")?;
        self.0.iter().try_for_each(|index| {
            let mark = if index & Self::HARDENED == 0 { "" } else { "'" };
            write!(f, "/{}{mark}", index & !Self::HARDENED)
        })
    }
}
