//! Who reaches the daemon from where.

use super::{Draft, parse};

/// The problems of a change, without the lines.
fn problems(draft: &Draft) -> Vec<String> {
    let problems = parse(&draft.text()).err().unwrap_or_default();
    problems.iter().map(|problem| problem.to_string().split_once(": ").unwrap().1.to_owned()).collect()
}

fn unauthenticated() -> Draft {
    Draft::new().without("client", "hmac_secret_file").with("client", "unauthenticated", "true")
}

#[test]
fn whoever_comes_comes_from_this_host() {
    for address in ["127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        let draft = unauthenticated().with("listen", "grpc", format!("\"{address}\""));
        assert!(problems(&draft).is_empty(), "{address}");
    }
    for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "[fe80::1]:1"] {
        let draft = unauthenticated().with("listen", "grpc", format!("\"{address}\""));
        assert_eq!(
            problems(&draft),
            [format!(
                "listen.grpc: {address} is beyond loopback, and the client \"fpd\" is unauthenticated; \
                 must be on loopback, or every client authenticated"
            )]
        );
        let authenticated = Draft::new().with("listen", "grpc", format!("\"{address}\""));
        let read = parse(&authenticated.text()).unwrap();
        assert_eq!(read.warnings, [format!("gRPC on {address} is beyond loopback, and plaintext")]);
    }
}

#[test]
fn one_unauthenticated_client_among_others_is_enough() {
    let text = format!(
        "{}[[client]]\nname = \"whoever\"\nunauthenticated = true\n",
        Draft::new().with("listen", "grpc", "\"0.0.0.0:1\"").text()
    );
    let shown: Vec<String> = parse(&text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(
        shown[0].starts_with("line 2: listen.grpc: 0.0.0.0:1 is beyond loopback, and the client \"whoever\"")
    );
}

#[test]
fn whoever_comes_is_one_client_without_secrets() {
    let both = Draft::new().with("client", "unauthenticated", "true");
    assert_eq!(
        problems(&both),
        [
            "client 1: unauthenticated: it is there with hmac_secret_file, auth_secret_file or certificate_file; must not be"
        ]
    );
    let text = format!("{}[[client]]\nname = \"b\"\nunauthenticated = true\n", unauthenticated().text());
    let shown: Vec<String> = parse(&text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "line 10: client 2: unauthenticated: the client \"fpd\" is unauthenticated already; must be one at most"
        ]
    );
    let no = Draft::new().without("client", "hmac_secret_file").with("client", "unauthenticated", "false");
    assert_eq!(
        problems(&no),
        [
            "client 1: it has no authentication; must have hmac_secret_file, auth_secret_file or certificate_file, or unauthenticated = true"
        ]
    );
}

#[test]
fn metrics_go_beyond_loopback_only_when_that_is_said() {
    let beyond = Draft::new().with("listen", "metrics", "\"0.0.0.0:2113\"");
    assert_eq!(
        problems(&beyond),
        [
            "listen.metrics: 0.0.0.0:2113 is beyond loopback; must be on loopback, unless metrics_beyond_loopback is true"
        ]
    );
    assert!(problems(&beyond.with("listen", "metrics_beyond_loopback", "true")).is_empty());
    let off = parse(&Draft::new().with("listen", "metrics", "\"off\"").text()).unwrap();
    assert_eq!(off.listen.metrics, None);
}

#[test]
fn two_listeners_have_two_addresses() {
    let same = Draft::new().with("listen", "metrics", "\"127.0.0.1:12582\"");
    assert_eq!(problems(&same), ["listen.metrics: it is the same as listen.grpc; must be another"]);
    let free =
        Draft::new().with("listen", "metrics", "\"127.0.0.1:0\"").with("listen", "grpc", "\"127.0.0.1:0\"");
    assert!(problems(&free).is_empty());
}

#[test]
fn passphrases_in_plaintext_are_warned_of() {
    let draft =
        Draft::new().with("listen", "grpc", "\"10.0.0.1:1\"").with("client", "operations", "[\"unlock\"]");
    let warnings = parse(&draft.text()).unwrap().warnings;
    assert_eq!(warnings[0], "passphrases of the client fpd cross the network in plaintext");
}

/// A problem of one setting hides none of another.
#[test]
fn exposure_is_seen_beside_tls_that_is_not_there() {
    let draft = unauthenticated()
        .with("listen", "grpc", "\"0.0.0.0:1\"")
        .with("listen.tls", "certificate", "\"server.pem\"")
        .with("listen.tls", "client_authorities", "\"clients.pem\"");
    let problems = problems(&draft);
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].starts_with("listen.grpc: 0.0.0.0:1 is beyond loopback"), "{problems:#?}");
    assert_eq!(problems[1], "listen.tls.secret_key: it is absent; must be there");
}
