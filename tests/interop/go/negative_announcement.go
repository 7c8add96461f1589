package main

import (
	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
)

// badAnnouncement is a phase-1 stake, which an OP_RETURN announces, with what it is read with.
type badAnnouncement struct {
	head
	Tag                hx     `json:"tag"`
	Covenant           []hx   `json:"covenant"`
	Quorum             uint32 `json:"quorum"`
	StakingTransaction hx     `json:"staking_transaction"`
	verdict
	tx *wire.MsgTx
	// announcement is where the OP_RETURN stands in tx, stake where the staking output does.
	announcement, stake int
}

func (c *badAnnouncement) parse() error {
	members := make([]*btcec.PublicKey, len(c.Covenant))
	for i, key := range c.Covenant {
		var err error
		if members[i], err = lift(key); err != nil {
			return err
		}
	}
	_, err := btcstaking.ParseV0StakingTx(c.tx, c.Tag, members, c.Quorum, mainnet)
	return err
}

func negativeAnnouncements(n *negatives) {
	add := func(rule, note string, damage func(k *stake, c *badAnnouncement)) {
		k := n.smallStake(func(k *stake) { k.providers, k.tag = k.providers[:1], n.bytes(4) })
		c := badAnnouncement{head: head{"announcement", rule}, Tag: k.tag, Covenant: xOnlyKeys(k.members), Quorum: k.quorum, tx: k.stakingTx, stake: int(k.vout)}
		for i, output := range c.tx.TxOut {
			if output.PkScript[0] == txscript.OP_RETURN {
				c.announcement = i
			}
		}
		must(c.parse())
		damage(k, &c)
		c.verdict = judge(c.parse, note)
		c.StakingTransaction = serialized(c.tx)
		n.cases = append(n.cases, c)
	}
	// script changes the OP_RETURN: 6a 47, then tag (2..6), version (6), staker (7..39), provider (39..71), time (71..73).
	script := func(rule string, change func(k *stake, script []byte) []byte) {
		add(rule, "", func(k *stake, c *badAnnouncement) {
			output := c.tx.TxOut[c.announcement]
			output.PkScript = change(k, clone(output.PkScript))
		})
	}
	put := func(script []byte, place int, bytes []byte) []byte {
		copy(script[place:], bytes)
		return script
	}
	add("tag_of_another", "", func(_ *stake, c *badAnnouncement) { c.Tag = n.bytes(4) })
	add("tag_too_short", "", func(_ *stake, c *badAnnouncement) { c.Tag = c.Tag[:3] })
	add("tag_too_long", "", func(_ *stake, c *badAnnouncement) { c.Tag = concat(c.Tag, []byte{0}) })
	for _, bit := range []int{16, 47} {
		script("tag_bit", func(_ *stake, script []byte) []byte { return flip(script, bit) })
	}
	for _, version := range []byte{1, 255} {
		script("version", func(_ *stake, script []byte) []byte { return put(script, 6, []byte{version}) })
	}
	script("too_short", func(_ *stake, script []byte) []byte { return put(script[:len(script)-1], 1, []byte{70}) })
	script("too_long", func(_ *stake, script []byte) []byte { return put(concat(script, []byte{0}), 1, []byte{72}) })
	script("empty", func(*stake, []byte) []byte { return []byte{txscript.OP_RETURN} })
	script("push_cut_off", func(_ *stake, script []byte) []byte { return script[:len(script)-1] })
	script("push_with_a_length_byte", func(_ *stake, script []byte) []byte {
		return concat([]byte{txscript.OP_RETURN, txscript.OP_PUSHDATA1}, script[1:])
	})
	script("two_pushes", func(_ *stake, script []byte) []byte {
		return concat([]byte{txscript.OP_RETURN, 4}, script[2:6], []byte{67}, script[6:])
	})
	script("something_after_the_push", func(_ *stake, script []byte) []byte { return append(script, txscript.OP_1) })
	script("no_op_return", func(_ *stake, script []byte) []byte { return put(script, 0, []byte{txscript.OP_NOP}) })
	script("staker_not_on_curve", func(_ *stake, script []byte) []byte { return put(script, 7, n.offCurve()) })
	script("provider_not_on_curve", func(_ *stake, script []byte) []byte { return put(script, 39, n.offCurve()) })
	script("staker_of_another", func(_ *stake, script []byte) []byte { return put(script, 7, xOnly(n.scalar())) })
	script("provider_of_another", func(_ *stake, script []byte) []byte { return put(script, 39, xOnly(n.scalar())) })
	script("time_of_another", func(_ *stake, script []byte) []byte { return flip(script, 8*71+n.below(16)) })
	script("time_little_endian", func(_ *stake, script []byte) []byte { return put(script, 71, []byte{script[72], script[71]}) })
	script("provider_is_the_staker", func(_ *stake, script []byte) []byte { return put(script, 39, script[7:39]) })
	script("provider_is_a_member", func(k *stake, script []byte) []byte { return put(script, 39, xOnly(k.members[1])) })
	script("staker_is_a_member", func(k *stake, script []byte) []byte { return put(script, 7, xOnly(k.members[0])) })
	add("time_zero", "a timelock of 0 blocks is none", func(k *stake, c *badAnnouncement) {
		k.stakingTime = 0
		must(k.scripts(mainnet))
		c.tx.TxOut[c.stake].PkScript = k.info.StakingOutput.PkScript
		put(c.tx.TxOut[c.announcement].PkScript, 71, []byte{0, 0})
	})
	add("length_read_as_tag", "it skips two bytes and never looks at the opcode: of PUSHDATA1 with 70 bytes it takes the length for the tag's first byte",
		func(_ *stake, c *badAnnouncement) {
			c.Tag = concat([]byte{70}, c.Tag[1:])
			put(c.tx.TxOut[c.announcement].PkScript, 1, []byte{txscript.OP_PUSHDATA1, 70})
		})

	without := func(c *badAnnouncement, which int) { c.tx.TxOut = append(c.tx.TxOut[:which], c.tx.TxOut[which+1:]...) }
	pad := func(c *badAnnouncement) {
		for range 2 {
			c.tx.AddTxOut(wire.NewTxOut(1_000, n.addressScript()))
		}
	}
	add("announced_twice", "", func(_ *stake, c *badAnnouncement) { c.tx.AddTxOut(c.tx.TxOut[c.announcement]) })
	add("announced_for_two", "", func(_ *stake, c *badAnnouncement) {
		c.tx.AddTxOut(wire.NewTxOut(0, put(clone(c.tx.TxOut[c.announcement].PkScript), 39, xOnly(n.scalar()))))
	})
	add("announced_under_two_tags", "", func(_ *stake, c *badAnnouncement) {
		c.tx.AddTxOut(wire.NewTxOut(0, flip(c.tx.TxOut[c.announcement].PkScript, 16)))
	})
	add("not_announced", "", func(_ *stake, c *badAnnouncement) { without(c, c.announcement); pad(c) })
	add("staking_output_missing", "", func(_ *stake, c *badAnnouncement) { without(c, c.stake); pad(c) })
	add("staking_output_twice", "", func(_ *stake, c *badAnnouncement) { c.tx.AddTxOut(c.tx.TxOut[c.stake]) })
	add("staking_output_twice_with_other_amounts", "", func(_ *stake, c *badAnnouncement) {
		c.tx.AddTxOut(wire.NewTxOut(1_000, c.tx.TxOut[c.stake].PkScript))
	})
	add("announcement_alone", "", func(_ *stake, c *badAnnouncement) { c.tx.TxOut = c.tx.TxOut[c.announcement : c.announcement+1] })
	add("covenant_of_another", "", func(_ *stake, c *badAnnouncement) { c.Covenant[0] = xOnly(n.scalar()) })
	add("covenant_empty", "", func(_ *stake, c *badAnnouncement) { c.Covenant = []hx{} })
	add("member_twice", "", func(_ *stake, c *badAnnouncement) { c.Covenant[1] = c.Covenant[0] })
	add("quorum_of_another", "", func(_ *stake, c *badAnnouncement) { c.Quorum-- })
	add("quorum_above_members", "", func(_ *stake, c *badAnnouncement) { c.Quorum = uint32(len(c.Covenant)) + 1 })
}
