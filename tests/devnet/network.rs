//! A network of one validator of the real chain, on loopback.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use babylon::AccountKey;
use babylon::node::{ChainNode, CometBft, Gateway};
use bip39::Mnemonic;
use bitcoin::bip32::{DerivationPath, Xpriv};
use bitcoin::key::Secp256k1;
use bitcoin::{Network, XOnlyPublicKey};
use endpoint::Url;
use tempfile::TempDir;

pub(crate) const CHAIN_ID: &str = "bbn-dev-1";
const HEADER: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000";

/// What is changed of the first block's state.
pub(crate) type Genesis = fn(&mut serde_json::Value);
/// How a network is wanted: its first block, and how long after another its blocks come.
type Wanted = (Genesis, &'static str);

/// A network that runs until it is dropped.
pub(crate) struct BabylonNetwork {
    child: Child,
    folder: TempDir,
    pub(crate) rpc: CometBft,
    pub(crate) gateway: Gateway,
    pub(crate) account: AccountKey,
    /// That account's secret key.
    pub(crate) secret: [u8; 32],
    pub(crate) rpc_url: Url,
    pub(crate) rest_url: Url,
}

/// Where the program is; none where nobody has built it.
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::var_os("BABYLOND_EXE").map(PathBuf::from);
    assert_ne!(program, Some(PathBuf::new()), "BABYLOND_EXE is empty; must name a babylond, or be absent");
    if program.is_none() {
        eprintln!("SKIPPED: BABYLOND_EXE names no babylond");
    }
    program
}

/// Ports that are free, all of them at one time: one after the other the same may come again.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|held| held.local_addr().unwrap().port())
}

fn edit(path: &Path, replacements: &[(&str, String)]) {
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in replacements {
        assert!(text.contains(from), "{} has no {from}", path.display());
        text = text.replace(from, to);
    }
    std::fs::write(path, text).unwrap();
}

impl BabylonNetwork {
    /// Makes a network with this covenant committee, and waits until it answers. A port that was free may be
    /// another's before the node has it: then it is made again.
    pub(crate) fn start(program: &Path, covenant: &[XOnlyPublicKey], quorum: u16, as_wanted: Wanted) -> Self {
        let answers = |network: &Self| {
            let height = |node: &dyn ChainNode| node.status().ok().map(|it| it.height.to_u64());
            height(&network.rpc) >= Some(1) && height(&network.gateway) >= Some(1)
        };
        for _ in 0..3 {
            let network = Self::make(program, covenant, quorum, as_wanted);
            if network.is_so(Duration::from_secs(20), || answers(&network)) {
                return network;
            }
            eprintln!("a network that does not answer:\n{}", network.end_of_log());
        }
        panic!("no network answers");
    }

    fn make(program: &Path, covenant: &[XOnlyPublicKey], quorum: u16, (genesis, pace): Wanted) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<_> = covenant.iter().map(ToString::to_string).collect();
        let flags = [
            "--v 1 --starting-ip-address 127.0.0.1 --keyring-backend test --btc-network regtest",
            "--btc-base-header-height 0 --btc-confirmation-depth 2 --btc-finalization-timeout 4 --epoch-interval 5",
            "--time-between-blocks-seconds 1 --slashing-pk-script 6a07626162796c6f6e --slashing-rate 0.1",
            "--min-slashing-fee-sat 2000 --unbonding-fee-sat 2000 --unbonding-time 20 --min-staking-amount-sat 50000",
            "--max-staking-amount-sat 10000000 --min-staking-time-blocks 150 --max-staking-time-blocks 1000",
            "--activation-height 1 --signed-blocks-window 10000 --additional-sender-account",
        ];
        let made = Command::new(program)
            .arg("testnet")
            .args(flags.iter().flat_map(|line| line.split(' ')))
            .args(["--chain-id", CHAIN_ID, "--btc-base-header", HEADER])
            .args(["--covenant-pks", &keys.join(","), "--covenant-quorum", &quorum.to_string()])
            .arg("--output-dir")
            .arg(folder.path().join("net"))
            .env("HOME", folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let home = folder.path().join("net/node0/babylond");
        let [rpc, peers, rest, grpc] = free_ports();
        edit(
            &home.join("config/config.toml"),
            &[
                ("0.0.0.0:26657", format!("127.0.0.1:{rpc}")),
                ("0.0.0.0:26656", format!("127.0.0.1:{peers}")),
                ("localhost:6060", String::new()),
                ("timeout_commit = \"1s\"", format!("timeout_commit = \"{pace}\"")),
            ],
        );
        edit(
            &home.join("config/app.toml"),
            &[("0.0.0.0:1317", format!("127.0.0.1:{rest}")), ("0.0.0.0:9090", format!("127.0.0.1:{grpc}"))],
        );
        let path = home.join("config/genesis.json");
        let mut json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        genesis(&mut json);
        std::fs::write(&path, serde_json::to_string(&json).unwrap()).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .arg("start")
            .arg("--home")
            .arg(&home)
            .env("HOME", folder.path())
            .env("BABYLON_BLS_PASSWORD", "password")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let within = Duration::from_secs(10);
        let url = |port: u16| format!("http://127.0.0.1:{port}").parse().unwrap();
        let (rpc_url, rest_url, secret): (Url, Url, _) = (url(rpc), url(rest), account(&home));
        Self {
            child,
            account: AccountKey::from_bytes(&secret).unwrap(),
            secret,
            rpc: CometBft::new(rpc_url.clone(), within),
            gateway: Gateway::new(rest_url.clone(), within),
            rpc_url,
            rest_url,
            folder,
        }
    }

    fn is_so(&self, within: Duration, mut holds: impl FnMut() -> bool) -> bool {
        let begun = Instant::now();
        while !holds() {
            if begun.elapsed() > within {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let end: Vec<_> = log.lines().rev().take(20).collect();
        end.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Waits until something holds.
    pub(crate) fn wait(&self, what: &str, holds: impl FnMut() -> bool) {
        let is_so = self.is_so(Duration::from_secs(60), holds);
        assert!(is_so, "not so after a minute: {what}\n{}", self.end_of_log());
    }
}

impl Drop for BabylonNetwork {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The account that the program made for whoever tries the network.
fn account(home: &Path) -> [u8; 32] {
    let seed = ["additional_sender_account_key_seed.json", "key_seed.json"];
    let file = seed.iter().map(|name| home.join(name)).find(|path| path.exists());
    let file = file.unwrap_or_else(|| panic!("no seed in {}", home.display()));
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mnemonic: Mnemonic = json["secret"].as_str().unwrap().parse().unwrap();
    let master = Xpriv::new_master(Network::Bitcoin, &mnemonic.to_seed_normalized("")).unwrap();
    let path: DerivationPath = "m/44'/118'/0'/0/0".parse().unwrap();
    let derived = master.derive_priv(&Secp256k1::new(), &path).unwrap();
    derived.private_key.secret_bytes()
}
