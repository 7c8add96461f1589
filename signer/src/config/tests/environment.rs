//! Overrides from the environment.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::super::settings::{Kind, SETTINGS};
use super::super::{Configuration, LogFormat, StoreSettings};
use super::{Draft, Folder};

#[test]
fn variables_override_the_file() {
    let folder = Folder::new();
    let text = Draft::new().with("store", "database", "\"file.db\"").text();
    let environment = [
        ("BTCSTAKE_SIGNER_STORE_DATABASE", "variable.db"),
        ("BTCSTAKE_SIGNER_STORE_GUARD", "/other/signing.guard"),
        ("BTCSTAKE_SIGNER_KEYSTORE_FOLDER", "/srv/keys"),
        ("BTCSTAKE_SIGNER_LISTEN_GRPC", "[::1]:1"),
        ("BTCSTAKE_SIGNER_LISTEN_METRICS", "off"),
        ("BTCSTAKE_SIGNER_LIMITS_CONNECTIONS", "7"),
        ("BTCSTAKE_SIGNER_LOG_FORMAT", "json"),
        ("HOME", "/root"),
    ];
    let read = folder.load_with(&text, &environment).unwrap();
    let database = folder.path().join("variable.db");
    assert_eq!(read.store, StoreSettings::Sqlite { database, guard: Some("/other/signing.guard".into()) });
    assert_eq!(read.keystore.to_str(), Some("/srv/keys"));
    assert_eq!((read.listen.grpc.to_string(), read.listen.metrics), ("[::1]:1".to_owned(), None));
    assert_eq!((read.limits.connections, read.log.format), (7, LogFormat::Json));
}

/// A variable of another value than any setting has, for each that there is: it is looked at, and named.
#[test]
fn each_variable_is_read() {
    let folder = Folder::new();
    let mut count = 0;
    for setting in SETTINGS {
        let Some(variable) = setting.variable() else { continue };
        count += 1;
        let value = match setting.kind {
            Kind::Integer { .. } => "-1",
            Kind::Boolean => "yes",
            _ => "",
        };
        let problems = folder.problems_with(&Draft::new().text(), &[(&variable, value)]);
        let start = format!("{}.{} (${variable}): ", setting.table, setting.key);
        assert!(problems.iter().any(|problem| problem.starts_with(&start)), "{variable}: {problems:#?}");
    }
    assert_eq!(count, 17);
}

#[test]
fn a_table_of_variables_alone_is_a_table() {
    let folder = Folder::new();
    let environment = [("BTCSTAKE_SIGNER_LISTEN_TLS_CERTIFICATE", "server.pem")];
    assert_eq!(
        folder.problems_with(&Draft::new().text(), &environment),
        [
            "listen.tls.certificate ($BTCSTAKE_SIGNER_LISTEN_TLS_CERTIFICATE): cannot read server.pem: \
             it cannot be opened or read: No such file or directory (os error 2)",
            "listen.tls.secret_key: it is absent; must be there",
        ]
    );
}

#[test]
fn a_variable_that_is_mistyped_is_refused_and_a_strangers_is_named() {
    let folder = Folder::new();
    let environment = [("BTCSTAKE_SIGNER_LOG_LEVELS", "info"), ("BTCSTAKE_SIGNER_KEY_NAME", "bob")];
    assert_eq!(
        folder.problems_with(&Draft::new().text(), &environment),
        ["$BTCSTAKE_SIGNER_LOG_LEVELS: there is no such variable; must be one of \
          BTCSTAKE_SIGNER_LOG_FORMAT, BTCSTAKE_SIGNER_LOG_LEVEL"]
    );
    // What an orchestrator sets for a service of this name.
    let environment =
        [("BTCSTAKE_SIGNER_SERVICE_HOST", "10.0.0.1"), ("BTCSTAKE_SIGNER_PORT", "tcp://10.0.0.1:12582")];
    let read = folder.load_with(&Draft::new().text(), &environment).unwrap();
    assert_eq!(
        read.warnings,
        ["no setting of the signer, and ignored: BTCSTAKE_SIGNER_PORT, BTCSTAKE_SIGNER_SERVICE_HOST"]
    );
}

#[test]
fn a_variable_that_is_not_text_is_refused() {
    let folder = Folder::new();
    let path = folder.write("signer.toml", Draft::new().text(), 0o600);
    let variable = (OsString::from("BTCSTAKE_SIGNER_LOG_LEVEL"), OsString::from_vec(vec![0xff]));
    let error = Configuration::load(&path, [variable]).unwrap_err().to_string();
    assert!(
        error.contains("log.level ($BTCSTAKE_SIGNER_LOG_LEVEL): it is not text; must be UTF-8"),
        "{error}"
    );
}
