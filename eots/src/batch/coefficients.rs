//! The coefficients of the random linear combination.

use std::sync::LazyLock;

use secp256k1::Parity;
use sha2::{Digest, Sha256};

use super::item::Parts;
use crate::challenge::tagged;

static BATCH: LazyLock<Sha256> = LazyLock::new(|| tagged("btcstake/eots/batch"));
static COEFFICIENT: LazyLock<Sha256> = LazyLock::new(|| tagged("btcstake/eots/batch/coefficient"));

/// Takes the whole batch in, then gives a coefficient for every item.
pub(crate) struct Transcript(Sha256);

impl Transcript {
    pub(crate) fn new() -> Self {
        Self(BATCH.clone())
    }

    /// One item: a byte, the public key, the x coordinate of the randomness, the message (of an EOTS, its
    /// digest) and the number s. The byte is 0; for an adaptor signature it is the first one of its point, 2
    /// or 3, and the encryption key follows. So the byte tells the length, and different batches are
    /// different bytes.
    pub(crate) fn absorb(&mut self, item: &Parts<'_>) {
        let first = match item.encryption {
            None => 0,
            Some((_, Parity::Even)) => 2,
            Some((_, Parity::Odd)) => 3,
        };
        self.0.update([first]);
        for part in [&item.public_key.serialize(), &item.randomness, &item.message, &item.signature] {
            self.0.update(part);
        }
        if let Some((key, _)) = item.encryption {
            self.0.update(key.serialize());
        }
    }

    /// `seed = H_"btcstake/eots/batch"(items)`; the first coefficient is 1, and the others are the 16-byte
    /// halves, big-endian, of `H_"btcstake/eots/batch/coefficient"(seed ‖ BE64(i))` for i = 0, 1, …, without
    /// end.
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
    use secp256k1::XOnlyPublicKey;

    use super::*;

    const KEYS: [&str; 2] = [
        "1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f",
        "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766",
    ];

    /// A signature, with parts of 32 equal bytes each: 2, 3, 4; and an adaptor signature: 5, 6, 7, and the
    /// first one's key.
    fn items(keys: &[XOnlyPublicKey; 2]) -> [Parts<'_>; 2] {
        let [first, second] = keys;
        let item = |public_key, [randomness, message, signature]: [u8; 3], encryption| Parts {
            public_key,
            randomness: [randomness; 32],
            message: [message; 32],
            signature: [signature; 32],
            encryption,
        };
        [item(first, [2, 3, 4], None), item(second, [5, 6, 7], Some((first, Parity::Odd)))]
    }

    fn coefficients(items: &[Parts<'_>]) -> [u128; 4] {
        let mut transcript = Transcript::new();
        items.iter().for_each(|item| transcript.absorb(item));
        let mut found = transcript.coefficients();
        [(); 4].map(|()| found.next().unwrap())
    }

    /// Computed by another program.
    #[test]
    fn coefficients_are_as_documented() {
        let expected = [
            1,
            0x0000_c4c8_7f59_c607_28f1_764b_3924_3ada,
            0x3c8c_25e4_6c48_cd17_59a8_3871_bd0e_e97c,
            0x5474_e175_4571_6a33_8d2d_61ad_aa25_6fac,
        ];
        assert_eq!(coefficients(&items(&KEYS.map(|key| key.parse().unwrap()))), expected);
    }

    /// Whoever changes anything after seeing the coefficients gets others.
    #[test]
    fn coefficients_all_change_with_each_bit_of_each_item() {
        let keys = KEYS.map(|key| key.parse().unwrap());
        let original = coefficients(&items(&keys));
        let differs = |changed: &[Parts<'_>]| {
            let found = coefficients(changed);
            assert!(found.iter().zip(&original).skip(1).all(|(a, b)| a != b), "{found:x?}");
        };
        for item in 0..2 {
            for bit in 0..3 * 256 {
                let mut changed = items(&keys);
                let Parts { randomness, message, signature, .. } = &mut changed[item];
                [randomness, message, signature][bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
                differs(&changed);
            }
            let mut changed = items(&keys);
            changed[item].public_key = &keys[1 - item];
            differs(&changed);
            for (key, parity) in keys.iter().flat_map(|key| [(key, Parity::Even), (key, Parity::Odd)]) {
                let mut changed = items(&keys);
                if changed[item].encryption != Some((key, parity)) {
                    changed[item].encryption = Some((key, parity));
                    differs(&changed);
                }
            }
        }
        let [first, second] = items(&keys);
        differs(&[second, first]);
        differs(&[first]);
        differs(&[first, Parts { encryption: None, ..second }]);
    }
}
