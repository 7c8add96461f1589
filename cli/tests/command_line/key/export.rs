//! `btcstake key export`.

use btcstake::outputs::KeyExport;

use super::{WITH, mode, with_alice};
use crate::fixtures::process::{PROVIDER, PROVIDER_KEY};

#[test]
fn key_is_written_for_its_owner() {
    let folder = with_alice();
    let export = format!("btcstake --json key export --name alice --out plain.key {WITH}");
    let run = folder.shell(&export);
    assert!(!run.stdout().contains(PROVIDER) && !run.stderr().contains(PROVIDER));
    let exported: KeyExport = run.output(0);
    assert_eq!((exported.file.as_deref(), exported.secret_key), (Some("plain.key"), None));
    assert_eq!(exported.public_key, PROVIDER_KEY);
    assert_eq!(folder.read("plain.key"), format!("{PROVIDER}\n"));
    assert_eq!(mode(&folder, "plain.key"), 0o600);
    folder.shell(&export).fails(&["--out plain.key", "exists"]);
    assert_eq!(
        folder.run("key show --secret-key-file plain.key").ends(0).stdout(),
        format!("{PROVIDER_KEY}\n")
    );
}

#[test]
fn key_is_printed_with_a_warning() {
    let folder = with_alice();
    let run = folder.shell(&format!("btcstake key export --name alice --dangerously-print {WITH}"));
    assert_eq!(run.stdout(), format!("{PROVIDER}\n"));
    run.warns(0, &["not encrypted"]);
    let json: KeyExport = folder
        .shell(&format!("btcstake --json key export --name alice --dangerously-print {WITH}"))
        .output(0);
    assert!(!format!("{json:?}").contains(PROVIDER), "{json:?}");
}

#[test]
fn key_that_is_not_exported_leaves_no_file() {
    let folder = with_alice();
    folder.write("wrong", "incorrect horse");
    let export = |rest: &str| folder.shell(&format!("btcstake key export {rest}"));
    export("--name alice --out new.key --passphrase-fd 3 3< wrong").fails(&["the passphrase is wrong"]);
    export(&format!("--name nobody --out new.key {WITH}")).fails(&["there is no key nobody"]);
    export(&format!("--name alice {WITH}")).fails(&["--out", "--dangerously-print"]);
    export(&format!("--name alice --out - {WITH}")).fails(&["--out -"]);
    export(&format!("--name alice --out new.key --dangerously-print {WITH}")).fails(&["--out"]);
    let left = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> =
        left.filter(|name| name == "new.key" || name.to_string_lossy().contains("unfin")).collect();
    assert!(left.is_empty(), "{left:?}");
}
