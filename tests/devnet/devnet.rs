//! Bitcoin's embedded regtest chain beside a network of the secured chain, and everyone's keys.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use babylon::client::{Gas, Pace, SendError, Sent};
use babylon::node::{ChainNode as _, NodeError};
use babylon::query::{self, CheckpointStatus, DelegationStatus, ListedStake};
use babylon::{Account, AccountKey, Message};
use bitcoin::absolute::LockTime;
use bitcoin::block::Header;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid};
use chain::{BlockHeight, Broadcast as _, ChainSource as _, Coin, EmbeddedRegtest, Lookup as _, Mine as _};
use eots::SecretKey;
use roles::headers::{self, HeadersError};
use spv::InclusionProof;
use spv::anchors::{Checkpoint, CheckpointTag};
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::delegation::StakeInclusion;
use staking_scripts::testing::{key, keys};
use staking_scripts::{Parameters, ParametersHistory};

use crate::journal::Journal;
use crate::network::{BabylonNetwork, CHAIN_ID, Genesis, program};

/// What every flow has.
pub(crate) struct Devnet {
    pub(crate) network: BabylonNetwork,
    pub(crate) bitcoin: EmbeddedRegtest,
    pub(crate) wallet: SecretKey,
    pub(crate) covenant: Vec<SecretKey>,
    pub(crate) parameters: ParametersHistory<Parameters>,
    /// `btc_confirmation_depth`.
    pub(crate) depth: u32,
    /// `checkpoint_finalization_timeout`.
    pub(crate) timeout: u32,
    /// The coins that a transaction was made to spend, whether it is in Bitcoin or not.
    spent: RefCell<BTreeSet<OutPoint>>,
    /// What was done.
    pub(crate) journal: Journal,
}

