package main

import (
	sdkmath "cosmossdk.io/math"
	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/wire"
)

func negativeStaking() []file {
	n := &negatives{stream: newStream("negative staking")}
	for _, kind := range []func(*negatives){
		negativeOutputs, negativeRates, negativeSlashingBuild, negativeSlashing, negativeCovenant, negativeUnbonding, negativeStakes, negativeAnnouncements,
	} {
		kind(n)
	}
	return []file{{
		kind: "negative",
		description: "Cases that each break one rule of an otherwise valid stake; rule names it. reference_rejects is what the reference does with it when run, " +
			"reference_says its error. Where it accepts, note says what it overlooks.",
		source: from(babylon, "btcstaking.BuildStakingInfo, BuildUnbondingInfo, BuildRelativeTimelockTaprootScript, IsSlashingRateValid, "+
			"BuildSlashingTxFromStakingTxStrict, CheckSlashingTxMatchFundingTx, CheckPreSignedUnbondingTxSanity, ParseV0StakingTx, "+
			"x/btcstaking/types.ValidateParsedMessageAgainstTheParams, HasCovenantPK, EncVerifyAdaptorSignatures"),
		cases: n.cases,
	}}
}

// smallStake draws a stake of two or three members and one or two providers, far from every edge.
func (n *negatives) smallStake(change func(k *stake)) *stake {
	members := n.between(2, 3)
	k := &stake{
		staker: n.scalar(), members: n.scalars(members), providers: n.scalars(n.between(1, 2)), quorum: uint32(n.between(2, members)),
		stakingTime: uint16(n.between(1000, 60000)), unbondingTime: uint16(n.between(101, 999)),
		amount: int64(n.between(1_000_000, 100_000_000)), unbondingFee: int64(n.between(1_000, 5_000)), rate: int64(n.between(100, 2_000)),
		slashingScript: mainnetSlashingScript,
	}
	fee := int64(n.between(2_000, 10_000))
	k.slashingFees = [2]int64{fee, fee}
	if change != nil {
		change(k)
	}
	must(k.scripts(mainnet))
	k.fund(n.stream)
	must(k.spends())
	k.check()
	return k
}

// parties are the keys of a stake.
type parties struct {
	Staker            hx     `json:"staker"`
	FinalityProviders []hx   `json:"finality_providers"`
	Covenant          []hx   `json:"covenant"`
	Quorum            uint32 `json:"quorum"`
}

func (k *stake) parties() parties {
	return parties{xOnly(k.staker), xOnlyKeys(k.providers), xOnlyKeys(k.members), k.quorum}
}

// lifted parses all keys, as the chain does first.
func (p parties) lifted() (staker *btcec.PublicKey, providers, members []*btcec.PublicKey, err error) {
	if staker, err = lift(p.Staker); err != nil {
		return
	}
	for _, list := range []struct {
		from []hx
		to   *[]*btcec.PublicKey
	}{{p.FinalityProviders, &providers}, {p.Covenant, &members}} {
		for _, bytes := range list.from {
			var key *btcec.PublicKey
			if key, err = lift(bytes); err != nil {
				return
			}
			*list.to = append(*list.to, key)
		}
	}
	return
}

type badOutput struct {
	head
	Output string `json:"output"`
	parties
	Timelock uint16 `json:"timelock"`
	verdict
}

func buildOutput(output string, p parties, timelock uint16) error {
	staker, providers, members, err := p.lifted()
	if err != nil {
		return err
	}
	switch output {
	case "staking":
		_, err = btcstaking.BuildStakingInfo(staker, providers, members, p.Quorum, timelock, 1_000_000, mainnet)
	case "unbonding":
		_, err = btcstaking.BuildUnbondingInfo(staker, providers, members, p.Quorum, timelock, 1_000_000, mainnet)
	default:
		_, err = btcstaking.BuildRelativeTimelockTaprootScript(staker, timelock, mainnet)
	}
	return err
}

