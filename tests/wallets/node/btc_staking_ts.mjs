// @babylonlabs-io/btc-staking-ts with `btcstake` as its wallet: the manager writes PSBTs, `psbt sign` and
// `pop create` answer them, and the manager reads what came back. The first request registers a stake, the
// second has the covenant's signatures over its unbonding.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { btcstakingtx } from "@babylonlabs-io/babylon-proto-ts";
import { BabylonBtcStakingManager, initBTCCurve } from "@babylonlabs-io/btc-staking-ts";
import { Psbt, Transaction, initEccLib, networks } from "bitcoinjs-lib-6";
import * as ecc from "tiny-secp256k1";
import { answer } from "./contract.mjs";

// The library knows addresses of mainnet and of the test networks, and none of regtest.
initBTCCurve();
initEccLib(ecc);

// A node's JSON has the names of protobuf, and keys in hex; the library's has TypeScript's names, and base64.
function asNodesPrint(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snake(name), asNodesPrint(inner)]));
}

function managed({ program, folder, params, account, coin, staker, provider, staking_blocks }) {
  const written = {};
  const streams = { cwd: folder, stdio: ["ignore", "pipe", "pipe"] };
  const btcstake = (...words) => JSON.parse(execFileSync(program, ["--json", ...words], streams));
  const wallet = {
    // The manager expects the wallet to finalize: the witness has what the wallet signed, and no more.
    signPsbt: async (hex, { action }) => {
      const unsigned = Psbt.fromHex(hex);
      written[action.name.replace(/^sign-btc-|-transaction$/g, "")] = unsigned.toBase64();
      writeFileSync(join(folder, "theirs.psbt"), unsigned.toBase64());
      const { psbt } = btcstake(
        "psbt", "sign", "--psbt", "@theirs.psbt", "--secret-key-file", "staker.key", "--network", "signet");
      return Psbt.fromBase64(psbt).finalizeAllInputs().toHex();
    },
    signMessage: async (message, type) => {
      if (message !== account || type !== "bip322-simple") throw new Error(`asks for ${type} of ${message}`);
      const { simple_signature } = btcstake(
        "pop", "create", "--type", "bip322", "--script", "p2tr", "--network", "signet",
        "--secret-key-file", "staker.key", "--address", account);
      return simple_signature;
    },
  };
  const chain = {
    signTransaction: async ({ typeUrl, value }) => {
      const message = asNodesPrint(btcstakingtx.MsgCreateBTCDelegation.toJSON(value));
      const hex = (key) => Buffer.from(key, "base64").toString("hex");
      const keys = { btc_pk: hex(message.btc_pk), fp_btc_pk_list: message.fp_btc_pk_list.map(hex) };
      return { "@type": typeUrl, ...message, ...keys };
    },
  };
  const manager = new BabylonBtcStakingManager(networks.testnet, [params], wallet, chain);
  const info = { address: staker.address, publicKeyNoCoordHex: staker.public_key };
  const time = { stakingTimelock: staking_blocks };
  const input = { finalityProviderPksNoCoordHex: [provider], stakingAmountSat: 500_000, ...time };
  return { manager, info, input, coins: [coin], written };
}

async function register(request) {
  const { manager, info, input, coins, written } = managed(request);
  const { signedBabylonTx, stakingTx } = await manager.preStakeRegistrationBabylonTransaction(
    info, input, request.height, coins, 5, request.account);
  return { written, message: signedBabylonTx, staking: stakingTx.toHex() };
}

async function spend(request) {
  const { manager, info, input, coins, written } = managed(request);
  const [staking, unbonding, slashing] =
    [request.staking, request.unbonding, request.slashing].map((hex) => Transaction.fromHex(hex));
  const staked = await manager.createSignedBtcStakingTransaction(info, input, staking, coins, 0);
  const unbonded = await manager.createSignedBtcUnbondingTransaction(
    info, input, 0, staking, unbonding, request.covenant);
  const expired = await manager.createSignedBtcWithdrawStakingExpiredTransaction(info, input, 0, staking, 5);
  written["withdraw-staking"] = written.withdraw;
  const early = await manager.createSignedBtcWithdrawEarlyUnbondedTransaction(
    info, input, 0, unbonding, 5);
  written["withdraw-unbonding"] = written.withdraw;
  const refunded = await manager.createSignedBtcWithdrawSlashingTransaction(info, input, 0, slashing, 5);
  written["withdraw-slashing"] = written.withdraw;
  delete written.withdraw;
  const made = {
    "stake-P2TR": staked,
    unbonding: unbonded.transaction,
    "withdrawal-staking": expired.transaction,
    "withdrawal-unbonding": early.transaction,
    "withdrawal-slashing": refunded.transaction,
  };
  const transactions = Object.entries(made).map(([name, transaction]) => [name, transaction.toHex()]);
  return { written, transactions: Object.fromEntries(transactions) };
}

await answer((request) => (request.covenant ? spend(request) : register(request)));
