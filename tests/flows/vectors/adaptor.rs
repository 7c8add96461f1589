//! Adaptor signatures: the reference's verified, decrypted and recovered from; and ours over the same input.

use bitcoin::secp256k1::{Message, SECP256K1, schnorr};
use eots::{AdaptorSignature, Parity};
use serde::Deserialize;

use super::{Bytes, cases};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    secret_key: Bytes<32>,
    public_key: Bytes<32>,
    decryption_secret: Bytes<32>,
    encryption_key: Bytes<33>,
    message: Bytes<32>,
    adaptor_signature: Bytes<65>,
    signature: Bytes<64>,
    recovered_decryption_key: Bytes<32>,
    old_adaptor_signature: Option<Bytes<66>>,
}

#[test]
fn adaptor_signatures_of_the_reference() {
    let (mut old, mut odd) = (0, 0);
    for (number, case) in cases::<Case>("adaptor", 300) {
        let (signer, provider) = (case.secret_key.secret_key(), case.decryption_secret.secret_key());
        assert_eq!(*signer.public_key(), case.public_key.public_key(), "case {number}");
        assert_eq!(
            case.encryption_key.0,
            *[&[2][..], &provider.public_key().serialize()].concat(),
            "case {number}"
        );
        let digest = Message::from_digest(case.message.0);

        let adaptor = AdaptorSignature::from_slice(&case.adaptor_signature.0).unwrap();
        assert_eq!(adaptor.to_bytes(), case.adaptor_signature.0);
        adaptor
            .verify(signer.public_key(), provider.public_key(), Message::from_digest(case.message.0))
            .unwrap();
        let signature = schnorr::Signature::from_slice(&case.signature.0).unwrap();
        assert_eq!(adaptor.decrypt(&provider).unwrap(), signature, "case {number}");
        SECP256K1.verify_schnorr(&signature, &digest, signer.public_key()).unwrap();
        let recovered = adaptor.recover(&signature).unwrap();
        assert_eq!(*recovered.to_bytes(), case.recovered_decryption_key.0, "case {number}");
        assert_eq!(recovered.to_bytes(), provider.with_parity(Parity::Even).to_bytes(), "case {number}");
        if let Some(bytes) = case.old_adaptor_signature {
            assert_eq!(AdaptorSignature::from_slice(&bytes.0).unwrap(), adaptor, "case {number}");
            old += 1;
        }

        // Ours has another nonce: the reference hashes 33 bytes of the signer's key, the specification 32.
        let ours = AdaptorSignature::sign(
            &signer,
            provider.public_key(),
            Message::from_digest(case.message.0),
            &[0; 32],
        )
        .unwrap();
        assert_ne!(ours, adaptor, "case {number}");
        let decrypted = ours.decrypt(&provider).unwrap();
        SECP256K1.verify_schnorr(&decrypted, &digest, signer.public_key()).unwrap();
        assert_eq!(
            *ours.recover(&decrypted).unwrap().to_bytes(),
            case.recovered_decryption_key.0,
            "case {number}"
        );
        odd += usize::from(provider.parity() == Parity::Odd);
    }
    assert_eq!(old, 75, "with the old form");
    assert_eq!(odd, 150, "provider keys with odd y");
}
