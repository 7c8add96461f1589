//! A graph with equal services and equal validators merged, and the bounds and attacks of a node of the
//! search.

use std::collections::BTreeMap;

use super::graph::{Coalition, RestakingGraph};

/// What services have in common that are merged: their validators, their need, and whether they are forced.
type Alike = (Vec<usize>, u128, bool);

/// The most services after merging: one bit each.
pub(super) const MAX_SERVICES: usize = 128;

/// Services with one set of validators and one need: whoever corrupts one corrupts all.
#[derive(Debug, Clone)]
pub(super) struct MergedService {
    pub(super) profit: i128,
    pub(super) need: i128,
    originals: Vec<usize>,
}

/// Validators with one stake that secure the same merged services.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) stake: i128,
    /// The services, by bit and by place.
    pub(super) mask: u128,
    pub(super) on: Vec<usize>,
    originals: Vec<usize>,
}

/// The problem: which services to corrupt, with how many validators of each class.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) services: Vec<MergedService>,
    pub(super) classes: Vec<Class>,
}

/// The most rounds of replacing validators by cheaper ones.
const POLISHES: usize = 64;

/// How many validators of each class attack.
pub(super) type Taken = Vec<u32>;

/// A bit.
pub(super) const fn bit(index: usize) -> u128 {
    // Callers have at most 128 services.
    1_u128.rotate_left(if index < MAX_SERVICES { index_bits(index) } else { 0 })
}

#[allow(clippy::as_conversions, reason = "below 128; conversions by trait are not const")]
const fn index_bits(index: usize) -> u32 {
    (index % MAX_SERVICES) as u32
}

fn signed(number: u128) -> i128 {
    i128::try_from(number).unwrap_or(i128::MAX)
}

/// The number of a class's validators.
pub(super) fn size(class: &Class) -> u32 {
    u32::try_from(class.originals.len()).unwrap_or(u32::MAX)
}

impl Merged {
    /// Merges a graph; `None` when more services differ than the search has bits for. Services that gain
    /// nothing are left out, but for the forced one, and so are validators that secure none of the others:
    /// they only cost.
    pub(super) fn new(graph: &RestakingGraph, forced: Option<usize>) -> Option<Self> {
        let mut groups: BTreeMap<Alike, (u128, Vec<usize>)> = BTreeMap::new();
        for (index, service) in graph.services().iter().enumerate() {
            let is_forced = forced == Some(index);
            if service.profit == 0 && !is_forced {
                continue;
            }
            // Validators without stake change no need and cost nothing: they are left out.
            let staked = service.validators.iter().copied();
            let staked = staked.filter(|v| graph.stakes().get(*v).is_some_and(|stake| *stake > 0)).collect();
            let group = groups.entry((staked, graph.needed(service), is_forced)).or_default();
            group.0 = group.0.saturating_add(service.profit);
            group.1.push(index);
        }
        if groups.len() > MAX_SERVICES {
            return None;
        }
        let mut masks = vec![0_u128; graph.stakes().len()];
        let mut services = Vec::new();
        for (index, ((validators, need, _), (profit, originals))) in groups.into_iter().enumerate() {
            for validator in validators {
                if let Some(mask) = masks.get_mut(validator) {
                    *mask |= bit(index);
                }
            }
            services.push(MergedService { profit: signed(profit), need: signed(need), originals });
        }
        let mut classes: BTreeMap<(u128, u128), Vec<usize>> = BTreeMap::new();
        for (validator, (stake, mask)) in graph.stakes().iter().zip(&masks).enumerate() {
            if *stake > 0 && *mask != 0 {
                classes.entry((*stake, *mask)).or_default().push(validator);
            }
        }
        let class = |((stake, mask), originals): ((u128, u128), Vec<usize>)| Class {
            stake: signed(stake),
            mask,
            on: (0..services.len()).filter(|index| mask & bit(*index) != 0).collect(),
            originals,
        };
        // The largest stake first.
        let classes = classes.into_iter().rev().map(class).collect();
        Some(Self { services, classes })
    }

    /// Returns the problem of one service with this need, which gains nothing: the least of these stakes that
    /// meet it.
    pub(super) fn single(stakes: &[u128], need: u128) -> Self {
        let mut classes: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
        for (place, stake) in stakes.iter().enumerate().filter(|(_, stake)| **stake > 0) {
            classes.entry(*stake).or_default().push(place);
        }
        let class = |(stake, originals)| Class { stake: signed(stake), mask: 1, on: vec![0], originals };
        Self {
            services: vec![MergedService { profit: 0, need: signed(need), originals: vec![0] }],
            classes: classes.into_iter().rev().map(class).collect(),
        }
    }

