package main

import (
	asig "github.com/babylonlabs-io/babylon/v4/crypto/schnorr-adaptor-signature"
	"github.com/btcsuite/btcd/btcec/v2"
)

// adaptorParts is a valid adaptor signature and the secrets that made it.
type adaptorParts struct {
	secret, decryption               *btcec.ModNScalar
	key, encryptionKey, message, sig []byte
}

func (n *negatives) adaptor(decryption *btcec.ModNScalar) adaptorParts {
	odd := len(n.cases)%2 == 1
	if decryption == nil {
		decryption = n.scalarWithParity(len(n.cases)/2%2 == 1)
	}
	p := adaptorParts{secret: n.scalarWithParity(odd), decryption: decryption, message: n.bytes(32)}
	p.key = xOnly(p.secret)
	p.encryptionKey = encryptionKeyOf(decryption).ToBytes()
	p.resign(n)
	return p
}

func (p *adaptorParts) resign(n *negatives) {
	t := get(asig.NewEncryptionKeyFromBytes(p.encryptionKey))
	p.sig = adaptorSign(p.secret, t, p.message, n.bytes(32))
	must(adaptorVerify(p.key, p.encryptionKey, p.message, p.sig))
}

// withParityOfR0 makes signatures until R0 has the wanted parity.
func (p *adaptorParts) withParityOfR0(n *negatives, prefix byte) {
	for p.sig[0] != prefix {
		p.resign(n)
	}
}

type badAdaptorVerify struct {
	head
	PublicKey        hx `json:"public_key"`
	EncryptionKey    hx `json:"encryption_key"`
	Message          hx `json:"message"`
	AdaptorSignature hx `json:"adaptor_signature"`
	verdict
}

