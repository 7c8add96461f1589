package main

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of proto.EOTSManager, written and read field by field: a message's bytes are in the cases'
// hands. Empty fields are left out, as proto3 has it.

func bytesField(b []byte, number protowire.Number, value []byte) []byte {
	if len(value) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), value)
}

func uintField(b []byte, number protowire.Number, value uint64) []byte {
	if value == 0 {
		return b
	}
	return presentUint(b, number, value)
}

// presentUint writes a field even if it is 0.
func presentUint(b []byte, number protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), value)
}

// listRequest is CreateRandomnessPairList; interval is nil where it is absent.
type listRequest struct {
	uid      []byte
	chainID  string
	start    uint64
	num      uint32
	interval *uint64
}

func (r listRequest) encode() []byte {
	b := bytesField(nil, 1, r.uid)
	b = bytesField(b, 2, []byte(r.chainID))
	b = uintField(b, 3, r.start)
	b = uintField(b, 4, uint64(r.num))
	if r.interval != nil {
		b = presentUint(b, 5, *r.interval)
	}
	return b
}

// step is the distance between two heights of the list.
func (r listRequest) step() uint64 {
	if r.interval == nil || *r.interval == 0 {
		return 1
	}
	return *r.interval
}

// signRequest is SignEOTS and UnsafeSignEOTS.
type signRequest struct {
	uid     []byte
	chainID string
	message []byte
	height  uint64
}

func (r signRequest) encode() []byte {
	b := bytesField(nil, 1, r.uid)
	b = bytesField(b, 2, []byte(r.chainID))
	b = bytesField(b, 3, r.message)
	return uintField(b, 4, r.height)
}

// vote is one element of a batch.
type vote struct {
	message []byte
	height  uint64
}

func batchRequest(uid []byte, chainID string, votes ...vote) []byte {
	b := bytesField(nil, 1, uid)
	b = bytesField(b, 2, []byte(chainID))
	for _, v := range votes {
		element := uintField(bytesField(nil, 1, v.message), 2, v.height)
		b = protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), element)
	}
	return b
}

func schnorrRequest(uid, message []byte) []byte {
	return bytesField(bytesField(nil, 1, uid), 2, message)
}

// textsRequest is each message of two texts or byte strings: SaveEOTSKeyName, UnlockKey, Backup.
func textsRequest(first, second []byte) []byte {
	return bytesField(bytesField(nil, 1, first), 2, second)
}

func listResponse(leaves [][]byte) []byte {
	var b []byte
	for _, leaf := range leaves {
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), leaf)
	}
	return b
}

func signResponse(signature []byte) []byte { return bytesField(nil, 1, signature) }

// signedVote is one element of a batch's answer.
type signedVote struct {
	signature []byte
	height    uint64
}

func batchResponse(votes []signedVote) []byte {
	var b []byte
	for _, v := range votes {
		element := uintField(bytesField(nil, 1, v.signature), 2, v.height)
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), element)
	}
	return b
}

// field is one field of a message that was read.
type field struct {
	number protowire.Number
	bytes  []byte // of a field with a length
	value  uint64 // of a varint
}

// fields reads a message that has fields with a length and varints only.
func fields(b []byte) ([]field, error) {
	var out []field
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		b = b[n:]
		f := field{number: number}
		switch kind {
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		default:
			return nil, fmt.Errorf("found a field %d of wire type %d", number, kind)
		}
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		b = b[n:]
		out = append(out, f)
	}
	return out, nil
}

// repeatedBytes reads a message of nothing but field 1, as often as it likes.
func repeatedBytes(b []byte) ([][]byte, error) {
	read, err := fields(b)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, f := range read {
		if f.number != 1 || f.bytes == nil {
			return nil, fmt.Errorf("found a field %d; must be 1, with a length", f.number)
		}
		out = append(out, f.bytes)
	}
	return out, nil
}

// oneBytes reads a message of field 1 alone.
func oneBytes(b []byte) ([]byte, error) {
	all, err := repeatedBytes(b)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		return nil, errors.New("the answer has not exactly one field")
	}
	return all[0], nil
}

// signedVotes reads the answer to a batch.
func signedVotes(b []byte) ([]signedVote, error) {
	elements, err := repeatedBytes(b)
	if err != nil {
		return nil, err
	}
	var out []signedVote
	for _, element := range elements {
		read, err := fields(element)
		if err != nil {
			return nil, err
		}
		var v signedVote
		for _, f := range read {
			switch f.number {
			case 1:
				v.signature = f.bytes
			case 2:
				v.height = f.value
			default:
				return nil, fmt.Errorf("found a field %d in a signature of a batch", f.number)
			}
		}
		out = append(out, v)
	}
	return out, nil
}
