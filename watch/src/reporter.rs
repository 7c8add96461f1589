//! Which reports to the secured chain are due, and when one is handed over again.

use std::collections::{BTreeMap, BTreeSet};

use babylon::query::DelegationStatus;
use bitcoin::hashes::Hash as _;

use crate::report::Report;
use crate::stake::{StakeId, StakeOutput, TrackedStake};

/// After how many blocks a report is handed over again, of which the chain has taken no notice.
const AGAIN_AFTER_BLOCKS: u32 = 6;
/// How often it is handed over at most.
const MOST_TIMES: u32 = 3;
/// The longest pause after failures in a row, in rounds: each block and each minute begins one.
const LONGEST_PAUSE: u32 = 16;

/// What a report is about: a stake or a provider. There is one report of each at a time.
pub(crate) type Subject = [u8; 33];

pub(crate) fn subject(report: &Report) -> Subject {
    let (kind, about) = match report {
        Report::Inclusion { stake, .. } | Report::Undelegation { stake, .. } => (0, stake.to_byte_array()),
        Report::SelectiveSlashing { provider } => (1, provider.serialize()),
    };
    let mut subject = [kind; 33];
    for (place, byte) in subject.iter_mut().skip(1).zip(about) {
        *place = byte;
    }
    subject
}

/// A report that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) report: Report,
    /// The height of the last block when it was taken last.
    pub(crate) at: u32,
    /// How often it was taken.
    pub(crate) times: u32,
}

impl Posted {
    /// Whether the chain could have taken notice by now.
    const fn is_old(&self, tip: u32) -> bool {
        tip.saturating_sub(self.at) >= AGAIN_AFTER_BLOCKS
    }

    /// Whether it is handed over again. What the chain has of a provider nobody tells: that is done once.
    const fn is_again(&self, tip: u32) -> bool {
        let is_of_stake = !matches!(self.report, Report::SelectiveSlashing { .. });
        is_of_stake && self.times < MOST_TIMES && self.is_old(tip)
    }
}

/// A report that was not taken.
#[derive(Debug, Clone, Copy)]
struct Failed {
    report: Report,
    times: u32,
    /// From which round on it is tried again.
    from: u32,
}

/// What is reported, and was.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    /// The stakes of which something may be due.
    candidates: BTreeSet<StakeId>,
    /// Those that were taken.
    posted: BTreeMap<Subject, Posted>,
    /// Those that were not taken when they were handed over last.
    failed: BTreeMap<Subject, Failed>,
    round: u32,
}

/// Returns what the chain has still to be told of a stake, by what the blocks up to `tip` have.
pub(crate) fn due(stake: &TrackedStake, tip: u32, depth: u32) -> Option<Report> {
    let is_deep = |height: u32| tip.saturating_sub(height) >= depth;
    let txid = stake.outpoint.txid;
    match (stake.spend(StakeOutput::Staking), stake.included, stake.registered?) {
        (_, _, DelegationStatus::Unbonded | DelegationStatus::Expired) => None,
        // A reorg that undoes an extension would leave the chain with a stake that is not there.
        (Some(spend), ..) if stake.extension().is_some() && !is_deep(spend.height) => None,
        (Some(spend), ..) => Some(Report::Undelegation { stake: txid, by: spend.txid, height: spend.height }),
        // The chain takes that of an extension with the undelegation of what it extends.
        (None, Some(height), DelegationStatus::Verified) if is_deep(height) && !stake.is_extension => {
            Some(Report::Inclusion { stake: txid, height })
        }
        _ => None,
    }
}

/// Whether something is due of it, or will be when it is deep enough.
fn may_be_due(stake: &TrackedStake) -> bool {
    due(stake, u32::MAX, 0).is_some()
}

impl Reporter {
    /// Takes note of a stake as it is now.
    pub(crate) fn note(&mut self, id: StakeId, stake: &TrackedStake) {
        if may_be_due(stake) {
            self.candidates.insert(id);
        } else {
            self.candidates.remove(&id);
        }
    }

    pub(crate) fn candidates(&self) -> impl Iterator<Item = StakeId> {
        self.candidates.iter().copied()
    }

    /// Returns whether a report that is due is handed over now.
    pub(crate) fn is_now(&self, report: &Report, tip: u32) -> bool {
        let subject = subject(report);
        let posted = self.posted.get(&subject).filter(|posted| posted.report == *report);
        let failed = self.failed.get(&subject).filter(|failed| failed.report == *report);
        posted.is_none_or(|posted| posted.is_again(tip))
            && failed.is_none_or(|failed| failed.from <= self.round)
    }

    /// Returns how often a report was taken, where that is often enough and the chain took no notice.
    pub(crate) fn is_in_vain(&self, report: &Report, tip: u32) -> Option<u32> {
        let posted = self.posted.get(&subject(report)).filter(|posted| posted.report == *report)?;
        let is_of_stake = !matches!(report, Report::SelectiveSlashing { .. });
        (is_of_stake && posted.times >= MOST_TIMES && posted.is_old(tip)).then_some(posted.times)
    }

    /// Begins a new round: what failed is tried again.
    pub(crate) fn begin_round(&mut self) {
        self.round = self.round.saturating_add(1);
    }

    /// Takes note of a report as it is stored.
    pub(crate) fn restore(&mut self, posted: Posted) {
        self.posted.insert(subject(&posted.report), posted);
    }

    /// Takes note that a report was taken, and returns what is to be stored.
    pub(crate) fn taken(&mut self, report: Report, tip: u32) -> Posted {
        let subject = subject(&report);
        self.failed.remove(&subject);
        let before = self.posted.get(&subject).filter(|posted| posted.report == report);
        let times = before.map_or(0, |posted| posted.times).saturating_add(1);
        let posted = Posted { report, at: tip, times };
        self.posted.insert(subject, posted);
        posted
    }

    /// Takes note that a report was not taken.
    pub(crate) fn failed(&mut self, report: Report) {
        let subject = subject(&report);
        let before = self.failed.get(&subject).filter(|failed| failed.report == report);
        let times = before.map_or(0, |failed| failed.times).saturating_add(1);
        let pause = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX).min(LONGEST_PAUSE);
        self.failed.insert(subject, Failed { report, times, from: self.round.saturating_add(pause) });
    }

    /// Returns the reports that were taken long enough ago, and those that were not taken.
    pub(crate) fn reports(&self, tip: u32) -> impl Iterator<Item = Report> {
        let posted = self.posted.values().filter(move |posted| posted.is_old(tip));
        posted.map(|posted| posted.report).chain(self.failed.values().map(|failed| failed.report))
    }

    /// Forgets a report. Returns whether it was taken, and is stored.
    pub(crate) fn forget(&mut self, report: &Report) -> bool {
        let subject = subject(report);
        self.failed.retain(|known, failed| *known != subject || failed.report != *report);
        let is_taken = self.posted.get(&subject).is_some_and(|posted| posted.report == *report);
        if is_taken {
            self.posted.remove(&subject);
        }
        is_taken
    }
}
