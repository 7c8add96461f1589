//! A delegation as one JSON file, which grows as the roles add to it: the staker writes the transactions and signs, each covenant member adds
//! its answer. `data/delegation.schema.json` is its schema.
//!
//! Byte strings are lower-case hex, amounts satoshis, times blocks. A field that is not known is an error: it may be one that matters to who wrote it.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, XOnlyPublicKey};
use eots::{AdaptorSignature, SigningContext};
use serde::{Deserialize, Serialize};

use super::included::InclusionField;
use super::{CovenantAnswer, RunningStake, SignedSlashing, StakeRequest};
use crate::outputs::providers::{ConsumerProviders, StakedTo};
use crate::pop::{AccountAddress, Claim, ProofOfPossession, ProofType};
use crate::signing::{CovenantAdaptorSignatures, CovenantSignature};

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationFile {
    /// The Bitcoin height whose parameters hold: of the inclusion, or of the tip when it is registered before.
    pub parameters_height: u32,
    /// The staker's key.
    pub staker: XOnlyPublicKey,
    /// Whom the stake is delegated to.
    pub finality_providers: ProvidersField,
    /// For how many blocks.
    pub staking_time_blocks: u32,
    /// How much, in satoshis.
    pub staking_amount_sat: u64,
    /// How many blocks an unbonding stake waits.
    pub unbonding_time_blocks: u32,
    /// What makes the stake, as hex; with its witnesses or without.
    pub staking_transaction: String,
    /// What spends the stake early, as hex, unsigned.
    pub unbonding_transaction: String,
    /// What slashes the stake, as hex, unsigned.
    pub slashing_transaction: String,
    /// What slashes the unbonding stake, as hex, unsigned.
    pub unbonding_slashing_transaction: String,
    /// The running stake that this one extends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<RunningField>,
    /// That the staking transaction is in a block; absent for a stake that is registered before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inclusion: Option<InclusionField>,
    /// The proof that the account is of who holds the key; the staker adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_of_possession: Option<PossessionField>,
    /// The staker adds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staker_signatures: Option<StakerField>,
    /// Covenant members add them; a member counts once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covenant_answers: Vec<AnswerField>,
}

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
    /// Over the slashing transaction of the stake: one for each finality provider, encrypted to its key, in the order of `finality_providers`.
    pub slashing_adaptor_signatures: Vec<AdaptorSignature>,
    /// Over the slashing transaction of the unbonding stake, in the same way.
    pub unbonding_slashing_adaptor_signatures: Vec<AdaptorSignature>,
    /// Over the extension, for a stake that extends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_signature: Option<schnorr::Signature>,
}

/// A file that holds no delegation, or one that is not ready for this step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DelegationError {
    /// Not JSON of this form.
    #[error("not a delegation: {0}")]
    Form(String),
    /// A field cannot be read.
    #[error("{field}: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why not.
        reason: String,
    },
    /// A field that this step needs is not there yet.
    #[error("{0} is absent: the staker signs first")]
    Absent(&'static str),
}

/// The longest file that is read: above any stake, with the headers of its whole time.
const MOST_BYTES: usize = 16 << 20;

pub(super) fn field<T, E: ToString>(field: &'static str, read: Result<T, E>) -> Result<T, DelegationError> {
    read.map_err(|error| DelegationError::Field { field, reason: error.to_string() })
}

pub(super) fn transaction(name: &'static str, hex: &str) -> Result<Transaction, DelegationError> {
    field(name, deserialize_hex(hex))
}

impl DelegationFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`DelegationError::Form`] says where it is none.
    pub fn from_json(text: &str) -> Result<Self, DelegationError> {
        // The library would take an array of the fields for an object.
        if !text.trim_start().starts_with('{') {
            return Err(DelegationError::Form("it is no JSON object".to_owned()));
        }
        if text.len() > MOST_BYTES {
            return Err(DelegationError::Form(format!("it is longer than {MOST_BYTES} bytes")));
        }
        serde_json::from_str(text).map_err(|error| DelegationError::Form(error.to_string()))
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        // Its keys are all texts, so it always is JSON.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The request, as the covenant committee checks it.
    ///
    /// # Errors
    /// [`DelegationError`] names the field that cannot be read, or is not there yet.
    pub fn request(&self) -> Result<StakeRequest, DelegationError> {
        let staker = self.staker_signatures.as_ref().ok_or(DelegationError::Absent("staker_signatures"))?;
        let possession = self.proof_of_possession.as_ref();
        let possession = possession.ok_or(DelegationError::Absent("proof_of_possession"))?.read()?;
        let slashing = transaction("slashing_transaction", &self.slashing_transaction)?;
        let unbonding_slashing = transaction("unbonding_slashing_transaction", &self.unbonding_slashing_transaction)?;
        Ok(StakeRequest {
            staker: self.staker,
            staked_to: self.finality_providers.read()?,
            staking_time_blocks: self.staking_time_blocks,
            staking_amount: Amount::from_sat(self.staking_amount_sat),
            unbonding_time_blocks: self.unbonding_time_blocks,
            staking_transaction: transaction("staking_transaction", &self.staking_transaction)?,
            unbonding_transaction: transaction("unbonding_transaction", &self.unbonding_transaction)?,
            slashing: SignedSlashing { transaction: slashing, staker: staker.slashing },
            unbonding_slashing: SignedSlashing { transaction: unbonding_slashing, staker: staker.unbonding_slashing },
            possession,
            extends: self.extends.as_ref().map(RunningField::read).transpose()?,
            inclusion: self.inclusion.as_ref().map(InclusionField::read).transpose()?,
        })
    }
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
                let providers = providers.iter().map(|field| (field.consumer_chain.clone(), field.public_key));
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
    fn read(&self) -> Result<RunningStake, DelegationError> {
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
        let adaptors =
            |signatures: &[AdaptorSignature]| CovenantAdaptorSignatures { member, signatures: signatures.to_vec() };
        Self {
            unbonding: CovenantSignature { member, signature: field.unbonding_signature },
            slashing: adaptors(&field.slashing_adaptor_signatures),
            unbonding_slashing: adaptors(&field.unbonding_slashing_adaptor_signatures),
            extension: field.extension_signature.map(|signature| CovenantSignature { member, signature }),
        }
    }
}
