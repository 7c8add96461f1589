package main

import (
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	bstypes "github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/btcec/v2"
)

// badCovenant is a covenant member's adaptor signatures over a valid slashing transaction.
type badCovenant struct {
	head
	slashingTerms
	Member            hx   `json:"member"`
	AdaptorSignatures []hx `json:"adaptor_signatures"`
	verdict
}

func (c *badCovenant) check(k *stake, p path) error {
	member := bbn.BIP340PubKey(c.Member)
	parameters := bstypes.Params{CovenantPks: bbn.NewBIP340PKsFromBTCPKs(publicKeys(k.members))}
	if !parameters.HasCovenantPK(&member) {
		return bstypes.ErrInvalidCovenantPK
	}
	signatures := make([][]byte, len(c.AdaptorSignatures))
	for i, signature := range c.AdaptorSignatures {
		signatures[i] = clone(signature)
	}
	tx := get(bstypes.NewBTCSlashingTxFromMsgTx(p.tx))
	return tx.EncVerifyAdaptorSignatures(p.output, p.info, &member, bbn.NewBIP340PKsFromBTCPKs(publicKeys(k.providers)), signatures)
}

func negativeCovenant(n *negatives) {
	add := func(rule, note string, damage func(k *stake, which int, c *badCovenant)) {
		which := len(n.cases) % 2
		k := n.smallStake(func(k *stake) { k.providers = n.scalars(2) })
		c := badCovenant{head: head{"covenant", rule}, slashingTerms: k.slashingTerms(which), Member: xOnly(k.members[1])}
		c.AdaptorSignatures = hexList(k.adaptorSignatures(k.slashingPath(which), k.members[1]))
		must(c.check(k, k.slashingPath(which)))
		damage(k, which, &c)
		c.verdict = judge(func() error { return c.check(k, k.slashingPath(which)) }, note)
		c.Funding = serialized(c.funding)
		n.cases = append(n.cases, c)
	}
	put := func(c *badCovenant, list [][]byte) { c.AdaptorSignatures = hexList(list) }
	add("bit", "", func(_ *stake, _ int, c *badCovenant) {
		c.AdaptorSignatures[1] = flip(c.AdaptorSignatures[1], 8+n.below(512))
	})
	add("prefix", "", func(_ *stake, _ int, c *badCovenant) { c.AdaptorSignatures[0] = flip(c.AdaptorSignatures[0], 7) })
	add("providers_swapped", "", func(_ *stake, _ int, c *badCovenant) {
		c.AdaptorSignatures[0], c.AdaptorSignatures[1] = c.AdaptorSignatures[1], c.AdaptorSignatures[0]
	})
	add("to_one_provider_twice", "", func(_ *stake, _ int, c *badCovenant) { c.AdaptorSignatures[1] = c.AdaptorSignatures[0] })
	add("to_a_stranger", "", func(k *stake, which int, c *badCovenant) {
		other := *k
		other.providers = []*btcec.ModNScalar{k.providers[0], n.scalar()}
		put(c, other.adaptorSignatures(k.slashingPath(which), k.members[1]))
	})
	add("one_too_few", "the chain counts them before it calls this", func(_ *stake, _ int, c *badCovenant) { c.AdaptorSignatures = c.AdaptorSignatures[:1] })
	add("one_too_many", "", func(_ *stake, _ int, c *badCovenant) {
		c.AdaptorSignatures = append(c.AdaptorSignatures, c.AdaptorSignatures[1])
	})
	add("of_another_member", "", func(k *stake, which int, c *badCovenant) {
		put(c, k.adaptorSignatures(k.slashingPath(which), k.members[0]))
	})
	add("of_no_member", "", func(k *stake, which int, c *badCovenant) {
		stranger := n.scalar()
		c.Member = xOnly(stranger)
		put(c, k.adaptorSignatures(k.slashingPath(which), stranger))
	})
	add("over_the_other_transaction", "", func(k *stake, which int, c *badCovenant) {
		put(c, k.adaptorSignatures(k.slashingPath(1-which), k.members[1]))
	})
	add("through_another_leaf", "", func(k *stake, which int, c *badCovenant) {
		p := k.slashingPath(which)
		p.info = get(k.info.TimeLockPathSpendInfo())
		put(c, k.adaptorSignatures(p, k.members[1]))
	})
	add("over_another_amount", "", func(k *stake, which int, c *badCovenant) {
		p := k.slashingPath(which)
		output := *p.output
		output.Value++
		p.output = &output
		put(c, k.adaptorSignatures(p, k.members[1]))
	})
}
