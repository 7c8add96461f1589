//! The objects within a delegation's JSON.

use bitcoin::block::Header;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, ScriptBuf, TxOut, Txid, XOnlyPublicKey};
use eots::AdaptorSignature;
use finality::SigningContext;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use spv::InclusionProof;

use super::{bytes, decoded, parameters_at, parameters_keys, transaction};
use crate::delegation::covenant::CovenantSignatures;
use crate::delegation::data::{PreviousStake, RunningStake};
use crate::delegation::error::{DelegationError, field};
use crate::delegation::included::StakeInclusion;
use crate::outputs::providers::{ConsumerProviders, StakedTo};
use crate::possession::{AccountAddress, PopType, PossessionMessage, ProofOfPossession};
use crate::transactions::signatures::{CovenantAdaptorSignatures, CovenantSignature};

/// The staker's signatures over pre-signed transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "the object staker_signatures")]
pub(super) struct StakerSignaturesJson {
    /// The signature over the slashing transaction of the staking output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) slashing: Option<schnorr::Signature>,
    /// The signature over the slashing transaction of the unbonding output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unbonding_slashing: Option<schnorr::Signature>,
}

/// The staker's proof of possession.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "the object proof_of_possession")]
pub(super) struct PossessionJson {
    /// The type of the proof.
    #[serde(rename = "type")]
    pub(super) kind: PossessionType,
    /// The account on Babylon Genesis or the consumer chain, in bech32.
    pub(super) account: String,
    /// The signature of this type, as hex.
    pub(super) signature: String,
    /// The consumer chain's `staker_pop` signing context, as hex; absent on Babylon Genesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signing_context: Option<String>,
}

/// The types of proofs of possession, as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PossessionType {
    /// BIP-340.
    Bip340,
    /// BIP-322.
    Bip322,
    /// A Bitcoin signed message.
    Ecdsa,
}

/// A [`PossessionJson`] with other keys, which are ignored.
#[derive(Deserialize)]
pub(super) struct GivenPossession {
    #[serde(rename = "type")]
    kind: PossessionType,
    account: String,
    signature: String,
    signing_context: Option<String>,
}

/// A [`PossessionJson`] beside the verdict about it. Other keys are ignored.
#[derive(Deserialize)]
pub(super) struct VerifiedPossession {
    pub(super) valid: bool,
    pub(super) proof_of_possession: Option<GivenPossession>,
}

impl From<GivenPossession> for PossessionJson {
    fn from(given: GivenPossession) -> Self {
        let GivenPossession { kind, account, signature, signing_context } = given;
        Self { kind, account, signature, signing_context }
    }
}

/// The former names of keys that were renamed, where a delegation has them. Nothing else is kept of it.
#[derive(Deserialize)]
pub(super) struct FormerKeys {
    pub(super) finality_providers: Option<serde_json::Value>,
    pub(super) covenant_answers: Option<IgnoredAny>,
    pub(super) proof_of_possession: Option<FormerPossessionKeys>,
}

/// The former names of the keys of a proof of possession.
#[derive(Deserialize)]
pub(super) struct FormerPossessionKeys {
    pub(super) address: Option<IgnoredAny>,
}

/// The running stake that is extended: with its staking transaction where that is known, or by its txid
/// alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "the object extends")]
pub(super) struct RunningJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) staking_txid: Option<Txid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parameters_height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parameters_version: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) finality_providers: Option<Vec<XOnlyPublicKey>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) consumer_chains: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) staking_time_blocks: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) staking_transaction: Option<String>,
    /// The staked amount in satoshis, where that transaction pays to a script more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) staking_amount_sat: Option<u64>,
    /// The amount of the output that the extension's second input spends, in satoshis.
    pub(super) funding_amount_sat: u64,
    /// The script pubkey of the output that the extension's second input spends, as hex.
    pub(super) funding_script_pubkey: String,
}

