//! The coefficients of the random linear combination.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::challenge::tagged;

static BATCH: LazyLock<Sha256> = LazyLock::new(|| tagged("btcstake/eots/batch"));
static COEFFICIENT: LazyLock<Sha256> = LazyLock::new(|| tagged("btcstake/eots/batch/coefficient"));

/// Takes the whole batch in, then gives a coefficient for every item.
pub(crate) struct Transcript(Sha256);

impl Transcript {
    pub(crate) fn new() -> Self {
        Self(BATCH.clone())
    }

    /// One item: public key, public randomness, message digest and signature, 128 bytes. The length is fixed, so different batches are
    /// different bytes.
    pub(crate) fn absorb(&mut self, item: [&[u8; 32]; 4]) {
        for part in item {
            self.0.update(part);
        }
    }

    /// `seed = H_"btcstake/eots/batch"(items)`; the first coefficient is 1, and the others are the 16-byte halves, big-endian, of
    /// `H_"btcstake/eots/batch/coefficient"(seed ‖ BE64(i))` for i = 0, 1, …, without end.
    pub(crate) fn coefficients(self) -> impl Iterator<Item = u128> {
        let state = COEFFICIENT.clone().chain_update(self.0.finalize());
        let others = (0_u64..).flat_map(move |counter| {
            let hash: [u8; 32] = state.clone().chain_update(counter.to_be_bytes()).finalize().into();
            let mut halves = [0; 2];
            for (half, bytes) in halves.iter_mut().zip(hash.as_chunks::<16>().0) {
                *half = u128::from_be_bytes(*bytes);
            }
            halves
        });
        core::iter::once(1).chain(others)
    }
}
