//! The reference signer's interface, method by method.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{Asked, answer, answer_list, status};
use crate::auth::{Caller, Operation};
use crate::service::{ServiceError, SignerService};
use crate::wire::reference::eots_manager_server::EotsManager;
use crate::wire::reference::{
    BackupRequest, BackupResponse, BatchedSignature, CreateRandomnessPairListRequest,
    CreateRandomnessPairListResponse, PingRequest, PingResponse, SaveEotsKeyNameRequest,
    SaveEotsKeyNameResponse, SignBatchEotsRequest, SignBatchEotsResponse, SignEotsRequest, SignEotsResponse,
    SignSchnorrSigRequest, SignSchnorrSigResponse, UnlockKeyRequest, UnlockKeyResponse,
};

/// The reference's interface to a service.
pub(super) struct Reference(pub(super) Arc<SignerService>);

#[tonic::async_trait]
impl EotsManager for Reference {
    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PingResponse>, Status> {
        Ok(Response::new(PingResponse {}))
    }

    async fn create_randomness_pair_list(
        &self,
        request: Request<CreateRandomnessPairListRequest>,
    ) -> Result<Response<CreateRandomnessPairListResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("CreateRandomnessPairList", request)?;
        let CreateRandomnessPairListRequest { uid, chain_id, start_height, num, interval } = message;
        // On the wire 0 is no interval.
        let interval = interval.unwrap_or(1).max(1);
        let list = self.0.randomness(&client, &uid, &chain_id, start_height, num, interval).await;
        answer_list(&self.0, &client, method, since, list, |list| CreateRandomnessPairListResponse {
            pub_rand_list: list.iter().map(|one| one.to_bytes().to_vec()).collect(),
        })
    }

    async fn sign_eots(
        &self,
        request: Request<SignEotsRequest>,
    ) -> Result<Response<SignEotsResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("SignEOTS", request)?;
        let SignEotsRequest { uid, chain_id, msg, height } = message;
        let signed = self.0.vote(&client, &uid, &chain_id, height, msg).await;
        let signed = signed.map(|vote| SignEotsResponse { sig: vote.signature.to_bytes().to_vec() });
        answer(&self.0, &client, method, since, signed)
    }

    async fn unsafe_sign_eots(
        &self,
        request: Request<SignEotsRequest>,
    ) -> Result<Response<SignEotsResponse>, Status> {
        let Asked { client, method, since, .. } = Asked::of("UnsafeSignEOTS", request)?;
        answer(&self.0, &client, method, since, Err(ServiceError::NoUnsafeSigning))
    }

    async fn sign_schnorr_sig(
        &self,
        request: Request<SignSchnorrSigRequest>,
    ) -> Result<Response<SignSchnorrSigResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("SignSchnorrSig", request)?;
        let signed = self.0.sign_digest(&client, &message.uid, &message.msg).await;
        let signed = signed.map(|signature| SignSchnorrSigResponse { sig: signature.serialize().to_vec() });
        answer(&self.0, &client, method, since, signed)
    }

    async fn save_eots_key_name(
        &self,
        request: Request<SaveEotsKeyNameRequest>,
    ) -> Result<Response<SaveEotsKeyNameResponse>, Status> {
        // The reference's client sends no HMAC with it: who does not say who he is may not.
        if let Some(Caller::Anybody) = request.extensions().get() {
            return Err(status::of(&ServiceError::NotAllowed {
                client: "without authentication".to_owned(),
                what: Operation::SaveKeyName.as_str(),
            }));
        }
        let Asked { client, message, method, since } = Asked::of("SaveEOTSKeyName", request)?;
        let checked = self.0.check_key_name(&client, &message.eots_pk);
        answer(&self.0, &client, method, since, checked.map(|()| SaveEotsKeyNameResponse {}))
    }

    async fn sign_batch_eots(
        &self,
        request: Request<SignBatchEotsRequest>,
    ) -> Result<Response<SignBatchEotsResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("SignBatchEOTS", request)?;
        let SignBatchEotsRequest { uid, chain_id, sign_requests } = message;
        let votes = sign_requests.into_iter().map(|vote| (vote.height, vote.msg)).collect();
        let signed = self.0.votes(&client, &uid, &chain_id, votes).await;
        let signed = signed.map(|votes| SignBatchEotsResponse {
            responses: votes
                .iter()
                .map(|vote| BatchedSignature {
                    sig: vote.signature.to_bytes().to_vec(),
                    height: vote.height.to_u64(),
                })
                .collect(),
        });
        answer(&self.0, &client, method, since, signed)
    }

    async fn unlock_key(
        &self,
        request: Request<UnlockKeyRequest>,
    ) -> Result<Response<UnlockKeyResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("UnlockKey", request)?;
        let unlocked = self.0.unlock(&client, &message.uid, Zeroizing::new(message.passphrase)).await;
        answer(&self.0, &client, method, since, unlocked.map(|()| UnlockKeyResponse {}))
    }

    async fn backup(&self, request: Request<BackupRequest>) -> Result<Response<BackupResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of("Backup", request)?;
        let copied = if message.db_path.is_empty() {
            Err(ServiceError::NoDatabasePath)
        } else {
            self.0.back_up(&client, &message.backup_dir).await
        };
        let copied = copied.map(|backup_name| BackupResponse { backup_name });
        answer(&self.0, &client, method, since, copied)
    }
}
