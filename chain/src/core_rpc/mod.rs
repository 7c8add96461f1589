//! A running `bitcoind`, over JSON-RPC.

mod blocks;
mod broadcast;
#[cfg(test)]
#[cfg(feature = "testing")]
mod broadcast_tests;
#[cfg(test)]
mod connect_tests;
mod credentials;
#[cfg(test)]
#[cfg(feature = "testing")]
mod daemon_tests;
#[cfg(test)]
#[cfg(feature = "testing")]
mod index_tests;
mod lookup;
#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod tests;
mod transport;
mod watching;
#[cfg(test)]
#[cfg(feature = "testing")]
mod watching_tests;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitcoin::constants::genesis_block;
use bitcoin::{Amount, BlockHash, FeeRate, Network, OutPoint, Script, TxOut, Txid};
use corepc_types::v28::{
    EstimateSmartFee, GenerateToDescriptor, GetBlockchainInfo, GetDescriptorInfo, ScanTxOutSetStart,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use self::credentials::Credentials;
use self::credentials::{Endpoint, invalid};
pub use self::transport::Deadline;
use self::transport::{Rpc, malformed};
use crate::{BlockHeight, ChainSource, Coin, FeeEstimate, FoundTransaction, Lookup, Mine, NodeError};

/// Bitcoin Core 28.0: the first whose `scantxoutset` tells the block of a coin, and that knows testnet4.
const REQUIRED_VERSION: u64 = 280_000;
/// How long a call may take that the node answers from memory or with one read.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a call may take that reads all unspent outputs, or mines.
const LONG_TIMEOUT: Duration = Duration::from_secs(900);
/// Two weeks of blocks.
const SEARCH_DEPTH: u32 = 2_016;
/// How many blocks are asked for at once when mining.
const MINING_BATCH: u32 = 1_000;
/// A coinbase may be spent in the next block when it is this deep.
const COINBASE_MATURITY: u64 = 100;
/// The longest horizon of Bitcoin Core's fee estimates.
const MAX_ESTIMATE_BLOCKS: u16 = 1_008;
/// A thousand virtual bytes are four thousand weight units.
const KWU_PER_KVB: u64 = 4;

/// RPC_INVALID_PARAMETER: among others, no such height.
const INVALID_PARAMETER: i32 = -8;

/// The one field that is needed before the node's version, and so the form of its results, is known.
#[derive(serde::Deserialize)]
struct NetworkInfo {
    version: u64,
}

/// A running `bitcoind`, version 28 or later, without a wallet and without an index of transactions.
///
/// The connection is HTTP without encryption, so the node belongs on the same machine, or at the other end of
/// a tunnel.
///
/// Every call opens a connection of its own and waits at most 30 seconds for the answer; reading all unspent
/// outputs ([`Lookup::coins`]; minutes on the main network) and mining at most 15 minutes. A [`Deadline`]
/// limits all calls together.
///
/// # What is believed
///
/// A node is believed what cannot be computed: which block is the tip, at which height a block is and how
/// deep, that an output is unspent, that no index or mempool holds a transaction, fee rates. All else is
/// checked: the network's genesis block, the hash of each header and block, that a block's header commits to
/// its transactions and their witnesses, that blocks which are searched follow each other, a transaction's
/// id, that a spender spends the outpoint, an unspent output's amount and script.
#[derive(Debug)]
pub struct BitcoinCore {
    rpc: Rpc,
    network: Network,
    search_depth: u32,
    /// Whether it showed that it has no REST interface.
    lacks_rest: AtomicBool,
}

impl BitcoinCore {
    /// Connects to the node at `url` = `http://[user:password@]host:port`, and checks that its version and
    /// network are supported.
    ///
    /// A name and password in the URL are percent-decoded; they are given either there or as `credentials`.
    /// The host is a name or an IPv4 address.
    ///
    /// # Errors
    ///
    /// - [`NodeError::InvalidUrl`]: not http, no port, credentials in both places;
    /// - [`NodeError::CookieFile`], [`NodeError::Unauthorized`]: the credentials are missing or wrong;
    /// - [`NodeError::Unreachable`], [`NodeError::Starting`]: try again;
    /// - [`NodeError::VersionTooOld`]: older than 28.0;
    /// - [`NodeError::UnsupportedNetwork`]: not main, testnet4, signet or regtest;
    /// - [`NodeError::WrongGenesis`]: another currency's node.
    pub fn connect(url: &str, credentials: Credentials) -> Result<Self, NodeError> {
        Self::connect_to(url, credentials, None)
    }

    /// Connects as [`connect`](Self::connect) does, and limits all calls together, these first ones included:
    /// what is not answered by the deadline fails with [`NodeError::DeadlineExceeded`].
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_before(
        url: &str,
        credentials: Credentials,
        deadline: Deadline,
    ) -> Result<Self, NodeError> {
        Self::connect_to(url, credentials, Some(deadline))
    }

    fn connect_to(
        url: &str,
        credentials: Credentials,
        deadline: Option<Deadline>,
    ) -> Result<Self, NodeError> {
        let (endpoint, in_url) = Endpoint::parse(url)?;
        let credentials = match (credentials, in_url) {
            (Credentials::None, in_url) => in_url,
            (given, Credentials::None) => given,
            _ => return Err(invalid("it holds credentials, and others were given beside it")),
        };
        let rpc = Rpc::new(endpoint, credentials, deadline)?;
        let NetworkInfo { version: found } = rpc.call("getnetworkinfo", &[], TIMEOUT)?;
        if found < REQUIRED_VERSION {
            return Err(NodeError::VersionTooOld { found, required: REQUIRED_VERSION });
        }
        let chain: GetBlockchainInfo = rpc.call("getblockchaininfo", &[], TIMEOUT)?;
        let network = match chain.chain.as_str() {
            "main" => Network::Bitcoin,
            "testnet4" => Network::Testnet4,
            "signet" => Network::Signet,
            "regtest" => Network::Regtest,
            name => return Err(NodeError::UnsupportedNetwork { name: name.chars().take(32).collect() }),
        };
        let found: BlockHash = rpc.call("getblockhash", &[json!(0)], TIMEOUT)?;
        let expected = genesis_block(network).block_hash();
        if found != expected {
            return Err(NodeError::WrongGenesis { network, found, expected });
        }
        Ok(Self { rpc, network, search_depth: SEARCH_DEPTH, lacks_rest: AtomicBool::new(false) })
    }

    /// Sets how many blocks, from the tip down, [`Lookup::transaction`] looks through when the node has no
    /// index of transactions (`-txindex=1`), and [`Lookup::spender`] when it has no index of spenders
    /// (`-txospenderindex=1`); 2016 unless set. Each costs one call.
    #[must_use]
    pub fn with_search_depth(mut self, blocks: u32) -> Self {
        self.search_depth = blocks;
        self
    }

    /// Tells the daemon to write its databases and exit.
    #[cfg(feature = "testing")]
    pub(crate) fn stop(&self) -> Result<(), NodeError> {
        self.call::<Value>("stop", &[]).map(drop)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn call_any(&self, method: &str, params: &[Value]) -> Result<Value, NodeError> {
        self.call(method, params)
    }

    fn call<T: DeserializeOwned>(&self, method: &str, params: &[Value]) -> Result<T, NodeError> {
        self.rpc.call(method, params, TIMEOUT)
    }

    /// What Bitcoin Core asks for before it mines to a script: the script as a descriptor, with its checksum.
    fn descriptor(&self, script_pubkey: &Script) -> Result<String, NodeError> {
        let info: GetDescriptorInfo =
            self.call("getdescriptorinfo", &[json!(raw_descriptor(script_pubkey))])?;
        Ok(info.descriptor)
    }

    /// The least fee rate that the node's mempool accepts at present.
    fn minimum_fee_rate(&self) -> Result<FeeRate, NodeError> {
        /// The one field that is needed; the others change from version to version.
        #[derive(serde::Deserialize)]
        struct MempoolInfo {
            mempoolminfee: f64,
        }
        let info: MempoolInfo = self.call("getmempoolinfo", &[])?;
        fee_rate_from("getmempoolinfo", info.mempoolminfee)
    }
}

impl Lookup for BitcoinCore {
    /// As [`Lookup::transaction`].
    ///
    /// A node without an index of transactions finds one of whose first two outputs one is unspent. For any
    /// other it is searched block by block, from the tip down, as deep as
    /// [`with_search_depth`](BitcoinCore::with_search_depth) says. When the chain has more blocks, or a
    /// pruned node has deleted them, the answer is not `None` but [`NodeError::NotIndexed`], or
    /// [`NodeError::BlockPruned`] where the node tells the transaction's block.
    fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        self.find(txid)
    }

    /// As [`Lookup::spender`].
    ///
    /// A node with an index of spenders (`-txospenderindex=1`, Bitcoin Core 31) answers from it, once it is
    /// built. Without it the spender is searched block by block, from the tip down to the coin's block, as
    /// deep as [`with_search_depth`](BitcoinCore::with_search_depth) says; [`NodeError::SpenderNotFound`]
    /// beyond, or where a pruned node has deleted the blocks.
    fn spender(&self, coin: &Coin) -> Result<Option<FoundTransaction>, NodeError> {
        self.find_spender(coin)
    }

    /// As [`Lookup::coins`]. The node reads all its unspent outputs for this, and does so for one caller at a
    /// time: [`NodeError::Busy`] meanwhile.
    fn coins(&self, script_pubkey: &Script) -> Result<Vec<Coin>, NodeError> {
        const METHOD: &str = "scantxoutset";
        let params = [json!("start"), json!([raw_descriptor(script_pubkey)])];
        let scan: ScanTxOutSetStart = match self.rpc.call(METHOD, &params, LONG_TIMEOUT) {
            Err(NodeError::Rpc { code: INVALID_PARAMETER, message, .. })
                if message.contains("in progress") =>
            {
                return Err(NodeError::Busy { method: METHOD.to_owned(), message });
            }
            answer => answer?,
        };
        if !scan.success {
            return Err(NodeError::Busy {
                method: METHOD.to_owned(),
                message: "the scan was aborted".to_owned(),
            });
        }
        let mut coins = Vec::with_capacity(scan.unspents.len());
        for unspent in scan.unspents {
            if unspent.coinbase && unspent.confirmations < COINBASE_MATURITY {
                continue;
            }
            let unspent = unspent.into_model().map_err(|error| malformed(METHOD, error))?;
            if unspent.script_pubkey.as_script() != script_pubkey {
                return Err(malformed(METHOD, "it holds an output of another script"));
            }
            let height = u32::try_from(unspent.height)
                .map_err(|_| malformed(METHOD, "a height in it is no height"))?;
            coins.push(Coin {
                outpoint: OutPoint { txid: unspent.txid, vout: unspent.vout },
                output: TxOut { value: unspent.amount, script_pubkey: unspent.script_pubkey },
                height: BlockHeight::new(height),
            });
        }
        coins.sort_by_key(|coin| (coin.height, coin.outpoint));
        Ok(coins)
    }
}

impl FeeEstimate for BitcoinCore {
    /// Returns the node's conservative estimate for confirmation within `blocks` blocks (at least 1, at most
    /// 1008 are asked for), rounded up. When the node has seen too little for an estimate, as on regtest, the
    /// least fee rate that its mempool accepts at present.
    fn fee_rate(&self, blocks: u16) -> Result<FeeRate, NodeError> {
        const METHOD: &str = "estimatesmartfee";
        let target = blocks.clamp(1, MAX_ESTIMATE_BLOCKS);
        let estimate: EstimateSmartFee = self.call(METHOD, &[json!(target), json!("conservative")])?;
        match estimate.fee_rate {
            Some(btc_per_kvb) => fee_rate_from(METHOD, btc_per_kvb),
            None => self.minimum_fee_rate(),
        }
    }
}

impl Mine for BitcoinCore {
    /// As [`Mine::mine`]. A block is told from others by the script that it pays and by its time alone: after
    /// `invalidateblock`, mining to the same script within the same second makes the invalidated block again,
    /// which fails; pay another script on each branch.
    fn mine(&self, count: u32, script_pubkey: &Script) -> Result<Vec<BlockHash>, NodeError> {
        const METHOD: &str = "generatetodescriptor";
        if self.network != Network::Regtest {
            return Err(NodeError::NotRegtest { network: self.network });
        }
        let descriptor = self.descriptor(script_pubkey)?;
        let mut hashes = Vec::new();
        let mut missing = count;
        while missing > 0 {
            let batch = missing.min(MINING_BATCH);
            let mined: GenerateToDescriptor =
                self.rpc.call(METHOD, &[json!(batch), json!(descriptor)], LONG_TIMEOUT)?;
            let mined = mined.into_model().map_err(|error| malformed(METHOD, error))?.0;
            if u32::try_from(mined.len()) != Ok(batch) {
                return Err(malformed(METHOD, format!("{} blocks instead of {batch}", mined.len())));
            }
            hashes.extend(mined);
            missing = missing.saturating_sub(batch);
        }
        Ok(hashes)
    }

    fn mine_branch(
        &self,
        fork_height: BlockHeight,
        count: u32,
        script_pubkey: &Script,
    ) -> Result<Vec<BlockHash>, NodeError> {
        if self.network != Network::Regtest {
            return Err(NodeError::NotRegtest { network: self.network });
        }
        let first = self.block_hash(fork_height.saturating_add(1))?;
        let _nothing: serde_json::Value = self.rpc.call("invalidateblock", &[json!(first)], LONG_TIMEOUT)?;
        self.mine(count, script_pubkey)
    }
}

fn raw_descriptor(script_pubkey: &Script) -> String {
    format!("raw({})", script_pubkey.to_hex_string())
}

/// Bitcoin Core writes fee rates as BTC per 1000 virtual bytes.
fn fee_rate_from(method: &str, btc_per_kvb: f64) -> Result<FeeRate, NodeError> {
    let per_kvb = Amount::from_btc(btc_per_kvb).map_err(|error| malformed(method, error))?;
    Ok(FeeRate::from_sat_per_kwu(per_kvb.to_sat().div_ceil(KWU_PER_KVB)))
}
