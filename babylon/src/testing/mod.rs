//! A chain in memory, for tests: it checks signatures and sequences as a node does, has one transaction in a
//! block, and fails as it is told.

mod asked;
mod covenant;
mod finality;
mod light_client;
mod rpc;
mod signed;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::finality::{AccountAddress, ConsumerHeight};
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::key::Secp256k1;
use bitcoin::secp256k1::{self, PublicKey, ecdsa};
use endpoint::{Endpoint, Limits};
use eots::XOnlyPublicKey;
use prost::Message;
use time::OffsetDateTime;

use self::finality::Finality;
pub use self::rpc::{serve, serve_ringing};
use self::signed::{address, signer_of};
use crate::node::{Answer, BlockHeader, ChainNode, Executed, NodeError, NodeStatus, Query, Refusal};
use crate::proto::{AuthInfo, PubKey, SignDoc, TxBody, TxRaw};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The transaction does not arrive, and there is no answer.
    Lost,
    /// It arrives, and the answer does not.
    AnswerLost,
    /// The mempool is full.
    MempoolFull,
    /// It enters the mempool, and is forgotten.
    Forgotten,
    /// It is in a block, and has too little gas there.
    OutOfGas,
}

#[derive(Debug, Default)]
struct State {
    height: u64,
    accounts: BTreeMap<String, (u64, u64)>,
    mempool: VecDeque<(Vec<u8>, bool)>,
    executed: BTreeMap<[u8; 32], Executed>,
    faults: VecDeque<Fault>,
    answers: BTreeMap<&'static str, Result<Vec<u8>, Refusal>>,
    transactions: Vec<Vec<u8>>,
    finality: Finality,
    balances: BTreeMap<String, u128>,
}

/// A chain in memory.
#[derive(Debug)]
pub struct ScriptedChain {
    chain_id: String,
    state: Mutex<State>,
}

