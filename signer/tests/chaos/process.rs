//! Signers in processes of their own, which can be killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signer::config::Configuration;
use signer::daemon::Daemon;

use crate::harness::{ANYBODY, Home, chain};
use crate::memory::Memory;

/// Tells the other process what it serves.
const CONFIGURATION: &str = "SIGNER_TEST_CONFIGURATION";

/// The store that [`Home`] makes.
pub(crate) const SQLITE: &str = "kind = \"sqlite\"\ndatabase = \"signing.db\"";

/// Writes a configuration of Alice's key on both chains, and returns its path.
pub(crate) fn configure(home: &Home, name: &str, store: &str, clients: &str) -> PathBuf {
    let text = format!(
        r#"
[store]
{store}
[listen]
grpc = "127.0.0.1:0"
metrics = "127.0.0.1:0"
[keystore]
folder = "keys"
[[key]]
name = "alice"
passphrase_file = "alice.passphrase"
[[chain]]
chain_id = "bbn-1"
votes_per_minute = 1000000
votes_at_once = 10000
[[chain]]
chain_id = "consumer-1"
consumer = {{ verifying_chain_id = "consumer-1", address = "bbn1contract" }}
votes_per_minute = 1000000
votes_at_once = 10000
{clients}
"#
    );
    home.write(name, text);
    home.path(name)
}

/// The process that is killed. It stops in order when its input ends, also when who started it has died.
#[test]
#[ignore = "a part of the other tests, which run it"]
fn serve() {
    let Some(path) = std::env::var_os(CONFIGURATION) else { return };
    let configuration = Configuration::load(Path::new(&path), []).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let daemon = match Daemon::start(configuration).await {
            Ok(daemon) => daemon,
            Err(error) => return println!("\nrefused: {}", chain(&error).replace('\n', " ")),
        };
        println!("\nserving: {} {}", daemon.grpc_address(), daemon.metrics_address().unwrap());
        let orders = tokio::task::spawn_blocking(|| {
            for order in std::io::stdin().lines() {
                let maximum = getrlimit(Resource::Fsize).maximum;
                let current = order.unwrap().parse().ok().or(maximum);
                setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
                println!("\nlimited");
            }
        });
        orders.await.unwrap();
        daemon.stop().await;
        println!("\nstopped");
    });
}

/// A signer in another process. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub(crate) grpc: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Returns the next line that begins with a word, without it; `None` at the end.
fn line_with(output: &mut BufReader<ChildStdout>, words: &[&str]) -> Option<(usize, String)> {
    output.lines().map(Result::unwrap).find_map(|line| {
        let found =
            words.iter().enumerate().find_map(|(number, word)| Some((number, line.strip_prefix(word)?)));
        found.map(|(number, rest)| (number, rest.to_owned()))
    })
}

impl Process {
    /// Starts one.
    ///
    /// # Errors
    /// The text that says why it does not start.
    pub(crate) fn start(configuration: &Path) -> Result<Self, String> {
        // A process that ignores the signal is told by an error that its files cannot grow; Rust itself does
        // not ignore it.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
        command.args(["process::serve", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(CONFIGURATION, configuration).env_remove("RUST_TEST_THREADS");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, mut output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let found = line_with(&mut output, &["serving: ", "refused: "]);
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        // Killed and reaped when it is no signer.
        let mut process = Self { child, input, output, grpc: nowhere, metrics: nowhere };
        match found {
            Some((0, addresses)) => {
                let (grpc, metrics) = addresses.split_once(' ').unwrap();
                (process.grpc, process.metrics) = (grpc.parse().unwrap(), metrics.parse().unwrap());
                Ok(process)
            }
            Some((_, refused)) => Err(refused),
            None => panic!("a signer ended before it served"),
        }
    }

    /// Lets no file of it grow beyond a length, or lets them grow again.
    pub(crate) fn limit_files(&mut self, length: Option<u64>) {
        let order = length.map_or("none".to_owned(), |length| length.to_string());
        writeln!(self.input.as_mut().unwrap(), "{order}").unwrap();
        line_with(&mut self.output, &["limited"]).unwrap();
    }

    /// Stops it in order.
    pub(crate) fn stop(mut self) {
        drop(self.input.take());
        line_with(&mut self.output, &["stopped"]).expect("it stops in order");
        assert!(self.child.wait().unwrap().success());
    }

    /// Returns the status of its health.
    pub(crate) async fn health(metrics: SocketAddr) -> String {
        get(metrics, "/health").await.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// Returns its memory.
    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }
}

/// Returns what is served beside the interface: metrics, and health.
pub(crate) async fn get(metrics: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(metrics).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: signer\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A place where a signer runs, is killed, and runs again.
pub(crate) struct Host {
    configuration: PathBuf,
    process: Mutex<Option<Process>>,
    pub(crate) starts: AtomicUsize,
    pub(crate) kills: AtomicUsize,
}

impl Host {
    /// Starts a signer that anybody may ask for anything.
    pub(crate) fn start(home: &Home, name: &str, store: &str) -> Self {
        let configuration = configure(home, name, store, ANYBODY);
        let (starts, kills) = <(AtomicUsize, AtomicUsize)>::default();
        let host = Self { configuration, process: Mutex::default(), starts, kills };
        host.resume();
        host
    }

    /// Starts the signer, as often as it takes: its database may be away for a while.
    pub(crate) fn resume(&self) {
        let begin = Instant::now();
        let process = loop {
            match Process::start(&self.configuration) {
                Ok(process) => break process,
                Err(refused) => {
                    assert!(refused.contains("PostgreSQL") || refused.contains("server"), "{refused}");
                    assert!(begin.elapsed() < Duration::from_secs(120), "{refused}");
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        };
        self.starts.fetch_add(1, Ordering::SeqCst);
        *self.process.lock().unwrap() = Some(process);
    }

    /// Kills the signer, with SIGKILL.
    pub(crate) fn kill(&self) {
        let process = self.process.lock().unwrap().take();
        self.kills.fetch_add(usize::from(process.is_some()), Ordering::SeqCst);
        drop(process);
    }

    /// Stops the signer in order.
    pub(crate) fn stop(&self) {
        self.process.lock().unwrap().take().unwrap().stop();
    }

    pub(crate) fn limit_files(&self, length: Option<u64>) {
        if let Some(process) = self.process.lock().unwrap().as_mut() {
            process.limit_files(length);
        }
    }

    /// Returns the addresses of the interface and of the metrics; `None` while it does not run.
    pub(crate) fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.process.lock().unwrap().as_ref().map(|process| (process.grpc, process.metrics))
    }
}
