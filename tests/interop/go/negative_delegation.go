package main

import (
	"strings"

	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	bstypes "github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/wire"
)

// stakeParameters are the parameters that a stake is checked against.
type stakeParameters struct {
	Covenant         []hx   `json:"covenant"`
	Quorum           uint32 `json:"quorum"`
	MinStakingValue  int64  `json:"min_staking_value_sat"`
	MaxStakingValue  int64  `json:"max_staking_value_sat"`
	MinStakingTime   uint32 `json:"min_staking_time_blocks"`
	MaxStakingTime   uint32 `json:"max_staking_time_blocks"`
	SlashingPkScript hx     `json:"slashing_pk_script"`
	SlashingRate     string `json:"slashing_rate"`
	MinSlashingFee   int64  `json:"min_slashing_tx_fee_sat"`
	UnbondingTime    uint32 `json:"unbonding_time_blocks"`
	UnbondingFee     int64  `json:"unbonding_fee_sat"`
}

// badStake is a stake as a staker registers it: what it says of itself, its transactions, and the staker's signatures.
type badStake struct {
	head
	Staker                       hx              `json:"staker"`
	FinalityProviders            []hx            `json:"finality_providers"`
	StakingTime                  uint16          `json:"staking_time"`
	StakingValue                 int64           `json:"staking_value_sat"`
	UnbondingTime                uint16          `json:"unbonding_time"`
	UnbondingValue               int64           `json:"unbonding_value_sat"`
	StakingTransaction           hx              `json:"staking_transaction"`
	SlashingTransaction          hx              `json:"slashing_transaction"`
	SlashingSignature            hx              `json:"slashing_signature"`
	UnbondingTransaction         hx              `json:"unbonding_transaction"`
	UnbondingSlashingTransaction hx              `json:"unbonding_slashing_transaction"`
	UnbondingSlashingSignature   hx              `json:"unbonding_slashing_signature"`
	Parameters                   stakeParameters `json:"parameters"`
	verdict
	staking, unbonding *wire.MsgTx
	slashing           [2]*wire.MsgTx
}

func (k *stake) registered(kind, rule string) *badStake {
	c := &badStake{
		head: head{kind, rule}, Staker: xOnly(k.staker), FinalityProviders: xOnlyKeys(k.providers), StakingTime: k.stakingTime, StakingValue: k.amount,
		UnbondingTime: k.unbondingTime, UnbondingValue: k.amount - k.unbondingFee,
		staking: k.stakingTx, unbonding: k.unbondingTx, slashing: k.slashingTxs,
		Parameters: stakeParameters{
			xOnlyKeys(k.members), k.quorum, k.amount - 500_000, k.amount + 500_000, uint32(k.stakingTime) - 100, uint32(k.stakingTime) + 100,
			k.slashingScript, decimalRate(k.rate).String(), k.slashingFees[0], uint32(k.unbondingTime), k.unbondingFee,
		},
	}
	for which, signature := range []*hx{&c.SlashingSignature, &c.UnbondingSlashingSignature} {
		*signature = k.slashingPath(which).sign(k.staker).Serialize()
	}
	return c
}

func (k *stake) slashingPath(which int) path {
	if which == 0 {
		return path{k.slashingTxs[0], k.info.StakingOutput, get(k.info.SlashingPathSpendInfo())}
	}
	return path{k.slashingTxs[1], k.unbonding.UnbondingOutput, get(k.unbonding.SlashingPathSpendInfo())}
}

// validate asks the chain's own function, with what the chain would have parsed.
func (c *badStake) validate() error {
	keys := func(list []hx) []bbn.BIP340PubKey {
		out := make([]bbn.BIP340PubKey, len(list))
		for i, key := range list {
			out[i] = bbn.BIP340PubKey(key)
		}
		return out
	}
	transaction := func(tx *wire.MsgTx) *bstypes.ParsedBtcTransaction {
		return &bstypes.ParsedBtcTransaction{Transaction: tx, TransactionBytes: serialized(tx)}
	}
	staker := bbn.BIP340PubKey(c.Staker)
	p := c.Parameters
	parameters := bstypes.Params{
		CovenantPks: keys(p.Covenant), CovenantQuorum: p.Quorum, MinStakingValueSat: p.MinStakingValue, MaxStakingValueSat: p.MaxStakingValue,
		MinStakingTimeBlocks: p.MinStakingTime, MaxStakingTimeBlocks: p.MaxStakingTime, SlashingPkScript: p.SlashingPkScript,
		MinSlashingTxFeeSat: p.MinSlashingFee, SlashingRate: get(parseRate(p.SlashingRate)), UnbondingTimeBlocks: p.UnbondingTime, UnbondingFeeSat: p.UnbondingFee,
	}
	stakerKey, err := bstypes.NewParsedPublicKey(&staker)
	if err != nil {
		return err
	}
	var signatures [2]*bstypes.ParsedBIP340Signature
	for i, bytes := range []hx{c.SlashingSignature, c.UnbondingSlashingSignature} {
		signature, err := bbn.NewBIP340Signature(bytes)
		if err != nil {
			return err
		}
		if signatures[i], err = bstypes.NewParsedBIP340Signature(signature); err != nil {
			return err
		}
	}
	providers, err := bstypes.NewParsedPublicKeyList(keys(c.FinalityProviders))
	if err != nil {
		return err
	}
	_, err = bstypes.ValidateParsedMessageAgainstTheParams(&bstypes.ParsedCreateDelegationMessage{
		StakingTx: transaction(c.staking), StakingTime: c.StakingTime, StakingValue: btcutil.Amount(c.StakingValue),
		StakingSlashingTx: transaction(c.slashing[0]), StakerPK: stakerKey, StakerStakingSlashingTxSig: signatures[0],
		UnbondingTx: transaction(c.unbonding), UnbondingTime: c.UnbondingTime, UnbondingValue: btcutil.Amount(c.UnbondingValue),
		UnbondingSlashingTx: transaction(c.slashing[1]), StakerUnbondingSlashingSig: signatures[1], FinalityProviderKeys: providers,
	}, &parameters, mainnet)
	return err
}

