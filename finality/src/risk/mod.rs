//! What shared security is worth: what it costs to cheat, and whether that pays.
//!
//! Providers put up one stake for many chains. What they lose by cheating is its slashable part, once,
//! whatever the number of chains; what they gain is the sum of the chains' values. A [`SharedSecurity`] is
//! such an input in satoshis; its [`RiskModel`] answers four questions:
//!
//! | question | answer |
//! |---|---|
//! | what does it cost to stall, or to finalize twice, a chain | [`RiskModel::cost_of`] |
//! | which set of chains pays an attacker | [`RiskModel::paying_attack`] |
//! | how much value may a chain hold before that | [`RiskModel::headroom`] |
//! | whose fall takes how many chains along | [`RiskModel::falls`] |
//!
//! Below it is the [`RestakingGraph`]: whether it is secure, its slack, sufficient conditions, cascades. The
//! search merges equal services and validators, branches by services and bounds by multipliers; every bound
//! is computed in integers, and every attack is recomputed from the graph, so that no rounding makes one
//! satoshi short of a quorum a quorum. It has a limit of nodes instead of a clock: the same input gives the
//! same answer everywhere. What it did not settle by then it returns between bounds.

mod bound;
mod cascade;
mod concentration;
mod costaking;
mod elastic;
mod graph;
mod instances;
mod merged;
mod model;
mod number;
mod questions;
mod search;
mod verdict;

pub use self::cascade::TooLargeForCascades;
pub use self::concentration::{Concentration, Power};
pub use self::costaking::ScoreRatio;
pub use self::elastic::{ElasticAttack, ElasticNetwork, ElasticService, InvalidNetwork};
pub use self::graph::{Coalition, InvalidGraph, RestakingGraph, Service};
pub use self::instances::{Instance, Shape};
pub use self::model::{InvalidRisk, RiskChain, RiskModel, RiskProvider, SharedSecurity};
pub use self::number::{InvalidSlashableShare, InvalidThreshold, Ratio, SlashableShare, Threshold};
pub use self::questions::{CostOf, Fall, Headroom, Paying, PayingAttack};
pub use self::search::Budget;
pub use self::verdict::{Attack, Bounds, Security, Slack, TooManyServices};
