// Cases that each break one rule, and what the library does with them.
import { createCovenantWitness, stakingTransaction } from "@babylonlabs-io/btc-staking-ts";
import { Transaction, address } from "bitcoinjs-lib";
import { brokenStakes } from "./negative_stakes.mjs";
import { Stream } from "./rand.mjs";
import { covenantSignatures, signedByStaker } from "./sign.mjs";
import { Stake, coinFacts, dust, hex } from "./stake.mjs";

// Runs the library, and writes down what it said. Where it accepts, `note` says what it overlooks, or why we refuse.
export function judged(kind, rule, facts, run, note) {
  let says;
  try {
    run();
  } catch (error) {
    says = error.message.replace(/\s+/g, " ");
  }
  if ((says === undefined) !== (note !== undefined)) throw new Error(`${kind} ${rule}: the library says ${says}, and the note ${note}`);
  return { kind, rule, ...facts, reference_rejects: says !== undefined, reference_says: says, note };
}

// A stake of usual shape and 100000 satoshis.
export function ordinary(stream) {
  const stake = new Stake(stream, 101);
  const members = stream.between(2, 4);
  Object.assign(stake, { members: stream.keys(members), quorum: members - 1, providers: stream.keys(1), network: "mainnet", amount: 100_000 });
  Object.assign(stake, { unbondingFee: 500, slashingFee: 500, rate: 1000, feeRate: 2, stakingTime: 1000, unbondingTime: 100 });
  stake.address = stake.addressOf("p2tr");
  stake.slashingScript = hex(address.toOutputScript(stake.addressOf("p2wpkh", stream.key()), stake.net));
  return stake;
}

export const raw = (stake) => ({
  staker: stake.staker.hex,
  finality_providers: stake.providerHex,
  covenant: stake.members.map((key) => key.hex),
  quorum: stake.quorum,
  staking_time: stake.stakingTime,
  unbonding_time: stake.unbondingTime,
});

// A transaction that pays to these outputs.
function paying(stream, outputs) {
  const transaction = new Transaction();
  transaction.version = 2;
  transaction.addInput(stream.bytes(32), 0);
  for (const { script, value } of outputs) transaction.addOutput(script, value);
  return transaction;
}

function staked(stake) {
  const { transaction } = stake.library().createStakingTransaction(stake.amount, stake.coins(1), stake.feeRate);
  return transaction;
}

function slashing(stream) {
  const cases = [];
  const add = (rule, change, note) => {
    const stake = ordinary(stream);
    const terms = { rate: "0.1", fee: 500, script: stake.slashingScript, amount: stake.amount, ...change };
    stake.amount = terms.amount;
    const transaction = staked(stake);
    // The parameters are checked when the library's object is made, before what is asked of it.
    const run = () => {
      const library = stake.library();
      library.params.slashing = { slashingPkScriptHex: terms.script, slashingRate: Number(terms.rate), minSlashingTxFeeSat: terms.fee };
      library.createStakingOutputSlashingPsbt(transaction);
    };
    const facts = { stake: raw(stake), amount_sat: terms.amount, slashing_rate: terms.rate, slashing_pk_script: terms.script, fee_sat: terms.fee };
    cases.push(judged("slashing", rule, facts, run, note));
  };
  const burn = "6a0462626e31";
  add("rate_zero", { rate: "0" });
  add("rate_one", { rate: "1" });
  add("rate_above_one", { rate: "1.5" });
  add("rate_negative", { rate: "-0.1" });
  for (const rate of ["0.12345", "0.10001"]) add("rate_five_decimals", { rate }, "rounds the rate to four decimals");
  add("rate_rounds_to_zero", { rate: "0.00004", script: burn }, "rounds the rate to 0, and slashes nothing");
  add("nothing_slashed", { rate: "0.0001", amount: 4_999, script: burn }, "slashes nothing, where that is burnt");
  add("fee_zero", { fee: 0 });
  add("fee_negative", { fee: -1 });
  for (const left of [0, 1, 329]) add("refund_dust", { fee: 90_000 - left });
  for (const left of [330, dust]) add("refund_dust_to_the_library", { fee: 90_000 - left });
  add("fee_above_what_is_left", { fee: 90_001 });
  for (const slashed of [1, 293]) add("slashed_dust", { amount: slashed * 10_000, rate: "0.0001" });
  for (const slashed of [294, dust]) add("slashed_dust_to_the_library", { amount: slashed * 10_000, rate: "0.0001" });
  add("script_empty", { script: "" }, "pays to an empty script, which anybody spends");
  add("script_that_anybody_spends", { script: "51" }, "pays to a script that anybody spends");
  return cases;
}

