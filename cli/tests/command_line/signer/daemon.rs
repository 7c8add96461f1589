//! `signer start`, and the commands that ask a signer that runs in place of a secret key.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use btcstake::outputs::SignerBackup;
use serde_json::Value;

use super::{init, lane, vote};
use crate::fixtures::process::{Folder, PROVIDER_KEY, Run};

/// A signer that runs in a process of its own.
pub(crate) struct Started {
    child: Child,
    pub(crate) url: String,
    metrics: Value,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _gone = self.child.wait();
    }
}

const SECRET: &str = "a secret of this test, of 32 bytes and more";

/// A keystore with the provider's key, a signing database, and a configuration.
pub(crate) fn home(folder: &Folder) {
    folder.write("passphrase", "correct horse");
    folder.write("client.secret", SECRET);
    folder
        .shell("btcstake key import --name alice --work-factor 2 --keystore keys --secret-key-file provider.key --passphrase-fd 3 3< passphrase")
        .warns(0, &["work factor"]);
    init(folder, "signing.db", 100).ends(0);
    folder
        .run(&format!("signer init --protection signing.db --public-key {PROVIDER_KEY} --chain-id bbn-1 --from-height 100 --committed 100:200"))
        .ends(0);
    folder.write(
        "signer.toml",
        r#"
[store]
database = "signing.db"
[keystore]
folder = "keys"
[listen]
grpc = "127.0.0.1:0"
metrics = "off"
[[key]]
name = "alice"
[[chain]]
chain_id = "bbn-1"
[[chain]]
chain_id = "other-1"
[[client]]
name = "operator"
auth_secret_file = "client.secret"
operations = ["randomness", "vote", "commit", "possession", "status", "unlock", "lock", "backup"]
"#,
    );
}

