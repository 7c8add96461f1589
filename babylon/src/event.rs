//! What the chain says that happened, in its own events.
//!
//! The chain writes the attributes of its events as JSON within text, and its numbers as text within that.
//! Votes and commitments to randomness have no event of the chain's own.

use std::str::FromStr;

use bitcoin::Txid;
use eots::XOnlyPublicKey;
use finality::Evidence;
use serde_json::Value;

use crate::node::{Event, NodeError};
use crate::query::{DelegationStatus, evidence_from_json};

/// Something of staking or of finality that happened on the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainEvent {
    /// A finality provider was registered.
    ProviderRegistered {
        /// Its public key.
        provider: XOnlyPublicKey,
    },
    /// Another status of a finality provider counts.
    ProviderStatus {
        /// Its public key.
        provider: XOnlyPublicKey,
        /// The status.
        status: ProviderStatus,
    },
    /// A finality provider missed too many votes.
    ProviderJailed {
        /// Its public key.
        provider: XOnlyPublicKey,
    },
    /// A finality provider equivocated. The evidence is verified.
    ProviderSlashed(Box<Evidence>),
    /// A finality provider's key was shown by a slashing transaction without evidence. The chain says the key
    /// itself; here it is left out.
    SelectivelySlashed {
        /// The provider's public key.
        provider: XOnlyPublicKey,
    },
    /// A stake was registered.
    StakeRegistered {
        /// Its staking transaction.
        stake: Txid,
        /// The finality providers that it is staked to.
        providers: Vec<XOnlyPublicKey>,
        /// The version of its parameters.
        parameters_version: u32,
        /// The staking transaction of the stake that it extends.
        extends: Option<Txid>,
    },
    /// A covenant member signed a stake.
    CovenantSigned {
        /// The stake's staking transaction.
        stake: Txid,
        /// The member.
        member: XOnlyPublicKey,
    },
    /// A quorum of the covenant committee has signed a stake.
    QuorumReached {
        /// The stake's staking transaction.
        stake: Txid,
    },
    /// A stake was proven to be in Bitcoin.
    StakeIncluded {
        /// Its staking transaction.
        stake: Txid,
        /// The height of its block.
        start_height: u32,
        /// The height at which its staking time is over.
        end_height: u32,
    },
    /// A stake was unbonded before its time.
    StakeUnbonded {
        /// Its staking transaction.
        stake: Txid,
        /// The height at which it started.
        start_height: u32,
        /// The staking transaction that extended it, where it was not unbonded but extended.
        extended_by: Option<Txid>,
    },
    /// A stake's output was spent in another way than by the unbonding transaction that was registered.
    StakeSpentOtherwise {
        /// Its staking transaction.
        stake: Txid,
        /// The transaction that spent it.
        by: Txid,
    },
    /// A stake's time is over.
    StakeExpired {
        /// Its staking transaction.
        stake: Txid,
    },
    /// A stake has another status. It comes beside others of these.
    StakeStatus {
        /// Its staking transaction.
        stake: Txid,
        /// The status.
        status: DelegationStatus,
    },
}

/// The status of a finality provider, as the chain's events say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderStatus {
    /// It has no power: too little is staked to it, or it has no timestamped randomness.
    Inactive,
    /// It has power.
    Active,
    /// It was jailed for missing votes.
    Jailed,
    /// It was slashed.
    Slashed,
}

