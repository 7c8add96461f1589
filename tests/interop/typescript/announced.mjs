// Stakes of phase 1, which announce themselves on the chain.
import { Stream } from "./rand.mjs";
import { unbonded, wtxid } from "./sign.mjs";
import { Stake, coinFacts, hex } from "./stake.mjs";
import { scriptFacts } from "./stakes.mjs";

const count = 50;

function announcedCase(stream, number) {
  const stake = new Stake(stream, number);
  stake.providers = stake.providers.slice(0, 1);
  const tag = number % 2 === 0 ? hex(Buffer.from("bbn1")) : hex(stream.bytes(4));
  const activation = stream.between(2, 900_000);
  const library = stake.observable(tag, activation);
  const inputs = stake.coins(stream.between(1, 3));
  const { transaction: staking, fee } = library.createStakingTransaction(stake.amount, inputs, stake.feeRate);
  const { transaction: unbonding } = library.createUnbondingTransaction(staking);
  const unbondingPsbt = library.toUnbondingPsbt(unbonding, staking);
  return {
    stake: stake.facts(),
    signers: stake.signers,
    tag,
    activation_height: activation,
    sat_per_vbyte: stake.feeRate,
    coins: inputs.map(coinFacts),
    scripts: { ...scriptFacts(library.buildScripts()), announcement: hex(library.buildScripts().dataEmbedScript) },
    staking: { fee_sat: fee, txid: staking.getId(), psbt: library.toStakingPsbt(staking, inputs).toBase64() },
    unbonding: { txid: unbonding.getId(), psbt: unbondingPsbt.toBase64(), wtxid: wtxid(unbonded(unbondingPsbt, stake)) },
  };
}

export function announced() {
  const stream = new Stream("typescript announced");
  return {
    kind: "announced",
    description: "Stakes of phase 1 with their announcement, and their unbonding.",
    source: "ObservableStaking",
    cases: Array.from({ length: count }, (_, number) => announcedCase(stream, number)),
  };
}
