//! The arithmetic of the combination attack. The tests of the daemon make the attack too, and include this
//! file.

use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use k256::elliptic_curve::PrimeField as _;
use k256::elliptic_curve::ops::Reduce as _;
use k256::elliptic_curve::sec1::{FromEncodedPoint as _, ToEncodedPoint as _};
use k256::{AffinePoint, EncodedPoint, ProjectivePoint, Scalar, U256};
use secp256k1::schnorr;
use sha2::{Digest as _, Sha256};

/// As many heights as a challenge has bits.
pub(crate) const HEIGHTS: usize = 256;

/// The point with this x coordinate and an even y coordinate.
fn even_point(x: [u8; 32]) -> ProjectivePoint {
    let compressed = EncodedPoint::from_bytes([&[2], &x[..]].concat()).unwrap();
    AffinePoint::from_encoded_point(&compressed).unwrap().into()
}

fn challenge(x: [u8; 32], key: &XOnlyPublicKey, digest: [u8; 32]) -> Scalar {
    let tag = Sha256::digest("BIP0340/challenge");
    let parts = [&tag[..], &tag, &x, &key.serialize(), &digest].concat();
    Scalar::reduce(U256::from_be_slice(&Sha256::digest(parts)))
}

/// Returns a signature of `key` over `digest`, made of those of other messages: of one of two for each place
/// of the randomness. `None` as soon as one of them is refused.
pub(crate) fn forge(
    key: &XOnlyPublicKey,
    randomness: &[PublicRandomness],
    digest: [u8; 32],
    message: impl Fn(usize, u8) -> Vec<u8>,
    mut sign: impl FnMut(usize, u8) -> Option<Signature>,
) -> Option<schnorr::Signature> {
    assert_eq!(randomness.len(), HEIGHTS);
    let (mut weights, mut constant, mut power) = (Vec::new(), Scalar::ZERO, Scalar::ONE);
    let mut point = ProjectivePoint::IDENTITY;
    for (at, own) in randomness.iter().enumerate() {
        let [c0, c1] = [0, 1].map(|block| {
            let digest = Sha256::digest(message(at, block));
            challenge(own.to_bytes(), key, digest.into())
        });
        let weight = power * (c1 - c0).invert().unwrap();
        point += even_point(own.to_bytes()) * weight;
        constant -= weight * c0;
        weights.push(weight);
        power = power + power;
    }
    point -= even_point(key.serialize()) * constant;
    let point = point.to_affine().to_encoded_point(true);
    let x: [u8; 32] = point.as_bytes()[1..].try_into().unwrap();
    // BIP-340 knows R by x alone, with an even y coordinate: of another the negation is meant.
    let is_odd = point.as_bytes()[0] == 3;
    let signed = |scalar: Scalar| if is_odd { -scalar } else { scalar };
    let wanted = signed(challenge(x, key, digest)).to_repr();
    let mut s = Scalar::ZERO;
    for (at, weight) in weights.into_iter().enumerate() {
        let block = wanted[31 - at / 8] >> (at % 8) & 1;
        let signature = sign(at, block)?.to_bytes();
        s += weight * Scalar::from_repr(signature.into()).unwrap();
    }
    let bytes = [x, signed(s).to_repr().into()].concat();
    Some(schnorr::Signature::from_slice(&bytes).unwrap())
}
