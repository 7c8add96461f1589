//! An account that sends transactions, and waits until they are executed.

mod error;

use std::time::{Duration, Instant};

use finality::{AccountAddress, ConsumerHeight};

pub use self::error::SendError;
use crate::message::Message;
use crate::node::{ChainNode, Executed, NodeError, Refusal, RefusalKind};
use crate::query::{self, AccountNumbers};
use crate::transaction::{AccountKey, AccountState, Fee, GasPrice, SignedTransaction, Transaction};

/// How often a transaction is made anew: for another sequence, or with more gas.
const MOST_ATTEMPTS: u32 = 8;
/// The gas limit of a simulation: none, as a block has one that may not be exceeded.
const SIMULATED_GAS: u64 = 0;
/// The most gas that a node may say a transaction takes: no block has more, and the fee grows with it.
const MOST_GAS: u64 = 50_000_000;
/// Above this, what a node finds is not doubled: nodes take no transaction with more in their mempool.
const DOUBLED_TO: u64 = 10_000_000;
/// After how long a transaction is handed in again that no block has: a node that was started again has
/// forgotten it.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// What a transaction is allowed that had too little gas, where nobody tells how much that was.
const MORE_GAS: u64 = 500_000;

/// How much gas a transaction is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gas {
    /// This much.
    Fixed(u64),
    /// Twice what the node finds by executing it for nobody: what a block has before it changes that.
    Simulated,
}

/// How long is waited, and how often the node is asked meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between two questions.
    pub between: Duration,
    /// How long a transaction may wait for its block.
    pub patience: Duration,
    /// After how many blocks a transaction is executed no more: then it is known that it never will be.
    pub blocks: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { between: Duration::from_millis(250), patience: Duration::from_secs(90), blocks: 60 }
    }
}

/// An account on the chain of a node.
#[derive(Debug)]
pub struct Account<'a> {
    node: &'a dyn ChainNode,
    key: &'a AccountKey,
    address: AccountAddress,
    chain_id: String,
    price: GasPrice,
    gas: Gas,
    pace: Pace,
}

/// A transaction that was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its hash.
    pub hash: [u8; 32],
    /// What became of it.
    pub executed: Executed,
    /// What was offered for it, and is paid whatever it used.
    pub fee: Fee,
}

/// A transaction that is on its way.
struct OnItsWay {
    signed: SignedTransaction,
    hash: [u8; 32],
    last: ConsumerHeight,
    fee: Fee,
}

impl<'a> Account<'a> {
    /// Returns an account of this chain, by a node of it.
    ///
    /// # Errors
    /// [`SendError::Node`]: also [`NodeError::OtherChain`].
    pub fn open(
        node: &'a dyn ChainNode,
        key: &'a AccountKey,
        chain_id: &str,
        price: GasPrice,
    ) -> Result<Self, SendError> {
        let found = node.status()?.chain_id;
        if found != chain_id {
            let expected = chain_id.to_owned();
            return Err(NodeError::other_chain(&found, &expected).into());
        }
        // Before anything is sent of which nobody would learn what becomes of it.
        if let Err(error @ NodeError::NoIndex) = node.executed([0; 32]) {
            return Err(error.into());
        }
        let address = key.address().map_err(|error| NodeError::answer(error.to_string()))?;
        let chain_id = chain_id.to_owned();
        Ok(Self { node, key, address, chain_id, price, gas: Gas::Simulated, pace: Pace::default() })
    }

    /// Returns the account with another limit of gas.
    #[must_use]
    pub fn with_gas(self, gas: Gas) -> Self {
        Self { gas, ..self }
    }

    /// Returns the account on a chain whose addresses have another prefix than those of Babylon Genesis.
    ///
    /// # Errors
    /// The prefix is none of bech32, or one of Bitcoin's.
    pub fn with_prefix(self, prefix: &str) -> Result<Self, finality::InvalidAccountAddress> {
        Ok(Self { address: self.key.address_on(prefix)?, ..self })
    }

    /// Returns the account with another pace.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Returns the id of its chain.
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// Returns the coin that it pays with.
    pub fn denom(&self) -> &str {
        self.price.denom()
    }

    /// Returns its address.
    pub const fn address(&self) -> &AccountAddress {
        &self.address
    }

    /// Sends messages in one transaction, and waits until a block has it: entering the mempool says nothing.
    /// Lost answers, a full mempool and another sequence are waited for; what fails for too little gas is
    /// sent again with twice as much.
    ///
    /// # Errors
    /// [`SendError`]. Only after [`SendError::Unknown`] may the messages still be executed.
    pub fn send(&self, messages: &[Message]) -> Result<Sent, SendError> {
        if let Some(other) = messages.iter().find(|message| *message.signer() != self.address) {
            let (found, own) = (other.signer().clone(), self.address.clone());
            return Err(SendError::OtherSigner { found, own });
        }
        let deadline = Instant::now().checked_add(self.pace.patience);
        let (mut sequence, mut least_gas) = (None, 0);
        for _ in 1..MOST_ATTEMPTS {
            match self.attempt(messages, sequence, least_gas, deadline) {
                Err(SendError::Node(NodeError::Refused(refusal)))
                    if refusal.kind() == RefusalKind::Sequence && !is_over(deadline) =>
                {
                    // The account's last transactions may wait in the mempool.
                    sequence = expected_sequence(&refusal);
                    std::thread::sleep(self.pace.between);
                }
                Err(SendError::Failed { hash, refusal, .. })
                    if refusal.kind() == RefusalKind::OutOfGas
                        && self.gas == Gas::Simulated
                        && least_gas == 0 =>
                {
                    least_gas = self.gas_of(hash).saturating_mul(2);
                    sequence = None;
                }
                ended => return ended,
            }
        }
        self.attempt(messages, None, least_gas, deadline)
    }

