//! Our own interface: every request says what is signed.

use std::sync::Arc;

use finality::{AccountAddress, ConsumerHeight, PossessionMessage, SigningContext, VoteMessage};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{Asked, answer, answer_list};
use crate::auth::Client;
use crate::service::{KeyStatus, LaneStatus, ServiceError, SignerService};
use crate::wire::own as wire;
use crate::wire::own::signer_server::Signer;

/// The most bytes of an account's text: BIP-173's strings have 90 characters at most.
const MOST_ADDRESS: usize = 128;

/// Our own interface to a service.
pub(super) struct Own(pub(super) Arc<SignerService>);

#[tonic::async_trait]
impl Signer for Own {
    async fn status(
        &self,
        request: Request<wire::StatusRequest>,
    ) -> Result<Response<wire::StatusResponse>, Status> {
        let Asked { client, method, since, .. } = Asked::of("Status", request)?;
        let keys = self.0.status(&client).await;
        let keys = keys.map(|keys| wire::StatusResponse { keys: keys.into_iter().map(key_status).collect() });
        answer(&self.0, &client, method, since, keys)
    }

    async fn public_randomness(
        &self,
        request: Request<wire::PublicRandomnessRequest>,
    ) -> Result<Response<wire::PublicRandomnessResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("PublicRandomness", request)?;
        let wire::PublicRandomnessRequest { public_key, chain_id, range, interval } = message;
        let (start, count) = parts(range);
        let list = match interval.unwrap_or(1) {
            0 => Err(ServiceError::NoInterval),
            interval => self.0.randomness(&client, &public_key, &chain_id, start, count, interval).await,
        };
        answer_list(&self.0, &client, method, since, list, |list| wire::PublicRandomnessResponse {
            public_randomness: list.iter().flat_map(|one| one.to_bytes()).collect(),
        })
    }

    async fn commit(
        &self,
        request: Request<wire::CommitRequest>,
    ) -> Result<Response<wire::CommitResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("Commit", request)?;
        let (start, count) = parts(message.range);
        let signed = self.0.commit(&client, &message.public_key, &message.chain_id, start, count).await;
        let signed = signed.map(|signed| wire::CommitResponse {
            root: signed.commitment.root.to_vec(),
            signature: signed.signature.serialize().to_vec(),
        });
        answer(&self.0, &client, method, since, signed)
    }

    async fn vote(
        &self,
        request: Request<wire::VoteRequest>,
    ) -> Result<Response<wire::VoteResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("Vote", request)?;
        let voted = self.voted(&client, message).await;
        answer(&self.0, &client, method, since, voted)
    }

    async fn prove_possession(
        &self,
        request: Request<wire::ProvePossessionRequest>,
    ) -> Result<Response<wire::ProvePossessionResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("ProvePossession", request)?;
        let read = || -> Result<_, ServiceError> {
            let found = message.address.len();
            if found > MOST_ADDRESS {
                return Err(ServiceError::LongAddress { found });
            }
            let address: AccountAddress = message
                .address
                .parse()
                .map_err(|cause| ServiceError::InvalidAddress(message.address.clone(), cause))?;
            Ok(PossessionMessage::new(context(&message.context)?, address)?)
        };
        let proven = read().and_then(|asked| self.0.prove_possession(&client, &message.public_key, &asked));
        let proven = proven
            .map(|signature| wire::ProvePossessionResponse { signature: signature.serialize().to_vec() });
        answer(&self.0, &client, method, since, proven)
    }

    async fn unlock(
        &self,
        request: Request<wire::UnlockRequest>,
    ) -> Result<Response<wire::UnlockResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("Unlock", request)?;
        let unlocked = self.0.unlock(&client, &message.public_key, Zeroizing::new(message.passphrase)).await;
        answer(&self.0, &client, method, since, unlocked.map(|()| wire::UnlockResponse {}))
    }

    async fn lock(
        &self,
        request: Request<wire::LockRequest>,
    ) -> Result<Response<wire::LockResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("Lock", request)?;
        let locked = self.0.lock(&client, &message.public_key).map(|()| wire::LockResponse {});
        answer(&self.0, &client, method, since, locked)
    }

    async fn backup(
        &self,
        request: Request<wire::BackupRequest>,
    ) -> Result<Response<wire::BackupResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("Backup", request)?;
        let copied = self.0.back_up(&client, &message.folder).await;
        answer(&self.0, &client, method, since, copied.map(|file| wire::BackupResponse { file }))
    }
}

impl Own {
    async fn voted(
        &self,
        client: &Arc<Client>,
        message: wire::VoteRequest,
    ) -> Result<wire::VoteResponse, ServiceError> {
        let wire::VoteRequest { public_key, chain_id, height, block_hash, context: text, commitment } =
            message;
        let length =
            |bytes: Vec<u8>| ServiceError::Length { what: "block hash", found: bytes.len(), expected: 32 };
        let block_hash: [u8; 32] = block_hash.try_into().map_err(length)?;
        let vote = VoteMessage::new(context(&text)?, ConsumerHeight(height), block_hash);
        let range = commitment.map(|range| (range.start_height, range.count));
        let proven = self.0.proven_vote(client, &public_key, &chain_id, vote, range).await?;
        let randomness = proven.vote.public_randomness.map(|one| one.to_bytes().to_vec());
        Ok(wire::VoteResponse {
            public_randomness: randomness.unwrap_or_default(),
            signature: proven.vote.signature.to_bytes().to_vec(),
            again: proven.vote.again,
            proof: proven.proof.map(|proof| wire::RandomnessProof {
                total: proof.total,
                index: proof.index,
                leaf_hash: proof.leaf_hash.to_vec(),
                aunts: proof.aunts.iter().map(|aunt| aunt.to_vec()).collect(),
            }),
        })
    }
}

fn parts(range: Option<wire::Range>) -> (u64, u32) {
    range.map_or((0, 0), |range| (range.start_height, range.count))
}

fn context(text: &str) -> Result<SigningContext, ServiceError> {
    if text.is_empty() {
        return Ok(SigningContext::GENESIS);
    }
    text.parse().map_err(|_| ServiceError::InvalidContext)
}

fn key_status(key: KeyStatus) -> wire::KeyStatus {
    wire::KeyStatus {
        name: key.name,
        public_key: key.public_key.serialize().to_vec(),
        unlocked: key.unlocked,
        chains: key.lanes.into_iter().map(chain_status).collect(),
    }
}

fn chain_status(status: LaneStatus) -> wire::ChainStatus {
    let LaneStatus { lane, registered, state } = status;
    let range = |range: &crate::protection::HeightRange| wire::HeightRange {
        first: range.first.to_u64(),
        last: range.last.to_u64(),
    };
    wire::ChainStatus {
        chain_id: lane.chain_id,
        registered,
        highest_height: state.highest.map(ConsumerHeight::to_u64),
        low_watermark: state.watermarks.low.map(ConsumerHeight::to_u64),
        high_watermark: state.watermarks.high.map(ConsumerHeight::to_u64),
        committed: state.committed.iter().map(range).collect(),
    }
}