impl ScriptedChain {
    /// Returns a chain of this id, at height 1.
    pub fn new(chain_id: &str) -> Self {
        Self { chain_id: chain_id.to_owned(), state: Mutex::new(State { height: 1, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an account known, with this number and sequence.
    pub fn open_account(&self, address: &AccountAddress, number: u64, sequence: u64) {
        self.state().accounts.insert(address.to_string(), (number, sequence));
    }

    /// Lets the next transactions that are handed in fail in these ways.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// Answers questions of this method with these bytes of protobuf.
    pub fn answer(&self, method: &'static str, protobuf: Vec<u8>) {
        self.state().answers.insert(method, Ok(protobuf));
    }

    /// Refuses questions of this method.
    pub fn refuse(&self, method: &'static str, codespace: &str, code: u32, log: &str) {
        self.state().answers.insert(method, Err(Refusal::new(codespace, code, log)));
    }

    /// Makes blocks until this height.
    pub fn advance(&self, height: u64) {
        let mut state = self.state();
        while state.height < height {
            state.make_block();
        }
    }

    /// Registers the chain's finality provider, of this account.
    pub fn register(&self, provider: XOnlyPublicKey, account: &AccountAddress) {
        self.state().finality.provider = Some((provider, account.to_string()));
    }

    /// Gives the provider's stakers this much from a height on.
    pub fn stake(&self, from: u64, satoshis: u64) {
        self.state().finality.stake.insert(from, satoshis);
    }

    /// Makes the checkpoints of epochs final in Bitcoin, up to this one. An epoch has ten blocks.
    pub fn finalize_epoch(&self, epoch: u64) {
        self.state().finality.finalized_epoch = Some(epoch);
    }

    /// Lets others make every block final at once, while the chain waits this many blocks for a vote.
    pub fn finalize_anyway(&self, sig_timeout: i64) {
        let finality = &mut self.state().finality;
        (finality.is_final_anyway, finality.sig_timeout) = (true, sig_timeout);
    }

    /// Refuses covenant signatures for a stake, with these words; every other one is taken.
    pub fn refuse_signatures(&self, stake: bitcoin::Txid, log: &str) {
        self.state().finality.refused_stakes.insert(stake.to_string(), log.to_owned());
    }

    /// Jails the provider.
    pub fn jail(&self) {
        self.state().finality.is_jailed = true;
    }

    /// Returns whether the provider is jailed, and whether it was slashed.
    pub fn is_jailed_or_slashed(&self) -> (bool, bool) {
        let state = self.state();
        (state.finality.is_jailed, state.finality.is_slashed)
    }

    /// Sets what an account has.
    pub fn set_balance(&self, account: &AccountAddress, amount: u128) {
        self.state().balances.insert(account.to_string(), amount);
    }

    /// Returns the heights that the provider has voted at, rightly.
    pub fn voted(&self) -> Vec<u64> {
        self.state().finality.voted()
    }

    /// Returns the heights at which the provider has power.
    pub fn powered(&self) -> Vec<u64> {
        self.state().finality.powered()
    }

    /// Returns the provider's commitments: first height, and how many.
    pub fn committed(&self) -> Vec<(u64, u64)> {
        self.state().finality.committed()
    }

    /// Returns the height of the last block.
    pub fn height(&self) -> u64 {
        self.state().height
    }

    /// Returns the transactions that blocks have, in order.
    pub fn transactions(&self) -> Vec<Vec<u8>> {
        self.state().transactions.clone()
    }

    /// Answers a question by its method and its protobuf.
    fn answer_to(&self, method: &str, request: &[u8]) -> Result<Answer, NodeError> {
        let state = self.state();
        match method {
            "/cosmos.auth.v1beta1.Query/AccountInfo" => {
                let asked = String::from_utf8_lossy(request.get(2..).unwrap_or_default()).into_owned();
                match state.accounts.get(&asked) {
                    Some(&(number, sequence)) => {
                        Ok(Answer::Protobuf(crate::query::account_answer(&asked, number, sequence)))
                    }
                    None => Err(NodeError::Refused(Refusal::new("sdk", 22, "account not found"))),
                }
            }
            "/cosmos.tx.v1beta1.Service/Simulate" => {
                // The transaction is the second field, of which the length takes one to four bytes.
                let length = request.iter().skip(1).take_while(|byte| **byte >= 0x80).count();
                let bytes = request.get(length.saturating_add(2)..).unwrap_or_default();
                let (height, finality) = (state.height, state.finality.clone());
                let mut tried = State { height, finality, ..State::default() };
                tried.execute(bytes).map_err(NodeError::Refused)?;
                Ok(Answer::Protobuf(crate::query::gas_answer(50_000)))
            }
            "/cosmos.bank.v1beta1.Query/Balance" => {
                let address = request.get(2..44).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                let amount = state.balances.get(&address.unwrap_or_default()).copied().unwrap_or(0);
                Ok(Answer::Protobuf(crate::query::balance_answer(amount)))
            }
            method => match state.answers.get(method) {
                Some(Ok(bytes)) => Ok(Answer::Protobuf(bytes.clone())),
                Some(Err(refusal)) => Err(NodeError::Refused(refusal.clone())),
                None => match state.finality.answer(method, request, state.height) {
                    Some(Ok(bytes)) => Ok(Answer::Protobuf(bytes)),
                    Some(Err(refusal)) => Err(NodeError::Refused(refusal)),
                    None => Err(NodeError::Refused(Refusal::new("sdk", 6, "unknown query path"))),
                },
            },
        }
    }

    /// Checks a transaction as the chain does when it enters the mempool.
    fn check(&self, state: &State, bytes: &[u8]) -> Result<String, Refusal> {
        let bad = |what: &str| Refusal::new("sdk", 2, what);
        let raw = TxRaw::decode(bytes).map_err(|_| bad("tx parse error"))?;
        let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(|_| bad("tx parse error"))?;
        let body = TxBody::decode(raw.body_bytes.as_slice()).map_err(|_| bad("tx parse error"))?;
        let signer = auth.signer_infos.first().ok_or_else(|| bad("no signer"))?;
        let key = signer.public_key.as_ref().ok_or_else(|| bad("no key"))?;
        let key = PubKey::decode(key.value.as_slice()).map_err(|_| bad("no key"))?.key;
        let public = PublicKey::from_slice(&key).map_err(|_| bad("no key"))?;
        let address = address(&key).ok_or_else(|| bad("no address"))?;
        let (number, sequence) = *state
            .accounts
            .get(&address)
            .ok_or_else(|| Refusal::new("sdk", 9, &format!("account {address} not found")))?;
        let waiting =
            state.mempool.iter().filter(|(waiting, _)| signer_of(waiting).as_ref() == Some(&address));
        let expected = sequence.saturating_add(u64::try_from(waiting.count()).unwrap_or_default());
        if signer.sequence != expected {
            let log = format!("account sequence mismatch, expected {expected}, got {}", signer.sequence);
            return Err(Refusal::new("sdk", 32, &format!("{log}: incorrect account sequence")));
        }
        if body.timeout_height != 0 && body.timeout_height < state.height {
            return Err(Refusal::new("sdk", 30, "tx timeout height"));
        }
        let doc = SignDoc {
            body_bytes: raw.body_bytes,
            auth_info_bytes: raw.auth_info_bytes,
            chain_id: self.chain_id.clone(),
            account_number: number,
        };
        let digest = sha256::Hash::hash(&doc.encode_to_vec()).to_byte_array();
        let signature = raw.signatures.first().and_then(|bytes| ecdsa::Signature::from_compact(bytes).ok());
        let secp = Secp256k1::verification_only();
        let is_valid = signature.is_some_and(|signature| {
            secp.verify_ecdsa(&secp256k1::Message::from_digest(digest), &signature, &public).is_ok()
        });
        if is_valid { Ok(address) } else { Err(Refusal::new("sdk", 4, "signature verification failed")) }
    }

    fn no_answer() -> NodeError {
        // An endpoint where nobody is: its error is the real one.
        let limits = Limits { within: Duration::from_millis(50), most_bytes: 1 };
        let url = "http://127.0.0.1:1".parse();
        let asked = url.map(|url| Endpoint::new(url, limits).get(""));
        match asked {
            Ok(Err(error)) => NodeError::Endpoint(error),
            _ => NodeError::answer("no answer"),
        }
    }
}

impl State {
    /// Executes the messages of a transaction, all or none.
    fn execute(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let bad = || Refusal::new("sdk", 2, "tx parse error");
        let raw = TxRaw::decode(bytes).map_err(|_| bad())?;
        let body = TxBody::decode(raw.body_bytes.as_slice()).map_err(|_| bad())?;
        let mut after = self.finality.clone();
        after.execute(&body.messages, self.height)?;
        self.finality = after;
        Ok(())
    }

    /// Makes one block, with what waits first.
    fn make_block(&mut self) {
        self.height = self.height.saturating_add(1);
        self.finality.begin_block(self.height);
        let Some((bytes, has_gas)) = self.mempool.pop_front() else { return };
        if let Some((_, sequence)) = signer_of(&bytes).and_then(|address| self.accounts.get_mut(&address)) {
            *sequence = sequence.saturating_add(1);
        }
        let gas = 100_000;
        let refusal = match has_gas {
            true => self.execute(&bytes).err(),
            false => Some(Refusal::new("sdk", 11, "out of gas in location: WriteFlat")),
        };
        let executed = Executed {
            height: ConsumerHeight(self.height),
            refusal,
            gas_wanted: gas,
            gas_used: gas,
            events: Vec::new(),
        };
        self.executed.insert(sha256::Hash::hash(&bytes).to_byte_array(), executed);
        self.transactions.push(bytes);
    }
}

impl ChainNode for ScriptedChain {
    /// Makes a block each time it is asked.
    fn status(&self) -> Result<NodeStatus, NodeError> {
        let mut state = self.state();
        state.make_block();
        Ok(NodeStatus {
            chain_id: self.chain_id.clone(),
            height: ConsumerHeight(state.height),
            time: OffsetDateTime::UNIX_EPOCH,
            is_catching_up: false,
        })
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        let is_there = height.to_u64() <= self.state().height;
        let app_hash = finality::app_hash(height.to_u64());
        let time = OffsetDateTime::UNIX_EPOCH;
        Ok(is_there.then(|| BlockHeader { chain_id: self.chain_id.clone(), height, time, app_hash }))
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        self.answer_to(query.method, &query.request)
    }

    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        let mut state = self.state();
        let fault = state.faults.pop_front();
        match fault {
            Some(Fault::Lost) => return Err(Self::no_answer()),
            Some(Fault::MempoolFull) => {
                return Err(NodeError::Refused(Refusal::new("sdk", 20, "mempool is full")));
            }
            _ => {}
        }
        if state.mempool.iter().any(|(waiting, _)| waiting == transaction) {
            return Err(NodeError::Refused(Refusal::new("sdk", 19, "tx already in mempool")));
        }
        self.check(&state, transaction).map_err(NodeError::Refused)?;
        match fault {
            Some(Fault::Forgotten) => return Ok(()),
            fault => state.mempool.push_back((transaction.to_vec(), fault != Some(Fault::OutOfGas))),
        }
        if fault == Some(Fault::AnswerLost) { Err(Self::no_answer()) } else { Ok(()) }
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        Ok(self.state().executed.get(&hash).cloned())
    }
}
