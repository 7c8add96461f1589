//! The daemon: the driver on its store, and the sources that tell it of stakes and evidence, each of which
//! may fail and come back.

mod facts;
mod learning;
mod listening;

use std::sync::Arc;
use std::time::Instant;

use babylon::node::ChainNode;
use chain::BlockHeight;
use store::{Store, StoreError};

pub use self::facts::{WatchFacts, WatchFault, WatchMetrics};
use self::learning::Sources;
use crate::driver::{Driver, DriverError, WatchedNode};
use crate::report::Post;
use crate::sources::FollowedFiles;
use crate::told::Observer;
use crate::watch::Settings;

/// Opens the store, also again where it was lost.
pub type OpenStore<'a> = dyn Fn() -> Result<Box<dyn Store>, StoreError> + 'a;

/// Who is told of what happens.
pub trait DaemonObserver: Observer {
    /// Something went wrong that may end by itself.
    fn raised(&self, fault: WatchFault, reason: &str);

    /// It is over.
    fn cleared(&self, fault: WatchFault);

    /// A record of a file, or something that the chain said, is left out.
    fn left_out(&self, place: &str, reason: &str);
}

/// What a daemon consists of.
pub struct DaemonParts<'a> {
    /// What it goes by.
    pub settings: Settings,
    /// The Bitcoin node.
    pub node: &'a dyn WatchedNode,
    /// A node of the secured chain. It is asked by a thread of its own.
    pub chain: Option<Arc<dyn ChainNode>>,
    /// Whether that chain is asked for new versions of the parameters.
    pub follows_parameters: bool,
    /// Files with delegations.
    pub delegations: FollowedFiles,
    /// Files with evidence.
    pub evidence: FollowedFiles,
    /// Opens the store.
    pub open_store: &'a OpenStore<'a>,
    /// Who is told.
    pub observer: &'a dyn DaemonObserver,
    /// Who takes what the secured chain should know there.
    pub post: Option<&'a dyn Post>,
    /// After which block a new store begins.
    pub start: BlockHeight,
    /// Whether transactions are handed to the node.
    pub sends: bool,
    /// Whether the node is to prefer them to what pays more.
    pub prioritises: bool,
}

/// What a daemon does after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchStep {
    /// The next step at once.
    Again,
    /// It waits for something new.
    Wait,
    /// Something is wrong: it waits longer each time.
    Troubled,
}

/// A watchtower that runs for as long as it is stepped. It may be killed at any time.
pub struct WatchDaemon<'a> {
    settings: Settings,
    node: &'a dyn WatchedNode,
    open_store: &'a OpenStore<'a>,
    observer: &'a dyn DaemonObserver,
    post: Option<&'a dyn Post>,
    start: BlockHeight,
    sends: bool,
    prioritises: bool,
    sources: Sources,
    driver: Option<Driver<'a>>,
    faults: Vec<WatchFault>,
    facts: WatchFacts,
    /// The tip that the facts are of.
    counted: Option<chain::ChainTip>,
}

impl std::fmt::Debug for WatchDaemon<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchDaemon").field("driver", &self.driver).field("faults", &self.faults).finish()
    }
}

impl<'a> WatchDaemon<'a> {
    /// Returns a daemon that has not looked yet.
    pub fn new(parts: DaemonParts<'a>) -> Self {
        let DaemonParts { settings, node, chain, follows_parameters, delegations, evidence, .. } = parts;
        let DaemonParts { open_store, observer, post, start, sends, prioritises, .. } = parts;
        let sources = Sources::new(chain, follows_parameters, delegations, evidence, start.to_u32());
        Self {
            settings,
            node,
            open_store,
            observer,
            post,
            start,
            sends,
            prioritises,
            sources,
            driver: None,
            faults: Vec::new(),
            facts: WatchFacts::default(),
            counted: None,
        }
    }

    /// Returns what is wrong now.
    pub fn faults(&self) -> &[WatchFault] {
        &self.faults
    }

    /// Returns what is known.
    pub const fn facts(&self) -> &WatchFacts {
        &self.facts
    }

