//! From stakes to a power table: which stakes are active at a height of Bitcoin, as the chain and as the
//! gadget count it.

use std::collections::BTreeMap;

use secp256k1::XOnlyPublicKey;

use super::table::{BitcoinHeight, PowerTable, Provider};

/// What is known of a stake, as far as its power depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StakeFacts {
    /// The finality providers that it is delegated to: one, or one for each chain. It gives each all its
    /// power.
    pub providers: Vec<XOnlyPublicKey>,
    /// The staked amount.
    pub amount_sat: u64,
    /// The height of the block with the staking transaction.
    pub start_height: BitcoinHeight,
    /// The height from which the timelock lets the staker withdraw: the start and the staking time.
    pub end_height: BitcoinHeight,
    /// The unbonding time under the stake's parameters.
    pub unbonding_time_blocks: u16,
    /// The members of the covenant committee whose signatures are complete.
    pub covenant_signatures: u16,
    /// How many it takes.
    pub covenant_quorum: u16,
    /// The height from which it is unbonded.
    pub unbonded_height: Option<BitcoinHeight>,
}

/// When a stake is active.
///
/// The end differs: the chain stops counting a stake an unbonding time before its end, the gadget a
/// finalization time *w* before it, whatever the stake's unbonding time is, and one block later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ActiveWhen {
    /// As Babylon Genesis and the Cosmos contract have it: the start `confirmations` deep (the tip has depth
    /// 0), and tip + unbonding time < end.
    Chain {
        /// The depth k of the start: 30 on mainnet.
        k_blocks: u32,
    },
    /// As the gadget has it: start + k ≤ height, and height + w ≤ end.
    Gadget {
        /// The depth k of the start.
        k_blocks: u32,
        /// The finalization time w.
        w_blocks: u32,
    },
}

impl StakeFacts {
    /// Returns whether the stake gives power at a height.
    pub fn is_active(&self, at: BitcoinHeight, when: ActiveWhen) -> bool {
        let height = u64::from(at.0);
        let (start, end) = (u64::from(self.start_height.0), u64::from(self.end_height.0));
        let (k, in_time) = match when {
            ActiveWhen::Chain { k_blocks } => {
                (k_blocks, height.saturating_add(u64::from(self.unbonding_time_blocks)) < end)
            }
            ActiveWhen::Gadget { k_blocks, w_blocks } => {
                (k_blocks, height.saturating_add(u64::from(w_blocks)) <= end)
            }
        };
        in_time
            && height >= start.saturating_add(u64::from(k))
            && self.covenant_signatures >= self.covenant_quorum
            && self.unbonded_height.is_none_or(|unbonded| at < unbonded)
    }
}

impl PowerTable {
    /// Returns the table at a height of Bitcoin, of all stakes; the slashed and the operators are then set by
    /// [`with_facts`](Self::with_facts). A provider that a stake names twice has its power once.
    pub fn of_stakes<'a>(
        stakes: impl IntoIterator<Item = &'a StakeFacts>,
        at: BitcoinHeight,
        when: ActiveWhen,
    ) -> Self {
        let mut table: BTreeMap<XOnlyPublicKey, Provider> = BTreeMap::new();
        for stake in stakes.into_iter().filter(|stake| stake.is_active(at, when)) {
            let mut named = stake.providers.clone();
            named.sort_unstable();
            named.dedup();
            for public_key in named {
                let provider = table.entry(public_key).or_insert(Provider {
                    public_key,
                    active_sat: 0,
                    slashed: false,
                    operator: None,
                });
                provider.active_sat = provider.active_sat.saturating_add(stake.amount_sat);
            }
        }
        Self::of_sums(table)
    }

    /// Returns the table with what `facts` says of each provider: whether it is slashed, and who runs it.
    #[must_use]
    pub fn with_facts(&self, facts: impl Fn(&XOnlyPublicKey) -> (bool, Option<String>)) -> Self {
        let providers = self.providers().cloned().map(|mut provider| {
            (provider.slashed, provider.operator) = facts(&provider.public_key);
            (provider.public_key, provider)
        });
        Self::of_sums(providers.collect())
    }
}
