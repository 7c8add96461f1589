//! The files that a configuration names.

use std::os::unix::fs::symlink;

use super::super::{Configuration, PassphraseOrigin, read_secret_key_pem};
use super::{Draft, Folder, SECRET, variables};

#[test]
fn secrets_are_the_owners_alone() {
    let folder = Folder::new();
    let text = Draft::new().text();
    folder.write("fpd.hmac", SECRET, 0o640);
    assert_eq!(
        folder.problems(&text),
        ["line 6: client 1: hmac_secret_file: cannot read the secrets' file fpd.hmac: \
          its permissions are 640; must be for its owner alone, as after `chmod 600`"]
    );
    folder.write("fpd.hmac", SECRET, 0o400);
    assert!(folder.load(&text).is_ok());
}

#[test]
fn each_file_that_cannot_be_used_is_named_at_once() {
    let folder = Folder::new();
    folder.write("key.passphrase", "", 0o600);
    folder.write("server.pem", "no certificate", 0o644);
    folder.write("server.key", "no key", 0o600);
    folder.write("empty", "\n\n", 0o600);
    let text = Draft::new()
        .with("store", "kind", "\"postgres\"")
        .with("store", "guard", "\"guard\"")
        .with("store", "connection_file", "\"empty\"")
        .with("listen.tls", "certificate", "\"server.pem\"")
        .with("listen.tls", "secret_key", "\"server.key\"")
        .with("listen.tls", "client_authorities", "\"absent.pem\"")
        .with("key", "passphrase_file", "\"key.passphrase\"")
        .with("client", "hmac_secret_file", "\".\"")
        .with("client", "auth_secret_file", "\"empty\"")
        .with("client", "certificate_file", "\"server.key\"")
        .text();
    let problems: Vec<String> =
        folder.problems(&text).iter().map(|line| line.split_once(": ").unwrap().1.to_owned()).collect();
    let mut expected = [
        "store.connection_file: it is empty; must not be",
        "listen.tls.certificate: server.pem has no certificate in PEM, or a damaged one; must have one or more",
        "listen.tls.client_authorities: cannot read absent.pem: it cannot be opened or read: No such file or directory (os error 2)",
        "listen.tls.secret_key: server.key has no secret key in PEM, or a damaged one; must have one, not encrypted",
        "key 1: passphrase_file: the file key.passphrase has no passphrase: the passphrase is empty; must have at least one character",
        "client 1: auth_secret_file: the file empty has no secret; must have one in a line",
        "client 1: certificate_file: server.key has no certificate in PEM, or a damaged one; must have one or more",
    ]
    .map(str::to_owned)
    .to_vec();
    let of_folder = problems.iter().find(|line| line.contains("hmac_secret_file")).unwrap();
    assert!(of_folder.ends_with("it is no regular file; must be one"), "{of_folder}");
    expected.insert(6, of_folder.clone());
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(problems), sorted(expected));
    // Whoever works on the database alone does not need them.
    let path = folder.path().join("signer.toml");
    assert!(Configuration::load_without_files(&path, []).is_ok());
}

/// A certificate and its key, as PEM.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn certificates_and_keys_are_read() {
    let folder = Folder::new();
    let ((server, key), (client, _)) = (certificate(), certificate());
    folder.write("server.pem", &server, 0o644);
    folder.private("server.key", key);
    folder.write("clients.pem", format!("{server}{client}"), 0o644);
    folder.write("fpd.pem", &client, 0o644);
    let draft = Draft::new()
        .with("listen.tls", "certificate", "\"server.pem\"")
        .with("listen.tls", "secret_key", "\"server.key\"")
        .with("listen.tls", "client_authorities", "\"clients.pem\"")
        .with("client", "certificate_file", "\"fpd.pem\"");
    let read = folder.load(&draft.text()).unwrap();
    let tls = read.listen.tls.unwrap();
    assert!(read_secret_key_pem(&tls.secret_key).is_ok());
    assert_eq!(super::super::read_certificates(&tls.client_authorities.unwrap()).unwrap().len(), 2);
    // A key of another certificate.
    folder.private("other.key", certificate().1);
    let other = draft.clone().with("listen.tls", "secret_key", "\"other.key\"").text();
    let problems = folder.problems(&other);
    assert!(
        problems[0].contains("listen.tls.secret_key: it is not the secret key of listen.tls.certificate"),
        "{problems:?}"
    );
    // The same certificate would be two clients.
    let text = format!("{}[[client]]\nname = \"b\"\ncertificate_file = \"clients.pem\"\n", draft.text());
    assert_eq!(
        folder.problems(&text),
        [
            "line 15: client 2: certificate_file: the client \"fpd\" has the same certificate; must have one of its own"
        ]
    );
}

#[test]
fn credentials_of_the_service_manager_are_files_too() {
    let folder = Folder::new();
    let credentials = tempfile::tempdir().unwrap();
    // The manager lets a group read them.
    let other = Folder(credentials);
    other.write("fpd-hmac", SECRET, 0o440);
    other.write("alice", "correct horse\n", 0o440);
    let text = Draft::new()
        .with("key", "passphrase_credential", "\"alice\"")
        .with("client", "hmac_secret_file", "\"credential:fpd-hmac\"")
        .text();
    let directory = other.path().to_str().unwrap();
    let read = folder.load_with(&text, &[("CREDENTIALS_DIRECTORY", directory)]).unwrap();
    assert_eq!(read.keys[0].passphrase, Some(PassphraseOrigin::Credential("alice".parse().unwrap())));
    for environment in [&[][..], &[("CREDENTIALS_DIRECTORY", "relative")]] {
        assert_eq!(
            folder.problems_with(&text, environment),
            [
                "line 3: key 1: passphrase_credential: $CREDENTIALS_DIRECTORY is not set to a folder; must be, as systemd's LoadCredential= does",
                "line 7: client 1: hmac_secret_file: $CREDENTIALS_DIRECTORY is not set to a folder; must be, as systemd's LoadCredential= does",
            ]
        );
    }
    let escaping = text.replace("credential:fpd-hmac", "credential:../fpd-hmac");
    let problems = folder.problems_with(&escaping, &[("CREDENTIALS_DIRECTORY", directory)]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("the key name"), "{problems:?}");
    let path = folder.private("signer.toml", text);
    assert!(Configuration::load_without_files(&path, variables(&[])).is_ok());
}

#[test]
fn a_path_is_relative_to_the_configuration_also_through_a_link_to_a_file() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    folder.private("secrets/fpd", SECRET);
    std::fs::remove_file(folder.path().join("fpd.hmac")).unwrap();
    symlink(folder.path().join("secrets/fpd"), folder.path().join("fpd.hmac")).unwrap();
    assert!(folder.load(&Draft::new().text()).is_ok());
    assert!(folder.load(&Draft::new().with("client", "hmac_secret_file", "\"secrets/fpd\"").text()).is_ok());
}

#[test]
fn a_configuration_that_others_may_write_is_warned_of() {
    let folder = Folder::new();
    let path = folder.write("signer.toml", Draft::new().text(), 0o664);
    let read = Configuration::load(&path, []).unwrap();
    let shown = path.display();
    assert_eq!(read.warnings, [format!("others than its owner may write the configuration {shown}")]);
}
