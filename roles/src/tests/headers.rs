//! Headers that a chain does not know, and being told of them.

use std::sync::Mutex;

use babylon::node::{Answer, BlockHeader, ChainNode, Executed, NodeError, NodeStatus, Query};
use bitcoin::BlockHash;
use bitcoin::block::Header;
use chain::testing::ScriptedChain;
use chain::{ChainSource as _, ChainTip};
use finality::ConsumerHeight;
use serde_json::json;

use crate::headers::{HEADERS_AT_ONCE, HeadersError, new_headers, tell_headers};

/// A chain that knows Bitcoin up to this block, and nothing else.
#[derive(Debug)]
struct Knowing(Mutex<(u32, BlockHash)>);

impl Knowing {
    fn up_to(tip: ChainTip) -> Self {
        Self(Mutex::new((tip.height.to_u32(), tip.hash)))
    }

    fn take(&self, headers: &[Header]) {
        let (height, hash) = &mut *self.0.lock().unwrap();
        for header in headers {
            assert_eq!(header.prev_blockhash, *hash, "each follows the one before");
            (*height, *hash) = (*height + 1, header.block_hash());
        }
    }
}

impl ChainNode for Knowing {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        Err(NodeError::Nobody)
    }

    fn header(&self, _: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        Err(NodeError::Nobody)
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        assert_eq!(query.method, "/babylon.btclightclient.v1.Query/Tip");
        let (height, hash) = *self.0.lock().unwrap();
        let header = json!({ "header_hex": "", "hash_hex": hash.to_string(), "height": height });
        Ok(Answer::Json(json!({ "header": header }).to_string()))
    }

    fn broadcast(&self, _: &[u8]) -> Result<(), NodeError> {
        Err(NodeError::Nobody)
    }

    fn executed(&self, _: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        Err(NodeError::Nobody)
    }
}

/// Tells of every header, and returns how many were in each transaction.
fn tell(chain: &Knowing, bitcoin: &ScriptedChain) -> Result<(usize, Vec<usize>), HeadersError> {
    let mut told = Vec::new();
    let count = tell_headers::<HeadersError>(chain, bitcoin, |headers| {
        chain.take(headers);
        told.push(headers.len());
        Ok(())
    })?;
    Ok((count, told))
}

#[test]
fn many_headers_are_told_in_turn() {
    let bitcoin = ScriptedChain::new();
    let chain = Knowing::up_to(bitcoin.tip().unwrap());
    assert_eq!(tell(&chain, &bitcoin).unwrap(), (0, vec![]));
    let blocks = bitcoin.extend(bitcoin.tip().unwrap().hash, 2 * 400 + 7);
    bitcoin.set_tip(blocks[399]);
    assert_eq!(tell(&chain, &bitcoin).unwrap(), (400, vec![HEADERS_AT_ONCE]));
    bitcoin.set_tip(blocks[806]);
    assert_eq!(tell(&chain, &bitcoin).unwrap(), (407, vec![HEADERS_AT_ONCE, 7]));
    assert_eq!(*chain.0.lock().unwrap(), (807, blocks[806]));
}

#[test]
fn what_a_fork_replaces_is_told_from_the_fork_on() {
    let bitcoin = ScriptedChain::new();
    let old = bitcoin.extend(bitcoin.tip().unwrap().hash, 5);
    bitcoin.set_tip(old[4]);
    let chain = Knowing::up_to(bitcoin.tip().unwrap());
    let branch = bitcoin.extend(old[2], 3);
    bitcoin.set_tip(branch[2]);
    let new = new_headers(&chain, &bitcoin, 2).unwrap();
    assert!(!new.is_all);
    assert_eq!(new.headers.iter().map(Header::block_hash).collect::<Vec<_>>(), branch[..2]);
    // Three blocks are no match for a fork from further back than a chain survives.
    let long = bitcoin.extend(old[4], 1_000);
    bitcoin.set_tip(long[999]);
    let far = Knowing::up_to(bitcoin.tip().unwrap());
    bitcoin.set_tip(branch[2]);
    let found = new_headers(&far, &bitcoin, 2).unwrap_err();
    assert!(matches!(found, HeadersError::OffChain { height: 1005, .. }), "{found}");
}

#[test]
fn a_chain_that_takes_nothing_is_not_told_for_ever() {
    let bitcoin = ScriptedChain::new();
    let chain = Knowing::up_to(bitcoin.tip().unwrap());
    bitcoin.set_tip(bitcoin.extend(bitcoin.tip().unwrap().hash, 401)[400]);
    let found = tell_headers::<HeadersError>(&chain, &bitcoin, |_| Ok(())).unwrap_err();
    assert_eq!(found.to_string(), "400 headers were executed, and the chain's tip is where it was");
}

#[test]
fn a_reorg_while_headers_are_read_is_seen() {
    let bitcoin = ScriptedChain::new();
    let genesis = bitcoin.tip().unwrap();
    let (old, new) = (bitcoin.extend(genesis.hash, 3), bitcoin.extend(genesis.hash, 4));
    bitcoin.set_tip(old[2]);
    // After the tip and the header at height 1, which takes three calls.
    bitcoin.set_tip_after(4, new[3]);
    let found = new_headers(&Knowing::up_to(genesis), &bitcoin, 9).unwrap_err();
    assert!(matches!(found, HeadersError::Reorganized { height: 2 }), "{found}");
}
