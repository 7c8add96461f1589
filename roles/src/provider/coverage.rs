//! How far randomness is committed, and what to commit next.

use babylon::query::CommittedRandomness;
use finality::{ConsumerHeight, RandomnessCommitment, RandomnessCoverage, RandomnessSchedule};

use super::policy::ProviderPolicy;

/// What to commit to next.
pub(super) struct Due {
    pub(super) range: RandomnessSchedule,
    /// Whether there is a gap between it and what is committed, as the heights in it are past. The chain lets
    /// nobody fill a gap later.
    pub(super) leaves_gap: bool,
}

/// Returns the heights to commit to next, where it is time: when what is committed ends before a commitment
/// of now would count. They follow what is committed without a gap; heights that are past are in none.
pub(super) fn next_commitment(
    policy: &ProviderPolicy,
    tip: ConsumerHeight,
    activation: ConsumerHeight,
    committed: &[CommittedRandomness],
) -> Option<Due> {
    let after_all = committed.iter().map(|found| end(&found.commitment)).max().unwrap_or_default();
    let counts_from = tip.saturating_add(policy.timestamping_delay).saturating_add(1);
    if after_all > counts_from.to_u64() {
        return None;
    }
    // The next block is the first that its votes can be for.
    let leaves_gap = after_all <= tip.to_u64();
    let start = if leaves_gap { tip.saturating_add(1).to_u64().max(activation.to_u64()) } else { after_all };
    let range = RandomnessSchedule::new(ConsumerHeight(start), policy.heights, 1).ok()?;
    Some(Due { range, leaves_gap })
}

/// The height after the last one of a commitment.
fn end(commitment: &RandomnessCommitment) -> u64 {
    commitment.start_height.to_u64().saturating_add(commitment.count)
}

/// Returns the commitment that has a height, with its heights as a schedule.
pub(super) fn covering(
    committed: &[CommittedRandomness],
    height: ConsumerHeight,
) -> Option<(RandomnessSchedule, RandomnessCommitment)> {
    let covers = |commitment: &RandomnessCommitment| {
        let above = height.to_u64().checked_sub(commitment.start_height.to_u64());
        above.is_some_and(|above| above < commitment.count)
    };
    let found = committed.iter().map(|found| found.commitment).find(covers)?;
    let count = u32::try_from(found.count).ok()?;
    Some((RandomnessSchedule::new(found.start_height, count, 1).ok()?, found))
}

/// Returns how many heights after the tip have randomness that is timestamped, without a gap.
pub(super) fn timestamped_ahead(
    tip: ConsumerHeight,
    committed: &[CommittedRandomness],
    finalized_epoch: Option<u64>,
) -> u64 {
    let mut coverage = RandomnessCoverage::new(0);
    for found in committed.iter().filter(|found| Some(found.epoch) <= finalized_epoch) {
        // The chain has none that overlap.
        let _added = coverage.add(&found.commitment);
    }
    coverage.remaining(tip)
}

/// Returns how many heights after the tip are committed to, timestamped or not.
pub(super) fn committed_ahead(tip: ConsumerHeight, committed: &[CommittedRandomness]) -> u64 {
    timestamped_ahead(tip, committed, Some(u64::MAX))
}
