//! A `bitcoind` of one's own, on regtest.

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::Cause;
use crate::{BitcoinCore, Credentials, NodeError};

/// How long a daemon may take to answer.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a daemon may take to write its databases and end.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(25);
/// Another program may take the free port between our look and the daemon's start.
const PORT_ATTEMPTS: u32 = 3;

/// A `bitcoind` on regtest, in a temporary data directory, that listens for JSON-RPC on a free local port and
/// connects to no other node.
///
/// It ends, and its directory is removed, when the value is dropped.
///
/// ```no_run
/// use chain::testing::RegtestDaemon;
/// use chain::{BitcoinCore, ChainSource, Credentials};
///
/// let daemon = RegtestDaemon::start("/usr/bin/bitcoind".as_ref())?;
/// let node = BitcoinCore::connect(&daemon.url(), Credentials::CookieFile(daemon.cookie_file()))?;
/// println!("{}", node.tip()?.hash);
/// # Ok::<(), chain::NodeError>(())
/// ```
pub struct RegtestDaemon {
    process: Child,
    port: u16,
    exe: PathBuf,
    extra_args: Vec<String>,
    data_dir: TempDir,
}

impl RegtestDaemon {
    /// Starts the program `exe`, and waits until it responds.
    ///
    /// # Errors
    ///
    /// [`NodeError::Daemon`] when it does not start, ends at once, or does not answer within a minute;
    /// [`NodeError::Storage`] when there is no place for its directory.
    pub fn start(exe: &Path) -> Result<Self, NodeError> {
        Self::start_with_args(exe, &[])
    }