function unbonding(stream) {
  const cases = [];
  const add = (rule, change, note) => {
    const stake = ordinary(stream);
    const output = staked(stake).outs[0];
    const outputs = change.outputs ? change.outputs(output, stake) : [output];
    const transaction = paying(stream, outputs);
    const fee = change.fee ?? stake.unbondingFee;
    const run = () => {
      const library = stake.library();
      library.params.unbondingFeeSat = fee;
      library.createUnbondingTransaction(transaction);
    };
    const facts = { stake: raw(stake), staking_transaction: transaction.toHex(), unbonding_fee_sat: fee };
    cases.push(judged("unbonding", rule, facts, run, note));
  };
  for (const fee of [100_000, 100_001]) add("fee_not_paid", { fee });
  for (const left of [1, 329]) add("dust", { fee: 100_000 - left });
  for (const left of [330, dust - 1]) add("dust_to_the_library", { fee: 100_000 - left });
  add("fee_zero", { fee: 0 });
  add("no_staking_output", { outputs: ({ value }) => [{ script: Buffer.from(`5120${stream.key().hex}`, "hex"), value }] });
  add("staking_output_twice", { outputs: (output) => [output, output] }, "takes the first of two");
  add("staking_output_twice", { outputs: (output) => [output, { ...output, value: 200_000 }] }, "takes the first of two");
  return cases;
}

function withdrawal(stream) {
  const cases = [];
  const add = (rule, { amount, rate }, note) => {
    const stake = ordinary(stream);
    const transaction = paying(stream, [{ script: staked(stake).outs[0].script, value: amount }]);
    const run = () => stake.library().createWithdrawStakingExpiredPsbt(transaction, rate);
    const facts = { stake: raw(stake), address: stake.address, amount_sat: amount, sat_per_vbyte: rate };
    cases.push(judged("withdrawal", rule, facts, run, note));
  };
  for (const rate of [10, 1000]) add("fee_not_paid", { amount: 120 * rate - 20 * rate, rate });
  for (const left of [0, 100]) add("dust", { amount: 159 + left, rate: 1 });
  for (const left of [330, dust - 1]) add("dust_to_the_library", { amount: 159 + left, rate: 1 });
  add("rate_zero", { amount: 100_000, rate: 0 });
  add("rate_far_too_high", { amount: 200_000_000, rate: 100_000 }, "has no upper bound for a rate");
  return cases;
}

function funding(stream) {
  const cases = [];
  const add = (rule, { coins, amount = 100_000, rate = 2, change }, note, run) => {
    const stake = ordinary(stream);
    const inputs = coins ? coins(stake) : [stake.coin(300_000, "p2wpkh")];
    const to = change ? change(stake) : stake.address;
    const build = run ?? ((s, list) => s.createStakingTransaction(amount, list, rate));
    const facts = { stake: raw(stake), amount_sat: amount, coins: inputs.map(coinFacts), address: to, sat_per_vbyte: rate };
    cases.push(judged("funding", rule, facts, () => build(Object.assign(stake.library(), { stakerInfo: { ...stake.info, address: to } }), inputs), note));
  };
  const coin = (value, kind = "p2wpkh") => (stake) => [stake.coin(value, kind)];
  add("no_coin", { coins: () => [] });
  for (const value of [1, 100_000, 100_100]) add("coins_do_not_suffice", { coins: coin(value) });
  add("coins_suffice_by_the_weight", { coins: coin(100_260) });
  add("amount_zero", { amount: 0 });
  add("stake_is_dust", { amount: 329 }, "looks at the parameters' least amount only", (library, list) =>
    stakingTransaction(library.buildScripts(), 329, library.stakerInfo.address, list, library.network, 2));
  add("rate_zero", { rate: 0 });
  add("rate_far_too_high", { coins: coin(200_000_000), rate: 100_000 }, "has no upper bound for a rate");
  add("coin_twice", { coins: (stake) => Array(2).fill(stake.coin(70_000, "p2wpkh")) }, "makes a transaction that spends a coin twice; only its PSBT is refused");
  add("coin_unknown", { coins: (stake) => [{ ...stake.coin(300_000, "p2wpkh"), kind: "unknown", scriptPubKey: "51" }] }, "takes any script for a coin; only its PSBT is refused");
  for (const kind of ["p2pkh", "p2sh"]) add("coin_not_segwit", { coins: coin(300_000, kind) }, "lets unbonding and slashing hang on an id that signing changes");
  add("change_to_the_stake", { change: (stake) => address.fromOutputScript(staked(stake).outs[0].script, stake.net) }, "pays to the staking output twice");
  return cases;
}

