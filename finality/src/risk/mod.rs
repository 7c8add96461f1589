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
//! ```
//! use finality::risk::{Budget, Paying, Power, RiskChain, RiskModel, RiskProvider, SharedSecurity};
//! use finality::risk::{SlashableShare, Threshold};
//!
//! let provider = |name: &str, btc: u64| RiskProvider {
//!     name: name.to_owned(),
//!     operator: None,
//!     stake_sat: btc * 100_000_000,
//! };
//! let chain = |name: &str, value_sat| RiskChain {
//!     name: name.to_owned(),
//!     value_sat,
//!     threshold: Threshold::THIRD,
//!     secured_by: None,
//! };
//! let model = RiskModel::new(SharedSecurity {
//!     slashing_rate: SlashableShare::MAINNET,
//!     providers: vec![provider("alice", 40), provider("bob", 30), provider("carol", 30)],
//!     chains: vec![chain("one", 2_500_000), chain("two", 2_500_000)],
//! })?;
//! // Alice alone can be in two quorums. She loses a thousandth of her 40 BTC: 0.04 BTC.
//! let cost = model.cost_of(0, Power::FinalizeTwice, Budget::default()).ok_or("no such chain")?;
//! assert_eq!((cost.providers.as_slice(), cost.slashed_sat), (["alice".to_owned()].as_slice(), 4_000_000));
//! // For one chain that does not pay; for both it does.
//! let Paying::Attack { attack, .. } = model.paying_attack(Budget::default())? else { panic!("it pays") };
//! assert_eq!((attack.value_sat, attack.slashed_sat), (5_000_000, 4_000_000));
//! let headroom = model.headroom(0, Budget::default())?.ok_or("no such chain")?;
//! assert_eq!(headroom.value_sat.at_most, 1_500_000);
//! assert_eq!(model.falls()[0].stalls, ["one", "two"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
