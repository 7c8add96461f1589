//! The arguments that `randomness`, `commit` and `prove` share: a key, a chain, a range of heights.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use anyhow::Context as _;
use eots::{PublicRandomness, XOnlyPublicKey};
#[cfg(feature = "signer")]
use finality::Signer as _;
use finality::{
    ConsumerHeight, InvalidCommitment, RandomnessSchedule, RandomnessTree, SignedCommitment, SigningContext,
};

use super::provider_key::ProviderKeyArgs;
#[cfg(feature = "signer")]
use super::remote::refused;

/// A key, a chain, and heights.
#[derive(clap::Args)]
pub(crate) struct RandomnessRangeArgs {
    #[command(flatten)]
    key: ProviderKeyArgs,
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

impl RandomnessRangeArgs {
    pub(crate) fn schedule(&self) -> anyhow::Result<RandomnessSchedule> {
        Ok(RandomnessSchedule::new(self.height, self.count, self.interval)?)
    }

    /// The commitment to all heights, signed, and whose it is. Here the tree is built on every core, and a
    /// terminal is told how far it is.
    pub(crate) fn commit(
        &self,
        context: Option<SigningContext>,
    ) -> anyhow::Result<(XOnlyPublicKey, SignedCommitment)> {
        self.check_consecutive()?;
        let schedule = self.schedule()?;
        #[cfg(feature = "signer")]
        if let Some(remote) = self.key.remote() {
            let signer = remote.lane(&self.chain_id, context)?;
            return Ok((signer.public_key(), signer.commit(schedule).map_err(refused)?));
        }
        let key = self.key.read()?;
        let chain_id = self.chain_id.as_bytes();
        let tree = self.showing_progress(|threads, progress| {
            Ok(RandomnessTree::derive(&key, chain_id, schedule, threads, progress)?)
        })?;
        let commitment = tree.commitment();
        let signature = commitment.sign(&key, &context.unwrap_or(SigningContext::GENESIS))?;
        Ok((*key.public_key(), SignedCommitment { commitment, signature }))
    }

    /// The leaves of that tree.
    pub(crate) fn leaves(&self) -> anyhow::Result<Vec<PublicRandomness>> {
        self.check_consecutive()?;
        Ok(self.public_randomness()?.1)
    }

    fn check_consecutive(&self) -> anyhow::Result<()> {
        if self.interval > 1 && self.count > 1 {
            return Err(InvalidCommitment::Sparse { interval: self.interval }).context("--interval");
        }
        Ok(())
    }

    /// The public randomness of all heights, derived in the same way, and whose it is.
    pub(crate) fn public_randomness(&self) -> anyhow::Result<(XOnlyPublicKey, Vec<PublicRandomness>)> {
        let schedule = self.schedule()?;
        #[cfg(feature = "signer")]
        if let Some(remote) = self.key.remote() {
            let signer = remote.lane(&self.chain_id, None)?;
            return Ok((signer.public_key(), signer.public_randomness(schedule).map_err(refused)?));
        }
        let key = self.key.read()?;
        let chain_id = self.chain_id.as_bytes();
        let list = self.showing_progress(|threads, progress| {
            Ok(schedule.public_randomness_on(threads, &key, chain_id, progress))
        })?;
        Ok((*key.public_key(), list))
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
