#!/usr/bin/env bash
# Expected: a BIP-322 simple signature makes a proof of possession, or an error. Instead the `smp` before the
# base64, due since BIP-322 2.0.0 (April 2026; crates.io bip322 0.0.12), is decoded with it: npm
# btc-staking-ts 2.5.7 makes a proof of other bytes, which the chain (Go module babylon/v4 v4.1.0) refuses.
# Npm bip322-js 3.0.0 raises a RangeError. Seen 2026-11-28. Touches stakers with a newer wallet. Reason:
# createProofOfPossession uses Buffer.from(signature, "base64"), to which s, m and p are digits; the prefix is
# in the BIP under "Types of Signatures" and in the crate's src/sign.rs (rust-bitcoin/bip322, issue 70).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cd "$work"

cat > Cargo.toml <<'TOML'
[package]
name = "wallet"
version = "0.0.0"
edition = "2021"

[dependencies]
bip322 = "=0.0.12"
bitcoin = "=0.32.102"

[workspace]
TOML

# Signs its argument with a P2WPKH and a P2TR address of one key: a line for each.
cat > src/main.rs <<'RUST'
use bitcoin::hashes::{sha256, Hash};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use bitcoin::{Address, CompressedPublicKey, Network, PrivateKey};

fn main() {
    let message = std::env::args().nth(1).unwrap();
    let secp = Secp256k1::new();
    let secret = SecretKey::from_slice(sha256::Hash::hash(b"staker").as_byte_array()).unwrap();
    let key = PrivateKey::new(secret, Network::Bitcoin);
    let public = CompressedPublicKey::from_private_key(&secp, &key).unwrap();
    let x_only = secret.x_only_public_key(&secp).0;
    let p2wpkh = Address::p2wpkh(&public, Network::Bitcoin);
    let p2tr = Address::p2tr(&secp, x_only, None, Network::Bitcoin);
    for address in [p2wpkh, p2tr].map(|address| address.to_string()) {
        let signature = bip322::sign_simple_encoded(&address, &message, &[key.to_wif()], None).unwrap();
        bip322::verify_simple_encoded(&address, &message, &signature).unwrap();
        bip322::verify_simple_encoded(&address, &message, signature.strip_prefix("smp").unwrap()).unwrap();
        println!("{address} {signature}");
    }
}
RUST

cat > package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": {
    "@babylonlabs-io/btc-staking-ts": "2.5.7",
    "@babylonlabs-io/babylon-proto-ts": "1.7.2",
    "@cosmjs/encoding": "0.33.1",
    "bip322-js": "3.0.0",
    "bitcoinjs-lib": "6.1.5"
  }
}
JSON

cat > site.mjs <<'JS'
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { btcstakingpop } from "@babylonlabs-io/babylon-proto-ts";
import { BabylonBtcStakingManager, initBTCCurve } from "@babylonlabs-io/btc-staking-ts";
import { toBech32 } from "@cosmjs/encoding";
import { Verifier } from "bip322-js";
import { networks } from "bitcoinjs-lib";

initBTCCurve();
const account = toBech32("bbn", new Uint8Array(20).fill(7));
const lines = execFileSync(process.argv[2], [account], { encoding: "utf8" }).trim().split("\n");

// The proof that the library makes with a wallet that answers with `signature`.
async function proof(address, signature) {
  const wallet = { signMessage: async (message, type) => {
    if (message !== account || type !== "bip322-simple") throw new Error(`asked for ${type} over ${message}`);
    return signature;
  } };
  const manager = new BabylonBtcStakingManager(networks.bitcoin, [{}], wallet, {});
  const { btcSig } = await manager.createProofOfPossession("delegation:create", account, address);
  return Buffer.from(btcstakingpop.BIP322Sig.decode(btcSig).sig);
}

function bip322js(address, signature) {
  try {
    return String(Verifier.verifySignature(address, account, signature));
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

const cases = [];
for (const [address, signature] of lines.map((line) => line.split(" "))) {
  for (const given of [signature, signature.slice(3)]) {
    const bytes = (await proof(address, given)).toString("hex");
    cases.push({ address, message: account, given, bytes, bip322js: bip322js(address, given) });
  }
}
writeFileSync("cases.json", JSON.stringify(cases));
JS

cat > go.mod <<'MOD'
module finding

go 1.24

require (
	github.com/babylonlabs-io/babylon/v4 v4.1.0
	github.com/btcsuite/btcd v0.24.2
	github.com/btcsuite/btcd/btcutil v1.1.6
)

replace github.com/syndtr/goleveldb => github.com/syndtr/goleveldb v1.0.1-0.20210819022825-2ae1ddf74ef7
MOD

# The module's sums are stated; those of what it needs come from the checksum database.
cat > go.sum <<'SUM'
github.com/babylonlabs-io/babylon/v4 v4.1.0 h1:IGIWpvh996k6dyOOE3UIw9J23NLCCe3H+nV4DR+2+7U=
github.com/babylonlabs-io/babylon/v4 v4.1.0/go.mod h1:6vRR3bwtUDElFe9rO8MABHDFOcA21D0ix6KFfGRbgQc=
SUM

cat > main.go <<'GO'
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/babylonlabs-io/babylon/v4/crypto/bip322"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/chaincfg"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// The two steps that the chain takes with a proof.
func chain(signature []byte, message, address string) error {
	witness, err := bip322.SimpleSigToWitness(signature)
	if err != nil {
		return err
	}
	net := &chaincfg.MainNetParams
	return bip322.VerifyP2WPKHAndP2TR([]byte(message), witness, must(btcutil.DecodeAddress(address, net)), net)
}

func main() {
	var cases []struct{ Address, Message, Given, Bytes, Bip322js string }
	if err := json.Unmarshal(must(os.ReadFile("cases.json")), &cases); err != nil {
		panic(err)
	}
	changed := len(cases) != 4
	for _, c := range cases {
		signature := must(hex.DecodeString(c.Bytes))
		verdict := chain(signature, c.Message, c.Address)
		fmt.Printf("%s… signed by %s…\n", c.Address[:8], c.Given[:12])
		fmt.Printf("  in the proof: %d bytes, %x…\n", len(signature), signature[:6])
		fmt.Printf("  the chain: %v\n  bip322-js: %s\n", verdict, c.Bip322js)
		if strings.HasPrefix(c.Given, "smp") {
			changed = changed || verdict == nil || !strings.HasPrefix(c.Bytes, "b26a40") ||
				!strings.HasPrefix(c.Bip322js, "RangeError")
		} else {
			changed = changed || verdict != nil || c.Bip322js != "true"
		}
	}
	if changed {
		fmt.Println("no longer so")
		os.Exit(1)
	}
}
GO

echo "crates.io bip322 0.0.12, npm @babylonlabs-io/btc-staking-ts 2.5.7, npm bip322-js 3.0.0"
echo "Go module github.com/babylonlabs-io/babylon/v4 v4.1.0"
CARGO_TARGET_DIR="$work/target" nice cargo build --quiet
npm install --silent --no-audit --no-fund --ignore-scripts
node site.mjs target/debug/wallet
GOFLAGS=-mod=mod nice go run .
echo "seen: the prefix ends up inside the proof of possession, and the chain refuses it"
