#!/usr/bin/env bash
# Expected: functions leave their arguments as they were. Instead `eots.Extract` negates the second signature
# (then `Verify` of it or the same `Extract` fails, and the third works), and `NewDecryptionKeyFromBTCSK` the
# caller's private key if it has odd y (its public key is 02… for 03… from then on); no doc says so. Seen with
# Go module github.com/babylonlabs-io/babylon/v4 v4.1.0, 2026-11-28. Touches watchers that extract and keep
# evidence, and who signs and decrypts with one key object. Reason: crypto/eots/eots.go and
# crypto/schnorr-adaptor-signature/keys.go call `Negate`, which changes its receiver, on what they were given.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > go.mod <<'MOD'
module finding

go 1.24

require (
	github.com/babylonlabs-io/babylon/v4 v4.1.0
	github.com/btcsuite/btcd/btcec/v2 v2.3.4
)

replace github.com/syndtr/goleveldb => github.com/syndtr/goleveldb v1.0.1-0.20210819022825-2ae1ddf74ef7
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
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/babylonlabs-io/babylon/v4/crypto/eots"
	asig "github.com/babylonlabs-io/babylon/v4/crypto/schnorr-adaptor-signature"
	"github.com/btcsuite/btcd/btcec/v2"
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

// The first secret from a hash of the label and a counter whose point has the sign wanted: 2 even, 3 odd.
func secretKey(label string, sign byte) *btcec.PrivateKey {
	for counter := byte(0); ; counter++ {
		bytes := sha256.Sum256(append([]byte(label), counter))
		key, public := btcec.PrivKeyFromBytes(bytes[:])
		if public.SerializeCompressed()[0] == sign {
			return key
		}
	}
}

func extraction() {
	provider := secretKey("provider", 2)
	nonce := secretKey("nonce", 2)
	var point btcec.JacobianPoint
	nonce.PubKey().AsJacobian(&point)
	r := &point.X
	one, other := []byte("block at height 7"), []byte("another block at height 7")
	first := must(eots.Sign(provider, &nonce.Key, one))
	second := must(eots.Sign(provider, &nonce.Key, other))
	before := second.Bytes()
	expect(eots.Verify(provider.PubKey(), r, other, second) == nil, "the second signature is valid at first")

	extracted := must(eots.Extract(provider.PubKey(), r, one, first, other, second))
	expect(extracted.Key.Equals(&provider.Key), "the first Extract gives the key")
	after := second.Bytes()
	fmt.Printf("second signature before Extract: %x\n", before)
	fmt.Printf("second signature after Extract:  %x\n", after)
	var negated btcec.ModNScalar
	negated.SetBytes(&before)
	negated.Negate()
	expect(second.Equals(&negated) && before != after, "Extract negates the second signature")

	verdict := eots.Verify(provider.PubKey(), r, other, second)
	fmt.Println("Verify of the second signature:  ", verdict)
	expect(verdict != nil, "the second signature is refused afterwards")
	_, again := eots.Extract(provider.PubKey(), r, one, first, other, second)
	fmt.Println("the same Extract again:          ", again)
	expect(again != nil, "a second Extract fails")
	third := must(eots.Extract(provider.PubKey(), r, one, first, other, second))
	fmt.Println("and once more:                    the key, as the failure negated the signature back")
	expect(third.Key.Equals(&provider.Key), "a third Extract gives the key")
}

func decryptionKey(sign byte) {
	provider := secretKey("decryption", sign)
	before := provider.PubKey().SerializeCompressed()
	must(asig.NewDecryptionKeyFromBTCSK(provider))
	after := provider.PubKey().SerializeCompressed()
	fmt.Printf("public key before and after NewDecryptionKeyFromBTCSK: %x… %x…\n", before[:5], after[:5])
	expect(bytes.Equal(before, after) == (sign == 2), "a key with odd y changes, one with even y does not")
	expect(bytes.Equal(before[1:], after[1:]) && after[0] == 2, "the key has even y afterwards")
}

func main() {
	extraction()
	decryptionKey(2)
	decryptionKey(3)
}
GO

echo "Go module github.com/babylonlabs-io/babylon/v4 v4.1.0"
GOFLAGS=-mod=mod nice go run .
echo "seen: Extract and NewDecryptionKeyFromBTCSK change what they are given"
