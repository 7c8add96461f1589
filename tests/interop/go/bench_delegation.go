package main

import (
	"bytes"
	"crypto/sha256"

	"github.com/babylonlabs-io/babylon/v4/btcstaking"
	asig "github.com/babylonlabs-io/babylon/v4/crypto/schnorr-adaptor-signature"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	bstypes "github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/wire"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// measured is a stake of mainnet's shape, with what others contribute: the proof of possession, and the covenant's signatures.
type measured struct {
	stake
	stakerSecret             *btcec.PrivateKey
	stakerKey                *btcec.PublicKey
	providerKeys, memberKeys []*btcec.PublicKey
	providers32, members32   []hx

	change     []byte
	outpoint   wire.OutPoint
	account    sdk.AccAddress
	possession []byte
	// One for each member, over the unbonding transaction; and over each slashing transaction, encrypted to the one provider.
	unbondingSignatures []*schnorr.Signature
	adaptorSignatures   [2][][][]byte
}

func newMeasured() *measured {
	s := newStream("bench delegation")
	k := &measured{stake: stake{
		staker: s.scalar(), providers: s.scalars(1), members: s.scalars(9), quorum: 6, stakingTime: 64000, unbondingTime: 1008, amount: 1_000_000,
		unbondingFee: 32_000, slashingFees: [2]int64{100_000, 100_000}, rate: 10, slashingScript: mainnetSlashingScript,
	}}
	k.change, k.outpoint, k.account = s.addressScript(), wire.OutPoint{Hash: [32]byte(s.bytes(32))}, s.bytes(20)
	digest := sha256.Sum256(k.account)
	k.possession = popProtobuf(bstypes.BTCSigType_BIP340, schnorrSign(k.staker, digest[:]), "")
	// Keys are at hand before anything is measured.
	k.stakerSecret, k.stakerKey = secretKey(k.staker), secretKey(k.staker).PubKey()
	k.providerKeys, k.memberKeys = publicKeys(k.providers), publicKeys(k.members)
	k.providers32, k.members32 = xOnlyKeys(k.providers), xOnlyKeys(k.members)
	k.build()
	unbonding := path{k.unbondingTx, k.info.StakingOutput, get(k.info.UnbondingPathSpendInfo())}
	for _, member := range k.members {
		k.unbondingSignatures = append(k.unbondingSignatures, unbonding.sign(member))
		for which := range k.slashingTxs {
			list := k.stake.adaptorSignatures(k.slashingPath(which), member)
			k.adaptorSignatures[which] = append(k.adaptorSignatures[which], list)
		}
	}
	return k
}

// build makes the outputs and all four transactions.
func (k *measured) build() {
	var err error
	k.info, err = btcstaking.BuildStakingInfo(k.stakerKey, k.providerKeys, k.memberKeys, k.quorum, k.stakingTime, btcutil.Amount(k.amount), mainnet)
	must(err)
	left := btcutil.Amount(k.amount - k.unbondingFee)
	k.unbonding, err = btcstaking.BuildUnbondingInfo(k.stakerKey, k.providerKeys, k.memberKeys, k.quorum, k.unbondingTime, left, mainnet)
	must(err)
	k.stakingTx, k.unbondingTx = wire.NewMsgTx(2), wire.NewMsgTx(2)
	k.stakingTx.AddTxIn(wire.NewTxIn(&k.outpoint, nil, nil))
	k.stakingTx.AddTxOut(k.info.StakingOutput)
	k.stakingTx.AddTxOut(wire.NewTxOut(500_000, k.change))
	hash := k.stakingTx.TxHash()
	k.unbondingTx.AddTxIn(wire.NewTxIn(wire.NewOutPoint(&hash, 0), nil, nil))
	k.unbondingTx.AddTxOut(k.unbonding.UnbondingOutput)
	for which, source := range []*wire.MsgTx{k.stakingTx, k.unbondingTx} {
		k.slashingTxs[which], err = btcstaking.BuildSlashingTxFromStakingTxStrict(source, 0, k.slashingScript, k.stakerKey, k.unbondingTime,
			k.slashingFees[which], decimalRate(k.rate), mainnet)
		must(err)
	}
}

// request is what the staker registers, signed with the reference's own signer.
func (k *measured) request() *badStake {
	c := &badStake{
		Staker: schnorr.SerializePubKey(k.stakerKey), FinalityProviders: k.providers32, StakingTime: k.stakingTime, StakingValue: k.amount, UnbondingTime: k.unbondingTime,
		UnbondingValue: k.amount - k.unbondingFee, staking: k.stakingTx, unbonding: k.unbondingTx, slashing: k.slashingTxs,
		Parameters: stakeParameters{
			k.members32, k.quorum, 500_000, 500_000_000_000, 64000, 64000, k.slashingScript, decimalRate(k.rate).String(), k.slashingFees[0],
			uint32(k.unbondingTime), k.unbondingFee,
		},
	}
	for which, signature := range []*hx{&c.SlashingSignature, &c.UnbondingSlashingSignature} {
		p := k.slashingPath(which)
		*signature = get(btcstaking.SignTxWithOneScriptSpendInputFromScript(p.tx, p.output, k.stakerSecret, p.info.GetPkScriptPath())).Serialize()
	}
	return c
}

// check checks a request as the chain does when it is registered.
func (k *measured) check(c *badStake) {
	must(c.validate())
	must(popVerify(dialect{Dialect: "genesis"}, c.Staker, k.account, "mainnet", k.possession))
}

// verifyAnswers verifies all that the committee signed, as the chain does when it arrives.
func (k *measured) verifyAnswers() {
	providers := bbn.NewBIP340PKsFromBTCPKs(k.providerKeys)
	script := get(k.info.UnbondingPathSpendInfo()).GetPkScriptPath()
	for i, member := range k.memberKeys {
		signature := k.unbondingSignatures[i].Serialize()
		must(btcstaking.VerifyTransactionSigWithOutput(k.unbondingTx, k.info.StakingOutput, script, member, signature))
		for which := range k.slashingTxs {
			p := k.slashingPath(which)
			tx := get(bstypes.NewBTCSlashingTxFromMsgTx(p.tx))
			must(tx.EncVerifyAdaptorSignatures(p.output, p.info, bbn.NewBIP340PubKeyFromBTCPK(member), providers, k.adaptorSignatures[which][i]))
		}
	}
}

// answer makes what one member signs.
func (k *measured) answer(member *btcec.PrivateKey) {
	p := path{k.unbondingTx, k.info.StakingOutput, get(k.info.UnbondingPathSpendInfo())}
	get(btcstaking.SignTxWithOneScriptSpendInputFromScript(p.tx, p.output, member, p.info.GetPkScriptPath()))
	for which := range k.slashingTxs {
		p := k.slashingPath(which)
		for _, provider := range k.providerKeys {
			key := get(asig.NewEncryptionKeyFromBTCPK(provider))
			get(btcstaking.EncSignTxWithOneScriptSpendInputStrict(p.tx, k.sourceOf(which), k.vouts()[which], p.info.GetPkScriptPath(), member, key))
		}
	}
}

func (k *measured) sourceOf(which int) *wire.MsgTx {
	return []*wire.MsgTx{k.stakingTx, k.unbondingTx}[which]
}

// delegationWorks are one complete delegation, from the keys to the last verified signature, and one member's answer to a request.
func delegationWorks() map[string]func() {
	building, asked := newMeasured(), newMeasured()
	request, member := asked.request(), secretKey(asked.members[4])
	expect(bytes.Equal(serialized(building.stakingTx), serialized(asked.stakingTx)), "both are the same stake")
	return map[string]func(){
		"delegation": func() {
			building.build()
			building.check(building.request())
			building.verifyAnswers()
		},
		"answer": func() {
			asked.check(request)
			asked.answer(member)
		},
	}
}
