//! Files with secret keys. Neither their content nor an argument that may be a key itself is ever put into an
//! error.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow, bail, ensure};
use clap::builder::TypedValueParser;
use clap::{Arg, Command};
use eots::SecretKey;
use zeroize::Zeroizing;

use super::argument;
use super::input::{read_all, standard_input, stripped};

/// How a key in the keystore is named.
const KEYSTORE: &str = "keystore:";

/// Where a secret key is: the path of a file with 64 hex digits, `-` for standard input, or `keystore:NAME`.
/// It may be a key that was given instead of its file, so it has no Debug.
#[derive(Clone)]
pub(crate) struct SecretKeyPath {
    flag: String,
    path: OsString,
}

/// Whether key files that others may read are taken: `--allow-loose-permissions`.
static LOOSE_PERMISSIONS: AtomicBool = AtomicBool::new(false);

/// Lets this process read key files that others may read too.
pub(crate) fn allow_loose_permissions() {
    LOOSE_PERMISSIONS.store(true, Ordering::Relaxed);
}

/// Keeps the memory of this process out of core dumps, and other processes of the user out of it.
#[cfg(unix)]
pub(crate) fn forbid_core_dumps() -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("cannot forbid core dumps, which would hold the key")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("cannot keep other processes out of this one, which holds the key")?;
    Ok(())
}

/// There is nothing to forbid.
#[cfg(not(unix))]
pub(crate) fn forbid_core_dumps() -> anyhow::Result<()> {
    Ok(())
}

/// Refuses a key file that others than its owner may read or write.
#[cfg(unix)]
fn check_permissions(file: &File) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let found = file.metadata().context("cannot read its permissions")?;
    let mode = found.permissions().mode() & 0o777;
    let is_tight = !found.is_file() || mode & 0o077 == 0 || LOOSE_PERMISSIONS.load(Ordering::Relaxed);
    ensure!(
        is_tight,
        "its permissions are {mode:03o}; must be for its owner alone, as after `chmod 600` (or give \
         --allow-loose-permissions)"
    );
    Ok(())
}

#[cfg(not(unix))]
fn check_permissions(_: &File) -> anyhow::Result<()> {
    Ok(())
}

impl SecretKeyPath {
    /// Returns the key of this name in the keystore, which a flag names.
    #[cfg(feature = "babylon")]
    pub(crate) fn in_keystore(flag: &str, name: &str) -> Self {
        Self { flag: flag.to_owned(), path: format!("{KEYSTORE}{name}").into() }
    }

    /// Returns the name of the key when it is in the keystore.
    pub(crate) fn name_in_keystore(&self) -> Option<&str> {
        self.path.to_str()?.strip_prefix(KEYSTORE)
    }

    /// Reads the secret key. From then on the process leaves no core dump.
    pub(crate) fn read(&self) -> anyhow::Result<SecretKey> {
        let Self { flag, path } = self;
        forbid_core_dumps()?;
        if let Some(name) = self.name_in_keystore() {
            return unlock(flag, name);
        }
        let shown = path.to_string_lossy();
        match read_secret_key(Path::new(path)) {
            Err(_) if has_a_secret(&shown) => {
                bail!("{flag} is a key itself; must be a file that has it")
            }
            read => read.with_context(|| format!("{flag} {shown:?}")),
        }
    }
}

/// Decrypts a key in the keystore.
#[cfg(feature = "signer")]
fn unlock(flag: &str, name: &str) -> anyhow::Result<SecretKey> {
    // What is no name may be a key itself.
    let name = name.parse().with_context(|| format!("{flag} {KEYSTORE}(hidden)"))?;
    let unlocked = super::keystore::unlock(&name).with_context(|| format!("{flag} {KEYSTORE}{name}"))?;
    Ok(unlocked.into_key())
}

#[cfg(not(feature = "signer"))]
fn unlock(_: &str, _: &str) -> anyhow::Result<SecretKey> {
    bail!(
        "this btcstake was built without the feature `signer`, so it has no keystore; install it with \
         `cargo install --path cli` (a file of this name is ./{KEYSTORE}NAME)"
    )
}

/// Parses where a secret key is.
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

/// The fewest words of a mnemonic.
const MNEMONIC_WORDS: usize = 12;

/// Returns the text without what may be a mnemonic: many words one after another that are as BIP-39's are.
pub(crate) fn hide_mnemonics(text: &str) -> String {
    let is_word = |word: &str| (3..=8).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_lowercase());
    // The first and the last one may be in quotes.
    let bare = |word: &str| is_word(word.trim().trim_matches(['\'', '"']));
    let pieces: Vec<_> = text.split_inclusive(char::is_whitespace).collect();
    let runs = pieces.chunk_by(|one, other| bare(one) == bare(other));
    runs.flat_map(|run| match run {
        [first, ..] if bare(first) && run.len() >= MNEMONIC_WORDS => vec!["(hidden) "],
        run => run.to_vec(),
    })
    .collect()
}

/// Returns the path of a file for messages: without what would confuse a terminal, and hidden where all of it
/// may be a secret, given where the path of its file belongs.
pub(crate) fn shown_path(path: &str) -> String {
    if is_named_as_a_secret(path) {
        return "(hidden)".to_owned();
    }
    path.escape_debug().to_string()
}

/// Returns whether the name of a file may be a secret as a whole, wherever its folder is.
pub(crate) fn is_named_as_a_secret(path: &str) -> bool {
    let path = path.strip_prefix('@').unwrap_or(path);
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    has_a_secret(name) && !name.contains('.')
}

/// Refuses to make a file whose name may be a secret: it would stand in the folder for everyone to read.
pub(crate) fn check_name(path: &Path) -> anyhow::Result<()> {
    ensure!(
        !is_named_as_a_secret(&path.to_string_lossy()),
        "its name may be a secret key; must be the name of a file"
    );
    Ok(())
}

/// The error of a key that was not given, which the parser has not let pass.
pub(crate) fn absent_key() -> anyhow::Error {
    anyhow!("--secret-key-file is absent; must be given")
}

/// Reads a file that its owner alone may read.
#[cfg(feature = "rpc")]
pub(crate) fn read_private(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    text(&read_private_file(path)?)
}

/// Reads a text from a file that its owner alone may read, or from standard input with `-`, without white
/// space around it.
#[cfg(feature = "signer")]
pub(crate) fn read_secret_text(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    text(stripped(&read_secret(path)?))
}

#[cfg(any(feature = "rpc", feature = "signer"))]
fn text(bytes: &[u8]) -> anyhow::Result<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes).map_err(|_| anyhow!("it is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

pub(crate) fn read_private_file(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path).context("cannot open it")?;
    check_permissions(&file)?;
    read_all(file).context("cannot read it")
}

/// Reads a file that its owner alone may read, or standard input with `-`.
fn read_secret(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if path == Path::new("-") { read_all(standard_input()?) } else { read_private_file(path) }
}

fn read_secret_key(path: &Path) -> anyhow::Result<SecretKey> {
    let text = read_secret(path)?;
    let mut bytes = Zeroizing::new([0; 32]);
    let text = stripped(&text);
    ensure!(!text.is_empty(), "it is empty");
    hex::decode_to_slice(text, bytes.as_mut_slice())
        .map_err(|_| anyhow!("not a secret key file; must have 64 hex digits"))?;
    Ok(SecretKey::from_bytes(&bytes)?)
}
