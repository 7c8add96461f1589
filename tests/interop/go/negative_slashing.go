package main

import (
	"math"

	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
)

type badSlashingBuild struct {
	head
	slashingTerms
	verdict
}

func negativeSlashingBuild(n *negatives) {
	add := func(rule, note string, change func(t *slashingTerms)) {
		t := n.smallStake(nil).slashingTerms(len(n.cases) % 2)
		change(&t)
		check := func() error { _, err := t.build(); return err }
		c := badSlashingBuild{head: head{"slashing_build", rule}, verdict: judge(check, note)}
		t.Funding = serialized(t.funding)
		c.slashingTerms = t
		n.cases = append(n.cases, c)
	}
	add("nothing_slashed", "", func(t *slashingTerms) { t.output().Value, t.SlashingRate, t.Fee = 4_999, "0.0001", 1_000 })
	add("nothing_staked", "", func(t *slashingTerms) { t.output().Value = 0 })
	add("nothing_left", "", func(t *slashingTerms) { t.Fee = t.output().Value - t.slashed() })
	add("less_than_nothing_left", "", func(t *slashingTerms) { t.Fee = t.output().Value - t.slashed() + 1 })
	for range 2 {
		add("refund_dust", "", func(t *slashingTerms) { t.Fee = t.output().Value - t.slashed() - dustOfTaproot + 1 })
	}
	// The dust limit of each kind of address, less one.
	for _, kind := range []struct {
		script []byte
		limit  int64
	}{
		{concat([]byte{txscript.OP_1, 32}, xOnly(n.scalar())), 330},
		{concat([]byte{txscript.OP_0, 32}, n.bytes(32)), 330},
		{concat([]byte{txscript.OP_0, 20}, n.bytes(20)), 294},
		{concat([]byte{txscript.OP_HASH160, 20}, n.bytes(20), []byte{txscript.OP_EQUAL}), 540},
		{concat([]byte{txscript.OP_DUP, txscript.OP_HASH160, 20}, n.bytes(20), []byte{txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG}), 546},
	} {
		change := func(missing int64) func(t *slashingTerms) {
			return func(t *slashingTerms) {
				t.SlashingPkScript, t.SlashingRate, t.output().Value = kind.script, "0.01", (kind.limit-missing)*100
			}
		}
		t := n.smallStake(nil).slashingTerms(0)
		change(0)(&t)
		get(t.build())
		add("slashed_dust", "", change(1))
	}
	add("slashing_script_empty", "", func(t *slashingTerms) { t.SlashingPkScript = hx{} })
	add("slashing_script_unspendable", "", func(t *slashingTerms) { t.SlashingPkScript = repeat(0x4e, 9) })
	add("no_such_output", "", func(t *slashingTerms) { t.Vout = uint32(len(t.funding.TxOut)) })
	add("output_not_taproot", "", func(t *slashingTerms) { t.output().PkScript = concat([]byte{txscript.OP_0, 32}, n.bytes(32)) })
	add("output_of_another", "only the kind of script is looked at", func(t *slashingTerms) {
		t.output().PkScript = concat([]byte{txscript.OP_1, 32}, xOnly(n.scalar()))
	})
	add("rate_zero", "", func(t *slashingTerms) { t.SlashingRate = "0.0" })
	add("rate_one", "", func(t *slashingTerms) { t.SlashingRate = "1.0" })
	add("rate_five_decimals", "", func(t *slashingTerms) { t.SlashingRate = "0.00015" })
	add("fee_zero", "no node relays it; checking it refuses a minimum of 0", func(t *slashingTerms) { t.Fee = 0 })
	add("fee_negative", "it pays more than it spends", func(t *slashingTerms) { t.Fee = -1 })
	add("refund_time_zero", "a timelock of 0 blocks is none", func(t *slashingTerms) { t.UnbondingTime = 0 })
}

type badSlashing struct {
	head
	slashingTerms
	SlashingTransaction hx `json:"slashing_transaction"`
	verdict
}

