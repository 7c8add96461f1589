//! Each rule, with the text that names key, found and must-be.

use super::super::{ConfigProblem, ConfigRule, PassphraseOrigin, StoreSettings};
use super::{Draft, Folder, parse};
use crate::auth::Operation;

#[test]
fn every_problem_is_named_at_once() {
    let folder = Folder::new();
    let text = r#"[store]
kind = "mysql"
databse = "signing.db"
[listen]
grpc = "localhost:12582"
[limits]
connections = 0
requests_per_second = "many"
[logs]
[[key]]
name = "../alice"
[[chain]]
chain_id = ""
votes_per_minute = -1
[[client]]
name = "other"
operations = ["vote", "sign"]
chains = ["bbn-2"]
keys = []
"#;
    let expected = [
        "logs: there is no such key; must be one of store, keystore, listen, limits, log, key, chain, client",
        r#"line 2: store.kind: found "mysql"; must be "sqlite" or "postgres""#,
        "line 3: store.databse: there is no such key; must be one of kind, database, guard, connection_file, shared",
        r#"line 5: listen.grpc: found "localhost:12582"; must be an IP address and a port, such as "127.0.0.1:12582""#,
        "line 7: limits.connections: found 0; must be an integer from 1 to 65535",
        "line 8: limits.requests_per_second: found string; must be an integer",
        "line 11: key 1: name: character 3 of the key name is '/'; must be an ASCII letter, digit, '-', '_' or '.'",
        "line 13: chain 1: chain_id: it is empty; must not be",
        "line 14: chain 1: votes_per_minute: found -1; must be an integer from 1 to 1000000",
        "line 15: client 1: it has no authentication; must have hmac_secret_file, auth_secret_file or certificate_file, or unauthenticated = true",
        r#"line 16: client 1: name: found "other"; must be up to 50 ASCII letters, digits, '-', '_' or '.', and not "other""#,
        r#"line 17: client 1: operations: found "sign"; must be one of randomness, vote, commit, digest, possession, unlock, lock, backup, save-key-name, status"#,
        r#"line 18: client 1: chains: "bbn-2" is no chain of this configuration; must be one of "#,
        "line 19: client 1: keys: it is empty; must not be",
    ];
    let problems = folder.problems(text);
    for expected in expected {
        let is_there = problems.iter().any(|problem| problem.ends_with(expected));
        assert!(is_there, "{expected}\nis not in\n{problems:#?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn an_empty_file_says_what_must_be_there() {
    let folder = Folder::new();
    assert_eq!(
        folder.problems(""),
        ["key", "chain", "client"]
            .map(|table| format!("{table}: it is absent; must be there, at least once"))
    );
}

/// What one change of a valid configuration breaks.
fn problem(change: impl Fn(Draft) -> Draft) -> String {
    let folder = Folder::new();
    let problems = folder.problems(&change(Draft::new()).text());
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].split_once(": ").map(|(_, rule)| rule.to_owned()).unwrap()
}

#[test]
fn a_table_must_be_a_table() {
    for (text, expected) in [
        ("store = 1", "line 1: store: found integer; must be a table"),
        ("key = 1", "line 1: key: found integer; must be an array of tables"),
        ("key = [1]", "line 1: key 1: found integer; must be an array of tables"),
        ("[key]", "line 1: key: found table; must be an array of tables"),
        ("[[store]]", "line 1: store: found array; must be a table"),
    ] {
        let shown: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|problem| problem == expected), "{text}: {shown:#?}");
    }
}

