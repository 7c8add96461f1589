//! The memory of another process.

/// What a process has of the machine's memory, in MB of 10⁶ bytes. Where the system has no `/proc`, it is 0,
/// and what is asserted of it asserts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) now: f64,
    /// The most there ever was.
    pub(crate) peak: f64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Self {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
            return Self::default();
        };
        let megabytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kibibytes: f64 =
                line.trim_start_matches(':').trim().strip_suffix(" kB").unwrap().parse().unwrap();
            kibibytes * 1024.0 / 1e6
        };
        Self { now: megabytes("VmRSS"), peak: megabytes("VmHWM") }
    }
}
