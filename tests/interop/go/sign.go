package main

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/btcec/v2"
)

type signCase struct {
	SecretKey        hx     `json:"secret_key"`
	PublicKey        hx     `json:"public_key"`
	Parity           string `json:"parity"`
	SecretRandomness hx     `json:"secret_randomness"`
	PublicRandomness hx     `json:"public_randomness"`
	RandomnessParity string `json:"randomness_parity"`
	Message          hx     `json:"message"`
	Signature        hx     `json:"signature"`
}

func signCases() file {
	s := newStream("sign")
	var cases []any
	add := func(secret, randomness *btcec.ModNScalar, message []byte) {
		c := signCase{
			SecretKey:        scalarBytes(secret),
			PublicKey:        xOnly(secret),
			Parity:           parity(secret),
			SecretRandomness: scalarBytes(randomness),
			PublicRandomness: xOnly(randomness),
			RandomnessParity: parity(randomness),
			Message:          message,
			Signature:        eotsSign(secret, randomness, message),
		}
		must(eotsVerify(c.PublicKey, c.PublicRandomness, c.Message, c.Signature))
		// The same signature is a BIP-340 signature over the digest.
		digest := sha256.Sum256(message)
		must(schnorrVerify(c.PublicKey, digest[:], concat(c.PublicRandomness, c.Signature)))
		cases = append(cases, c)
	}
	// The check value of the protocol's section 2 comes first.
	ones := new(btcec.ModNScalar)
	ones.SetByteSlice(repeat(0x01, 32))
	randomness, _ := deriveRandomness(scalarBytes(ones), "bbn-1", 1)
	add(ones, randomness, concat(be64(1), repeat(0xaa, 32)))
	edges := edgeScalars()
	for i, secret := range edges {
		for j, randomness := range edges {
			add(secret, randomness, s.message(20+8*i+j))
		}
	}
	for i := range 240 {
		add(s.scalarWithParity(i%2 == 1), s.scalarWithParity(i/2%2 == 1), s.message(i))
	}
	return file{
		kind: "sign",
		description: "EOTS signatures. public_key and public_randomness are x coordinates of secret_key·G and secret_randomness·G; parity and " +
			"randomness_parity are those of the y coordinates. Every combination of parities and of the edge scalars is here.",
		source: from(babylon, "crypto/eots.Sign, crypto/eots.Verify"),
		cases:  cases,
	}
}

func repeat(b byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}