    /// Starts the program `exe` with more arguments, such as `-txindex=1`, and waits until it responds.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with_args(exe: &Path, extra_args: &[&str]) -> Result<Self, NodeError> {
        let extra_args: Vec<String> = extra_args.iter().map(|&arg| arg.to_owned()).collect();
        let mut attempt = 1;
        loop {
            match Self::start_once(exe, &extra_args) {
                Err(NodeError::Daemon { source, .. })
                    if attempt < PORT_ATTEMPTS && source.to_string().contains("HTTP server") =>
                {
                    attempt = attempt.saturating_add(1);
                }
                result => return result,
            }
        }
    }

    /// Returns whether the program `exe` knows an option, such as `-txospenderindex` (Bitcoin Core 31), by
    /// its own help.
    ///
    /// # Errors
    ///
    /// [`NodeError::Daemon`] when it does not run.
    pub fn knows_option(exe: &Path, option: &str) -> Result<bool, NodeError> {
        let help = Command::new(exe).arg("-help-debug").arg("-help").stdin(Stdio::null()).output();
        let help = help.map_err(|error| failed(exe, error))?.stdout;
        let is_it = |word: &str| word.split('=').next() == Some(option);
        Ok(String::from_utf8_lossy(&help).lines().any(|line| is_it(line.trim())))
    }

    fn start_once(exe: &Path, extra_args: &[String]) -> Result<Self, NodeError> {
        let data_dir = tempfile::Builder::new()
            .prefix("regtest-daemon-")
            .tempdir()
            .map_err(|source| NodeError::Storage { path: std::env::temp_dir(), source })?;
        let port = free_port().map_err(|error| failed(exe, NoFreePort(error)))?;
        let process = spawn(exe, data_dir.path(), port, extra_args)?;
        let mut daemon =
            Self { process, port, exe: exe.to_path_buf(), extra_args: extra_args.to_vec(), data_dir };
        daemon.wait_until_it_answers()?;
        Ok(daemon)
    }

    /// Returns the URL of its JSON-RPC server, without credentials: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Returns the path of its cookie file, for [`Credentials::CookieFile`].
    pub fn cookie_file(&self) -> PathBuf {
        self.data_dir.path().join("regtest").join(".cookie")
    }

    /// Returns a connection to its JSON-RPC server.
    ///
    /// # Errors
    ///
    /// As [`BitcoinCore::connect`].
    pub fn connect(&self) -> Result<BitcoinCore, NodeError> {
        BitcoinCore::connect(&self.url(), Credentials::CookieFile(self.cookie_file()))
    }

    /// Calls any of its RPC methods, for those that [`Node`](crate::Node) has no method for.
    ///
    /// # Errors
    ///
    /// As [`BitcoinCore::connect`], and [`NodeError::Rpc`] with the daemon's refusal.
    pub fn call(&self, method: &str, params: &[serde_json::Value]) -> Result<serde_json::Value, NodeError> {
        self.connect()?.call_any(method, params)
    }

    /// Stops it cleanly and starts it again, in the same directory and on the same port, with a new cookie.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and those of the call that stops it.
    pub fn restart(&mut self) -> Result<(), NodeError> {
        self.connect()?.stop()?;
        self.start_again()
    }

    /// Kills it and starts it again: it no longer knows the blocks since it last wrote its databases.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn kill_and_restart(&mut self) -> Result<(), NodeError> {
        self.process.kill().map_err(|error| self.failed(error))?;
        self.start_again()
    }

    /// Waits until the process has ended, and starts it with the same arguments.
    fn start_again(&mut self) -> Result<(), NodeError> {
        let deadline = Instant::now().checked_add(STOP_TIMEOUT);
        while self.exited()?.is_none() {
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return Err(self.failed("it did not stop"));
            }
            sleep(PAUSE);
        }
        self.process = spawn(&self.exe, self.data_dir.path(), self.port, &self.extra_args)?;
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> Result<(), NodeError> {
        let deadline = Instant::now().checked_add(START_TIMEOUT);
        loop {
            let refused = match self.connect() {
                Ok(_) => return Ok(()),
                // Unauthorized: the cookie file is there, but the one of the last run.
                Err(error) if error.is_retryable() || matches!(error, NodeError::Unauthorized { .. }) => {
                    error
                }
                Err(error) => return Err(error),
            };
            if let Some(status) = self.exited()? {
                let said = std::fs::read_to_string(error_file(self.data_dir.path())).unwrap_or_default();
                return Err(self.failed(format!("it ended with {status}: {}", said.trim())));
            }
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return Err(self.failed(refused));
            }
            sleep(PAUSE);
        }
    }

    fn exited(&mut self) -> Result<Option<std::process::ExitStatus>, NodeError> {
        let status = self.process.try_wait();
        status.map_err(|error| self.failed(error))
    }

    fn failed(&self, cause: impl Into<Cause>) -> NodeError {
        failed(&self.exe, cause)
    }
}

impl fmt::Debug for RegtestDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegtestDaemon")
            .field("exe", &self.exe)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Drop for RegtestDaemon {
    fn drop(&mut self) {
        // Its directory goes with it, so there is nothing that it would have to write first.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn failed(exe: &Path, cause: impl Into<Cause>) -> NodeError {
    NodeError::Daemon { exe: exe.to_path_buf(), source: cause.into() }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no free port")]
struct NoFreePort(#[source] std::io::Error);

fn error_file(data_dir: &Path) -> PathBuf {
    data_dir.join("stderr.txt")
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn spawn(exe: &Path, data_dir: &Path, port: u16, extra_args: &[String]) -> Result<Child, NodeError> {
    let path = error_file(data_dir);
    let stderr = std::fs::File::create(&path).map_err(|source| NodeError::Storage { path, source })?;
    let mut data_dir_arg = std::ffi::OsString::from("-datadir=");
    data_dir_arg.push(data_dir);
    Command::new(exe)
        .arg("-regtest")
        .arg(data_dir_arg)
        .arg(format!("-rpcport={port}"))
        .args(["-server=1", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1"])
        .args(["-listen=0", "-connect=0", "-dnsseed=0", "-discover=0", "-fixedseeds=0"])
        .args(["-printtoconsole=0", "-dbcache=16"])
        .args(extra_args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .map_err(|error| failed(exe, error))
}
