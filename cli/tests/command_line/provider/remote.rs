//! `btcstake provider run --signer`: the daemon, and a signer in a process of its own.

use serde_json::Value;

use super::run::{Daemon, finalize, wait};
use crate::fixtures::process::{Folder, PROVIDER_KEY};
use crate::fixtures::secured_chain::SecuredChain;
use crate::signer::daemon;

/// The lanes of the signer begin here.
const FIRST: u64 = 100;
const SIGNER: &str = "--randomness-heights 200 --timestamping-delay 60 --least-balance 1 --least-coverage 5 \
                      --metrics 127.0.0.1:0 --poll 10 --signer-secret-file client.secret";

/// A chain on which the provider has power from a height on at which its signer signs.
fn world(folder: &Folder) -> SecuredChain {
    daemon::home(folder);
    let chain = SecuredChain::start(folder);
    let address = chain.address.parse().unwrap();
    chain.chain.register(PROVIDER_KEY.parse().unwrap(), &address);
    chain.chain.set_balance(&address, 1_000_000);
    chain.chain.advance(2 * FIRST);
    chain.chain.stake(2 * FIRST, 500_000);
    chain
}

fn start(folder: &Folder, chain: &SecuredChain, signer: &str) -> Daemon {
    Daemon::start(folder, &format!("{SIGNER} --signer {signer} {}", chain.flags()))
}

fn has_alert(daemon: &Daemon, alert: &str) -> bool {
    daemon.get("/metrics").contains(&format!("btcstake_provider_alert{{alert=\"{alert}\"}} 1"))
}

/// Every height with power but the last few, whose votes are on their way, has a vote.
fn missed(chain: &SecuredChain) -> Vec<u64> {
    let (voted, last) = (chain.chain.voted(), chain.chain.height() - 30);
    chain.chain.powered().into_iter().filter(|at| *at < last && !voted.contains(at)).collect()
}

/// The daemon has no key: the signer commits, signs and refuses, and may be away for a while.
#[cfg(unix)]
#[test]
fn votes_are_signed_by_a_signer_that_runs() {
    let folder = Folder::new();
    let chain = world(&folder);
    let signer = daemon::start(&folder);
    let mut provider = start(&folder, &chain, &signer.url);
    crate::outputs::check("provider run", &provider.said);
    assert_eq!(provider.said["public_key"], PROVIDER_KEY);
    // A key that is locked signs nothing, and somebody is told.
    wait("the alert", || has_alert(&provider, "commitment"));
    assert!(chain.chain.committed().is_empty());
    assert!(folder.read("provider.log").contains("locked"), "{}", folder.read("provider.log"));
    daemon::ask(&folder, &signer, "signer unlock").json(0);
    let votes = |more: usize| {
        let before = chain.chain.voted().len();
        wait("it votes", || {
            finalize(&chain);
            chain.chain.voted().len() >= before + more
        });
    };
    votes(15);
    wait("nothing is wrong", || {
        finalize(&chain);
        provider.get("/health").starts_with("HTTP/1.1 200")
    });
    // What the daemon has signed, the signer has recorded, commitments and votes.
    let keys = daemon::ask(&folder, &signer, "signer keys").json(0);
    let lane = keys["keys"][0]["lanes"].as_array().unwrap().iter().find(|lane| lane["chain_id"] == "bbn-1");
    let highest = |lane: &Value| lane["highest_height"].as_u64().unwrap();
    assert!(highest(lane.unwrap()) >= *chain.chain.voted().last().unwrap(), "{keys}");
    // The signer is away, and comes again, with its key locked: no vote is missed for good.
    drop(signer);
    wait("the alert", || {
        finalize(&chain);
        has_alert(&provider, "signer")
    });
    let voted = chain.chain.voted().len();
    provider.child.kill().unwrap();
    provider.child.wait().unwrap();
    let signer = daemon::start(&folder);
    daemon::ask(&folder, &signer, "signer unlock").json(0);
    let provider = start(&folder, &chain, &signer.url);
    votes(20);
    wait("nothing is missed", || {
        finalize(&chain);
        missed(&chain).is_empty()
    });
    assert!(chain.chain.voted().len() > voted);
    assert_eq!(chain.chain.is_jailed_or_slashed(), (false, false));
    assert!(!has_alert(&provider, "refused") && !has_alert(&provider, "invalid_vote"));
}

/// Who signs is said, by a key beside a signing database or by a signer.
#[test]
fn who_signs_is_said() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    let run = |more: &str| folder.run(&format!("provider run {} {more}", chain.flags()));
    run("").fails(&["<--secret-key-file <FILE>|--signer <URL>>"]);
    run("--protection vote.db").fails(&["--signer <URL>"]);
    let signer = "--signer http://127.0.0.1:1 --signer-secret-file client.secret";
    folder.write("client.secret", "a secret of this test, of 32 bytes and more");
    run(signer).fails(&["--signer", "127.0.0.1:1"]);
    run(&format!("{signer} --secret-key-file provider.key")).fails(&["cannot be used with"]);
    run(&format!("{signer} --protection vote.db")).fails(&["--protection", "cannot be used with"]);
    run("--secret-key-file provider.key --signer-secret-file client.secret --protection vote.db")
        .fails(&["--signer"]);
    // The same of every command that a provider's key signs for.
    folder
        .run("provider commit --chain-id bbn-1 --height 1 --unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm")
        .fails(&["<--secret-key-file <FILE>|--signer <URL>>"]);
    folder.run("eots randomness --chain-id bbn-1 --height 1").fails(&["--secret-key-file", "--signer <URL>"]);
}