func negativeAdaptorVerify(n *negatives) {
	add := func(rule, note string, change func(p *adaptorParts)) {
		p := n.adaptor(nil)
		change(&p)
		n.cases = append(n.cases, badAdaptorVerify{
			head{"adaptor_verify", rule}, p.key, p.encryptionKey, p.message, p.sig,
			judge(func() error { return adaptorVerify(p.key, p.encryptionKey, p.message, p.sig) }, note),
		})
	}
	add("encryption_key_of_another", "", func(p *adaptorParts) { p.encryptionKey = encryptionKeyOf(n.scalar()).ToBytes() })
	add("encryption_key_is_the_signer", "", func(p *adaptorParts) { p.encryptionKey = encryptionKeyOf(p.secret).ToBytes() })
	add("encryption_key_bit", "", func(p *adaptorParts) { p.encryptionKey = flip(p.encryptionKey, 8+n.below(256)) })
	add("encryption_key_not_on_curve", "", func(p *adaptorParts) { p.encryptionKey = concat([]byte{2}, n.offCurve()) })
	add("encryption_key_above_p", "", func(p *adaptorParts) { p.encryptionKey = concat([]byte{2}, plus(fieldPrime, 1)) })
	add("encrypted_to_the_odd_point", "made for the key's odd point", func(p *adaptorParts) {
		// The same equation with −T: R0 = kG − T.
		t := withParity(p.decryption, false)
		for {
			k := n.scalar()
			if r0 := sum(k, negated(t)); !r0.IsZero() {
				p.sig = adaptorByHand(*p, k, r0)
				return
			}
		}
	})
	add("message_of_another", "", func(p *adaptorParts) { p.message = n.bytes(32) })
	add("message_bit", "", func(p *adaptorParts) { p.message = flip(p.message, n.below(256)) })
	add("message_too_short", "", func(p *adaptorParts) { p.message = p.message[:31] })
	add("message_too_long", "", func(p *adaptorParts) { p.message = concat(p.message, []byte{0}) })
	add("message_empty", "", func(p *adaptorParts) { p.message = nil })
	add("key_of_another", "", func(p *adaptorParts) { p.key = xOnly(n.scalar()) })
	add("key_bit", "", func(p *adaptorParts) { p.key = flip(p.key, n.below(256)) })
	add("key_not_on_curve", "", func(p *adaptorParts) { p.key = n.offCurve() })
	add("key_above_p", "", func(p *adaptorParts) { p.key = plus(fieldPrime, 1) })
	add("keys_swapped", "", func(p *adaptorParts) {
		p.key, p.encryptionKey = p.encryptionKey[1:], concat([]byte{2}, p.key)
	})
	for _, prefix := range []byte{2, 3} {
		add("prefix_flipped", "", func(p *adaptorParts) {
			p.withParityOfR0(n, prefix)
			p.sig = flip(p.sig, 7)
		})
	}
	for _, bit := range []int{8, 263, 8 + n.below(256)} {
		add("randomness_bit", "", func(p *adaptorParts) { p.sig = flip(p.sig, bit) })
	}
	for _, bit := range []int{264, 519, 264 + n.below(256)} {
		add("signature_bit", "", func(p *adaptorParts) { p.sig = flip(p.sig, bit) })
	}
	add("s_zero", "", func(p *adaptorParts) { p.sig = concat(p.sig[:33], repeat(0, 32)) })
	add("s_negated", "", func(p *adaptorParts) { p.sig = concat(p.sig[:33], scalarBytes(negated(scalarOf(p.sig[33:])))) })
	add("signature_of_another_message", "", func(p *adaptorParts) {
		message := p.message
		p.message = n.bytes(32)
		p.resign(n)
		p.message = message
	})
	add("randomness_of_another_signature", "R0 of one signature, s of another", func(p *adaptorParts) {
		r0 := p.sig[:33]
		p.resign(n)
		p.sig = concat(r0, p.sig[33:])
	})
	add("nonce_at_infinity", "s = e·d", func(p *adaptorParts) {
		e := challenge(p.sig[1:33], p.key, p.message)
		p.sig = concat(p.sig[:33], scalarBytes(product(e, withParity(p.secret, false))))
	})
	add("not_encrypted", "a BIP-340 signature with prefix 02: its encryption key is the point at infinity", func(p *adaptorParts) {
		p.sig = concat([]byte{2}, schnorrSign(p.secret, p.message))
	})
	add("already_decrypted", "the decrypted signature in the place of the encrypted one", func(p *adaptorParts) {
		p.sig = concat(p.sig[:1], get(adaptorDecrypt(scalarBytes(p.decryption), p.sig)))
	})
	add("key_parity_ignored", "signed with the secret of the odd point", func(p *adaptorParts) {
		k := n.scalar()
		p.secret = negated(withParity(p.secret, false))
		p.sig = adaptorByHandWith(*p, p.secret, k, sum(k, withParity(p.decryption, false)))
	})
	add("old_form_wrong_flag", "the 66-byte form with the other value of its last byte", func(p *adaptorParts) {
		old := oldForm(p.sig)
		old[65] ^= 1
		p.sig = old
	})
}

// adaptorByHand makes an adaptor signature with nonce k and R0 = r0·G.
func adaptorByHand(p adaptorParts, k, r0 *btcec.ModNScalar) []byte {
	return adaptorByHandWith(p, withParity(p.secret, false), k, r0)
}

func adaptorByHandWith(p adaptorParts, d, k, r0 *btcec.ModNScalar) []byte {
	if hasOddY(r0) {
		k = negated(k)
	}
	point := secretKey(r0).PubKey().SerializeCompressed()
	e := challenge(point[1:], p.key, p.message)
	return concat(point, scalarBytes(sum(k, product(e, d))))
}

type badAdaptorDecode struct {
	head
	AdaptorSignature hx `json:"adaptor_signature"`
	verdict
}

