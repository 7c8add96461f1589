//! The output of a command, and its printing.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use super::text::{BAD, plain};

/// The exit code of a negative answer: an invalid signature, a stake rejected.
const NEGATIVE: u8 = 1;
/// The exit code of wrong usage, or of a failure.
pub(crate) const FAILED: u8 = 2;

/// The exit code of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done, or the answer is yes: exit code 0.
    Success,
    /// The answer is no: not valid, refused, rejected. Exit code 1.
    Negative,
}

impl Exit {
    /// Returns the exit code for a yes or a no.
    pub const fn of(answer: bool) -> Self {
        if answer { Self::Success } else { Self::Negative }
    }
}

/// The output of a command: fields, which `--json` prints, and their text for people.
pub trait CommandOutput: Serialize {
    /// Returns the text, which may be coloured.
    fn text(&self) -> String;

    /// Returns the exit code.
    fn exit(&self) -> Exit {
        Exit::Success
    }

    /// Returns the warnings that the fields have too. They are printed to standard error, also with `--json`:
    /// text and JSON may both go into a file that nobody reads.
    fn warnings(&self) -> &[String] {
        &[]
    }
}

/// A command's output as it is printed: text and one JSON object; or, of a long list, JSON lines.
pub struct Printout {
    text: String,
    json: String,
    /// Printed instead of text and JSON.
    lines: Option<Box<dyn Iterator<Item = String>>>,
    exit: Exit,
    warnings: Vec<String>,
}

impl Printout {
    /// Returns a printout of this text and these JSON fields.
    ///
    /// # Errors
    /// When the fields are not serializable, which is a defect of the command.
    pub fn new(text: impl Into<String>, fields: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self {
            text: text.into(),
            json: serde_json::to_string(fields)?,
            lines: None,
            exit: Exit::Success,
            warnings: Vec::new(),
        })
    }

    /// Returns the printout of a command's output.
    ///
    /// # Errors
    /// When the output is not serializable, which is a defect of the command.
    pub fn of(output: &impl CommandOutput) -> anyhow::Result<Self> {
        let printout = Self::new(output.text(), output)?;
        Ok(Self { exit: output.exit(), warnings: output.warnings().to_vec(), ..printout })
    }

    /// Returns the printout with another exit code, which depends on what was asked.
    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Returns a printout of JSON lines, which are printed as they are made.
    pub fn lines(lines: impl Iterator<Item = String> + 'static, exit: Exit) -> Self {
        Self {
            text: String::new(),
            json: String::new(),
            lines: Some(Box::new(lines)),
            exit,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn print(self, json: bool) -> ExitCode {
        self.warnings.iter().for_each(|warning| warn(warning));
        let mut stdout = anstream::stdout().lock();
        let printed = match self.lines {
            Some(mut lines) => lines.try_for_each(|line| writeln!(stdout, "{line}")),
            None if json => writeln!(stdout, "{}", self.json),
            None => writeln!(stdout, "{}", self.text),
        };
        match printed.and_then(|()| stdout.flush()) {
            // A reader that has seen enough (`| head`) is no failure.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                print_failure(&anyhow::Error::new(error).context("cannot write the output"))
            }
            _ => match self.exit {
                Exit::Negative => ExitCode::from(NEGATIVE),
                Exit::Success => ExitCode::SUCCESS,
            },
        }
    }
}

/// Prints a warning to standard error, the same way for every command, with `--json` and without.
pub(crate) fn warn(warning: &str) {
    let _printed = writeln!(anstream::stderr().lock(), "{BAD}warning:{BAD:#} {}", plain(warning));
}

/// Prints an error and the chain of its causes.
pub(crate) fn print_failure(error: &anyhow::Error) -> ExitCode {
    let mut message = format!("{BAD}error:{BAD:#} {}", plain(&error.to_string()));
    let mut last = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // An error that already ends with its cause need not say it twice.
        if !last.ends_with(&cause) {
            message.push_str(&format!("\n  because: {}", plain(&cause)));
        }
        last = cause;
    }
    let _printed = writeln!(anstream::stderr().lock(), "{message}");
    ExitCode::from(FAILED)
}
