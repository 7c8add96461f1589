//! The finality module of the chain in memory, with one finality provider: it takes commitments and votes by
//! the rules of the real one.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::{Hash as _, sha256};
use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use finality::{
    ConsumerHeight, FinalityVote, RandomnessCommitment, RandomnessProof, SignedCommitment, SigningContext,
    VoteMessage,
};
use prost::Message as _;

use super::asked::{AskedHeight, NumberedHeight};
use super::light_client::LightClient;
use crate::node::Refusal;
use crate::proto::{Any, MsgAddFinalitySig, MsgCommitPubRandList};
use crate::query::answers as say;
use crate::query::liveness as tell;

/// How far above the last block a commitment may begin.
const MOST_AHEAD: u64 = 160_000;

/// The finality provider of the chain, and what it has done.
#[derive(Debug, Clone)]
pub(super) struct Finality {
    pub(super) provider: Option<(XOnlyPublicKey, String)>,
    pub(super) is_jailed: bool,
    pub(super) is_slashed: bool,
    /// Its stake, from a height on.
    pub(super) stake: BTreeMap<u64, u64>,
    /// Its power at each height that has any.
    table: BTreeMap<u64, u64>,
    commitments: BTreeMap<u64, (RandomnessCommitment, u64)>,
    votes: BTreeSet<u64>,
    forks: BTreeSet<u64>,
    pub(super) epoch_length: u64,
    pub(super) finalized_epoch: Option<u64>,
    pub(super) min_pub_rand: u64,
    pub(super) sig_timeout: i64,
    /// Whether others make every block final, whoever votes.
    pub(super) is_final_anyway: bool,
    /// The stakes whose covenant signatures are refused, and with which words.
    pub(super) refused_stakes: BTreeMap<String, String>,
    pub(super) light_client: LightClient,
}

impl Default for Finality {
    fn default() -> Self {
        Self {
            provider: None,
            is_jailed: false,
            is_slashed: false,
            stake: BTreeMap::new(),
            table: BTreeMap::new(),
            commitments: BTreeMap::new(),
            votes: BTreeSet::new(),
            forks: BTreeSet::new(),
            epoch_length: 10,
            finalized_epoch: None,
            min_pub_rand: 100,
            sig_timeout: 3,
            is_final_anyway: false,
            refused_stakes: BTreeMap::new(),
            light_client: LightClient::default(),
        }
    }
}

/// The AppHash of a block.
pub(super) fn app_hash(height: u64) -> [u8; 32] {
    sha256::Hash::hash(&height.to_be_bytes()).to_byte_array()
}

pub(super) fn refused(codespace: &str, code: u32, log: &str) -> Refusal {
    Refusal::new(codespace, code, log)
}

impl Finality {
    fn is_timestamped(&self, epoch: u64) -> bool {
        self.finalized_epoch.is_some_and(|finalized| epoch <= finalized)
    }

    fn epoch(&self, height: u64) -> u64 {
        height.checked_div(self.epoch_length).unwrap_or_default()
    }

    /// The timestamped commitment to a height.
    fn commitment(&self, height: u64) -> Option<&RandomnessCommitment> {
        let (_, (commitment, epoch)) = self.commitments.range(..=height).next_back()?;
        let above = height.checked_sub(commitment.start_height.to_u64())?;
        (above < commitment.count && self.is_timestamped(*epoch)).then_some(commitment)
    }

    /// Settles who has power, as a block begins.
    pub(super) fn begin_block(&mut self, height: u64) {
        let stake = self.stake.range(..=height).next_back().map_or(0, |(_, stake)| *stake);
        if stake > 0 && !self.is_jailed && !self.is_slashed && self.commitment(height).is_some() {
            self.table.insert(height, stake);
        }
    }

    /// The last block that is final: each block with power was voted for.
    fn last_final(&self) -> Option<u64> {
        if self.is_final_anyway {
            return self.table.keys().next_back().copied();
        }
        let mut last = None;
        for height in self.table.keys() {
            if !self.votes.contains(height) {
                break;
            }
            last = Some(*height);
        }
        last
    }

    pub(super) fn voted(&self) -> Vec<u64> {
        self.votes.iter().copied().collect()
    }

    pub(super) fn powered(&self) -> Vec<u64> {
        self.table.keys().copied().collect()
    }

    pub(super) fn committed(&self) -> Vec<(u64, u64)> {
        self.commitments.iter().map(|(start, (commitment, _))| (*start, commitment.count)).collect()
    }

