package main

import (
	"crypto/sha256"
	"encoding/hex"

	bbn "github.com/babylonlabs-io/babylon/v4/types"
	ftypes "github.com/babylonlabs-io/babylon/v4/x/finality/types"
	"github.com/btcsuite/btcd/btcec/v2"
)

func fromHex(text string) []byte {
	return get(hex.DecodeString(text))
}

type badVerify struct {
	head
	PublicKey        hx `json:"public_key"`
	PublicRandomness hx `json:"public_randomness"`
	Message          hx `json:"message"`
	Signature        hx `json:"signature"`
	verdict
}

func negativeVerify(n *negatives) {
	// Each case starts from fresh, valid parts, whose parities go through all combinations.
	type parts struct {
		d, k                  *btcec.ModNScalar // d belongs to the even point of the key, k to that of the randomness
		secret, secretRand    *btcec.ModNScalar // what the signer holds
		key, r, message, s, h []byte
	}
	count := 0
	fresh := func() parts {
		secret, randomness := n.scalarWithParity(count%2 == 1), n.scalarWithParity(count/2%2 == 1)
		count++
		p := parts{
			d: withParity(secret, false), k: withParity(randomness, false), secret: secret, secretRand: randomness,
			key: xOnly(secret), r: xOnly(randomness), message: n.bytes(40),
		}
		digest := sha256.Sum256(p.message)
		p.h = digest[:]
		p.s = eotsSign(secret, randomness, p.message)
		must(eotsVerify(p.key, p.r, p.message, p.s))
		return p
	}
	add := func(rule, note string, change func(p *parts)) {
		p := fresh()
		change(&p)
		n.cases = append(n.cases, badVerify{
			head{"verify", rule}, p.key, p.r, p.message, p.s,
			judge(func() error { return eotsVerify(p.key, p.r, p.message, p.s) }, note),
		})
	}
	for _, bit := range []int{0, 255, n.below(256), n.below(256)} {
		add("key_bit", "", func(p *parts) { p.key = flip(p.key, bit) })
		add("randomness_bit", "", func(p *parts) { p.r = flip(p.r, bit) })
		add("message_bit", "", func(p *parts) { p.message = flip(p.message, bit) })
		add("signature_bit", "", func(p *parts) { p.s = flip(p.s, bit) })
	}
	const reduced = "the reference reduces s modulo n and only then finds that the equation fails"
	add("s_equals_n", reduced, func(p *parts) { p.s = clone(groupOrder) })
	add("s_above_n", reduced, func(p *parts) { p.s = plus(groupOrder, 1) })
	add("s_above_n", reduced, func(p *parts) { p.s = clone(allOnes) })
	add("s_zero", "", func(p *parts) { p.s = repeat(0, 32) })
	add("s_negated", "", func(p *parts) { p.s = scalarBytes(negated(scalarOf(p.s))) })
	add("key_equals_p", "", func(p *parts) { p.key = clone(fieldPrime) })
	add("key_above_p", "p + 1; x = 1 is on the curve", func(p *parts) { p.key = plus(fieldPrime, 1) })
	add("key_above_p", "", func(p *parts) { p.key = clone(allOnes) })
	add("key_not_on_curve", "", func(p *parts) { p.key = n.offCurve() })
	add("key_not_on_curve", "", func(p *parts) { p.key = n.offCurve() })
	add("key_not_on_curve", "", func(p *parts) { p.key = repeat(0, 32) })
	const wrapped = "the reference reduces the public randomness modulo p and only then finds that it differs"
	add("randomness_equals_p", wrapped, func(p *parts) { p.r = clone(fieldPrime) })
	add("randomness_above_p", wrapped, func(p *parts) { p.r = plus(fieldPrime, 1) })
	add("randomness_above_p", wrapped, func(p *parts) { p.r = clone(allOnes) })
	add("randomness_not_on_curve", "", func(p *parts) { p.r = n.offCurve() })
	add("randomness_not_on_curve", "", func(p *parts) { p.r = repeat(0, 32) })
	add("key_parity_ignored", "signed with the secret of the odd point", func(p *parts) {
		p.s = scalarBytes(sum(p.k, product(challenge(p.r, p.key, p.h), negated(p.d))))
	})
	add("randomness_parity_ignored", "signed with the randomness of the odd point", func(p *parts) {
		p.s = scalarBytes(sum(negated(p.k), product(challenge(p.r, p.key, p.h), p.d)))
	})
	add("randomness_at_infinity", "s = e·d", func(p *parts) {
		p.s = scalarBytes(product(challenge(p.r, p.key, p.h), p.d))
	})
	add("message_not_hashed", "a BIP-340 signature over the 32-byte message itself", func(p *parts) {
		p.message = p.message[:32]
		p.s = scalarBytes(sum(p.k, product(challenge(p.r, p.key, p.message), p.d)))
	})
	add("message_hashed_twice", "", func(p *parts) {
		twice := sha256.Sum256(p.h)
		p.s = scalarBytes(sum(p.k, product(challenge(p.r, p.key, twice[:]), p.d)))
	})
	add("challenge_untagged", "", func(p *parts) {
		e := sha256.Sum256(concat(p.r, p.key, p.h))
		p.s = scalarBytes(sum(p.k, product(scalarOf(e[:]), p.d)))
	})
	add("challenge_key_first", "", func(p *parts) {
		p.s = scalarBytes(sum(p.k, product(challenge(p.key, p.r, p.h), p.d)))
	})
	add("challenge_over_compressed_key", "", func(p *parts) {
		p.s = scalarBytes(sum(p.k, product(challenge(p.r, secretKey(p.d).PubKey().SerializeCompressed(), p.h), p.d)))
	})
	add("signature_of_another_message", "", func(p *parts) { p.s = eotsSign(p.secret, p.secretRand, n.bytes(40)) })
	add("signature_under_another_randomness", "", func(p *parts) { p.s = eotsSign(p.secret, n.scalar(), p.message) })
	add("signature_by_another_key", "", func(p *parts) { p.s = eotsSign(n.scalar(), p.secretRand, p.message) })
	add("key_and_randomness_swapped", "", func(p *parts) { p.key, p.r = p.r, p.key })
	context := []byte(n.consumer("fp_fin_vote").Context)
	add("context_missing", "message carries a signing context, the signature is over the rest", func(p *parts) {
		p.message = concat(context, p.message)
	})
	add("context_unexpected", "the signature is over a signing context and message", func(p *parts) {
		p.s = eotsSign(p.secret, p.secretRand, concat(context, p.message))
	})
	add("context_as_bytes", "signed with the 32 bytes that the context's hex text stands for", func(p *parts) {
		p.s = eotsSign(p.secret, p.secretRand, concat(fromHex(string(context)), p.message))
		p.message = concat(context, p.message)
	})
	add("signature_too_short", "", func(p *parts) { p.s = p.s[:31] })
	add("signature_too_long", "", func(p *parts) { p.s = concat(p.s, []byte{0}) })
	add("signature_too_long", "the full BIP-340 signature", func(p *parts) { p.s = concat(p.r, p.s) })
	add("key_too_short", "", func(p *parts) { p.key = p.key[:31] })
	add("key_too_long", "the compressed key", func(p *parts) { p.key = secretKey(p.d).PubKey().SerializeCompressed() })
	add("randomness_too_short", "", func(p *parts) { p.r = p.r[1:] })
	add("randomness_too_long", "the compressed point", func(p *parts) { p.r = secretKey(p.k).PubKey().SerializeCompressed() })
}

