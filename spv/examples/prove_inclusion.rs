//! Proves that a transaction is in a block, and how deep the block is.
//!
//! ```console
//! cargo run --package btcstake-spv --example prove_inclusion
//! ```

use std::error::Error;

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::params::Params;
use bitcoin::{Block, Txid};
use spv::InclusionProof;

/// Bitcoin's block 170, with the first payment from one person to another.
const BLOCK: &str = include_str!("block_170.hex");

fn main() -> Result<(), Box<dyn Error>> {
    let block: Block = deserialize_hex(BLOCK.trim())?;
    let txid: Txid = "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16".parse()?;

    // The one who has the block makes the proof …
    let proof = InclusionProof::from_block(&block, txid)?;
    let (siblings, position) = (proof.sibling_bytes(), proof.position());

    // … and the one who has only the header verifies it.
    let proof = InclusionProof::from_bytes(&siblings, position)?;
    let transaction = block.txdata.iter().find(|transaction| transaction.compute_txid() == txid);
    let transaction = transaction.ok_or("the block does not have the transaction")?;
    let depth = proof.verify_deep(transaction, &[block.header], 0, &Params::BITCOIN)?;
    println!("{txid} is transaction {position} of block {}, {depth} deep", block.block_hash());
    Ok(())
}

#[test]
fn prove_inclusion_runs() {
    main().unwrap();
}
