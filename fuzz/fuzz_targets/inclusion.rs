//! Proofs that a transaction is in a block, from others: what is accepted is the honest proof, and a chain
//! of headers that follow each other.
#![no_main]

use std::sync::LazyLock;

use btcstake_fuzz::{Changes, change};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use spv::testing::{block_of, mine};
use spv::{InclusionProof, inclusion_depth};
use staking_scripts::bitcoin::Block;
use staking_scripts::bitcoin::block::Header;
use staking_scripts::bitcoin::consensus::encode;
use staking_scripts::bitcoin::params::Params;

#[derive(Arbitrary, Debug)]
struct Input {
    /// Which transaction of the block.
    place: u8,
    position: u32,
    siblings: Siblings,
    headers: Changes,
    /// How many of the headers are given, and how deep they must reach.
    given: u8,
    least: u8,
}

#[derive(Arbitrary, Debug)]
enum Siblings {
    Any(Vec<u8>),
    Changed(Changes, u8),
}

/// A block of seven transactions, and the headers of nine blocks on it, all mined on regtest.
static CHAIN: LazyLock<(Block, Vec<Header>)> = LazyLock::new(|| {
    let block = block_of(7);
    let mut headers = vec![block.header];
    for _ in 0..9 {
        let before = *headers.last().unwrap();
        let mut header = Header { prev_blockhash: before.block_hash(), ..before };
        mine(&mut header, true);
        headers.push(header);
    }
    (block, headers)
});

fuzz_target!(|input: Input| {
    let (block, headers) = &*CHAIN;
    let transaction = &block.txdata[usize::from(input.place) % block.txdata.len()];
    let honest = InclusionProof::from_block(block, transaction.compute_txid());
    assert_eq!(honest.is_err(), transaction.is_coinbase() || transaction.input[0].previous_output.is_null());
    let siblings = match &input.siblings {
        Siblings::Any(bytes) => bytes.clone(),
        Siblings::Changed(changes, length) => {
            let mut bytes = honest.as_ref().map(InclusionProof::sibling_bytes).unwrap_or_default();
            change(&mut bytes, changes);
            bytes.truncate(usize::from(*length).max(32));
            bytes
        }
    };
    let mut bytes: Vec<u8> = headers.iter().flat_map(encode::serialize).collect();
    change(&mut bytes, &input.headers);
    bytes.truncate(80 * usize::from(input.given % 11));
    let given: Vec<Header> =
        bytes.chunks_exact(80).map(|header| encode::deserialize(header).unwrap()).collect();
    let depth = inclusion_depth(&given, &Params::REGTEST);
    assert_eq!(
        depth.clone().ok(),
        depth.ok().filter(|depth| usize::try_from(*depth).unwrap() + 1 == given.len())
    );
    let Ok(proof) = InclusionProof::from_bytes(&siblings, input.position) else { return };
    assert_eq!((proof.sibling_bytes(), proof.position()), (siblings, input.position));
    if let Ok(depth) = proof.verify_deep(transaction, &given, input.least.into(), &Params::REGTEST) {
        assert!(depth >= input.least.into());
        assert_eq!(given[0].merkle_root, headers[0].merkle_root);
        assert_eq!(Ok(proof), honest);
    }
});
