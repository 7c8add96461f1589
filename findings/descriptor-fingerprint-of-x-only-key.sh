#!/usr/bin/env bash
# Expected: an origin in a PSBT has the key's fingerprint (BIP-32: HASH160 of the 33 bytes), or is left out.
# Instead the descriptor `tr(…,pk(KEY))` with an x-only KEY writes the HASH160 of the 32 bytes, and the root
# key's own xprv signs nothing, without an error; with the 33 bytes written in the descriptor, the same
# script, it signs. PyPI embit 0.8.0 signs both. Seen with crates.io miniscript 13.2.0, bitcoin 0.32.102; npm
# @bitgo/wasm-utxo 4.17.0; 2026-11-29. Touches who has a root key in a leaf (the key of an empty path).
# Reason: `master_fingerprint` in miniscript's src/descriptor/key.rs hashes the bytes it holds, and
# `Psbt::sign` asks an xprv by fingerprint.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cd "$work"

cat > Cargo.toml <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"

[dependencies]
bitcoin = "=0.32.102"
miniscript = "=13.2.0"

[workspace]
TOML

# The same in Rust: the root key's seed comes as an argument, the fingerprints and the counts go out.
cat > src/main.rs <<'RUST'
use bitcoin::bip32::Xpriv;
use bitcoin::hashes::{sha256, Hash};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{absolute, transaction, Amount, Network, OutPoint, Psbt, Sequence, Transaction, TxIn, TxOut};
use miniscript::psbt::PsbtExt;
use miniscript::{DefiniteDescriptorKey, Descriptor};

// The point without known secret of BIP-341.
const NUMS: &str = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

fn main() {
    let secp = Secp256k1::new();
    let root = Xpriv::new_master(Network::Bitcoin, sha256::Hash::hash(b"owner").as_byte_array()).unwrap();
    let full = root.to_keypair(&secp).public_key();
    for (form, key) in [("x-only", full.x_only_public_key().0.to_string()), ("full", full.to_string())] {
        let descriptor: Descriptor<DefiniteDescriptorKey> = format!("tr({NUMS},pk({key}))").parse().unwrap();
        let script_pubkey = descriptor.script_pubkey();
        let mut psbt = Psbt::from_unsigned_tx(Transaction {
            version: transaction::Version::TWO,
            lock_time: absolute::LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::null(),
                sequence: Sequence::MAX,
                ..TxIn::default()
            }],
            output: vec![TxOut { value: Amount::from_sat(99_000), script_pubkey: script_pubkey.clone() }],
        })
        .unwrap();
        psbt.inputs[0].witness_utxo = Some(TxOut { value: Amount::from_sat(100_000), script_pubkey });
        psbt.update_input_with_descriptor(0, &descriptor).unwrap();
        let fingerprint = psbt.inputs[0].tap_key_origins[&full.x_only_public_key().0].1 .0;
        psbt.sign(&root, &secp).unwrap();
        println!("miniscript {form} {fingerprint} {}", psbt.inputs[0].tap_script_sigs.len());
    }
    println!("root {}", root.fingerprint(&secp));
}
RUST

cat > package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": { "@bitgo/wasm-utxo": "4.17.0", "bitcoinjs-lib": "7.0.5" }
}
JSON

cat > main.mjs <<'JS'
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Psbt } from "bitcoinjs-lib";

// Node loads no `.wasm` as a module: the CommonJS build reads the file itself.
const wasm = createRequire(import.meta.url)("@bitgo/wasm-utxo");
const hash = (text) => new Uint8Array(createHash("sha256").update(text).digest());
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const root = wasm.BIP32.fromSeed(hash("owner"));
// The point without known secret of BIP-341.
const nums = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
const full = hex(root.publicKey);
const psbts = {};
for (const [form, key] of [["x-only", full.slice(2)], ["full", full]]) {
  const descriptor = wasm.Descriptor.fromString(`tr(${nums},pk(${key}))`, "definite");
  const script = descriptor.scriptPubkey();
  const unsigned = new Psbt();
  unsigned.addInput({ hash: hash("funding"), index: 0, witnessUtxo: { script, value: 100_000n } });
  unsigned.addOutput({ script, value: 99_000n });
  const psbt = wasm.Psbt.deserialize(unsigned.toBuffer());
  psbt.updateInputWithDescriptor(0, descriptor);
  psbts[form] = { script: hex(script), psbt: Buffer.from(psbt.serialize()).toString("base64") };
  const origins = Psbt.fromBuffer(psbt.serialize()).data.inputs[0].tapBip32Derivation;
  const { masterFingerprint } = origins.find((origin) => hex(origin.pubkey) === full.slice(2));
  psbt.signWithXprv(root.toBase58());
  const signatures = Psbt.fromBuffer(psbt.serialize()).data.inputs[0].tapScriptSig?.length ?? 0;
  console.log(`wasm-utxo ${form} ${hex(masterFingerprint)} ${signatures}`);
}
if (psbts["x-only"].script !== psbts.full.script) throw new Error("the scripts differ");
writeFileSync("psbts.json", JSON.stringify({ xprv: root.toBase58(), ...psbts }));
JS

cat > main.py <<'PY'
import json

from embit.bip32 import HDKey
from embit.psbt import PSBT

file = json.load(open("psbts.json"))
root = HDKey.from_string(file["xprv"])
for form in ("x-only", "full"):
    psbt = PSBT.from_string(file[form]["psbt"])
    psbt.sign_with(root)
    print("embit", form, len(psbt.inputs[0].taproot_sigs))
PY

echo "crates.io miniscript 13.2.0, bitcoin 0.32.102; npm @bitgo/wasm-utxo 4.17.0; PyPI embit 0.8.0"
npm install --silent --no-audit --no-fund --ignore-scripts
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check embit==0.8.0
{ CARGO_TARGET_DIR="$work/target" nice cargo run --quiet; node main.mjs; venv/bin/python main.py; } | tee seen
echo "(library, how the descriptor has the key, fingerprint in the PSBT, signatures made)"
cat > expected <<'END'
miniscript x-only b120316d 0
miniscript full af238688 1
root af238688
wasm-utxo x-only b120316d 0
wasm-utxo full af238688 1
embit x-only 1
embit full 1
END
diff expected seen
echo "seen: an x-only key in a descriptor gets a fingerprint that its own root key does not know"