func (n *negatives) addStake(kind, rule, note string, change func(k *stake), damage func(k *stake, c *badStake)) {
	k := n.smallStake(change)
	c := k.registered(kind, rule)
	must(c.validate())
	if damage != nil {
		damage(k, c)
	}
	c.verdict = judge(c.validate, note)
	// One of the reference's errors has a script in it as it is.
	c.ReferenceSays = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, c.ReferenceSays)
	c.StakingTransaction, c.UnbondingTransaction = serialized(c.staking), serialized(c.unbonding)
	c.SlashingTransaction, c.UnbondingSlashingTransaction = serialized(c.slashing[0]), serialized(c.slashing[1])
	n.cases = append(n.cases, *c)
}

// respend makes the slashing transaction of the unbonding output anew, and the staker's signature, after the unbonding transaction changed:
// the rule that is broken shall be the only one.
func (k *stake) respend(c *badStake) {
	if len(c.unbonding.TxOut) == 0 {
		return
	}
	output := c.unbonding.TxOut[0]
	tx, err := btcstaking.BuildSlashingTxFromStakingTxStrict(c.unbonding, 0, k.slashingScript, secretKey(k.staker).PubKey(), k.unbondingTime,
		k.slashingFees[1], decimalRate(k.rate), mainnet)
	must(err)
	c.slashing[1] = tx
	c.UnbondingSlashingSignature = path{tx, output, get(k.unbonding.SlashingPathSpendInfo())}.sign(k.staker).Serialize()
}

func negativeUnbonding(n *negatives) {
	shape := func(rule string, change func(tx *wire.MsgTx)) {
		n.addStake("unbonding", rule, "", nil, func(k *stake, c *badStake) {
			change(c.unbonding)
			expect(btcstaking.CheckPreSignedUnbondingTxSanity(c.unbonding) != nil || rule == "outpoint_null", "the bare check refuses it too")
			k.respend(c)
		})
	}
	badShapes(n, []int32{0, 1, 3, -1}, shape)

	add := func(rule string, change func(k *stake, tx *wire.MsgTx)) {
		n.addStake("unbonding", rule, "", nil, func(k *stake, c *badStake) {
			change(k, c.unbonding)
			if rule != "value_negative" && rule != "value_above_all_bitcoin" {
				k.respend(c)
			}
		})
	}
	add("outpoint_of_another", func(_ *stake, tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash = [32]byte(n.bytes(32)) })
	add("outpoint_index", func(_ *stake, tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Index++ })
	add("value_negative", func(_ *stake, tx *wire.MsgTx) { tx.TxOut[0].Value = -1 })
	add("value_above_all_bitcoin", func(_ *stake, tx *wire.MsgTx) { tx.TxOut[0].Value = btcutil.MaxSatoshi + 1 })
	add("value_not_as_stated", func(_ *stake, tx *wire.MsgTx) { tx.TxOut[0].Value-- })
	// Another unbonding output than that of the stake and the parameters.
	output := func(rule string, change func(k *stake)) {
		add(rule, func(k *stake, tx *wire.MsgTx) {
			other := *k
			change(&other)
			must(other.scripts(mainnet))
			tx.TxOut[0].PkScript = other.unbonding.UnbondingOutput.PkScript
		})
	}
	output("output_one_block_early", func(k *stake) { k.unbondingTime-- })
	output("output_one_block_late", func(k *stake) { k.unbondingTime++ })
	output("output_of_another_staker", func(k *stake) { k.staker = n.scalar() })
	output("output_of_another_provider", func(k *stake) { k.providers = append([]*btcec.ModNScalar{n.scalar()}, k.providers[1:]...) })
	output("output_with_a_member_more", func(k *stake) { k.members = append(n.scalars(1), k.members...) })
	output("output_with_a_lower_quorum", func(k *stake) { k.quorum-- })
	add("output_is_the_staking_output", func(k *stake, tx *wire.MsgTx) { tx.TxOut[0].PkScript = k.info.StakingOutput.PkScript })
	// The amounts agree with each other here, only not with the parameters.
	fee := func(rule string, fee func(k *stake) int64) {
		n.addStake("unbonding", rule, "", nil, func(k *stake, c *badStake) {
			c.UnbondingValue = k.amount - fee(k)
			c.unbonding.TxOut[0].Value = c.UnbondingValue
			k.respend(c)
		})
	}
	fee("fee_one_less", func(k *stake) int64 { return k.unbondingFee - 1 })
	fee("fee_one_more", func(k *stake) int64 { return k.unbondingFee + 1 })
	fee("fee_zero", func(*stake) int64 { return 0 })
	fee("pays_more_than_it_spends", func(*stake) int64 { return -1 })
}