/// A covenant member's signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with a covenant member's signatures")]
pub(super) struct CovenantJson {
    /// The member's key.
    pub(super) member: XOnlyPublicKey,
    /// The signature over the unbonding transaction.
    pub(super) unbonding_signature: schnorr::Signature,
    /// The adaptor signatures over the slashing transaction of the staking output: one for each finality
    /// provider, encrypted to its key, in the order of `finality_providers`; none for a phase-1 stake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) slashing_adaptor_signatures: Vec<AdaptorSignature>,
    /// The adaptor signatures over the slashing transaction of the unbonding output, in the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unbonding_slashing_adaptor_signatures: Vec<AdaptorSignature>,
    /// The signature over the extension, for a stake that extends another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extension_signature: Option<schnorr::Signature>,
    /// What the member left to who knows the chains' state; read from its answer, and not kept.
    #[serde(rename = "not_checked", default, skip_serializing)]
    pub(super) _not_checked: Vec<String>,
}

/// Returns the chains of the finality providers, in the same order; none on Babylon Genesis.
pub(super) fn consumer_chains(staked_to: &StakedTo) -> Option<Vec<String>> {
    match staked_to {
        StakedTo::Genesis(_) => None,
        StakedTo::Consumers(providers) => Some(providers.iter().map(|(chain, _)| chain.to_owned()).collect()),
    }
}

/// Reads the finality providers: one of Babylon Genesis, or one of each consumer chain that is named.
pub(super) fn staked_to(
    providers: &[XOnlyPublicKey],
    consumer_chains: Option<&[String]>,
) -> Result<StakedTo, DelegationError> {
    const NAME: &str = "finality_providers";
    match (providers, consumer_chains) {
        ([key], None) => Ok(StakedTo::Genesis(*key)),
        (_, None) => {
            let found = providers.len();
            let rule = format!("it has {found} keys; must have 1 where consumer_chains is absent");
            field(NAME, Err(rule))
        }
        (_, Some(chains)) if chains.len() != providers.len() => {
            let (found, keys) = (chains.len(), providers.len());
            let rule = format!("it names {found} chains; must name {keys}, one for each finality provider");
            field("consumer_chains", Err(rule))
        }
        (_, Some(chains)) => {
            let named = chains.iter().cloned().zip(providers.iter().copied());
            Ok(StakedTo::Consumers(field(NAME, ConsumerProviders::new(named))?))
        }
    }
}

impl From<&(PossessionMessage, ProofOfPossession)> for PossessionJson {
    fn from((message, proof): &(PossessionMessage, ProofOfPossession)) -> Self {
        Self {
            kind: match proof.proof_type() {
                PopType::Bip340 => PossessionType::Bip340,
                PopType::Bip322 => PossessionType::Bip322,
                PopType::Ecdsa => PossessionType::Ecdsa,
            },
            account: message.address().to_string(),
            signature: hex::encode(proof.signature_bytes()),
            signing_context: (!message.context().is_genesis()).then(|| message.context().to_string()),
        }
    }
}

impl PossessionJson {
    pub(super) fn read(&self) -> Result<(PossessionMessage, ProofOfPossession), DelegationError> {
        const NAME: &str = "proof_of_possession";
        let account = field(NAME, self.account.parse::<AccountAddress>())?;
        let context = match &self.signing_context {
            None => SigningContext::GENESIS,
            Some(context) => field(NAME, context.parse::<SigningContext>())?,
        };
        let message = field(NAME, PossessionMessage::new(context, account))?;
        let kind = match self.kind {
            PossessionType::Bip340 => PopType::Bip340,
            PossessionType::Bip322 => PopType::Bip322,
            PossessionType::Ecdsa => PopType::Ecdsa,
        };
        let signature = bytes(&self.signature).map_err(|reason| format!("signature: {reason}"));
        let proof = ProofOfPossession::from_signature_bytes(kind, &field(NAME, signature)?);
        Ok((message, field(NAME, proof)?))
    }
}

