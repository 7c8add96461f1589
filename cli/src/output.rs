//! What a command gives, and how it is printed.

use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// The exit code of a negative answer: an invalid signature, a stake rejected.
const NEGATIVE: u8 = 1;
/// The exit code of wrong usage, or of a failure.
pub(crate) const FAILED: u8 = 2;

/// What a command gives: the same as text for people and as JSON for scripts.
#[derive(Debug)]
pub struct Output {
    text: String,
    json: serde_json::Value,
    negative: bool,
}

impl Output {
    /// An output of this text (which may be coloured), and these JSON fields.
    ///
    /// # Errors
    /// When the fields are not serializable, which is a defect of the command.
    pub fn new(text: impl Into<String>, fields: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self { text: text.into(), json: serde_json::to_value(fields)?, negative: false })
    }

    /// A yes or a no: `{"valid": …}`.
    ///
    /// # Errors
    /// As [`Output::new`].
    pub fn verdict(valid: bool, reason: Option<String>) -> anyhow::Result<Self> {
        let text = match (valid, &reason) {
            (true, _) => format!("{GOOD}valid{GOOD:#}"),
            (false, None) => format!("{BAD}not valid{BAD:#}"),
            (false, Some(reason)) => format!("{BAD}not valid{BAD:#}: {reason}"),
        };
        let json = serde_json::json!({ "valid": valid });
        Ok(Self { text, json, negative: !valid })
    }

    /// Makes this a negative answer.
    #[must_use]
    pub fn negative(mut self) -> Self {
        self.negative = true;
        self
    }

    pub(crate) fn print(&self, json: bool) -> ExitCode {
        let mut stdout = anstream::stdout().lock();
        let printed = if json { writeln!(stdout, "{}", self.json) } else { writeln!(stdout, "{}", self.text) };
        match printed.and_then(|()| stdout.flush()) {
            // A reader that has seen enough (`| head`) is no failure.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                print_failure(&anyhow::Error::new(error).context("cannot write the output"))
            }
            _ if self.negative => ExitCode::from(NEGATIVE),
            _ => ExitCode::SUCCESS,
        }
    }
}

/// The style of good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// The style of bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// The style of headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// The style of what stands in the background.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Prints an error and the chain of its causes.
pub(crate) fn print_failure(error: &anyhow::Error) -> ExitCode {
    let mut message = format!("{BAD}error:{BAD:#} {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // An error that already ends with its cause need not say it twice.
        if !last.ends_with(&cause) {
            message.push_str(&format!("\n  because: {cause}"));
        }
        last = cause;
    }
    let _printed = writeln!(anstream::stderr().lock(), "{message}");
    ExitCode::from(FAILED)
}