func negativeAdaptorDecode(n *negatives) {
	add := func(rule, note string, change func(sig []byte) []byte) {
		sig := change(n.adaptor(nil).sig)
		n.cases = append(n.cases, badAdaptorDecode{
			head{"adaptor_decode", rule}, sig,
			judge(func() error { _, err := asig.NewAdaptorSignatureFromBytes(sig); return err }, note),
		})
	}
	add("empty", "", func([]byte) []byte { return nil })
	add("too_short", "", func(sig []byte) []byte { return sig[:64] })
	add("too_short", "without the prefix", func(sig []byte) []byte { return sig[1:] })
	add("too_long", "", func(sig []byte) []byte { return concat(oldForm(sig), []byte{0}) })
	for _, prefix := range []byte{0x00, 0x01, 0x04, 0x06, 0x82} {
		add("prefix", "", func(sig []byte) []byte { return concat([]byte{prefix}, sig[1:]) })
	}
	add("randomness_at_infinity", "33 zero bytes", func(sig []byte) []byte { return concat(repeat(0, 33), sig[33:]) })
	add("randomness_not_on_curve", "", func(sig []byte) []byte { return concat(sig[:1], n.offCurve(), sig[33:]) })
	add("randomness_equals_p", "", func(sig []byte) []byte { return concat(sig[:1], fieldPrime, sig[33:]) })
	add("randomness_above_p", "p + 1; x = 1 is on the curve", func(sig []byte) []byte {
		return concat(sig[:1], plus(fieldPrime, 1), sig[33:])
	})
	add("s_equals_n", "", func(sig []byte) []byte { return concat(sig[:33], groupOrder) })
	add("s_above_n", "", func(sig []byte) []byte { return concat(sig[:33], plus(groupOrder, 1)) })
	add("s_above_n", "", func(sig []byte) []byte { return concat(sig[:33], allOnes) })
	add("old_form_prefix", "", func(sig []byte) []byte { return concat([]byte{3}, oldForm(sig)[1:]) })
	add("old_form_prefix", "", func(sig []byte) []byte { return concat([]byte{0}, oldForm(sig)[1:]) })
	add("old_form_flag", "", func(sig []byte) []byte { return concat(oldForm(sig)[:65], []byte{2}) })
	add("old_form_flag", "", func(sig []byte) []byte { return concat(oldForm(sig)[:65], []byte{0xff}) })
	add("old_form_s_equals_n", "", func(sig []byte) []byte { return concat(oldForm(sig)[:33], groupOrder, []byte{0}) })
	add("old_form_not_on_curve", "", func(sig []byte) []byte { return concat([]byte{2}, n.offCurve(), sig[33:], []byte{1}) })
}

type badDecrypt struct {
	head
	PublicKey        hx `json:"public_key"`
	Message          hx `json:"message"`
	DecryptionSecret hx `json:"decryption_secret"`
	AdaptorSignature hx `json:"adaptor_signature"`
	verdict
}

type badRecover struct {
	head
	EncryptionKey    hx `json:"encryption_key"`
	AdaptorSignature hx `json:"adaptor_signature"`
	Signature        hx `json:"signature"`
	verdict
}

