//! Text for people: styles, and the escaping of untrusted text.

use anstyle::{AnsiColor, Style};

/// The style of good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// The style of bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// The style of headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// The style of less important text.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The most of a message that is printed.
const LONGEST: usize = 4096;

/// Returns untrusted text for printing: control characters are escaped, and it is cut at a limit.
pub(crate) fn plain(text: &str) -> String {
    let escape = |c: char| match c {
        '\n' => "\n".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    let end = if text.chars().nth(LONGEST).is_some() { " …" } else { "" };
    text.chars().take(LONGEST).map(escape).chain([end.to_owned()]).collect()
}

/// Returns how many rules are broken, as text.
pub(crate) fn broken(count: usize) -> String {
    match count {
        1 => "1 rule is broken".to_owned(),
        more => format!("{more} rules are broken"),
    }
}

/// Returns a line of text with a name and a value.
pub(crate) fn line(name: &str, value: impl ToString) -> String {
    format!("{name:<19}{}", value.to_string())
}
