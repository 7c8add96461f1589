#!/usr/bin/env bash
# Expected: finalizing a PSBT with m of n signatures for an OP_CHECKSIGADD leaf gives a valid witness or an
# error. Instead npm bitcoinjs-lib 7.0.5 and Go's btcutil/psbt v1.1.8 leave out the empty elements of those
# who did not sign, the latter in the file's order (by key: n of n is invalid if the script's keys ascend),
# and raise nothing. @scure/btc-signer 2.4.1 is right; btcd v0.24.2 judges. Seen 2026-11-28. Touches
# covenants; Babylon's keys ascend. Reason: tapScriptFinalizer (psbt/bip371) and finalizeTaprootInput
# (psbt/finalizer.go) put the signatures alone; a leaf consumes one element for each key.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": { "@scure/btc-signer": "2.4.1", "bitcoinjs-lib": "7.0.5", "tiny-secp256k1": "2.2.4" }
}
JSON

cat > make.mjs <<'JS'
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Psbt, initEccLib, opcodes, payments, script } from "bitcoinjs-lib";
import * as ecc from "tiny-secp256k1";
import { Transaction } from "@scure/btc-signer";

initEccLib(ecc);
const hash = (text) => new Uint8Array(createHash("sha256").update(text).digest());
const hex = (bytes) => Buffer.from(bytes).toString("hex");
// The point without known secret of BIP-341.
const numsKey = Buffer.from("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0", "hex");
const members = [1, 2, 3].map((number) => {
  const secret = hash(`member ${number}`);
  const publicKey = ecc.pointFromScalar(secret, true);
  const signSchnorr = (message) => ecc.signSchnorr(message, secret);
  return { publicKey, xOnly: publicKey.subarray(1), signSchnorr };
});
members.sort((a, b) => Buffer.compare(a.xOnly, b.xOnly));

// `signers` are places in the script, which has the keys of `committee` in the order given.
function file(order, committee, quorum, signers) {
  const check = (place) => (place ? opcodes.OP_CHECKSIGADD : opcodes.OP_CHECKSIG);
  const keys = committee.flatMap(({ xOnly }, place) => [xOnly, check(place)]);
  const leaf = script.compile([...keys, script.number.encode(quorum), opcodes.OP_NUMEQUAL].map(
    (part) => (part.length === 1 ? opcodes.OP_1 - 1 + part[0] : part)));
  const redeem = { output: leaf, redeemVersion: 0xc0 };
  const scriptTree = { output: leaf };
  const { output, witness } = payments.p2tr({ internalPubkey: numsKey, scriptTree, redeem });
  const psbt = new Psbt();
  psbt.addInput({
    hash: hash("funding"),
    index: 0,
    witnessUtxo: { script: output, value: 100_000n },
    tapInternalKey: numsKey,
    tapLeafScript: [{ leafVersion: 0xc0, script: leaf, controlBlock: witness.at(-1) }],
  });
  psbt.addOutput({ script: output, value: 99_000n });
  for (const place of signers) psbt.signInput(0, committee[place]);
  const verify = (key, message, signature) => ecc.verifySchnorr(message, key, signature);
  if (!psbt.validateSignaturesOfInput(0, verify)) {
    throw new Error("a signature is invalid");
  }
  const name = `${quorum} of 3, keys ${order}, signed by ${signers.map((place) => place + 1).join(", ")}`;
  const signed = psbt.toBase64();
  const scure = Transaction.fromPSBT(Buffer.from(signed, "base64"));
  scure.finalize();
  psbt.finalizeAllInputs();
  return {
    name,
    psbt: signed,
    script: hex(output),
    finalized: { "bitcoinjs-lib": psbt.extractTransaction().toHex(), "btc-signer": hex(scure.extract()) },
  };
}

const files = [
  file("ascending", members, 2, [0, 2]),
  file("ascending", members, 3, [0, 1, 2]),
  file("descending", members.toReversed(), 3, [0, 1, 2]),
];
writeFileSync("files.json", JSON.stringify(files));
JS

cat > go.mod <<'MOD'
module finding

go 1.24

require (
	github.com/btcsuite/btcd v0.24.2
	github.com/btcsuite/btcd/btcutil/psbt v1.1.8
)
MOD

cat > main.go <<'GO'
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/btcsuite/btcd/btcutil/psbt"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

type file struct {
	Name, Psbt, Script string
	Finalized          map[string]string
}

// What the witness is made of, and what the script engine says to it under the rules of relay.
func judge(tx *wire.MsgTx, script []byte) (shape string, verdict error) {
	var parts []string
	witness := tx.TxIn[0].Witness
	for _, element := range witness[:len(witness)-2] {
		if len(element) == 0 {
			parts = append(parts, "empty")
		} else {
			parts = append(parts, "signature")
		}
	}
	prevouts := txscript.NewCannedPrevOutputFetcher(script, 100_000)
	hashes := txscript.NewTxSigHashes(tx, prevouts)
	const flags = txscript.StandardVerifyFlags
	engine := must(txscript.NewEngine(script, tx, 0, flags, nil, hashes, 100_000, prevouts))
	return strings.Join(parts, " "), engine.Execute()
}

func main() {
	var files []file
	if err := json.Unmarshal(must(os.ReadFile("files.json")), &files); err != nil {
		panic(err)
	}
	// Whether what it made spends the output, by file: 2 of 3; 3 of 3 with keys ascending, and descending.
	expected := map[string][]bool{
		"btc-signer":    {true, true, true},
		"bitcoinjs-lib": {false, true, true},
		"btcutil/psbt":  {false, false, true},
	}
	changed := false
	for number, f := range files {
		fmt.Println(f.Name)
		script := must(hex.DecodeString(f.Script))
		packet := must(psbt.NewFromRawBytes(strings.NewReader(f.Psbt), true))
		if err := psbt.MaybeFinalizeAll(packet); err != nil {
			panic(err)
		}
		var raw bytes.Buffer
		if err := must(psbt.Extract(packet)).Serialize(&raw); err != nil {
			panic(err)
		}
		f.Finalized["btcutil/psbt"] = hex.EncodeToString(raw.Bytes())
		for _, library := range []string{"btc-signer", "bitcoinjs-lib", "btcutil/psbt"} {
			var tx wire.MsgTx
			if err := tx.Deserialize(hex.NewDecoder(strings.NewReader(f.Finalized[library]))); err != nil {
				panic(err)
			}
			shape, verdict := judge(&tx, script)
			said := "valid"
			if verdict != nil {
				said = "invalid: " + verdict.Error()
			}
			fmt.Printf("  %-14s %-30s %s\n", library, shape, said)
			changed = changed || (verdict == nil) != expected[library][number]
		}
	}
	if changed {
		fmt.Println("no longer so")
		os.Exit(1)
	}
}
GO

echo "npm bitcoinjs-lib 7.0.5, npm @scure/btc-signer 2.4.1"
echo "Go module github.com/btcsuite/btcd/btcutil/psbt v1.1.8"
npm install --silent --no-audit --no-fund --ignore-scripts
node make.mjs
GOFLAGS=-mod=mod nice go run .
echo "seen: two of three finalizers report success and make an invalid transaction"
