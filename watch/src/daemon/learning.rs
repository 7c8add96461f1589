//! What the sources tell, and what the driver is told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use babylon::node::{ChainNode, NodeError};
use babylon::query::evidence_from_json;
use bitcoin::Txid;
use finality::Evidence;
use staking_scripts::{Delegation, Parameters, ParametersHistory};
use store::StoreError;

use super::listening::{Listening, Said};
use super::{DaemonObserver, WatchFault};
use crate::driver::{Driver, DriverError};
use crate::rows::RowError;
use crate::sources::{FileRecord, FollowedFiles, Heard};
use crate::watch::Settings;

/// How far back the staking transaction of a stake may be that is registered while the chain is followed, and
/// is in no block by the chain's word. One that was in Bitcoin before can give no power: the chain takes no
/// proof of a block below its own tip of that time.
const NEW_SINCE: u32 = 144;

/// How much of what the chain says is told at once, so that blocks are not kept waiting for it.
const MOST_HEARD: usize = 1_000;

/// All sources.
pub(super) struct Sources {
    chain: Option<Arc<dyn ChainNode>>,
    /// Whether that chain's parameters count.
    asks_parameters: bool,
    listening: Option<Listening>,
    delegations: FollowedFiles,
    evidence: FollowedFiles,
    /// What was read and not told: the driver failed.
    untold: Vec<Heard>,
    /// No stake is in this block or a lower one.
    start: u32,
    /// In which blocks stakes are by the chain's word, and below which height they are not by their
    /// parameters.
    claims: BTreeMap<Txid, (u32, u32)>,
}

/// What came of asking all sources.
pub(super) struct Outcome {
    /// What is wrong with each source; `None` where nothing is.
    pub(super) faults: Vec<(WatchFault, Option<String>)>,
    /// The chain's parameters, where they are others now.
    pub(super) parameters: Option<ParametersHistory<Parameters>>,
    /// Whether the driver took it.
    pub(super) result: Result<(), DriverError>,
    /// Whether more waits.
    pub(super) is_more: bool,
}

impl Sources {
    pub(super) fn new(
        chain: Option<Arc<dyn ChainNode>>,
        asks_parameters: bool,
        delegations: FollowedFiles,
        evidence: FollowedFiles,
        start: u32,
    ) -> Self {
        let mut sources = Self {
            chain,
            asks_parameters,
            listening: None,
            delegations,
            evidence,
            untold: Vec::new(),
            start,
            claims: BTreeMap::new(),
        };
        sources.listen_again();
        sources
    }

    /// All stakes are listed again.
    fn listen_again(&mut self) {
        let start = |node: &Arc<dyn ChainNode>| Listening::start(node.clone(), self.asks_parameters);
        self.listening = self.chain.as_ref().map(start);
    }

    /// Another driver is told of all of it.
    pub(super) fn begin_again(&mut self) {
        self.listen_again();
        self.delegations.begin_again();
        self.evidence.begin_again();
    }

    /// Takes what the chain has said meanwhile, up to parameters that are others than these: what comes
    /// after them is understood with them.
    fn listen(&mut self, settings: &Settings, outcome: &mut Outcome) {
        let Some(listening) = &self.listening else { return };
        let mut most = MOST_HEARD;
        while let Some(said) = listening.next() {
            match said {
                Said::Heard(heard) => self.untold.push(heard),
                Said::Fault(fault) => outcome.faults.push((WatchFault::Chain, fault)),
                Said::Parameters(found) if is_extended(&settings.parameters, &found) => {
                    outcome.parameters = Some(*found);
                    break;
                }
                Said::Parameters(_) => {}
            }
            most = most.saturating_sub(1);
            if most == 0 {
                outcome.is_more = true;
                break;
            }
        }
        if outcome.parameters.is_some() {
            // Stakes under the new version were not understood.
            self.listen_again();
            self.delegations.begin_again();
        }
    }

    /// Asks all sources for what is new, and tells the driver.
    pub(super) fn hear(
        &mut self,
        driver: &mut Driver<'_>,
        settings: &Settings,
        observer: &dyn DaemonObserver,
    ) -> Outcome {
        let mut outcome = Outcome { faults: Vec::new(), parameters: None, result: Ok(()), is_more: false };
        if self.untold.is_empty() {
            self.read_files(observer, &mut outcome);
            self.listen(settings, &mut outcome);
        }
        outcome.result = self.tell(driver, settings, observer).and_then(|()| self.check_claims(driver));
        outcome
    }

