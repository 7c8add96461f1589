//! The covenant members' daemons as processes, between a real bitcoind and a network of the secured chain.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use babylon::query::{self, DelegationStatus};
use babylon::{AccountKey, Message};
use bitcoin::Txid;
use chain::testing::RegtestDaemon;
use roles::headers::{self, HeadersError};
use serde_json::{Value, json};
use staking_scripts::testing::key;
use tempfile::TempDir;

use crate::devnet::Devnet;
use crate::network::CHAIN_ID;
use crate::staking::{prove_possession, provider_message, stake};

/// The command line of the child that is the program itself.
const ARGUMENTS: &str = "DEVNET_BTCSTAKE";

/// Not a test: what a child process of the tests runs.
#[test]
fn program() {
    let Ok(line) = std::env::var(ARGUMENTS) else { return };
    let arguments = std::iter::once("btcstake").chain(line.split_whitespace());
    let code = btcstake::run(arguments.map(Into::into));
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

/// The program, in a folder. What it prints comes after what the tests' harness does.
fn btcstake(folder: &TempDir, line: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "processes::program", "--nocapture"]).env(ARGUMENTS, line);
    command.current_dir(folder.path()).stdin(Stdio::null());
    command
}

/// A daemon that runs until it is dropped.
struct Daemon {
    child: Child,
    said: Value,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Daemon {
    fn start(folder: &TempDir, line: &str) -> Self {
        let log = std::fs::File::options().append(true).create(true).open(folder.path().join("log")).unwrap();
        let mut child = btcstake(folder, line).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = lines.map(|line| line[line.find('{').unwrap_or(line.len())..].to_owned());
        let said =
            said.filter(|line| !line.is_empty()).map(|line| serde_json::from_str(&line).unwrap()).next();
        Self { child, said: said.unwrap_or_else(|| panic!("{}", log_of(folder))) }
    }

    fn terminate(mut self) -> ExitStatus {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

fn log_of(folder: &TempDir) -> String {
    std::fs::read_to_string(folder.path().join("log")).unwrap_or_default()
}

fn write_key(folder: &TempDir, name: &str, key: &[u8; 32]) {
    let path = folder.path().join(name);
    std::fs::write(&path, hex::encode(key)).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// A member's folder, and the command line of its daemon.
fn member(devnet: &Devnet, bitcoin: &RegtestDaemon, number: u8) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let account = [0x40 + number; 32];
    devnet.new_account(0x40 + number);
    assert!(AccountKey::from_bytes(&account).is_ok());
    write_key(&folder, "account.key", &account);
    write_key(&folder, "member.key", &devnet.covenant[usize::from(number)].to_bytes());
    let line = format!(
        "--json covenant run --secret-key-file member.key --record member.record --network regtest --node {} \
         --cookie-file {} --chain-id {CHAIN_ID} --chain-node {} --account-key-file account.key --poll 100 --least-balance 1",
        bitcoin.url(),
        bitcoin.cookie_file().display(),
        devnet.network.rpc_url,
    );
    (folder, line)
}

/// Registers a stake that nobody has signed but its staker.
fn register(devnet: &Devnet, number: usize) -> Txid {
    let (delegation, staking) = stake(devnet, &key("staker", number), &key("provider", 0));
    devnet.send(&[Message::register_stake(&delegation, None).unwrap()]);
    staking.txid()
}

#[test]
fn members_sign_beside_a_real_bitcoind_and_survive_kills() {
    let Some(devnet) = Devnet::start() else { return };
    let Some(program) = std::env::var_os("BITCOIND_EXE").map(PathBuf::from) else {
        eprintln!("SKIPPED: BITCOIND_EXE names no bitcoind");
        return;
    };
    // The chain knows Bitcoin by this node; the coins of stakes that never get there are others'.
    let bitcoin = RegtestDaemon::start(&program).unwrap();
    let mine = |count: u32| {
        let nobody = json!("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080");
        bitcoin.call("generatetoaddress", &[json!(count), nobody]).unwrap();
    };
    let tell = || {
        let node = bitcoin.connect().unwrap();
        headers::tell_headers::<HeadersError>(&devnet.network.rpc, &node, |headers| {
            devnet.send(&[Message::insert_headers(devnet.account().address(), headers)]);
            Ok(())
        })
        .unwrap()
    };
    mine(165);
    let address = devnet.account().address().clone();
    let (_, proof) = prove_possession(&key("provider", 0), &address);
    devnet.send(&[provider_message(&address, &key("provider", 0), &proof)]);
    tell();
    let stakes = [register(&devnet, 0), register(&devnet, 1)];

    let (folder, line) = member(&devnet, &bitcoin, 0);
    let (other_folder, other_line) = member(&devnet, &bitcoin, 1);
    let first = Daemon::start(&folder, &line);
    assert_eq!(first.said["public_key"], devnet.covenant[0].public_key().to_string());
    let other = Daemon::start(&other_folder, &other_line);
    // One list alone: from one to the next a stake may move, as others sign it.
    let is = |stake, status| {
        let listed = query::delegations_each(&devnet.network.rpc, status).unwrap();
        listed.iter().any(|found| found.txid == Some(stake))
    };
    devnet.network.wait("both stakes are verified", || {
        stakes.iter().all(|stake| is(*stake, DelegationStatus::Verified))
    });

    // Killed, and started anew: what it has signed it does not sign again, and what is new it does.
    drop(first);
    let waiting = register(&devnet, 2);
    let first = Daemon::start(&folder, &line);
    devnet.network.wait("the third stake is verified", || is(waiting, DelegationStatus::Verified));
    // Bitcoin runs ahead of what the chain knows: nothing is signed until it knows again.
    mine(3);
    let both = [&folder, &other_folder];
    devnet.network.wait("both say so", || both.iter().all(|folder| log_of(folder).contains("differing")));
    let later = register(&devnet, 3);
    // Some steps of each.
    std::thread::sleep(Duration::from_secs(1));
    assert!(is(later, DelegationStatus::Pending));
    tell();
    devnet.network.wait("the fourth stake is verified", || is(later, DelegationStatus::Verified));
    // It ends when what it has begun is done.
    assert!(first.terminate().success() && other.terminate().success());
    let log = log_of(&folder);
    for stake in [waiting, later] {
        let said = log.lines().filter(|line| line.contains(&format!("submitted stake={stake}"))).count();
        assert_eq!(said, 1, "{log}");
    }
    assert!(!log.contains("refused"), "{log}");
    let signed = query::delegation(&devnet.network.rpc, later).unwrap().unwrap();
    assert_eq!(signed.covenant_signatures.len(), 2);
}
