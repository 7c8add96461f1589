package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/cometbft/cometbft/crypto/merkle"
)

type badProof struct {
	head
	Root hx `json:"root"`
	Leaf hx `json:"leaf"`
	proofCase
	verdict
}

// badProofBytes are bytes that are no proof.
type badProofBytes struct {
	head
	Root     hx `json:"root"`
	Leaf     hx `json:"leaf"`
	Protobuf hx `json:"protobuf"`
	verdict
}

func negativeProofs(n *negatives) {
	add := func(rule, note string, count, index int, change func(p *merkle.Proof, root, leaf *[]byte)) {
		leaves, root, proofs := tree(n.scalar(), "bbn-1", n.u64()>>30, count)
		leaf, p := leaves[index], proofs[index]
		must(proofVerify(newProofCase(p).Protobuf, root, leaf))
		aunts := [][]byte{}
		for _, aunt := range p.Aunts {
			aunts = append(aunts, clone(aunt))
		}
		p.Aunts = aunts
		change(p, &root, &leaf)
		c := newProofCase(p)
		n.cases = append(n.cases, badProof{
			head{"proof", rule}, root, leaf, c, judge(func() error { return proofVerify(c.Protobuf, root, leaf) }, note),
		})
	}
	type proof = *merkle.Proof
	add("index_next", "", 8, 3, func(p proof, _, _ *[]byte) { p.Index++ })
	add("index_previous", "", 8, 3, func(p proof, _, _ *[]byte) { p.Index-- })
	add("index_next", "", 7, 5, func(p proof, _, _ *[]byte) { p.Index++ })
	add("index_mirrored", "", 8, 2, func(p proof, _, _ *[]byte) { p.Index = 5 })
	add("index_equals_total", "", 8, 7, func(p proof, _, _ *[]byte) { p.Index = 8 })
	add("index_equals_total", "", 1, 0, func(p proof, _, _ *[]byte) { p.Index = 1 })
	add("index_negative", "", 8, 0, func(p proof, _, _ *[]byte) { p.Index = -1 })
	add("index_negative", "", 8, 0, func(p proof, _, _ *[]byte) { p.Index = math.MinInt64 })
	add("index_too_large", "", 8, 0, func(p proof, _, _ *[]byte) { p.Index = math.MaxInt64 })
	add("total_zero", "", 1, 0, func(p proof, _, _ *[]byte) { p.Total = 0 })
	add("total_negative", "", 8, 0, func(p proof, _, _ *[]byte) { p.Total = -8 })
	add("total_larger", "", 8, 3, func(p proof, _, _ *[]byte) { p.Total = 9 })
	add("total_smaller", "", 9, 3, func(p proof, _, _ *[]byte) { p.Total = 8 })
	add("total_too_large", "", 8, 3, func(p proof, _, _ *[]byte) { p.Total = math.MaxInt64 })
	const shape = "the path has the same shape for this total; only the count in the commitment can tell"
	add("total_same_shape", shape, 8, 3, func(p proof, _, _ *[]byte) { p.Total = 7 })
	add("total_same_shape", shape, 7, 0, func(p proof, _, _ *[]byte) { p.Total = 5 })
	add("aunt_bit", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts[0] = flip(p.Aunts[0], 0) })
	add("aunt_bit", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts[1] = flip(p.Aunts[1], n.below(256)) })
	add("aunt_bit", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts[2] = flip(p.Aunts[2], 255) })
	add("aunt_missing", "the lowest", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts = p.Aunts[1:] })
	add("aunt_missing", "the highest", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts = p.Aunts[:2] })
	add("aunts_missing", "", 5, 2, func(p proof, _, _ *[]byte) { p.Aunts = nil })
	add("aunt_extra", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts = append(p.Aunts, n.bytes(32)) })
	add("aunt_extra", "", 1, 0, func(p proof, _, _ *[]byte) { p.Aunts = append(p.Aunts, n.bytes(32)) })
	add("aunts_reversed", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts[0], p.Aunts[2] = p.Aunts[2], p.Aunts[0] })
	add("aunt_too_short", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts[1] = p.Aunts[1][:31] })
	add("aunt_too_long", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts[1] = append(p.Aunts[1], 0) })
	add("aunt_empty", "", 8, 3, func(p proof, _, _ *[]byte) { p.Aunts[1] = []byte{} })
	add("too_many_aunts", "101", 2, 0, func(p proof, _, _ *[]byte) {
		for len(p.Aunts) < merkle.MaxAunts+1 {
			p.Aunts = append(p.Aunts, repeat(byte(len(p.Aunts)), 32))
		}
	})
	add("leaf_hash_bit", "", 8, 3, func(p proof, _, _ *[]byte) { p.LeafHash = flip(p.LeafHash, n.below(256)) })
	add("leaf_hash_without_prefix", "", 8, 3, func(p proof, _, leaf *[]byte) {
		h := sha256.Sum256(*leaf)
		p.LeafHash = h[:]
	})
	add("leaf_hash_too_short", "", 8, 3, func(p proof, _, _ *[]byte) { p.LeafHash = p.LeafHash[:31] })
	add("leaf_hash_missing", "", 8, 3, func(p proof, _, _ *[]byte) { p.LeafHash = nil })
	add("leaf_bit", "", 8, 3, func(_ proof, _, leaf *[]byte) { *leaf = flip(*leaf, n.below(256)) })
	add("leaf_of_another_index", "", 8, 3, func(_ proof, _, leaf *[]byte) { *leaf = n.bytes(32) })
	add("leaf_is_an_inner_node", "two hashes of a level offered as a leaf one level up", 4, 0, func(p proof, _, leaf *[]byte) {
		*leaf = concat(p.LeafHash, p.Aunts[0])
		h := sha256.Sum256(concat([]byte{1}, *leaf))
		p.Total, p.LeafHash, p.Aunts = 2, h[:], p.Aunts[1:]
	})
	add("root_bit", "", 8, 3, func(_ proof, root, _ *[]byte) { *root = flip(*root, n.below(256)) })
	add("root_of_another", "", 8, 3, func(_ proof, root, _ *[]byte) { _, *root, _ = tree(n.scalar(), "bbn-1", 1, 8) })
	add("root_of_the_empty_tree", "", 1, 0, func(_ proof, root, _ *[]byte) { *root = merkle.HashFromByteSlices(nil) })
	add("root_too_short", "", 8, 3, func(_ proof, root, _ *[]byte) { *root = (*root)[:31] })

	raw := func(rule, note string, change func(b []byte) []byte) {
		leaves, root, proofs := tree(n.scalar(), "bbn-1", n.u64()>>30, 4)
		protobuf := change(newProofCase(proofs[2]).Protobuf)
		n.cases = append(n.cases, badProofBytes{
			head{"proof_bytes", rule}, root, leaves[2], protobuf, judge(func() error { return proofVerify(protobuf, root, leaves[2]) }, note),
		})
	}
	raw("truncated", "", func(b []byte) []byte { return b[:len(b)-1] })
	raw("truncated", "after the total", func(b []byte) []byte { return b[:2] })
	raw("empty", "all fields at their defaults", func([]byte) []byte { return nil })
	raw("trailing_byte", "", func(b []byte) []byte { return append(b, 0x22) })
	raw("wire_type", "the total as bytes", func(b []byte) []byte { return concat([]byte{0x0a, 0x01}, b[1:]) })
	raw("length_beyond_the_end", "", func(b []byte) []byte { b[5] = 0xff; return b })
	raw("field_number_zero", "", func(b []byte) []byte { return concat([]byte{0x00, 0x00}, b) })
}

