//! What a command gives, and how it is printed.

use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// The exit code of a negative answer: an invalid signature, a stake rejected.
const NEGATIVE: u8 = 1;
/// The exit code of wrong usage, or of a failure.
pub(crate) const FAILED: u8 = 2;

/// What a command gives: the same as text for people and as JSON for scripts; or, where it is a long list, as
/// JSON lines for both.
pub struct Output {
    text: String,
    json: String,
    /// In the place of text and JSON.
    lines: Option<Box<dyn Iterator<Item = String>>>,
    negative: bool,
    /// For people: scripts find them in the fields.
    warnings: Vec<String>,
}

impl Output {
    /// An output of this text (which may be coloured), and these JSON fields.
    ///
    /// # Errors
    /// When the fields are not serializable, which is a defect of the command.
    pub fn new(text: impl Into<String>, fields: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self {
            text: text.into(),
            json: serde_json::to_string(fields)?,
            lines: None,
            negative: false,
            warnings: Vec::new(),
        })
    }

    /// JSON lines, printed as they are made.
    pub fn lines(lines: impl Iterator<Item = String> + 'static) -> Self {
        Self {
            text: String::new(),
            json: String::new(),
            lines: Some(Box::new(lines)),
            negative: false,
            warnings: Vec::new(),
        }
    }

    /// A yes, or a no with its reason: `{"valid": …, "reason": …}`.
    pub fn verdict(verdict: anyhow::Result<()>) -> Self {
        match verdict.map_err(|error| format!("{error:#}")) {
            Ok(()) => {
                let json = serde_json::json!({ "valid": true }).to_string();
                Self {
                    text: format!("{GOOD}valid{GOOD:#}"),
                    json,
                    lines: None,
                    negative: false,
                    warnings: Vec::new(),
                }
            }
            Err(reason) => {
                let json = serde_json::json!({ "valid": false, "reason": reason }).to_string();
                Self {
                    text: format!("{BAD}not valid{BAD:#}: {}", plain(&reason)),
                    json,
                    lines: None,
                    negative: true,
                    warnings: Vec::new(),
                }
            }
        }
    }

    /// Makes this a negative answer.
    #[must_use]
    pub fn negative(mut self) -> Self {
        self.negative = true;
        self
    }

    /// Adds what people should know beside the text: printed to standard error, as the text may go into a
    /// file.
    #[must_use]
    pub(crate) fn warning(mut self, warnings: &[String]) -> Self {
        self.warnings.extend_from_slice(warnings);
        self
    }

    pub(crate) fn print(self, json: bool) -> ExitCode {
        let mut stderr = anstream::stderr().lock();
        for warning in self.warnings.iter().filter(|_| !json) {
            let _printed = writeln!(stderr, "{BAD}warning:{BAD:#} {}", plain(warning));
        }
        drop(stderr);
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

/// The most of a message that is printed.
const LONGEST: usize = 4096;

/// A text with what a stranger may have put into it made harmless: control characters are escaped, and it has
/// an end.
pub(crate) fn plain(text: &str) -> String {
    let escape = |c: char| match c {
        '\n' => "\n".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    let end = if text.chars().nth(LONGEST).is_some() { " …" } else { "" };
    text.chars().take(LONGEST).map(escape).chain([end.to_owned()]).collect()
}

/// How many rules are broken.
pub(crate) fn broken(count: usize) -> String {
    match count {
        1 => "1 rule is broken".to_owned(),
        more => format!("{more} rules are broken"),
    }
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
