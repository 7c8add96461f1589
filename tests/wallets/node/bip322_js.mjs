// bip322-js: `Signer.sign` and `Verifier.verifySignature`; for P2PKH it makes a "Bitcoin signed message".
import bip322 from "bip322-js";
import { networks, payments } from "bitcoinjs-lib-6";
import { ECPairFactory } from "ecpair-2";
import * as ecc from "tiny-secp256k1";
import { answer, bytes } from "./contract.mjs";

await answer(({ message, address, public_key, secret_key, signature }) => {
  const signer = address ?? payments.p2pkh({ pubkey: bytes(public_key), network: networks.bitcoin }).address;
  if (signature) {
    return { valid: bip322.Verifier.verifySignature(signer, message, signature) };
  }
  const wif = ECPairFactory(ecc).fromPrivateKey(bytes(secret_key)).toWIF();
  return { signature: bip322.Signer.sign(wif, signer, message) };
});
