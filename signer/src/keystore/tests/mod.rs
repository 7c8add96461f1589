//! The keystore against its promises: on its own, with the standard `age` tool, with the reference's keys.

mod age_tool;
mod content;
mod kill;
mod leaks;
mod mnemonic;
mod reference_keyring;
mod secret_hex;
mod sources;
mod store;
mod terminal;

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use eots::SecretKey;
use zeroize::Zeroizing;

use super::{KeyName, Keystore, Passphrase, WorkFactor};

/// A keystore in a folder that goes away.
struct Fixture {
    folder: tempfile::TempDir,
    store: Keystore,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Keystore::create(&folder.path().join("keys")).unwrap().with_work_factor(quick());
        Self { folder, store }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("keys").join(file)
    }

    /// The names of all files, sorted.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("")).unwrap();
        let mut files: Vec<_> =
            entries.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        files
    }
}

/// Little work, which tests that open many files can afford.
fn quick() -> WorkFactor {
    WorkFactor::new(4).unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

/// A key whose bytes look like nothing else.
fn key(number: u8) -> SecretKey {
    let bytes: [u8; 32] = std::array::from_fn(|i| 0x91 ^ u8::try_from(i).unwrap().wrapping_mul(57) ^ number);
    SecretKey::from_bytes(&bytes).unwrap()
}

/// Writes a file with these permissions.
fn write(path: &Path, content: &[u8], mode: u32) {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(mode).open(path).unwrap();
    std::io::Write::write_all(&mut &file, content).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Set for the other processes.
const PART: &str = "KEYSTORE_TEST_PART";

/// Whether this is the other process that a test needs, and not a run of the ignored tests.
fn is_a_part() -> bool {
    std::env::var_os(PART).is_some()
}

/// Runs one test, of those that are ignored, of this program: the other process that a test needs.
fn this_program(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let module = module_path!().split_once("::").unwrap().1;
    command.args([&format!("{module}::{test}"), "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(PART, "1");
    command
}

/// Whether a tool is installed; otherwise says which test is skipped, on the real standard error.
fn has_tool(tool: &str, test: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok();
    if !found {
        let text = format!("SKIPPED: {}::{test}: there is no {tool}\n", module_path!());
        std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
    }
    found
}

/// The file with the program that types at a terminal.
fn terminal_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/keystore/tests/terminal.py")
}

/// All of an error's text, its causes included.
fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error}\n{error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!("\n{error}\n{error:?}");
        cause = error.source();
    }
    text
}
