//! What every process that keeps running has in common: its log, the one line that says that it runs, and the
//! signals that stop it.

use std::io::Write as _;

use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;

/// Starts the log, to standard error: text, or one JSON object a line.
pub(crate) fn start_log(level: LevelFilter, as_json: bool) {
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // Whoever has set another one before keeps it.
    let _set = match as_json {
        true => log.json().try_init(),
        false => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
    };
}

/// Prints that it runs, as JSON or as this text.
///
/// # Errors
/// When the output cannot be written as JSON.
pub(crate) fn print_started(output: &impl Serialize, json: bool, text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    let line = if json { serde_json::to_string(output)? } else { text.to_owned() };
    // Nobody may be reading it.
    let _printed = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    Ok(())
}

/// The signals that stop a process.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on they are waited for.
    ///
    /// # Errors
    /// When the system lets nobody wait for them.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _signal = tokio::signal::ctrl_c().await;
    }
}
