//! The parties of a stake.

use bitcoin::XOnlyPublicKey;

use crate::outputs::committee::{CovenantCommittee, first_repeated};
use crate::outputs::error::{InvalidParties, MAX_KEYS};

/// The finality providers of a stake, at least one, in the order that the staker gave and adaptor signatures
/// follow. Scripts have the keys ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalityProviders(Vec<XOnlyPublicKey>);

impl FinalityProviders {
    /// Returns the keys in the order given.
    pub fn as_slice(&self) -> &[XOnlyPublicKey] {
        &self.0
    }

    /// Returns the position of a provider's key in the order given.
    pub fn position(&self, key: &XOnlyPublicKey) -> Option<usize> {
        self.0.iter().position(|provider| provider == key)
    }

    /// Returns the keys ascending, as scripts have them.
    pub fn sorted(&self) -> Vec<XOnlyPublicKey> {
        let mut sorted = self.0.clone();
        sorted.sort_by_key(XOnlyPublicKey::serialize);
        sorted
    }
}

/// The staker, the finality providers and the covenant committee of a stake; no key among them twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parties {
    staker: XOnlyPublicKey,
    finality_providers: FinalityProviders,
    covenant: CovenantCommittee,
}

impl Parties {
    /// Returns the parties with these keys.
    ///
    /// # Errors
    /// [`InvalidParties`] when there is no finality provider, there are more than 999, or any key is given
    /// twice.
    pub fn new(
        staker: XOnlyPublicKey,
        finality_providers: impl IntoIterator<Item = XOnlyPublicKey>,
        covenant: CovenantCommittee,
    ) -> Result<Self, InvalidParties> {
        let finality_providers: Vec<_> = finality_providers.into_iter().collect();
        match finality_providers.len() {
            0 => return Err(InvalidParties::NoFinalityProvider),
            1..=MAX_KEYS => {}
            more => return Err(InvalidParties::TooManyFinalityProviders(more)),
        }
        let mut all: Vec<_> =
            finality_providers.iter().chain(covenant.members()).copied().chain([staker]).collect();
        all.sort_by_key(XOnlyPublicKey::serialize);
        match first_repeated(&all) {
            Some(key) => Err(InvalidParties::DuplicateKey(key)),
            None => Ok(Self { staker, finality_providers: FinalityProviders(finality_providers), covenant }),
        }
    }

    /// Returns the staker's key.
    pub const fn staker(&self) -> &XOnlyPublicKey {
        &self.staker
    }

    /// Returns the finality providers.
    pub const fn finality_providers(&self) -> &FinalityProviders {
        &self.finality_providers
    }

    /// Returns the covenant committee.
    pub const fn covenant(&self) -> &CovenantCommittee {
        &self.covenant
    }
}
