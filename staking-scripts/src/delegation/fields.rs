//! The fields of a delegation's file that have fields of their own.

use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, ScriptBuf, TxOut, XOnlyPublicKey};
use eots::{AdaptorSignature, SigningContext};
use serde::{Deserialize, Serialize};

use super::file::{DelegationError, field, transaction};
use super::{CovenantAnswer, RunningStake};
use crate::outputs::providers::{ConsumerProviders, StakedTo};
use crate::pop::{AccountAddress, Claim, ProofOfPossession, ProofType};
use crate::signing::{CovenantAdaptorSignatures, CovenantSignature};

/// Whom the stake is delegated to: one key on genesis, or one for each consumer chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProvidersField {
    /// Genesis.
    Genesis(XOnlyPublicKey),
    /// Consumer chains.
    Consumers(Vec<ConsumerField>),
}

/// A finality provider of a consumer chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerField {
    /// The chain's id.
    pub consumer_chain: String,
    /// The provider's key.
    pub public_key: XOnlyPublicKey,
}

/// The staker's signatures over what is signed in advance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StakerField {
    /// Over the slashing transaction of the stake.
    pub slashing: schnorr::Signature,
    /// Over the slashing transaction of the unbonding stake.
    pub unbonding_slashing: schnorr::Signature,
}

/// The proof that the staker's account is of who holds the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PossessionField {
    /// Of which type it is.
    #[serde(rename = "type")]
    pub kind: PossessionKind,
    /// The account on the secured chain, in bech32.
    pub address: String,
    /// The proof, as hex: what its type has for a signature.
    pub signature: String,
    /// The consumer chain's `staker_pop` context, as hex; absent on genesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_context: Option<String>,
}

/// The types of proofs, as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PossessionKind {
    /// BIP-340.
    Bip340,
    /// BIP-322.
    Bip322,
    /// A Bitcoin signed message.
    Ecdsa,
}

/// The running stake that is extended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningField {
    /// The Bitcoin height whose parameters it was made under.
    pub parameters_height: u32,
    /// Whom it is delegated to.
    pub finality_providers: ProvidersField,
    /// For how many blocks it was made.
    pub staking_time_blocks: u32,
    /// What made it, as hex.
    pub staking_transaction: String,
    /// What the extension's second input spends, in satoshis.
    pub funding_amount_sat: u64,
    /// The script pubkey of what the extension's second input spends, as hex.
    pub funding_script_pubkey: String,
}

/// A covenant member's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerField {
    /// The member's key.
    pub member: XOnlyPublicKey,
    /// Over the unbonding transaction.
    pub unbonding_signature: schnorr::Signature,
    /// Over the slashing transaction of the stake: one for each finality provider, encrypted to its key, in
    /// the order of `finality_providers`.
    pub slashing_adaptor_signatures: Vec<AdaptorSignature>,
    /// Over the slashing transaction of the unbonding stake, in the same way.
    pub unbonding_slashing_adaptor_signatures: Vec<AdaptorSignature>,
    /// Over the extension, for a stake that extends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_signature: Option<schnorr::Signature>,
}

impl ProvidersField {
    /// As the file has them.
    pub fn new(staked_to: &StakedTo) -> Self {
        match staked_to {
            StakedTo::Genesis(key) => Self::Genesis(*key),
            StakedTo::Consumers(providers) => {
                let field = |(chain, key): (&str, &XOnlyPublicKey)| ConsumerField {
                    consumer_chain: chain.to_owned(),
                    public_key: *key,
                };
                Self::Consumers(providers.iter().map(field).collect())
            }
        }
    }

    /// Whom the stake is delegated to.
    ///
    /// # Errors
    /// [`DelegationError::Field`] when two are of one chain, or none is there.
    pub fn read(&self) -> Result<StakedTo, DelegationError> {
        match self {
            Self::Genesis(key) => Ok(StakedTo::Genesis(*key)),
            Self::Consumers(providers) => {
                let providers =
                    providers.iter().map(|field| (field.consumer_chain.clone(), field.public_key));
                Ok(StakedTo::Consumers(field("finality_providers", ConsumerProviders::new(providers))?))
            }
        }
    }
}

impl PossessionField {
    /// As the file has it.
    pub fn new((claim, proof): &(Claim, ProofOfPossession)) -> Self {
        Self {
            kind: match proof.proof_type() {
                ProofType::Bip340 => PossessionKind::Bip340,
                ProofType::Bip322 => PossessionKind::Bip322,
                ProofType::Ecdsa => PossessionKind::Ecdsa,
            },
            address: claim.address().to_string(),
            signature: hex::encode(proof.signature_bytes()),
            signing_context: claim.signing_context().map(ToString::to_string),
        }
    }

    /// What is claimed, and the proof.
    ///
    /// # Errors
    /// [`DelegationError::Field`] when the address, the context or the signature cannot be read.
    pub fn read(&self) -> Result<(Claim, ProofOfPossession), DelegationError> {
        const NAME: &str = "proof_of_possession";
        let address = field(NAME, self.address.parse::<AccountAddress>())?;
        let claim = match &self.signing_context {
            None => field(NAME, Claim::genesis(address))?,
            Some(context) => Claim::consumer(field(NAME, context.parse::<SigningContext>())?, address),
        };
        let kind = match self.kind {
            PossessionKind::Bip340 => ProofType::Bip340,
            PossessionKind::Bip322 => ProofType::Bip322,
            PossessionKind::Ecdsa => ProofType::Ecdsa,
        };
        let bytes = field(NAME, hex::decode(&self.signature))?;
        Ok((claim, field(NAME, ProofOfPossession::from_signature_bytes(kind, &bytes))?))
    }
}

impl RunningField {
    pub(super) fn read(&self) -> Result<RunningStake, DelegationError> {
        Ok(RunningStake {
            staking_transaction: transaction("extends.staking_transaction", &self.staking_transaction)?,
            staked_to: self.finality_providers.read()?,
            staking_time_blocks: self.staking_time_blocks,
            funding: TxOut {
                value: Amount::from_sat(self.funding_amount_sat),
                script_pubkey: field(
                    "extends.funding_script_pubkey",
                    ScriptBuf::from_hex(&self.funding_script_pubkey),
                )?,
            },
        })
    }
}

impl From<&CovenantAnswer> for AnswerField {
    fn from(answer: &CovenantAnswer) -> Self {
        Self {
            member: answer.unbonding.member,
            unbonding_signature: answer.unbonding.signature,
            slashing_adaptor_signatures: answer.slashing.signatures.clone(),
            unbonding_slashing_adaptor_signatures: answer.unbonding_slashing.signatures.clone(),
            extension_signature: answer.extension.map(|extension| extension.signature),
        }
    }
}

impl From<&AnswerField> for CovenantAnswer {
    fn from(field: &AnswerField) -> Self {
        let member = field.member;
        let adaptors = |signatures: &[AdaptorSignature]| CovenantAdaptorSignatures {
            member,
            signatures: signatures.to_vec(),
        };
        Self {
            unbonding: CovenantSignature { member, signature: field.unbonding_signature },
            slashing: adaptors(&field.slashing_adaptor_signatures),
            unbonding_slashing: adaptors(&field.unbonding_slashing_adaptor_signatures),
            extension: field.extension_signature.map(|signature| CovenantSignature { member, signature }),
        }
    }
}
