//! The finality providers of a stake, for Babylon Genesis or for consumer chains.

use std::collections::BTreeSet;

use bitcoin::XOnlyPublicKey;

use crate::outputs::error::InvalidParties;

/// The finality providers of a stake: one of Babylon Genesis, or one for each consumer chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StakedTo {
    /// The one finality provider of a stake for Babylon Genesis.
    Genesis(XOnlyPublicKey),
    /// The finality providers of a stake for consumer chains, one for each.
    Consumers(ConsumerProviders),
}

impl StakedTo {
    /// Returns their keys in the order of the stake, which adaptor signatures follow.
    pub fn keys(&self) -> Vec<XOnlyPublicKey> {
        match self {
            Self::Genesis(key) => vec![*key],
            Self::Consumers(providers) => providers.0.iter().map(|(_, key)| *key).collect(),
        }
    }
}

/// The finality providers of a stake for consumer chains, in the order given: at least one, each of another
/// chain, no key twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerProviders(Vec<(String, XOnlyPublicKey)>);

impl ConsumerProviders {
    /// Returns the providers of these chains, each with the chain's id.
    ///
    /// # Errors
    /// [`InvalidParties`] when no provider is given, or two share a chain or a key.
    pub fn new(
        providers: impl IntoIterator<Item = (String, XOnlyPublicKey)>,
    ) -> Result<Self, InvalidParties> {
        let providers: Vec<_> = providers.into_iter().collect();
        if providers.is_empty() {
            return Err(InvalidParties::NoFinalityProvider);
        }
        let (mut chains, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for (chain, key) in &providers {
            if !chains.insert(chain) {
                return Err(InvalidParties::SameChain(chain.clone()));
            }
            if !keys.insert(key) {
                return Err(InvalidParties::DuplicateProvider(*key));
            }
        }
        Ok(Self(providers))
    }

    /// Returns the chain's id and the key of each provider.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &XOnlyPublicKey)> {
        self.0.iter().map(|(chain, key)| (chain.as_str(), key))
    }
}
