//! Runs `btcstake`. A run that must succeed writes nothing to standard error; a failure prints the command
//! and both streams.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The secret key of the protocol's check values, and another.
pub(crate) const PROVIDER: &str = "0101010101010101010101010101010101010101010101010101010101010101";
pub(crate) const MEMBER: &str = "0202020202020202020202020202020202020202020202020202020202020202";
/// The first one's negation, whose point has an even y: the form in which a key is extracted or recovered.
pub(crate) const PROVIDER_EVEN: &str = "fefefefefefefefefefefefefefefefdb9addbe5ae479f3abed15d8bcf354040";
/// Their public keys.
pub(crate) const PROVIDER_KEY: &str = "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f";
pub(crate) const MEMBER_KEY: &str = "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766";

/// A folder with `provider.key` and `member.key`, in which commands run.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("provider.key", format!("{PROVIDER}\n"));
        folder.write("member.key", MEMBER);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// Runs with this standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_btcstake"))
            .args(args)
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A process that does not read its input closes it, which is no failure here.
        let _ = child.stdin.take().unwrap().write_all(input);
        Run { line: format!("btcstake {}", args.join(" ")), output: child.wait_with_output().unwrap() }
    }

    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_with(&line.split_whitespace().collect::<Vec<_>>(), b"")
    }

    /// Runs a command that must succeed with `--json`, and returns the object.
    pub(crate) fn json(&self, line: &str) -> Value {
        self.run(&format!("--json {line}")).json(0)
    }
}

/// A command that has run.
pub(crate) struct Run {
    line: String,
    output: Output,
}

impl Run {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn transcript(&self) -> String {
        format!("$ {}\n{}--- stderr\n{}--- exit {:?}", self.line, self.stdout(), self.stderr(), self.code())
    }

    /// The exit code is this, and nothing was written to standard error.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert!(self.code() == Some(code) && self.stderr().is_empty(), "{}", self.transcript());
        self
    }

    /// Exactly one JSON object and this exit code.
    #[track_caller]
    pub(crate) fn json(self, code: i32) -> Value {
        let run = self.ends(code);
        let value: Value =
            serde_json::from_str(&run.stdout()).unwrap_or_else(|e| panic!("{e}: {}", run.transcript()));
        assert!(value.is_object() && run.stdout().lines().count() == 1, "{}", run.transcript());
        crate::outputs::check(&run.line, &value);
        value
    }

    /// It failed: exit code 2, nothing on standard output, and every one of these words in the message.
    #[track_caller]
    pub(crate) fn fails(self, words: &[&str]) {
        assert!(self.code() == Some(2) && self.output.stdout.is_empty(), "{}", self.transcript());
        for word in words {
            assert!(self.stderr().contains(word), "no {word:?} in\n{}", self.transcript());
        }
        assert!(!self.stderr().contains("panicked"), "{}", self.transcript());
    }
}