// negativeSlashing are slashing transactions by somebody else.
func negativeSlashing(n *negatives) {
	addTo := func(k *stake, rule, note string, change func(t *slashingTerms, tx *wire.MsgTx)) {
		which := len(n.cases) % 2
		t := k.slashingTerms(which)
		tx := k.slashingTxs[which].Copy()
		change(&t, tx)
		c := badSlashing{
			head: head{"slashing", rule}, SlashingTransaction: serialized(tx), verdict: judge(func() error { return t.check(tx) }, note),
		}
		t.Funding = serialized(t.funding)
		c.slashingTerms = t
		n.cases = append(n.cases, c)
	}
	add := func(rule, note string, change func(t *slashingTerms, tx *wire.MsgTx)) {
		addTo(n.smallStake(nil), rule, note, change)
	}
	shape := func(rule string, change func(tx *wire.MsgTx)) {
		add(rule, "", func(_ *slashingTerms, tx *wire.MsgTx) { change(tx) })
	}
	badShapes(n, []int32{0, 3, -1}, shape)
	shape("output_missing", func(tx *wire.MsgTx) { tx.TxOut = tx.TxOut[:1] })

	// What it spends.
	shape("outpoint_of_another", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash = [32]byte(n.bytes(32)) })
	shape("outpoint_index", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Index++ })
	add("no_such_output", "", func(t *slashingTerms, tx *wire.MsgTx) {
		t.Vout = uint32(len(t.funding.TxOut))
		tx.TxIn[0].PreviousOutPoint.Index = t.Vout
	})
	follow := func(t *slashingTerms, tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash = t.funding.TxHash() }
	add("funding_without_input", "", func(t *slashingTerms, tx *wire.MsgTx) { t.funding.TxIn = nil; follow(t, tx) })
	add("funding_input_twice", "", func(t *slashingTerms, tx *wire.MsgTx) { t.funding.AddTxIn(t.funding.TxIn[0]); follow(t, tx) })
	add("funding_value_above_all_bitcoin", "", func(t *slashingTerms, tx *wire.MsgTx) {
		t.funding.AddTxOut(wire.NewTxOut(btcutil.MaxSatoshi+1, n.addressScript()))
		follow(t, tx)
	})

	// What it pays.
	move := func(tx *wire.MsgTx, amount int64) { tx.TxOut[0].Value += amount; tx.TxOut[1].Value -= amount }
	const atLeast = "it asks for at least the rate"
	add("slashed_one_less", "", func(_ *slashingTerms, tx *wire.MsgTx) { move(tx, -1) })
	add("slashed_half", "", func(_ *slashingTerms, tx *wire.MsgTx) { move(tx, -tx.TxOut[0].Value/2) })
	add("slashed_one_more", atLeast, func(_ *slashingTerms, tx *wire.MsgTx) { move(tx, 1) })
	add("slashed_twice", atLeast, func(_ *slashingTerms, tx *wire.MsgTx) { move(tx, tx.TxOut[0].Value) })
	for range 4 {
		// A rest of a half or more, which is rounded up.
		k := n.smallStake(func(k *stake) {
			if k.amount = nextWithRest(k.amount, k.rate, 5_000); k.amount*k.rate%10_000 != 5_000 {
				k.rate, k.amount = 5_000, 1_000_001
			}
			k.forSource(len(n.cases) % 2)
		})
		addTo(k, "slashed_rounded_down", "", func(_ *slashingTerms, tx *wire.MsgTx) { move(tx, -1) })
	}
	for range 2 {
		k := n.smallStake(func(k *stake) {
			k.drawInexact(n.stream)
			for k.amount < 1_000_000 || k.rate > 9_000 {
				k.rate = int64(n.between(1, 9_000))
				k.drawInexact(n.stream)
			}
			k.forSource(len(n.cases) % 2)
		})
		addTo(k, "slashed_in_exact_arithmetic", atLeast, func(t *slashingTerms, tx *wire.MsgTx) {
			move(tx, exactSlashedAmount(t.output().Value, k.rate)-tx.TxOut[0].Value)
		})
	}
	shape("slashed_to_another", func(tx *wire.MsgTx) { tx.TxOut[0].PkScript = n.addressScript() })
	shape("slashed_burnt_with_another_text", func(tx *wire.MsgTx) { tx.TxOut[0].PkScript = fromHex("6a07626162796c6f6f") })
	shape("outputs_swapped", func(tx *wire.MsgTx) { tx.TxOut[0], tx.TxOut[1] = tx.TxOut[1], tx.TxOut[0] })
	add("slashed_dust", "", func(t *slashingTerms, tx *wire.MsgTx) {
		t.SlashingPkScript, t.SlashingRate, t.output().Value = concat([]byte{txscript.OP_1, 32}, xOnly(n.scalar())), "0.01", 32_900
		follow(t, tx)
		tx.TxOut[0].PkScript, tx.TxOut[0].Value, tx.TxOut[1].Value = t.SlashingPkScript, 329, 32_900-329-t.Fee
	})
	shape("refund_dust", func(tx *wire.MsgTx) { tx.TxOut[1].Value = dustOfTaproot - 1 })
	refund := func(rule string, script func(t *slashingTerms) []byte) {
		add(rule, "", func(t *slashingTerms, tx *wire.MsgTx) { tx.TxOut[1].PkScript = script(t) })
	}
	locked := func(staker []byte, time uint16) []byte {
		return get(btcstaking.BuildRelativeTimelockTaprootScript(get(lift(staker)), time, mainnet)).PkScript
	}
	refund("refund_one_block_early", func(t *slashingTerms) []byte { return locked(t.Staker, t.UnbondingTime-1) })
	refund("refund_one_block_late", func(t *slashingTerms) []byte { return locked(t.Staker, t.UnbondingTime+1) })
	refund("refund_after_the_staking_time", func(t *slashingTerms) []byte { return locked(t.Staker, t.StakingTime) })
	refund("refund_to_another_staker", func(t *slashingTerms) []byte { return locked(xOnly(n.scalar()), t.UnbondingTime) })
	refund("refund_without_timelock", func(t *slashingTerms) []byte {
		return get(txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(get(lift(t.Staker)))))
	})
	refund("refund_to_the_output_slashed", func(t *slashingTerms) []byte { return t.output().PkScript })

	// The fee.
	refundValue := func(rule string, value func(t *slashingTerms, tx *wire.MsgTx) int64) {
		add(rule, "", func(t *slashingTerms, tx *wire.MsgTx) { tx.TxOut[1].Value = value(t, tx) })
	}
	refundValue("fee_below_minimum", func(_ *slashingTerms, tx *wire.MsgTx) int64 { return tx.TxOut[1].Value + 1 })
	refundValue("fee_zero", func(t *slashingTerms, tx *wire.MsgTx) int64 { return tx.TxOut[1].Value + t.Fee })
	refundValue("pays_more_than_it_spends", func(t *slashingTerms, tx *wire.MsgTx) int64 { return tx.TxOut[1].Value + t.Fee + 1 })
	refundValue("value_negative", func(*slashingTerms, *wire.MsgTx) int64 { return -1 })
	refundValue("value_above_all_bitcoin", func(*slashingTerms, *wire.MsgTx) int64 { return btcutil.MaxSatoshi + 1 })
	refundValue("value_above_63_bits", func(*slashingTerms, *wire.MsgTx) int64 { return math.MinInt64 })
	refundValue("sum_above_all_bitcoin", func(*slashingTerms, *wire.MsgTx) int64 { return btcutil.MaxSatoshi })
	add("minimum_fee_zero", "", func(t *slashingTerms, tx *wire.MsgTx) { tx.TxOut[1].Value += t.Fee; t.Fee = 0 })
	add("minimum_fee_negative", "", func(t *slashingTerms, _ *wire.MsgTx) { t.Fee = -1 })

	// The rate that it is checked against.
	add("rate_one", "", func(t *slashingTerms, _ *wire.MsgTx) { t.SlashingRate = "1.0" })
	add("rate_zero", "", func(t *slashingTerms, tx *wire.MsgTx) { t.SlashingRate = "0.0"; move(tx, -tx.TxOut[0].Value) })
	add("rate_five_decimals", "", func(t *slashingTerms, _ *wire.MsgTx) { t.SlashingRate = "0.00015" })
}

