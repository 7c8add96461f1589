#!/usr/bin/env bash
# Expected: the same words and BIP-39 passphrase give the same key, as BIP-39 has both in Unicode's NFKD
# form. Instead Go takes the bytes as typed: with "café" it derives another key than wallets in JavaScript,
# and two keys for its two spellings (é as one character, or e with an accent), which look alike. Seen with
# Go module github.com/cosmos/cosmos-sdk v0.53.4 (its crypto/hd, on github.com/cosmos/go-bip39 v1.0.0)
# against npm @cosmjs/crypto 0.39.0 and bip39 3.1.0, 2026-11-29. Touches who restores words with a passphrase
# that is not ASCII elsewhere than they were made: an empty account, no error. Reason: `NewSeed` in bip39.go
# has no NFKD.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'MOD'
module finding

go 1.24

require (
	// The version that the SDK asks for does not build with Go 1.26.
	github.com/bytedance/sonic v1.15.0
	github.com/cosmos/cosmos-sdk v0.53.4
)

replace github.com/syndtr/goleveldb => github.com/syndtr/goleveldb v1.0.1-0.20210819022825-2ae1ddf74ef7
MOD

# The module's sums are stated; those of what it needs come from the checksum database.
cat > go.sum <<'SUM'
github.com/cosmos/cosmos-sdk v0.53.4 h1:kPF6vY68+/xi1/VebSZGpoxQqA52qkhUzqkrgeBn3Mg=
SUM

# The passphrases: ASCII, and one in NFC and in NFD (for this one the same as NFKD).
cat > cases.json <<'JSON'
{
  "words": "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
  "path": "m/44'/118'/0'/0/0",
  "passphrases": { "ascii": "cafe", "composed": "caf\u00e9", "decomposed": "cafe\u0301" }
}
JSON

cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/cosmos/cosmos-sdk/crypto/hd"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	var cases struct {
		Words, Path string
		Passphrases map[string]string
	}
	if err := json.Unmarshal(must(os.ReadFile("cases.json")), &cases); err != nil {
		panic(err)
	}
	for _, name := range []string{"ascii", "composed", "decomposed"} {
		secret := must(hd.Secp256k1.Derive()(cases.Words, cases.Passphrases[name], cases.Path))
		key := hd.Secp256k1.Generate()(secret).PubKey().Bytes()
		fmt.Printf("%s cosmos-sdk %x\n", name, key[:8])
	}
}
GO

cat > package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": { "@cosmjs/crypto": "0.39.0", "bip39": "3.1.0" }
}
JSON

cat > main.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Bip39, EnglishMnemonic, Secp256k1, Slip10, Slip10Curve, stringToPath } from "@cosmjs/crypto";
import bip39 from "bip39";

const { words, path, passphrases } = JSON.parse(readFileSync("cases.json", "utf8"));
async function print(name, library, seed) {
  const { privkey } = Slip10.derivePath(Slip10Curve.Secp256k1, seed, stringToPath(path));
  const key = Secp256k1.compressPubkey((await Secp256k1.makeKeypair(privkey)).pubkey);
  console.log(`${name} ${library} ${Buffer.from(key.subarray(0, 8)).toString("hex")}`);
}
for (const [name, passphrase] of Object.entries(passphrases)) {
  await print(name, "cosmjs", await Bip39.mnemonicToSeed(new EnglishMnemonic(words), passphrase));
  await print(name, "bip39", new Uint8Array(await bip39.mnemonicToSeed(words, passphrase)));
}
JS

echo "Go module github.com/cosmos/cosmos-sdk v0.53.4; npm @cosmjs/crypto 0.39.0, bip39 3.1.0"
npm install --silent --no-audit --no-fund --ignore-scripts
{ GOFLAGS=-mod=mod nice go run .; node main.mjs; } | LC_ALL=C sort | tee seen
echo "(spelling of the passphrase, library, first bytes of the public key)"
cat > expected <<'END'
ascii bip39 02131ff2b2d4dcdf
ascii cosmjs 02131ff2b2d4dcdf
ascii cosmos-sdk 02131ff2b2d4dcdf
composed bip39 03221e830f3b07ef
composed cosmjs 03221e830f3b07ef
composed cosmos-sdk 034460ff50e4c7b1
decomposed bip39 03221e830f3b07ef
decomposed cosmjs 03221e830f3b07ef
decomposed cosmos-sdk 03221e830f3b07ef
END
diff expected seen
echo "seen: a composed passphrase gives another key in the chain's Go library than in wallets"