impl RunningJson {
    pub(super) fn read(&self) -> Result<RunningStake, DelegationError> {
        let (txid, stake) = match (&self.staking_transaction, self.staking_txid) {
            (None, Some(txid)) => (txid, None),
            (Some(hex), None) => {
                let staking_transaction = transaction("extends.staking_transaction", hex)?;
                let providers = self.finality_providers.as_ref();
                let providers = providers.ok_or(DelegationError::Absent("extends.finality_providers"))?;
                let time = self.staking_time_blocks;
                let stake = PreviousStake {
                    parameters: parameters_at(self.parameters_height, self.parameters_version)?,
                    staked_to: staked_to(providers, self.consumer_chains.as_deref())?,
                    staking_time_blocks: time
                        .ok_or(DelegationError::Absent("extends.staking_time_blocks"))?,
                    staking_transaction,
                    staking_amount: self.staking_amount_sat.map(Amount::from_sat),
                };
                (stake.staking_transaction.compute_txid(), Some(stake))
            }
            _ => {
                let rule = "extends must have one of staking_transaction and staking_txid";
                return Err(DelegationError::Form(rule.to_owned()));
            }
        };
        let script = field("extends.funding_script_pubkey", bytes(&self.funding_script_pubkey))?;
        let script_pubkey = ScriptBuf::from_bytes(script);
        let funding = TxOut { value: Amount::from_sat(self.funding_amount_sat), script_pubkey };
        Ok(RunningStake { txid, stake, funding })
    }
}

impl From<&RunningStake> for RunningJson {
    fn from(running: &RunningStake) -> Self {
        let stake = running.stake.as_ref();
        let (parameters_height, parameters_version) =
            stake.map_or((None, None), |stake| parameters_keys(stake.parameters));
        Self {
            staking_txid: stake.is_none().then_some(running.txid),
            parameters_height,
            parameters_version,
            finality_providers: stake.map(|stake| stake.staked_to.keys()),
            consumer_chains: stake.and_then(|stake| consumer_chains(&stake.staked_to)),
            staking_time_blocks: stake.map(|stake| stake.staking_time_blocks),
            staking_transaction: stake.map(|stake| serialize_hex(&stake.staking_transaction)),
            staking_amount_sat: stake.and_then(|stake| stake.staking_amount).map(Amount::to_sat),
            funding_amount_sat: running.funding.value.to_sat(),
            funding_script_pubkey: running.funding.script_pubkey.to_hex_string(),
        }
    }
}

impl From<&CovenantSignatures> for CovenantJson {
    fn from(signatures: &CovenantSignatures) -> Self {
        Self {
            member: signatures.unbonding.member,
            unbonding_signature: signatures.unbonding.signature,
            slashing_adaptor_signatures: signatures.slashing.signatures.clone(),
            unbonding_slashing_adaptor_signatures: signatures.unbonding_slashing.signatures.clone(),
            extension_signature: signatures.extension.map(|extension| extension.signature),
            _not_checked: Vec::new(),
        }
    }
}

impl From<&CovenantJson> for CovenantSignatures {
    fn from(field: &CovenantJson) -> Self {
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

/// The proof that the staking transaction is in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "the object inclusion")]
pub(super) struct InclusionJson {
    /// The block's height.
    pub(super) height: u32,
    /// The position of the transaction in the block, from 0.
    pub(super) position: u32,
    /// The siblings of the Merkle proof, as hex: 32 bytes each in internal byte order, concatenated. Base64,
    /// as a node of Babylon Genesis prints it, is read too.
    pub(super) siblings: String,
    /// The headers of the block and of the blocks on it, as hex of 80 bytes each.
    pub(super) headers: Vec<String>,
}

impl From<&StakeInclusion> for InclusionJson {
    fn from(inclusion: &StakeInclusion) -> Self {
        Self {
            height: inclusion.height,
            position: inclusion.proof.position(),
            siblings: hex::encode(inclusion.proof.sibling_bytes()),
            headers: inclusion.headers.iter().map(serialize_hex).collect(),
        }
    }
}

impl InclusionJson {
    pub(super) fn read(&self) -> Result<StakeInclusion, DelegationError> {
        const NAME: &str = "inclusion";
        let of = |part: &'static str| move |reason: String| format!("{part}: {reason}");
        let header = |text: &String| decoded::<Header>("block header", text).map_err(of("headers"));
        let headers = self.headers.iter().map(|text| field(NAME, header(text)));
        Ok(StakeInclusion {
            height: self.height,
            proof: field(NAME, InclusionProof::from_text(&self.siblings, self.position))?,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }
}
