//! PSBTs, and the origins of their keys.

use anyhow::{anyhow, bail};
use bitcoin::Psbt;
use bitcoin::bip32::KeySource;
use eots::XOnlyPublicKey;
use miniscript::descriptor::{DescriptorPublicKey, SinglePub, SinglePubKey};

use super::argument;
use super::input::{self, Content};

/// A PSBT in base64, or @FILE of base64 or of its bytes.
fn psbt(argument: &str) -> anyhow::Result<Psbt> {
    let content = Content::of(argument)?;
    match content.text() {
        Some(text) => input::unfolded(text)
            .parse()
            .map_err(|e| anyhow!("{}{}", input::unread("PSBT in base64", &e), input::file_hint(argument))),
        None => Psbt::deserialize(content.bytes()).map_err(|e| input::unread("PSBT", &e)),
    }
}

/// Parses a PSBT in base64, or @FILE of base64 or of its bytes.
pub(crate) fn parser() -> argument::Parser<Psbt> {
    argument::value(psbt)
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
    match key {
        DescriptorPublicKey::Single(SinglePub { origin: Some(source), key: SinglePubKey::XOnly(key) }) => {
            Ok((key, source))
        }
        _ => bail!("not [FINGERPRINT/PATH]KEY with an x-only key of 64 hex digits"),
    }
}