    /// Returns the bits of the services whose originals have this one.
    pub(super) fn bits_of(&self, original: usize) -> u128 {
        let services = self.services.iter().enumerate();
        let with = services.filter(|(_, service)| service.originals.contains(&original));
        with.fold(0, |bits, (index, _)| bits | bit(index))
    }

    /// Returns the least that any service needs.
    pub(super) fn least_need(&self) -> i128 {
        self.services.iter().map(|service| service.need).min().unwrap_or_default()
    }

    /// Returns what each service still needs when so many of each class attack.
    pub(super) fn unmet(&self, taken: &[u32]) -> Vec<i128> {
        let mut unmet: Vec<i128> = self.services.iter().map(|service| service.need).collect();
        for (class, count) in self.classes.iter().zip(taken).filter(|(_, count)| **count > 0) {
            let stake = class.stake.saturating_mul(i128::from(*count));
            for index in &class.on {
                if let Some(unmet) = unmet.get_mut(*index) {
                    *unmet = unmet.saturating_sub(stake);
                }
            }
        }
        unmet.iter_mut().for_each(|unmet| *unmet = (*unmet).max(0));
        unmet
    }

    /// Returns the stake of so many of each class.
    pub(super) fn cost(&self, taken: &[u32]) -> i128 {
        let stakes = self.classes.iter().zip(taken);
        stakes
            .fold(0, |sum, (class, count)| sum.saturating_add(class.stake.saturating_mul(i128::from(*count))))
    }

    /// Returns the profit of these services.
    pub(super) fn profit(&self, services: u128) -> i128 {
        let services = self.services.iter().enumerate().filter(|(index, _)| services & bit(*index) != 0);
        services.fold(0, |sum, (_, service)| sum.saturating_add(service.profit))
    }

    /// Returns the services that so many of each class corrupt.
    pub(super) fn corrupted(&self, taken: &[u32]) -> u128 {
        let unmet = self.unmet(taken);
        let met = unmet.iter().enumerate().filter(|(_, unmet)| **unmet == 0);
        met.fold(0, |bits, (index, _)| bits | bit(index))
    }

    /// Returns the coalition, in the graph's own places.
    pub(super) fn coalition(&self, taken: &[u32]) -> Coalition {
        let corrupted = self.corrupted(taken);
        let services = self.services.iter().enumerate().filter(|(index, _)| corrupted & bit(*index) != 0);
        let validators = self.classes.iter().zip(taken).flat_map(|(class, count)| {
            class.originals.iter().take(usize::try_from(*count).unwrap_or(usize::MAX)).copied()
        });
        Coalition {
            services: services.flat_map(|(_, service)| service.originals.iter().copied()).collect(),
            validators: validators.collect(),
        }
    }

    /// Returns a cheap way to corrupt these services, beginning with `lo` of each class and with at most
    /// `hi`; `None` when all together do not.
    ///
    /// Each time it takes the validator of which the largest part meets a need, counted once for each
    /// service; then it gives back whom it can do without, the dearest first.
    pub(super) fn cover(&self, services: u128, lo: &[u32], hi: &[u32]) -> Option<Taken> {
        let mut taken = lo.to_vec();
        let mut unmet = self.unmet(&taken);
        for (index, unmet) in unmet.iter_mut().enumerate() {
            if services & bit(index) == 0 {
                *unmet = 0;
            }
        }
        while unmet.iter().any(|unmet| *unmet > 0) {
            let mut best: Option<(i128, i128, usize)> = None;
            for (place, ((class, taken), hi)) in self.classes.iter().zip(&taken).zip(hi).enumerate() {
                if taken >= hi || class.mask & services == 0 {
                    continue;
                }
                let parts = class.on.iter().filter_map(|index| unmet.get(*index));
                let met = parts.fold(0_i128, |sum, unmet| sum.saturating_add((*unmet).min(class.stake)));
                // met / stake, compared by cross products: below 2^7 · 2^63 · 2^63.
                let better = best.is_none_or(|(most, stake, _)| {
                    met.saturating_mul(stake) > most.saturating_mul(class.stake)
                });
                if met > 0 && better {
                    best = Some((met, class.stake, place));
                }
            }
            let (_, stake, place) = best?;
            if let (Some(taken), Some(class)) = (taken.get_mut(place), self.classes.get(place)) {
                *taken = taken.saturating_add(1);
                for index in &class.on {
                    if let Some(unmet) = unmet.get_mut(*index) {
                        *unmet = unmet.saturating_sub(stake).max(0);
                    }
                }
            }
        }
        self.give_back(services, lo, &mut taken);
        Some(taken)
    }

