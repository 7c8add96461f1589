//! Verification of many signatures at once.
//!
//! # What is checked
//!
//! Item i is valid if and only if `Dᵢ = sᵢ·G − eᵢ·Pᵢ − Rᵢ` is infinity, with Pᵢ and Rᵢ the points with even y
//! of the public key and the (public) randomness ([`verify`](crate::verify()) computes `sᵢ·G − eᵢ·Pᵢ` and
//! compares). A batch is accepted when `Σ aᵢ·Dᵢ` is infinity for random 128-bit coefficients aᵢ, a₀ = 1:
//! BIP-340, "Batch Verification".
//!
//! An adaptor signature (R0, s) encrypted to T is valid if and only if `sᵢ·G − eᵢ·Pᵢ` is `R0 − T` where R0
//! has even y, and `T − R0` where it has odd y. With Rᵢ the point with even y of R0's x coordinate, that is
//! `Dᵢ = sᵢ·G − eᵢ·Pᵢ − Rᵢ ± Tᵢ`. (No signature has R0 = T: its own randomness would be infinity.)
//!
//! # Why that is sound
//!
//! It is the small exponents test of Bellare, Garay and Rabin ("Fast Batch Verification for Modular
//! Exponentiation and Digital Signatures", EUROCRYPT 1998). Let some items be invalid. If it is only the
//! first, the sum is D₀, which is not infinity. Otherwise let j be an invalid item after the first, and fix
//! all coefficients but aⱼ. Dⱼ is not infinity, and the order n of the group is a prime above 2^128, so at
//! most one of the 2^128 values of aⱼ makes the sum infinity. A batch with an invalid item is therefore
//! accepted with a probability of at most 2^-128. The order must be prime and the points must be on the curve
//! for this: they are lifted, and an item whose randomness cannot be lifted stays outside of the sum. What
//! kind the items are of makes no difference.
//!
//! The coefficients are hashed from all keys, randomness, messages and signatures of the batch, in order,
//! instead of drawn (BIP-340 allows that): with SHA-256 as a random oracle, whoever tries q different batches
//! gets an invalid one accepted with a probability of at most q·2^-128. Every caller gets the same verdict,
//! and needs no random numbers.
//!
//! When the sum is not infinity, it is taken over halves of the batch, with the same coefficients. The
//! argument holds for every part, so each part that is set aside as valid adds at most 2^-128. No sum calls
//! an item invalid: what is named was refused by itself.
//!
//! # How it is fast
//!
//! Signatures of one key share one term, and so do adaptor signatures to one encryption key. The coefficients
//! are half as long as a scalar, the keys' numbers are halved by the curve's endomorphism, and the sum is
//! taken by whichever algorithm suits its size. Half of the time then goes into lifting the points, a square
//! root each. All of it is public, so the time it takes depends on the values: never put a secret in here.

mod coefficients;
mod equation;
mod item;
mod msm;
mod search;

use core::num::NonZeroUsize;

pub use item::BatchItem;

/// The error of a batch in which some signatures do not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of {count} signatures do not verify: number {}", .invalid.len(), list(.invalid))]
#[non_exhaustive]
pub struct BatchError {
    /// The indices of the invalid ones, from 0, ascending. There is at least one.
    pub invalid: Vec<usize>,
    /// How many signatures the batch had.
    pub count: usize,
}

/// Starting a thread takes about as long as a batch of so many items.
const ITEMS_PER_THREAD: usize = 16;

/// The first few indices, as text.
fn list(indices: &[usize]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = indices.iter().take(SHOWN).map(usize::to_string).collect();
    let rest = if indices.len() > SHOWN { ", …" } else { "" };
    format!("{}{rest}", shown.join(", "))
}

/// Verifies many signatures at once, on one thread: several times as fast as one by one.
///
/// The verdict is that of verifying every item by itself; it may be wrong in the invalid's favour with a
/// probability of 2^-128. An empty batch is valid. An item may be there twice.
///
/// # Soundness
/// A random linear combination of the verification equations is checked (BIP-340, "Batch Verification"): the
/// small exponents test of Bellare, Garay and Rabin, EUROCRYPT 1998. With coefficients of 128 bits, a batch
/// with an invalid item passes for at most one value in 2^128 of the coefficient of an invalid item after the
/// first. The coefficients are SHA-256 of the whole batch, so whoever tries q batches finds one that passes
/// with a probability of at most q·2^-128; every caller gets the same verdict. Items named invalid were
/// refused by themselves.
///
/// A batch with one or two invalid items takes about twice as long, because they must be found; with many it
/// is slower than one by one, by a factor of 2 or little more.
///
/// ```
/// use eots::{BatchItem, Message, SecretKey, SecretRandomness};
///
/// let key = SecretKey::from_bytes(&[1; 32])?;
/// let mut votes = Vec::new();
/// for height in 0..10 {
///     let randomness = SecretRandomness::derive(&key, b"bbn-1", height);
///     votes.push((*randomness.public_randomness(), eots::sign(&key, randomness, b"block")?));
/// }
/// let mut items: Vec<_> = votes
///     .iter()
///     .map(|(public_randomness, signature)| BatchItem::Eots {
///         public_key: key.public_key(),
///         public_randomness,
///         message: b"block",
///         signature,
///     })
///     .collect();
/// eots::verify_batch(&items)?;
///
/// let sighash = Message::from_digest([7; 32]);
/// let signature = key.sign_bip340(sighash)?;
/// items.push(BatchItem::Bip340 { public_key: key.public_key(), message: sighash, signature: &signature });
/// eots::verify_batch(&items)?;
///
/// let message = Message::from_digest([8; 32]);
/// items[4] = BatchItem::Bip340 { public_key: key.public_key(), message, signature: &signature };
/// assert_eq!(eots::verify_batch(&items).unwrap_err().invalid, [4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`BatchError`] names the invalid ones.
pub fn verify_batch(items: &[BatchItem<'_>]) -> Result<(), BatchError> {
    verify_batch_on(NonZeroUsize::MIN, items)
}

/// Verifies a batch as [`verify_batch`] does, on at most `threads` threads, fewer for a small batch; they end
/// before it returns.
///
/// # Errors
/// [`BatchError`] names the invalid ones.
pub fn verify_batch_on(threads: NonZeroUsize, items: &[BatchItem<'_>]) -> Result<(), BatchError> {
    let worthwhile = NonZeroUsize::MIN.saturating_add(items.len() / ITEMS_PER_THREAD);
    let invalid = search::invalid(items, threads.min(worthwhile));
    if invalid.is_empty() { Ok(()) } else { Err(BatchError { invalid, count: items.len() }) }
}
