//! Other processes, which run an ignored test in a folder, and are killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Tell the other process what it works on, and what it does.
const FOLDER: &str = "STORE_TEST_FOLDER";
const WORK: &str = "STORE_TEST_WORK";

/// Returns a command that runs an ignored test, by its name after `tests`, in another process.
pub(super) fn other(test: &str, folder: &Path, work: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("tests::{test}"), "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).env(WORK, work);
    command
}

/// Returns the folder and the work of this process, when it is the other one.
pub(super) fn own() -> Option<(PathBuf, String)> {
    Some((std::env::var_os(FOLDER)?.into(), std::env::var(WORK).ok()?))
}

/// Both streams of another process, for the text of a failure.
pub(super) fn text(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream).into_owned());
    format!("{}\n{}", output.status, streams.join("\n"))
}
