// Drawing stakes: who takes part, for how long, how much, and the coins that pay for it.
import { ObservableStaking, Staking } from "@babylonlabs-io/btc-staking-ts";
import { Transaction, address, networks, payments } from "bitcoinjs-lib";

export const allNetworks = { mainnet: networks.bitcoin, testnet: networks.testnet };

// The timelocks at which their encoding in a script changes its shape: opcode, one byte, two, three.
const edgeTimes = [1, 2, 16, 17, 127, 128, 255, 256, 32767, 32768, 65535];

// The ends of the range, mainnet's rate, and some whose doubles lie to either side of the exact value. In ten-thousandths.
const edgeRates = [1, 9999, 10, 5000, 1000, 3333, 7, 2500];

// All the bitcoin there can be, less room for the other outputs.
const mostStaked = 21e14 - 1e7;

// What the library takes for dust, whatever the script.
export const dust = 546;

const burn = "6a07626162796c6f6e";

export const hex = (bytes) => Buffer.from(bytes).toString("hex");

export class Stake {
  constructor(stream, number) {
    this.stream = stream;
    this.number = number;
    this.network = number % 3 === 2 ? "testnet" : "mainnet";
    this.staker = stream.key();
    this.drawParties(number);
    const time = () => stream.between(1, 65535);
    this.stakingTime = number % 2 === 0 ? edgeTimes[(number / 2) % edgeTimes.length] : time();
    this.unbondingTime = number % 3 === 0 ? edgeTimes[(number / 3) % edgeTimes.length] : time();
    this.drawAmounts(number);
    const kind = number % 2 === 0 ? "p2tr" : "p2wpkh";
    this.address = this.addressOf(kind);
    this.slashingScript = number % 3 === 0 ? burn : hex(address.toOutputScript(this.addressOf("p2wpkh", stream.key()), this.net));
    this.feeRate = stream.pick([1, 2, 3, 5, 8, 13, 21, 50, 100]);
  }

  get net() {
    return allNetworks[this.network];
  }

  drawParties(number) {
    const { stream } = this;
    // Every size up to 20, three times; then what is usual.
    const members = number < 60 ? 1 + (number % 20) : stream.between(1, 5);
    if (number < 20) this.quorum = members;
    else if (number < 40) this.quorum = 1;
    else this.quorum = stream.between(1, members);
    let providers = 1;
    if (number % 20 === 19) providers = 2 + (Math.floor(number / 20) % 4);
    else if (number >= 60) providers = [1, 1, 2, 3, 1, 1, 4, 5][number % 8];
    this.members = stream.keys(members);
    this.providers = stream.keys(providers);
    const numbers = this.members.map((_, place) => place);
    this.signers = stream.shuffled(numbers).slice(0, this.quorum).sort((a, b) => a - b);
  }

  drawAmounts(number) {
    const { stream } = this;
    this.rate = number % 5 === 0 ? edgeRates[(number / 5) % edgeRates.length] : stream.between(1, 9999);
    // Amounts of every size are equally likely, up to 5000 bitcoin.
    this.amount = stream.between(10_000, 20_000) * 2 ** stream.below(25);
    if (number % 80 === 7) this.amount = mostStaked;
    this.unbondingFee = stream.between(1, 2_000);
    this.slashingFee = stream.between(1, 3_000);
    const rest = { 1: 5000, 2: 5001, 3: 4999, 6: 5000 }[number % 8];
    // The slashed part of the stake is a half, or a hair above or below one; or that of the unbonding stake is.
    if (rest !== undefined) this.amount = nextWithRest(this.amount, this.rate, rest) + (number % 8 === 6 ? this.unbondingFee : 0);
    // What decides is the double's own rounding.
    if (number % 8 === 5) this.drawInexact();
    // As much as the library lets a fee take.
    const left = this.amount - this.unbondingFee;
    if (number % 16 === 4) this.slashingFee = left - slashed(left, this.rate) - (dust + 1);
  }

  // Rates, and amounts of growing size, until doubles and exact arithmetic disagree. For most rates they never do.
  drawInexact() {
    for (let i = 0; ; i++) {
      this.amount = nextWithRest(this.stream.between(10_000, 20_000) * 2 ** (Math.floor(i / 50) % 30), this.rate, 5000);
      if (this.amount <= mostStaked && slashed(this.amount, this.rate) !== exactSlashed(this.amount, this.rate)) return;
      if (i % 10 === 9) this.rate = this.stream.between(1, 9999);
    }
  }

