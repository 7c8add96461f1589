//! All signatures that were released, and the search for a key in them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use eots::{ExtractError, PublicRandomness, SecretRandomness, Signature, extract, verify};
use finality::{ConsumerHeight, SignerChain, VoteMessage};
use signer::protection::{Lane, Store};

use crate::harness::{ALICE, CHAINS, chain_id, public, secret};

/// A chain's number, and a height on it. All votes are Alice's.
pub(crate) type Place = (usize, u64);

/// The message of a vote.
pub(crate) fn message((chain, height): Place, block: u8) -> Vec<u8> {
    let chain = match chain {
        0 => SignerChain::genesis(CHAINS[0]),
        _ => SignerChain::consumer(CHAINS[1], CHAINS[1], "bbn1contract"),
    };
    VoteMessage::new(chain.vote_context, ConsumerHeight(height), [block; 32]).to_bytes()
}

/// A message and its signature.
type Signed = (Vec<u8>, Signature);

/// Every signature that was released, as often as it was.
#[derive(Default)]
pub(crate) struct Released(Mutex<BTreeMap<Place, Vec<Signed>>>);

/// What was found in them.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) signatures: usize,
    pub(crate) heights: usize,
    /// The pairs that were given to `extract`.
    pub(crate) pairs: usize,
    /// Pairs that yield the key.
    pub(crate) keys: Vec<Place>,
    /// Two signatures over one message.
    pub(crate) differing: Vec<Place>,
    /// A signature that does not verify.
    pub(crate) invalid: Vec<Place>,
}

impl Found {
    #[track_caller]
    pub(crate) fn assert_safe(&self) {
        assert!(self.signatures > 0 && self.pairs > 0, "{self:?}");
        assert!(self.keys.is_empty() && self.differing.is_empty() && self.invalid.is_empty(), "{self:?}");
    }
}

impl Released {
    pub(crate) fn note(&self, place: Place, block: u8, signature: &[u8]) {
        let signature = Signature::from_bytes(signature.try_into().unwrap()).unwrap();
        let mut released = self.0.lock().unwrap();
        released.entry(place).or_default().push((message(place, block), signature));
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        self.0.lock().unwrap().keys().copied().collect()
    }

    /// Gives every pair to `extract`.
    pub(crate) fn search(&self) -> Found {
        let mut found = Found::default();
        for (place, signatures) in self.0.lock().unwrap().iter() {
            let (chain, height) = *place;
            let randomness: PublicRandomness =
                *SecretRandomness::derive(&secret(ALICE), &chain_id(chain), height).public_randomness();
            found.heights += 1;
            found.signatures += signatures.len();
            let mut is_valid = BTreeMap::new();
            for (number, (message, signature)) in signatures.iter().enumerate() {
                is_valid
                    .entry((message, signature.to_bytes()))
                    .or_insert_with(|| verify(&public(ALICE), &randomness, message, signature).is_ok());
                for (earlier, other) in &signatures[..number] {
                    found.pairs += 1;
                    match extract(&public(ALICE), &randomness, (earlier, other), (message, signature)) {
                        Ok(key) => {
                            assert_eq!(*key.public_key(), public(ALICE));
                            found.keys.push(*place);
                        }
                        Err(ExtractError::EqualMessages) if other == signature => {}
                        Err(_) => found.differing.push(*place),
                    }
                }
            }
            if is_valid.values().any(|is_valid| !is_valid) {
                found.invalid.push(*place);
            }
        }
        found
    }

    /// Returns where a signature was released that a database does not have.
    pub(crate) fn unrecorded(&self, store: &dyn Store) -> Vec<Place> {
        let records = [0, 1].map(|chain| {
            let lane = Lane { public_key: public(ALICE), chain_id: chain_id(chain) };
            let records = store.records(&lane, ConsumerHeight(0), usize::MAX).unwrap();
            let by_height = records.into_iter().map(|record| (record.height.to_u64(), record));
            by_height.collect::<BTreeMap<_, _>>()
        });
        let released = self.0.lock().unwrap();
        let is_recorded = |(chain, height): Place, released: &Signed| {
            records[chain]
                .get(&height)
                .is_some_and(|record| (&record.message, record.signature) == (&released.0, Some(released.1)))
        };
        let lost = released.iter().filter(|(place, all)| !all.iter().all(|one| is_recorded(**place, one)));
        lost.map(|(place, _)| *place).collect()
    }
}
