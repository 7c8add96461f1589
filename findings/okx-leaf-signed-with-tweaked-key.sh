#!/usr/bin/env bash
# Expected: a signer of a tapscript leaf signs with the key that is in the leaf, whatever else the PSBT says,
# or reports an error. Instead npm @okxweb3/coin-bitcoin 1.2.1 signs with that key tweaked by the Merkle root,
# where the input names one (PSBT_IN_TAP_MERKLE_ROOT, BIP-371): the signature stands under the tweaked key,
# which is in no leaf, and the call returns as if all were done; disableTweakSigner does not help,
# useTweakSigner: false does. Seen 2026-11-28. Touches who signs for scripts with it. Reason:
# signPsbtWithKeyPathAndScriptPathImpl (dist/psbtSign.js) takes the root for the mark of a key-path spend, and
# looks for leaves only without one.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": { "@okxweb3/coin-bitcoin": "1.2.1", "bitcoinjs-lib": "7.0.5", "tiny-secp256k1": "2.2.4" }
}
JSON

cat > main.mjs <<'JS'
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import okx from "@okxweb3/coin-bitcoin";
import { Psbt, initEccLib, opcodes, payments, script } from "bitcoinjs-lib";
import * as ecc from "tiny-secp256k1";

initEccLib(ecc);
const hash = (text) => new Uint8Array(createHash("sha256").update(text).digest());
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const secret = hash("owner");
const own = ecc.pointFromScalar(secret, true).subarray(1);
// The point without known secret of BIP-341.
const numsKey = Buffer.from("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0", "hex");
const leaf = script.compile([own, opcodes.OP_CHECKSIG]);
const { output, witness, hash: merkleRoot } = payments.p2tr({
  internalPubkey: numsKey,
  scriptTree: { output: leaf },
  redeem: { output: leaf, redeemVersion: 0xc0 },
});

function signed(fields) {
  const psbt = new Psbt();
  psbt.addInput({
    hash: hash("funding"),
    index: 0,
    witnessUtxo: { script: output, value: 100_000n },
    tapInternalKey: numsKey,
    tapLeafScript: [{ leafVersion: 0xc0, script: leaf, controlBlock: witness.at(-1) }],
    ...fields,
  });
  psbt.addOutput({ script: output, value: 99_000n });
  const wif = okx.private2Wif(Buffer.from(secret), okx.networks.bitcoin);
  const returned = okx.signPsbtWithKeyPathAndScriptPath(
    psbt.toHex(), wif, okx.networks.bitcoin, { autoFinalized: false });
  const [{ pubkey, signature }] = Psbt.fromHex(returned).data.inputs[0].tapScriptSig;
  // What bitcoinjs-lib's own signer is asked to sign.
  let digest;
  const publicKey = Buffer.concat([Buffer.of(2), own]);
  psbt.signInput(0, { publicKey, signSchnorr: (asked) => ecc.signSchnorr((digest = asked), secret) });
  return { key: hex(pubkey), valid: ecc.verifySchnorr(digest, own, signature) };
}

const without = signed({});
const withRoot = signed({ tapMerkleRoot: merkleRoot });
console.log(`the leaf's key: ${hex(own)}`);
console.log(`without the Merkle root: signed by ${without.key}, valid for the leaf: ${without.valid}`);
console.log(`with the Merkle root:    signed by ${withRoot.key}, valid for the leaf: ${withRoot.valid}`);
assert.deepEqual(without, { key: hex(own), valid: true });
assert.equal(withRoot.valid, false);
assert.notEqual(withRoot.key, hex(own));
JS

echo "npm @okxweb3/coin-bitcoin 1.2.1"
npm install --silent --no-audit --no-fund --ignore-scripts
node main.mjs
echo "seen: a leaf signed with the tweaked key, and no error"
