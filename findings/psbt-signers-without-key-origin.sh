#!/usr/bin/env bash
# Expected: a signer that is given the key of the one leaf that a PSBT offers signs it, or reports an error.
# Instead npm @bitgo/wasm-utxo 4.17.0 and PyPI bdkpython 3.1.1 return it without a signature, and no error,
# unless the input has an origin of that key (PSBT_IN_TAP_BIP32_DERIVATION, optional in BIP-371); one with an
# empty path will do. PyPI embit 0.8.0 signs both. Seen 2026-11-28. Touches who makes PSBTs for a single key
# without a seed: nothing says that the transaction is incomplete. Reason: rust-bitcoin's Psbt::sign, which is
# below the first, and BDK's signers look for their key in that field alone, never in the leaf's script.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > package.json <<'JSON'
{
  "private": true,
  "type": "module",
  "dependencies": { "@bitgo/wasm-utxo": "4.17.0", "bitcoinjs-lib": "7.0.5", "tiny-secp256k1": "2.2.4" }
}
JSON

# Writes the two PSBTs, and has the first library sign them.
cat > main.mjs <<'JS'
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Psbt, crypto, initEccLib, opcodes, payments, script } from "bitcoinjs-lib";
import * as ecc from "tiny-secp256k1";

// Node loads no `.wasm` as a module: the CommonJS build reads the file itself.
const wasm = createRequire(import.meta.url)("@bitgo/wasm-utxo");
initEccLib(ecc);
const hash = (text) => new Uint8Array(createHash("sha256").update(text).digest());
const secret = hash("owner");
const point = ecc.pointFromScalar(secret, true);
const own = point.subarray(1);
// The point without known secret of BIP-341.
const numsKey = Buffer.from("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0", "hex");
const leaf = script.compile([own, opcodes.OP_CHECKSIG]);
const { output, witness, hash: merkleRoot } = payments.p2tr({
  internalPubkey: numsKey,
  scriptTree: { output: leaf },
  redeem: { output: leaf, redeemVersion: 0xc0 },
});

function offered(fields) {
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
  return psbt.toBase64();
}

// The hash of the only leaf is the Merkle root; the key is its own master key.
const masterFingerprint = crypto.hash160(point).subarray(0, 4);
const origin = { masterFingerprint, path: "m", pubkey: own, leafHashes: [merkleRoot] };
const psbts = { without: offered({}), with: offered({ tapBip32Derivation: [origin] }) };
writeFileSync("psbts.json", JSON.stringify({ secret: Buffer.from(secret).toString("hex"), ...psbts }));
for (const name of ["without", "with"]) {
  const psbt = wasm.Psbt.deserialize(Buffer.from(psbts[name], "base64"));
  psbt.signWithPrv(secret);
  const [input] = Psbt.fromBuffer(psbt.serialize()).data.inputs;
  console.log(`wasm-utxo ${name} ${input.tapScriptSig?.length ?? 0}`);
}
JS

cat > main.py <<'PY'
import json

from bdkpython import Descriptor, Network, NetworkKind, Persister, Psbt, SignOptions, Wallet
from embit.ec import PrivateKey
from embit.networks import NETWORKS
from embit.psbt import PSBT

file = json.load(open("psbts.json"))
key = PrivateKey(bytes.fromhex(file["secret"]), network=NETWORKS["regtest"])
descriptor = Descriptor(f"tr({key.wif()})", NetworkKind.TEST)
wallet = Wallet.create_single(descriptor, Network.REGTEST, Persister.new_in_memory())
options = SignOptions(trust_witness_utxo=True, assume_height=None, allow_all_sighashes=False,
                      try_finalize=False, sign_with_tap_internal_key=True, allow_grinding=False)
for name in ("without", "with"):
    psbt = Psbt(file[name])
    wallet.sign(psbt, options)
    print("bdkpython", name, len(PSBT.from_string(psbt.serialize()).inputs[0].taproot_sigs))
    psbt = PSBT.from_string(file[name])
    psbt.sign_with(key)
    print("embit", name, len(psbt.inputs[0].taproot_sigs))
PY

echo "npm @bitgo/wasm-utxo 4.17.0; PyPI bdkpython 3.1.1, embit 0.8.0"
npm install --silent --no-audit --no-fund --ignore-scripts
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check bdkpython==3.1.1 embit==0.8.0
{ node main.mjs; venv/bin/python main.py; } | tee seen
echo "(library, with or without an origin, signatures made)"
cat > expected <<'END'
wasm-utxo without 0
wasm-utxo with 1
bdkpython without 0
embit without 1
bdkpython with 1
embit with 1
END
diff expected seen
echo "seen: without an origin two of three sign nothing, and report no error"
