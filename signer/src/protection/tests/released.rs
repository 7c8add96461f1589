//! Every signature that ever left, and whether two of them reveal a key.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use eots::{SecretRandomness, Signature, extract};

use super::{Provider, ask, height};
use crate::protection::{MemoryStore, Outcome, SignVote as _, Store as _};

/// A signature that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    /// The byte of the provider's key.
    pub(super) key: u8,
    pub(super) chain_id: Vec<u8>,
    pub(super) at: u64,
    pub(super) message: Vec<u8>,
    pub(super) signature: Signature,
}

impl Release {
    pub(super) fn of(provider: &Provider, at: u64, message: &[u8], signature: Signature) -> Self {
        let key = provider.key.to_bytes()[0];
        Self { key, chain_id: provider.lane.chain_id.clone(), at, message: message.to_vec(), signature }
    }

    pub(super) fn provider(&self) -> Arc<Provider> {
        Provider::new(self.key, &self.chain_id)
    }

    /// Appends it to a file by one write, which a killed process has done whole or not at all.
    pub(super) fn append(&self, file: &Path) {
        let Self { key, chain_id, at, message, signature } = self;
        let [chain, message, signature] =
            [chain_id, message, &signature.to_bytes().to_vec()].map(hex::encode);
        let line = format!("{key} {chain} {at} {message} {signature}\n");
        let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }

    pub(super) fn read_all(file: &Path) -> Vec<Self> {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let read = |line: &str| {
            let parts: Vec<_> = line.split(' ').collect();
            let [key, chain, at, message, signature] = parts[..] else { panic!("{line}") };
            Self {
                key: key.parse().unwrap(),
                chain_id: hex::decode(chain).unwrap(),
                at: at.parse().unwrap(),
                message: hex::decode(message).unwrap(),
                signature: Signature::from_bytes(hex::decode(signature).unwrap().try_into().unwrap())
                    .unwrap(),
            }
        };
        text.lines().map(read).collect()
    }
}

/// Returns for how many heights two of these signatures reveal the key: every pair for one key, chain and
/// height is tried.
pub(super) fn revealed_heights(releases: &[Release]) -> usize {
    let mut by_height: BTreeMap<_, Vec<&Release>> = BTreeMap::new();
    for release in releases {
        by_height.entry((release.key, &release.chain_id, release.at)).or_default().push(release);
    }
    let reveals = |((key, chain_id, at), own): (&(u8, &Vec<u8>, u64), &Vec<&Release>)| {
        let provider = Provider::new(*key, chain_id);
        let randomness = *SecretRandomness::derive(&provider.key, chain_id, *at).public_randomness();
        let mut distinct: Vec<_> = own.iter().map(|one| (one.message.as_slice(), &one.signature)).collect();
        distinct.sort_by_key(|(message, signature)| (*message, signature.to_bytes()));
        distinct.dedup();
        distinct.iter().enumerate().any(|(number, one)| {
            let others = &distinct[number + 1..];
            others.iter().any(|other| extract(provider.key.public_key(), &randomness, *one, *other).is_ok())
        })
    };
    by_height.iter().filter(|entry| reveals(*entry)).count()
}

/// What looks for revealed keys finds them.
#[test]
fn two_messages_at_a_height_reveal_the_key_to_these_tests() {
    let provider = Provider::new(1, b"bbn-1");
    let release = |at, message: &[u8]| {
        let signature = provider.sign_vote(height(at), message).unwrap();
        Release::of(&provider, at, message, signature)
    };
    let mut releases = vec![release(7, b"a"), release(8, b"b"), release(7, b"a"), release(9, b"a")];
    assert_eq!(revealed_heights(&releases), 0);
    releases.push(release(9, b"c"));
    assert_eq!(revealed_heights(&releases), 1);
    // What a file has is what was written to it.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("released");
    releases.iter().for_each(|release| release.append(&file));
    assert_eq!(Release::read_all(&file), releases);
}

/// Two stores that do not know each other, each of which does what it must: no store can keep this from
/// happening, and the other tests would notice it.
#[test]
fn two_stores_of_one_key_reveal_it() {
    let provider = Provider::new(1, b"bbn-1");
    let sign = |message: &[u8]| {
        let store = MemoryStore::default();
        let kind = crate::protection::ChangeKind::Register(height(0));
        store.change(vec![crate::protection::LaneChange { lane: (*provider.lane).clone(), kind }]).unwrap();
        match ask(&store, &provider, 5, message) {
            Outcome::Signed(verdict) => Release::of(&provider, 5, message, *verdict.signature()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(revealed_heights(&[sign(b"a"), sign(b"b")]), 1);
}
