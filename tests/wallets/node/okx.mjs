// @okxweb3/coin-bitcoin: the calls behind the wallet's `signPsbt`, which finalizes, and `signMessage`. Inputs
// are named, since the errors of others are dropped; nothing else is set, as by a site that knows no leaves.
import okx from "@okxweb3/coin-bitcoin";
import { Psbt } from "bitcoinjs-lib";
import { answer, bytes } from "./contract.mjs";

const network = okx.networks.bitcoin;

await answer(async ({ psbt, message, address, public_key, secret_key, signature }) => {
  const wif = okx.private2Wif(bytes(secret_key), network);
  if (psbt) {
    const toSignInputs = Psbt.fromBase64(psbt).data.inputs.map((_, index) => ({ index }));
    const signed = okx.signPsbtWithKeyPathAndScriptPath(psbt, wif, network, { toSignInputs });
    return { psbt: Buffer.from(signed, "hex").toString("base64") };
  }
  if (!address) {
    return signature
      ? { valid: okx.message.verify(public_key, message, signature) }
      : { signature: okx.message.sign(wif, message, network) };
  }
  return signature
    ? { valid: okx.bip0322.verifySimple(message, address, signature, public_key, network) }
    : { signature: await okx.bip0322.signSimple(message, address, wif, network) };
});
