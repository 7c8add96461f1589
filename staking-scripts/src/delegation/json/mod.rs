//! A delegation's own JSON: one object. The staker writes the transactions and signs; each covenant member
//! adds its signatures. `data/delegation.schema.json` is its schema.
//!
//! Byte strings are lower-case hex, amounts are in satoshis, times in blocks. An unknown key is an error: it
//! may matter to its writer.

mod fields;
mod members;

use bitcoin::absolute::Height;
use bitcoin::consensus::encode::{self, Decodable, deserialize, serialize_hex};
use bitcoin::{Amount, Transaction, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

pub(crate) use self::members::first_member;

use self::fields::{
    CovenantJson, FormerKeys, FormerPossessionKeys, GivenPossession, InclusionJson, PossessionJson,
    RunningJson, StakerSignaturesJson, VerifiedPossession, consumer_chains, staked_to,
};
use super::covenant::CovenantSignatures;
use super::data::{Delegation, ParametersAt, PresignedSlashing};
use super::error::{DelegationError, field};
use crate::outputs::encoded::from_hex;
use crate::possession::{PossessionMessage, ProofOfPossession};

/// The longest text that is read, in bytes: above that of any stake with the headers of its whole staking
/// time.
const MAX_BYTES: usize = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelegationJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters_height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters_version: Option<u32>,
    staker: XOnlyPublicKey,
    finality_providers: Vec<XOnlyPublicKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consumer_chains: Option<Vec<String>>,
    staking_time_blocks: u32,
    staking_amount_sat: u64,
    unbonding_time_blocks: u32,
    staking_transaction: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unbonding_transaction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slashing_transaction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unbonding_slashing_transaction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extends: Option<RunningJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inclusion: Option<InclusionJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof_of_possession: Option<PossessionJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    staker_signatures: Option<StakerSignaturesJson>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    covenant_signatures: Vec<CovenantJson>,
}

/// Returns the bytes of a text in hex, or why there are none.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    from_hex(text).map_err(|error| format!("not hex: {error}"))
}

/// Returns what a text in hex encodes, or why it does not.
fn decoded<T: Decodable>(what: &str, text: &str) -> Result<T, String> {
    deserialize(&bytes(text)?).map_err(|error| match error {
        // What the library says of bytes that end early is about itself.
        encode::Error::Io(_) => format!("the {what} ends early"),
        error => format!("not a {what}: {error}"),
    })
}

fn transaction(name: &'static str, hex: &str) -> Result<Transaction, DelegationError> {
    field(name, decoded("transaction", hex))
}

fn parameters_at(height: Option<u32>, version: Option<u32>) -> Result<ParametersAt, DelegationError> {
    match (height, version) {
        (Some(height), None) => {
            let height = field("parameters_height", Height::from_consensus(height))?;
            Ok(ParametersAt::Height(height))
        }
        (None, Some(version)) => Ok(ParametersAt::Version(version)),
        (None, None) => Ok(ParametersAt::Unstated),
        (Some(_), Some(_)) => Err(DelegationError::Form(
            "it has both parameters_height and parameters_version; must have one".to_owned(),
        )),
    }
}

/// Returns the height and the version, of which at most one is present.
fn parameters_keys(parameters: ParametersAt) -> (Option<u32>, Option<u32>) {
    match parameters {
        ParametersAt::Height(height) => (Some(height.to_consensus_u32()), None),
        ParametersAt::Version(version) => (None, Some(version)),
        ParametersAt::Unstated => (None, None),
    }
}

/// Refuses a text that is not a JSON object, or is too long.
pub(super) fn check_text(text: &str) -> Result<(), DelegationError> {
    check_object(text).map_err(DelegationError::Form)
}

fn check_object(text: &str) -> Result<(), String> {
    // The library would take an array of the fields for an object.
    if !text.trim_start().starts_with('{') {
        return Err("it is no JSON object".to_owned());
    }
    if text.len() > MAX_BYTES {
        return Err(format!("it has {} bytes; at most {MAX_BYTES} are read", text.len()));
    }
    Ok(())
}

impl Delegation {
    /// Reads a delegation's own JSON.
    ///
    /// # Errors
    /// [`DelegationError`] with the position or field; a renamed key is named with its new name.
    pub fn from_json(text: &str) -> Result<Self, DelegationError> {
        check_text(text)?;
        let read: Result<DelegationJson, _> = serde_json::from_str(text);
        read.map_err(|error| renamed(text).unwrap_or(DelegationError::Json(error)))?.read()
    }

    /// Returns the delegation's own JSON, indented.
    pub fn to_json(&self) -> String {
        // All of its keys are strings, so this does not fail.
        serde_json::to_string_pretty(&DelegationJson::from(self)).unwrap_or_default()
    }
}

/// Returns the error of a delegation with a renamed key.
fn renamed(text: &str) -> Option<DelegationError> {
    let former: FormerKeys = serde_json::from_str(text).ok()?;
    // One key was by itself, and those of consumer chains were objects.
    if former
        .finality_providers
        .is_some_and(|it| it.is_string() || it.get(0).is_some_and(|it| it.is_object()))
    {
        let now = "finality_providers is now an array of keys, and consumer_chains one of their chains";
        return Some(DelegationError::Form(now.to_owned()));
    }
    let address = former.proof_of_possession.and_then(|possession| possession.address);
    let answers = former.covenant_answers.map(|_| is_now("covenant_answers", "covenant_signatures"));
    answers.or(address.map(|_| is_now("proof_of_possession.address", "proof_of_possession.account")))
}

/// Returns the error of a proof of possession with a renamed key.
fn renamed_in_possession(text: &str) -> Option<DelegationError> {
    let former: FormerPossessionKeys = serde_json::from_str(text).ok()?;
    former.address.map(|_| is_now("address", "account"))
}

