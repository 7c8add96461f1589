package main

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil"
)

// edgeRates are the ends of the range, mainnet's rate, and some whose doubles lie to either side of the exact value.
var edgeRates = []int64{1, 9999, 10, 5000, 1000, 3333, 7, 2500}

// dustOfTaproot is the least amount that an output to a Taproot script may have.
const dustOfTaproot = 330

// mostStaked leaves room for the other outputs of a staking transaction below all the bitcoin there can be.
const mostStaked = btcutil.MaxSatoshi - 10_000_000

// drawStake draws the stake of a case until the reference builds all its transactions. Which edge it is at depends on the number.
func drawStake(s *stream, number int) *stake {
	for {
		k := &stake{staker: s.scalarWithParity(number%2 == 1)}
		k.draw(s, number)
		must(k.scripts(mainnet))
		k.fund(s)
		// A draw that leaves dust or less is none.
		if k.spends() == nil {
			k.check()
			return k
		}
	}
}

func (k *stake) draw(s *stream, number int) {
	members := s.between(1, 4)
	if number < 60 {
		// Every size up to 20, three times; the largest with several providers.
		members = 1 + number%20
	}
	switch {
	case number < 20:
		k.quorum = uint32(members)
	case number < 40:
		k.quorum = 1
	default:
		k.quorum = uint32(s.between(1, members))
	}
	providers := 1
	switch {
	case number%20 == 19:
		providers = 2 + number/20%4
	case number >= 60:
		providers = []int{1, 1, 2, 3, 1, 1, 4, 5}[number%8]
	}
	k.members, k.providers = s.scalars(members), s.scalars(providers)

	k.stakingTime, k.unbondingTime = s.time(), s.time()
	if number%2 == 0 {
		k.stakingTime = edgeTimes[number/2%len(edgeTimes)]
	}
	if number%3 == 0 {
		k.unbondingTime = edgeTimes[number/3%len(edgeTimes)]
	}
	k.slashingScript = mainnetSlashingScript
	if number%3 != 0 {
		k.slashingScript = s.addressScript()
	}
	k.drawAmounts(s, number)
	if providers == 1 && number%4 < 2 {
		k.tag = []byte("bbn1")
	}
}

func (k *stake) drawAmounts(s *stream, number int) {
	k.rate = int64(s.between(1, 9999))
	if number%5 == 0 {
		k.rate = edgeRates[number/5%len(edgeRates)]
	}
	// Amounts of every size are equally likely, up to 5000 bitcoin.
	k.amount = int64(s.between(10_000, 20_000)) << s.below(25)
	if number%80 == 7 {
		k.amount = mostStaked
	}
	k.unbondingFee = int64(s.between(1, 2_000))
	k.slashingFees = [2]int64{int64(s.between(1, 3_000)), int64(s.between(1, 3_000))}
	switch number % 8 {
	case 1, 2, 3:
		// The slashed part of the stake is a half, or a hair above or below one.
		k.amount = nextWithRest(k.amount, k.rate, []int64{5000, 5001, 4999}[number%8-1])
	case 5:
		// What decides is the double's own rounding: exact arithmetic would slash another amount.
		k.drawInexact(s)
	case 6:
		// The same for the unbonding output, whose amount is the stake's less the fee.
		k.amount = nextWithRest(k.amount, k.rate, 5000) + k.unbondingFee
	}
	switch number % 16 {
	case 4:
		k.slashingFees[0] = k.amount - slashedAmount(k.amount, k.rate) - dustOfTaproot
	case 12:
		left := k.amount - k.unbondingFee
		k.slashingFees[1] = left - slashedAmount(left, k.rate) - dustOfTaproot
	}
}

// nextWithRest is the next amount of which the rate takes a whole number and rest/10000, or the amount itself if there is none.
func nextWithRest(amount, rate, rest int64) int64 {
	for next := amount; next < amount+10_000; next++ {
		if next*rate%10_000 == rest {
			return next
		}
	}
	return amount
}

// drawInexact draws rates, and amounts of growing size, until doubles and exact arithmetic disagree. For most rates they never do.
func (k *stake) drawInexact(s *stream) {
	for i := 0; ; i++ {
		k.amount = nextWithRest(int64(s.between(10_000, 20_000))<<(i/50%30), k.rate, 5000)
		if k.amount <= mostStaked && slashedAmount(k.amount, k.rate) != exactSlashedAmount(k.amount, k.rate) {
			return
		}
		if i%10 == 9 {
			k.rate = int64(s.between(1, 9999))
		}
	}
}

// secretBytes lists the secret keys as bytes.
func secretBytes(secrets []*btcec.ModNScalar) []hx {
	out := make([]hx, len(secrets))
	for i, secret := range secrets {
		out[i] = scalarBytes(secret)
	}
	return out
}
