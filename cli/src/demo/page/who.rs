//! The owners of keys, and which of them have an element in a witness.

use bitcoin::{Transaction, XOnlyPublicKey};
use maud::{Markup, html};
use staking_scripts::SpendPath;
use staking_scripts::explain::explain;
use staking_scripts::outputs::LeafKeys;

use super::super::record::{Background, Role};
use super::text::list;

impl Role {
    /// Returns the sign of the owner in the drawings: a letter and a number.
    pub(super) fn sign(self) -> String {
        match self {
            Self::Staker => "S".to_owned(),
            Self::FinalityProvider(number) => format!("P{number}"),
            Self::CovenantMember(number) => format!("C{number}"),
        }
    }

    /// Returns the owner in words.
    pub(super) fn name(self) -> String {
        match self {
            Self::Staker => "the staker".to_owned(),
            Self::FinalityProvider(number) => format!("finality provider {number}"),
            Self::CovenantMember(number) => format!("covenant member {number}"),
        }
    }

    /// Returns the CSS classes of the sign.
    const fn class(self) -> &'static str {
        match self {
            Self::Staker => "chip staker",
            Self::FinalityProvider(_) => "chip provider",
            Self::CovenantMember(_) => "chip member",
        }
    }
}

impl Background {
    /// Returns the owner of a key in words, or the key itself when it is unknown.
    pub(super) fn name(&self, key: &XOnlyPublicKey) -> String {
        self.role(key).map_or_else(|| key.to_string(), Role::name)
    }
}

/// Draws the sign of an owner.
pub(super) fn chip(role: Role) -> Markup {
    html! { span class=(role.class()) { (role.sign()) } }
}

/// The spend of a leaf by an input.
pub(super) struct Spend {
    pub(super) keys: LeafKeys,
    /// Every key in the script's order, and whether the witness has an element in its place.
    pub(super) places: Vec<(XOnlyPublicKey, bool)>,
}

impl Spend {
    /// Returns how an input of `transaction` spends a leaf of the protocol; `None` when it does not.
    pub(super) fn of(transaction: &Transaction, input: usize) -> Option<Self> {
        let keys = explain(transaction).spent.into_iter().find(|spent| spent.input == input)?.keys;
        let witness = &transaction.input.get(input)?.witness;
        let order: Vec<_> = keys.in_script_order().copied().collect();
        // The witness has the places in the reverse order of the script's keys.
        let places = order.iter().rev().zip(witness.iter()).map(|(key, place)| (*key, !place.is_empty()));
        let mut places: Vec<_> = places.collect();
        places.reverse();
        Some(Self { keys, places })
    }

    /// Returns the spend path of the leaf.
    pub(super) const fn path(&self) -> SpendPath {
        self.keys.path()
    }
}

/// Draws the sign of every key of a leaf, filled in where the witness has an element for it, and names those
/// owners for whoever does not see the signs.
pub(super) fn signers(spend: &Spend, background: &Background) -> Markup {
    let mut places: Vec<(Role, bool)> =
        spend.places.iter().filter_map(|(key, signed)| Some((background.role(key)?, *signed))).collect();
    places.sort_unstable();
    let names: Vec<_> = places.iter().filter(|(_, signed)| *signed).map(|(role, _)| role.name()).collect();
    html! {
        span.chips role="img" aria-label={ "in the witness: " (list(&names)) } title={ "in the witness: " (list(&names)) } {
            @for (role, signed) in &places {
                span class={ (role.class()) @if !signed { " empty" } } { (role.sign()) }
            }
        }
    }
}

/// Returns what a leaf requires, in a few words.
pub(super) fn demand(keys: &LeafKeys) -> String {
    let covenant = |keys: &LeafKeys| {
        let (members, quorum) = keys.covenant();
        format!("exactly {quorum} of {} covenant members", members.len())
    };
    match keys {
        LeafKeys::Timelock { timelock, .. } => format!("the staker alone, after {timelock} blocks"),
        LeafKeys::Unbonding { .. } => format!("the staker and {}", covenant(keys)),
        LeafKeys::Slashing { finality_providers, .. } => {
            let one = match finality_providers.len() {
                1 => "the finality provider".to_owned(),
                many => format!("one of {many} finality providers"),
            };
            format!("the staker, {one} and {}", covenant(keys))
        }
    }
}
