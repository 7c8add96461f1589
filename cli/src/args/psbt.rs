//! PSBTs, and the origins of their keys.

use anyhow::{anyhow, bail};
use bitcoin::bip32::KeySource;
use eots::XOnlyPublicKey;
use miniscript::descriptor::{DescriptorPublicKey, SinglePub, SinglePubKey};
use staking_scripts::psbt::{PsbtVersion, VersionedPsbt};

use super::argument;
use super::input::{self, Content};
use crate::view::psbt::{PsbtForm, PsbtFormat};

/// A PSBT of version 0 or 2 in base64 or hex, or @FILE of either or of its bytes.
fn psbt(argument: &str) -> anyhow::Result<VersionedPsbt> {
    VersionedPsbt::read(Content::of(argument)?.bytes())
        .map_err(|error| anyhow!("{error}{}", input::file_hint(argument)))
}

/// Parses a PSBT of version 0 or 2 in base64 or hex, or @FILE of either or of its bytes.
pub(crate) fn parser() -> argument::Parser<VersionedPsbt> {
    argument::value(psbt)
}

/// How PSBTs are printed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct PsbtFormatArgs {
    /// How PSBTs are printed.
    #[arg(long, value_name = "FORMAT", default_value = "base64")]
    format: PsbtFormat,
    /// The version of the PSBTs that are printed: 0 (BIP-174) or 2 (BIP-370). When absent, the one that came
    /// in, and 0 for a new one.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    psbt_version: Option<PsbtVersion>,
}

impl PsbtFormatArgs {
    pub(crate) const fn form(self) -> PsbtForm {
        PsbtForm { format: self.format, version: self.psbt_version }
    }
}

fn version(text: &str) -> anyhow::Result<PsbtVersion> {
    match text {
        "0" => Ok(PsbtVersion::Zero),
        "2" => Ok(PsbtVersion::Two),
        _ => bail!("a PSBT's version must be 0 or 2"),
    }
}

/// A key with its origin, as in descriptors: [FINGERPRINT/PATH]KEY.
#[derive(clap::Args)]
pub(crate) struct OriginArgs {
    /// A key with its origin, for hardware wallets (once for each): [FINGERPRINT/PATH]KEY, as in descriptors.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    key_origin: Vec<(XOnlyPublicKey, KeySource)>,
}

impl OriginArgs {
    /// Returns each key with its origin.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (XOnlyPublicKey, &KeySource)> {
        self.key_origin.iter().map(|(key, source)| (*key, source))
    }
}

fn origin(text: &str) -> anyhow::Result<(XOnlyPublicKey, KeySource)> {
    let key: DescriptorPublicKey = text.parse().map_err(|e| anyhow!("not [FINGERPRINT/PATH]KEY: {e}"))?;
    let DescriptorPublicKey::Single(SinglePub { origin: Some(source), key }) = key else {
        bail!("not [FINGERPRINT/PATH]KEY with the key itself, x-only or compressed")
    };
    match key {
        SinglePubKey::XOnly(key) => Ok((key, source)),
        SinglePubKey::FullKey(key) => Ok((key.inner.x_only_public_key().0, source)),
    }
}
