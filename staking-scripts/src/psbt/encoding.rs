//! PSBTs as they come and go: base64, hex or bytes, of version 0 or 2.

use std::fmt;
use std::str::FromStr;

use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::{Psbt, psbt};

use super::invalid::{InvalidPsbt, PsbtMap};
use super::keyvalue::{Field, Reader};
use super::sign::PsbtSigningError;
use super::{version0, version2};

const VERSION: Field = Field { kind: 0xfb, name: "PSBT_GLOBAL_VERSION" };

/// The version of the form of a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PsbtVersion {
    /// Version 0 (BIP-174), which every wallet reads.
    #[default]
    Zero,
    /// Version 2 (BIP-370).
    Two,
}

impl fmt::Display for PsbtVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "0",
            Self::Two => "2",
        })
    }
}

/// A PSBT of either version, with what only version 2 says: lock times that inputs require, the fallback lock
/// time, and whether the transaction may be modified.
///
/// Every field is kept, known or unknown, Taproot's and proprietary ones too, whatever version it is read
/// from and written in. Written in version 0, it loses what only version 2 says; the transaction is the same.
///
/// ```
/// use staking_scripts::bitcoin::{Psbt, Transaction, absolute::LockTime, transaction::Version};
/// use staking_scripts::psbt::{PsbtVersion, VersionedPsbt};
///
/// let (version, lock_time) = (Version::TWO, LockTime::ZERO);
/// let psbt = Psbt::from_unsigned_tx(Transaction { version, lock_time, input: vec![], output: vec![] })?;
/// let text = VersionedPsbt::from(psbt.clone()).to_base64(PsbtVersion::Two)?;
/// let read: VersionedPsbt = text.parse()?;
/// assert_eq!((read.version(), read.psbt()), (PsbtVersion::Two, &psbt));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedPsbt {
    psbt: Psbt,
    /// Of version 2.
    fields: Option<version2::OwnFields>,
}

impl VersionedPsbt {
    /// Reads the bytes of a PSBT.
    ///
    /// # Errors
    /// [`PsbtSigningError::Invalid`] when they are not a PSBT of version 0 or 2, or when bytes follow it.
    pub fn deserialize(bytes: &[u8]) -> Result<Self, PsbtSigningError> {
        let mut reader = Reader::new(bytes)?;
        let global = reader.map(PsbtMap::Global)?;
        match global.number(VERSION)? {
            None | Some(0) => Ok(Self::from(version0::read(bytes, &global, reader)?)),
            Some(2) => {
                let (psbt, fields) = version2::read(&global, reader)?;
                Ok(Self { psbt, fields: Some(fields) })
            }
            Some(other) => Err(InvalidPsbt::Version(other).into()),
        }
    }

    /// Reads the content of a file or an argument: a PSBT's bytes, or base64 or hex of them. In a text, white
    /// space is skipped, and a byte order mark at the beginning.
    ///
    /// # Errors
    /// As [`deserialize`](Self::deserialize); [`InvalidPsbt::Text`] when it is a text of something else.
    pub fn read(content: &[u8]) -> Result<Self, PsbtSigningError> {
        match std::str::from_utf8(content) {
            Ok(text) => text.parse(),
            // Nor are the bytes of a PSBT, which begins with one that no text has.
            Err(_) => Self::deserialize(content),
        }
    }

    /// Returns the PSBT in the `bitcoin` library's form.
    pub const fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    /// Returns the PSBT in the `bitcoin` library's form.
    pub fn into_psbt(self) -> Psbt {
        self.psbt
    }

    /// Returns the version that it was read in; 0 for one that was made here.
    pub const fn version(&self) -> PsbtVersion {
        match self.fields {
            None => PsbtVersion::Zero,
            Some(_) => PsbtVersion::Two,
        }
    }

    /// Returns another PSBT, such as this one with more signatures, in the version of this one. Of another
    /// transaction, it takes the version alone.
    #[must_use]
    pub fn with_psbt(&self, psbt: Psbt) -> Self {
        let same = psbt.unsigned_tx == self.psbt.unsigned_tx;
        let fields =
            self.fields.as_ref().map(|fields| if same { fields.clone() } else { Default::default() });
        Self { psbt, fields }
    }

    /// Combines with a PSBT of the same transaction. The result has version 2 when one of them has.
    ///
    /// # Errors
    /// The `bitcoin` library's error when they are of different transactions, or contradict each other.
    pub fn combine(&mut self, other: Self) -> Result<(), psbt::Error> {
        self.psbt.combine(other.psbt)?;
        self.fields = match (self.fields.take(), other.fields) {
            (Some(one), Some(other)) => Some(one.combined(&other)),
            (one, other) => one.or(other),
        };
        Ok(())
    }

    /// Returns the bytes in a version.
    ///
    /// Version 2 says of a transaction that it may be modified (`PSBT_GLOBAL_TX_MODIFIABLE`) only what the
    /// signatures that are there leave open.
    ///
    /// # Errors
    /// [`PsbtSigningError::Invalid`] in version 2, when a PSBT that was not read has not one map for each
    /// input and output, or an amount is no signed number of 64 bits.
    pub fn serialize(&self, version: PsbtVersion) -> Result<Vec<u8>, PsbtSigningError> {
        match version {
            PsbtVersion::Zero => Ok(self.psbt.serialize()),
            PsbtVersion::Two => Ok(version2::write(&self.psbt, self.fields.as_ref())?),
        }
    }

    /// Returns the bytes in base64, as most wallets take them.
    ///
    /// # Errors
    /// As [`serialize`](Self::serialize).
    pub fn to_base64(&self, version: PsbtVersion) -> Result<String, PsbtSigningError> {
        Ok(STANDARD.encode(self.serialize(version)?))
    }

    /// Returns the bytes in hex.
    ///
    /// # Errors
    /// As [`serialize`](Self::serialize).
    pub fn to_hex(&self, version: PsbtVersion) -> Result<String, PsbtSigningError> {
        Ok(hex::encode(self.serialize(version)?))
    }
}

impl From<Psbt> for VersionedPsbt {
    fn from(psbt: Psbt) -> Self {
        Self { psbt, fields: None }
    }
}

impl FromStr for VersionedPsbt {
    type Err = PsbtSigningError;

    /// Parses base64 or hex.
    fn from_str(text: &str) -> Result<Self, PsbtSigningError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let digits: String = text.split_ascii_whitespace().collect();
        // Base64 of a PSBT begins with `cHNidP`, which no hex does.
        let bytes = if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            hex::decode(digits).map_err(|error| error.to_string())
        } else {
            STANDARD.decode(digits).map_err(|error| error.to_string())
        };
        Self::deserialize(&bytes.map_err(InvalidPsbt::Text)?).map_err(|error| match error {
            PsbtSigningError::Invalid(InvalidPsbt::Magic) => {
                InvalidPsbt::Text("its bytes do not begin with 70736274ff".to_owned()).into()
            }
            error => error,
        })
    }
}
