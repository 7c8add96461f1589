//! Follows a regtest chain across a reorg.
//!
//! ```sh
//! cargo run -p btcstake-chain --features embedded --example follow
//! ```

use std::error::Error;

use bitcoin::{Block, ScriptBuf};
use chain::{ChainSource, ChainTip, EmbeddedRegtest, Follower, Listen, Mine, Step};

/// Writes down what it is told.
#[derive(Default)]
struct Journal {
    lines: Vec<String>,
}

impl Listen for Journal {
    fn block_connected(&mut self, block: &Block, at: ChainTip) {
        self.lines.push(format!("connected height {} with {} transactions", at.height, block.txdata.len()));
    }

    fn blocks_disconnected(&mut self, fork_point: ChainTip) {
        self.lines.push(format!("disconnected to height {}", fork_point.height));
    }
}

fn follow() -> Result<Vec<String>, Box<dyn Error>> {
    let node = EmbeddedRegtest::in_memory()?;
    let anyone_can_spend = ScriptBuf::from_bytes(vec![0x51]);
    let mut follower = Follower::start(&node, node.tip()?.hash)?;
    let mut journal = Journal::default();

    node.mine(2, &anyone_can_spend)?;
    follower.catch_up(&node, &mut journal)?;

    // A branch from height 1: with two blocks it has more work.
    let fork_point = node.block_hash(chain::BlockHeight::new(1))?;
    node.mine_on(&fork_point, 2, &anyone_can_spend)?;
    let at_rest = follower.catch_up(&node, &mut journal)?;

    assert_eq!(at_rest, Step::AtTip);
    assert_eq!(follower.position(), node.tip()?);
    Ok(journal.lines)
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in follow()? {
        println!("{line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn follow_sees_the_reorg() {
        let lines = super::follow().unwrap();
        assert_eq!(
            lines,
            [
                "connected height 1 with 1 transactions",
                "connected height 2 with 1 transactions",
                "disconnected to height 1",
                "connected height 2 with 1 transactions",
                "connected height 3 with 1 transactions",
            ]
        );
    }
}
