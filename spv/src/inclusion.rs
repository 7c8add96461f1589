//! Proofs that a transaction is in a Bitcoin block: the path from its id to the Merkle root.
//!
//! The Merkle tree of a Bitcoin block is not safe by itself. Its leaves and its inner nodes are hashed alike,
//! so that 64 bytes can be read as either (CVE-2017-12842), and a level of odd length repeats its last node,
//! so that one node has two positions (CVE-2012-2459). Both are refused here, at every level.
//!
//! `bitcoin::MerkleBlock` is not used: it needs the number of the block's transactions, which the proofs that
//! Babylon Genesis takes do not have, it does not check inner nodes, and it panics on a block without
//! transactions.

use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::block::Header;
use bitcoin::consensus::encode;
use bitcoin::hashes::{Hash, HashEngine};
use bitcoin::hex::FromHex as _;
use bitcoin::params::Params;
use bitcoin::{Amount, Block, BlockHash, Transaction, TxMerkleNode, Txid};

use crate::headers::{HeadersError, check_work, inclusion_depth};

/// The most levels between a transaction and the root: a position has 32 bits. A block's own limits allow 14.
const MAX_LEVELS: usize = 32;

/// The number of bytes that an inner node hashes: its two children.
const INNER_NODE: usize = 64;

/// A Merkle proof for a transaction of a Bitcoin block: its position, and its siblings on the path to the
/// root in the header.
///
/// It proves nothing until it is [verified](Self::verify) for a transaction and a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    position: u32,
    siblings: Vec<TxMerkleNode>,
}

/// A reason why a proof does not show that a transaction is in a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InclusionError {
    /// The block does not have the transaction.
    #[error("the block {block} does not have the transaction {txid}")]
    NotInBlock {
        /// The transaction.
        txid: Txid,
        /// The block.
        block: BlockHash,
    },
    /// The siblings' text is neither hex nor base64.
    #[error("the siblings are neither hex nor base64; must be one of them")]
    SiblingText,
    /// The siblings' bytes are not a whole number of nodes.
    #[error("the siblings have {0} bytes; must be a multiple of 32")]
    SiblingBytes(usize),
    /// The path has more levels than a position has bits.
    #[error("the path has {0} levels; must have at most {MAX_LEVELS}")]
    TooManyLevels(usize),
    /// The position is beyond the last leaf of a tree of this depth.
    #[error("the position is {position}; a path of {levels} levels must have one below 2^{levels}")]
    NoSuchPosition {
        /// The position.
        position: u32,
        /// How many levels the path has.
        levels: usize,
    },
    /// The transaction is a coinbase, or the first one of its block, as a coinbase is. A stake is never one.
    #[error("transaction {0} is its block's coinbase; must not be")]
    Coinbase(Txid),
    /// Without its witnesses the transaction is as long as an inner node, and can be one (CVE-2017-12842).
    #[error("transaction {0} has 64 bytes without its witnesses, as an inner node of the tree has; must not")]
    LikeInnerNode(Txid),
    /// An inner node can be read as a transaction, so that its leaves may not be in the block
    /// (CVE-2017-12842).
    #[error(
        "the inner node {level} levels above the transaction can be read as transaction {txid}; must not"
    )]
    InnerTransaction {
        /// How many levels above the transaction the node is, from 1.
        level: usize,
        /// The node's hash, which is the id of the transaction that it can be read as.
        txid: Txid,
    },
    /// The position is in the repeated last node of a level of odd length (CVE-2012-2459).
    #[error(
        "the position {position} is in a repeated node: the two nodes {level} levels above the transaction are equal; must differ"
    )]
    Copy {
        /// The position.
        position: u32,
        /// How many levels above the transaction the equal nodes are, from 0.
        level: usize,
    },
    /// The path leads to another Merkle root than the header's.
    #[error("the Merkle root of the path is {found}; must be {expected}, that of block {block}")]
    OtherRoot {
        /// The block.
        block: BlockHash,
        /// The root that the path leads to.
        found: TxMerkleNode,
        /// The header's root.
        expected: TxMerkleNode,
    },
    /// The header or the chain of headers breaks a rule.
    #[error(transparent)]
    Headers(#[from] HeadersError),
}

