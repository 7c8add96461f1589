//! The digests of the lists that were just served.
//!
//! The reference's client signs its commitments as bare digests, right after it has fetched the list. What it
//! asks to sign is known then, so that nothing else needs to be signed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use eots::XOnlyPublicKey;
use finality::{RandomnessCommitment, SigningContext};

use crate::auth::Client;

/// How many digests are kept of each client and key: nobody pushes out what another was served.
const MOST: usize = 64;

/// A commitment that may be signed as a digest.
#[derive(Debug, Clone)]
pub(super) struct ServedDigest {
    pub(super) digest: [u8; 32],
    pub(super) chain_id: Vec<u8>,
    pub(super) commitment: RandomnessCommitment,
    pub(super) context: SigningContext,
}

/// The digests of the lists that were just served, by client and key.
#[derive(Debug, Default)]
pub(super) struct ServedDigests(Mutex<BTreeMap<(String, XOnlyPublicKey), VecDeque<ServedDigest>>>);

impl ServedDigests {
    /// Keeps the digest of a list with its chain's context. (With none, a consumer chain's would be a valid
    /// commitment on Babylon Genesis, where its client may have no business.)
    pub(super) fn keep(
        &self,
        client: &Client,
        public_key: XOnlyPublicKey,
        chain_id: &[u8],
        commitment: RandomnessCommitment,
        context: SigningContext,
    ) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry((client.name().to_owned(), public_key)).or_default();
        let digest = *commitment.digest(&context).as_ref();
        kept.retain(|served| served.digest != digest);
        kept.push_back(ServedDigest { digest, chain_id: chain_id.to_vec(), commitment, context });
        while kept.len() > MOST {
            kept.pop_front();
        }
    }

    /// Finds what a digest is of, among those that this client was served.
    pub(super) fn find(
        &self,
        client: &Client,
        public_key: XOnlyPublicKey,
        digest: &[u8; 32],
    ) -> Option<ServedDigest> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(client.name().to_owned(), public_key))?
            .iter()
            .find(|served| served.digest == *digest)
            .cloned()
    }
}