    /// Executes messages in order; which one fails is in the text, as the chain has it.
    pub(super) fn execute(&mut self, messages: &[Any], height: u64) -> Result<(), Refusal> {
        for (index, message) in messages.iter().enumerate() {
            let done = match message.type_url.as_str() {
                "/babylon.finality.v1.MsgCommitPubRandList" => self.commit(&message.value, height),
                "/babylon.finality.v1.MsgAddFinalitySig" => self.vote(&message.value, height),
                "/babylon.btcstaking.v1.MsgAddCovenantSigs" => self.covenant_signatures(&message.value),
                "/babylon.finality.v1.MsgUnjailFinalityProvider" if !self.is_jailed => {
                    Err(refused("btcstaking", 1112, "the finality provider is not jailed"))
                }
                "/babylon.finality.v1.MsgUnjailFinalityProvider" => {
                    self.is_jailed = false;
                    Ok(())
                }
                kind => self.light_client.execute(kind, &message.value),
            };
            done.map_err(|Refusal { codespace, code, log, .. }| {
                refused(
                    &codespace,
                    code,
                    &format!("failed to execute message; message index: {index}: {log}"),
                )
            })?;
        }
        Ok(())
    }

    fn commit(&mut self, bytes: &[u8], height: u64) -> Result<(), Refusal> {
        let bad = |log: &str| refused("finality", 1106, log);
        let message = MsgCommitPubRandList::decode(bytes).map_err(|_| bad("no message"))?;
        if message.start_height >= height.saturating_add(MOST_AHEAD) {
            return Err(bad("is too far into the future"));
        }
        if message.num_pub_rand < self.min_pub_rand {
            return Err(refused("finality", 1105, "the request contains too few public randomness"));
        }
        let key = XOnlyPublicKey::from_slice(&message.fp_btc_pk).map_err(|_| bad("no key"))?;
        let root = message.commitment.try_into().map_err(|_| bad("no root"))?;
        let start_height = ConsumerHeight(message.start_height);
        let commitment = RandomnessCommitment { start_height, count: message.num_pub_rand, root };
        let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(&message.sig)
            .map_err(|_| bad("no signature"))?;
        let signed = SignedCommitment { commitment, signature };
        signed.verify(&key, &SigningContext::GENESIS).map_err(|_| bad("invalid signature"))?;
        let last = self
            .commitments
            .values()
            .next_back()
            .map(|(last, _)| last.start_height.to_u64().saturating_add(last.count));
        if last.is_some_and(|end| message.start_height < end) {
            return Err(bad("has overlap with the height of the highest public randomness committed"));
        }
        self.commitments.insert(message.start_height, (commitment, self.epoch(height)));
        Ok(())
    }

    fn vote(&mut self, bytes: &[u8], height: u64) -> Result<(), Refusal> {
        let bad = |log: &str| refused("finality", 1108, log);
        let message = MsgAddFinalitySig::decode(bytes).map_err(|_| bad("no message"))?;
        let at = message.block_height;
        if at > height {
            return Err(refused("finality", 1100, "Block is not found"));
        }
        if self.last_final() >= Some(at) && self.is_timestamped(self.epoch(at)) {
            return Err(refused("finality", 1116, "the voting block is already finalized and timestamped"));
        }
        if self.is_slashed {
            return Err(refused("btcstaking", 1102, "the finality provider has already been slashed"));
        }
        if self.is_jailed {
            return Err(refused("btcstaking", 1117, "the finality provider has already been jailed"));
        }
        if !self.table.contains_key(&at) {
            return Err(bad("does not have voting power at height"));
        }
        let is_right = message.block_app_hash == app_hash(at);
        if is_right && self.votes.contains(&at) {
            return Err(refused("finality", 1109, "duplicated finality vote"));
        }
        let commitment = self.commitment(at).ok_or_else(|| {
            refused("finality", 1111, "the public randomness commit is not BTC timestamped yet")
        })?;
        let vote = read_vote(&message).ok_or_else(|| bad("not a vote"))?;
        vote.verify(commitment).map_err(|error| bad(&error.to_string()))?;
        let (own, other) = match is_right {
            true => (&mut self.votes, &self.forks),
            false => (&mut self.forks, &self.votes),
        };
        self.is_slashed |= other.contains(&at);
        own.insert(at);
        Ok(())
    }