    fn set(&mut self, fault: WatchFault, reason: Option<String>) {
        let is_raised = self.faults.contains(&fault);
        match reason {
            Some(reason) if !is_raised => {
                self.faults.push(fault);
                self.observer.raised(fault, &reason);
            }
            None if is_raised => {
                self.faults.retain(|raised| *raised != fault);
                self.observer.cleared(fault);
            }
            _ => {}
        }
    }

    /// Follows Bitcoin for some blocks, does what waits, and hears of what is new. What fails is tried again
    /// with the next step; the other parts go on.
    pub fn step(&mut self, now: Instant) -> WatchStep {
        let driver = match self.driver.take().map_or_else(|| self.open(), Ok) {
            Ok(driver) => driver,
            Err(error) => {
                self.failed(&error);
                return if matches!(error, DriverError::StandingBy) {
                    WatchStep::Wait
                } else {
                    WatchStep::Troubled
                };
            }
        };
        let driver = self.driver.insert(driver);
        // Evidence and stakes first: they decide what blocks are looked at for.
        let heard = self.sources.hear(driver, &self.settings, self.observer);
        if let Some(parameters) = heard.parameters {
            self.settings.parameters = parameters.clone();
            // What fails there is pending, and fails again below.
            let _pending = driver.set_parameters(parameters);
        }
        let stepped = driver.step(now);
        let is_at_rest = matches!(stepped, Ok(true));
        for (fault, reason) in heard.faults {
            self.set(fault, reason);
        }
        let result = heard.result.and(stepped);
        // Also where something failed: the other parts went on.
        self.count();
        match result {
            Ok(_) => {
                for fault in [WatchFault::Node, WatchFault::Store, WatchFault::StandsBy] {
                    self.set(fault, None);
                }
            }
            Err(error) => {
                self.failed(&error);
                return WatchStep::Troubled;
            }
        }
        match is_at_rest && !heard.is_more {
            true => WatchStep::Wait,
            false => WatchStep::Again,
        }
    }

    fn open(&self) -> Result<Driver<'a>, DriverError> {
        let store = (self.open_store)()?;
        let driver = Driver::open(self.settings.clone(), self.node, store, self.observer, self.start)?;
        let driver = if self.sends { driver } else { driver.without_sending() };
        let driver = if self.prioritises { driver.prioritising() } else { driver };
        Ok(match self.post {
            Some(post) => driver.reporting_to(post),
            None => driver,
        })
    }

    /// Takes note of what failed. A store that is lost is opened anew.
    fn failed(&mut self, error: &DriverError) {
        let fault = match error {
            DriverError::StandingBy => WatchFault::StandsBy,
            DriverError::Rows(_) => WatchFault::Store,
            DriverError::Node(_) | DriverError::Follow(_) | DriverError::OtherBranch { .. } => {
                WatchFault::Node
            }
        };
        if fault != WatchFault::Node {
            self.driver = None;
            // What was told to one that is gone is told again.
            self.sources.begin_again();
        }
        let reason = babylon::with_causes(error);
        self.set(fault, Some(reason));
    }

    fn count(&mut self) {
        let Some(driver) = &self.driver else { return };
        let watch = driver.watch();
        self.facts.stakes = watch.tracker().stakes().len();
        self.facts.slashed_providers = watch.slashed_providers().count();
        self.facts.height = watch.tracker().height();
        // A million stakes are counted in some ten milliseconds: once for each block.
        if self.counted != Some(watch.tracker().tip()) {
            let statistics = watch.tracker().statistics(watch.tracker().height(), watch.settings().depth);
            (self.facts.active_stakes, self.facts.active_sat) =
                (statistics.active_stakes, statistics.active_sat);
            self.counted = Some(watch.tracker().tip());
        }
        self.facts.slashes_under_way = watch.slashes_under_way();
        let Ok(tip) = self.node.tip() else { return };
        let (height, own) = (tip.height.to_u32(), self.facts.height);
        self.facts.node_height = height;
        // For a moment while it tries another branch; longer where it was set back.
        let reason = format!("the node is at height {height}, and block {own} was judged already");
        self.set(WatchFault::NodeBehind, (height < own).then_some(reason));
    }
}