    fn read_files(&mut self, observer: &dyn DaemonObserver, outcome: &mut Outcome) {
        let heard = &mut self.untold;
        let (mut errors, more) = self.evidence.read(&mut |record| match read_evidence(&record.text) {
            Ok(all) => heard.extend(all.into_iter().map(|one| Heard::Evidence(Box::new(one)))),
            Err(reason) => observer.left_out(&record.place, &reason),
        });
        outcome.is_more |= more;
        let (others, more) = self.delegations.read(&mut |record| match read_delegations(&record) {
            Ok(all) => heard.extend(all.into_iter().map(|delegation| Heard::Stake {
                delegation: Box::new(delegation),
                status: None,
                start_height: None,
                is_new: false,
            })),
            Err(reason) => observer.left_out(&record.place, &reason),
        });
        outcome.is_more |= more;
        errors.extend(others);
        let first = errors.first().map(|(path, error)| format!("{}: {error}", path.display()));
        outcome.faults.push((WatchFault::Files, first));
    }

    /// Where a stake is not in the block that the chain named, all of its blocks are looked at: nobody's word
    /// hides one.
    fn check_claims(&mut self, driver: &mut Driver<'_>) -> Result<(), DriverError> {
        if self.claims.is_empty() || driver.is_looking_back() {
            return Ok(());
        }
        let tracker = driver.watch().tracker();
        let height = tracker.height();
        let included = |stake: &Txid| tracker.stake(tracker.find(stake)?)?.included_height();
        let mut wrong = Vec::new();
        self.claims.retain(|stake, (claimed, least)| {
            // A block that was not seen yet says nothing.
            if *claimed > height {
                return true;
            }
            if included(stake).is_none() {
                wrong.push((*stake, *least));
            }
            false
        });
        wrong.into_iter().try_for_each(|(stake, least)| driver.look_again(stake, least))
    }

    /// Tells what was read, in order. What the driver does not take is kept.
    fn tell(
        &mut self,
        driver: &mut Driver<'_>,
        settings: &Settings,
        observer: &dyn DaemonObserver,
    ) -> Result<(), DriverError> {
        let mut told = 0_usize;
        let mut result = Ok(());
        for heard in &self.untold {
            result = match heard {
                Heard::Evidence(evidence) => driver.accuse(evidence),
                Heard::Stake { delegation, is_new, start_height, status } => {
                    let stake = delegation.staking_transaction.compute_txid();
                    let least = least_height(delegation, settings).max(self.start.saturating_add(1));
                    let tip = driver.watch().tracker().height();
                    // A block that nobody has seen is no place to begin.
                    let start_height = start_height.filter(|height| *height <= tip);
                    let since = match (start_height, is_new) {
                        (Some(height), _) => height,
                        (None, true) => tip.saturating_sub(NEW_SINCE).max(least),
                        (None, false) => least,
                    };
                    if let Some(height) = start_height {
                        self.claims.insert(stake, (height, least));
                    }
                    let learned = driver.learn(delegation, since);
                    learned.and_then(|()| match status {
                        Some(status) => driver.registered(stake, *status),
                        None => Ok(()),
                    })
                }
                Heard::Status { stake, status } => driver.registered(*stake, *status),
                Heard::Unreadable { what } => {
                    observer.left_out("the secured chain", what);
                    Ok(())
                }
            };
            if let Err(DriverError::Rows(RowError::Store(StoreError::TooLong { .. }))) = &result {
                // It will not fit the next time either.
                observer.left_out("a delegation", "it is longer than the store keeps");
                told = told.saturating_add(1);
            }
            if result.is_err() {
                break;
            }
            told = told.saturating_add(1);
        }
        self.untold.drain(..told);
        result
    }
}

/// Returns whether these parameters have versions more than those that are known. Versions are added, and
/// never change: an answer that lacks one is of a node that is behind, or lies.
fn is_extended(known: &ParametersHistory<Parameters>, found: &ParametersHistory<Parameters>) -> bool {
    found.iter().len() > known.iter().len()
        && known.iter().zip(found.iter()).all(|(known, found)| known == found)
}

/// Returns the height below which nothing of a stake is in Bitcoin, whatever anybody says: that of its
/// version of the parameters.
fn least_height(delegation: &Delegation, settings: &Settings) -> u32 {
    let version = delegation.parameters(&settings.parameters);
    version.map_or(0, |(_, version)| version.activation_height().to_consensus_u32())
}

fn read_delegations(record: &FileRecord) -> Result<Vec<Delegation>, String> {
    Delegation::from_any_json(&record.text).map_err(|error| babylon::with_causes(&error))
}

/// Reads evidence as the chain, contracts or this toolkit print it.
fn read_evidence(text: &str) -> Result<Vec<Evidence>, String> {
    evidence_from_json(text, None).map_err(|error| match error {
        // Nobody was asked: it is in a file.
        NodeError::Answer { what } => what,
        error => babylon::with_causes(&error),
    })
}
