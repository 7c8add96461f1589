#!/usr/bin/env bash
# Expected: a contract writes bytes in one way, so that the hash in a vote that it was told is the hash in
# the evidence that it answers.
# Instead the finality contract of Cosmos chains takes bytes in base64, and answers evidence with the same
# bytes as lists of numbers (and blocks too: `IndexedBlock.app_hash`). Read with the one's form, the other is
# refused. Seen with the crates babylon-apis 0.14.0 and cosmwasm-std 2.2, 2026-11-29. Touches whoever reads
# evidence against a finality provider from a consumer chain, to slash with it. Reason: messages have the type
# `Binary`, answers have `Bytes`, which is a plain `Vec<u8>`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "seen"
version = "0.0.0"
edition = "2021"

[dependencies]
babylon-apis = "=0.14.0"
babylon-merkle = "=0.14.0"
cosmwasm-std = { version = "2.1.4", default-features = false, features = ["std"] }
TOML
cat >"$work/src/main.rs" <<'RUST'
use babylon_apis::finality_api::{Evidence, ExecuteMsg};
use babylon_merkle::Proof;
use cosmwasm_std::{from_json, to_json_string, Binary};

fn main() {
    let hash = vec![171u8; 32];
    let told = to_json_string(&ExecuteMsg::SubmitFinalitySignature {
        fp_pubkey_hex: "11".repeat(32),
        height: 7,
        pub_rand: Binary::from(vec![1; 32]),
        proof: Proof { total: 1, index: 0, leaf_hash: Binary::from(vec![2; 32]), aunts: vec![] },
        block_hash: Binary::from(hash.clone()),
        signature: Binary::from(vec![3; 32]),
    })
    .unwrap();
    let bytes = |byte: u8| vec![byte; 32].into();
    let answered = to_json_string(&Evidence {
        fp_btc_pk: bytes(17),
        block_height: 7,
        pub_rand: bytes(1),
        canonical_app_hash: hash.into(),
        fork_app_hash: bytes(4),
        canonical_finality_sig: bytes(3),
        fork_finality_sig: bytes(5),
    })
    .unwrap();
    let base64 = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";
    let numbers = format!("[{}]", vec!["171"; 32].join(","));
    println!("told:     block_hash {}", if told.contains(base64) { "in base64" } else { "otherwise" });
    println!("answered: canonical_app_hash {}", if answered.contains(&numbers) { "as numbers" } else { "otherwise" });
    let swapped = answered.replace(&numbers, &format!("\"{base64}\""));
    let read = from_json::<Evidence>(&swapped);
    println!("evidence with base64 is {}", if read.is_ok() { "read" } else { "refused" });
    let is_so = told.contains(base64) && answered.contains(&numbers) && read.is_err();
    std::process::exit(if is_so { 0 } else { 1 });
}
RUST
cd "$work"
cargo run --quiet 2>"$work/log" || { tail -n 20 "$work/log"; echo "this has changed"; exit 1; }
