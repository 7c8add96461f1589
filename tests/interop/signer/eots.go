package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

func concat(parts ...[]byte) []byte {
	var out []byte
	for _, part := range parts {
		out = append(out, part...)
	}
	return out
}

func be64(x uint64) []byte { return binary.BigEndian.AppendUint64(nil, x) }

func hash(parts ...[]byte) []byte {
	digest := sha256.Sum256(concat(parts...))
	return digest[:]
}

// taggedHash is the tagged hash of BIP-340.
func taggedHash(tag string, parts ...[]byte) []byte {
	name := hash([]byte(tag))
	return hash(name, name, concat(parts...))
}

func unhex(text string) []byte {
	out, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return out
}

// testKey is a finality provider's key that the test knows too.
type testKey struct {
	secret []byte
	public []byte // x-only
}

func newTestKey(secret []byte) (*testKey, error) {
	scalar := new(secp256k1.ModNScalar)
	if len(secret) != 32 || scalar.SetByteSlice(secret) || scalar.IsZero() {
		return nil, errors.New("found a secret key that is not 32 bytes in 1..n-1")
	}
	_, public := xOnly(scalar)
	return &testKey{secret: secret, public: public}, nil
}

// xOnly returns whether the point x·G has odd y, and its x coordinate.
func xOnly(x *secp256k1.ModNScalar) (bool, []byte) {
	point := secp256k1.NewPrivateKey(x).PubKey().SerializeCompressed()
	return point[0] == 0x03, point[1:]
}

// secretRandomness is HMAC-SHA256 with the secret key over BE64(height) ‖ chain_id ‖ BE64(iteration), the
// first result in 1..n-1.
func (k *testKey) secretRandomness(chainID string, height uint64) *secp256k1.ModNScalar {
	for iteration := uint64(0); ; iteration++ {
		mac := hmac.New(sha256.New, k.secret)
		mac.Write(concat(be64(height), []byte(chainID), be64(iteration)))
		secret := new(secp256k1.ModNScalar)
		if overflow := secret.SetByteSlice(mac.Sum(nil)); !overflow && !secret.IsZero() {
			return secret
		}
	}
}

func (k *testKey) publicRandomness(chainID string, height uint64) []byte {
	_, public := xOnly(k.secretRandomness(chainID, height))
	return public
}

// list returns the public randomness of num heights, interval blocks apart.
func (k *testKey) list(chainID string, start uint64, num uint32, interval uint64) [][]byte {
	leaves := make([][]byte, 0, num)
	for index := range uint64(num) {
		leaves = append(leaves, k.publicRandomness(chainID, start+index*interval))
	}
	return leaves
}

// derived keeps what knownList made; cases and tests ask for the same lists often.
var derived sync.Map

// knownList is list, made once.
func (k *testKey) knownList(chainID string, start uint64, num uint32, interval uint64) [][]byte {
	name := fmt.Sprintf("%x %q %d %d %d", k.public, chainID, start, num, interval)
	if leaves, found := derived.Load(name); found {
		return leaves.([][]byte)
	}
	leaves := k.list(chainID, start, num, interval)
	derived.Store(name, leaves)
	return leaves
}

// sign is the EOTS over a message: s = k + e·d.
func (k *testKey) sign(chainID string, height uint64, message []byte) []byte {
	d := new(secp256k1.ModNScalar)
	d.SetByteSlice(k.secret)
	if odd, _ := xOnly(d); odd {
		d.Negate()
	}
	r := k.secretRandomness(chainID, height)
	odd, public := xOnly(r)
	if odd {
		r.Negate()
	}
	s := challenge(public, k.public, hash(message)).Mul(d).Add(r).Bytes()
	return s[:]
}

func challenge(randomness, key, digest []byte) *secp256k1.ModNScalar {
	e := new(secp256k1.ModNScalar)
	e.SetByteSlice(taggedHash("BIP0340/challenge", randomness, key, digest))
	return e
}

// lift returns the point with even y.
func lift(x []byte) (*secp256k1.JacobianPoint, error) {
	if len(x) != 32 {
		return nil, fmt.Errorf("found %d bytes; an x coordinate has 32", len(x))
	}
	parsed, err := secp256k1.ParsePubKey(append([]byte{2}, x...))
	if err != nil {
		return nil, err
	}
	var point secp256k1.JacobianPoint
	parsed.AsJacobian(&point)
	return &point, nil
}

// checkEquation checks s·G = R + e·P, with R and P lifted to even y and e the challenge over a digest.
func checkEquation(key, randomness, digest, signature []byte) error {
	s := new(secp256k1.ModNScalar)
	if len(signature) != 32 || s.SetByteSlice(signature) {
		return errors.New("s is not 32 bytes below n")
	}
	p, err := lift(key)
	if err != nil {
		return err
	}
	r, err := lift(randomness)
	if err != nil {
		return err
	}
	var left, product, right secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(s, &left)
	secp256k1.ScalarMultNonConst(challenge(randomness, key, digest), p, &product)
	secp256k1.AddNonConst(r, &product, &right)
	left.ToAffine()
	right.ToAffine()
	if !left.X.Equals(&right.X) || !left.Y.Equals(&right.Y) {
		return errors.New("s·G is not R + e·P")
	}
	return nil
}

// verifyEOTS verifies a signature over a message with the randomness of a height.
func (k *testKey) verifyEOTS(chainID string, height uint64, message, signature []byte) error {
	return checkEquation(k.public, k.publicRandomness(chainID, height), hash(message), signature)
}

// verifySchnorr verifies a BIP-340 signature over a digest.
func verifySchnorr(key, digest, signature []byte) error {
	if len(signature) != 64 {
		return fmt.Errorf("found a signature of %d bytes; must be 64", len(signature))
	}
	return checkEquation(key, signature[:32], digest, signature[32:])
}

// merkleRoot is the tree of RFC 6962.
func merkleRoot(leaves [][]byte) []byte {
	switch len(leaves) {
	case 0:
		return hash()
	case 1:
		return hash([]byte{0}, leaves[0])
	}
	half := 1
	for 2*half < len(leaves) {
		half *= 2
	}
	return hash([]byte{1}, merkleRoot(leaves[:half]), merkleRoot(leaves[half:]))
}

// commitmentDigest is what a provider signs to commit to a list.
func commitmentDigest(context string, start uint64, num uint32, leaves [][]byte) []byte {
	return hash([]byte(context), be64(start), be64(uint64(num)), merkleRoot(leaves))
}

// signingContext is the text that is put before what is signed for a consumer chain.
func signingContext(operation, chainID, address string) string {
	return hex.EncodeToString(hash(fmt.Appendf(nil, "btcstaking/0/%s/%s/%s", operation, chainID, address)))
}
