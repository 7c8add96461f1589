//! The daemon: one step after another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use babylon::node::{ChainNode, NodeError};
use babylon::query::{self, DelegationStatus, ListedStake};
use babylon::{Account, Message, with_causes};
use bitcoin::{Network, Txid};
use chain::ChainSource;
use eots::SecretKey;
use finality::SigningContext;
use spv::Anchor;
use staking_scripts::delegation::CovenantSigningError;
use staking_scripts::{
    ChainRules, CheckRules, CheckedDelegation, CovenantRecord, Delegation, InForce, Parameters,
    ParametersHistory,
};

use super::alert::{CovenantAlert, CovenantEvent, CovenantFacts, CovenantObserver};
use super::foreign::foreign;
use super::tips;
use crate::alerts::Alerts;

/// What a covenant member's daemon keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CovenantPolicy {
    /// The most stakes of one transaction.
    pub most_stakes: usize,
    /// How old the chain's last block may be.
    pub chain_stale_after: Duration,
    /// How old Bitcoin's last block may be.
    pub bitcoin_stale_after: Duration,
    /// Below which balance of the paying account an alert is raised.
    pub least_balance: u128,
}

impl Default for CovenantPolicy {
    fn default() -> Self {
        Self {
            most_stakes: 20,
            chain_stale_after: Duration::from_secs(300),
            // Six hours without a block happen once in millions of years.
            bitcoin_stale_after: Duration::from_secs(6 * 3600),
            least_balance: 1_000_000,
        }
    }
}

/// What a daemon works with.
pub struct CovenantParts<'a, R> {
    /// A node of the chain, which is trusted to say what is registered.
    pub node: &'a dyn ChainNode,
    /// The member's own Bitcoin node.
    pub bitcoin: &'a dyn ChainSource,
    /// The Bitcoin network.
    pub network: Network,
    /// The account that pays.
    pub account: Account<'a>,
    /// The member's key.
    pub key: &'a SecretKey,
    /// What was signed: written before anything is signed.
    pub record: R,
    /// Gives 32 fresh bytes for each signature.
    pub fresh: &'a dyn Fn() -> [u8; 32],
    /// Who is told.
    pub observer: &'a dyn CovenantObserver,
    /// What is kept to.
    pub policy: CovenantPolicy,
}

/// What the daemon does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CovenantStep {
    /// It waits for something new.
    Wait,
    /// There is more to do at once.
    Again,
}

/// A covenant member's daemon. What was signed is in its record and on the chain; nothing else must outlive
/// it.
pub struct CovenantDaemon<'a, R> {
    pub(super) parts: CovenantParts<'a, R>,
    pub(super) alerts: Alerts<CovenantAlert>,
    pub(super) facts: CovenantFacts,
    /// Stakes of the last list that were submitted: another node may not show it yet.
    pub(super) submitted: BTreeSet<Txid>,
    /// Stakes of the last list that are refused.
    refused: BTreeMap<Txid, Refused>,
    /// The reasons of the last list's entries that cannot be read, not even their transaction.
    unreadable: BTreeSet<String>,
    /// Whether the key is in no committee of a stake of the last list.
    is_no_member: bool,
}

/// A stake that is refused, by us or by the chain, and tried again later.
struct Refused {
    reason: String,
    until: SystemTime,
}

/// After how long a stake is looked at again that was refused.
const AGAIN_AFTER: Duration = Duration::from_secs(300);

/// A stake that is to be submitted.
pub(super) struct Ready {
    pub(super) stake: Txid,
    pub(super) message: Message,
}

