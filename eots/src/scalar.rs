//! Arithmetic modulo the group order, on secrets by libsecp256k1 (constant time) and on public numbers by
//! `k256`.

use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::{Invert, Reduce};
use secp256k1::{Keypair, SECP256K1, Scalar};
use zeroize::Zeroizing;

/// A secret scalar (1 to n − 1) that is erased (by volatile writes, in libsecp256k1's bindings) when it is
/// dropped. It has no `Debug`.
#[derive(Clone)]
pub(crate) struct Erased(secp256k1::SecretKey);

impl Erased {
    pub(crate) fn new(secret: secp256k1::SecretKey) -> Self {
        Self(secret)
    }

    pub(crate) fn get(&self) -> &secp256k1::SecretKey {
        &self.0
    }

    pub(crate) fn negate(&mut self) {
        let mut old = self.0;
        self.0 = old.negate();
        old.non_secure_erase();
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.secret_bytes())
    }

    /// The compressed point of this secret.
    pub(crate) fn public_key(&self) -> secp256k1::PublicKey {
        self.0.public_key(SECP256K1)
    }
}

impl Erased {
    fn erase(&mut self) {
        self.0.non_secure_erase();
    }
}

impl Drop for Erased {
    fn drop(&mut self) {
        self.erase();
    }
}

/// A secret with its point, whose bytes are erased when it is dropped.
#[derive(Clone)]
pub(crate) struct ErasedKeypair(Keypair);

impl ErasedKeypair {
    pub(crate) fn new(secret: &Erased) -> Self {
        Self(Keypair::from_secret_key(SECP256K1, &secret.0))
    }

    pub(crate) const fn get(&self) -> &Keypair {
        &self.0
    }
}