impl InclusionProof {
    /// Returns the proof for a transaction of `block`. Of the block only the Merkle root is compared; the
    /// proof is to be verified against the header like any other.
    ///
    /// # Errors
    /// [`InclusionError::NotInBlock`], [`InclusionError::Coinbase`] or [`InclusionError::LikeInnerNode`] for
    /// a transaction that has no proof; [`InclusionError::OtherRoot`] when the header is not of these
    /// transactions.
    pub fn from_block(block: &Block, txid: Txid) -> Result<Self, InclusionError> {
        let mut row: Vec<TxMerkleNode> = block.txdata.iter().map(|tx| tx.compute_txid().into()).collect();
        let absent = || InclusionError::NotInBlock { txid, block: block.block_hash() };
        let leaf = TxMerkleNode::from(txid);
        let (position, transaction) =
            (0u32..).zip(&block.txdata).zip(&row).find(|(_, node)| **node == leaf).ok_or_else(absent)?.0;
        check_provable(transaction, position)?;
        let (mut place, mut siblings) = (position, Vec::new());
        while row.len() > 1 {
            // The last node of a row of odd length is its own sibling.
            let beside = |place: u32| usize::try_from(place).ok().and_then(|place| row.get(place)).copied();
            siblings.extend(beside(place ^ 1).or_else(|| beside(place)));
            row = row.chunks(2).filter_map(|pair| Some(parent(*pair.first()?, *pair.last()?))).collect();
            place >>= 1;
        }
        let proof = Self { position, siblings };
        proof.check_root(txid, &block.header)?;
        Ok(proof)
    }

    /// Returns the proof with these siblings and this position.
    ///
    /// The siblings are those of the transaction's up to the one below the root, 32 bytes each in internal
    /// order (which is the reverse of how ids are displayed), one after the other, at most 32. The position
    /// is the transaction's in its block, from 0.
    ///
    /// # Errors
    /// [`InclusionError`] when the bytes are not a whole number of nodes, there are too many, or a tree of
    /// that depth has no such position.
    pub fn from_bytes(siblings: &[u8], position: u32) -> Result<Self, InclusionError> {
        let (nodes, rest) = siblings.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(InclusionError::SiblingBytes(siblings.len()));
        }
        let levels = nodes.len();
        if levels > MAX_LEVELS {
            return Err(InclusionError::TooManyLevels(levels));
        }
        let beyond = u32::try_from(levels).ok().and_then(|levels| position.checked_shr(levels)).unwrap_or(0);
        if beyond != 0 {
            return Err(InclusionError::NoSuchPosition { position, levels });
        }
        Ok(Self {
            position,
            siblings: nodes.iter().map(|node| TxMerkleNode::from_byte_array(*node)).collect(),
        })
    }

    /// Returns the proof with these siblings as text, and this position: hex, or base64 of the standard
    /// alphabet with padding, as a node of Babylon Genesis prints them. The bytes are those that
    /// [`from_bytes`](Self::from_bytes) takes. A text of hex digits alone is hex.
    ///
    /// # Errors
    /// [`InclusionError::SiblingText`] when it is neither, and the errors of `from_bytes`.
    pub fn from_text(siblings: &str, position: u32) -> Result<Self, InclusionError> {
        let bytes = Vec::<u8>::from_hex(siblings).ok().or_else(|| STANDARD.decode(siblings).ok());
        Self::from_bytes(&bytes.ok_or(InclusionError::SiblingText)?, position)
    }

    /// Returns the siblings, as [`from_bytes`](Self::from_bytes) takes them.
    pub fn sibling_bytes(&self) -> Vec<u8> {
        self.siblings.iter().flat_map(|node| node.to_byte_array()).collect()
    }

    /// Returns the transaction's position in its block, from 0.
    pub const fn position(&self) -> u32 {
        self.position
    }

    /// Verifies that the block of `header` has `transaction`, and the header's proof of work: its hash is at
    /// or below its target, and the target is not above the network's limit (`params`). The transaction's id
    /// is computed; it does not cover witnesses, so neither does the proof.
    ///
    /// Whether the header is of the chain that nodes follow is not checked;
    /// [`verify_deep`](Self::verify_deep) checks how deep it is. A target can be right for the network and
    /// far too high for its time.
    ///
    /// A transaction that could be an inner node is refused, and so is a path through an inner node that
    /// could be a transaction. By chance this happens to less than one honest proof in 10^11.
    ///
    /// # Errors
    /// [`InclusionError`], one for each of these rules.
    pub fn verify(
        &self,
        transaction: &Transaction,
        header: &Header,
        params: &Params,
    ) -> Result<(), InclusionError> {
        check_work(header, params)?;
        check_provable(transaction, self.position)?;
        self.check_root(transaction.compute_txid(), header)
    }

    /// Verifies the proof against the first of `headers`, and that at least `least_depth` blocks are on top
    /// of it, by the headers after it. Returns the depth. Babylon Genesis demands 30; [`inclusion_depth`]
    /// says what is checked of the headers.
    ///
    /// # Errors
    /// Those of [`verify`](Self::verify) and of [`inclusion_depth`], and [`HeadersError::TooShallow`].
    pub fn verify_deep(
        &self,
        transaction: &Transaction,
        headers: &[Header],
        least_depth: u32,
        params: &Params,
    ) -> Result<u32, InclusionError> {
        let header = headers.first().ok_or(HeadersError::Empty)?;
        self.verify(transaction, header, params)?;
        let (depth, block, least) = (inclusion_depth(headers, params)?, header.block_hash(), least_depth);
        if depth < least { Err(HeadersError::TooShallow { block, depth, least }.into()) } else { Ok(depth) }
    }

    fn check_root(&self, txid: Txid, header: &Header) -> Result<(), InclusionError> {
        let (mut node, mut place) = (TxMerkleNode::from(txid), self.position);
        for (level, sibling) in self.siblings.iter().enumerate() {
            let on_the_right = place & 1 == 1;
            if on_the_right && node == *sibling {
                return Err(InclusionError::Copy { position: self.position, level });
            }
            let (left, right) = if on_the_right { (*sibling, node) } else { (node, *sibling) };
            node = parent(left, right);
            if is_transaction(left, right) {
                let txid = Txid::from_byte_array(node.to_byte_array());
                return Err(InclusionError::InnerTransaction { level: level.saturating_add(1), txid });
            }
            place >>= 1;
        }
        if node == header.merkle_root {
            Ok(())
        } else {
            let (block, expected) = (header.block_hash(), header.merkle_root);
            Err(InclusionError::OtherRoot { block, found: node, expected })
        }
    }
}

