package main

import (
	"bytes"

	"github.com/babylonlabs-io/babylon/v4/crypto/eots"
	"github.com/btcsuite/btcd/btcec/v2"
)

type extractCase struct {
	PublicKey        hx     `json:"public_key"`
	Parity           string `json:"parity"`
	PublicRandomness hx     `json:"public_randomness"`
	Message1         hx     `json:"message_1"`
	Signature1       hx     `json:"signature_1"`
	Message2         hx     `json:"message_2"`
	Signature2       hx     `json:"signature_2"`
	SecretKey        hx     `json:"secret_key"`
}

func extractCases() file {
	s := newStream("extract")
	var cases []any
	add := func(secret, randomness *btcec.ModNScalar, message1, message2 []byte) {
		expect(!bytes.Equal(message1, message2), "messages differ")
		c := extractCase{
			PublicKey:        xOnly(secret),
			Parity:           parity(secret),
			PublicRandomness: xOnly(randomness),
			Message1:         message1,
			Signature1:       eotsSign(secret, randomness, message1),
			Message2:         message2,
			Signature2:       eotsSign(secret, randomness, message2),
		}
		must(eotsVerify(c.PublicKey, c.PublicRandomness, c.Message1, c.Signature1))
		must(eotsVerify(c.PublicKey, c.PublicRandomness, c.Message2, c.Signature2))
		c.SecretKey = get(eotsExtract(c.PublicKey, c.PublicRandomness, c.Message1, c.Signature1, c.Message2, c.Signature2))
		expect(bytes.Equal(c.SecretKey, scalarBytes(withParity(secret, false))), "the extracted key has even y")
		expect(bytes.Equal(xOnly(randomness), c.PublicRandomness), "randomness unchanged")
		// Under the full key, whatever its parity, the reference returns the very key that signed.
		full := get(eots.Extract(secretKey(secret).PubKey(), fieldValue(c.PublicRandomness),
			message1, scalarOf(c.Signature1), message2, scalarOf(c.Signature2)))
		expect(full.Key.Equals(secret), "extraction under the full key")
		cases = append(cases, c)
	}
	edges := edgeScalars()
	for i, secret := range edges {
		for _, j := range []int{0, 3, 5, 7} {
			height := be64(s.u64())
			add(secret, edges[(i+j)%len(edges)], concat(height, s.bytes(32)), concat(height, s.bytes(32)))
		}
	}
	for i := range 272 {
		secret, randomness := s.scalarWithParity(i%2 == 1), s.scalarWithParity(i/2%2 == 1)
		switch {
		case i%2 == 0: // as two votes at one height
			height := be64(s.u64())
			add(secret, randomness, concat(height, s.bytes(32)), concat(height, s.bytes(32)))
		case i%14 == 1: // one bit apart
			message := s.bytes(40)
			add(secret, randomness, message, flip(message, s.below(320)))
		case i%14 == 3: // one is the start of the other
			message := s.bytes(1 + s.below(40))
			add(secret, randomness, message[:len(message)-1], message)
		default:
			add(secret, randomness, s.message(i/2), s.bytes(1+s.below(40)))
		}
	}
	return file{
		kind: "extract",
		description: "Two EOTS signatures under one public randomness and the secret key that the reference extracts from them for the lifted " +
			"(even y) public key. parity is that of the key that signed: where it is odd, that key is the negation of secret_key.",
		source: from(babylon, "crypto/eots.Sign, crypto/eots.Extract"),
		cases:  cases,
	}
}

func scalarOf(b []byte) *btcec.ModNScalar {
	x := new(btcec.ModNScalar)
	x.SetByteSlice(b)
	return x
}

func fieldValue(b []byte) *btcec.FieldVal {
	x := new(btcec.FieldVal)
	x.SetByteSlice(b)
	return x.Normalize()
}