type badExtract struct {
	head
	PublicKey        hx `json:"public_key"`
	PublicRandomness hx `json:"public_randomness"`
	Message1         hx `json:"message_1"`
	Signature1       hx `json:"signature_1"`
	Message2         hx `json:"message_2"`
	Signature2       hx `json:"signature_2"`
	verdict
}

func negativeExtract(n *negatives) {
	type parts struct {
		secret, randomness         *btcec.ModNScalar
		key, r, m1, s1, m2, s2, h1 []byte
	}
	count := 0
	add := func(rule, note string, change func(p *parts)) {
		secret, randomness := n.scalarWithParity(count%2 == 1), n.scalarWithParity(count/2%2 == 1)
		count++
		p := parts{secret: secret, randomness: randomness, key: xOnly(secret), r: xOnly(randomness), m1: n.bytes(40), m2: n.bytes(40)}
		p.s1, p.s2 = eotsSign(secret, randomness, p.m1), eotsSign(secret, randomness, p.m2)
		get(eotsExtract(p.key, p.r, p.m1, p.s1, p.m2, p.s2))
		change(&p)
		n.cases = append(n.cases, badExtract{
			head{"extract", rule}, p.key, p.r, p.m1, p.s1, p.m2, p.s2,
			judge(func() error { _, err := eotsExtract(p.key, p.r, p.m1, p.s1, p.m2, p.s2); return err }, note),
		})
	}
	add("equal_messages", "one signature twice", func(p *parts) { p.m2, p.s2 = p.m1, p.s1 })
	add("equal_messages", "and different signatures", func(p *parts) { p.m2 = p.m1 })
	add("equal_signatures", "", func(p *parts) { p.s2 = p.s1 })
	add("signatures_swapped", "gives the negation of the key", func(p *parts) { p.s1, p.s2 = p.s2, p.s1 })
	add("messages_swapped", "gives the negation of the key", func(p *parts) { p.m1, p.m2 = p.m2, p.m1 })
	add("key_of_another", "", func(p *parts) { p.key = xOnly(n.scalar()) })
	add("randomness_of_another", "", func(p *parts) { p.r = xOnly(n.scalar()) })
	add("randomness_differs", "the second signature is under another randomness", func(p *parts) { p.s2 = eotsSign(p.secret, n.scalar(), p.m2) })
	add("keys_differ", "the second signature is by another key", func(p *parts) { p.s2 = eotsSign(n.scalar(), p.randomness, p.m2) })
	add("key_bit", "", func(p *parts) { p.key = flip(p.key, n.below(256)) })
	add("key_not_on_curve", "", func(p *parts) { p.key = n.offCurve() })
	add("key_above_p", "", func(p *parts) { p.key = plus(fieldPrime, 1) })
	add("randomness_bit", "", func(p *parts) { p.r = flip(p.r, n.below(256)) })
	add("randomness_above_p", "", func(p *parts) { p.r = clone(allOnes) })
	add("message_bit", "first", func(p *parts) { p.m1 = flip(p.m1, n.below(320)) })
	add("message_bit", "second", func(p *parts) { p.m2 = flip(p.m2, n.below(320)) })
	add("signature_bit", "first", func(p *parts) { p.s1 = flip(p.s1, n.below(256)) })
	add("signature_bit", "second", func(p *parts) { p.s2 = flip(p.s2, n.below(256)) })
	add("signature_too_short", "", func(p *parts) { p.s1 = p.s1[:31] })
	add("signature_too_long", "", func(p *parts) { p.s2 = concat(p.s2, []byte{0}) })
	// Extraction does not verify, so values that satisfy its equation can be chosen: one with s1 = 5, written as n + 5.
	choose := func(p *parts, s1 byte) {
		d := withParity(p.secret, false)
		h1, h2 := sha256.Sum256(p.m1), sha256.Sum256(p.m2)
		difference := sum(challenge(p.r, p.key, h1[:]), negated(challenge(p.r, p.key, h2[:])))
		p.s1 = plus(groupOrder, s1)
		p.s2 = scalarBytes(sum(new(btcec.ModNScalar).SetInt(uint32(s1)), negated(product(d, difference))))
	}
	add("s_above_n", "s1 = n + 5: the reference reduces it and returns the key", func(p *parts) { choose(p, 5) })
	add("s_equals_n", "s1 = n: the reference reduces it and returns the key", func(p *parts) { choose(p, 0) })
}

