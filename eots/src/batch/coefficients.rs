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

#[cfg(test)]
mod tests {
    use super::*;

    /// Items whose parts are 32 equal bytes each: 1, 2, 3, 4 and 5, 6, 7, 8.
    fn items() -> [[[u8; 32]; 4]; 2] {
        [[1, 2, 3, 4].map(|byte| [byte; 32]), [5, 6, 7, 8].map(|byte| [byte; 32])]
    }

    fn coefficients(items: &[[[u8; 32]; 4]]) -> [u128; 4] {
        let mut transcript = Transcript::new();
        items.iter().for_each(|item| transcript.absorb(item.each_ref()));
        let mut found = transcript.coefficients();
        [(); 4].map(|()| found.next().unwrap())
    }

    /// Computed by another program.
    #[test]
    fn coefficients_are_as_documented() {
        let expected = [
            1,
            0x0799_898a_df9a_73bf_4681_cbb2_8909_8a05,
            0xbf23_52fe_a26f_4e72_ab65_0800_a4ad_0bc4,
            0x8927_a3f9_79b6_a627_978b_7c36_0d50_26fd,
        ];
        assert_eq!(coefficients(&items()), expected);
    }

    /// Whoever changes anything after seeing the coefficients gets others.
    #[test]
    fn every_bit_of_every_item_changes_them_all() {
        let original = coefficients(&items());
        for item in 0..2 {
            for part in 0..4 {
                for bit in 0..256 {
                    let mut changed = items();
                    changed[item][part][bit / 8] ^= 1 << (bit % 8);
                    let found = coefficients(&changed);
                    assert!(found.iter().zip(&original).skip(1).all(|(a, b)| a != b), "{item} {part} {bit}");
                }
            }
        }
        let [first, second] = items();
        assert_ne!(coefficients(&[second, first]), original);
        assert_ne!(coefficients(&[first]), original);
    }
}
