//! Whom a stake is delegated to, in the two dialects.

use std::collections::BTreeSet;

use bitcoin::XOnlyPublicKey;

use crate::outputs::error::InvalidParties;

/// The finality providers of a stake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StakedTo {
    /// Genesis: exactly one.
    Genesis(XOnlyPublicKey),
    /// Chains secured through contracts: one for each.
    Consumers(ConsumerProviders),
}

impl StakedTo {
    /// Their keys, in the order of the stake: adaptor signatures come in this order.
    pub fn keys(&self) -> Vec<XOnlyPublicKey> {
        match self {
            Self::Genesis(key) => vec![*key],
            Self::Consumers(providers) => providers.0.iter().map(|(_, key)| *key).collect(),
        }
    }
}

/// The finality providers of a stake that secures several chains: at least one, each of another chain, no key
/// twice. In the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerProviders(Vec<(String, XOnlyPublicKey)>);

impl ConsumerProviders {
    /// The provider of each chain.
    ///
    /// # Errors
    /// [`InvalidParties`] when there is none, or two share a chain or a key.
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

    /// Chain and key of each.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &XOnlyPublicKey)> {
        self.0.iter().map(|(chain, key)| (chain.as_str(), key))
    }
}
