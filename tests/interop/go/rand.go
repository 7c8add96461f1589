package main

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/btcec/v2"
)

// seed names the whole set. Another seed is another set of vectors.
const seed = "btcstake interop vectors 1"

// stream is an endless run of bytes: SHA256(seed ‖ 00 ‖ label ‖ 00 ‖ BE64(i)) for i = 0, 1, …
// Every kind draws from a stream of its own, so that changing one file leaves the others as they are.
type stream struct {
	label string
	next  uint64
	rest  []byte
}

func newStream(label string) *stream {
	return &stream{label: label}
}

func (s *stream) bytes(n int) []byte {
	for len(s.rest) < n {
		block := append([]byte(seed+"\x00"+s.label+"\x00"), be64(s.next)...)
		sum := sha256.Sum256(block)
		s.rest = append(s.rest, sum[:]...)
		s.next++
	}
	out := append([]byte{}, s.rest[:n]...)
	s.rest = s.rest[n:]
	return out
}

func (s *stream) u64() uint64 {
	return binary.BigEndian.Uint64(s.bytes(8))
}

// below draws from 0..n-1. The bias is irrelevant here.
func (s *stream) below(n int) int {
	return int(s.u64() % uint64(n))
}

// between draws from low..high, both included.
func (s *stream) between(low, high int) int {
	return low + s.below(high-low+1)
}

// scalar draws a uniform scalar other than zero.
func (s *stream) scalar() *btcec.ModNScalar {
	for {
		var x btcec.ModNScalar
		overflow := x.SetByteSlice(s.bytes(32))
		if !overflow && !x.IsZero() {
			return &x
		}
	}
}

// scalarWithParity draws a scalar whose point has the wanted parity of y.
func (s *stream) scalarWithParity(odd bool) *btcec.ModNScalar {
	return withParity(s.scalar(), odd)
}

func withParity(x *btcec.ModNScalar, odd bool) *btcec.ModNScalar {
	out := new(btcec.ModNScalar).Set(x)
	if hasOddY(out) != odd {
		out.Negate()
	}
	return out
}

// edgeScalars are 1, 2, 3, (n-1)/2, (n+1)/2, n-3, n-2 and n-1.
func edgeScalars() []*btcec.ModNScalar {
	small := func(x uint32) *btcec.ModNScalar { return new(btcec.ModNScalar).SetInt(x) }
	half := new(btcec.ModNScalar).InverseValNonConst(small(2))
	edges := []*btcec.ModNScalar{
		small(1), small(2), small(3),
		new(btcec.ModNScalar).NegateVal(half), half,
	}
	for _, x := range []uint32{3, 2, 1} {
		edges = append(edges, small(x).Negate())
	}
	return edges
}

// message draws a message: first the lengths at which a hash or a length prefix changes its shape, then mostly short ones.
func (s *stream) message(i int) []byte {
	lengths := []int{0, 1, 31, 32, 33, 40, 55, 56, 63, 64, 65, 104, 119, 120, 127, 128, 200}
	if i < len(lengths) {
		return s.bytes(lengths[i])
	}
	if i%10 == 0 {
		return s.bytes(s.below(201))
	}
	return s.bytes(s.below(49))
}
