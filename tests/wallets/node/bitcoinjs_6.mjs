// bitcoinjs-lib 6 with ecpair 2: `signInput`, with the tweaked key where the internal key is the key's own.
import { Psbt, crypto, initEccLib } from "bitcoinjs-lib-6";
import { ECPairFactory } from "ecpair-2";
import * as ecc from "tiny-secp256k1";
import { answer, bytes } from "./contract.mjs";

initEccLib(ecc);
const ECPair = ECPairFactory(ecc);

await answer(({ psbt: text, secret_key }) => {
  const psbt = Psbt.fromBase64(text);
  const pair = ECPair.fromPrivateKey(bytes(secret_key));
  const own = pair.publicKey.subarray(1);
  psbt.data.inputs.forEach(({ tapInternalKey }, place) => {
    const tweaked = tapInternalKey?.equals(own);
    psbt.signInput(place, tweaked ? pair.tweak(crypto.taggedHash("TapTweak", own)) : pair);
  });
  return { psbt: psbt.toBase64() };
});
