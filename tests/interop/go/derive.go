package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"

	bbn "github.com/babylonlabs-io/babylon/v4/types"
	"github.com/btcsuite/btcd/btcec/v2"
)

type deriveCase struct {
	SecretKey        hx     `json:"secret_key"`
	ChainID          string `json:"chain_id"`
	Height           uint64 `json:"height"`
	SecretRandomness hx     `json:"secret_randomness"`
	PublicRandomness hx     `json:"public_randomness"`
}

// deriveRandomness gives the secret scalar and the x coordinate of its point. It is the derivation written again from its
// description: HMAC-SHA256 with the secret key over
// BE64(height) ‖ chain_id ‖ BE64(iteration), the first result in 1..n-1. The package that holds the reference's function
// belongs to another module (finality-provider), which the module proxy does not serve.
func deriveRandomness(key []byte, chainID string, height uint64) (*btcec.ModNScalar, []byte) {
	for iteration := uint64(0); ; iteration++ {
		mac := hmac.New(sha256.New, key)
		mac.Write(concat(be64(height), []byte(chainID), be64(iteration)))
		secret := new(btcec.ModNScalar)
		if overflow := secret.SetByteSlice(mac.Sum(nil)); !overflow && !secret.IsZero() {
			return secret, *bbn.NewPubRandFromPrivRand(secret)
		}
	}
}

func deriveCases() file {
	s := newStream("derive")
	var cases []any
	add := func(key []byte, chainID string, height uint64) deriveCase {
		secret, public := deriveRandomness(key, chainID, height)
		c := deriveCase{key, chainID, height, scalarBytes(secret), public}
		cases = append(cases, c)
		return c
	}
	known := []struct {
		chainID string
		height  uint64
		public  string
	}{
		{"bbn-1", 0, "bd970ce29234ce271540522f470a7f91a14a04d35683f73e60ed0e7815338832"},
		{"bbn-1", 1, "c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf"},
		{"bbn-test-6", 1_000_000, "9a0416bf0b41a0b1324ca9cb9590c3d5a53b39403864f8280edcf1fa55c26f2c"},
	}
	for _, k := range known {
		c := add(repeat(0x01, 32), k.chainID, k.height)
		expect(hex.EncodeToString(c.PublicRandomness) == k.public, "known value of the derivation")
	}
	chains := []string{
		"bbn-1", "bbn-test-6", "", "a", "euphrates-0.5.0", "osmosis-1", "Chain With Spaces", "chain\x00with\x00zeros",
		"\x00\x00\x00\x00\x00\x00\x00\x00", "bbn-1\x00", "цепь-1", "链-7", "🔗", "é", "e\u0301", "\"quoted\\\"",
		strings.Repeat("x", 63), strings.Repeat("y", 64), strings.Repeat("z", 65), strings.Repeat("long-chain-id-", 20),
	}
	heights := []uint64{
		0, 1, 2, 255, 256, 65535, 65536, 1 << 31, 1<<32 - 1, 1 << 32, 1<<53 - 1, 1<<53 + 1,
		math.MaxInt64, 1 << 63, math.MaxUint64 - 1, math.MaxUint64,
	}
	edges := edgeScalars()
	for _, chainID := range chains {
		for _, height := range []uint64{0, 1, 1 << 63, math.MaxUint64} {
			add(scalarBytes(s.scalar()), chainID, height)
		}
	}
	for _, height := range heights {
		add(scalarBytes(s.scalar()), "bbn-1", height)
	}
	for _, edge := range edges {
		for _, height := range []uint64{0, 1, 902_517} {
			add(scalarBytes(edge), "bbn-1", height)
		}
	}
	// Consecutive heights under one key, and the same under its negation: the parity of the key does not enter, its bytes do.
	key := s.scalarWithParity(false)
	for height := uint64(100); height < 110; height++ {
		add(scalarBytes(key), "bbn-1", height)
		add(scalarBytes(withParity(key, true)), "bbn-1", height)
	}
	for len(cases) < 300 {
		add(scalarBytes(s.scalar()), chains[s.below(16)], s.u64()>>s.below(64))
	}
	return file{
		kind: "derive",
		description: "Randomness of a secret key for a chain and a height. The key enters as its 32 bytes, whatever the parity of its point; the chain " +
			"identifier as the bytes of its UTF-8 text. height goes up to 2^64-1: read it as an unsigned 64-bit integer, not as a double.",
		source: "formula of eotsmanager/randgenerator.GenerateRandomness in github.com/babylonlabs-io/finality-provider (main, after v2.0.2), which gave " +
			"the same values; the point by " + from(babylon, "types.NewPubRandFromPrivRand"),
		cases: cases,
	}
}
