//! What the secured chain is to be told of.

use babylon::query::DelegationStatus;
use bitcoin::{Txid, XOnlyPublicKey};
use eots::SecretKey;

use super::settings::OnSelective;
use super::{Output, Watch};
use crate::alert::Alert;
use crate::report::Report;
use crate::reporter::due;
use crate::rows;

impl Watch {
    /// Returns the reports that are to be handed over now, those of stakes first; what becomes of each is
    /// told by [`Event::Reported`](crate::Event::Reported). Whoever hands over none does not ask.
    pub fn due_reports(&self) -> Vec<Report> {
        let tip = self.tracker.height();
        self.all_due().filter(|report| self.reporter.is_now(report, tip)).collect()
    }

    /// Returns whether a report is to be handed over now.
    pub fn is_due(&self, report: &Report) -> bool {
        self.is_still_due(report) && self.reporter.is_now(report, self.tracker.height())
    }

    /// The secret key of a provider that is to be published.
    pub(crate) fn published_key(&self, provider: &XOnlyPublicKey) -> Option<&SecretKey> {
        self.keys.get(provider).filter(|_| self.is_published(provider))
    }

    /// Where there is evidence, the chain slashes for that.
    fn is_published(&self, provider: &XOnlyPublicKey) -> bool {
        self.settings.on_selective == OnSelective::Publish
            && self.shown.contains_key(provider)
            && !self.accused.contains_key(provider)
    }

    /// All that the chain does not know, whether it was told before or not.
    fn all_due(&self) -> impl Iterator<Item = Report> {
        let (tip, depth) = (self.tracker.height(), self.settings.depth);
        let stakes = self.reporter.candidates().filter_map(|id| self.tracker.stake(id));
        let of_stakes = stakes.filter_map(move |stake| due(stake, tip, depth));
        let published = self.shown.keys().filter(|provider| self.is_published(provider));
        of_stakes.chain(published.map(|provider| Report::SelectiveSlashing { provider: *provider }))
    }

    fn is_still_due(&self, report: &Report) -> bool {
        let stake = match report {
            Report::SelectiveSlashing { provider } => return self.is_published(provider),
            Report::Inclusion { stake, .. } | Report::Undelegation { stake, .. } => stake,
        };
        let stake = self.tracker.find(stake).and_then(|id| self.tracker.stake(id));
        let of_it = stake.and_then(|stake| due(stake, self.tracker.height(), self.settings.depth));
        of_it.as_ref() == Some(report)
    }

    pub(super) fn registered(&mut self, stake: Txid, status: DelegationStatus, output: &mut Output) {
        if let Some(id) = self.tracker.find(&stake)
            && self.tracker.register(id, status)
        {
            self.put(id, output);
        }
    }

    pub(super) fn reported(&mut self, report: Report, failure: Option<String>, output: &mut Output) {
        match failure {
            None => {
                let posted = self.reporter.taken(report, self.tracker.height());
                rows::put_posted(&mut output.changes, &posted);
            }
            Some(reason) => {
                self.reporter.failed(report);
                self.tell(Alert::NotReported { report, reason }, output);
            }
        }
    }

    /// Begins a new round: what failed is tried again, and what is told in vain is said.
    pub(super) fn begin_reports(&mut self, output: &mut Output) {
        let tip = self.tracker.height();
        self.reporter.begin_round();
        let in_vain = |report: Report| Some((report, self.reporter.is_in_vain(&report, tip)?));
        let in_vain: Vec<_> = self.all_due().filter_map(in_vain).collect();
        for (report, times) in in_vain {
            let reason = format!("it was told {times} times, and the chain took no notice");
            self.tell(Alert::NotReported { report, reason }, output);
        }
        // Not at once: a chain that says now this and now that makes nobody report more often.
        let settled: Vec<_> =
            self.reporter.reports(tip).filter(|report| !self.is_still_due(report)).collect();
        for report in settled {
            if self.reporter.forget(&report) {
                rows::delete_posted(&mut output.changes, &report);
            }
        }
    }
}
