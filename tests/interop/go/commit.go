package main

import (
	"bytes"
	"crypto/sha256"
	"math"

	bbn "github.com/babylonlabs-io/babylon/v4/types"
	ftypes "github.com/babylonlabs-io/babylon/v4/x/finality/types"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/cometbft/cometbft/crypto/merkle"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

type commitCase struct {
	dialect
	SecretKey   hx          `json:"secret_key"`
	PublicKey   hx          `json:"public_key"`
	ChainID     string      `json:"chain_id"`
	StartHeight uint64      `json:"start_height"`
	Leaves      []hx        `json:"leaves"`
	Root        hx          `json:"root"`
	Proofs      []proofCase `json:"proofs"`
	Message     hx          `json:"message"`
	Signature   hx          `json:"signature"`
}

type proofCase struct {
	Total    int64 `json:"total"`
	Index    int64 `json:"index"`
	LeafHash hx    `json:"leaf_hash"`
	Aunts    []hx  `json:"aunts"`
	Protobuf hx    `json:"protobuf"`
}

func newProofCase(p *merkle.Proof) proofCase {
	return proofCase{p.Total, p.Index, p.LeafHash, hexList(p.Aunts), get(p.ToProto().Marshal())}
}

func hexList(items [][]byte) []hx {
	out := make([]hx, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// tree derives the public randomness of count heights and commits to it.
func tree(secret *btcec.ModNScalar, chainID string, startHeight uint64, count int) (leaves [][]byte, root []byte, proofs []*merkle.Proof) {
	for i := range count {
		_, public := deriveRandomness(scalarBytes(secret), chainID, startHeight+uint64(i))
		leaves = append(leaves, public)
	}
	root, proofs = merkle.ProofsFromByteSlices(leaves)
	expect(bytes.Equal(root, merkle.HashFromByteSlices(leaves)), "two ways to the root")
	return leaves, root, proofs
}

func commitMessage(d dialect, startHeight, count uint64, root []byte) []byte {
	return concat([]byte(d.Context), be64(startHeight), be64(count), root)
}

// commitVerify checks a signed commitment: on genesis by the chain's own message type.
func commitVerify(d dialect, key []byte, startHeight, count uint64, root, signature []byte) error {
	if d.Dialect == "consumer" {
		digest := sha256.Sum256(commitMessage(d, startHeight, count, root))
		return schnorrVerify(key, digest[:], signature)
	}
	pk, err := bbn.NewBIP340PubKey(key)
	if err != nil {
		return err
	}
	sig, err := bbn.NewBIP340Signature(signature)
	if err != nil {
		return err
	}
	msg := ftypes.MsgCommitPubRandList{
		Signer: sdk.AccAddress(repeat(1, 20)).String(), FpBtcPk: pk, StartHeight: startHeight, NumPubRand: count, Commitment: root, Sig: sig,
	}
	if err := msg.ValidateBasic(); err != nil {
		return err
	}
	if digest := sha256.Sum256(commitMessage(d, startHeight, count, root)); !bytes.Equal(get(msg.HashToSign()), digest[:]) {
		return errNotEqual
	}
	return msg.VerifySig()
}

// proofVerify decodes a proof from its bytes and follows it to the root, as the chain does.
func proofVerify(protobuf, root, leaf []byte) error {
	pb, err := decodeProof(protobuf)
	if err != nil {
		return err
	}
	proof, err := merkle.ProofFromProto(pb)
	if err != nil {
		return err
	}
	return proof.Verify(root, leaf)
}

func commitCases() file {
	s := newStream("commit")
	var cases []any
	add := func(startHeight uint64, count, proofCount int) {
		i := len(cases)
		d := genesis()
		if i%3 == 2 {
			d = s.consumer("fp_rand_commit")
		}
		secret := s.scalarWithParity(i/2%2 == 1)
		chainID := []string{"bbn-1", "bbn-test-6", "euphrates-0.5.0"}[s.below(3)]
		leaves, root, proofs := tree(secret, chainID, startHeight, count)
		c := commitCase{
			dialect: d, SecretKey: scalarBytes(secret), PublicKey: xOnly(secret), ChainID: chainID, StartHeight: startHeight,
			Leaves: hexList(leaves), Root: root, Message: commitMessage(d, startHeight, uint64(count), root),
		}
		// The first and the last leaf, then any.
		indices := []int{0, count - 1}
		if proofCount == 1 {
			indices = []int{s.below(count)}
		}
		for len(indices) < proofCount {
			indices = append(indices, s.below(count))
		}
		for n, index := range indices {
			if n > 0 && index == indices[n-1] {
				continue
			}
			c.Proofs = append(c.Proofs, newProofCase(proofs[index]))
		}
		for index := range proofs {
			p := newProofCase(proofs[index])
			must(proofVerify(p.Protobuf, root, leaves[index]))
		}
		digest := sha256.Sum256(c.Message)
		c.Signature = schnorrSign(secret, digest[:])
		must(commitVerify(d, c.PublicKey, startHeight, uint64(count), root, c.Signature))
		cases = append(cases, c)
	}
	for count := 1; count <= 20; count++ {
		add(s.u64()>>20, count, 2)
	}
	for _, count := range []int{23, 28, 31, 32, 33, 36, 40} {
		add(s.u64()>>20, count, 2)
	}
	for _, count := range []int{64, 65, 127, 128, 130} {
		add(s.u64()>>30, count, 3)
	}
	for _, count := range []int{1, 2, 3, 8} {
		add(0, count, 1)
		add(1, count, 1)
		// The last range that the chain takes: start + count must not wrap.
		add(math.MaxUint64-uint64(count), count, 1)
	}
	for i := len(cases); i < 300; i++ {
		add(s.u64()>>s.between(24, 63), s.between(1, 5), 1)
	}
	return file{
		kind: "commit",
		description: "Randomness commitments: leaves[i] is the public randomness of secret_key for chain_id at height start_height+i; root, some inclusion proofs " +
			"with their tendermint.crypto.Proof bytes, and the provider's BIP-340 signature over SHA256(message), " +
			"made with 32 zero bytes of auxiliary randomness.",
		source: from(comet, "crypto/merkle.ProofsFromByteSlices, Proof.Verify, proto/tendermint/crypto.Proof") + "; genesis: " +
			from(babylon, "x/finality/types.MsgCommitPubRandList.ValidateBasic, HashToSign, VerifySig") + "; consumer: formula for context and message, btcec schnorr",
		cases: cases,
	}
}
