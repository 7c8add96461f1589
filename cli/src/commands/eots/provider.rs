//! The arguments that `randomness`, `commit` and `prove` share: a key, a chain, a range of heights.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use eots::{PublicRandomness, SecretKey};
use finality::{ConsumerHeight, InvalidCommitment, RandomnessSchedule, RandomnessTree};

use crate::args::secret::{SecretKeyFile, SecretKeyPath};

#[derive(clap::Args)]
pub(crate) struct Range {
    /// File with the finality provider's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    pub(crate) secret_key_file: SecretKeyPath,
    /// The chain whose blocks are voted on.
    #[arg(long)]
    pub(crate) chain_id: String,
    /// The first height.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) height: ConsumerHeight,
    /// How many heights, at most ten million.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) count: u32,
    /// The distance between two heights. Those of commitments and proofs are consecutive.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) interval: u64,
}

impl Range {
    pub(crate) fn schedule(&self) -> anyhow::Result<RandomnessSchedule> {
        Ok(RandomnessSchedule::new(self.height, self.count, self.interval)?)
    }

    /// The tree over the public randomness of all heights, built on every core; tells on a terminal how far
    /// it is.
    pub(crate) fn tree(&self, key: &SecretKey) -> anyhow::Result<RandomnessTree> {
        let schedule = self.schedule()?;
        let chain_id = self.chain_id.as_bytes();
        self.showing_progress(|threads, progress| {
            Ok(RandomnessTree::derive(key, chain_id, schedule, threads, progress)?)
        })
    }

    /// The leaves of that tree.
    pub(crate) fn leaves(&self, key: &SecretKey) -> anyhow::Result<Vec<PublicRandomness>> {
        if self.interval > 1 && self.count > 1 {
            return Err(InvalidCommitment::Sparse { interval: self.interval }.into());
        }
        self.public_randomness(key)
    }

    /// The public randomness of all heights, derived in the same way.
    pub(crate) fn public_randomness(&self, key: &SecretKey) -> anyhow::Result<Vec<PublicRandomness>> {
        let schedule = self.schedule()?;
        let chain_id = self.chain_id.as_bytes();
        self.showing_progress(|threads, progress| {
            Ok(schedule.public_randomness_on(threads, key, chain_id, progress))
        })
    }

    fn showing_progress<T>(
        &self,
        work: impl FnOnce(NonZeroUsize, &(dyn Fn(u64) + Sync)) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        // A list that takes a moment only needs no progress.
        let shown = std::io::stderr().is_terminal() && self.count > 10_000;
        let done = work(threads, &|done| {
            if shown {
                let _written = write!(std::io::stderr(), "\r{done} of {} heights", self.count);
            }
        });
        if shown {
            let _written = writeln!(std::io::stderr());
        }
        done
    }
}
