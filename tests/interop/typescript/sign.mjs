// Signing what the library lays out, the way its users do: bitcoinjs-lib signs and finishes the PSBT, the library adds the covenant's part.
import { createCovenantWitness } from "@babylonlabs-io/btc-staking-ts";
import { Psbt, Transaction } from "bitcoinjs-lib";
import { tapleafHash } from "bitcoinjs-lib/src/payments/bip341.js";
import * as ecc from "tiny-secp256k1";

// What everyone signs: BIP-341's hash for the script path of a PSBT's first input.
export function sighash(psbt) {
  const { witnessUtxo, tapLeafScript } = psbt.data.inputs[0];
  const [{ script: output, leafVersion: version }] = tapLeafScript;
  const transaction = Transaction.fromBuffer(psbt.data.getTransaction());
  const inputs = psbt.data.inputs.map((input) => input.witnessUtxo ?? witnessUtxo);
  const scripts = inputs.map(({ script }) => script);
  const values = inputs.map(({ value }) => value);
  return transaction.hashForWitnessV1(0, scripts, values, Transaction.SIGHASH_DEFAULT, tapleafHash({ output, version }));
}

// The transaction with the staker's signature in the place of its witness.
export function signedByStaker(psbt, staker) {
  const copy = Psbt.fromBuffer(psbt.toBuffer());
  copy.signInput(0, staker);
  const valid = copy.validateSignaturesOfInput(0, (key, digest, signature) => ecc.verifySchnorr(digest, key, signature));
  if (!valid) throw new Error("the staker's signature does not verify");
  copy.finalizeInput(0);
  // Who asks for a fee asks for a high one at times.
  return copy.extractTransaction(true);
}

export function covenantSignatures(psbt, members) {
  const digest = sighash(psbt);
  return members.map((member) => ({ btcPkHex: member.hex, sigHex: member.signSchnorr(digest).toString("hex") }));
}

// The whole unbonding transaction, with a quorum of the committee.
export function unbonded(psbt, stake) {
  const transaction = signedByStaker(psbt, stake.staker);
  const signatures = covenantSignatures(psbt, stake.signers.map((place) => stake.members[place]));
  const covenant = stake.members.map((member) => member.xOnly);
  transaction.ins[0].witness = createCovenantWitness(transaction.ins[0].witness, covenant, signatures, stake.quorum);
  return transaction;
}

// The id of the transaction with its witness, which binds every byte.
export const wtxid = (transaction) => Buffer.from(transaction.getHash(true)).reverse().toString("hex");
