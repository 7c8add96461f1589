#!/usr/bin/env bash
# Expected: the bytes in one JSON object have one form. Instead `EventSlashedFinalityProvider`, as the chain
# puts it into a block's events, has the finality provider's key in hex and all other bytes of the evidence
# in base64, under the names of the protobuf message; and 64 hex digits are valid base64 too, of 48 other
# bytes, so that whoever reads all of it as base64 gets a wrong key and no error. Seen with Go module
# github.com/babylonlabs-io/babylon/v4 v4.1.0, 2026-11-30. Touches whoever takes evidence from events.
# Reason: types/btc_schnorr_pk.go has a MarshalJSON of its own, the types of randomness and signature beside
# it have none.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'MOD'
module finding

go 1.24

require (
	github.com/babylonlabs-io/babylon/v4 v4.1.0
	// The version that the SDK asks for does not build with Go 1.26.
	github.com/bytedance/sonic v1.15.0
	github.com/cosmos/cosmos-sdk v0.53.4
)

// As the module itself has them.
replace (
	cosmossdk.io/core => cosmossdk.io/core v0.11.3
	github.com/99designs/keyring => github.com/cosmos/keyring v1.2.0
	github.com/gogo/protobuf => github.com/regen-network/protobuf v1.3.3-alpha.regen.1
	github.com/strangelove-ventures/tokenfactory => github.com/babylonlabs-io/tokenfactory v0.50.6-wasmvm2
	github.com/syndtr/goleveldb => github.com/syndtr/goleveldb v1.0.1-0.20210819022825-2ae1ddf74ef7
)
MOD

# The module's sums are stated; those of what it needs come from the checksum database.
cat > go.sum <<'SUM'
github.com/babylonlabs-io/babylon/v4 v4.1.0 h1:IGIWpvh996k6dyOOE3UIw9J23NLCCe3H+nV4DR+2+7U=
github.com/babylonlabs-io/babylon/v4 v4.1.0/go.mod h1:6vRR3bwtUDElFe9rO8MABHDFOcA21D0ix6KFfGRbgQc=
SUM

cat > main.go <<'GO'
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	bbn "github.com/babylonlabs-io/babylon/v4/types"
	"github.com/babylonlabs-io/babylon/v4/x/finality/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func expect(condition bool, what string) {
	if !condition {
		fmt.Println("no longer so:", what)
		os.Exit(1)
	}
}

func main() {
	// The generator's x coordinate is a public key; the other bytes may be any.
	key := must(hex.DecodeString("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"))
	of := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	event := types.NewEventSlashedFinalityProvider(&types.Evidence{
		FpBtcPk:              must(bbn.NewBIP340PubKey(key)),
		BlockHeight:          7,
		PubRand:              must(bbn.NewSchnorrPubRand(key)),
		CanonicalAppHash:     of(1),
		ForkAppHash:          of(2),
		CanonicalFinalitySig: must(bbn.NewSchnorrEOTSSig(of(3))),
		ForkFinalitySig:      must(bbn.NewSchnorrEOTSSig(of(4))),
	})
	made := must(sdk.TypedEventToEvent(event))
	var evidence map[string]string
	for _, attribute := range made.Attributes {
		if attribute.Key == "evidence" {
			expect(json.Unmarshal([]byte(attribute.Value), &evidence) == nil, "the evidence is an object of texts")
		}
	}
	fmt.Println(made.Type)
	for _, name := range []string{"fp_btc_pk", "pub_rand", "canonical_app_hash", "canonical_finality_sig"} {
		fmt.Printf("  %-24s %s\n", name, evidence[name])
	}
	expect(evidence["fp_btc_pk"] == hex.EncodeToString(key), "the key is in hex")
	// The same 32 bytes, in the same object.
	expect(evidence["pub_rand"] == base64.StdEncoding.EncodeToString(key), "the randomness is in base64")
	expect(evidence["canonical_app_hash"] == base64.StdEncoding.EncodeToString(of(1)), "a hash is in base64")
	expect(evidence["canonical_finality_sig"] == base64.StdEncoding.EncodeToString(of(3)), "a signature is in base64")
	wrong, err := base64.StdEncoding.DecodeString(evidence["fp_btc_pk"])
	expect(err == nil && len(wrong) == 48, "the key's hex is base64 too, of 48 bytes")
	fmt.Println("the key is in hex, and everything else in base64; the hex is valid base64 of", len(wrong), "bytes")
}
GO

echo "Go module github.com/babylonlabs-io/babylon/v4 v4.1.0"
GOFLAGS=-mod=mod nice go run .
echo "seen: the key of the event's evidence is in hex, beside bytes in base64"
