// Answers lines of "WORK COUNT" on standard input with the nanoseconds that COUNT calls took, so that whoever asks can take turns with work of
// its own. What a call needs is prepared before.
//
// The library has no signing of its own, no adaptor signatures and no rules for a covenant member: its users' bitcoinjs-lib signs, tiny-secp256k1
// (libsecp256k1 in WebAssembly) verifies, and the rest is left out.
import { createInterface } from "node:readline";
import { Staking } from "@babylonlabs-io/btc-staking-ts";
import { Psbt, initEccLib } from "bitcoinjs-lib";
import * as ecc from "tiny-secp256k1";
import { Stream } from "./rand.mjs";
import { covenantSignatures, sighash } from "./sign.mjs";
import { Stake } from "./stake.mjs";

initEccLib(ecc);

// A stake of mainnet's shape.
function mainnetStake() {
  const stake = new Stake(new Stream("bench delegation"), 101);
  Object.assign(stake, { members: stake.stream.keys(9), quorum: 6, providers: stake.stream.keys(1), network: "mainnet", amount: 1_000_000 });
  Object.assign(stake, { unbondingFee: 32_000, slashingFee: 100_000, rate: 10, feeRate: 2, stakingTime: 64_000, unbondingTime: 1008 });
  return Object.assign(stake, { address: stake.addressOf("p2wpkh"), slashingScript: "6a07626162796c6f6e" });
}

const stake = mainnetStake();
const { net, info, params, providerHex, staker } = stake;
const coins = [stake.coin(1_500_000, "p2wpkh")];
const verify = (key, digest, signature) => ecc.verifySchnorr(digest, key, signature);

// The outputs and all four transactions, as PSBTs.
function build(staking) {
  const library = new Staking(net, info, params, providerHex, stake.stakingTime);
  const transaction = staking ?? library.createStakingTransaction(stake.amount, coins, stake.feeRate).transaction;
  const { transaction: unbondingTransaction } = library.createUnbondingTransaction(transaction);
  const unbonding = library.toUnbondingPsbt(unbondingTransaction, transaction);
  const slashing = [library.createStakingOutputSlashingPsbt(transaction).psbt, library.createUnbondingOutputSlashingPsbt(unbondingTransaction).psbt];
  return { transaction, unbonding, slashing, staking: staking ? undefined : library.toStakingPsbt(transaction, coins) };
}

function check(valid) {
  if (!valid) throw new Error("a signature does not verify");
}

const made = build();
const signatures = covenantSignatures(made.unbonding, stake.members).map(({ btcPkHex, sigHex }) => [Buffer.from(btcPkHex, "hex"), Buffer.from(sigHex, "hex")]);
const signed = made.slashing.map((psbt) => Psbt.fromBuffer(psbt.toBuffer()).signInput(0, staker));
const staked = made.transaction;
const member = stake.members[4];

const works = {
  delegation() {
    const { unbonding, slashing } = build();
    for (const psbt of slashing) check(psbt.signInput(0, staker).validateSignaturesOfInput(0, verify));
    const digest = sighash(unbonding);
    for (const [key, signature] of signatures) check(verify(key, digest, signature));
  },
  answer() {
    const { unbonding, slashing } = build(staked);
    slashing.forEach((psbt, place) => {
      const given = signed[place];
      check(psbt.data.getTransaction().equals(given.data.getTransaction()) && given.validateSignaturesOfInput(0, verify));
    });
    return member.signSchnorr(sighash(unbonding));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(" ");
  const start = process.hrtime.bigint();
  for (let call = 0; call < Number(count); call++) works[name]();
  console.log(String(process.hrtime.bigint() - start));
}
