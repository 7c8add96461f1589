package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/babylonlabs-io/babylon/v4/crypto/eots"
	bbn "github.com/babylonlabs-io/babylon/v4/types"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

// hx is a byte string that JSON shows as lower-case hex.
type hx []byte

func (h hx) MarshalJSON() ([]byte, error) {
	return json.Marshal(hex.EncodeToString(h))
}

// file is what one JSON file holds.
type file struct {
	kind        string
	description string
	source      string
	cases       []any
}

// write puts one case on each line: a changed case is one changed line.
func (f file) write(dir string) error {
	var out bytes.Buffer
	line := func(v any) error {
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v); err != nil {
			return err
		}
		out.Truncate(out.Len() - 1)
		return nil
	}
	out.WriteString("{\n")
	for _, field := range [][2]string{{"kind", f.kind}, {"description", f.description}, {"source", f.source}} {
		fmt.Fprintf(&out, "%q: ", field[0])
		if err := line(field[1]); err != nil {
			return err
		}
		out.WriteString(",\n")
	}
	out.WriteString("\"cases\": [\n")
	for i, c := range f.cases {
		if i > 0 {
			out.WriteString(",\n")
		}
		if err := line(c); err != nil {
			return err
		}
	}
	out.WriteString("\n]\n}\n")
	return os.WriteFile(filepath.Join(dir, f.kind+".json"), out.Bytes(), 0o644)
}

// from names a function of a dependency together with the version this program was built with.
func from(module, what string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		panic("no build information: build with modules")
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return fmt.Sprintf("%s@%s %s", module, dep.Version, what)
		}
	}
	panic("not a dependency: " + module)
}

const (
	babylon = "github.com/babylonlabs-io/babylon/v4"
	comet   = "github.com/cometbft/cometbft"
)

// must ends the program: a vector that the reference refuses must never be written.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func get[T any](v T, err error) T {
	must(err)
	return v
}

func expect(ok bool, what string) {
	if !ok {
		panic("self-check failed: " + what)
	}
}

// attempt runs a check and turns a panic of the reference into an error that says so.
func attempt(check func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return check()
}

var errNotEqual = errors.New("result differs")

func be64(x uint64) []byte {
	return binary.BigEndian.AppendUint64(nil, x)
}

func concat(parts ...[]byte) []byte {
	return bytes.Join(parts, nil)
}

func clone(b []byte) []byte {
	return append([]byte{}, b...)
}

// flip returns a copy with one bit changed; bit 0 is the highest of the first byte.
func flip(b []byte, bit int) []byte {
	out := clone(b)
	out[bit/8] ^= 0x80 >> (bit % 8)
	return out
}

func scalarBytes(x *btcec.ModNScalar) []byte {
	b := x.Bytes()
	return b[:]
}

func secretKey(x *btcec.ModNScalar) *btcec.PrivateKey {
	return &btcec.PrivateKey{Key: *x}
}

func hasOddY(x *btcec.ModNScalar) bool {
	return secretKey(x).PubKey().SerializeCompressed()[0] == 0x03
}

func parity(x *btcec.ModNScalar) string {
	if hasOddY(x) {
		return "odd"
	}
	return "even"
}

// xOnly is the x coordinate of x·G.
func xOnly(x *btcec.ModNScalar) []byte {
	return schnorr.SerializePubKey(secretKey(x).PubKey())
}

// lift parses an x-only key the way the chain does, to the point with even y.
func lift(key []byte) (*btcec.PublicKey, error) {
	parsed, err := bbn.NewBIP340PubKey(key)
	if err != nil {
		return nil, err
	}
	return parsed.ToBTCPK()
}

// eotsSign signs with the reference.
func eotsSign(secret, randomness *btcec.ModNScalar, message []byte) []byte {
	return scalarBytes(get(eots.Sign(secretKey(secret), randomness, message)))
}

// eotsVerify decodes and verifies as the chain does with the fields of a vote.
func eotsVerify(key, randomness, message, signature []byte) error {
	point, err := lift(key)
	if err != nil {
		return err
	}
	r, err := bbn.NewSchnorrPubRand(clone(randomness))
	if err != nil {
		return err
	}
	s, err := bbn.NewSchnorrEOTSSig(clone(signature))
	if err != nil {
		return err
	}
	return eots.Verify(point, r.ToFieldValNormalized(), message, s.ToModNScalar())
}

// eotsExtract extracts under the lifted key. The reference negates its last argument in place, so every call decodes its own.
func eotsExtract(key, randomness, message1, signature1, message2, signature2 []byte) ([]byte, error) {
	point, err := lift(key)
	if err != nil {
		return nil, err
	}
	r, err := bbn.NewSchnorrPubRand(clone(randomness))
	if err != nil {
		return nil, err
	}
	s1, err := bbn.NewSchnorrEOTSSig(clone(signature1))
	if err != nil {
		return nil, err
	}
	s2, err := bbn.NewSchnorrEOTSSig(clone(signature2))
	if err != nil {
		return nil, err
	}
	secret, err := eots.Extract(point, r.ToFieldValNormalized(), message1, s1.ToModNScalar(), message2, s2.ToModNScalar())
	if err != nil {
		return nil, err
	}
	return scalarBytes(&secret.Key), nil
}

// schnorrSign makes the BIP-340 signature with 32 zero bytes of auxiliary randomness, so that any signer can reproduce it.
// (The reference daemon lets btcd take the nonce from RFC 6979 instead.)
func schnorrSign(secret *btcec.ModNScalar, digest []byte) []byte {
	return get(schnorr.Sign(secretKey(secret), digest, schnorr.CustomNonce([32]byte{}))).Serialize()
}

func schnorrVerify(key, digest, signature []byte) error {
	point, err := lift(key)
	if err != nil {
		return err
	}
	sig, err := schnorr.ParseSignature(signature)
	if err != nil {
		return err
	}
	if !sig.Verify(digest, point) {
		return errors.New("failed to verify signature")
	}
	return nil
}
