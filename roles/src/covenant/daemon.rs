//! The daemon: one step after another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use babylon::node::{ChainNode, NodeError};
use babylon::query::{self, DelegationStatus};
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
    /// Stakes of the last list that are refused, with the reason.
    refused: BTreeMap<Txid, String>,
    /// How many entries of the last list cannot be read.
    unreadable: usize,
}

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
            unreadable: 0,
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
        let (trouble, reason) = match compared {
            Ok(()) => (None, String::new()),
            Err((alert, reason)) => (Some(alert), reason),
        };
        for alert in
            [CovenantAlert::Node, CovenantAlert::BitcoinNode, CovenantAlert::Stale, CovenantAlert::Differing]
        {
            self.alerts.set(observer, alert, trouble == Some(alert), || reason.clone());
        }
        if trouble.is_some() {
            return CovenantStep::Wait;
        }
        match self.sign_pending() {
            Ok(step) => step,
            Err(error) => {
                self.alerts.raise(observer, CovenantAlert::Node, || with_causes(&error));
                CovenantStep::Wait
            }
        }
    }

    /// Signs what the chain's list has, as many as one transaction may have.
    fn sign_pending(&mut self) -> Result<CovenantStep, NodeError> {
        let CovenantParts { node, account, observer, policy, .. } = &self.parts;
        let (observer, most) = (*observer, policy.most_stakes.max(1));
        self.facts.balance = query::balance(*node, account.address(), account.denom())?;
        let (balance, least) = (self.facts.balance, policy.least_balance);
        self.alerts.set(observer, CovenantAlert::Balance, balance < least, || {
            format!("the account has {balance}; must have at least {least}")
        });
        let history = query::parameters(*node)?;
        let depth = query::checkpoint_parameters(*node)?.confirmation_depth;
        let listed = query::delegations_each(*node, DelegationStatus::Pending)?;
        self.facts.pending = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        let (mut pending, mut unreadable) = (Vec::new(), Vec::new());
        for entry in listed {
            match entry {
                Ok(delegation) => pending.push(delegation),
                Err(error) => unreadable.push(with_causes(&error)),
            }
        }
        // Told when there are more of them than before.
        if unreadable.len() > self.unreadable {
            for reason in unreadable.iter().skip(self.unreadable) {
                observer.observe(&CovenantEvent::Unreadable { reason: reason.clone() });
            }
        }
        self.unreadable = unreadable.len();
        let ids: BTreeSet<_> = pending.iter().map(|of| of.staking_transaction.compute_txid()).collect();
        self.submitted.retain(|stake| ids.contains(stake));
        self.refused.retain(|stake, _| ids.contains(stake));
        let (mut ready, mut is_more) = (Vec::new(), false);
        for delegation in pending {
            let stake = delegation.staking_transaction.compute_txid();
            if self.submitted.contains(&stake) || self.is_signed(&delegation) {
                continue;
            }
            if ready.len() >= most {
                is_more = true;
                break;
            }
            match self.sign(delegation, &history, depth)? {
                Some(message) => ready.push(Ready { stake, message }),
                None => continue,
            }
        }
        self.facts.refused = u64::try_from(self.refused.len()).unwrap_or(u64::MAX);
        let before = self.facts.submitted;
        self.send(ready);
        Ok(if is_more && self.facts.submitted > before { CovenantStep::Again } else { CovenantStep::Wait })
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
        history: &ParametersHistory<Parameters>,
        depth: u32,
    ) -> Result<Option<Message>, NodeError> {
        let stake = delegation.staking_transaction.compute_txid();
        let node = self.parts.node;
        if let Some(running) = delegation.extends.as_ref().map(|running| running.txid) {
            // The chain tells of the running stake by its id alone.
            let found = query::delegation(node, running)?;
            let set = found.map(|found| delegation.set_previous(&found));
            match set {
                Some(Ok(())) => {}
                Some(Err(error)) => return Ok(self.refuse(stake, with_causes(&error))),
                None => {
                    return Ok(
                        self.refuse(stake, format!("the stake {running} that it extends is not there"))
                    );
                }
            }
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
            Ok(checked) => Ok(self.sign_checked(stake, &checked)),
            Err(broken) => {
                let broken: Vec<_> =
                    broken.iter().map(|found| format!("{}: {}", found.rule(), with_causes(found))).collect();
                Ok(self.refuse(stake, broken.join("; ")))
            }
        }
    }

    fn sign_checked(&mut self, stake: Txid, checked: &CheckedDelegation) -> Option<Message> {
        let fresh = (self.parts.fresh)();
        let CovenantParts { key, record, account, observer, .. } = &mut self.parts;
        let observer = *observer;
        let signed = checked.sign_as_covenant_member(key, &fresh, record);
        let is_no_record = matches!(signed, Err(CovenantSigningError::Record(_)));
        let address = account.address().clone();
        match signed {
            Ok(signatures) => {
                self.alerts.clear(observer, CovenantAlert::Record);
                self.alerts.clear(observer, CovenantAlert::NotAMember);
                self.refused.remove(&stake);
                Some(Message::add_covenant_signatures(&address, stake, &signatures))
            }
            Err(error) => {
                let alert = if is_no_record { Some(CovenantAlert::Record) } else { None };
                let reason = error.to_string();
                match (alert, &error) {
                    (Some(alert), _) => self.alerts.raise(observer, alert, || reason),
                    (None, CovenantSigningError::Signing(_)) => {
                        self.alerts.raise(observer, CovenantAlert::NotAMember, || reason);
                    }
                    (None, _) => drop(self.refuse(stake, reason)),
                }
                None
            }
        }
    }

    /// Refuses a stake: told once, and again where the reason is another.
    fn refuse(&mut self, stake: Txid, reason: String) -> Option<Message> {
        if self.refused.get(&stake) != Some(&reason) {
            self.parts.observer.observe(&CovenantEvent::Refused { stake, reason: reason.clone() });
            self.refused.insert(stake, reason);
        }
        None
    }
}
