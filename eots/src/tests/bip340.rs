//! BIP-340's own vectors. Ours is a BIP-340 signature over 32 bytes, cut in two: the public randomness and
//! the signature.

use secp256k1::{Message, SECP256K1, XOnlyPublicKey};

use super::csv::{bytes, expected, rows};
use crate::verify::verify_digest;
use crate::{InvalidSignature, PublicRandomness, SecretKey, Signature};

/// Where a row is refused, if it is.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Valid,
    NoKey,
    NoSignature,
    Invalid,
}

#[test]
fn verification_and_signing() {
    let (mut verdicts, mut signed, mut with_aux, mut other_sizes) = (vec![], 0, 0, 0);
    let all = rows::<8>("bip340/test-vectors.csv");
    assert_eq!(all.len(), 19);
    for [index, secret, public, aux, message, signature, result, comment] in &all {
        // The vectors of 2022 have messages of other sizes, which nothing here signs.
        if message.len() != 64 {
            other_sizes += 1;
            continue;
        }
        let (message, signature): ([u8; 32], [u8; 64]) = (bytes(message), bytes(signature));
        let verdict = verdict(&bytes(public), &message, &signature);
        assert_eq!(verdict == Verdict::Valid, expected(result), "{index}: {comment}");
        verdicts.push(verdict);
        if secret.is_empty() {
            continue;
        }

        let key = SecretKey::from_bytes(&bytes(secret)).unwrap();
        assert_eq!(key.public_key().serialize(), bytes(public), "{index}");
        let ours = key.sign_bip340(Message::from_digest(message)).unwrap();
        SECP256K1.verify_schnorr(&ours, &Message::from_digest(message), key.public_key()).unwrap();
        // We sign without auxiliary randomness, which BIP-340 has as 32 zero bytes.
        let zero = bytes(aux) == [0; 32];
        assert_eq!(ours.serialize() == signature, zero, "{index}");
        signed += usize::from(zero);
        with_aux += usize::from(!zero);
    }
    assert_eq!((verdicts.len(), other_sizes), (15, 4));
    assert_eq!((signed, with_aux), (1, 3), "byte for byte; with auxiliary randomness");
    let refused: Vec<_> =
        verdicts.iter().enumerate().filter(|(_, verdict)| **verdict != Verdict::Valid).collect();
    let (no_key, no_signature): (Vec<_>, Vec<_>) =
        (positions(&refused, &Verdict::NoKey), positions(&refused, &Verdict::NoSignature));
    assert_eq!((no_key, no_signature, refused.len()), (vec![5, 14], vec![13], 10));
}

fn positions(refused: &[(usize, &Verdict)], verdict: &Verdict) -> Vec<usize> {
    refused.iter().filter(|(_, found)| *found == verdict).map(|(index, _)| *index).collect()
}

fn verdict(public_key: &[u8; 32], message: &[u8; 32], signature: &[u8; 64]) -> Verdict {
    let Ok(public_key) = XOnlyPublicKey::from_slice(public_key) else { return Verdict::NoKey };
    let (r, s) = signature.split_at(32);
    let randomness = PublicRandomness::from_bytes(r.try_into().unwrap());
    match Signature::from_bytes(s.try_into().unwrap()) {
        Ok(signature) => match verify_digest(&public_key, &randomness, message, &signature) {
            Ok(()) => Verdict::Valid,
            Err(error) => {
                assert_eq!((error.public_key, error.public_randomness), (public_key, randomness));
                Verdict::Invalid
            }
        },
        Err(InvalidSignature::NotBelowOrder(_)) => Verdict::NoSignature,
        Err(other) => panic!("{other}"),
    }
}