fn is_now(former: &str, now: &str) -> DelegationError {
    DelegationError::Form(format!("the key {former} is now {now}"))
}

impl Serialize for Delegation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DelegationJson::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Delegation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DelegationJson::deserialize(deserializer)?.read().map_err(serde::de::Error::custom)
    }
}

impl Serialize for CovenantSignatures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CovenantJson::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CovenantSignatures {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CovenantJson::deserialize(deserializer).map(|read| Self::from(&read))
    }
}

/// Reads a staker's proof of possession in the form of a delegation's JSON: by itself, or as
/// `proof_of_possession` beside the verdict `valid` about it.
///
/// # Errors
/// [`DelegationError`] when the text is not such a proof, or the verdict is that it is not valid; a renamed
/// key is named with its new name.
pub fn possession_from_json(text: &str) -> Result<(PossessionMessage, ProofOfPossession), DelegationError> {
    const NAME: &str = "proof_of_possession";
    let not_one = |reason: String| format!("not a proof of possession: {reason}");
    field(NAME, check_object(text).map_err(not_one))?;
    if first_member(text, &["valid"]).is_some() {
        let read: Result<VerifiedPossession, _> = serde_json::from_str(text);
        let verified = field(NAME, read.map_err(|error| not_one(error.to_string())))?;
        let proof = verified.proof_of_possession.filter(|_| verified.valid);
        let refused = || not_one("the verdict valid is false, or proof_of_possession is null".to_owned());
        return PossessionJson::from(field(NAME, proof.ok_or_else(refused))?).read();
    }
    // Other keys are ignored.
    let read: Result<GivenPossession, _> = serde_json::from_str(text);
    let read = read.map_err(|error| {
        let reason = match first_member(text, &["staking_transaction"]) {
            Some(_) => "it is a delegation; must be a proof of possession by itself".to_owned(),
            None => not_one(error.to_string()),
        };
        let other = DelegationError::Field { field: NAME, cause: reason.into() };
        renamed_in_possession(text).unwrap_or(other)
    })?;
    PossessionJson::from(read).read()
}

impl DelegationJson {
    fn read(self) -> Result<Delegation, DelegationError> {
        let read = |name, hex: &Option<String>| hex.as_ref().map(|hex| transaction(name, hex)).transpose();
        let slashing = |name, hex: &Option<String>, staker_signature| {
            let slashing = read(name, hex)?;
            Ok(slashing.map(|transaction| PresignedSlashing { transaction, staker_signature }))
        };
        let staker = self.staker_signatures.as_ref();
        Ok(Delegation {
            parameters: parameters_at(self.parameters_height, self.parameters_version)?,
            staker: self.staker,
            staked_to: staked_to(&self.finality_providers, self.consumer_chains.as_deref())?,
            staking_time_blocks: self.staking_time_blocks,
            staking_amount: Amount::from_sat(self.staking_amount_sat),
            unbonding_time_blocks: self.unbonding_time_blocks,
            staking_transaction: transaction("staking_transaction", &self.staking_transaction)?,
            unbonding_transaction: read("unbonding_transaction", &self.unbonding_transaction)?,
            slashing: slashing(
                "slashing_transaction",
                &self.slashing_transaction,
                staker.and_then(|it| it.slashing),
            )?,
            unbonding_slashing: slashing(
                "unbonding_slashing_transaction",
                &self.unbonding_slashing_transaction,
                staker.and_then(|it| it.unbonding_slashing),
            )?,
            proof_of_possession: self.proof_of_possession.as_ref().map(PossessionJson::read).transpose()?,
            covenant_signatures: self.covenant_signatures.iter().map(Into::into).collect(),
            extends: self.extends.as_ref().map(RunningJson::read).transpose()?,
            inclusion: self.inclusion.as_ref().map(InclusionJson::read).transpose()?,
        })
    }
}

impl From<&Delegation> for DelegationJson {
    fn from(delegation: &Delegation) -> Self {
        let (parameters_height, parameters_version) = parameters_keys(delegation.parameters);
        let slashing = |slashing: &Option<PresignedSlashing>| {
            slashing.as_ref().map(|slashing| serialize_hex(&slashing.transaction))
        };
        let signature = |slashing: &Option<PresignedSlashing>| slashing.as_ref()?.staker_signature;
        let (slashing_signature, later_signature) =
            (signature(&delegation.slashing), signature(&delegation.unbonding_slashing));
        Self {
            parameters_height,
            parameters_version,
            staker: delegation.staker,
            finality_providers: delegation.staked_to.keys(),
            consumer_chains: consumer_chains(&delegation.staked_to),
            staking_time_blocks: delegation.staking_time_blocks,
            staking_amount_sat: delegation.staking_amount.to_sat(),
            unbonding_time_blocks: delegation.unbonding_time_blocks,
            staking_transaction: serialize_hex(&delegation.staking_transaction),
            unbonding_transaction: delegation.unbonding_transaction.as_ref().map(serialize_hex),
            slashing_transaction: slashing(&delegation.slashing),
            unbonding_slashing_transaction: slashing(&delegation.unbonding_slashing),
            extends: delegation.extends.as_ref().map(Into::into),
            inclusion: delegation.inclusion.as_ref().map(Into::into),
            proof_of_possession: delegation.proof_of_possession.as_ref().map(Into::into),
            staker_signatures: slashing_signature.or(later_signature).map(|_| StakerSignaturesJson {
                slashing: slashing_signature,
                unbonding_slashing: later_signature,
            }),
            covenant_signatures: delegation.covenant_signatures.iter().map(Into::into).collect(),
        }
    }
}