    /// Replaces validators by cheaper ones, one by one or two, as long as these services stay corrupted:
    /// stakes that add up to just what is needed are rarely the first that are taken.
    pub(super) fn polish(&self, services: u128, lo: &[u32], hi: &[u32], taken: &mut Taken) {
        // Each round makes it cheaper; so many are enough.
        for _ in 0..POLISHES {
            let Some(cheaper) = self.cheaper(services, lo, hi, taken) else { return };
            *taken = cheaper;
        }
    }

    fn cheaper(&self, services: u128, lo: &[u32], hi: &[u32], taken: &Taken) -> Option<Taken> {
        let free: Vec<(usize, &Class, u32)> = self
            .classes
            .iter()
            .zip(taken.iter().zip(hi))
            .enumerate()
            .filter(|(_, (_, (taken, hi)))| taken < hi)
            .map(|(place, (class, (taken, hi)))| (place, class, hi.saturating_sub(*taken)))
            .collect();
        for (place, (class, (count, lo))) in self.classes.iter().zip(taken.iter().zip(lo)).enumerate() {
            if count <= lo {
                continue;
            }
            let mut fewer = taken.clone();
            *fewer.get_mut(place)? = count.saturating_sub(1);
            let unmet = self.unmet(&fewer);
            let gaps: Vec<(u128, i128)> = unmet
                .iter()
                .enumerate()
                .filter(|(index, unmet)| **unmet > 0 && services & bit(*index) != 0)
                .map(|(index, unmet)| (bit(index), *unmet))
                .collect();
            let meets = |classes: [Option<&Class>; 2]| {
                gaps.iter().all(|(service, gap)| {
                    let given = classes.iter().flatten().filter(|class| class.mask & service != 0);
                    given.fold(0_i128, |sum, class| sum.saturating_add(class.stake)) >= *gap
                })
            };
            // The best of one or two that cost less than what they replace. The dearest come first.
            let mut best: Option<(i128, usize, Option<usize>)> = None;
            let mut keep = |cost: i128, first: usize, second: Option<usize>| {
                if best.is_none_or(|(least, _, _)| cost < least) {
                    best = Some((cost, first, second));
                }
            };
            for (nth, (first, one, spare)) in free.iter().enumerate() {
                if one.stake >= class.stake {
                    continue;
                }
                if meets([Some(one), None]) {
                    keep(one.stake, *first, None);
                    continue;
                }
                let from = if *spare > 1 { nth } else { nth.saturating_add(1) };
                for (second, two, _) in free.get(from..).unwrap_or_default() {
                    let cost = one.stake.saturating_add(two.stake);
                    if cost < class.stake && meets([Some(one), Some(two)]) {
                        keep(cost, *first, Some(*second));
                    }
                }
            }
            if let Some((_, first, second)) = best {
                for place in core::iter::once(first).chain(second) {
                    let count = fewer.get_mut(place)?;
                    *count = count.saturating_add(1);
                }
                return Some(fewer);
            }
        }
        None
    }

    /// Gives back validators that these services are corrupted without, the dearest first.
    fn give_back(&self, services: u128, lo: &[u32], taken: &mut Taken) {
        let mut spare: Vec<i128> = vec![0; self.services.len()];
        for ((index, spare), service) in spare.iter_mut().enumerate().zip(&self.services) {
            *spare = if services & bit(index) == 0 { i128::MAX } else { service.need.saturating_neg() };
        }
        for (class, count) in self.classes.iter().zip(taken.iter()) {
            let stake = class.stake.saturating_mul(i128::from(*count));
            for index in &class.on {
                if let Some(spare) = spare.get_mut(*index) {
                    *spare = spare.saturating_add(stake);
                }
            }
        }
        for ((class, taken), lo) in self.classes.iter().zip(taken).zip(lo) {
            while *taken > *lo
                && class.on.iter().all(|index| spare.get(*index).is_none_or(|spare| *spare >= class.stake))
            {
                *taken = taken.saturating_sub(1);
                for index in &class.on {
                    if let Some(spare) = spare.get_mut(*index).filter(|spare| **spare != i128::MAX) {
                        *spare = spare.saturating_sub(class.stake);
                    }
                }
            }
        }
    }
}