// negativeStakes break what the staker says of a stake, or signs.
func negativeStakes(n *negatives) {
	add := func(rule, note string, damage func(k *stake, c *badStake)) {
		n.addStake("stake", rule, note, nil, damage)
	}
	add("staking_time_below_range", "", func(_ *stake, c *badStake) { c.Parameters.MinStakingTime = uint32(c.StakingTime) + 1 })
	add("staking_time_above_range", "", func(_ *stake, c *badStake) { c.Parameters.MaxStakingTime = uint32(c.StakingTime) - 1 })
	add("staking_value_below_range", "", func(_ *stake, c *badStake) { c.Parameters.MinStakingValue = c.StakingValue + 1 })
	add("staking_value_above_range", "", func(_ *stake, c *badStake) { c.Parameters.MaxStakingValue = c.StakingValue - 1 })
	add("staking_value_not_as_stated", "", func(_ *stake, c *badStake) { c.StakingValue-- })
	add("staking_time_not_as_stated", "", func(_ *stake, c *badStake) { c.StakingTime++ })
	add("unbonding_time_of_other_parameters", "", func(_ *stake, c *badStake) { c.Parameters.UnbondingTime++ })
	add("quorum_of_other_parameters", "", func(_ *stake, c *badStake) { c.Parameters.Quorum-- })
	add("covenant_of_other_parameters", "", func(_ *stake, c *badStake) { c.Parameters.Covenant[0] = xOnly(n.scalar()) })
	add("slashing_script_of_other_parameters", "", func(_ *stake, c *badStake) { c.Parameters.SlashingPkScript = n.addressScript() })
	add("slashing_rate_of_other_parameters", "", func(k *stake, c *badStake) { c.Parameters.SlashingRate = decimalRate(k.rate + 1).String() })
	add("lower_slashing_rate", "it asks for at least the rate", func(k *stake, c *badStake) { c.Parameters.SlashingRate = decimalRate(k.rate - 1).String() })
	add("provider_of_another_stake", "", func(_ *stake, c *badStake) { c.FinalityProviders[0] = xOnly(n.scalar()) })
	add("provider_added", "", func(_ *stake, c *badStake) { c.FinalityProviders = append(c.FinalityProviders, xOnly(n.scalar())) })
	add("staking_output_missing", "", func(k *stake, c *badStake) { c.staking.TxOut[k.vout].PkScript = n.addressScript() })
	// Everything else follows the changed transaction, so that this is all that is wrong.
	twice := func(rule, note string, more int64) {
		add(rule, note, func(k *stake, c *badStake) {
			k.stakingTx.AddTxOut(wire.NewTxOut(k.amount+more, k.info.StakingOutput.PkScript))
			must(k.spends())
			*c = *k.registered(c.Kind, c.Rule)
		})
	}
	twice("staking_output_twice", "", 0)
	twice("staking_output_twice_with_other_amounts", "it looks for one with the stated amount", 1)
	for which := range 2 {
		name := []string{"slashing", "unbonding_slashing"}[which]
		signature := func(rule string, make func(k *stake, signature []byte) []byte) {
			add(name+"_signature_"+rule, "", func(k *stake, c *badStake) {
				to := []*hx{&c.SlashingSignature, &c.UnbondingSlashingSignature}[which]
				*to = make(k, *to)
			})
		}
		signature("bit", func(_ *stake, signature []byte) []byte { return flip(signature, n.below(512)) })
		signature("of_another", func(k *stake, _ []byte) []byte { return k.slashingPath(which).sign(n.scalar()).Serialize() })
		signature("of_the_other_transaction", func(k *stake, _ []byte) []byte { return k.slashingPath(1 - which).sign(k.staker).Serialize() })
		signature("through_another_leaf", func(k *stake, _ []byte) []byte {
			p := k.slashingPath(which)
			p.info = get(k.info.UnbondingPathSpendInfo())
			return p.sign(k.staker).Serialize()
		})
		signature("too_short", func(_ *stake, signature []byte) []byte { return signature[:63] })
		signature("with_a_sighash_type", func(_ *stake, signature []byte) []byte { return concat(signature, []byte{1}) })
	}
	add("slashing_transactions_swapped", "", func(_ *stake, c *badStake) { c.slashing[0], c.slashing[1] = c.slashing[1], c.slashing[0] })
}
