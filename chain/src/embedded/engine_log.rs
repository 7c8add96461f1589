//! Bitcoin Core's engine tells *why* it refused a block only in its log, so the log is listened to.
//!
//! The engine has one log per process. One listener is installed for the life of the process; it keeps the
//! error lines of a thread that is [`capturing`] and drops all others. That separates nodes from each other
//! because each one runs without worker threads: the engine logs on the very thread that called it.

use std::cell::RefCell;
use std::sync::Once;

use bitcoinkernel::Log;
use bitcoinkernel::log::Logger;
use bitcoinkernel::log::logging::LoggingOptions;

/// Enough for every line that one refused block causes.
const MAX_LINES: usize = 32;

thread_local! {
    static CAPTURED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct Listener;

impl Log for Listener {
    // C++ calls this: it must not panic, whatever state the thread is in.
    fn log(&self, message: &str) {
        if !message.contains("[error]") {
            return;
        }
        let _ = CAPTURED.try_with(|captured| {
            if let Ok(mut captured) = captured.try_borrow_mut()
                && let Some(lines) = captured.as_mut()
                && lines.len() < MAX_LINES
            {
                lines.push(message.trim_end().to_owned());
            }
        });
    }
}

/// Connects the listener, once per process. Without it the engine would buffer up to a megabyte of log for a
/// later listener.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let options = LoggingOptions { log_timestamps: false, ..LoggingOptions::default() };
        if let Ok(logger) = Logger::new_with_options(Listener, options) {
            // It listens until the process ends: dropping it would disconnect it.
            std::mem::forget(logger);
        }
    });
}

/// Runs `work` and returns, beside its result, the error lines that the engine logged on this thread
/// meanwhile.
pub(super) fn capturing<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    set_captured(Some(Vec::new()));
    let result = work();
    (result, set_captured(None).unwrap_or_default())
}

fn set_captured(value: Option<Vec<String>>) -> Option<Vec<String>> {
    CAPTURED
        .try_with(|captured| {
            captured.try_borrow_mut().ok().and_then(|mut slot| std::mem::replace(&mut *slot, value))
        })
        .ok()
        .flatten()
}

/// Returns the engine's reason for refusing the block `hash`, without the names of its functions: `reason` or
/// `reason, detail`.
pub(super) fn refusal(lines: &[String], hash: &str) -> Option<String> {
    let at_connection = format!("ConnectBlock {hash} failed, ");
    lines.iter().find_map(|line| {
        if let Some((_, text)) = line.split_once(&at_connection) {
            return Some(text.to_owned());
        }
        // Refused before it was connected: by its form, or by a rule that needs only the headers before it.
        let (_, text) = line.split_once("AcceptBlock FAILED (")?;
        Some(text.strip_suffix(')').unwrap_or(text).to_owned())
    })
}

/// Returns the captured lines as one sentence, for an error that is not a refusal.
pub(super) fn summary(lines: &[String]) -> Option<String> {
    let texts: Vec<&str> = lines.iter().map(|line| line.trim_start_matches("[error]").trim()).collect();
    if texts.is_empty() { None } else { Some(texts.join("; ")) }
}