#[test]
fn settings_of_the_other_database_are_refused() {
    assert_eq!(
        problem(|draft| draft.with("store", "shared", "true")),
        "store.shared: it is there with kind = \"sqlite\"; must not be"
    );
    assert_eq!(
        problem(|draft| draft.with("store", "connection_file", "\"postgres.conn\"")),
        "store.connection_file: it is there with kind = \"sqlite\"; must not be"
    );
    assert_eq!(
        problem(|draft| draft.with("store", "guard", "\"./signing.db\"").with(
            "store",
            "database",
            "\"./signing.db\""
        )),
        "store.guard: it is the same as store.database; must be another"
    );
    let folder = Folder::new();
    let postgres = Draft::new().with("store", "kind", "\"postgres\"");
    assert_eq!(
        folder.problems(&postgres.clone().with("store", "database", "\"signing.db\"").text()),
        [
            "line 1: store.connection_file: it is absent; must be there with kind = \"postgres\"",
            "line 1: store.guard: it is absent; must be there with kind = \"postgres\"",
            "line 2: store.database: it is there with kind = \"postgres\"; must not be",
        ]
    );
    folder.private("postgres.conn", "host=/run/postgresql dbname=signing\n");
    let text = postgres
        .with("store", "connection_file", "\"postgres.conn\"")
        .with("store", "guard", "\"guard\"")
        .with("store", "shared", "true")
        .text();
    let read = folder.load(&text).unwrap();
    let StoreSettings::Postgres { connection, guard, shared: true } = read.store else { panic!() };
    assert_eq!(
        (connection.path(), guard),
        (&*folder.path().join("postgres.conn"), folder.path().join("guard"))
    );
}

#[test]
fn numbers_are_in_their_ranges() {
    let over = "18446744073709551616";
    assert_eq!(
        problem(|draft| draft.with("chain", "most_above", over)),
        format!("chain 1: most_above: found {over}; must be an integer from 1 to {}", u64::MAX)
    );
    assert_eq!(
        problem(|draft| draft.with("chain", "most_above", "1.5")),
        "chain 1: most_above: found float; must be an integer"
    );
    let read = parse(&Draft::new().with("chain", "most_above", "0x7fff_ffff_ffff_ffff").text()).unwrap();
    assert_eq!(read.chains[0].most_above, u64::MAX >> 1);
}

#[test]
fn the_highest_votes_are_of_keys_there_are() {
    let read = |votes: &str| parse(&Draft::new().with("chain", "highest_votes", votes).text());
    let shown = |votes: &str| -> Vec<String> {
        read(votes)
            .unwrap_err()
            .iter()
            .map(|problem| problem.to_string().split_once(": ").unwrap().1.to_owned())
            .collect()
    };
    let found = read("[{ key = \"alice\", height = 18446744073709551615 }]").unwrap();
    assert_eq!(found.chains[0].highest_votes[0].height.to_u64(), u64::MAX);
    assert_eq!(
        shown("[{ key = \"bob\" }, { key = \"alice\", height = 1 }, { key = \"alice\", height = 2 }]"),
        [
            "chain 1: highest_votes 1: height: it is absent; must be there",
            "chain 1: highest_votes 1: key: \"bob\" is no key of this configuration; must be one of alice",
            "chain 1: highest_votes 3: key: \"alice\" is there already; must be there once",
        ]
    );
}

#[test]
fn names_are_there_once() {
    let folder = Folder::new();
    let twice =
        |table: &str, more: &str| folder.problems(&format!("{}[[{table}]]\n{more}\n", Draft::new().text()));
    assert_eq!(
        twice("key", "name = \"alice\""),
        ["line 9: key 2: name: \"alice\" is there already; must be there once"]
    );
    assert_eq!(
        twice("chain", "chain_id = \"bbn-1\""),
        ["line 9: chain 2: chain_id: \"bbn-1\" is there already; must be there once"]
    );
    assert_eq!(
        twice("client", "name = \"fpd\"\nunauthenticated = true"),
        ["line 9: client 2: name: \"fpd\" is there already; must be there once"]
    );
    assert_eq!(
        problem(|draft| draft.with("client", "keys", "[\"alice\", \"alice\"]")),
        "client 1: keys: \"alice\" is there already; must be there once"
    );
}

#[test]
fn a_client_names_what_there_is() {
    assert_eq!(
        problem(|draft| draft.with("client", "keys", "[\"bob\"]")),
        "client 1: keys: \"bob\" is no key of this configuration; must be one of alice"
    );
    let text = Draft::new().with("client", "certificate_file", "\"fpd.pem\"").text();
    let shown: Vec<String> = parse(&text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["line 6: client 1: certificate_file: listen.tls.client_authorities is absent; must be there for it"]
    );
    let text = Draft::new().with("client", "operations", "[\"save-key-name\", \"backup\"]").text();
    let read = parse(&text).unwrap();
    let operations: Vec<_> = read.clients[0].operations.iter().copied().collect();
    assert_eq!(operations, [Operation::Backup, Operation::SaveKeyName]);
}