// forSource makes the stake's amount the amount of the output that is slashed.
func (k *stake) forSource(which int) {
	k.amount += int64(which) * k.unbondingFee
}

// badShapes are the ways to break what every pre-signed transaction must look like.
func badShapes(n *negatives, versions []int32, add func(rule string, change func(tx *wire.MsgTx))) {
	for _, version := range versions {
		add("version", func(tx *wire.MsgTx) { tx.Version = version })
	}
	for _, lockTime := range []uint32{1, 499_999_999, 500_000_000, math.MaxUint32} {
		add("lock_time", func(tx *wire.MsgTx) { tx.LockTime = lockTime })
	}
	for _, sequence := range []uint32{0, 1, 0xffff_fffd, 0xffff_fffe} {
		add("sequence", func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = sequence })
	}
	add("script_sig", func(tx *wire.MsgTx) { tx.TxIn[0].SignatureScript = []byte{txscript.OP_TRUE} })
	add("no_input", func(tx *wire.MsgTx) { tx.TxIn = nil })
	add("input_added", func(tx *wire.MsgTx) {
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: [32]byte(n.bytes(32))}, nil, nil))
	})
	add("input_twice", func(tx *wire.MsgTx) { tx.AddTxIn(tx.TxIn[0]) })
	add("no_output", func(tx *wire.MsgTx) { tx.TxOut = nil })
	add("output_added", func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(0, mainnetSlashingScript)) })
	add("outpoint_null", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint = wire.OutPoint{Index: math.MaxUint32} })
}
