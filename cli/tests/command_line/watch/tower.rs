//! A watchtower as a process, and evidence for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use eots::{SecretKey, SecretRandomness, sign};
use finality::{ConsumerHeight, Evidence, SigningContext, VoteMessage};
use serde_json::Value;

use crate::fixtures::process::{Folder, PROVIDER};

/// Evidence that the provider of the fixtures voted twice at a height.
pub(super) fn evidence(height: u64) -> Evidence {
    let key = SecretKey::from_bytes(&hex::decode(PROVIDER).unwrap().try_into().unwrap()).unwrap();
    let signed = |block: u8| {
        let message = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(height), [block; 32]);
        let randomness = SecretRandomness::derive(&key, b"bbn-1", height);
        let public = *randomness.public_randomness();
        (message, sign(&key, randomness, &message.to_bytes()).unwrap(), public)
    };
    let (canonical, canonical_signature, public_randomness) = signed(1);
    let (fork, fork_signature, _) = signed(2);
    let public_key = *key.public_key();
    Evidence { public_key, public_randomness, canonical, canonical_signature, fork, fork_signature }
}

/// A daemon, which is killed when it is dropped.
pub(super) struct Tower {
    child: Child,
    pub(super) said: Value,
}

impl Drop for Tower {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Tower {
    /// Starts `watch run` with these flags, and waits until it says that it runs.
    pub(super) fn start(folder: &Folder, flags: &str) -> Self {
        let log = std::fs::OpenOptions::new().append(true).create(true).open(folder.path().join("watch.log"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_btcstake"))
            .args(format!("--json watch run --metrics 127.0.0.1:0 --poll 50 {flags}").split_whitespace())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error}: {line:?}\n{}", folder.read("watch.log")));
        Self { child, said }
    }

    pub(super) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.said["metrics"].as_str().unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        let _read = stream.read_to_string(&mut answer);
        answer
    }

    /// Returns the number of a metric.
    pub(super) fn metric(&self, name: &str) -> u64 {
        let all = self.get("/metrics");
        let line = all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {all}")).parse().unwrap()
    }

    /// Returns how often an alert of this kind was told.
    pub(super) fn alerts(&self, kind: &str) -> u64 {
        let name = format!("btcstake_watch_alerts_total{{kind=\"{kind}\"}} ");
        let all = self.get("/metrics");
        all.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
    }

    #[cfg(unix)]
    pub(super) fn terminate(mut self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

#[track_caller]
pub(super) fn wait(folder: &Folder, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not so: {what}\n{}", folder.read("watch.log"));
        std::thread::sleep(Duration::from_millis(20));
    }
}
