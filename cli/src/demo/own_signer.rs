//! A signer of the finality providers in this process, as `signer` has it: a daemon with a keystore and a
//! signing database, which is asked over its interface.

use anyhow::{Context, bail, ensure};
use eots::{SecretKey, XOnlyPublicKey};
use finality::{Evidence, UnprotectedSigner};
use rand_core::{OsRng, RngCore};
use signer::auth::SharedSecret;
use signer::client::{Connection, RemoteError, RemoteLaneSigner, RemoteSigner};
use signer::config::Configuration;
use signer::daemon::Daemon;
use signer::keystore::{KeyName, Keystore, Passphrase, WorkFactor};
use signer::protection::{FirstHeight, Lane, SqlitePaths, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::consumer_chain::{CHAIN_ID, ConsumerChain, FIRST_HEIGHT, second_vote, signer_chain};
use super::report::Step;
use super::stage::Stage;
use super::voting::{extract, parity, say_committed, vote_honestly};
use crate::args::new_file::NewFile;

/// The flag that asks for all this, for messages.
const FLAG: &str = "--scenario signer";
/// The work that a guess of the passphrase takes: next to none, as the demo's keys are worth nothing.
const WORK_FACTOR: u8 = 4;

/// Lets the providers vote through a signer, which refuses the offender's second vote; then takes the
/// offender's key past the signer, signs with it, and extracts it from the two votes. Returns the key
/// extracted, and whether it is the offender's.
pub(crate) fn equivocate_by_force(
    stage: &mut Stage<'_>,
    offender: &SecretKey,
) -> anyhow::Result<(SecretKey, bool)> {
    let signer = OwnSigner::start(&stage.cast.providers).context("the signer does not start")?;
    let evidence = vote_twice(stage, offender, &signer)?;
    signer.stop();
    extract(stage, offender, evidence)
}

fn vote_twice(stage: &mut Stage<'_>, offender: &SecretKey, signer: &OwnSigner) -> anyhow::Result<Evidence> {
    let (public_key, parity) = (offender.public_key(), parity(offender));
    let keys = signer.keys.len();
    stage.say(
        "start the signer",
        format!(
            "it holds the keys of {keys} finality providers in encrypted files, has a signing database, and answers \
             one client, on this host alone"
        ),
    );
    let signers = signer.keys.iter().map(|(_, key)| signer.connect(key));
    let mut chain = ConsumerChain::new(signers.collect::<anyhow::Result<Vec<_>>>()?)?;
    say_committed(stage, &chain, ", through the signer, which signs votes at these heights alone");
    vote_honestly(stage, &mut chain, " through the signer")?;

    let tally = chain.next_block()?;
    let first =
        tally.votes().find(|vote| vote.public_key == *public_key).context("the offender has no vote")?;
    let height = first.message.height();
    stage.say(
        "vote",
        format!("{public_key} ({parity} y) asks the signer for a vote at height {height}: signed"),
    );
    ensure!(chain.vote(public_key)? == *first, "the signer gave another signature for the same vote");
    stage.say("the same vote again", "the signer gives the same signature, which it has on record");
    let reason = match chain.vote_for_fork(public_key) {
        Ok(_) => bail!("the signer signed for a second block at height {height}; must refuse"),
        Err(error) => match error.downcast_ref::<RemoteError>() {
            Some(RemoteError::Refused { message }) => message.clone(),
            _ => return Err(error.context("no verdict of the signer")),
        },
    };
    let text = format!("{public_key} asks for a vote for another block at height {height}");
    stage.steps.push(Step { reason: Some(reason), ..Step::said("another vote", text) });

    let taken = signer.take_by_force(public_key)?;
    stage.say(
        "take the key by force",
        "the demo itself decrypts the key's file with its passphrase and signs without the signer, which nobody \
         must ever do: no signing database is asked any more",
    );
    let fork = chain.vote_for_fork_with(&UnprotectedSigner::new(taken, signer_chain()))?;
    let evidence = second_vote(tally, fork)?;
    stage.say(
        "equivocate",
        format!("{public_key} has signed two blocks at height {height}, the second without the signer"),
    );
    Ok(evidence)
}

/// A daemon with its folder. What is first is dropped first.
struct OwnSigner {
    daemon: Daemon,
    runtime: Runtime,
    keystore: Keystore,
    keys: Vec<(KeyName, XOnlyPublicKey)>,
    /// Of every key.
    passphrase: Zeroizing<String>,
    /// Of the client.
    secret: Zeroizing<String>,
    /// Keystore, signing database, configuration; deleted at the end.
    _folder: TempDir,
}

impl OwnSigner {
    /// Starts a signer of these keys, and unlocks them over its interface.
    fn start(providers: &[SecretKey]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (passphrase, secret) = (random_hex()?, random_hex()?);
        let keystore = Keystore::create(&folder.path().join("keys"))?;
        let keystore = keystore.with_work_factor(WorkFactor::new(WORK_FACTOR)?);
        let mut keys = Vec::new();
        for (number, key) in (1..).zip(providers) {
            let name: KeyName = format!("provider-{number}").parse()?;
            keystore.add(&name, key, &Passphrase::new(passphrase.clone())?)?;
            keys.push((name, *key.public_key()));
        }
        let first: Vec<_> = keys.iter().map(|(_, key)| first_height(key)).collect();
        // The daemon opens what `init` has made.
        drop(SqliteStore::initialise(&SqlitePaths::beside(folder.path().join("signing.db")), &first)?);
        NewFile::begin_secret(FLAG, &folder.path().join("client.secret"))?.write(&secret)?;
        let path = folder.path().join("signer.toml");
        NewFile::begin_secret(FLAG, &path)?.write(&configuration(&keys))?;
        let configuration = Configuration::load(&path, [])?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let daemon = runtime.block_on(Daemon::start(configuration))?;
        let started = Self { daemon, runtime, keystore, keys, passphrase, secret, _folder: folder };
        for (_, key) in &started.keys {
            started.remote()?.unlock(key, &started.passphrase)?;
        }
        Ok(started)
    }

    /// Connects as the client.
    fn remote(&self) -> anyhow::Result<RemoteSigner> {
        let auth = SharedSecret::new(Zeroizing::new(self.secret.as_bytes().to_vec()));
        let url = format!("http://{}", self.daemon.grpc_address());
        Ok(RemoteSigner::connect(Connection { url, tls: None, auth: Some(auth) })?)
    }

    /// Returns the signer of a key on the consumer chain, over a connection of its own.
    fn connect(&self, key: &XOnlyPublicKey) -> anyhow::Result<RemoteLaneSigner> {
        Ok(self.remote()?.signer(*key, signer_chain()))
    }

    /// Takes a key out of its file, past the daemon.
    fn take_by_force(&self, key: &XOnlyPublicKey) -> anyhow::Result<SecretKey> {
        let (name, _) = self.keys.iter().find(|(_, one)| one == key).context("the signer has no such key")?;
        let passphrase = Passphrase::new(self.passphrase.clone())?;
        Ok(self.keystore.unlock(name, &passphrase)?.into_key())
    }

    /// Stops the daemon. Its clients must be gone: it waits for them.
    fn stop(self) {
        let Self { daemon, runtime, .. } = self;
        runtime.block_on(daemon.stop());
    }
}

fn first_height(key: &XOnlyPublicKey) -> FirstHeight {
    let lane = Lane { public_key: *key, chain_id: CHAIN_ID.as_bytes().to_vec() };
    FirstHeight { lane, height: FIRST_HEIGHT }
}

/// Returns the daemon's configuration: any free port, and one client, which shows a secret.
fn configuration(keys: &[(KeyName, XOnlyPublicKey)]) -> String {
    let keys: String = keys.iter().map(|(name, _)| format!("[[key]]\nname = \"{name}\"\n")).collect();
    format!(
        r#"
{keys}
[listen]
grpc = "127.0.0.1:0"
metrics = "off"
[[chain]]
chain_id = "{CHAIN_ID}"
[[client]]
name = "demo"
auth_secret_file = "client.secret"
operations = ["randomness", "commit", "vote", "unlock"]
"#
    )
}

/// Returns 32 random bytes as hex. They are in no output: a seed plays the same again.
fn random_hex() -> anyhow::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.try_fill_bytes(bytes.as_mut_slice())?;
    Ok(Zeroizing::new(hex::encode(bytes.as_slice())))
}
