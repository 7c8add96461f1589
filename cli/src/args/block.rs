//! Blocks, as their chains print them.

use babylon::VotedBlock;

use super::input;

/// Reads a block of a file.
pub(crate) fn block_file(path: &str) -> anyhow::Result<VotedBlock> {
    Ok(VotedBlock::from_json(&input::text_file(path)?)?)
}