impl Drop for ErasedKeypair {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

/// A number that is zero modulo the group order, where none may be: it happens with a probability of 2^-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zero;

/// `s = k + e·d mod n`, the step of a Schnorr signature that touches secrets.
pub(crate) fn sign_step(k: &Erased, e: &Scalar, d: &Erased) -> Result<[u8; 32], Zero> {
    let product = Erased(d.0.mul_tweak(e).map_err(|_| Zero)?);
    let mut k = Scalar::from(k.0);
    let sum = product.0.add_tweak(&k);
    k.non_secure_erase();
    // The sum is the signature: public.
    Ok(sum.map_err(|_| Zero)?.secret_bytes())
}

/// `a + b mod n` of a public and a secret number, or `a − b`.
pub(crate) fn add_secret(public: &[u8; 32], secret: &Erased) -> Result<[u8; 32], Zero> {
    let public = Scalar::from_be_bytes(*public).map_err(|_| Zero)?;
    Ok(secret.0.add_tweak(&public).map_err(|_| Zero)?.secret_bytes())
}

/// The 32 secret bytes of a hash as a number modulo the group order; `None` when that is zero.
///
/// libsecp256k1 tells in constant time whether they are a scalar already. A hash is, but for a probability of
/// 2^-128, so that the comparison of [`reduce`], which takes as long as its bytes are those of the order,
/// never sees a secret.
pub(crate) fn reduce_secret(bytes: &[u8; 32]) -> Option<Erased> {
    if let Ok(secret) = secp256k1::SecretKey::from_slice(bytes) {
        return Some(Erased::new(secret));
    }
    let mut reduced = reduce(*bytes);
    let bytes = Zeroizing::new(reduced.to_be_bytes());
    reduced.non_secure_erase();
    Some(Erased::new(secp256k1::SecretKey::from_slice(bytes.as_slice()).ok()?))
}

/// The 32 public bytes as a number modulo the group order.
pub(crate) fn reduce(bytes: [u8; 32]) -> Scalar {
    match Scalar::from_be_bytes(bytes) {
        Ok(scalar) => scalar,
        Err(_) => to_secp(&public(&bytes)),
    }
}

/// `(s1 − s2) / (e1 − e2) mod n` of four public numbers; `None` when the challenges are equal or a number is
/// not below n.
pub(crate) fn quotient_of_differences(
    (s1, s2): (&[u8; 32], &[u8; 32]),
    (e1, e2): (&Scalar, &Scalar),
) -> Option<Zeroizing<[u8; 32]>> {
    let s = from_bytes(s1)? - from_bytes(s2)?;
    let e = from_bytes(&e1.to_be_bytes())? - from_bytes(&e2.to_be_bytes())?;
    // Challenges are public, so the time that this takes tells nothing.
    let inverse = Option::<k256::Scalar>::from(e.invert_vartime())?;
    Some(Zeroizing::new((s * inverse).to_bytes().into()))
}

/// `a − b mod n` of two public numbers; `None` when one is not below n.
pub(crate) fn subtract(a: &[u8; 32], b: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    Some(Zeroizing::new((from_bytes(a)? - from_bytes(b)?).to_bytes().into()))
}

/// `−a·b mod n` of two public numbers; `None` when one is not below n.
pub(crate) fn negated_product(a: &[u8; 32], b: &[u8; 32]) -> Option<[u8; 32]> {
    Some((-(from_bytes(a)? * from_bytes(b)?)).to_bytes().into())
}

/// Returns whether these bytes are a number below n.
pub(crate) fn is_canonical(bytes: &[u8; 32]) -> bool {
    Scalar::from_be_bytes(*bytes).is_ok()
}

/// The 32 bytes of a public number, modulo the group order.
pub(crate) fn public(bytes: &[u8; 32]) -> k256::Scalar {
    <k256::Scalar as Reduce<k256::U256>>::reduce_bytes(&(*bytes).into())
}

fn from_bytes(bytes: &[u8; 32]) -> Option<k256::Scalar> {
    Option::from(k256::Scalar::from_repr((*bytes).into()))
}

fn to_secp(scalar: &k256::Scalar) -> Scalar {
    // A k256 scalar is always below n, so the second arm is never taken.
    Scalar::from_be_bytes(scalar.to_bytes().into()).unwrap_or(Scalar::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `drop` does, looked at; and that there is a `drop`, in every type that holds a secret.
    #[test]
    fn secrets_are_erased_when_dropped() {
        let mut secret = Erased::new(secp256k1::SecretKey::from_slice(&[0x5a; 32]).unwrap());
        secret.erase();
        assert!(!secret.0.secret_bytes().contains(&0x5a));
        assert!(core::mem::needs_drop::<Erased>());
        assert!(
            core::mem::needs_drop::<crate::SecretKey>() && core::mem::needs_drop::<crate::SecretRandomness>()
        );
    }

    #[test]
    fn reduce_is_modulo_the_group_order() {
        let n: [u8; 32] = secp256k1::constants::CURVE_ORDER;
        assert_eq!(reduce(n).to_be_bytes(), [0; 32]);
        let mut above = n;
        above[31] += 1;
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(reduce(above).to_be_bytes(), one);
        assert_eq!(reduce(one).to_be_bytes(), one);
        let secret = |bytes| reduce_secret(&bytes).map(|secret| *secret.to_bytes());
        assert_eq!((secret([0; 32]), secret(n)), (None, None));
        assert_eq!((secret(above), secret(one), secret([7; 32])), (Some(one), Some(one), Some([7; 32])));
    }

    #[test]
    fn arithmetic_refuses_numbers_not_below_the_group_order() {
        let n: [u8; 32] = secp256k1::constants::CURVE_ORDER;
        assert!(!is_canonical(&n));
        assert_eq!(subtract(&n, &[1; 32]), None);
        assert_eq!(negated_product(&[1; 32], &n), None);
        assert_eq!(quotient_of_differences((&[1; 32], &[2; 32]), (&Scalar::ONE, &Scalar::ONE)), None);
    }
}
