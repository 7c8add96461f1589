//! The randomness of an EOTS: derived from the secret key, the chain and the height, and committed before it
//! is used.

use core::fmt;
use core::num::NonZeroUsize;
use core::ops::Range;
use core::str::FromStr;
use core::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, Mac};
use secp256k1::{Parity, SECP256K1};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::key::SecretKey;
use crate::scalar::Erased;
use crate::workers::in_turns;

/// The public randomness of an EOTS: the x coordinate of the point `R`, 32 bytes.
///
/// Any 32 bytes are accepted here. Whether they are the x coordinate of a point does not matter before a
/// signature is verified, and no signature verifies under bytes that are not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicRandomness([u8; 32]);

impl PublicRandomness {
    /// The public randomness with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicRandomness({self})")
    }
}

impl FromStr for PublicRandomness {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// The secret randomness of one EOTS. Used twice, it reveals the secret key; so it is spent by move, and can
/// be neither copied nor serialized.
///
/// ```compile_fail,E0382
/// # let key = eots::SecretKey::from_bytes(&[1; 32])?;
/// let randomness = eots::SecretRandomness::derive(&key, b"bbn-1", 7);
/// eots::sign(&key, randomness, b"block A")?;
/// eots::sign(&key, randomness, b"block B")?; // use of moved value
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The same, once:
///
/// ```
/// # let key = eots::SecretKey::from_bytes(&[1; 32])?;
/// let randomness = eots::SecretRandomness::derive(&key, b"bbn-1", 7);
/// eots::sign(&key, randomness, b"block A")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SecretRandomness {
    /// The `k` of BIP-340: negated already when the point's y coordinate is odd.
    even: Erased,
    public: PublicRandomness,
}

impl SecretRandomness {
    /// The randomness of `key` for the block at `height` of the chain `chain_id`.
    ///
    /// `k = HMAC-SHA256(key = secret key, data = BE64(height) ‖ chain_id ‖ BE64(iteration))`, the iteration
    /// counting up from 0 while the value is 0 or not below the group order. Nothing else enters: two calls
    /// must differ in the key, the chain or the height to give different randomness, and then they do.
    pub fn derive(key: &SecretKey, chain_id: &[u8], height: u64) -> Self {
        // HMAC takes a key of any length, so this never is an error; the loop ends with overwhelming
        // probability in its first round.
        let secret = key.to_bytes();
        let mut iteration: u64 = 0;
        loop {
            if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_slice()) {
                mac.update(&height.to_be_bytes());
                mac.update(chain_id);
                mac.update(&iteration.to_be_bytes());
                let value = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
                if let Some(randomness) = Self::dangerous_from_bytes(&value) {
                    return randomness;
                }
            }
            iteration = iteration.wrapping_add(1);
        }
    }

    /// The randomness with these 32 big-endian bytes; `None` when the number is 0 or not below the group
    /// order.
    ///
    /// Dangerous: nothing keeps these bytes from being used twice, or from being predictable. Use
    /// [`derive`](Self::derive).
    pub fn dangerous_from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let mut even = Erased::new(secp256k1::SecretKey::from_slice(bytes).ok()?);
        let (public, parity) = even.get().x_only_public_key(SECP256K1);
        if parity == Parity::Odd {
            even.negate();
        }
        Some(Self { even, public: PublicRandomness(public.serialize()) })
    }

    /// The public part, to be committed before the randomness is spent.
    pub fn public_randomness(&self) -> &PublicRandomness {
        &self.public
    }

    pub(crate) fn even_secret(&self) -> &Erased {
        &self.even
    }
}

impl fmt::Debug for SecretRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretRandomness").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The heights a list of randomness covers: `start, start + interval, …`, `count` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomnessSchedule {
    start_height: u64,
    count: u32,
    interval: u64,
}

/// How many heights a thread takes at a time, between two reports of progress.
const PORTION: usize = 1024;
const PORTION_HEIGHTS: u32 = 1024;

/// The most heights in one schedule: a list of their public randomness takes 320 MB.
const MAX_COUNT: u32 = 10_000_000;

/// A schedule that cannot be: its interval is 0, its last height is past the end of the number range, or it
/// has too many heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{count} heights from {start_height} in steps of {interval}: the step must be above 0, the last height below 2^64, and there may be \
     ten million heights at most"
)]
#[non_exhaustive]
pub struct InvalidSchedule {
    /// The first height asked for.
    pub start_height: u64,
    /// How many heights were asked for.
    pub count: u32,
    /// The step asked for.
    pub interval: u64,
}

impl RandomnessSchedule {
    /// `count` heights from `start_height` on, `interval` apart.
    ///
    /// # Errors
    /// [`InvalidSchedule`] when `interval` is 0, the last height would not fit 64 bits, or `count` is above
    /// ten million.
    pub fn new(start_height: u64, count: u32, interval: u64) -> Result<Self, InvalidSchedule> {
        let last = u64::from(count.saturating_sub(1))
            .checked_mul(interval)
            .and_then(|span| start_height.checked_add(span));
        if interval == 0 || last.is_none() || count > MAX_COUNT {
            return Err(InvalidSchedule { start_height, count, interval });
        }
        Ok(Self { start_height, count, interval })
    }

    /// The first height.
    pub const fn start_height(self) -> u64 {
        self.start_height
    }

    /// The distance between two heights.
    pub const fn interval(self) -> u64 {
        self.interval
    }

    /// How many heights.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// The heights, in order.
    pub fn heights(self) -> impl Iterator<Item = u64> + Clone {
        // Never saturates: the constructor checked the last height.
        (0..u64::from(self.count))
            .map(move |index| self.start_height.saturating_add(index.saturating_mul(self.interval)))
    }

    /// The public randomness of `key` on the chain `chain_id` at every height of this schedule, in order.
    pub fn public_randomness(self, key: &SecretKey, chain_id: &[u8]) -> Vec<PublicRandomness> {
        self.public_randomness_on(NonZeroUsize::MIN, key, chain_id, |_| {})
    }

    /// [`public_randomness`](Self::public_randomness) on at most so many threads. `progress` is told, from
    /// any of them, how many heights are done.
    pub fn public_randomness_on(
        self,
        threads: NonZeroUsize,
        key: &SecretKey,
        chain_id: &[u8],
        progress: impl Fn(u64) + Sync,
    ) -> Vec<PublicRandomness> {
        self.for_each_height(key, chain_id, threads, progress, |public| *public)
    }

    /// What `then` makes of the public randomness at every height, in order.
    pub(crate) fn for_each_height<T: Send + Copy>(
        self,
        key: &SecretKey,
        chain_id: &[u8],
        threads: NonZeroUsize,
        progress: impl Fn(u64) + Sync,
        then: impl Fn(&PublicRandomness) -> T + Sync,
    ) -> Vec<T> {
        let done = AtomicU64::new(0);
        let portions: Vec<Range<u32>> = (0..self.count)
            .step_by(PORTION)
            .map(|first| first..first.saturating_add(PORTION_HEIGHTS).min(self.count))
            .collect();
        let results = in_turns(threads, &portions, |portion| {
            let height =
                |index: u32| self.start_height.saturating_add(u64::from(index).saturating_mul(self.interval));
            let derived = portion.clone().map(|index| SecretRandomness::derive(key, chain_id, height(index)));
            let derived: Vec<T> = derived.map(|randomness| then(&randomness.public)).collect();
            let heights = u64::from(portion.end.saturating_sub(portion.start));
            progress(done.fetch_add(heights, Ordering::Relaxed).saturating_add(heights));
            derived
        });
        results.concat()
    }
}
