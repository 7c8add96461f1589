//! Files with secret keys. Neither their content nor an argument that may be a key itself is ever put into an
//! error.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use clap::builder::TypedValueParser;
use clap::{Arg, Command};
use eots::SecretKey;
use zeroize::Zeroizing;

use super::argument;
use super::input::{read_all, standard_input, stripped};

/// The path of a file with a secret key of 64 hex digits; `-` is standard input. It may be a key that was
/// given instead of its file, so it has no Debug.
#[derive(Clone)]
pub(crate) struct SecretKeyPath {
    flag: String,
    path: OsString,
}

impl SecretKeyPath {
    /// Reads the secret key.
    pub(crate) fn read(&self) -> anyhow::Result<SecretKey> {
        let Self { flag, path } = self;
        let shown = path.to_string_lossy();
        match read_secret_key(Path::new(path)) {
            Err(_) if has_a_secret(&shown) => {
                bail!("{flag} is a key itself; must be a file that has it")
            }
            read => read.with_context(|| format!("{flag} {shown:?}")),
        }
    }
}

/// Parses the path of a file with a secret key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretKeyFile;

impl TypedValueParser for SecretKeyFile {
    type Value = SecretKeyPath;

    fn parse_ref(&self, _: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<SecretKeyPath, clap::Error> {
        Ok(SecretKeyPath { flag: argument::flag(arg), path: value.to_owned() })
    }
}

/// The shortest run of letters and digits that is taken for a secret.
const SECRET_LENGTH: usize = 32;

/// Returns whether a text may hold a secret key in any of the forms that people write them in: hex with or
/// without spaces, colons or 0x, WIF, base64.
fn has_a_secret(text: &str) -> bool {
    let joined: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '-' | '_')).collect();
    hide_secrets(&joined) != joined
}

/// Returns the text without what may be a secret: long runs of letters and digits.
pub(crate) fn hide_secrets(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    let mut shown = String::new();
    for word in text.split_inclusive(|c| !is_part(c)) {
        let run = word.trim_end_matches(|c| !is_part(c));
        if run.len() < SECRET_LENGTH {
            shown.push_str(word);
        } else {
            shown.push_str("(hidden)");
            shown.extend(word.chars().skip(run.len()));
        }
    }
    shown
}

fn read_secret_key(path: &Path) -> anyhow::Result<SecretKey> {
    let text = if path == Path::new("-") {
        read_all(standard_input()?)?
    } else {
        read_all(File::open(path).context("cannot open it")?).context("cannot read it")?
    };
    let mut bytes = Zeroizing::new([0; 32]);
    let text = stripped(&text);
    ensure!(!text.is_empty(), "it is empty");
    hex::decode_to_slice(text, bytes.as_mut_slice())
        .map_err(|_| anyhow!("not a secret key file; must have 64 hex digits"))?;
    Ok(SecretKey::from_bytes(&bytes)?)
}
