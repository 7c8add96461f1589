// bitcoinjs-lib 7 with ecpair 3: as the older one, with other types of bytes and amounts.
import { Psbt, crypto, initEccLib } from "bitcoinjs-lib";
import { ECPairFactory } from "ecpair";
import * as ecc from "tiny-secp256k1";
import { answer, bytes } from "./contract.mjs";

initEccLib(ecc);
const ECPair = ECPairFactory(ecc);

await answer(({ psbt: text, secret_key }) => {
  const psbt = Psbt.fromBase64(text);
  const pair = ECPair.fromPrivateKey(bytes(secret_key));
  const own = pair.publicKey.subarray(1);
  psbt.data.inputs.forEach(({ tapInternalKey }, place) => {
    const tweaked = tapInternalKey && Buffer.compare(tapInternalKey, own) === 0;
    psbt.signInput(place, tweaked ? pair.tweak(crypto.taggedHash("TapTweak", own)) : pair);
  });
  return { psbt: psbt.toBase64() };
});
