package main

import (
	"crypto/sha256"
	"encoding/hex"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// signingContext is the prefix that the consumer dialect puts before what is signed: 64 ASCII characters. A formula: the
// released reference module has the genesis dialect only.
func signingContext(operation, chainID, address string) string {
	sum := sha256.Sum256([]byte("btcstaking/0/" + operation + "/" + chainID + "/" + address))
	return hex.EncodeToString(sum[:])
}

// dialect is the part that cases of both dialects share. In the genesis dialect the context is the empty text and the two
// texts it is made of are absent.
type dialect struct {
	Dialect        string `json:"dialect"`
	Context        string `json:"context"`
	ContextChainID string `json:"context_chain_id,omitempty"`
	ContextAddress string `json:"context_address,omitempty"`
}

func genesis() dialect {
	return dialect{Dialect: "genesis"}
}

func (s *stream) consumer(operation string) dialect {
	chains := []string{"bbn-1", "bbn-test-6", "euphrates-0.5.0", "11155420"}
	size := 20
	if s.below(2) == 1 {
		size = 32
	}
	d := dialect{
		Dialect:        "consumer",
		ContextChainID: chains[s.below(len(chains))],
		ContextAddress: sdk.AccAddress(s.bytes(size)).String(),
	}
	d.Context = signingContext(operation, d.ContextChainID, d.ContextAddress)
	return d
}