#[test]
fn a_node_has_an_address_and_a_kind() {
    let read = |node: &str| parse(&Draft::new().with("chain", "node", node).text()).unwrap();
    let given = read("{ url = \"http://127.0.0.1:26657\" }");
    let node = given.chains[0].node.clone().unwrap();
    assert_eq!(node.kind, crate::node::NodeKind::CometBft);
    assert_eq!(node.url.to_string(), "http://127.0.0.1:26657");
    assert!(given.warnings.is_empty(), "{:?}", given.warnings);
    let given = read("{ kind = \"evm\", url = \"http://10.0.0.7:8545\" }");
    assert_eq!(given.chains[0].node.as_ref().unwrap().kind, crate::node::NodeKind::Evm);
    assert!(given.warnings[0].contains("in plaintext at http://10.0.0.7:8545:"), "{:?}", given.warnings);

    // A second chain without a node, with the contexts of the first.
    let text = Draft::new().with("chain", "node", "{ url = \"http://127.0.0.1:1\" }").text();
    let warnings = parse(&format!("{text}[[chain]]\nchain_id = \"bbn-2\"\n")).unwrap().warnings;
    assert!(warnings.iter().any(|text| text.contains("have the same signing contexts")), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("\"bbn-2\" has none")), "{warnings:?}");

    let of_node = |node: &str| problem(|draft| draft.with("chain", "node", node));
    assert_eq!(of_node("{}"), "chain 1: node: url: it is absent; must be there");
    assert_eq!(
        of_node("{ url = \"tcp://127.0.0.1:26657\" }"),
        "chain 1: node: url: found \"tcp://127.0.0.1:26657\": must be http://HOST:PORT or https://HOST[:PORT], perhaps with a path, without user, query or fragment"
    );
    assert_eq!(
        of_node("{ url = \"http://127.0.0.1:1\", kind = \"bitcoin\" }"),
        "chain 1: node: kind: found \"bitcoin\"; must be \"cometbft\" or \"evm\""
    );
    let node = "{ url = \"http://127.0.0.1:1\" }";
    assert_eq!(
        problem(|draft| draft.with("chain", "sign_any_message", "true").with("chain", "node", node)),
        "chain 1: node: it is there with sign_any_message; must not be"
    );
}

#[test]
fn a_consumer_chain_has_contexts_of_its_own() {
    let consumer = "{ verifying_chain_id = \"bbn-1\", address = \"bbn1contract\" }";
    let read = parse(&Draft::new().with("chain", "consumer", consumer).text()).unwrap();
    assert_eq!(read.chains[0].chain, finality::SignerChain::consumer("bbn-1", "bbn-1", "bbn1contract"));
    assert_ne!(read.chains[0].chain, finality::SignerChain::genesis("bbn-1"));
    assert_eq!(
        problem(|draft| draft.with("chain", "consumer", "{ address = \"bbn1contract\" }")),
        "chain 1: consumer: verifying_chain_id: it is absent; must be there"
    );
}

#[test]
fn a_passphrase_comes_from_one_place() {
    let folder = Folder::new();
    folder.private("alice.passphrase", "correct horse\n");
    let draft = Draft::new().with("key", "passphrase_file", "\"alice.passphrase\"");
    let read = folder.load(&draft.text()).unwrap();
    let file = PassphraseOrigin::File(folder.path().join("alice.passphrase"));
    assert_eq!(read.keys[0].passphrase.as_ref(), Some(&file));
    assert_eq!(format!("{:?}", file.read().unwrap()), "Passphrase(..)");
    let both = draft.with("key", "passphrase_credential", "\"alice\"").text();
    let rules: Vec<ConfigRule> =
        parse(&both).unwrap_err().into_iter().map(|ConfigProblem { rule, .. }| rule).collect();
    assert!(matches!(&rules[..], [ConfigRule::Excluded { other: "passphrase_credential" }]), "{rules:?}");
}

#[test]
fn dangers_that_are_chosen_are_warned_of() {
    let draft =
        Draft::new().with("chain", "sign_any_message", "true").with("chain", "committed_only", "false");
    assert_eq!(
        parse(&draft.text()).unwrap().warnings,
        [
            "votes on \"bbn-1\" are signed for heights that are not committed",
            "messages that are no votes are signed on \"bbn-1\"",
        ]
    );
}