/// Refuses a transaction that no proof is accepted for.
fn check_provable(transaction: &Transaction, position: u32) -> Result<(), InclusionError> {
    // The first transaction of a block is its coinbase, and no other is.
    if position == 0 || transaction.is_coinbase() {
        return Err(InclusionError::Coinbase(transaction.compute_txid()));
    }
    if transaction.base_size() == INNER_NODE {
        return Err(InclusionError::LikeInnerNode(transaction.compute_txid()));
    }
    Ok(())
}

/// Returns the inner node over two nodes: the double SHA-256 of both.
fn parent(left: TxMerkleNode, right: TxMerkleNode) -> TxMerkleNode {
    let mut engine = TxMerkleNode::engine();
    engine.input(left.as_byte_array());
    engine.input(right.as_byte_array());
    TxMerkleNode::from_engine(engine)
}

/// Returns whether the 64 bytes that an inner node hashes are also a transaction that a block can have: with
/// an output, and paying at most 21 million bitcoin.
fn is_transaction(left: TxMerkleNode, right: TxMerkleNode) -> bool {
    let bytes = [left.to_byte_array(), right.to_byte_array()].concat();
    // Read with witnesses, the bytes are not those that the id hashes.
    encode::deserialize::<Transaction>(&bytes).is_ok_and(|transaction| {
        transaction.base_size() == INNER_NODE
            && !transaction.output.is_empty()
            && paid_out(&transaction).is_some_and(|paid| paid <= Amount::MAX_MONEY)
    })
}

/// Returns the sum of a transaction's outputs; `None` on overflow.
fn paid_out(transaction: &Transaction) -> Option<Amount> {
    transaction.output.iter().try_fold(Amount::ZERO, |sum, output| sum.checked_add(output.value))
}
