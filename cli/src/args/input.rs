//! Readers of arguments: bytes, texts, keys and signatures, given as they are or in a file.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::Work;
use bitcoin::absolute::Height;
use eots::{AdaptorSignature, InvalidAdaptorSignature, PublicRandomness, XOnlyPublicKey};
use spv::TrustedHeader;
use staking_scripts::Timelock;
use zeroize::Zeroizing;

use super::argument::is_source;
use super::secret::shown_path;

/// The most bytes that are read for one argument: far more than any message has.
const MAX_BYTES: u64 = 64 << 20;

/// A message of any length.
#[derive(Debug, Clone)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// A key or a signature that is to be verified: bytes of the right length that are one, or why they are not.
/// To verify one that is not is a negative answer; a wrong length is wrong usage.
#[derive(Debug, Clone)]
pub(crate) struct Claimed<T>(Result<T, String>);

impl<T> Claimed<T> {
    pub(crate) const fn new(read: Result<T, String>) -> Self {
        Self(read)
    }

    pub(crate) fn get(&self) -> anyhow::Result<&T> {
        self.0.as_ref().map_err(|reason| anyhow!("{reason}"))
    }
}

/// Returns standard input, which only one argument may take.
pub(crate) fn standard_input() -> anyhow::Result<impl BufRead> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        bail!("standard input is read by two arguments; must be by one");
    }
    Ok(std::io::stdin().lock())
}

pub(super) fn read_all(mut reader: impl Read) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    reader.by_ref().take(MAX_BYTES).read_to_end(&mut bytes)?;
    if reader.read(&mut [0])? != 0 {
        bail!("more than {MAX_BYTES} bytes are not read");
    }
    Ok(bytes)
}

/// A file of this path.
pub(crate) fn open(path: &str) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", shown_path(path))).map_err(flat)
}

/// Writes the causes of an error into its text, as clap prints an error without them.
fn flat(error: anyhow::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// Bytes as the command line takes them: hex, `@FILE` for the raw bytes of a file, `-` for those of standard
/// input.
pub(crate) fn bytes(text: &str) -> anyhow::Result<Bytes> {
    let bytes = match text.strip_prefix('@') {
        Some(path) => read_all(open(path)?)
            .with_context(|| format!("cannot read {}", shown_path(path)))
            .map_err(flat)?,
        None if text == "-" => read_all(standard_input()?)?,
        None => {
            return hex::decode(text).map(Bytes).map_err(|e| anyhow!("not hex: {e}{}", file_hint(text)));
        }
    };
    Ok(Bytes(bytes.to_vec()))
}

/// Returns what an error about the form of an argument adds: it may be the path of a file, given without `@`.
/// Nothing where it was read from a file.
pub(crate) fn file_hint(argument: &str) -> &'static str {
    if is_source(argument) { "" } else { "; a file is given as @FILE" }
}

/// What an argument holds that is text, or bytes where it is none: the argument itself, `@FILE` or `-`.
pub(crate) struct Content(Vec<u8>);

impl Content {
    /// Reads it; a file without anything in it is named.
    pub(crate) fn of(argument: &str) -> anyhow::Result<Self> {
        let name = match argument.strip_prefix('@') {
            Some(path) => format!("the file {}", shown_path(path)),
            None if argument == "-" => "standard input".to_owned(),
            None => return Ok(Self(argument.as_bytes().to_vec())),
        };
        let Bytes(bytes) = bytes(argument)?;
        ensure!(!stripped(&bytes).is_empty(), "{name} is empty");
        Ok(Self(bytes))
    }

    /// Returns the bytes as they are.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text, without a byte order mark and white space around it.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(stripped(&self.0)).ok()
    }
}

/// Returns the bytes without what editors and shells put around a text.
pub(super) fn stripped(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii()
}

/// Hex or base64 whose lines may have been folded.
pub(crate) fn unfolded(digits: &str) -> String {
    digits.split_ascii_whitespace().collect()
}

/// Why bytes are not what they should be. What the libraries say of bytes that end early is of their own
/// making.
pub(crate) fn unread(what: &str, error: &(impl fmt::Display + fmt::Debug)) -> anyhow::Error {
    match format!("{error:?}").contains("UnexpectedEof") {
        true => anyhow!("the {what} ends early"),
        false => anyhow!("not a {what}: {error}"),
    }
}

