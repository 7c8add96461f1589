// Stakes that extend a running one, with other providers, another time, or under a committee that has changed.
import { Stream } from "./rand.mjs";
import { covenantSignatures } from "./sign.mjs";
import { Stake, coinFacts } from "./stake.mjs";

const count = 80;

// A stake that extends this one: the amount is the same, all else may change.
export function extended(running, stream, number) {
  const next = new Stake(stream, number);
  Object.assign(next, { network: running.network, staker: running.staker, amount: running.amount, address: running.address });
  next.providers = stream.shuffled([...running.providers, ...stream.keys(number % 3)]);
  // As many old members stay as the old quorum asks for, or more.
  const stay = stream.between(running.quorum, running.members.length);
  next.members = stream.shuffled([...stream.shuffled(running.members).slice(0, stay), ...stream.keys(number % 4)]);
  next.quorum = stream.between(1, next.members.length);
  return next;
}

function extensionCase(stream, number) {
  const running = new Stake(stream, number);
  const { transaction: before } = running.library().createStakingTransaction(running.amount, running.coins(1), running.feeRate);
  const next = extended(running, stream, number);
  next.unbondingFee = Math.min(next.unbondingFee, next.amount - 1000);
  const library = next.library();
  // The smallest of these that pays the fee is taken; the first does not.
  const values = [100, 400 * next.feeRate + stream.between(0, 700), 100_000 + 400 * next.feeRate];
  const coins = stream.shuffled(values).map((value) => next.coin(value));
  const previous = { stakingTx: before, stakingInput: { finalityProviderPksNoCoordHex: running.providerHex, stakingTimelock: running.stakingTime } };
  const { transaction, fee } = library.createStakingExpansionTransaction(next.amount, coins, next.feeRate, running.params, previous);
  const psbt = library.toStakingExpansionPsbt(transaction, coins, running.params, previous);
  const signers = running.signers.map((place) => running.members[place]);
  return {
    stake: next.facts(),
    running: { stake: running.facts(), transaction: before.toHex(), signers: running.signers },
    sat_per_vbyte: next.feeRate,
    coins: coins.map(coinFacts),
    fee_sat: fee,
    txid: transaction.getId(),
    psbt: psbt.toBase64(),
    covenant_signatures: covenantSignatures(psbt, signers).map(({ sigHex }) => sigHex),
  };
}

export function extensions() {
  const stream = new Stream("typescript extensions");
  return {
    kind: "extensions",
    description:
      "Stakes that extend a running one; the library calls it expansion. covenant_signatures are those of the running stake's members that its " +
      "signers number, over both inputs, with 32 zero bytes of auxiliary randomness.",
    source: "Staking.createStakingExpansionTransaction, toStakingExpansionPsbt",
    cases: Array.from({ length: count }, (_, number) => extensionCase(stream, number)),
  };
}
