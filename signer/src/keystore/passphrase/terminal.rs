//! Questions on the terminal whose answers are not shown.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// What a terminal gives as one line at most; no answer is longer.
const MAX_BYTES: usize = 4096;

/// A terminal that does not show what is typed, until it is dropped.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG | LocalModes::ECHONL);
        // What was typed before the question is not its answer.
        tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _restored = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Asks on the terminal that controls this process, wherever its standard input and output go, until the
/// lines typed so far are the whole answer. `None` is an answer that is too long.
pub(super) fn ask(
    question: &str,
    is_whole: &dyn Fn(&[u8]) -> bool,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let shared = terminal.try_clone()?;
    let _hidden = Hidden::new(&shared)?;
    terminal.write_all(question.as_bytes())?;
    let mut answer = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    let mut part = Zeroizing::new([0; MAX_BYTES]);
    // A line comes in one piece, unless the end of input is typed in its midst.
    loop {
        let count = match terminal.read(part.as_mut_slice()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let read = part.get(..count).unwrap_or_default();
        if answer.len().saturating_add(count) > MAX_BYTES {
            return Ok(None);
        }
        answer.extend_from_slice(read);
        if count == 0 || (read.ends_with(b"\n") && is_whole(&answer)) {
            return Ok(Some(answer));
        }
    }
}