/// A text as the command line takes it: the text itself, `@FILE` for that of a file, `-` for that of standard
/// input.
pub(crate) fn text(text: &str) -> anyhow::Result<String> {
    let content = Content::of(text)?;
    content.text().map(str::to_owned).ok_or_else(|| anyhow!("it holds no text (UTF-8)"))
}

/// The text of a file of this path; `-` is standard input.
pub(crate) fn text_file(path: &str) -> anyhow::Result<String> {
    if path == "-" { text(path) } else { text(&format!("@{path}")) }
}

/// The lines of a file of this path that are not empty, with their numbers from 1; `-` is standard input.
pub(crate) fn numbered_lines(path: &str) -> anyhow::Result<Vec<(usize, String)>> {
    let argument = if path == "-" { path.to_owned() } else { format!("@{path}") };
    let content = Content::of(&argument)?;
    let text = std::str::from_utf8(content.bytes()).context("it holds no text (UTF-8)")?;
    let lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    Ok(lines
        .map(|(number, line)| (number, line.trim().to_owned()))
        .filter(|(_, line)| !line.is_empty())
        .collect())
}

fn fixed<const N: usize>(text: &str) -> anyhow::Result<[u8; N]> {
    let Bytes(bytes) = bytes(text)?;
    let length = bytes.len();
    // A mistake that is easily made: what one command printed, in a file, for another one to read.
    let digits = bytes.trim_ascii();
    let hint = match (text.starts_with('@') || text == "-", digits.len() == N.saturating_mul(2)) {
        (true, true) if digits.iter().all(u8::is_ascii_hexdigit) => {
            ": the file has hex digits; must have the bytes themselves. Give a secret key's file to --secret-key-file only, and other digits as the argument"
        }
        _ if N == 32 && length == 33 && matches!(bytes.first(), Some(2 | 3)) => {
            ": of a compressed key, leave out the first byte"
        }
        _ => "",
    };
    bytes.try_into().map_err(|_| anyhow!("{length} bytes are given; must be {N}{hint}"))
}

/// 32 bytes.
pub(crate) fn bytes32(text: &str) -> anyhow::Result<[u8; 32]> {
    fixed(text)
}

/// A BIP-340 public key.
pub(crate) fn public_key(text: &str) -> anyhow::Result<XOnlyPublicKey> {
    Ok(*claimed_public_key(text)?.get()?)
}

/// Parses 32 bytes that may be a BIP-340 public key.
pub(crate) fn claimed_public_key(text: &str) -> anyhow::Result<Claimed<XOnlyPublicKey>> {
    let bytes: [u8; 32] = fixed(text)?;
    let key = XOnlyPublicKey::from_slice(&bytes);
    Ok(Claimed(
        key.map_err(|_| format!("{} is not the x coordinate of a point on secp256k1", hex::encode(bytes))),
    ))
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

/// Parses 65 or 66 bytes that may be an adaptor signature.
pub(crate) fn claimed_adaptor_signature(text: &str) -> anyhow::Result<Claimed<AdaptorSignature>> {
    let Bytes(bytes) = bytes(text)?;
    match AdaptorSignature::from_slice(&bytes) {
        Err(error @ InvalidAdaptorSignature::Length(_)) => Err(error.into()),
        read => Ok(Claimed(read.map_err(|error| error.to_string()))),
    }
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

/// A block's hash, with its height: HASH or HASH:HEIGHT.
pub(crate) fn trusted_header(text: &str) -> anyhow::Result<TrustedHeader> {
    let (hash, height) = text.split_once(':').map_or((text, None), |(hash, height)| (hash, Some(height)));
    let height = height.map(self::height).transpose()?.map(Height::to_consensus_u32);
    Ok(TrustedHeader { hash: hash.parse().context("not a block hash")?, height })
}

/// A total work, as Bitcoin Core prints `chainwork`: hex.
pub(crate) fn work(text: &str) -> anyhow::Result<Work> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    Work::from_unprefixed_hex(text).context("not a work in hex")
}

/// A Bitcoin block height.
pub(crate) fn height(text: &str) -> anyhow::Result<Height> {
    let height = text.parse().ok().and_then(|height| Height::from_consensus(height).ok());
    height.ok_or_else(|| anyhow!("a block height must be 0 to {}", Height::MAX))
}
