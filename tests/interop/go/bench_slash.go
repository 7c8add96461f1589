package main

import (
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	bstypes "github.com/babylonlabs-io/babylon/v4/x/btcstaking/types"
	"github.com/btcsuite/btcd/wire"
)

// slashWork completes both slashing transactions of a delegation that six of nine members signed, as a watchtower does with a provider's
// key in hand. The reference verifies no signature of them.
func slashWork() func() {
	k := newMeasured()
	request := k.request()
	providers := bbn.NewBIP340PKsFromBTCPKs(k.providerKeys)
	params := &bstypes.Params{CovenantPks: bbn.NewBIP340PKsFromBTCPKs(k.memberKeys), CovenantQuorum: k.quorum}
	bytesOf := func(tx *wire.MsgTx) *bstypes.BTCSlashingTx { return get(bstypes.NewBTCSlashingTxFromMsgTx(tx)) }
	signed := func(which int) []*bstypes.CovenantAdaptorSignatures {
		var all []*bstypes.CovenantAdaptorSignatures
		for i, member := range k.memberKeys[:k.quorum] {
			all = append(all, &bstypes.CovenantAdaptorSignatures{
				CovPk: bbn.NewBIP340PubKeyFromBTCPK(member), AdaptorSigs: k.adaptorSignatures[which][i],
			})
		}
		return all
	}
	delegation := &bstypes.BTCDelegation{
		BtcPk: bbn.NewBIP340PubKeyFromBTCPK(k.stakerKey), FpBtcPkList: providers, StakingTime: uint32(k.stakingTime), TotalSat: uint64(k.amount),
		StakingTx: serialized(k.stakingTx), SlashingTx: bytesOf(k.slashingTxs[0]), DelegatorSig: get(bbn.NewBIP340Signature(request.SlashingSignature)),
		CovenantSigs: signed(0), UnbondingTime: uint32(k.unbondingTime),
		BtcUndelegation: &bstypes.BTCUndelegation{
			UnbondingTx: serialized(k.unbondingTx), SlashingTx: bytesOf(k.slashingTxs[1]),
			DelegatorSlashingSig: get(bbn.NewBIP340Signature(request.UnbondingSlashingSignature)), CovenantSlashingSigs: signed(1),
		},
	}
	key := secretKey(k.providers[0])
	return func() {
		get(delegation.BuildSlashingTxWithWitness(params, mainnet, key))
		get(delegation.BuildUnbondingSlashingTxWithWitness(params, mainnet, key))
	}
}
