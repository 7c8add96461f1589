//! Arguments: bytes, keys and secrets. Every parser's error is printed by clap behind the name of the flag.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow, bail};
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use eots::{AdaptorSignature, PublicRandomness, SecretKey, XOnlyPublicKey};
use staking_scripts::Timelock;
use zeroize::Zeroizing;

/// The most that is read for one argument: far above any message, and below what would hurt.
const MAX_BYTES: u64 = 64 << 20;

/// A message of any length.
#[derive(Debug, Clone)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// Standard input, which one argument only may take.
fn standard_input() -> anyhow::Result<impl Read> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        bail!("standard input is taken by another argument already");
    }
    Ok(std::io::stdin().lock())
}

fn read_all(mut reader: impl Read) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.by_ref().take(MAX_BYTES).read_to_end(&mut bytes)?;
    if reader.read(&mut [0])? != 0 {
        bail!("more than {MAX_BYTES} bytes are not read");
    }
    Ok(bytes)
}

fn open(path: &str) -> anyhow::Result<File> {
    // A path may hold what would confuse a terminal.
    File::open(path).with_context(|| format!("cannot open {}", path.escape_debug())).map_err(flat)
}

/// clap prints an error without its causes; this writes them into its text.
fn flat(error: anyhow::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// Bytes as the command line takes them: hex, `@FILE` for the raw bytes of a file, `-` for those of standard input.
pub(crate) fn bytes(text: &str) -> anyhow::Result<Bytes> {
    let bytes = match text.strip_prefix('@') {
        Some(path) => read_all(open(path)?).with_context(|| format!("cannot read {path}")).map_err(flat)?,
        None if text == "-" => read_all(standard_input()?)?,
        None => return hex::decode(text).map(Bytes).map_err(|e| anyhow!("not hex: {e}")),
    };
    Ok(Bytes(bytes.to_vec()))
}

fn fixed<const N: usize>(text: &str) -> anyhow::Result<[u8; N]> {
    let Bytes(bytes) = bytes(text)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| anyhow!("{N} bytes are needed, not {length}"))
}

/// 32 bytes.
pub(crate) fn bytes32(text: &str) -> anyhow::Result<[u8; 32]> {
    fixed(text)
}

/// A BIP-340 public key.
pub(crate) fn public_key(text: &str) -> anyhow::Result<XOnlyPublicKey> {
    let bytes: [u8; 32] = fixed(text)?;
    XOnlyPublicKey::from_slice(&bytes).map_err(|_| anyhow!("not the x coordinate of a point on secp256k1"))
}

/// A public randomness.
pub(crate) fn public_randomness(text: &str) -> anyhow::Result<PublicRandomness> {
    fixed(text).map(PublicRandomness::from_bytes)
}

/// An adaptor signature of 65 bytes, or 66 in the old form.
pub(crate) fn adaptor_signature(text: &str) -> anyhow::Result<AdaptorSignature> {
    let Bytes(bytes) = bytes(text)?;
    Ok(AdaptorSignature::from_slice(&bytes)?)
}

/// A BIP-340 signature.
pub(crate) fn schnorr_signature(text: &str) -> anyhow::Result<bitcoin::secp256k1::schnorr::Signature> {
    let bytes: [u8; 64] = fixed(text)?;
    Ok(bitcoin::secp256k1::schnorr::Signature::from_slice(&bytes)?)
}

/// A timelock in blocks.
pub(crate) fn timelock(text: &str) -> anyhow::Result<Timelock> {
    Ok(Timelock::from_blocks(text.parse()?)?)
}

/// Reads a secret key from a file of 64 hex digits (`-` is standard input). Neither the file's content nor an argument that looks like a key
/// itself is ever put into an error; clap would print any argument, so the error is made here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretKeyFile;

impl TypedValueParser for SecretKeyFile {
    type Value = SecretKey;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<SecretKey, clap::Error> {
        let path = value.to_string_lossy();
        read_secret_key(&path).map_err(|error| {
            let flag = arg.map(ToString::to_string).unwrap_or_default();
            let looks_like_a_key = hex::decode(path.as_ref()).is_ok_and(|bytes| bytes.len() >= 16);
            let message = if looks_like_a_key {
                format!("{flag} takes a file that holds the key, not the key itself\n")
            } else {
                format!("invalid value {path:?} for '{flag}': {error:#}\n")
            };
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

fn read_secret_key(path: &str) -> anyhow::Result<SecretKey> {
    let text = match path {
        "-" => read_all(standard_input()?)?,
        path => read_all(open(path)?).context("cannot read it")?,
    };
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), bytes.as_mut_slice())
        .map_err(|_| anyhow!("a secret key file holds 64 hex digits, which this one does not"))?;
    Ok(SecretKey::from_bytes(&bytes)?)
}
