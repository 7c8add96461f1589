//! How a command prints PSBTs.

use anyhow::Context;
use clap::ValueEnum;
use staking_scripts::psbt::{PsbtVersion, VersionedPsbt};

use super::output::warn;
use super::signatures::old_version;

/// The encoding of a PSBT that is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PsbtFormat {
    /// Base64, which most wallets take.
    Base64,
    /// Hex.
    Hex,
}

/// The encoding and the version of the PSBTs that a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PsbtForm {
    pub(crate) format: PsbtFormat,
    /// The version; absent: the one that it came in, and 0 for a new one.
    pub(crate) version: Option<PsbtVersion>,
}

impl PsbtForm {
    /// Returns the text of a PSBT.
    pub(crate) fn text(self, psbt: &VersionedPsbt) -> anyhow::Result<String> {
        let version = self.version.unwrap_or_else(|| psbt.version());
        if let Some(warning) = old_version(psbt, version).filter(|_| psbt.version() != version) {
            warn(&warning);
        }
        let text = match self.format {
            PsbtFormat::Base64 => psbt.to_base64(version),
            PsbtFormat::Hex => psbt.to_hex(version),
        };
        text.context("the PSBT cannot be written")
    }
}