  addressOf(kind, key = this.staker) {
    const { net: network } = this;
    return kind === "p2tr"
      ? payments.p2tr({ internalPubkey: key.xOnly, network }).address
      : payments.p2wpkh({ pubkey: key.publicKey, network }).address;
  }

  // A coin of the staker's.
  coin(value, kind = this.stream.pick(["p2wpkh", "p2tr"])) {
    const { stream, net: network, staker } = this;
    const pubkey = staker.publicKey;
    const single = payments.p2wpkh({ pubkey, network });
    const several = payments.p2ms({ m: 1, pubkeys: [pubkey, stream.key().publicKey], network });
    const payment = {
      p2wpkh: () => single,
      p2tr: () => payments.p2tr({ internalPubkey: staker.xOnly, network }),
      p2wsh: () => payments.p2wsh({ redeem: several, network }),
      p2sh_p2wpkh: () => payments.p2sh({ redeem: single, network }),
      p2sh: () => payments.p2sh({ redeem: several, network }),
      p2pkh: () => payments.p2pkh({ pubkey, network }),
    }[kind]();
    const coin = { txid: stream.txid(), vout: stream.below(5), value, scriptPubKey: hex(payment.output) };
    if (kind === "p2wsh") coin.witnessScript = hex(payment.redeem.output);
    if (kind.startsWith("p2sh")) coin.redeemScript = hex(payment.redeem.output);
    if (kind === "p2pkh" || kind.startsWith("p2sh")) {
      // Whoever signs for such a coin needs the transaction that made it.
      const transaction = new Transaction();
      transaction.version = 2;
      transaction.addInput(stream.bytes(32), stream.below(5));
      transaction.addOutput(payment.output, value);
      Object.assign(coin, { txid: transaction.getId(), vout: 0, rawTxHex: transaction.toHex() });
    }
    return { kind, ...coin };
  }

  // So many coins, which pay for the stake and about as much again.
  coins(count, kinds) {
    const { stream } = this;
    const fees = this.feeRate * 200 * (count + 2);
    const values = Array.from({ length: count }, () => Math.ceil(this.amount / count) + fees + stream.between(0, 100_000));
    return values.map((value) => this.coin(value, kinds && stream.pick(kinds)));
  }

  get params() {
    return {
      covenantNoCoordPks: this.members.map((key) => key.hex),
      covenantQuorum: this.quorum,
      unbondingTime: this.unbondingTime,
      unbondingFeeSat: this.unbondingFee,
      minStakingAmountSat: this.unbondingFee + 1000,
      maxStakingAmountSat: 21e14,
      minStakingTimeBlocks: 1,
      maxStakingTimeBlocks: 65535,
      slashing: { slashingPkScriptHex: this.slashingScript, slashingRate: this.rate / 10_000, minSlashingTxFeeSat: this.slashingFee },
    };
  }

  get providerHex() {
    return this.providers.map((key) => key.hex);
  }

  get info() {
    return { address: this.address, publicKeyNoCoordHex: this.staker.hex };
  }

  library() {
    return new Staking(this.net, this.info, this.params, this.providerHex, this.stakingTime);
  }

  observable(tag, btcActivationHeight) {
    const params = { ...this.params, slashing: undefined, tag, btcActivationHeight, version: 0 };
    return new ObservableStaking(this.net, this.info, params, this.providerHex, this.stakingTime);
  }

  // What every case of a stake begins with.
  facts() {
    return {
      network: this.network,
      staker_secret: hex(this.staker.secret),
      address: this.address,
      finality_providers: this.providerHex,
      covenant_secrets: this.members.map((key) => hex(key.secret)),
      quorum: this.quorum,
      staking_time: this.stakingTime,
      unbonding_time: this.unbondingTime,
      amount_sat: this.amount,
      unbonding_fee_sat: this.unbondingFee,
    };
  }
}

// A coin as a case has it.
export const coinFacts = ({ kind, txid, vout, value, scriptPubKey, rawTxHex, redeemScript, witnessScript }) => ({
  kind,
  txid,
  vout,
  amount_sat: value,
  script_pubkey: scriptPubKey,
  transaction: rawTxHex,
  redeem_script: redeemScript,
  witness_script: witnessScript,
});

// What the library slashes.
export const slashed = (amount, rate) => Math.round(amount * (rate / 10_000));

const exactSlashed = (amount, rate) => Number((BigInt(amount) * BigInt(rate) + 5000n) / 10_000n);

// The next amount of which the rate takes a whole number and rest/10000, or the amount itself if there is none.
function nextWithRest(amount, rate, rest) {
  for (let next = amount; next < amount + 10_000; next++) {
    if (((next % 10_000) * rate) % 10_000 === rest) return next;
  }
  return amount;
}
