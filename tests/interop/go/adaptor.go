package main

import (
	"bytes"

	asig "github.com/babylonlabs-io/babylon/v4/crypto/schnorr-adaptor-signature"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

type adaptorCase struct {
	SecretKey              hx `json:"secret_key"`
	PublicKey              hx `json:"public_key"`
	DecryptionSecret       hx `json:"decryption_secret"`
	EncryptionKey          hx `json:"encryption_key"`
	Message                hx `json:"message"`
	AdaptorSignature       hx `json:"adaptor_signature"`
	OldAdaptorSignature    hx `json:"old_adaptor_signature,omitempty"`
	Signature              hx `json:"signature"`
	RecoveredDecryptionKey hx `json:"recovered_decryption_key"`
}

// oldForm is the 66-byte form. The reference reads it and no longer writes it.
func oldForm(sig []byte) []byte {
	return concat([]byte{0x02}, sig[1:], []byte{sig[0] - 0x02})
}

// adaptorSign signs with the reference. The reference wipes the auxiliary bytes it is given, so it gets a copy.
func adaptorSign(secret *btcec.ModNScalar, encryptionKey *asig.EncryptionKey, message, aux []byte) []byte {
	return get(asig.EncSignWithAuxData(secretKey(secret), encryptionKey, message, clone(aux))).MustMarshal()
}

func encryptionKeyOf(decryptionSecret *btcec.ModNScalar) *asig.EncryptionKey {
	return get(asig.NewEncryptionKeyFromBTCPK(secretKey(decryptionSecret).PubKey()))
}

func adaptorVerify(key, encryptionKey, message, adaptorSignature []byte) error {
	point, err := lift(key)
	if err != nil {
		return err
	}
	t, err := asig.NewEncryptionKeyFromBytes(encryptionKey)
	if err != nil {
		return err
	}
	sig, err := asig.NewAdaptorSignatureFromBytes(adaptorSignature)
	if err != nil {
		return err
	}
	return sig.EncVerify(point, t, message)
}

func adaptorDecrypt(decryptionSecret, adaptorSignature []byte) ([]byte, error) {
	// The reference's constructor negates its argument in place where the point is odd; this one decodes for itself.
	key, err := asig.NewDecryptionKeyFromBytes(clone(decryptionSecret))
	if err != nil {
		return nil, err
	}
	sig, err := asig.NewAdaptorSignatureFromBytes(adaptorSignature)
	if err != nil {
		return nil, err
	}
	decrypted, err := sig.Decrypt(key)
	if err != nil {
		return nil, err
	}
	return decrypted.Serialize(), nil
}

func adaptorRecover(adaptorSignature, signature []byte) ([]byte, error) {
	sig, err := asig.NewAdaptorSignatureFromBytes(adaptorSignature)
	if err != nil {
		return nil, err
	}
	decrypted, err := schnorr.ParseSignature(signature)
	if err != nil {
		return nil, err
	}
	key, err := sig.Extract(decrypted)
	if err != nil {
		return nil, err
	}
	return key.ToBytes(), nil
}

func adaptorCases() file {
	s := newStream("adaptor")
	var cases []any
	add := func(secret, decryptionSecret *btcec.ModNScalar) {
		encryptionKey := encryptionKeyOf(decryptionSecret)
		c := adaptorCase{
			SecretKey:        scalarBytes(secret),
			PublicKey:        xOnly(secret),
			DecryptionSecret: scalarBytes(decryptionSecret),
			EncryptionKey:    encryptionKey.ToBytes(),
			Message:          s.bytes(32),
		}
		c.AdaptorSignature = adaptorSign(secret, encryptionKey, c.Message, repeat(0, 32))
		old := oldForm(c.AdaptorSignature)
		if len(cases)%4 == 0 {
			c.OldAdaptorSignature = old
		}
		must(adaptorVerify(c.PublicKey, c.EncryptionKey, c.Message, c.AdaptorSignature))
		expect(bytes.Equal(get(asig.NewAdaptorSignatureFromBytes(old)).MustMarshal(), c.AdaptorSignature), "the old form is read")
		c.Signature = get(adaptorDecrypt(c.DecryptionSecret, c.AdaptorSignature))
		must(schnorrVerify(c.PublicKey, c.Message, c.Signature))
		c.RecoveredDecryptionKey = get(adaptorRecover(c.AdaptorSignature, c.Signature))
		expect(bytes.Equal(c.RecoveredDecryptionKey, scalarBytes(withParity(decryptionSecret, false))), "the decryption key comes back")
		cases = append(cases, c)
	}
	edges := edgeScalars()
	for i, secret := range edges {
		for j, decryptionSecret := range edges {
			if (i+j)%2 == 0 || i == j {
				add(secret, decryptionSecret)
			}
		}
	}
	for i := range 268 {
		add(s.scalarWithParity(i%2 == 1), s.scalarWithParity(i/2%2 == 1))
	}
	return file{
		kind: "adaptor",
		description: "Adaptor signatures: sign, verify, decrypt to a BIP-340 signature over message, recover the decryption key. decryption_secret is the provider's " +
			"secret key, of either parity; encryption_key its point lifted to even y; recovered_decryption_key the secret of that lifted point. Made with 32 " +
			"zero bytes of auxiliary randomness, but the reference's nonce hashes the 33-byte compressed public key where the specification has the x-only one: " +
			"another signer gets another nonce. old_adaptor_signature, where present, is the same in the 66-byte form that the reference still reads.",
		source: from(babylon, "crypto/schnorr-adaptor-signature.EncSignWithAuxData, EncVerify, Decrypt, Extract, NewAdaptorSignatureFromBytes"),
		cases:  cases,
	}
}
