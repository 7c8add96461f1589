package main

import (
	"bytes"

	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg"
	"github.com/btcsuite/btcd/txscript"
)

// stakingCaseCount is how many stakes there are; outputs.json and transactions.json have one case for each, in the same order.
const stakingCaseCount = 300

type outputsCase struct {
	Staker                  hx         `json:"staker"`
	FinalityProviders       []hx       `json:"finality_providers"`
	Covenant                []hx       `json:"covenant"`
	Quorum                  uint32     `json:"quorum"`
	StakingTime             uint16     `json:"staking_time"`
	UnbondingTime           uint16     `json:"unbonding_time"`
	TimelockScript          hx         `json:"timelock_script"`
	UnbondingScript         hx         `json:"unbonding_script"`
	SlashingScript          hx         `json:"slashing_script"`
	UnbondingTimelockScript hx         `json:"unbonding_timelock_script"`
	Staking                 outputCase `json:"staking"`
	Unbonding               outputCase `json:"unbonding"`
	Refund                  outputCase `json:"refund"`
}

type outputCase struct {
	ScriptPubKey          hx       `json:"script_pubkey"`
	Addresses             []string `json:"addresses"`
	TimelockControlBlock  hx       `json:"timelock_control_block"`
	UnbondingControlBlock hx       `json:"unbonding_control_block,omitempty"`
	SlashingControlBlock  hx       `json:"slashing_control_block,omitempty"`
}

// leaf takes a spend information apart.
func leaf(info *btcstaking.SpendInfo) (script, controlBlock hx) {
	return info.GetPkScriptPath(), get(info.ControlBlock.ToBytes())
}

// addressOf is the one address of a script on a network.
func addressOf(script []byte, net *chaincfg.Params) string {
	_, addresses, _, err := txscript.ExtractPkScriptAddrs(script, net)
	must(err)
	expect(len(addresses) == 1, "one address")
	return addresses[0].EncodeAddress()
}

func (k *stake) outputs() outputsCase {
	c := outputsCase{
		Staker:            xOnly(k.staker),
		FinalityProviders: xOnlyKeys(k.providers),
		Covenant:          xOnlyKeys(k.members),
		Quorum:            k.quorum,
		StakingTime:       k.stakingTime,
		UnbondingTime:     k.unbondingTime,
	}
	var script hx
	c.TimelockScript, c.Staking.TimelockControlBlock = leaf(get(k.info.TimeLockPathSpendInfo()))
	c.UnbondingScript, c.Staking.UnbondingControlBlock = leaf(get(k.info.UnbondingPathSpendInfo()))
	c.SlashingScript, c.Staking.SlashingControlBlock = leaf(get(k.info.SlashingPathSpendInfo()))
	c.UnbondingTimelockScript, c.Unbonding.TimelockControlBlock = leaf(get(k.unbonding.TimeLockPathSpendInfo()))
	script, c.Unbonding.SlashingControlBlock = leaf(get(k.unbonding.SlashingPathSpendInfo()))
	expect(bytes.Equal(script, c.SlashingScript), "one slashing script for both outputs")
	script, c.Refund.TimelockControlBlock = leaf(k.refund.SpendInfo)
	expect(bytes.Equal(script, c.UnbondingTimelockScript), "one timelock script for the unbonding output and the refund")

	// Scripts do not depend on the network, addresses do.
	for _, net := range allNetworks {
		other := *k
		must(other.scripts(net))
		for _, pair := range []struct {
			output *outputCase
			script []byte
		}{
			{&c.Staking, other.info.StakingOutput.PkScript}, {&c.Unbonding, other.unbonding.UnbondingOutput.PkScript}, {&c.Refund, other.refund.PkScript},
		} {
			expect(pair.output.ScriptPubKey == nil || bytes.Equal(pair.output.ScriptPubKey, pair.script), "one script on every network")
			pair.output.ScriptPubKey = pair.script
			pair.output.Addresses = append(pair.output.Addresses, addressOf(pair.script, net))
		}
		expect(other.refund.TapAddress.EncodeAddress() == addressOf(other.refund.PkScript, net), "two ways to the address")
	}
	return c
}

// staking draws the stakes and writes what follows from them.
func staking() []file {
	s := newStream("staking")
	var outputs, transactions []any
	for number := range stakingCaseCount {
		k := drawStake(s, number)
		outputs = append(outputs, k.outputs())
		transactions = append(transactions, k.transactions(s, number))
	}
	return []file{{
		kind: "outputs",
		description: "Scripts of the leaves, control blocks, output scripts and addresses (mainnet, signet, regtest) of a stake's three outputs. Keys stand in the order given. " +
			"The slashing script is that of the staking and of the unbonding output, the unbonding timelock script that of the unbonding and of the refund output.",
		source: from(babylon, "btcstaking.BuildStakingInfo, BuildUnbondingInfo, BuildRelativeTimelockTaprootScript; addresses: btcutil"),
		cases:  outputs,
	}, {
		kind: "transactions",
		description: "Transactions of the stakes in outputs.json, case by case, with everyone's secret keys. transaction is without witness, sighash is BIP-341's for the " +
			"script path (SIGHASH_DEFAULT), places are the witness before script and control block, bottom first, and wtxid is of the transaction with the whole witness. " +
			"signers number the covenant members who sign; adaptor_signatures has for each of them the 65-byte signatures to all providers, one after the other. " +
			"provider numbers the one whose key decrypts. Signatures have 32 zero bytes of auxiliary randomness; the adaptor signatures the reference's nonce.",
		source: from(babylon, "btcstaking.BuildSlashingTxFromStakingTxStrict, CreateUnbondingPathWitness, CreateSlashingPathWitness, CreateTimeLockPathWitness, "+
			"NewV0OpReturnDataFromParsed, x/btcstaking/types.BuildSlashingTxWithWitness, crypto/schnorr-adaptor-signature.EncSignWithAuxData, Decrypt; unbonding and withdrawal transactions laid out by this program; "+
			"every spend executed by github.com/btcsuite/btcd/txscript"),
		cases: transactions,
	}}
}

// position finds a key by its x coordinate.
func position(keys []*btcec.PublicKey, key *btcec.PublicKey) int {
	for i, other := range keys {
		if other.X().Cmp(key.X()) == 0 {
			return i
		}
	}
	panic("no such key")
}