function extension(stream) {
  const cases = [];
  const add = (rule, change, note) => {
    const running = ordinary(stream);
    const before = staked(running);
    const next = ordinary(stream);
    Object.assign(next, { staker: running.staker, address: running.address, members: running.members, quorum: running.quorum });
    next.providers = [...running.providers];
    let coins = [next.coin(50_000, "p2wpkh")];
    coins = change({ running, next, before, coins }) ?? coins;
    const previous = { stakingTx: before, stakingInput: { finalityProviderPksNoCoordHex: running.providerHex, stakingTimelock: running.stakingTime } };
    const run = () => next.library().createStakingExpansionTransaction(next.amount, coins, 2, running.params, previous);
    const facts = { stake: raw(next), running: raw(running), staking_transaction: before.toHex() };
    const more = { amount_sat: next.amount, coins: coins.map(coinFacts), address: next.address, sat_per_vbyte: 2 };
    cases.push(judged("extension", rule, { ...facts, ...more }, run, note));
  };
  add("smaller", ({ next }) => void (next.amount -= 1));
  for (const more of [1, 10_000]) add("larger", ({ next }) => void (next.amount += more));
  add("no_coin", () => []);
  add("coin_does_not_suffice", ({ next }) => [next.coin(500, "p2wpkh")]);
  add("coins_suffice_only_together", ({ next }) => [next.coin(500, "p2wpkh"), next.coin(550, "p2wpkh")]);
  add("committee_has_changed", ({ next }) => void (next.members = stream.keys(4)));
  add("one_member_too_few_stayed", ({ running, next }) => {
    const stay = running.members.slice(0, running.quorum - 1);
    Object.assign(next, { members: [...stay, ...stream.keys(3)] });
  });
  const leftOut = "leaves this to its manager";
  add("provider_left_out", ({ next }) => void (next.providers = stream.keys(1)), leftOut);
  add("provider_left_out", ({ next }) => void (next.providers = stream.keys(3)), leftOut);
  add("funded_by_the_stake", ({ next, before }) => [{ ...next.coin(50_000, "p2tr"), txid: before.getId(), vout: 0, value: 100_000 }], "spends the stake twice");
  return cases;
}

// The covenant's part of an unbonding's witness.
function witness(stream) {
  const cases = [];
  const add = (rule, choose, note) => {
    const stake = ordinary(stream);
    Object.assign(stake, { members: stream.keys(4), quorum: 3 });
    const library = stake.library();
    const staking = staked(stake);
    const psbt = library.toUnbondingPsbt(library.createUnbondingTransaction(staking).transaction, staking);
    const signed = signedByStaker(psbt, stake.staker).ins[0].witness;
    const stranger = covenantSignatures(psbt, stream.keys(1))[0];
    const signatures = choose(covenantSignatures(psbt, stake.members), stranger);
    const covenant = stake.members.map((member) => member.xOnly);
    const facts = { stake: raw(stake), staking_transaction: staking.toHex(), unbonding_fee_sat: stake.unbondingFee };
    const given = signatures.map(({ btcPkHex, sigHex }) => ({ member: btcPkHex, signature: sigHex }));
    const more = { staker_signature: hex(signed[0]), signatures: given };
    cases.push(judged("witness", rule, { ...facts, ...more }, () => createCovenantWitness(signed, covenant, signatures, stake.quorum), note));
  };
  const damaged = ({ btcPkHex, sigHex }) => ({ btcPkHex, sigHex: `${sigHex.slice(0, -2)}${sigHex.endsWith("00") ? "01" : "00"}` });
  add("none", () => []);
  add("one_too_few", ([a, b]) => [a, b]);
  add("one_of_a_stranger", ([a, b], stranger) => [a, b, stranger]);
  add("one_twice", ([a, b]) => [a, b, b], "counts a member twice, and leaves its witness a signature short");
  add("one_does_not_verify", ([a, b, c]) => [a, b, damaged(c)], "verifies no signature");
  const usable = "puts a witness together that nodes refuse, where a quorum of what is given is good";
  add("a_stranger_before_a_quorum", ([a, b, c], stranger) => [stranger, a, b, c], usable);
  add("one_twice_before_a_quorum", ([a, b, c]) => [a, a, b, c], usable);
  add("a_bad_one_before_a_quorum", ([a, b, c, d]) => [damaged(a), b, c, d], usable);
  return cases;
}

export function negative() {
  const stream = new Stream("typescript negative");
  const makers = [brokenStakes, slashing, unbonding, withdrawal, funding, extension, witness];
  return {
    kind: "negative",
    description:
      "Cases that each break one rule of an otherwise valid stake; rule names it. reference_rejects is what the library does with it when run, reference_says " +
      "its error. Where it accepts, note says why we do not, or what it overlooks.",
    source: "Staking, ObservableStaking, stakingTransaction, createCovenantWitness",
    cases: makers.flatMap((make) => make(stream)),
  };
}
