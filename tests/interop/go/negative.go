package main

import (
	"bytes"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/chainhash"
)

// head opens every negative case, verdict closes it.
type head struct {
	Kind string `json:"kind"`
	Rule string `json:"rule"`
}

type verdict struct {
	ReferenceRejects bool   `json:"reference_rejects"`
	ReferenceSays    string `json:"reference_says,omitempty"`
	Note             string `json:"note,omitempty"`
}

// judge asks the reference. Where it accepts, the case needs a note that says why it is wrong nevertheless.
func judge(check func() error, note string) verdict {
	err := attempt(check)
	if err == nil {
		expect(note != "", "a note on what the reference overlooks")
		return verdict{Note: note}
	}
	says := err.Error()
	if says == "" {
		says = "an error without text"
	}
	return verdict{ReferenceRejects: true, ReferenceSays: says, Note: note}
}

// negatives collects the broken cases of all kinds.
type negatives struct {
	*stream
	cases []any
}

func negativeCases() file {
	n := &negatives{stream: newStream("negative")}
	for _, kind := range []func(*negatives){
		negativeVerify, negativeExtract, negativeProofs, negativeCommitments, negativeVotes, negativeEvidence,
		negativeAdaptorVerify, negativeAdaptorDecode, negativeAdaptorUse,
		negativePopBip340, negativePopEcdsa, negativePopBip322,
	} {
		kind(n)
	}
	return file{
		kind: "negative",
		description: "Cases that each break one rule of an otherwise valid case; rule names it. reference_rejects is what the reference does with it when run, " +
			"reference_says its error. Where it accepts, note says what it overlooks; for such a case being as lax as the reference is a decision, not a mistake.",
		source: "the functions named in the other files, at the same versions",
		cases:  n.cases,
	}
}

var (
	fieldPrime = fromHex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f")
	groupOrder = fromHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	allOnes    = repeat(0xff, 32)
)

// plus adds a small number to a big-endian one.
func plus(b []byte, x byte) []byte {
	out := clone(b)
	carry := int(x)
	for i := len(out) - 1; i >= 0 && carry > 0; i-- {
		carry += int(out[i])
		out[i] = byte(carry)
		carry >>= 8
	}
	return out
}

// offCurve draws an x coordinate below p that no point has.
func (s *stream) offCurve() []byte {
	for {
		x := s.bytes(32)
		if _, err := lift(x); err != nil && bytes.Compare(x, fieldPrime) < 0 {
			return x
		}
	}
}

func challenge(randomness, key, digest []byte) *btcec.ModNScalar {
	return scalarOf(chainhash.TaggedHash(chainhash.TagBIP0340Challenge, randomness, key, digest)[:])
}

// sum, product and negated make scalars without changing their arguments.
func sum(a, b *btcec.ModNScalar) *btcec.ModNScalar {
	return new(btcec.ModNScalar).Add2(a, b)
}

func product(a, b *btcec.ModNScalar) *btcec.ModNScalar {
	return new(btcec.ModNScalar).Mul2(a, b)
}

func negated(a *btcec.ModNScalar) *btcec.ModNScalar {
	return new(btcec.ModNScalar).NegateVal(a)
}

func swapEnds(b []byte) []byte {
	return concat(b[len(b)/2:], b[:len(b)/2])
}