impl<'a, R> CovenantDaemon<'a, R>
where
    R: CovenantRecord,
    R::Error: std::fmt::Display,
{
    /// Returns a daemon that has done nothing yet.
    pub fn new(parts: CovenantParts<'a, R>) -> Self {
        Self {
            parts,
            alerts: Alerts::default(),
            facts: CovenantFacts::default(),
            submitted: BTreeSet::new(),
            refused: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            is_no_member: false,
        }
    }

    /// Ends the daemon.
    pub fn into_parts(self) -> CovenantParts<'a, R> {
        self.parts
    }

    /// Returns what is known now.
    pub const fn facts(&self) -> &CovenantFacts {
        &self.facts
    }

    /// Returns the alerts that are raised.
    pub fn alerts(&self) -> impl Iterator<Item = CovenantAlert> {
        self.alerts.raised()
    }

    /// Does what there is to do now, and waits only for transactions.
    pub fn step(&mut self, now: SystemTime) -> CovenantStep {
        let observer = self.parts.observer;
        let CovenantParts { node, bitcoin, policy, .. } = &self.parts;
        let compared = tips::compare(*node, *bitcoin, policy, now, &mut self.facts);
        let (trouble, step) = match compared {
            Err(trouble) => (Some(trouble), CovenantStep::Wait),
            Ok(()) => match self.sign_pending(now) {
                Ok(step) => (None, step),
                Err(error) => (Some((CovenantAlert::Node, with_causes(&error))), CovenantStep::Wait),
            },
        };
        for alert in
            [CovenantAlert::Node, CovenantAlert::BitcoinNode, CovenantAlert::Stale, CovenantAlert::Differing]
        {
            let reason = trouble.as_ref().filter(|(found, _)| *found == alert).map(|(_, reason)| reason);
            self.alerts.set(observer, alert, reason.is_some(), || reason.cloned().unwrap_or_default());
        }
        step
    }

    /// Signs what the chain's list has, as many as one transaction may have.
    fn sign_pending(&mut self, now: SystemTime) -> Result<CovenantStep, NodeError> {
        let CovenantParts { node, account, observer, policy, .. } = &self.parts;
        let (observer, most) = (*observer, policy.most_stakes.max(1));
        self.facts.balance = query::balance(*node, account.address(), account.denom())?;
        let (balance, least) = (self.facts.balance, policy.least_balance);
        self.alerts.set(observer, CovenantAlert::Balance, balance < least, || {
            format!("the account has {balance}; must have at least {least}")
        });
        let history = query::parameters(*node)?;
        let foreign = foreign(&history, self.parts.network, self.facts.bitcoin_height);
        self.alerts.set(observer, CovenantAlert::Parameters, foreign.is_some(), || {
            foreign.clone().unwrap_or_default()
        });
        if foreign.is_some() {
            return Ok(CovenantStep::Wait);
        }
        let depth = query::checkpoint_parameters(*node)?.confirmation_depth;
        let listed = query::delegations_each(*node, DelegationStatus::Pending)?;
        self.facts.pending = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let ids: BTreeSet<_> = listed.iter().filter_map(|entry| entry.txid).collect();
        self.submitted.retain(|stake| ids.contains(stake));
        self.refused.retain(|stake, _| ids.contains(stake));
        self.is_no_member = false;
        let mut unreadable = BTreeSet::new();
        let (mut ready, mut is_more, mut lost) = (Vec::new(), false, None);
        for ListedStake { stake: found, txid, end_height, .. } in listed {
            let delegation = match (found, txid) {
                (Ok(delegation), _) => delegation,
                (Err(error), Some(stake)) => {
                    self.refuse(stake, with_causes(&error), now);
                    continue;
                }
                (Err(error), None) => {
                    unreadable.insert(with_causes(&error));
                    continue;
                }
            };
            let stake = delegation.staking_transaction.compute_txid();
            let waits = self.refused.get(&stake).is_some_and(|refused| now < refused.until);
            if waits || self.submitted.contains(&stake) || self.is_signed(&delegation) {
                continue;
            }
            if ready.len() >= most {
                is_more = true;
                break;
            }
            let rules = (&history, depth, end_height);
            match self.sign(delegation, rules, now) {
                Ok(Some(message)) => ready.push(Ready { stake, message }),
                Ok(None) => {}
                // The others are signed all the same.
                Err(error) => lost = Some(error),
            }
        }
        for reason in unreadable.difference(&self.unreadable) {
            observer.observe(&CovenantEvent::Unreadable { reason: reason.clone() });
        }
        self.unreadable = unreadable;
        self.facts.refused = u64::try_from(self.refused.len()).unwrap_or(u64::MAX);
        self.alerts.set(observer, CovenantAlert::NotAMember, self.is_no_member, || {
            "the key is not in the committee of a stake that waits".to_owned()
        });
        let before = self.facts.submitted;
        self.send(ready, now);
        match lost {
            Some(error) => Err(error),
            None => Ok(if is_more && self.facts.submitted > before {
                CovenantStep::Again
            } else {
                CovenantStep::Wait
            }),
        }
    }

    /// Returns whether the chain has this member's signatures.
    fn is_signed(&self, delegation: &Delegation) -> bool {
        let own = self.parts.key.public_key();
        delegation.covenant_signatures.iter().any(|of| of.unbonding.member == *own)
    }

    /// Checks a stake, records it, and signs it; `None` where it is refused, or cannot be signed now.
    fn sign(
        &mut self,
        mut delegation: Delegation,
        (history, depth, end_height): (&ParametersHistory<Parameters>, u32, u32),
        now: SystemTime,
    ) -> Result<Option<Message>, NodeError> {
        let stake = delegation.staking_transaction.compute_txid();
        let node = self.parts.node;
        if let Some(running) = delegation.extends.as_ref().map(|running| running.txid) {
            // The chain tells of the running stake by its id alone.
            let found = match query::delegation(node, running) {
                Err(error @ (NodeError::Answer { .. } | NodeError::Refused(_))) => {
                    return Ok(self.refuse(stake, with_causes(&error), now));
                }
                found => found?,
            };
            match found.map(|found| delegation.set_previous(&found)) {
                Some(Ok(())) => {}
                Some(Err(error)) => return Ok(self.refuse(stake, with_causes(&error), now)),
                None => {
                    let reason = format!("the stake {running} that it extends is not there");
                    return Ok(self.refuse(stake, reason, now));
                }
            }
        }
        // The chain would count one that is over already: it looks at the end when it is registered.
        let tip = self.facts.bitcoin_height.max(self.facts.light_client_height);
        let unbonding = delegation.unbonding_time_blocks;
        if end_height != 0 && tip.saturating_add(unbonding) >= end_height {
            let reason = format!(
                "age: it ends at height {end_height}, and Bitcoin is at {tip}; more than the unbonding time, {unbonding} blocks, must be left"
            );
            return Ok(self.refuse(stake, reason, now));
        }
        let chain = ChainRules {
            network: self.parts.network,
            depth,
            signing_context: SigningContext::GENESIS,
            anchor: Anchor::NONE,
        };
        // Which version holds, and that there is a proof of possession, the chain has judged by its own tip.
        let rules = CheckRules { history, in_force: InForce::AsStated, chain };
        match delegation.check_registered(&rules) {
            Ok(checked) => Ok(self.sign_checked(stake, &checked, now)),
            Err(broken) => {
                let broken: Vec<_> =
                    broken.iter().map(|found| format!("{}: {}", found.rule(), with_causes(found))).collect();
                Ok(self.refuse(stake, broken.join("; "), now))
            }
        }
    }

    fn sign_checked(&mut self, stake: Txid, checked: &CheckedDelegation, now: SystemTime) -> Option<Message> {
        let fresh = (self.parts.fresh)();
        let CovenantParts { key, record, account, observer, .. } = &mut self.parts;
        let observer = *observer;
        let signed = checked.sign_as_covenant_member(key, &fresh, record);
        let address = account.address().clone();
        match signed {
            Ok(signatures) => {
                self.alerts.clear(observer, CovenantAlert::Record);
                self.refused.remove(&stake);
                Some(Message::add_covenant_signatures(&address, stake, &signatures))
            }
            Err(error) => {
                let reason = error.to_string();
                match error {
                    CovenantSigningError::Record(_) => {
                        self.alerts.raise(observer, CovenantAlert::Record, || reason);
                        None
                    }
                    CovenantSigningError::Signing(_) => {
                        self.is_no_member = true;
                        self.refuse(stake, reason, now)
                    }
                    _ => self.refuse(stake, reason, now),
                }
            }
        }
    }

    /// Refuses a stake for a while: told once, and again where the reason is another.
    pub(super) fn refuse(&mut self, stake: Txid, reason: String, now: SystemTime) -> Option<Message> {
        if self.refused.get(&stake).is_none_or(|refused| refused.reason != reason) {
            self.parts.observer.observe(&CovenantEvent::Refused { stake, reason: reason.clone() });
        }
        let until = now.checked_add(AGAIN_AFTER).unwrap_or(now);
        self.refused.insert(stake, Refused { reason, until });
        None
    }
}
