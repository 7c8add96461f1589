//! The steps between two writes, at which tests kill the process. Other builds do nothing there.

#[cfg(not(test))]
pub(crate) const fn passed(_step: &str) {}

#[cfg(test)]
pub(crate) use for_tests::{KILL_AT, passed};

#[cfg(test)]
mod for_tests {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Says in the environment of a test's other process at which of its steps it is killed, counted from 1.
    pub(crate) const KILL_AT: &str = "SIGNER_TEST_KILL_AT";

    static WANTED: OnceLock<Option<u64>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Kills the process at the step that its environment names: no destructor runs, and nothing is flushed.
    pub(crate) fn passed(step: &str) {
        let wanted =
            WANTED.get_or_init(|| std::env::var(KILL_AT).ok().and_then(|number| number.parse().ok()));
        let Some(wanted) = *wanted else { return };
        if PASSED.fetch_add(1, Ordering::SeqCst).saturating_add(1) == wanted {
            eprintln!("killed: {step}");
            kill();
        }
    }

    #[cfg(unix)]
    fn kill() {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    #[cfg(not(unix))]
    fn kill() {
        std::process::abort();
    }
}
