//! The secret keys of BIP-32. No network enters: it only changes how extended keys are written.

use eots::SecretKey;
use hmac::{Hmac, Mac as _};
use secp256k1::{SECP256K1, Scalar};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

use super::hd_path::HdPath;

/// Half of the result of HMAC-SHA512.
type Half = Zeroizing<[u8; 32]>;

/// A secret key with its chain code.
struct Extended {
    key: SecretKey,
    chain_code: Half,
}

/// Returns the key that a path leads to from the master key of a seed. `None` when a key on the way is zero
/// or not below the group order, which BIP-32 calls invalid and nobody has seen (the chance is 2^-127).
pub(super) fn derive(seed: &[u8; 64], path: &HdPath) -> Option<SecretKey> {
    let (key, chain_code) = hmac_halves(b"Bitcoin seed", &[seed])?;
    let mut node = Extended { key: SecretKey::from_bytes(&key).ok()?, chain_code };
    for &index in path.indexes() {
        node = child(&node, index)?;
    }
    Some(node.key)
}

/// BIP-32's CKDpriv. The highest bit of the index says whether the child is hardened.
fn child(parent: &Extended, index: u32) -> Option<Extended> {
    let number = index.to_be_bytes();
    let (tweak, chain_code) = if index >> 31 == 1 {
        hmac_halves(parent.chain_code.as_slice(), &[&[0], parent.key.to_bytes().as_slice(), &number])
    } else {
        let public_key = parent.key.lend(|key| key.public_key(SECP256K1)).serialize();
        hmac_halves(parent.chain_code.as_slice(), &[&public_key, &number])
    }?;
    let mut tweak = Scalar::from_be_bytes(*tweak).ok()?;
    let sum = parent.key.lend(|key| key.add_tweak(&tweak));
    tweak.non_secure_erase();
    let mut sum = sum.ok()?;
    let key = SecretKey::from(&sum);
    sum.non_secure_erase();
    Some(Extended { key, chain_code })
}

/// The two halves of HMAC-SHA512.
fn hmac_halves(key: &[u8], data: &[&[u8]]) -> Option<(Half, Half)> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).ok()?;
    data.iter().for_each(|part| mac.update(part));
    let mut sum = mac.finalize().into_bytes();
    let (mut left, mut right) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
    left.iter_mut().chain(right.iter_mut()).zip(&sum).for_each(|(place, &byte)| *place = byte);
    sum.iter_mut().for_each(Zeroize::zeroize);
    Some((left, right))
}
