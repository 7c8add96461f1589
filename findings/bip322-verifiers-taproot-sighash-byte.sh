#!/usr/bin/env bash
# Expected: a verifier of BIP-322 takes a Taproot signature of either form of BIP-341, of 64 bytes or of 65
# with its sighash type, SIGHASH_ALL, which BIP-322 asks for by name; or it answers that it is not valid.
# Instead npm @okxweb3/coin-bitcoin 1.2.1 and @unisat/wallet-bitcoin 1.3.0 throw at the second, which
# bip322-js 3.0.0 makes and verifies. Seen 2026-11-28. Touches who shows one wallet's proof to another.
# Reason: verifySimple (dist/bitcoinjs-lib/bip0322.js) and verifyMessageOfBIP322Simple hand all its bytes to
# a verifier of BIP-340.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": {
    "@okxweb3/coin-bitcoin": "1.2.1",
    "@unisat/wallet-bitcoin": "1.3.0",
    "bip322-js": "3.0.0",
    "tiny-secp256k1": "2.2.4"
  }
}
JSON

cat > main.mjs <<'JS'
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import okx from "@okxweb3/coin-bitcoin";
import bip322 from "bip322-js";
import * as ecc from "tiny-secp256k1";

const unisat = createRequire(import.meta.url)("@unisat/wallet-bitcoin");
const message = "Hello World";
const { networks } = okx;
const secret = createHash("sha256").update("owner").digest();
const point = Buffer.from(ecc.pointFromScalar(secret, true));
const wif = okx.private2Wif(secret, networks.bitcoin);
const { address } = okx.payments.p2tr({ internalPubkey: point.subarray(1), network: networks.bitcoin });

const verifiers = {
  "bip322-js": (signature) => bip322.Verifier.verifySignature(address, message, signature),
  "@okxweb3/coin-bitcoin": (signature) =>
    okx.bip0322.verifySimple(message, address, signature, point.toString("hex"), networks.bitcoin),
  "@unisat/wallet-bitcoin": (signature) => unisat.verifyMessageOfBIP322Simple(address, message, signature, 0),
};
const signatures = {
  64: await okx.bip0322.signSimple(message, address, wif, networks.bitcoin),
  65: bip322.Signer.sign(wif, address, message),
};
const expected = {
  64: ["true", "true", "true"],
  65: ["true", "throws", "throws"],
};
console.log(address);
for (const [length, signature] of Object.entries(signatures)) {
  // A witness of one element: the count, its length, its bytes.
  assert.equal(Buffer.from(signature, "base64")[1], Number(length));
  const seen = Object.entries(verifiers).map(([name, verify]) => {
    try {
      const valid = String(verify(signature));
      console.log(`${length} bytes, ${name}: ${valid}`);
      return valid;
    } catch (error) {
      console.log(`${length} bytes, ${name}: throws "${error.message}"`);
      return "throws";
    }
  });
  assert.deepEqual(seen, expected[length]);
}
JS

echo "npm @okxweb3/coin-bitcoin 1.2.1, @unisat/wallet-bitcoin 1.3.0, bip322-js 3.0.0"
npm install --silent --no-audit --no-fund --ignore-scripts
node main.mjs
echo "seen: two of three verifiers throw at a valid signature of 65 bytes"
