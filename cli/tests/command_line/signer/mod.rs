//! `btcstake signer`, and `eots sign` with its database: what is signed, what is refused, and what an old
//! copy cannot do.

pub(crate) mod daemon;
mod database;
mod interchange;

use crate::fixtures::process::{Folder, PROVIDER_KEY, Run};

/// The message of a vote: the height and a block hash of one byte.
fn vote(height: u64, block: u8) -> String {
    format!("{height:016x}{}", hex::encode([block; 32]))
}

fn lane() -> String {
    format!("--public-key {PROVIDER_KEY} --chain-id bbn-1")
}

fn init(folder: &Folder, database: &str, from: u64) -> Run {
    folder.run(&format!("--json signer init --protection {database} {} --from-height {from}", lane()))
}

fn sign(folder: &Folder, database: &str, height: u64, block: u8) -> Run {
    folder.run(&format!(
        "--json eots sign --secret-key-file provider.key --chain-id bbn-1 --height {height} --message {} --protection {database}",
        vote(height, block)
    ))
}
