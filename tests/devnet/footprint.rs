//! What the provider's daemon takes of a machine at one block a second: `make footprint`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use babylon::node::ChainNode as _;
use babylon::query;
use staking_scripts::testing::key;

use crate::devnet::Devnet;
use crate::network::{CHAIN_ID, program};
use crate::staking::{activate, register_provider};

/// The program that is measured, which the target builds.
const PROGRAM: &str = "BTCSTAKE_EXE";
/// Of a core.
const MOST_CPU: f64 = 0.02;
const MOST_MEMORY_KB: u64 = 60_000;

/// The processor's time that a process has taken, and the most memory that it had.
fn taken(process: u32) -> (Duration, u64) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap();
    let (stat, status) = (read("stat"), read("status"));
    let fields: Vec<u64> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse().unwrap())
        .collect();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = peak.trim().trim_end_matches(" kB").parse().unwrap();
    (Duration::from_millis(fields.iter().sum::<u64>() * 10), peak)
}

#[test]
fn a_provider_takes_little_at_one_block_a_second() {
    let Some(measured) = std::env::var_os(PROGRAM) else {
        eprintln!("SKIPPED: {PROGRAM} names no btcstake; `make footprint` measures it");
        return;
    };
    assert!(program().is_some(), "there is no babylond");
    let devnet = Devnet::start_at("1s").unwrap();
    let node = &devnet.network.rpc;
    let provider = *key("provider", 0).public_key();
    register_provider(&devnet, &key("provider", 0));
    activate(&devnet, &key("staker", 0), &key("provider", 0));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, key: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, hex::encode(key)).unwrap();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, permissions).unwrap();
    };
    write("provider.key", &*key("provider", 0).to_bytes());
    write("account.key", &devnet.network.secret);
    let run = |line: &str| {
        let mut command = Command::new(&measured);
        command.args(line.split_whitespace()).current_dir(folder.path());
        command
    };
    let init = format!(
        "signer init --protection votes.db --public-key {provider} --chain-id {CHAIN_ID} --from-height 1"
    );
    assert!(run(&init).status().unwrap().success());
    let line = format!(
        "provider run --secret-key-file provider.key --protection votes.db --chain-id {CHAIN_ID} --chain-node {rpc} \
         --chain-gateway {rest} --second-chain-node {rpc_by_name} --account-key-file account.key --metrics 127.0.0.1:0",
        rpc = devnet.network.rpc_url,
        rest = devnet.network.rest_url,
        // The same one must do for another: by a name that is not known for its own.
        rpc_by_name = devnet.network.rpc_url.to_string().replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    );
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut child = run(&line).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    devnet.network.wait("it commits", || !query::commitments(node, &provider).unwrap().is_empty());
    devnet.finalize_epochs(query::commitments(node, &provider).unwrap()[0].epoch);
    devnet.network.wait("it votes", || query::last_final_height(node).unwrap().is_some());

    let (begun, (cpu, _), first) =
        (Instant::now(), taken(child.id()), node.status().unwrap().height.to_u64());
    let seconds = std::env::var("FOOTPRINT_SECONDS").map_or(60, |text| text.parse().unwrap());
    std::thread::sleep(Duration::from_secs(seconds));
    let (after, peak) = taken(child.id());
    let last = query::last_final_height(node).unwrap().unwrap().to_u64();
    let blocks = node.status().unwrap().height.to_u64() - first;
    child.kill().unwrap();
    child.wait().unwrap();
    let share = (after - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!(
        "{blocks} blocks in {seconds} s, final up to {last}: {:.2} % of a core, {peak} kB at most",
        share * 100.0
    );
    assert!(last + 5 >= first + blocks, "it votes at every height\n{}", log());
    assert!(share <= MOST_CPU && peak <= MOST_MEMORY_KB, "{}", log());
}
