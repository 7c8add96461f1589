//! `btcstake provider run`: the daemon as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixtures::process::{Folder, PROVIDER_KEY};
use crate::fixtures::secured_chain::SecuredChain;

/// A daemon in a process of its own, and what it said when it began.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) said: Value,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _gone = self.child.wait();
    }
}

const FLAGS: &str = "--secret-key-file provider.key --protection vote.db --randomness-heights 200 --timestamping-delay 60 \
                     --least-balance 1 --least-coverage 5 --metrics 127.0.0.1:0";

fn start(folder: &Folder, chain: &SecuredChain, more: &str) -> Daemon {
    let poll = if more.contains("--poll") { "" } else { "--poll 10" };
    Daemon::start(folder, &format!("{FLAGS} {poll} {} {more}", chain.flags()))
}

impl Daemon {
    /// Starts `provider run` with these flags; its log is `provider.log`.
    pub(crate) fn start(folder: &Folder, flags: &str) -> Self {
        Self::start_role(folder, "provider", flags)
    }

    /// Starts a role's daemon with these flags; its log is `ROLE.log`.
    pub(crate) fn start_role(folder: &Folder, role: &str, flags: &str) -> Self {
        let log = format!("{role}.log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_btcstake"))
            .args(format!("--json {role} run {flags}").split_whitespace())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.path().join(&log)).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error}: {line:?}\n{}", folder.read(&log)));
        Self { child, said }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.said["metrics"].as_str().unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        let _read = stream.read_to_string(&mut answer);
        answer
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait("the process ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }

    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}

#[track_caller]
pub(crate) fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not so: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A chain on which the provider is registered, and a signing database.
fn world(folder: &Folder) -> SecuredChain {
    world_on(folder, SecuredChain::start(folder))
}

fn world_on(folder: &Folder, chain: SecuredChain) -> SecuredChain {
    let address = chain.address.parse().unwrap();
    chain.chain.register(PROVIDER_KEY.parse().unwrap(), &address);
    chain.chain.set_balance(&address, 1_000_000);
    chain.chain.stake(1, 500_000);
    let init = format!(
        "signer init --protection vote.db --public-key {PROVIDER_KEY} --chain-id bbn-1 --from-height 1"
    );
    folder.run(&init).ends(0);
    chain
}

/// Makes the checkpoints of all epochs but the last two final.
pub(crate) fn finalize(chain: &SecuredChain) {
    chain.chain.finalize_epoch((chain.chain.height() / 10).saturating_sub(2));
}

#[cfg(unix)]
#[test]
fn daemon_commits_votes_shows_metrics_and_survives_kills() {
    let folder = Folder::new();
    let chain = world(&folder);
    let mut daemon = start(&folder, &chain, "");
    crate::outputs::check("provider run", &daemon.said);
    assert_eq!(daemon.said["public_key"], PROVIDER_KEY);
    wait("it votes", || {
        finalize(&chain);
        chain.chain.voted().len() > 10
    });
    // Killed at any point, it goes on where it was.
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    chain.chain.advance(chain.chain.height() + 20);
    let mut daemon = start(&folder, &chain, "");
    let height = chain.chain.height();
    wait("it has caught up", || {
        finalize(&chain);
        chain.chain.voted().iter().any(|voted| *voted > height)
    });
    wait("nothing is wrong any more", || {
        finalize(&chain);
        daemon.get("/health").starts_with("HTTP/1.1 200")
    });
    let metrics = daemon.get("/metrics");
    for line in ["btcstake_provider_power_satoshis 500000", "btcstake_provider_alert{alert=\"jailed\"} 0"] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    daemon.terminate();
    assert!(daemon.ended().success());
    let (voted, last) = (chain.chain.voted(), chain.chain.height() - 30);
    let missed: Vec<_> =
        chain.chain.powered().into_iter().filter(|at| *at < last && !voted.contains(at)).collect();
    assert_eq!((missed, chain.chain.is_jailed_or_slashed()), (Vec::new(), (false, false)));
    assert!(folder.read("provider.log").contains("voted"));
}

/// By its own clock alone it would take a minute.
#[cfg(unix)]
#[test]
fn daemon_looks_when_the_node_tells_of_a_block() {
    let folder = Folder::new();
    let chain = world_on(&folder, SecuredChain::start_ringing(&folder));
    let mut daemon = start(&folder, &chain, "--poll 4000");
    let begun = Instant::now();
    wait("it votes", || {
        finalize(&chain);
        chain.chain.voted().len() > 10
    });
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    daemon.terminate();
    assert!(daemon.ended().success());
}

#[test]
fn what_cannot_run_is_said_before_it_runs() {
    let folder = Folder::new();
    let chain = world(&folder);
    let fails = |more: &str, words: &[&str]| {
        let line = format!(
            "provider run --secret-key-file provider.key --protection vote.db {} {more}",
            chain.flags()
        );
        folder.run(&line).fails(words);
    };
    fails("--metrics 192.0.2.1:2113", &["--metrics", "must be on loopback"]);
    fails("--randomness-heights 0", &["--randomness-heights"]);
    fails("--randomness-heights 10000001", &["--randomness-heights"]);
    fails("--timestamping-delay 200000", &["--timestamping-delay"]);
    let same = format!("--second-chain-node http://{}", chain.node.address());
    fails(&same, &["--second-chain-node", "must be another node"]);
    // By another name it is the same.
    fails(&same.replace("127.0.0.1", "localhost"), &["--second-chain-node", "must be another node"]);
    folder.write("ca.pem", "no certificate");
    fails("--chain-ca-file ca.pem", &["--chain-ca-file ca.pem", "no node is asked over https"]);
    let second = "--second-chain-node https://127.0.0.1:1";
    let not_pem = ["--chain-ca-file ca.pem", "must be PEM with one certificate"];
    fails(&format!("{second} --chain-ca-file ca.pem"), &not_pem);
    fails(&format!("{second} --chain-ca-file nowhere"), &["--chain-ca-file nowhere"]);
    let context = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    fails(&format!("--signing-context {context}"), &["--signing-context"]);
    let line = format!("provider run --secret-key-file provider.key {}", chain.flags());
    folder.run(&line).fails(&["--protection"]);
    folder.run(&format!("{line} --dangerously-unprotected")).fails(&["--dangerously-unprotected"]);
    let line = "provider run --secret-key-file provider.key --protection vote.db --chain-id bbn-1 --account-key-file account.key";
    folder.run(&format!("{line} --chain-node http://127.0.0.1:1")).fails(&["--chain-node"]);
    folder.run(line).fails(&["--chain-node is absent"]);
}

/// The page names every alert, and no flag that is not there.
#[test]
fn docs_have_every_alert_and_flag() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/provider.md")).unwrap();
    for alert in roles::provider::ProviderAlert::ALL {
        assert!(page.contains(&format!("\n| `{alert}` |")), "{alert}");
    }
    check_flags(&page);
}

/// Every flag that a page names is there.
#[track_caller]
pub(crate) fn check_flags(page: &str) {
    let mut program = btcstake::command_line();
    program.build();
    let flags =
        page.split("--").skip(1).map(|rest| rest.split(|c: char| c != '-' && !c.is_ascii_lowercase()).next());
    for flag in flags.flatten().filter(|flag| flag.len() > 1) {
        assert!(crate::key::docs::has_flag(&program, flag), "no flag --{flag}");
    }
}