/// Starts the signer of [`home`]; its keys are locked.
pub(crate) fn start(folder: &Folder) -> Started {
    let mut child = Command::new(env!("CARGO_BIN_EXE_btcstake"))
        .args(["--json", "signer", "start", "--config", "signer.toml"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(folder.path().join("signer.log")).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    let url = format!("http://{}", said["grpc"].as_str().unwrap());
    Started { child, url, metrics: said["metrics"].clone() }
}

/// Has a command ask the signer.
pub(crate) fn ask(folder: &Folder, started: &Started, command: &str) -> Run {
    let url = &started.url;
    folder.shell(&format!("btcstake --json {command} --signer {url} --signer-secret-file client.secret --passphrase-fd 3 3< passphrase"))
}

#[test]
fn signer_runs_and_signs_for_the_command_line() {
    let folder = Folder::new();
    home(&folder);
    let started = start(&folder);
    assert_eq!(started.metrics, Value::Null);
    let ask = |command: &str| ask(&folder, &started, command);

    let keys = ask("signer keys").json(0);
    assert_eq!((&keys["keys"][0]["name"], &keys["keys"][0]["unlocked"]), (&"alice".into(), &false.into()));
    assert_eq!(keys["keys"][0]["lanes"][0]["committed"][0]["last_height"], 200);
    // A chain's id is text in the text.
    let shown = format!("btcstake signer keys --signer {} --signer-secret-file client.secret", started.url);
    let shown = folder.shell(&shown).ends(0).stdout();
    assert!(shown.contains("not registered     other-1"), "{shown}");
    ask("eots randomness --chain-id bbn-1 --height 100").fails(&["locked"]);
    assert_eq!(ask("signer unlock").json(0)["unlocked"], true);

    // What it answers is what the key itself gives.
    let local = "--secret-key-file provider.key";
    let same = |command: &str| {
        let here = folder.run(&format!("--json {command} {local}")).json(0);
        assert_eq!(ask(command).json(0), here, "{command}");
    };
    same("eots randomness --chain-id bbn-1 --height 150 --count 3 --interval 2");
    same("eots commit --chain-id bbn-1 --height 150 --count 10");
    same("eots prove --chain-id bbn-1 --height 150 --count 10 --index 4");
    same("pop create --type bip340 --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm");

    let sign =
        |block: u8| ask(&format!("eots sign --chain-id bbn-1 --height 160 --message {}", vote(160, block)));
    let signed = sign(1).json(0);
    assert_eq!(sign(1).json(0), signed);
    let refused = sign(2).json(1);
    assert_eq!(refused["accepted"], false);
    assert_eq!(refused["violations"][0]["rule"], "double_sign", "{refused}");
    // Whoever reads the log sees both messages, and no secret.
    let log = std::fs::read_to_string(folder.path().join("signer.log")).unwrap();
    let line =
        log.lines().find(|line| line.contains("refused a double sign")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("ERROR") && line.contains(&vote(160, 1)) && line.contains(&vote(160, 2)), "{line}");
    assert!(!log.contains("correct horse") && !log.contains(SECRET), "{log}");
    // As here: what is refused is a negative answer, whichever rule it is.
    let far = format!("eots sign --chain-id bbn-1 --height 300 --message {}", vote(300, 1));
    for (command, word) in
        [(far.as_str(), "committed"), ("eots commit --chain-id unknown --height 1 --count 2", "unknown")]
    {
        let refused = ask(command).json(1);
        assert_eq!(refused["violations"][0]["rule"], "refused_by_signer", "{refused}");
        assert!(refused["violations"][0]["message"].as_str().unwrap().contains(word), "{refused}");
    }
    let sparse = "eots commit --chain-id bbn-1 --height 150 --count 10 --interval 2";
    ask(sparse).fails(&["--interval", "must be consecutive"]);
    ask("pop create --type ecdsa --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm")
        .fails(&["bip340 alone"]);
    ask("eots sign --chain-id bbn-1 --height 160 --message aabb").fails(&["no vote"]);
    ask(&format!("eots sign --chain-id bbn-1 --height 161 --message {}", vote(162, 1)))
        .fails(&["162", "161"]);

    // Its database is in use; and who does not know the secret is nobody.
    for command in ["status", "export --out export.json", "backup --out backup.db", "init"] {
        let lane = if command == "init" { format!("{} --from-height 300", lane()) } else { String::new() };
        let run = folder.run(&format!("signer {command} --protection signing.db {lane}"));
        assert!(!run.stderr().contains("signer init"), "{}", run.stderr());
        run.fails(&["open in another process", "btcstake signer keys --signer URL", "stop it"]);
    }
    folder.write("client.secret", "another secret of 32 bytes and more, or so");
    ask("signer keys").fails(&["HMAC"]);
    folder.write("client.secret", SECRET);
    assert_eq!(ask("signer lock").json(0)["unlocked"], false);

    // It ends at a signal, and what it signed is recorded.
    let mut started = started;
    let killed = Command::new("kill").arg("-TERM").arg(started.child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert!(started.child.wait().unwrap().success());
    let status = folder.run("--json signer status --config signer.toml").json(0);
    assert_eq!(status["lanes"][0]["highest_height"], 160);
}

/// A signer that runs copies its database itself, and goes on.
#[test]
fn database_of_a_signer_that_runs_is_copied() {
    let folder = Folder::new();
    home(&folder);
    let started = start(&folder);
    let ask = |command: &str| ask(&folder, &started, command);
    ask("signer unlock").json(0);
    let sign = |height: u64| {
        ask(&format!("eots sign --chain-id bbn-1 --height {height} --message {}", vote(height, 1))).json(0)
    };
    sign(160);
    // Only the signer itself has it.
    folder.run("signer backup --protection signing.db --out copy.db").fails(&["open in another process"]);
    let copies = folder.path().join("copies");
    let made: SignerBackup = ask(&format!("signer backup --out-folder {}", copies.display())).output(0);
    let file = std::path::PathBuf::from(&made.file);
    assert_eq!((file.parent(), made.generation, made.lanes), (Some(copies.as_path()), None, None));
    sign(161);
    // It is marked, and nobody else's to read.
    let copy = format!("--protection {}", made.file);
    folder.run(&format!("signer status {copy}")).fails(&["guard"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let taken = folder.json(&format!("signer init {copy} {} --from-height 161", lane()));
    assert_eq!(taken["lanes"][0]["low_watermark_height"], 160);
    let known = folder.run(&format!(
        "eots sign --secret-key-file provider.key --chain-id bbn-1 --height 160 --message {} {copy}",
        vote(160, 2)
    ));
    known.refuses(&["double"]);

    ask("signer backup --out-folder copies").fails(&["--out-folder", "absolute path", "signer's own host"]);
    ask("signer backup").fails(&["--out-folder"]);
    ask(&format!("signer backup --out-folder {0} --out copy.db", copies.display()))
        .fails(&["--out", "cannot"]);
    ask(&format!("signer backup --out-folder {} --config signer.toml", copies.display()))
        .fails(&["--config"]);
    folder.run("signer backup --protection signing.db --out-folder /copies").fails(&["--signer"]);
    folder.run("signer backup --out copy.db").fails(&["--protection"]);
    folder.run("signer backup --protection signing.db").fails(&["--out"]);
}

/// Whoever gives a flag expects it to do something.
#[test]
fn signer_start_refuses_what_its_configuration_says() {
    let folder = Folder::new();
    home(&folder);
    for flag in ["--keystore elsewhere", "--passphrase-fd 0", "--passphrase-credential alice"] {
        let name = flag.split_once(' ').unwrap().0;
        let started = folder.run(&format!("signer start --config signer.toml {flag}"));
        started.fails(&[&format!("{name} is given"), "the configuration has keystore"]);
    }
}

#[test]
fn signer_config_prints_and_checks() {
    let folder = Folder::new();
    folder.shell("btcstake signer config > signer.toml").ends(0);
    // The example names files that are not there.
    let found = folder.run("--json signer config --config signer.toml").json(1);
    assert_eq!(found["valid"], false);
    home(&folder);
    assert_eq!(folder.run("--json signer config --config signer.toml").json(0)["valid"], true);
    folder.write("signer.toml", "[store]\nkind = \"mysql\"\nunknown = 1\n");
    let found = folder.run("--json signer config --config signer.toml").json(1);
    assert!(found["problems"].as_array().unwrap().len() > 2, "{found}");
    folder.run("signer start --config signer.toml").fails(&["signer.toml", "kind"]);
}