func negativeAdaptorUse(n *negatives) {
	decrypt := func(rule, note string, decryption *btcec.ModNScalar, change func(p *adaptorParts, secret *[]byte)) {
		p := n.adaptor(decryption)
		secret := scalarBytes(p.decryption)
		change(&p, &secret)
		n.cases = append(n.cases, badDecrypt{
			head{"adaptor_decrypt", rule}, p.key, p.message, secret, p.sig,
			judge(func() error {
				signature, err := adaptorDecrypt(secret, p.sig)
				if err != nil {
					return err
				}
				return schnorrVerify(p.key, p.message, signature)
			}, note),
		})
	}
	const unchecked = "the reference's Decrypt reports nothing; BIP-340 verification of its result does"
	one := new(btcec.ModNScalar).SetInt(1)
	decrypt("decryption_key_of_another", unchecked, nil, func(_ *adaptorParts, secret *[]byte) { *secret = scalarBytes(n.scalar()) })
	decrypt("decryption_key_bit", unchecked, nil, func(_ *adaptorParts, secret *[]byte) { *secret = flip(*secret, 255) })
	decrypt("decryption_key_zero", "", nil, func(_ *adaptorParts, secret *[]byte) { *secret = repeat(0, 32) })
	decrypt("decryption_key_equals_n", "", nil, func(_ *adaptorParts, secret *[]byte) { *secret = clone(groupOrder) })
	decrypt("decryption_key_above_n", "n + 1 for 1: the reference reduces it", one, func(_ *adaptorParts, secret *[]byte) { *secret = plus(groupOrder, 1) })
	decrypt("decryption_key_too_short", "", nil, func(_ *adaptorParts, secret *[]byte) { *secret = (*secret)[:31] })
	decrypt("decryption_key_too_long", "", nil, func(_ *adaptorParts, secret *[]byte) { *secret = concat([]byte{0}, *secret) })
	decrypt("signature_of_another_message", unchecked, nil, func(p *adaptorParts, _ *[]byte) { p.message = n.bytes(32) })
	decrypt("prefix_flipped", unchecked, nil, func(p *adaptorParts, _ *[]byte) { p.sig = flip(p.sig, 7) })
	decrypt("s_zero", "", nil, func(p *adaptorParts, _ *[]byte) { p.sig = concat(p.sig[:33], repeat(0, 32)) })

	recoverKey := func(rule, note string, change func(p *adaptorParts, signature []byte) []byte) {
		p := n.adaptor(nil)
		signature := get(adaptorDecrypt(scalarBytes(p.decryption), p.sig))
		signature = change(&p, signature)
		n.cases = append(n.cases, badRecover{
			head{"adaptor_recover", rule}, p.encryptionKey, p.sig, signature,
			judge(func() error { _, err := adaptorRecover(p.sig, signature); return err }, note),
		})
	}
	const garbage = "the reference returns a scalar that does not belong to the encryption key"
	const right = "the reference ignores this half of the signature and returns the right key"
	recoverKey("signature_of_another_message", garbage, func(p *adaptorParts, _ []byte) []byte {
		return schnorrSign(p.secret, n.bytes(32))
	})
	recoverKey("s_bit", garbage, func(_ *adaptorParts, signature []byte) []byte { return flip(signature, 256+n.below(256)) })
	recoverKey("s_not_decrypted", "the reference returns zero", func(p *adaptorParts, _ []byte) []byte { return clone(p.sig[1:]) })
	recoverKey("s_zero", "", func(_ *adaptorParts, signature []byte) []byte { return concat(signature[:32], repeat(0, 32)) })
	recoverKey("s_equals_n", "", func(_ *adaptorParts, signature []byte) []byte { return concat(signature[:32], groupOrder) })
	recoverKey("s_above_n", "s = n + 5, chosen together with the adaptor signature: btcec reduces it and the reference returns the right key",
		func(p *adaptorParts, signature []byte) []byte {
			t := withParity(p.decryption, false)
			if p.sig[0] == 2 {
				t = negated(t)
			}
			p.sig = concat(p.sig[:33], scalarBytes(sum(new(btcec.ModNScalar).SetInt(5), t)))
			return concat(signature[:32], plus(groupOrder, 5))
		})
	recoverKey("randomness_bit", right, func(_ *adaptorParts, signature []byte) []byte { return flip(signature, n.below(256)) })
	recoverKey("randomness_above_p", "", func(_ *adaptorParts, signature []byte) []byte { return concat(allOnes, signature[32:]) })
	recoverKey("prefix_flipped", "the reference returns the negation of the key", func(p *adaptorParts, signature []byte) []byte {
		p.sig = flip(p.sig, 7)
		return signature
	})
	recoverKey("signature_too_short", "", func(_ *adaptorParts, signature []byte) []byte { return signature[:63] })
	recoverKey("signature_too_long", "", func(_ *adaptorParts, signature []byte) []byte { return concat(signature, []byte{1}) })
}
