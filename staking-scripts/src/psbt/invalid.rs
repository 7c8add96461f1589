//! Why bytes are not a PSBT.

use std::fmt;

use super::encoding::PsbtVersion;
use super::keyvalue::MAX_PROPRIETARY_KEY;

/// One of the maps of key-value pairs that a PSBT is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PsbtMap {
    /// The map of the whole PSBT.
    Global,
    /// The map of an input, from 0.
    Input(usize),
    /// The map of an output, from 0.
    Output(usize),
}

impl fmt::Display for PsbtMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("the global map"),
            Self::Input(index) => write!(f, "the map of input {index}"),
            Self::Output(index) => write!(f, "the map of output {index}"),
        }
    }
}

/// Why bytes or a text are not a PSBT of version 0 (BIP-174) or 2 (BIP-370).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPsbt {
    /// The text is neither base64 nor hex of a PSBT.
    Text(String),
    /// The bytes do not begin as those of a PSBT.
    Magic,
    /// The bytes end before the PSBT does.
    Ends,
    /// Bytes follow the PSBT.
    TrailingBytes(usize),
    /// A length is written with more bytes than it needs.
    Length(PsbtMap),
    /// The version is another.
    Version(u32),
    /// A map has a key twice.
    DuplicateKey {
        /// The map.
        map: PsbtMap,
        /// The key's type.
        kind: u8,
    },
    /// A proprietary key is longer than it can be kept.
    ProprietaryKey {
        /// The map.
        map: PsbtMap,
        /// The key's length in bytes.
        length: usize,
    },
    /// A field that this version must have is absent.
    Missing {
        /// The map.
        map: PsbtMap,
        /// The field, as BIP-174 and BIP-370 name it.
        field: &'static str,
        /// The PSBT's version.
        version: PsbtVersion,
    },
    /// A field that this version must not have is there.
    Excluded {
        /// The map.
        map: PsbtMap,
        /// The field, as BIP-174 and BIP-370 name it.
        field: &'static str,
        /// The PSBT's version.
        version: PsbtVersion,
    },
    /// A field's key or value is not of its form.
    Field {
        /// The map.
        map: PsbtMap,
        /// The field, as BIP-174 and BIP-370 name it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What must be.
        rule: &'static str,
    },
    /// The PSBT says that it has more inputs or outputs than any transaction in a block.
    Count {
        /// The number that it says.
        count: u64,
        /// `inputs` or `outputs`.
        what: &'static str,
        /// The largest number that is read.
        most: u64,
    },
    /// The inputs require lock times of both kinds, and no kind is possible for all of them.
    LockTimes,
    /// A field has another form than its BIP demands. The reason is the `bitcoin` library's, as text.
    Fields(String),
}

impl fmt::Display for InvalidPsbt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(reason) => write!(f, "not a PSBT in base64 or in hex: {reason}"),
            Self::Magic => f.write_str("not a PSBT: the bytes do not begin with 70736274ff"),
            Self::Ends => f.write_str("the PSBT ends early"),
            Self::TrailingBytes(count) => write!(f, "bytes follow the PSBT ({count}); must be none"),
            Self::Length(map) => {
                write!(f, "not a PSBT: a length in {map} is not written in its shortest form")
            }
            Self::Version(version) => write!(f, "the PSBT's version is {version}; must be 0 or 2"),
            Self::DuplicateKey { map, kind } => {
                write!(f, "not a PSBT: {map} has a key of type 0x{kind:02x} twice")
            }
            Self::ProprietaryKey { map, length } => write!(
                f,
                "{map} has a proprietary key of {length} bytes; must be at most {MAX_PROPRIETARY_KEY}"
            ),
            Self::Missing { map, field, version } => {
                write!(f, "not a PSBT: {map} has no {field}; must have it in version {version}")
            }
            Self::Excluded { map, field, version } => {
                write!(f, "not a PSBT: {map} has {field}; must not have it in version {version}")
            }
            Self::Field { map, field, found, rule } => {
                write!(f, "not a PSBT: {field} in {map}: {found}; must be {rule}")
            }
            Self::Count { count, what, most } => write!(
                f,
                "the PSBT says that it has {count} {what}; must be at most {most}, as no block has room for more"
            ),
            Self::LockTimes => f.write_str(
                "the inputs require lock times by height and by time; must be possible with one of them (BIP-370)",
            ),
            Self::Fields(reason) => write!(f, "not a PSBT: {reason}"),
        }
    }
}