    /// Returns the gas that a failed transaction was allowed.
    fn gas_of(&self, hash: [u8; 32]) -> u64 {
        let found = self.node.executed(hash).ok().flatten();
        found.map_or(MORE_GAS, |executed| executed.gas_wanted)
    }

    fn attempt(
        &self,
        messages: &[Message],
        sequence: Option<u64>,
        least_gas: u64,
        deadline: Option<Instant>,
    ) -> Result<Sent, SendError> {
        let sent = self.sign(messages, sequence, least_gas)?;
        self.enter(&sent, deadline)?;
        self.wait(&sent, deadline)
    }

    /// Signs a transaction for the account as it is now.
    fn sign(
        &self,
        messages: &[Message],
        sequence: Option<u64>,
        least_gas: u64,
    ) -> Result<OnItsWay, SendError> {
        let unknown = || SendError::UnknownAccount(self.address.clone());
        let found = query::account(self.node, &self.address)?.ok_or_else(unknown)?;
        let AccountNumbers { number, sequence: own } = found;
        let account =
            AccountState { chain_id: self.chain_id.clone(), number, sequence: sequence.unwrap_or(own) };
        let last = self.node.status()?.height.saturating_add(self.pace.blocks);
        let mut transaction = Transaction::new(messages.to_vec());
        transaction.timeout_height = last.to_u64();
        let gas_limit = match self.gas {
            Gas::Fixed(gas) => gas,
            Gas::Simulated => {
                let bytes =
                    transaction.unsigned_for_simulation(self.key, &account, &self.price.fee(SIMULATED_GAS));
                let found = query::gas(self.node, &bytes)?;
                if found > MOST_GAS {
                    return Err(SendError::TooMuchGas { found });
                }
                let a_fifth_more = found.saturating_add(found.div_ceil(5));
                found.saturating_mul(2).min(a_fifth_more.max(DOUBLED_TO))
            }
        };
        let fee = self.price.fee(gas_limit.max(least_gas));
        let signed = transaction.sign(self.key, &account, &fee);
        Ok(OnItsWay { hash: signed.hash(), signed, last, fee })
    }

    /// Hands a transaction to the node until it is taken. An answer that is lost may be a transaction that
    /// was taken: handing it in again changes nothing.
    fn enter(&self, sent: &OnItsWay, deadline: Option<Instant>) -> Result<(), SendError> {
        loop {
            let error = match self.node.broadcast(sent.signed.bytes()) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            match error.refusal().map(Refusal::kind) {
                Some(RefusalKind::InMempool) => return Ok(()),
                Some(RefusalKind::MempoolFull) if !is_over(deadline) => {}
                // It was taken before, and a block has it.
                Some(RefusalKind::Sequence) if self.node.executed(sent.hash)?.is_some() => return Ok(()),
                None if error.is_of_this_node() => {
                    if matches!(self.node.executed(sent.hash), Ok(Some(_))) {
                        return Ok(());
                    }
                    if is_over(deadline) {
                        return Err(SendError::Unknown {
                            hash: sent.hash,
                            last: sent.last,
                            cause: Some(error),
                        });
                    }
                }
                _ => return Err(error.into()),
            }
            std::thread::sleep(self.pace.between);
        }
    }

    /// Waits for the block that has a transaction.
    fn wait(&self, sent: &OnItsWay, deadline: Option<Instant>) -> Result<Sent, SendError> {
        let OnItsWay { hash, last, .. } = *sent;
        let mut handed_in = Instant::now();
        loop {
            // The height is read first: a block of that height was looked into then.
            let height = self.node.status().map(|status| status.height);
            match self.node.executed(hash) {
                Ok(Some(executed)) => {
                    return match executed.refusal {
                        None => Ok(Sent { hash, executed, fee: sent.fee.clone() }),
                        Some(refusal) => Err(SendError::Failed { hash, height: executed.height, refusal }),
                    };
                }
                // The index of transactions may be a block behind the chain.
                Ok(None) if height.is_ok_and(|height| height > last.saturating_add(1)) => {
                    return Err(SendError::NotIncluded { hash, last });
                }
                found if is_over(deadline) => {
                    return Err(SendError::Unknown { hash, last, cause: found.err() });
                }
                Ok(None) | Err(_) => std::thread::sleep(self.pace.between),
            }
            if handed_in.elapsed() >= AGAIN_AFTER {
                handed_in = Instant::now();
                // It is the same transaction: whatever is said, the block tells.
                let _said = self.node.broadcast(sent.signed.bytes());
            }
        }
    }
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_none_or(|deadline| Instant::now() >= deadline)
}

/// Returns the sequence that a refusal says is expected: "account sequence mismatch, expected 5, got 4".
fn expected_sequence(refusal: &Refusal) -> Option<u64> {
    let rest = refusal.log.split("expected ").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
