//! What the secured chain should know of: sent by an account, or written out for a key that is kept
//! elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use babylon::node::Several;
use babylon::{AccountKey, Message, Transaction};
use clap::ValueEnum;
use finality::AccountAddress;
use watch::{OnSelective, Post, PostError, ReadyReport};

use super::rules::RulesArgs;
use crate::args::account::{AccountArgs, account_key};
use crate::args::new_file::NewFile;

/// The most messages of one transaction.
const AT_ONCE: usize = 20;
/// How much gas an unsigned transaction is allowed: a proof of a large transaction takes most.
const UNSIGNED_GAS: u64 = 1_000_000;
/// How long the sending thread waits after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What becomes of a slashing that nobody's evidence explains.
#[derive(Clone, Copy, ValueEnum)]
enum Selective {
    /// Tell: the key stays out of every output.
    Alert,
    /// Slash the provider's other stakes too.
    Slash,
    /// That, and report it to the secured chain, which publishes the provider's secret key.
    Publish,
}

/// Who reports, and what.
#[derive(clap::Args)]
pub(super) struct PostArgs {
    /// What is done when a stake is slashed and there is no evidence: the slashing transaction shows the
    /// provider's key to whoever has the delegation.
    #[arg(long, value_enum, default_value_t = Selective::Alert)]
    on_selective: Selective,
    /// Write what the secured chain should know into this folder, a transaction in each file, as `babylond tx
    /// sign` takes it: inclusion proofs of stakes, stakes that were spent, selective slashings.
    #[arg(long, value_name = "DIR", requires = "outbox_from", conflicts_with_all = ["account", "account_key_file"])]
    outbox: Option<PathBuf>,
    /// With --outbox: the account that will sign.
    #[arg(long, value_name = "ADDRESS")]
    outbox_from: Option<AccountAddress>,
    #[command(flatten)]
    account: AccountArgs,
}

impl PostArgs {
    pub(super) const fn on_selective(&self) -> OnSelective {
        match self.on_selective {
            Selective::Alert => OnSelective::Alert,
            Selective::Slash => OnSelective::Slash,
            Selective::Publish => OnSelective::Publish,
        }
    }

    /// Returns who takes reports; `None` where nobody does.
    pub(super) fn post(&self, rules: &RulesArgs) -> anyhow::Result<Option<Box<dyn Post>>> {
        if let (Some(folder), Some(from)) = (&self.outbox, &self.outbox_from) {
            ensure!(
                rules.nodes.is_given(),
                "--outbox is given without --chain-node; must be with it: the chain says what it should be told"
            );
            ensure!(folder.is_dir(), "--outbox {}: it is no folder; must be one", folder.display());
            let fee = self.account.gas_prices.fee(self.account.gas.unwrap_or(UNSIGNED_GAS));
            let outbox = Outbox { folder: folder.clone(), from: from.clone(), fee };
            return Ok(Some(Box::new(outbox)));
        }
        if !self.account.is_given() {
            return Ok(None);
        }
        let chain = rules.chain()?.context("--account is given without --chain-node; must be with it")?;
        let chain_id = rules.chain_id.clone().unwrap_or_default();
        let key = account_key(&self.account.path("--account-key-file")?)?;
        // What is wrong with the account shall be known now.
        drop(self.account.open(&chain, &key, &chain_id).context("--account")?);
        let sender = SendingThread { args: self.account.clone(), chain, chain_id, key };
        Ok(Some(Box::new(Account::start(sender)?)))
    }
}

/// Returns the chain's message of a report.
fn message(from: &AccountAddress, report: &ReadyReport) -> Option<Message> {
    Some(match report {
        ReadyReport::Inclusion { stake, block, proof, .. } => {
            Message::add_inclusion_proof(from, *stake, *block, proof)
        }
        ReadyReport::Undelegation { stake, spending, block, proof, funding, .. } => {
            Message::undelegate(from, *stake, spending, *block, proof, funding)
        }
        ReadyReport::SelectiveSlashing { key, .. } => Message::selective_slashing_evidence(from, key),
        _ => return None,
    })
}

fn failed(error: &anyhow::Error) -> PostError {
    PostError(format!("{error:#}"))
}