func negativeOutputs(n *negatives) {
	const noQuorum = "the staker could unbond without the covenant committee"
	const noWait = "a timelock of 0 blocks is none"
	add := func(rule, note string, outputs []string, change func(c *badOutput)) {
		for _, output := range outputs {
			k := n.smallStake(func(k *stake) { k.providers = n.scalars(2) })
			c := badOutput{head: head{"output", rule}, Output: output, parties: k.parties(), Timelock: k.stakingTime}
			must(buildOutput(output, c.parties, c.Timelock))
			change(&c)
			c.verdict = judge(func() error { return buildOutput(output, c.parties, c.Timelock) }, note)
			n.cases = append(n.cases, c)
		}
	}
	both, all := []string{"staking", "unbonding"}, []string{"staking", "unbonding", "refund"}
	add("staker_is_a_provider", "", both, func(c *badOutput) { c.FinalityProviders[1] = c.Staker })
	add("staker_is_a_member", "", both, func(c *badOutput) { c.Covenant[1] = c.Staker })
	add("provider_is_a_member", "", both, func(c *badOutput) { c.Covenant[0] = c.FinalityProviders[1] })
	add("provider_twice", "", both, func(c *badOutput) { c.FinalityProviders[1] = c.FinalityProviders[0] })
	add("member_twice", "", both, func(c *badOutput) { c.Covenant[1] = c.Covenant[0] })
	add("no_provider", "", both, func(c *badOutput) { c.FinalityProviders = []hx{} })
	add("no_member", "", both, func(c *badOutput) { c.Covenant = []hx{} })
	add("quorum_zero", noQuorum, both, func(c *badOutput) { c.Quorum = 0 })
	add("quorum_zero_of_one", "it takes the one member's signature, whatever the quorum says", both, func(c *badOutput) { c.Covenant, c.Quorum = c.Covenant[:1], 0 })
	add("quorum_above_members", "", both, func(c *badOutput) { c.Quorum = uint32(len(c.Covenant)) + 1 })
	add("quorum_past_16_bits", "", both, func(c *badOutput) { c.Quorum = 1<<16 + 1 })
	add("timelock_zero", noWait, all, func(c *badOutput) { c.Timelock = 0 })
	add("staker_not_on_curve", "", all, func(c *badOutput) { c.Staker = n.offCurve() })
	add("provider_not_on_curve", "", both, func(c *badOutput) { c.FinalityProviders[0] = n.offCurve() })
	add("member_not_on_curve", "", both, func(c *badOutput) { c.Covenant[0] = n.offCurve() })
	add("staker_above_p", "", both, func(c *badOutput) { c.Staker = plus(fieldPrime, 1) })
	add("member_too_short", "", both, func(c *badOutput) { c.Covenant[0] = c.Covenant[0][:31] })
	add("provider_compressed", "", both, func(c *badOutput) { c.FinalityProviders[0] = concat([]byte{2}, c.FinalityProviders[0]) })
}

type badRate struct {
	head
	Rate string `json:"rate"`
	verdict
}

func parseRate(text string) (sdkmath.LegacyDec, error) {
	rate, err := sdkmath.LegacyNewDecFromStr(text)
	if err == nil && !btcstaking.IsSlashingRateValid(rate) {
		err = btcstaking.ErrInvalidSlashingRate
	}
	return rate, err
}

func negativeRates(n *negatives) {
	add := func(rule, note string, texts ...string) {
		for _, text := range texts {
			_, err := parseRate(text)
			n.cases = append(n.cases, badRate{head{"slashing_rate", rule}, text, judge(func() error { return err }, note)})
		}
	}
	add("zero", "", "0", "0.0", "0.000000000000000000")
	add("negative", "", "-0.1", "-1")
	add("one", "", "1", "1.000000000000000000")
	add("above_one", "", "1.0001", "2", "10000")
	add("five_decimals", "", "0.00001", "0.12345", "0.99999")
	add("many_decimals", "", "0.000000000000000001", "0.100000000000000001", "0.999999999999999999")
	add("nineteen_decimals", "", "0.1000000000000000000")
	add("no_number", "", "", "0.", ".1", "0.1.2", "0,1", "1e-1", "0x1", " 0.1", "0.1 ", "0.-1")
	add("plus_sign", "a sign that the network never writes", "+0.1")
	add("leading_zeros", "zeros that the network never writes", "00.1")
}

// slashingTerms are the arguments that building and checking a slashing transaction have in common.
type slashingTerms struct {
	Source        string `json:"source"`
	StakingTime   uint16 `json:"staking_time"`
	UnbondingTime uint16 `json:"unbonding_time"`
	parties
	Funding          hx     `json:"funding_transaction"`
	Vout             uint32 `json:"vout"`
	SlashingPkScript hx     `json:"slashing_pk_script"`
	SlashingRate     string `json:"slashing_rate"`
	Fee              int64  `json:"fee_sat"`

	funding *wire.MsgTx
}

func (k *stake) slashingTerms(which int) slashingTerms {
	return slashingTerms{
		Source: []string{"staking", "unbonding"}[which], StakingTime: k.stakingTime, UnbondingTime: k.unbondingTime, parties: k.parties(),
		Vout: k.vouts()[which], SlashingPkScript: k.slashingScript, SlashingRate: decimalRate(k.rate).String(), Fee: k.slashingFees[which],
		funding: []*wire.MsgTx{k.stakingTx, k.unbondingTx}[which],
	}
}

func (t *slashingTerms) build() (*wire.MsgTx, error) {
	staker, err := lift(t.Staker)
	if err != nil {
		return nil, err
	}
	rate := sdkmath.LegacyMustNewDecFromStr(t.SlashingRate)
	return btcstaking.BuildSlashingTxFromStakingTxStrict(t.funding, t.Vout, t.SlashingPkScript, staker, t.UnbondingTime, t.Fee, rate, mainnet)
}

func (t *slashingTerms) check(slashing *wire.MsgTx) error {
	staker, err := lift(t.Staker)
	if err != nil {
		return err
	}
	rate := sdkmath.LegacyMustNewDecFromStr(t.SlashingRate)
	return btcstaking.CheckSlashingTxMatchFundingTx(
		slashing, t.funding, t.Vout, t.Fee, rate, t.SlashingPkScript, staker, t.UnbondingTime, mainnet)
}

// output is the output that is slashed.
func (t *slashingTerms) output() *wire.TxOut {
	return t.funding.TxOut[t.Vout]
}

func (t *slashingTerms) slashed() int64 {
	rate := sdkmath.LegacyMustNewDecFromStr(t.SlashingRate).MulInt64(10_000).TruncateInt64()
	return slashedAmount(t.output().Value, rate)
}