type badEvidence struct {
	head
	PublicKey          hx     `json:"public_key"`
	Height             uint64 `json:"height"`
	PublicRandomness   hx     `json:"public_randomness"`
	CanonicalBlockHash hx     `json:"canonical_block_hash"`
	ForkBlockHash      hx     `json:"fork_block_hash"`
	CanonicalSignature hx     `json:"canonical_signature"`
	ForkSignature      hx     `json:"fork_signature"`
	verdict
}

func (b badEvidence) check() error {
	pk, err := bbn.NewBIP340PubKey(b.PublicKey)
	if err != nil {
		return err
	}
	e := ftypes.Evidence{
		FpBtcPk: pk, BlockHeight: b.Height, PubRand: get(bbn.NewSchnorrPubRand(clone(b.PublicRandomness))),
		CanonicalAppHash: b.CanonicalBlockHash, ForkAppHash: b.ForkBlockHash,
	}
	if e.CanonicalFinalitySig, err = bbn.NewSchnorrEOTSSig(clone(b.CanonicalSignature)); err != nil {
		return err
	}
	if e.ForkFinalitySig, err = bbn.NewSchnorrEOTSSig(clone(b.ForkSignature)); err != nil {
		return err
	}
	if err := e.ValidateBasic(); err != nil {
		return err
	}
	_, err = e.ExtractBTCSK()
	return err
}

