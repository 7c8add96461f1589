//! A PostgreSQL server, in a temporary directory.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The environment variable that, with the value 1, says that a server must be there.
pub const REQUIRE_POSTGRES: &str = "BTCSTAKE_REQUIRE_POSTGRES";

/// A PostgreSQL server of the distribution, which this process started. Dropping it stops and removes it.
///
/// It listens on a Unix socket alone, and trusts who connects. It refuses to be started by root: then it runs
/// as the user `postgres`.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: PathBuf,
    as_user: Vec<String>,
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// In order.
    Fast,
    /// As by a crash: with a recovery at the next start.
    Immediate,
}

fn failed(what: &str, output: &Output) -> io::Error {
    let text = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream));
    io::Error::other(format!("{what}: {}\n{}{}", output.status, text[0], text[1]))
}

/// Runs a command to its end, and returns what it wrote.
fn run(command: &mut Command) -> io::Result<String> {
    let what = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(failed(&what, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the folder of the server's programs, of the newest version that is there.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for (root, inside) in [
        ("/usr/lib/postgresql", "bin"),
        ("/usr", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
    ] {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries.map(|entry| entry.path().join(inside)).collect();
        found.sort_by_key(|folder| {
            let text = folder.to_string_lossy();
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            std::cmp::Reverse(digits.parse::<u64>().unwrap_or(0))
        });
        folders.extend(found);
    }
    let has_all =
        |folder: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(has_all)
}

/// Returns what stands before a command so that it does not run as root.
fn as_user() -> io::Result<Vec<String>> {
    if run(Command::new("id").arg("-u"))?.trim() != "0" {
        return Ok(Vec::new());
    }
    let words = ["runuser", "-u", "postgres", "--"];
    Ok(words.map(str::to_owned).to_vec())
}

impl PostgresServer {
    /// Starts a server with these lines in its configuration; `None` where there is no PostgreSQL. `test` is
    /// the name of what is skipped then.
    ///
    /// # Errors
    /// When it does not start, or is not there although [`REQUIRE_POSTGRES`] says that it must.
    pub fn start(test: &str, settings: &[&str]) -> io::Result<Option<Self>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(programs) = programs() else {
            if std::env::var_os(REQUIRE_POSTGRES).is_some_and(|value| value == "1") {
                let text = format!("{test}: there is no PostgreSQL here, and {REQUIRE_POSTGRES} is 1");
                return Err(io::Error::new(io::ErrorKind::NotFound, text));
            }
            eprintln!("SKIPPED: {test}, as there is no PostgreSQL here (`make deps-test` installs it)");
            return Ok(None);
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // The path of a socket has room for about 100 characters.
        let name = format!("btcstake-store-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _left_by_another = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder)?;
        // From here on it is removed when anything fails.
        let server = Self { programs, folder, as_user: as_user()? };
        if !server.as_user.is_empty() {
            run(Command::new("chown").arg("postgres").arg(&server.folder))?;
        }
        let data = server.data();
        run(server
            .program("initdb")
            .args(["-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D"])
            .arg(&data))?;
        let mut file = OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
        writeln!(file, "listen_addresses = ''\nunix_socket_directories = '{}'", server.folder.display())?;
        writeln!(file, "max_connections = 40\nshared_buffers = 16MB")?;
        settings.iter().try_for_each(|line| writeln!(file, "{line}"))?;
        drop(file);
        server.resume()?;
        Ok(Some(server))
    }

    /// Returns the server that the tests of a process share; it stops when the last of them is done.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn shared(test: &str) -> io::Result<Option<Arc<Self>>> {
        static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Ok(Some(server));
        }
        let server = Self::start(test, &[])?.map(Arc::new);
        if let Some(server) = &server {
            *shared = Arc::downgrade(server);
        }
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A program of the server's, as its user.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = match self.as_user.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        // A folder that its user may not enter is of no use to it.
        command.current_dir("/");
        command
    }

    /// Starts it again after [`stop`](Self::stop).
    ///
    /// # Errors
    /// When it does not start; its log is in the error.
    pub fn resume(&self) -> io::Result<()> {
        let log = self.folder.join("log");
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).arg("-l").arg(&log).args(["-w", "-t", "120", "start"]);
        run(&mut command).map(|_| ()).map_err(|error| {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            io::Error::other(format!("{error}\n{log}"))
        })
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self, how: Stop) -> io::Result<()> {
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        let mut command = self.program("pg_ctl");
        run(command.arg("-D").arg(self.data()).args(["-w", "-t", "120", "-m", mode, "stop"])).map(|_| ())
    }

    /// Returns the folder of its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the connection string of a database.
    pub fn connection(&self, database: &str) -> String {
        format!("host={} user=postgres dbname={database}", self.folder.display())
    }

    /// Returns a `psql` that is connected to a database.
    pub fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]);
        command.arg(&self.folder).arg("-d").arg(database);
        command
    }

    /// Runs SQL in a database, and returns its rows as lines.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn sql(&self, database: &str, sql: &str) -> io::Result<String> {
        run(self.psql(database).arg("-c").arg(sql)).map(|text| text.trim_end().to_owned())
    }

    /// Makes a database.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn create(&self, database: &str) -> io::Result<()> {
        self.sql("postgres", &format!("CREATE DATABASE \"{database}\"")).map(|_| ())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let _stopped = self.stop(Stop::Immediate);
        let _removed = std::fs::remove_dir_all(&self.folder);
    }
}
