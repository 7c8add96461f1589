//! A chain that has long not been told of Bitcoin.

use std::collections::HashMap;
use std::time::Instant;

use babylon::{Message, query};
use bitcoin::block::Header;
use bitcoin::{Block, BlockHash, Network};
use chain::{BlockHeight, ChainSource, ChainTip, EmbeddedRegtest, FoundHeader, NodeError};
use roles::headers::{HEADERS_AT_ONCE, HeadersError, tell_headers};

use crate::devnet::Devnet;

/// Some twenty weeks of Bitcoin. No transaction may have more than a fraction of the headers.
const MANY: u32 = 20_000;

/// Headers on the tip of the embedded chain. The chain sees no more of Bitcoin than headers, and the engine
/// takes a minute to look at so many blocks, which are empty.
struct Longer<'a> {
    below: &'a EmbeddedRegtest,
    above: Vec<Header>,
    heights: HashMap<BlockHash, BlockHeight>,
    fork: u32,
}

impl<'a> Longer<'a> {
    fn new(below: &'a EmbeddedRegtest) -> Self {
        let fork = below.tip().unwrap();
        let mut longer =
            Self { below, above: Vec::new(), heights: HashMap::new(), fork: fork.height.to_u32() };
        for _ in 0..MANY {
            longer.mine();
        }
        longer
    }

    /// Adds a header with proof of work, a minute later.
    fn mine(&mut self) {
        let tip = self.tip().unwrap();
        let before = self.header(&tip.hash).unwrap().header;
        let (time, nonce) = (before.time + 60, 0);
        let mut header = Header { prev_blockhash: tip.hash, time, nonce, ..before };
        spv::testing::mine(&mut header, true);
        self.above.push(header);
        self.heights.insert(header.block_hash(), BlockHeight::new(tip.height.to_u32() + 1));
    }

    fn found(&self, height: BlockHeight) -> FoundHeader {
        let index = usize::try_from(height.to_u32() - self.fork - 1).unwrap();
        FoundHeader { header: self.above[index], height, confirmations: 1 }
    }
}

impl ChainSource for Longer<'_> {
    fn network(&self) -> Network {
        Network::Regtest
    }

    fn tip(&self) -> Result<ChainTip, NodeError> {
        let Some(last) = self.above.last() else { return self.below.tip() };
        let height = self.fork + u32::try_from(self.above.len()).unwrap();
        Ok(ChainTip { height: BlockHeight::new(height), hash: last.block_hash() })
    }

    fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
        match height.to_u32() > self.fork {
            true => Ok(self.found(height).header.block_hash()),
            false => self.below.block_hash(height),
        }
    }

    fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
        match self.heights.get(hash) {
            Some(height) => Ok(self.found(*height)),
            None => self.below.header(hash),
        }
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        self.below.block(hash)
    }
}

#[test]
fn twenty_thousand_headers_are_caught_up_with() {
    let Some(devnet) = Devnet::start() else { return };
    let mut bitcoin = Longer::new(&devnet.bitcoin);
    let (tip, node) = (bitcoin.tip().unwrap(), &devnet.network.rpc);
    let before = query::light_client_tip(node).unwrap().height;
    let account = devnet.account();
    let mut transactions = 0;
    let begun = Instant::now();
    let told = tell_headers::<HeadersError>(node, &bitcoin, |headers| {
        let sent = account.send(&[Message::insert_headers(account.address(), headers)]).unwrap();
        // More than this enters no mempool.
        assert!(sent.executed.gas_wanted <= 10_000_000, "{}", sent.executed.gas_wanted);
        transactions += 1;
        Ok(())
    })
    .unwrap();
    eprintln!("{told} headers in {transactions} transactions: {:.1?}", begun.elapsed());
    let known = query::light_client_tip(node).unwrap();
    assert_eq!((known.height, known.hash), (tip.height.to_u32(), tip.hash));
    assert_eq!((before, told), (0, usize::try_from(known.height).unwrap()));
    assert!(known.height >= MANY && transactions == told.div_ceil(HEADERS_AT_ONCE));
    // There is nothing more to tell; then there is one block.
    let tell = |bitcoin: &Longer<'_>| {
        tell_headers::<HeadersError>(node, bitcoin, |headers| {
            devnet.send(&[Message::insert_headers(account.address(), headers)]);
            Ok(())
        })
        .unwrap()
    };
    assert_eq!(tell(&bitcoin), 0);
    bitcoin.mine();
    assert_eq!(tell(&bitcoin), 1);
}