impl ChainEvent {
    /// Returns what an event says; `None` of those that are not of staking or finality, or of a kind that
    /// this toolkit does not know.
    ///
    /// # Errors
    /// [`NodeError::Answer`] of one that has not the attributes of its kind, or evidence that proves nothing.
    pub fn read(event: &Event) -> Result<Option<Self>, NodeError> {
        let of = Attributes(event);
        let read = match event.kind.as_str() {
            "babylon.btcstaking.v1.EventFinalityProviderCreated" => {
                Self::ProviderRegistered { provider: of.parsed("btc_pk_hex")? }
            }
            "babylon.btcstaking.v1.EventFinalityProviderStatusChange" => {
                let name = of.text("new_state")?;
                let status = match name.trim_start_matches("FINALITY_PROVIDER_STATUS_") {
                    "INACTIVE" => ProviderStatus::Inactive,
                    "ACTIVE" => ProviderStatus::Active,
                    "JAILED" => ProviderStatus::Jailed,
                    "SLASHED" => ProviderStatus::Slashed,
                    _ => return Err(of.wrong("new_state", &name)),
                };
                Self::ProviderStatus { provider: of.parsed("btc_pk")?, status }
            }
            "babylon.finality.v1.EventJailedFinalityProvider" => {
                Self::ProviderJailed { provider: of.parsed("public_key")? }
            }
            "babylon.finality.v1.EventSlashedFinalityProvider" => {
                let [evidence] = <[_; 1]>::try_from(evidence_from_json(of.raw("evidence")?, None)?)
                    .map_err(|_| NodeError::answer("it must have the evidence of one provider"))?;
                Self::ProviderSlashed(Box::new(evidence))
            }
            "babylon.btcstaking.v1.EventSelectiveSlashing" => {
                let evidence: Value = serde_json::from_str(of.raw("evidence")?).unwrap_or_default();
                let provider = evidence.get("fp_btc_pk").and_then(Value::as_str).unwrap_or_default();
                let provider = provider.parse().map_err(|_| of.wrong("evidence.fp_btc_pk", provider))?;
                Self::SelectivelySlashed { provider }
            }
            "babylon.btcstaking.v1.EventBTCDelegationCreated" => of.registered()?,
            "babylon.btcstaking.v1.EventCovenantSignatureReceived" => {
                Self::CovenantSigned { stake: of.stake()?, member: of.parsed("covenant_btc_pk_hex")? }
            }
            "babylon.btcstaking.v1.EventCovenantQuorumReached" => Self::QuorumReached { stake: of.stake()? },
            "babylon.btcstaking.v1.EventBTCDelegationInclusionProofReceived" => Self::StakeIncluded {
                stake: of.stake()?,
                start_height: of.parsed("start_height")?,
                end_height: of.parsed("end_height")?,
            },
            // It is really spelled so.
            "babylon.btcstaking.v1.EventBTCDelgationUnbondedEarly" => Self::StakeUnbonded {
                stake: of.stake()?,
                start_height: of.parsed("start_height")?,
                extended_by: of.not_empty("stake_expansion_tx_hash")?,
            },
            "babylon.btcstaking.v1.EventUnexpectedUnbondingTx" => {
                Self::StakeSpentOtherwise { stake: of.stake()?, by: of.parsed("spend_stake_tx_hash")? }
            }
            "babylon.btcstaking.v1.EventBTCDelegationExpired" => Self::StakeExpired { stake: of.stake()? },
            "babylon.btcstaking.v1.EventBTCDelegationStateUpdate" => {
                let name = of.text("new_state")?;
                let status =
                    DelegationStatus::from_name(&name).ok_or_else(|| of.wrong("new_state", &name))?;
                Self::StakeStatus { stake: of.stake()?, status }
            }
            _ => return Ok(None),
        };
        Ok(Some(read))
    }
}

/// The attributes of an event.
struct Attributes<'a>(&'a Event);

impl<'a> Attributes<'a> {
    /// Returns an attribute as it is written.
    fn raw(&self, name: &str) -> Result<&'a str, NodeError> {
        let found = self.0.attributes.iter().find(|(found, _)| found == name);
        let absent = || NodeError::answer(format!("{} has no {name}", self.0.kind));
        found.map(|(_, value)| value.as_str()).ok_or_else(absent)
    }

    /// Returns one that is a text or a number, without its quotes.
    fn text(&self, name: &str) -> Result<String, NodeError> {
        self.raw(name)?;
        Ok(self.0.attribute(name).unwrap_or_default())
    }

    fn wrong(&self, name: &str, found: &str) -> NodeError {
        let found: String = found.chars().take(100).collect();
        NodeError::answer(format!("{}: its {name} is {found:?}", self.0.kind))
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<T, NodeError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| self.wrong(name, &text))
    }

    /// Returns one that is an empty text where it is not there.
    fn not_empty<T: FromStr>(&self, name: &str) -> Result<Option<T>, NodeError> {
        match self.text(name) {
            Ok(text) if !text.is_empty() => self.parsed(name).map(Some),
            _ => Ok(None),
        }
    }

    fn stake(&self) -> Result<Txid, NodeError> {
        self.parsed("staking_tx_hash")
    }

    fn registered(&self) -> Result<ChainEvent, NodeError> {
        let hex = self.text("staking_tx_hex")?;
        let transaction: Result<bitcoin::Transaction, _> = bitcoin::consensus::encode::deserialize_hex(&hex);
        let transaction = transaction.map_err(|_| self.wrong("staking_tx_hex", &hex))?;
        let name = "finality_provider_btc_pks_hex";
        let keys = self.raw(name)?;
        let keys: Vec<String> = serde_json::from_str(keys).map_err(|_| self.wrong(name, keys))?;
        let key = |text: String| text.parse().map_err(|_| self.wrong(name, &text));
        Ok(ChainEvent::StakeRegistered {
            stake: transaction.compute_txid(),
            providers: keys.into_iter().map(key).collect::<Result<_, _>>()?,
            parameters_version: self.parsed("params_version")?,
            extends: self.not_empty("previous_staking_tx_hash_hex")?,
        })
    }
}
