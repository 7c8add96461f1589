//! A delegation as one JSON file, which grows as the roles add to it: the staker writes the transactions and
//! signs, each covenant member adds its answer. `data/delegation.schema.json` is its schema.
//!
//! Byte strings are lower-case hex, amounts satoshis, times blocks. A field that is not known is an error: it
//! may be one that matters to who wrote it.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, Transaction, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

use super::fields::{AnswerField, PossessionField, ProvidersField, RunningField, StakerField};
use super::included::InclusionField;
use super::{SignedSlashing, StakeRequest};

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationFile {
    /// The Bitcoin height whose parameters hold: of the inclusion, or of the tip when it is registered
    /// before.
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
        let unbonding_slashing =
            transaction("unbonding_slashing_transaction", &self.unbonding_slashing_transaction)?;
        Ok(StakeRequest {
            staker: self.staker,
            staked_to: self.finality_providers.read()?,
            staking_time_blocks: self.staking_time_blocks,
            staking_amount: Amount::from_sat(self.staking_amount_sat),
            unbonding_time_blocks: self.unbonding_time_blocks,
            staking_transaction: transaction("staking_transaction", &self.staking_transaction)?,
            unbonding_transaction: transaction("unbonding_transaction", &self.unbonding_transaction)?,
            slashing: SignedSlashing { transaction: slashing, staker: staker.slashing },
            unbonding_slashing: SignedSlashing {
                transaction: unbonding_slashing,
                staker: staker.unbonding_slashing,
            },
            possession,
            extends: self.extends.as_ref().map(RunningField::read).transpose()?,
            inclusion: self.inclusion.as_ref().map(InclusionField::read).transpose()?,
        })
    }
}
