//! What the independent client expects to find: a daemon made by its plan.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use eots::SecretKey;
use finality::{ConsumerHeight, SignerChain, SigningContext, VoteMessage};
use serde::Deserialize;
use signer::keystore::{Keystore, Passphrase, WorkFactor};
use signer::protection::{
    ChangeKind, FirstHeight, HeightRange, Lane, LaneChange, SqlitePaths, SqliteStore, Store,
};
use signer::session::{ProtectedSigner, VoteRules};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::harness::Home;

#[derive(Deserialize)]
pub(crate) struct Plan {
    keys: BTreeMap<String, PlannedKey>,
    chains: BTreeMap<String, PlannedChain>,
    lanes: Vec<PlannedLane>,
    most_above: u64,
    pub(crate) hmac_key: Option<String>,
}

#[derive(Deserialize)]
struct PlannedKey {
    secret_key: String,
    passphrase: Option<String>,
}

#[derive(Deserialize)]
struct PlannedChain {
    chain_id: String,
    verifying_chain_id: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
struct PlannedLane {
    key: String,
    chain: String,
    committed: Vec<(u64, u64)>,
    low_watermark: Option<u64>,
    high_watermark: Option<u64>,
    #[serde(default)]
    recorded: Vec<RecordedVote>,
}

#[derive(Deserialize)]
struct RecordedVote {
    height: u64,
    block_hash: String,
}

impl PlannedChain {
    fn consumer(&self) -> Option<(&str, &str)> {
        Some((self.verifying_chain_id.as_deref()?, self.address.as_deref()?))
    }

    fn signer_chain(&self) -> SignerChain {
        match self.consumer() {
            Some((verifying, address)) => SignerChain::consumer(&self.chain_id, verifying, address),
            None => SignerChain::genesis(&self.chain_id),
        }
    }
}

impl Plan {
    fn secret(&self, key: &str) -> SecretKey {
        let bytes: [u8; 32] = hex::decode(&self.keys[key].secret_key).unwrap().try_into().unwrap();
        SecretKey::from_bytes(&bytes).unwrap()
    }

    /// Makes keys and a signing database.
    pub(crate) fn home(&self) -> Home {
        let home = Home { folder: TempDir::new().unwrap() };
        let keys = home.path("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o700)).unwrap();
        let keystore = Keystore::open(&keys).unwrap().with_work_factor(WorkFactor::new(2).unwrap());
        for (name, key) in &self.keys {
            let text = key.passphrase.clone().unwrap_or_else(|| format!("{name}'s words"));
            home.write(&format!("{name}.passphrase"), &text);
            let passphrase = Passphrase::new(Zeroizing::new(text)).unwrap();
            keystore.add(&name.parse().unwrap(), &self.secret(name), &passphrase).unwrap();
        }
        let paths = SqlitePaths::beside(home.path("signing.db"));
        let lane = |planned: &PlannedLane| Lane {
            public_key: *self.secret(&planned.key).public_key(),
            chain_id: self.chains[&planned.chain].chain_id.clone().into_bytes(),
        };
        let first: Vec<_> = self
            .lanes
            .iter()
            .map(|planned| {
                let lowest = planned.committed.iter().map(|(first, _)| *first).min().unwrap_or(0);
                let height = planned.low_watermark.map_or(lowest, |low| low + 1);
                FirstHeight { lane: lane(planned), height: ConsumerHeight(height) }
            })
            .collect();
        let store = Arc::new(SqliteStore::initialise(&paths, &first).unwrap());
        for planned in &self.lanes {
            let change = |kind| store.change(vec![LaneChange { lane: lane(planned), kind }]).unwrap();
            for (first, last) in &planned.committed {
                let (first, last) = (ConsumerHeight(*first), ConsumerHeight(*last));
                change(ChangeKind::Committed(HeightRange { first, last }));
            }
            let chain = self.chains[&planned.chain].signer_chain();
            let signer =
                ProtectedSigner::new(self.secret(&planned.key), chain, store.clone(), VoteRules::default());
            for RecordedVote { height, block_hash } in &planned.recorded {
                let hash = hex::decode(block_hash).unwrap().try_into().unwrap();
                let height = ConsumerHeight(*height);
                let vote = VoteMessage::new(SigningContext::GENESIS, height, hash);
                signer.sign_message(height, vote.to_bytes()).unwrap();
            }
            if let Some(high) = planned.high_watermark {
                change(ChangeKind::SetHigh(Some(ConsumerHeight(high))));
            }
        }
        home
    }

    /// Returns the configuration, with more after it.
    pub(crate) fn configuration(&self, home: &Home, more: &str) -> String {
        let mut text = "[store]\ndatabase = \"signing.db\"\n[keystore]\nfolder = \"keys\"\n".to_owned();
        for (name, key) in &self.keys {
            text += &format!("[[key]]\nname = \"{name}\"\n");
            if key.passphrase.is_none() {
                text += &format!("passphrase_file = \"{name}.passphrase\"\n");
            }
        }
        for chain in self.chains.values() {
            text += &format!("[[chain]]\nchain_id = \"{}\"\n", chain.chain_id);
            text += &format!(
                "most_above = {}\nvotes_per_minute = 1000000\nvotes_at_once = 10000\n",
                self.most_above
            );
            if let Some((verifying, address)) = chain.consumer() {
                text += &format!(
                    "consumer = {{ verifying_chain_id = \"{verifying}\", address = \"{address}\" }}\n"
                );
            }
        }
        text += "[[client]]\nname = \"fpd\"\nrequests_per_second = 100000\n";
        text += "operations = [\"randomness\", \"vote\", \"digest\", \"unlock\", \"backup\"]\n";
        match &self.hmac_key {
            Some(key) => {
                home.write("fpd.hmac", key);
                text += "hmac_secret_file = \"fpd.hmac\"\n";
            }
            None => text += "unauthenticated = true\n",
        }
        text + "[listen]\ngrpc = \"127.0.0.1:0\"\nmetrics = \"off\"\n" + more
    }
}
