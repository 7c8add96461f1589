// Puts functions of the finality provider's daemon in the place of the program's own formulas. This file and the packages it
// imports exist only in the overlay that ../with-finality-provider.sh builds.
package main

import (
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/cometbft/cometbft/crypto/merkle"

	"btcstake-interop/fp/randgenerator"
	"btcstake-interop/fp/types"
)

func init() {
	deriveRandomness = func(key []byte, chainID string, height uint64) (*btcec.ModNScalar, []byte) {
		secret, public, err := randgenerator.GenerateRandomness(key, []byte(chainID), height)
		must(err)
		bytes := public.Bytes()
		return secret, bytes[:]
	}
	commitTree = func(leaves [][]byte) ([]byte, []*merkle.Proof) {
		values := make([]*btcec.FieldVal, len(leaves))
		for i, leaf := range leaves {
			values[i] = fieldValue(leaf)
		}
		return types.GetPubRandCommitAndProofs(values)
	}
	voteMessageByDaemon = func(context string, height uint64, blockHash []byte) []byte {
		return types.NewBlockInfo(height, blockHash, false).MsgToSign(context)
	}
}