type badCommitment struct {
	head
	dialect
	PublicKey   hx     `json:"public_key"`
	StartHeight uint64 `json:"start_height"`
	Count       uint64 `json:"count"`
	Root        hx     `json:"root"`
	Signature   hx     `json:"signature"`
	verdict
}

func negativeCommitments(n *negatives) {
	sign := func(secret *btcec.ModNScalar, message []byte) []byte {
		digest := sha256.Sum256(message)
		return schnorrSign(secret, digest[:])
	}
	count := 0
	add := func(rule, note string, consumer bool, change func(b *badCommitment, secret *btcec.ModNScalar)) {
		secret := n.scalarWithParity(count%2 == 1)
		count++
		b := badCommitment{
			head: head{"commitment", rule}, dialect: genesis(), PublicKey: xOnly(secret), StartHeight: n.u64() >> 30, Count: uint64(n.between(1, 100_000)), Root: n.bytes(32),
		}
		if consumer {
			b.dialect = n.consumer("fp_rand_commit")
		}
		check := func() error { return commitVerify(b.dialect, b.PublicKey, b.StartHeight, b.Count, b.Root, b.Signature) }
		b.Signature = sign(secret, commitMessage(b.dialect, b.StartHeight, b.Count, b.Root))
		must(check())
		change(&b, secret)
		b.verdict = judge(check, note)
		n.cases = append(n.cases, b)
	}
	// resign keeps the signature right where another rule is broken.
	resign := func(b *badCommitment, secret *btcec.ModNScalar) {
		b.Signature = sign(secret, commitMessage(b.dialect, b.StartHeight, b.Count, b.Root))
	}
	type scalar = *btcec.ModNScalar
	add("start_height_differs", "", false, func(b *badCommitment, _ scalar) { b.StartHeight++ })
	add("count_differs", "", false, func(b *badCommitment, _ scalar) { b.Count++ })
	add("root_bit", "", false, func(b *badCommitment, _ scalar) { b.Root = flip(b.Root, n.below(256)) })
	add("root_bit", "", true, func(b *badCommitment, _ scalar) { b.Root = flip(b.Root, n.below(256)) })
	add("signature_bit", "in R", false, func(b *badCommitment, _ scalar) { b.Signature = flip(b.Signature, n.below(256)) })
	add("signature_bit", "in s", false, func(b *badCommitment, _ scalar) { b.Signature = flip(b.Signature, 256+n.below(256)) })
	add("signature_bit", "in s", true, func(b *badCommitment, _ scalar) { b.Signature = flip(b.Signature, 256+n.below(256)) })
	add("s_equals_n", "", false, func(b *badCommitment, _ scalar) { b.Signature = concat(b.Signature[:32], groupOrder) })
	add("signature_too_short", "", false, func(b *badCommitment, _ scalar) { b.Signature = b.Signature[:63] })
	add("key_of_another", "", false, func(b *badCommitment, _ scalar) { b.PublicKey = xOnly(n.scalar()) })
	add("key_not_on_curve", "", false, func(b *badCommitment, _ scalar) { b.PublicKey = n.offCurve() })
	add("count_zero", "the chain refuses an empty commitment; the signature is right", false, func(b *badCommitment, secret scalar) {
		b.Count, b.Root = 0, merkle.HashFromByteSlices(nil)
		resign(b, secret)
	})
	add("heights_wrap", "start + count = 2^64; the signature is right", false, func(b *badCommitment, secret scalar) {
		b.StartHeight = -b.Count
		resign(b, secret)
	})
	add("root_too_short", "the signature is right", false, func(b *badCommitment, secret scalar) {
		b.Root = b.Root[:31]
		resign(b, secret)
	})
	add("little_endian", "", false, func(b *badCommitment, secret scalar) {
		message := binary.LittleEndian.AppendUint64(nil, b.StartHeight)
		b.Signature = sign(secret, concat(binary.LittleEndian.AppendUint64(message, b.Count), b.Root))
	})
	add("message_hashed_twice", "", false, func(b *badCommitment, secret scalar) {
		once := sha256.Sum256(commitMessage(b.dialect, b.StartHeight, b.Count, b.Root))
		b.Signature = sign(secret, once[:])
	})
	add("context_missing", "", true, func(b *badCommitment, secret scalar) {
		b.Signature = sign(secret, commitMessage(genesis(), b.StartHeight, b.Count, b.Root))
	})
	add("context_unexpected", "", false, func(b *badCommitment, secret scalar) {
		b.Signature = sign(secret, commitMessage(n.consumer("fp_rand_commit"), b.StartHeight, b.Count, b.Root))
	})
	add("context_of_another_operation", "", true, func(b *badCommitment, secret scalar) {
		other := signingContext("fp_fin_vote", b.ContextChainID, b.ContextAddress)
		b.Signature = sign(secret, concat([]byte(other), commitMessage(genesis(), b.StartHeight, b.Count, b.Root)))
	})
	add("context_of_another_chain", "", true, func(b *badCommitment, secret scalar) {
		other := signingContext("fp_rand_commit", b.ContextChainID+"0", b.ContextAddress)
		b.Signature = sign(secret, concat([]byte(other), commitMessage(genesis(), b.StartHeight, b.Count, b.Root)))
	})
	add("context_as_bytes", "signed with the 32 bytes that the context's hex text stands for", true, func(b *badCommitment, secret scalar) {
		b.Signature = sign(secret, concat(fromHex(b.Context), commitMessage(genesis(), b.StartHeight, b.Count, b.Root)))
	})
}