    /// Answers what a finality provider asks; `None` of another question.
    pub(super) fn answer(
        &self,
        method: &str,
        request: &[u8],
        height: u64,
    ) -> Option<Result<Vec<u8>, Refusal>> {
        let asked = AskedHeight::decode(request).unwrap_or_default();
        let numbered = NumberedHeight::decode(request).map(|asked| asked.height).unwrap_or_default();
        Some(match method {
            "/babylon.btcstaking.v1.Query/FinalityProvider" => {
                let key = request.get(2..).and_then(|key| core::str::from_utf8(key).ok());
                self.provider_answer(key.unwrap_or_default())
            }
            "/babylon.finality.v1.Query/ListPubRandCommit" => {
                let entry = |(start, (commitment, epoch)): (&u64, &(RandomnessCommitment, u64))| {
                    let (num_pub_rand, commitment) = (commitment.count, commitment.root.to_vec());
                    (*start, say::Commitment { num_pub_rand, commitment, epoch_num: *epoch })
                };
                let pub_rand_commit_map = self.commitments.iter().map(entry).collect();
                Ok(say::CommitmentsResponse { pub_rand_commit_map, pagination: None }.encode_to_vec())
            }
            "/babylon.finality.v1.Query/FinalityProviderPowerAtHeight" => match self.table.get(&asked.height)
            {
                Some(power) => Ok(say::PowerResponse { voting_power: *power }.encode_to_vec()),
                None => Err(refused("finality", 1113, "voting power table has not been updated")),
            },
            "/babylon.finality.v1.Query/ActivatedHeight" => match self.table.keys().next() {
                Some(first) => Ok(say::HeightResponse { height: *first }.encode_to_vec()),
                None => Err(refused("finality", 1114, "the BTC staking protocol is not activated yet")),
            },
            "/babylon.finality.v1.Query/VotesAtHeight" => {
                let voter = self.provider.as_ref().filter(|_| self.votes.contains(&numbered));
                let btc_pks = voter.map(|(key, _)| key.serialize().to_vec()).into_iter().collect();
                Ok(tell::VotesResponse { btc_pks }.encode_to_vec())
            }
            "/babylon.finality.v1.Query/Block" if numbered > height => {
                Err(refused("finality", 1100, "Block is not found"))
            }
            "/babylon.finality.v1.Query/Block" => {
                let finalized = self.last_final() >= Some(numbered);
                let (height, app_hash) = (numbered, app_hash(numbered).to_vec());
                let block = Some(say::Block { height, app_hash, finalized });
                Ok(say::BlockResponse { block }.encode_to_vec())
            }
            "/babylon.finality.v1.Query/ListBlocks" => {
                let block =
                    |height| say::Block { height, app_hash: app_hash(height).to_vec(), finalized: true };
                let blocks = self.last_final().map(block).into_iter().collect();
                Ok(tell::BlocksResponse { blocks }.encode_to_vec())
            }
            "/babylon.finality.v1.Query/Params" => {
                let params = tell::Params {
                    signed_blocks_window: 100,
                    finality_sig_timeout: self.sig_timeout,
                    min_pub_rand: self.min_pub_rand,
                    jail_duration: None,
                    finality_activation_height: 1,
                };
                Ok(tell::ParamsResponse { params: Some(params) }.encode_to_vec())
            }
            "/babylon.finality.v1.Query/SigningInfo" => {
                Err(refused("sdk", 22, "SigningInfo not found for the finality provider"))
            }
            "/babylon.btccheckpoint.v1.Query/Params" => {
                let params = Some(say::CheckpointParams {
                    btc_confirmation_depth: 2,
                    checkpoint_finalization_timeout: 4,
                    checkpoint_tag: "01020304".to_owned(),
                });
                Ok(say::CheckpointParamsResponse { params }.encode_to_vec())
            }
            "/babylon.checkpointing.v1.Query/LastCheckpointWithStatus" => match self.finalized_epoch {
                Some(epoch_num) => {
                    let raw_checkpoint = Some(tell::LastCheckpoint { epoch_num });
                    Ok(tell::LastCheckpointResponse { raw_checkpoint }.encode_to_vec())
                }
                None => Err(refused("checkpointing", 1, "cannot find checkpoint with status")),
            },
            "/babylon.epoching.v1.Query/CurrentEpoch" => {
                let current_epoch = self.epoch(height);
                let epoch_boundary = current_epoch.saturating_add(1).saturating_mul(self.epoch_length);
                Ok(say::EpochResponse { current_epoch, epoch_boundary }.encode_to_vec())
            }
            _ => return self.light_client.answer(method, request),
        })
    }

    fn provider_answer(&self, asked: &str) -> Result<Vec<u8>, Refusal> {
        let Some((key, addr)) = self.provider.as_ref().filter(|(key, _)| key.to_string() == asked) else {
            return Err(refused("sdk", 22, "the finality provider is not found"));
        };
        let finality_provider = Some(say::Provider {
            description: None,
            addr: addr.clone(),
            btc_pk: key.serialize().to_vec(),
            slashed_babylon_height: u64::from(self.is_slashed),
            slashed_btc_height: 0,
            jailed: self.is_jailed,
            highest_voted_height: self.votes.last().and_then(|last| u32::try_from(*last).ok()).unwrap_or(0),
            soft_deleted: false,
        });
        Ok(say::ProviderResponse { finality_provider }.encode_to_vec())
    }
}

fn read_vote(message: &MsgAddFinalitySig) -> Option<FinalityVote> {
    let hash = message.block_app_hash.as_slice().try_into().ok()?;
    Some(FinalityVote {
        public_key: XOnlyPublicKey::from_slice(&message.fp_btc_pk).ok()?,
        message: VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(message.block_height), hash),
        public_randomness: PublicRandomness::from_bytes(message.pub_rand.as_slice().try_into().ok()?),
        proof: RandomnessProof::from_protobuf(&message.proof.as_ref()?.encode_to_vec()).ok()?,
        signature: Signature::from_bytes(message.finality_sig.as_slice().try_into().ok()?).ok()?,
    })
}
