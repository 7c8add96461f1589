// The transactions of a stake's whole life.
import { address, payments } from "bitcoinjs-lib";
import { Stream } from "./rand.mjs";
import { signedByStaker, unbonded, wtxid } from "./sign.mjs";
import { Stake, coinFacts, dust, hex } from "./stake.mjs";

const count = 300;

// Draws the stake of a case until the library builds all its transactions.
function drawStake(stream, number) {
  for (;;) {
    const stake = new Stake(stream, number);
    try {
      return { stake, ...build(stake) };
    } catch (error) {
      // What leaves dust is none; anything else would be a mistake here.
      if (!/dust|Min staking amount/.test(error.message)) throw error;
    }
  }
}

function build(stake) {
  const library = stake.library();
  const inputs = stake.coins(stake.stream.between(1, 4));
  const { transaction: staking, fee } = library.createStakingTransaction(stake.amount, inputs, stake.feeRate);
  const { transaction: unbonding } = library.createUnbondingTransaction(staking);
  const slashing = library.createStakingOutputSlashingPsbt(staking).psbt;
  const unbondingSlashing = library.createUnbondingOutputSlashingPsbt(unbonding).psbt;
  return { library, inputs, staking, fee, unbonding, slashing, unbondingSlashing };
}

export function scriptFacts(scripts) {
  return {
    timelock: hex(scripts.timelockScript),
    unbonding: hex(scripts.unbondingScript),
    slashing: hex(scripts.slashingScript),
    unbonding_timelock: hex(scripts.unbondingTimelockScript),
  };
}

export const outputFacts = (output, network) => ({
  script_pubkey: hex(output.script),
  address: address.fromOutputScript(output.script, network),
});

// Only the coins that the library chose, in its order; each is one of those given.
export const chosen = (inputs, transaction) =>
  transaction.ins.map(({ hash, index }) => {
    const txid = Buffer.from(hash).reverse().toString("hex");
    return inputs.find((coin) => coin.txid === txid && coin.vout === index);
  });

// Takes out one of the three outputs in turn, or the next one that would not leave dust.
function withdrawal(stake, { library, staking, unbonding, slashing }) {
  const slashed = slashing.data.globalMap.unsignedTx.tx;
  const sources = [
    ["staking", staking.outs[0], (rate) => library.createWithdrawStakingExpiredPsbt(staking, rate)],
    ["unbonding", unbonding.outs[0], (rate) => library.createWithdrawEarlyUnbondedTransaction(unbonding, rate)],
    ["refund", slashed.outs[1], (rate) => library.createWithdrawSlashingPsbt(slashed, rate)],
  ];
  const rate = stake.stream.pick([1, 2, 3, 5, 8, 13]);
  for (let place = stake.number; ; place++) {
    const [source, output, withdraw] = sources[place % sources.length];
    // The library's estimate of a withdrawal: 129 virtual bytes, and a little more at low rates.
    if (output.value < 129 * rate + 30 + dust) continue;
    const { psbt, fee } = withdraw(rate);
    return { source, sat_per_vbyte: rate, fee_sat: fee, psbt: psbt.toBase64(), wtxid: wtxid(signedByStaker(psbt, stake.staker)) };
  }
}

function stakeCase({ stake, ...built }) {
  const { library, inputs, staking, fee, unbonding, slashing, unbondingSlashing } = built;
  const unbondingPsbt = library.toUnbondingPsbt(unbonding, staking);
  const refund = slashing.txOutputs[1];
  return {
    stake: stake.facts(),
    signers: stake.signers,
    slashing_rate: String(stake.rate / 10_000),
    slashing_pk_script: stake.slashingScript,
    slashing_fee_sat: stake.slashingFee,
    sat_per_vbyte: stake.feeRate,
    coins: inputs.map(coinFacts),
    scripts: scriptFacts(library.buildScripts()),
    outputs: {
      staking: outputFacts(staking.outs[0], stake.net),
      unbonding: outputFacts(unbonding.outs[0], stake.net),
      refund: outputFacts(refund, stake.net),
    },
    staking: { fee_sat: fee, txid: staking.getId(), psbt: library.toStakingPsbt(staking, inputs).toBase64() },
    unbonding: { txid: unbonding.getId(), psbt: unbondingPsbt.toBase64(), wtxid: wtxid(unbonded(unbondingPsbt, stake)) },
    slashing: slashing.toBase64(),
    unbonding_slashing: unbondingSlashing.toBase64(),
    withdrawal: withdrawal(stake, built),
  };
}

export function stakes() {
  const stream = new Stream("typescript stakes");
  return {
    kind: "stakes",
    description:
      "Stakes with everything that the library makes of them, case by case. Keys and coins stand in the order given, of which the library takes what it " +
      "needs. A PSBT is base64, as the library returns it, and txid its transaction's. wtxid is the id of the transaction with its witness: " +
      "signed by bitcoinjs-lib with 32 zero bytes of auxiliary randomness and, to unbond, by the covenant members that signers number.",
    source: "Staking, createCovenantWitness",
    cases: Array.from({ length: count }, (_, number) => stakeCase(drawStake(stream, number))),
  };
}
