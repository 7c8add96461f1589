// @bitgo/utxo-lib: its PSBT is bitcoinjs-lib's, with signing of leaves by their hashes.
import utxolib from "@bitgo/utxo-lib";
import { answer, base64, bytes } from "./contract.mjs";

const { bitgo, networks, ECPair, taproot } = utxolib;

await answer(({ psbt: text, secret_key }) => {
  const psbt = bitgo.createPsbtFromBuffer(Buffer.from(text, "base64"), networks.bitcoin);
  const pair = ECPair.fromPrivateKey(bytes(secret_key), { network: networks.bitcoin });
  psbt.data.inputs.forEach((input, place) => {
    const [leaf] = input.tapLeafScript ?? [];
    if (leaf) {
      const hash = taproot.getTapleafHash(utxolib.ecc, leaf.controlBlock, leaf.script);
      const signer = { publicKey: pair.publicKey, signSchnorr: (digest) => pair.signSchnorr(digest) };
      psbt.signTaprootInput(place, signer, [hash]);
    } else {
      psbt.signInput(place, pair);
    }
  });
  return { psbt: base64(psbt.toBuffer()) };
});
