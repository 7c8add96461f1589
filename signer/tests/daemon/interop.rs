//! The independent client in Go: it runs where Go is, and its recorded bytes are replayed everywhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use secp256k1::{Message, SECP256K1, XOnlyPublicKey, schnorr};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use signer::config::Configuration;
use signer::daemon::Daemon;
use tokio::net::TcpStream;

use crate::harness::{Home, Running, chain};
use crate::plan::Plan;
use crate::replay::exchange;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/signer")
}

fn plan() -> Plan {
    serde_json::from_slice(&std::fs::read(source().join("plan.json")).unwrap()).unwrap()
}

async fn start(plan: &Plan) -> Running {
    let home = plan.home();
    home.write("signer.toml", plan.configuration(&home, ""));
    let read = Configuration::load(&home.path("signer.toml"), []);
    let read = read.unwrap_or_else(|error| panic!("{}", chain(&error)));
    let daemon = Daemon::start(read).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    Running { home, daemon }
}

/// Builds the client; `None` where Go, or a module of it, is not there.
fn program(home: &Home) -> Option<PathBuf> {
    let program = home.path("signer-client");
    let built =
        Command::new("go").arg("build").arg("-o").arg(&program).arg(".").current_dir(source()).output();
    match built {
        Ok(output) if output.status.success() => Some(program),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("SKIPPED: the independent client, which Go does not build here: {why}");
            None
        }
        Err(error) => {
            println!("SKIPPED: the independent client, as there is no Go: {error}");
            None
        }
    }
}

async fn run(plan: Plan) {
    let running = start(&plan).await;
    let Some(program) = program(&running.home) else { return };
    let mut command = Command::new(program);
    command.arg("--plan").arg(source().join("plan.json"));
    command.arg("--address").arg(running.daemon.grpc_address().to_string());
    if plan.hmac_key.is_some() {
        command.arg("--hmac-file").arg(running.path("fpd.hmac"));
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let wrong: Vec<_> = said.lines().filter(|line| !line.contains("\"ok\":true")).collect();
    assert!(output.status.success() && wrong.is_empty(), "{told}\n{}", wrong.join("\n"));
    assert!(said.lines().count() > 150, "too few cases: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_independent_client_finds_every_answer() {
    run(plan()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_independent_client_finds_every_answer_with_hmac() {
    let mut plan = plan();
    plan.hmac_key = Some("a key of the tests".to_owned());
    run(plan).await;
}

#[derive(Deserialize)]
struct Head {
    plan: Plan,
}

/// A call that was recorded, and what is expected of its answer.
#[derive(Deserialize)]
struct Recorded {
    case: String,
    client: String,
    status: Vec<u32>,
    message: Option<String>,
    contains: Option<String>,
    response: Option<ExpectedResponse>,
    schnorr: Option<ExpectedSchnorr>,
}

#[derive(Deserialize)]
struct ExpectedResponse {
    length: usize,
    hex: Option<String>,
    sha256: Option<String>,
}

#[derive(Deserialize)]
struct ExpectedSchnorr {
    public_key: String,
    digest: String,
}

async fn replay(file: &str) {
    let text = std::fs::read_to_string(source().join(file)).unwrap();
    let mut lines = text.lines();
    let head: Head = serde_json::from_str(lines.next().unwrap()).unwrap();
    let running = start(&head.plan).await;
    let mut count = 0;
    for line in lines {
        let recorded: Recorded = serde_json::from_str(line).unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(&recorded.client).unwrap();
        let stream = TcpStream::connect(running.daemon.grpc_address()).await.unwrap();
        check(&recorded, exchange(stream, bytes).await);
        count += 1;
    }
    assert!(count > 100, "{count} cases");
}

fn check(recorded: &Recorded, (status, message, response): (u32, String, Vec<u8>)) {
    let case = &recorded.case;
    assert!(recorded.status.contains(&status), "{case}: {status} {message}; must be {:?}", recorded.status);
    assert_ne!(status, 1, "{case}");
    assert!(status == 9 || !message.contains("FailedPrecondition"), "{case}: {message}");
    if let Some(expected) = &recorded.message {
        assert_eq!(&message, expected, "{case}");
    }
    if let Some(part) = &recorded.contains {
        assert!(message.contains(part), "{case}: {message}");
    }
    if let Some(expected) = recorded.response.as_ref().filter(|_| status == 0) {
        assert_eq!(response.len(), expected.length, "{case}");
        if let Some(digits) = &expected.hex {
            assert_eq!(&hex::encode(&response), digits, "{case}");
        }
        if let Some(digits) = &expected.sha256 {
            assert_eq!(&hex::encode(Sha256::digest(&response)), digits, "{case}");
        }
    }
    if let Some(expected) = &recorded.schnorr {
        let key = XOnlyPublicKey::from_slice(&hex::decode(&expected.public_key).unwrap()).unwrap();
        let digest: [u8; 32] = hex::decode(&expected.digest).unwrap().try_into().unwrap();
        // Field 1, of 64 bytes.
        let signature = schnorr::Signature::from_slice(response.get(2..).unwrap()).unwrap();
        SECP256K1.verify_schnorr(&signature, &Message::from_digest(digest), &key).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_bytes_have_the_recorded_answers() {
    replay("recording-open.jsonl").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_bytes_with_hmac_have_the_recorded_answers() {
    replay("recording-hmac.jsonl").await;
}