/// A folder with a file for each report. One that is handed over again takes the place of the earlier one.
struct Outbox {
    folder: PathBuf,
    from: AccountAddress,
    fee: babylon::Fee,
}

impl Outbox {
    fn write(&self, report: &ReadyReport) -> anyhow::Result<()> {
        let Some(message) = message(&self.from, report) else { return Ok(()) };
        let json = Transaction::new(vec![message]).to_unsigned_json(&self.fee);
        let path = self.folder.join(format!("{}.json", report.name()));
        // A selective slashing has the provider's secret key in it.
        NewFile::put_secret("--outbox", &path)?.write(&format!("{json}\n"))?;
        Ok(())
    }
}

impl Post for Outbox {
    fn post(&self, report: &ReadyReport) -> Result<(), PostError> {
        let named = || format!("--outbox {}", self.folder.display());
        self.write(report).with_context(named).map_err(|error| failed(&error))?;
        tracing::info!(report = report.name(), folder = %self.folder.display(), "written out");
        Ok(())
    }
}

/// An account that sends, from a thread of its own: a transaction takes until its block comes, and nothing
/// that is slashed waits for that.
struct Account {
    queue: Mutex<Sender<(String, Message)>>,
    state: Arc<Mutex<State>>,
    from: AccountAddress,
}

#[derive(Default)]
struct State {
    /// What is on its way.
    waiting: BTreeSet<String>,
    /// What failed, and has not been told.
    failed: BTreeMap<String, String>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct SendingThread {
    args: AccountArgs,
    chain: Several,
    chain_id: String,
    key: AccountKey,
}

impl Account {
    fn start(sender: SendingThread) -> anyhow::Result<Self> {
        let from = sender.key.address()?;
        let (send, receive) = channel();
        let state = Arc::new(Mutex::new(State::default()));
        let told = state.clone();
        std::thread::spawn(move || sender.send_all(&receive, &told));
        Ok(Self { queue: Mutex::new(send), state, from })
    }
}

impl Post for Account {
    /// It is taken when it is on its way; that it failed is told when it is handed over the next time.
    fn post(&self, report: &ReadyReport) -> Result<(), PostError> {
        let Some(message) = message(&self.from, report) else { return Ok(()) };
        let name = report.name();
        let mut state = lock(&self.state);
        if let Some(reason) = state.failed.remove(&name) {
            return Err(PostError(reason));
        }
        if state.waiting.insert(name.clone()) {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.send((name, message)).map_err(|_| PostError("the sending thread has ended".to_owned()))?;
        }
        Ok(())
    }
}

impl SendingThread {
    fn send_all(self, queue: &Receiver<(String, Message)>, state: &Mutex<State>) {
        while let Ok(first) = queue.recv() {
            let mut batch = vec![first];
            batch.extend(queue.try_iter().take(AT_ONCE.saturating_sub(1)));
            if let Err(error) = self.send(&batch) {
                if batch.len() == 1 {
                    self.failed(&batch, &error, state);
                } else {
                    // One of them keeps no other back.
                    for one in batch.chunks(1) {
                        if let Err(error) = self.send(one) {
                            self.failed(one, &error, state);
                        }
                    }
                }
            }
            let mut state = lock(state);
            for (name, _) in &batch {
                state.waiting.remove(name);
            }
        }
    }

    fn send(&self, batch: &[(String, Message)]) -> anyhow::Result<()> {
        let messages: Vec<_> = batch.iter().map(|(_, message)| message.clone()).collect();
        let sent = self.args.open(&self.chain, &self.key, &self.chain_id)?.send(&messages)?;
        for (report, _) in batch {
            tracing::info!(report, height = %sent.executed.height, "reported to the secured chain");
        }
        Ok(())
    }

    fn failed(&self, batch: &[(String, Message)], error: &anyhow::Error, state: &Mutex<State>) {
        for (report, _) in batch {
            tracing::warn!(report, reason = format!("{error:#}"), "not reported");
            lock(state).failed.insert(report.clone(), format!("{error:#}"));
        }
        std::thread::sleep(AFTER_FAILURE);
    }
}