impl Devnet {
    /// A network and coins; none where there is no program.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(|_| ())
    }

    /// The same, whose blocks come this long after another.
    pub(crate) fn start_at(pace: &'static str) -> Option<Self> {
        Self::start_as(|_| (), pace)
    }

    /// The same, with another first block.
    pub(crate) fn start_with(genesis: Genesis) -> Option<Self> {
        Self::start_as(genesis, "200ms")
    }

    fn start_as(genesis: Genesis, pace: &'static str) -> Option<Self> {
        let program = program()?;
        let journal = Journal::new();
        let covenant = keys("covenant member", 3);
        let public: Vec<_> = covenant.iter().map(|key| *key.public_key()).collect();
        let network = BabylonNetwork::start(&program, &public, 2, (genesis, pace));
        let bitcoin = EmbeddedRegtest::in_memory().unwrap();
        let wallet = key("wallet", 0);
        bitcoin.mine(60, &key_path_script(wallet.public_key())).unwrap();
        let parameters = query::parameters(&network.rpc).unwrap();
        assert_eq!(parameters, query::parameters(&network.gateway).unwrap(), "both ways give the same");
        let depths = query::checkpoint_parameters(&network.rpc).unwrap();
        let (depth, timeout) = (depths.confirmation_depth, depths.finalization_timeout);
        let spent = RefCell::default();
        let devnet = Self { network, bitcoin, wallet, covenant, parameters, depth, timeout, spent, journal };
        devnet.mine(100);
        Some(devnet)
    }

    /// The network's first account.
    pub(crate) fn account(&self) -> Account<'_> {
        self.account_of(&self.network.account)
    }

    pub(crate) fn account_of<'a>(&'a self, key: &'a AccountKey) -> Account<'a> {
        let price = "0.002ubbn".parse().unwrap();
        let pace = Pace { between: Duration::from_millis(40), ..Pace::default() };
        Account::open(&self.network.rpc, key, CHAIN_ID, price).unwrap().with_pace(pace)
    }

    /// An account of its own, which the first one pays.
    pub(crate) fn new_account(&self, number: u8) -> AccountKey {
        let (first, key) = (self.account(), AccountKey::from_bytes(&[number; 32]).unwrap());
        let address = key.address().unwrap();
        self.send(&[Message::send(first.address(), &address, 1_000_000, first.denom())]);
        key
    }

    /// Sends messages in one transaction, which must be executed.
    #[track_caller]
    pub(crate) fn send(&self, messages: &[Message]) -> Sent {
        let sent = self.account().send(messages).unwrap_or_else(|error| panic!("{error}"));
        self.journal.sent(&sent, messages);
        sent
    }

    /// Sends messages that the chain must refuse, and returns what it says.
    #[track_caller]
    pub(crate) fn refusal(&self, messages: &[Message]) -> String {
        self.verdict(&self.network.account, messages).unwrap_err()
    }

    /// Sends messages of an account that the chain may refuse, and returns what it says then.
    pub(crate) fn verdict(&self, account: &AccountKey, messages: &[Message]) -> Result<(), String> {
        // Without a simulation, so that a block has it.
        let sent = self.account_of(account).with_gas(Gas::Fixed(2_000_000)).send(messages);
        match sent {
            Ok(_) => Ok(()),
            Err(SendError::Failed { refusal, .. } | SendError::Node(NodeError::Refused(refusal))) => {
                Err(refusal.log)
            }
            Err(error) => panic!("no verdict: {error}"),
        }
    }

    pub(crate) fn mine(&self, count: u32) {
        self.bitcoin.mine(count, &ScriptBuf::from_bytes(vec![0x51])).unwrap();
    }

    /// Mines up to this height, which is not past, and tells the chain.
    #[track_caller]
    pub(crate) fn mine_to(&self, height: u32) {
        self.mine(height.checked_sub(self.tip()).expect("the height is past"));
        self.tell_headers();
    }

    /// The height of Bitcoin's tip.
    pub(crate) fn tip(&self) -> u32 {
        self.bitcoin.tip().unwrap().height.to_u32()
    }

    /// The script that the wallet is paid to.
    pub(crate) fn wallet_script(&self) -> ScriptBuf {
        key_path_script(self.wallet.public_key())
    }

    /// The wallet's coins that no transaction was made to spend, so that two never spend the same.
    pub(crate) fn coins(&self) -> Vec<Coin> {
        let mut coins = self.bitcoin.coins(&self.wallet_script()).unwrap();
        coins.retain(|coin| !self.spent.borrow().contains(&coin.outpoint));
        coins
    }

    /// Keeps what a transaction spends from being spent by another.
    pub(crate) fn set_aside(&self, transaction: &Transaction) {
        self.spent.borrow_mut().extend(transaction.input.iter().map(|input| input.previous_output));
    }

    /// What the chain lists of a stake, and under which status: exactly one.
    #[track_caller]
    pub(crate) fn listed(&self, stake: Txid) -> (DelegationStatus, ListedStake) {
        use DelegationStatus::{Active, Expired, Pending, Unbonded, Verified};
        let listed = |status| {
            let all = query::delegations_each(&self.network.rpc, status).unwrap().into_iter();
            all.filter(|found| found.txid == Some(stake)).map(move |found| (status, found))
        };
        let mut found: Vec<_> =
            [Pending, Verified, Active, Unbonded, Expired].into_iter().flat_map(listed).collect();
        assert_eq!(found.len(), 1, "{stake} is listed under {found:?}");
        found.remove(0)
    }

    /// The chain's status of a stake.
    #[track_caller]
    pub(crate) fn status(&self, stake: Txid) -> DelegationStatus {
        self.listed(stake).0
    }

    /// Broadcasts, mines, and returns where it is.
    pub(crate) fn confirm(&self, transaction: &Transaction) -> Included {
        let txid = self.bitcoin.broadcast(transaction).unwrap();
        self.mine(1);
        let included = self.included(txid);
        self.journal.confirmed(transaction, included.height);
        included
    }

    pub(crate) fn included(&self, txid: Txid) -> Included {
        let block = self.bitcoin.transaction(&txid).unwrap().unwrap().block.unwrap();
        let whole = self.bitcoin.block(&block.hash).unwrap();
        let proof = InclusionProof::from_block(&whole, txid).unwrap();
        Included { header: whole.header, height: block.height.to_u32(), proof }
    }

    /// The headers from this height to the tip.
    pub(crate) fn headers_from(&self, height: u32) -> Vec<Header> {
        let header = |height| self.bitcoin.header_at(BlockHeight::new(height)).unwrap().header;
        (height..=self.tip()).map(header).collect()
    }

    /// The headers that the chain does not know yet.
    pub(crate) fn new_headers(&self) -> Vec<Header> {
        headers::new_headers(&self.network.rpc, &self.bitcoin, usize::MAX).unwrap().headers
    }

    /// Tells the chain of Bitcoin's blocks.
    pub(crate) fn tell_headers(&self) {
        headers::tell_headers::<HeadersError>(&self.network.rpc, &self.bitcoin, |headers| {
            self.send(&[Message::insert_headers(self.account().address(), headers)]);
            Ok(())
        })
        .unwrap();
    }

    /// A transaction of the wallet that pays to this script, signed, of a coin that nothing else spends.
    pub(crate) fn pays(&self, script_pubkey: ScriptBuf) -> Transaction {
        let own = self.wallet_script();
        let coin = self.coins().into_iter().next().unwrap();
        let change = coin.output.value - Amount::from_sat(2_000);
        let unsigned = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: coin.outpoint,
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                ..TxIn::default()
            }],
            output: vec![
                TxOut { value: Amount::ZERO, script_pubkey },
                TxOut { value: change, script_pubkey: own },
            ],
        };
        self.set_aside(&unsigned);
        let mut psbt = Psbt::from_unsigned_tx(unsigned).unwrap();
        psbt.inputs[0].witness_utxo = Some(coin.output);
        let signed = sign_key_path(&psbt, &self.wallet).unwrap();
        let signature = signed.inputs[0].tap_key_sig.unwrap();
        let mut transaction = signed.unsigned_tx;
        transaction.input[0].witness = bitcoin::Witness::p2tr_key_spend(&signature);
        transaction
    }

    /// Timestamps every epoch up to this one on Bitcoin, by checkpoints of our own submission.
    pub(crate) fn finalize_epochs(&self, last: u64) {
        let node = &self.network.rpc;
        let mut messages = Vec::new();
        let address = self.account().address().clone();
        let first = (1..=last).find(|epoch| {
            query::raw_checkpoint(node, *epoch)
                .unwrap()
                .is_none_or(|found| found.status < CheckpointStatus::Submitted)
        });
        for epoch in first.unwrap_or(last + 1)..=last {
            let sealed = || query::raw_checkpoint(node, epoch).unwrap();
            self.network.wait("the epoch is sealed", || {
                sealed().is_some_and(|found| found.status >= CheckpointStatus::Sealed)
            });
            let found = sealed().unwrap();
            let checkpoint = Checkpoint {
                epoch,
                block_hash: found.block_hash,
                bitmap: found.bitmap,
                submitter: [7; 20],
                bls_multi_signature: found.bls_multi_signature,
            };
            let scripts = checkpoint.script_pubkeys(CheckpointTag::LOCAL);
            let proofs = scripts.map(|script| {
                let transaction = self.pays(script);
                let included = self.confirm(&transaction);
                babylon::message::CheckpointProof {
                    transaction,
                    inclusion: included.proof,
                    header: included.header,
                }
            });
            messages.push(Message::insert_checkpoint(&address, &proofs));
        }
        if messages.is_empty() {
            return;
        }
        self.mine(self.timeout + 1);
        // The chain looks at checkpoints at the end of a block that tells it of headers.
        messages.insert(0, Message::insert_headers(&address, &self.new_headers()));
        self.send(&messages);
        self.network.wait("the epochs are finalized", || {
            let found = query::raw_checkpoint(node, last).unwrap().unwrap();
            found.status == CheckpointStatus::Finalized
        });
        assert!(node.status().is_ok());
    }
}

/// Where a transaction is in Bitcoin.
pub(crate) struct Included {
    pub(crate) header: Header,
    pub(crate) height: u32,
    pub(crate) proof: InclusionProof,
}

impl Included {
    /// As a registration shows it of a stake: with the headers of the block and of those on it.
    pub(crate) fn shown(&self, devnet: &Devnet) -> StakeInclusion {
        let headers = devnet.headers_from(self.height);
        StakeInclusion { height: self.height, proof: self.proof.clone(), headers }
    }
}