func negativeEvidence(n *negatives) {
	count := 0
	add := func(rule, note string, change func(b *badEvidence, secret, randomness *btcec.ModNScalar)) {
		secret, randomness := n.scalarWithParity(count%2 == 1), n.scalarWithParity(count/2%2 == 1)
		count++
		b := badEvidence{
			head: head{"evidence", rule}, PublicKey: xOnly(secret), Height: n.u64() >> 30, PublicRandomness: xOnly(randomness),
			CanonicalBlockHash: n.bytes(32), ForkBlockHash: n.bytes(32),
		}
		b.CanonicalSignature = eotsSign(secret, randomness, voteMessage(genesis(), b.Height, b.CanonicalBlockHash))
		b.ForkSignature = eotsSign(secret, randomness, voteMessage(genesis(), b.Height, b.ForkBlockHash))
		must(b.check())
		change(&b, secret, randomness)
		b.verdict = judge(b.check, note)
		n.cases = append(n.cases, b)
	}
	type scalar = *btcec.ModNScalar
	add("same_block", "one vote twice", func(b *badEvidence, _, _ scalar) {
		b.ForkBlockHash, b.ForkSignature = b.CanonicalBlockHash, b.CanonicalSignature
	})
	add("same_block", "two different signatures", func(b *badEvidence, _, _ scalar) { b.ForkBlockHash = b.CanonicalBlockHash })
	add("signatures_swapped", "", func(b *badEvidence, _, _ scalar) {
		b.CanonicalSignature, b.ForkSignature = b.ForkSignature, b.CanonicalSignature
	})
	add("block_hashes_swapped", "", func(b *badEvidence, _, _ scalar) {
		b.CanonicalBlockHash, b.ForkBlockHash = b.ForkBlockHash, b.CanonicalBlockHash
	})
	add("height_differs", "", func(b *badEvidence, _, _ scalar) { b.Height++ })
	add("votes_at_two_heights", "", func(b *badEvidence, secret, randomness scalar) {
		b.ForkSignature = eotsSign(secret, randomness, voteMessage(genesis(), b.Height+1, b.ForkBlockHash))
	})
	add("randomness_differs", "", func(b *badEvidence, secret, _ scalar) {
		b.ForkSignature = eotsSign(secret, n.scalar(), voteMessage(genesis(), b.Height, b.ForkBlockHash))
	})
	add("keys_differ", "", func(b *badEvidence, _, randomness scalar) {
		b.ForkSignature = eotsSign(n.scalar(), randomness, voteMessage(genesis(), b.Height, b.ForkBlockHash))
	})
	add("context_unexpected", "the fork vote is of the consumer dialect", func(b *badEvidence, secret, randomness scalar) {
		b.ForkSignature = eotsSign(secret, randomness, voteMessage(n.consumer("fp_fin_vote"), b.Height, b.ForkBlockHash))
	})
	add("block_hash_too_short", "", func(b *badEvidence, _, _ scalar) { b.ForkBlockHash = b.ForkBlockHash[:31] })
	add("block_hash_too_long", "", func(b *badEvidence, _, _ scalar) { b.CanonicalBlockHash = concat(b.CanonicalBlockHash, []byte{0}) })
	add("key_not_on_curve", "", func(b *badEvidence, _, _ scalar) { b.PublicKey = n.offCurve() })
	add("key_of_another", "", func(b *badEvidence, _, _ scalar) { b.PublicKey = xOnly(n.scalar()) })
	add("signature_bit", "", func(b *badEvidence, _, _ scalar) { b.ForkSignature = flip(b.ForkSignature, n.below(256)) })
	add("signature_too_short", "", func(b *badEvidence, _, _ scalar) { b.ForkSignature = b.ForkSignature[:31] })
}
