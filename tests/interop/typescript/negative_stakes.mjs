// Keys, quorums and times that make no stake, and announcements of none.
import { judged, ordinary, raw } from "./negative.mjs";
import { hex } from "./stake.mjs";

// An x-coordinate without a point.
const offCurve = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34";

const overlooked = "compares keys within a list, not across lists";

// Name, what is broken in the raw facts, and a note where the library accepts.
const rules = [
  ["no_provider", (facts) => (facts.finality_providers = [])],
  ["no_member", (facts) => Object.assign(facts, { covenant: [], quorum: 0 })],
  ["quorum_zero", (facts) => (facts.quorum = 0)],
  ["quorum_above_members", (facts) => (facts.quorum = facts.covenant.length + 1)],
  ["member_twice", (facts) => facts.covenant.push(facts.covenant[0])],
  ["provider_twice", (facts) => facts.finality_providers.push(facts.finality_providers[0])],
  ["member_not_on_curve", (facts) => (facts.covenant[0] = offCurve)],
  ["member_too_short", (facts) => (facts.covenant[0] = facts.covenant[0].slice(2))],
  ["member_compressed", (facts) => (facts.covenant[0] = `02${facts.covenant[0]}`)],
  ["provider_not_on_curve", (facts) => (facts.finality_providers[0] = offCurve)],
  ["provider_compressed", (facts) => (facts.finality_providers[0] = `03${facts.finality_providers[0]}`)],
  ["staker_not_on_curve", (facts) => (facts.staker = offCurve)],
  ["staker_above_p", (facts) => (facts.staker = "ff".repeat(32))],
  ["staker_empty", (facts) => (facts.staker = "")],
  ["staking_time_zero", (facts) => (facts.staking_time = 0)],
  ["staking_time_past_16_bits", (facts) => (facts.staking_time = 65536)],
  ["unbonding_time_zero", (facts) => (facts.unbonding_time = 0)],
  ["unbonding_time_past_16_bits", (facts) => (facts.unbonding_time = 65536)],
  ["staker_is_a_provider", (facts) => (facts.finality_providers[0] = facts.staker), overlooked],
  ["staker_is_a_member", (facts) => (facts.covenant[0] = facts.staker), overlooked],
  ["provider_is_a_member", (facts) => (facts.covenant[0] = facts.finality_providers[0]), overlooked],
];

function library(stake, facts) {
  const params = { ...stake.params, covenantNoCoordPks: facts.covenant, covenantQuorum: facts.quorum, unbondingTime: facts.unbonding_time };
  const { Class, extra } = facts.tag === undefined ? { Class: stake.library().constructor } : { Class: stake.observable("00000000", 1).constructor, extra: { tag: facts.tag, btcActivationHeight: 1 } };
  const info = { ...stake.info, publicKeyNoCoordHex: facts.staker };
  return new Class(stake.net, info, { ...params, ...extra, maxStakingTimeBlocks: 70_000 }, facts.finality_providers, facts.staking_time);
}

export function brokenStakes(stream) {
  const cases = [];
  for (const [rule, damage, note] of rules) {
    for (let time = 0; time < 2; time++) {
      const stake = ordinary(stream);
      const facts = raw(stake);
      damage(facts);
      cases.push(judged("stake", rule, { stake: facts }, () => library(stake, facts).buildScripts(), note));
    }
  }
  const announced = (rule, change) => {
    const stake = ordinary(stream);
    const facts = { ...raw(stake), tag: hex(stream.bytes(4)) };
    change(facts);
    const { tag, ...parties } = facts;
    cases.push(judged("announced", rule, { stake: parties, tag }, () => library(stake, facts).buildScripts()));
  };
  announced("no_tag", (facts) => (facts.tag = ""));
  announced("tag_too_short", (facts) => (facts.tag = facts.tag.slice(2)));
  announced("tag_too_long", (facts) => (facts.tag += "00"));
  announced("two_providers", (facts) => facts.finality_providers.push(stream.key().hex));
  return cases;
}
