// Staking transactions that are funded by every kind of coin the library knows.
import { Stream } from "./rand.mjs";
import { Stake, coinFacts, dust } from "./stake.mjs";

const count = 90;

const kinds = ["p2wpkh", "p2tr", "p2wsh", "p2sh_p2wpkh", "p2sh", "p2pkh"];

function fundingCase(stream, number) {
  const stake = new Stake(stream, number);
  const library = stake.library();
  let inputs;
  if (number % 3 === 0) {
    // One coin, and what it leaves beyond stake and fee is at an edge: nothing, or about what is dust to the library.
    inputs = [stake.coin(stake.amount + 1_000_000, kinds[(number / 3) % kinds.length])];
    const { fee } = library.createStakingTransaction(stake.amount, inputs, stake.feeRate);
    const left = [0, 1, 293, 294, 329, 330, dust - 1, dust, dust + 1][(number / 3) % 9];
    // Of the fee, 43 virtual bytes are the change's.
    inputs[0] = stake.coin(stake.amount + fee + left - (left > dust ? 0 : 43 * stake.feeRate), inputs[0].kind);
  } else {
    inputs = stake.coins(stream.between(1, 6), number % 3 === 1 ? kinds.slice(0, 3) : kinds);
  }
  const { transaction, fee } = library.createStakingTransaction(stake.amount, inputs, stake.feeRate);
  const psbt = library.toStakingPsbt(transaction, inputs);
  return { stake: stake.facts(), sat_per_vbyte: stake.feeRate, coins: inputs.map(coinFacts), staking: { fee_sat: fee, txid: transaction.getId(), psbt: psbt.toBase64() } };
}

export function funding() {
  const stream = new Stream("typescript funding");
  return {
    kind: "funding",
    description: "Staking transactions funded by coins of every kind that the library knows, with change, without, and at the edge of dust.",
    source: "Staking.createStakingTransaction, toStakingPsbt",
    cases: Array.from({ length: count }, (_, number) => fundingCase(stream, number)),
  };
}