type badVote struct {
	head
	PublicKey        hx         `json:"public_key"`
	Height           uint64     `json:"height"`
	BlockHash        hx         `json:"block_hash"`
	PublicRandomness hx         `json:"public_randomness"`
	Signature        hx         `json:"signature"`
	Commitment       commitment `json:"commitment"`
	verdict
}

func negativeVotes(n *negatives) {
	type signer struct {
		secret *btcec.ModNScalar
		leaves [][]byte
		proofs []*merkle.Proof
		index  int
	}
	// sign is the vote for a height with the randomness of that height.
	sign := func(v signer, randomnessHeight uint64, message []byte) []byte {
		randomness, _ := deriveRandomness(scalarBytes(v.secret), "bbn-1", randomnessHeight)
		return eotsSign(v.secret, randomness, message)
	}
	count := 0
	addAt := func(rule, note string, start uint64, change func(b *badVote, v signer)) {
		v := signer{secret: n.scalarWithParity(count%2 == 1), index: 3}
		count++
		b := badVote{head: head{"vote", rule}, PublicKey: xOnly(v.secret), BlockHash: n.bytes(32)}
		var root []byte
		v.leaves, root, v.proofs = tree(v.secret, "bbn-1", start, 8)
		b.Height = start + uint64(v.index)
		b.PublicRandomness = v.leaves[v.index]
		b.Signature = sign(v, b.Height, voteMessage(genesis(), b.Height, b.BlockHash))
		b.Commitment = commitment{start, 8, root, newProofCase(v.proofs[v.index]).Protobuf}
		check := func() error {
			return voteVerify(b.PublicKey, b.Height, b.BlockHash, b.PublicRandomness, b.Signature, b.Commitment)
		}
		must(check())
		change(&b, v)
		b.verdict = judge(check, note)
		n.cases = append(n.cases, b)
	}
	add := func(rule, note string, change func(b *badVote, v signer)) {
		addAt(rule, note, n.u64()>>30, change)
	}
	add("height_is_not_of_the_index", "the vote is rightly signed for its height", func(b *badVote, v signer) {
		b.Height++
		b.Signature = sign(v, b.Height-1, voteMessage(genesis(), b.Height, b.BlockHash))
	})
	add("randomness_of_another_height", "with its own proof and signature", func(b *badVote, v signer) {
		b.PublicRandomness = v.leaves[4]
		b.Commitment.Proof = newProofCase(v.proofs[4]).Protobuf
		b.Signature = sign(v, b.Height+1, voteMessage(genesis(), b.Height, b.BlockHash))
	})
	add("randomness_not_committed", "", func(b *badVote, v signer) {
		_, b.PublicRandomness = deriveRandomness(scalarBytes(v.secret), "bbn-1", b.Height+100)
		b.Signature = sign(v, b.Height+100, voteMessage(genesis(), b.Height, b.BlockHash))
	})
	add("start_height_differs", "", func(b *badVote, _ signer) { b.Commitment.StartHeight++ })
	add("count_differs", "the proof's total is another", func(b *badVote, _ signer) { b.Commitment.Count = 9 })
	add("total_same_shape", "the proof leads to the root with a total of 7 as well", func(b *badVote, v signer) {
		p := *v.proofs[v.index]
		p.Total = 7
		b.Commitment.Proof = newProofCase(&p).Protobuf
	})
	add("root_bit", "", func(b *badVote, _ signer) { b.Commitment.Root = flip(b.Commitment.Root, n.below(256)) })
	add("proof_bit", "in an aunt", func(b *badVote, _ signer) {
		b.Commitment.Proof = flip(b.Commitment.Proof, 8*len(b.Commitment.Proof)-1)
	})
	add("proof_of_another_leaf", "", func(b *badVote, v signer) { b.Commitment.Proof = newProofCase(v.proofs[2]).Protobuf })
	add("block_hash_bit", "", func(b *badVote, _ signer) { b.BlockHash = flip(b.BlockHash, n.below(256)) })
	add("block_hash_too_short", "rightly signed", func(b *badVote, v signer) {
		b.BlockHash = b.BlockHash[:31]
		b.Signature = sign(v, b.Height, voteMessage(genesis(), b.Height, b.BlockHash))
	})
	add("block_hash_too_long", "rightly signed", func(b *badVote, v signer) {
		b.BlockHash = append(b.BlockHash, 0)
		b.Signature = sign(v, b.Height, voteMessage(genesis(), b.Height, b.BlockHash))
	})
	add("signature_of_another_height", "", func(b *badVote, v signer) {
		b.Signature = sign(v, b.Height, voteMessage(genesis(), b.Height+1, b.BlockHash))
	})
	add("signature_bit", "", func(b *badVote, _ signer) { b.Signature = flip(b.Signature, n.below(256)) })
	add("key_of_another", "", func(b *badVote, _ signer) { b.PublicKey = xOnly(n.scalar()) })
	add("little_endian_height", "", func(b *badVote, v signer) {
		b.Signature = sign(v, b.Height, concat(binary.LittleEndian.AppendUint64(nil, b.Height), b.BlockHash))
	})
	add("context_unexpected", "a vote of the consumer dialect", func(b *badVote, v signer) {
		b.Signature = sign(v, b.Height, voteMessage(n.consumer("fp_fin_vote"), b.Height, b.BlockHash))
	})
	addAt("heights_wrap", "start + index wraps to the height; the chain does not get here because it refuses such a commitment",
		math.MaxUint64-2, func(*badVote, signer) {})
}
