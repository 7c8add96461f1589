//! The reference signer's interface, method by method.

use std::sync::Arc;

use eots::XOnlyPublicKey;
use secp256k1::PublicKey;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{Asked, answer};
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
        let Asked { client, message, method, since } =
            Asked::of(&self.0, "CreateRandomnessPairList", request)?;
        let CreateRandomnessPairListRequest { uid, chain_id, start_height, num, interval } = message;
        // On the wire 0 is no interval.
        let interval = interval.unwrap_or(1).max(1);
        let list = self.0.randomness(&client, &uid, &chain_id, start_height, num, interval).await;
        let list = list.map(|list| CreateRandomnessPairListResponse {
            pub_rand_list: list.iter().map(|one| one.to_bytes().to_vec()).collect(),
        });
        answer(&self.0, &client, method, since, list)
    }

    async fn sign_eots(
        &self,
        request: Request<SignEotsRequest>,
    ) -> Result<Response<SignEotsResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of(&self.0, "SignEOTS", request)?;
        let SignEotsRequest { uid, chain_id, msg, height } = message;
        let signed = self.0.vote(&client, &uid, &chain_id, height, msg).await;
        let signed = signed.map(|vote| SignEotsResponse { sig: vote.signature.to_bytes().to_vec() });
        answer(&self.0, &client, method, since, signed)
    }

    async fn unsafe_sign_eots(
        &self,
        _: Request<SignEotsRequest>,
    ) -> Result<Response<SignEotsResponse>, Status> {
        Err(Status::unimplemented("UnsafeSignEOTS does not exist here: nothing is signed without a record"))
    }

    async fn sign_schnorr_sig(
        &self,
        request: Request<SignSchnorrSigRequest>,
    ) -> Result<Response<SignSchnorrSigResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of(&self.0, "SignSchnorrSig", request)?;
        let signed = self.0.sign_digest(&client, &message.uid, &message.msg).await;
        let signed = signed.map(|signature| SignSchnorrSigResponse { sig: signature.serialize().to_vec() });
        answer(&self.0, &client, method, since, signed)
    }

    async fn save_eots_key_name(
        &self,
        request: Request<SaveEotsKeyNameRequest>,
    ) -> Result<Response<SaveEotsKeyNameResponse>, Status> {
        // The reference's client sends no HMAC with it, so anybody may ask: nothing is saved, whoever asks.
        if let Some(Caller::Client(client)) = request.extensions().get::<Caller>() {
            self.0.take_request(client).map_err(|error| super::status::of(&error))?;
        }
        let caller = request.extensions().get::<Caller>().cloned();
        let saved = self.0.save_key_name(caller.as_ref(), &request.get_ref().eots_pk);
        saved.map(|()| Response::new(SaveEotsKeyNameResponse {})).map_err(|error| super::status::of(&error))
    }

    async fn sign_batch_eots(
        &self,
        request: Request<SignBatchEotsRequest>,
    ) -> Result<Response<SignBatchEotsResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of(&self.0, "SignBatchEOTS", request)?;
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
        let Asked { client, message, method, since } = Asked::of(&self.0, "UnlockKey", request)?;
        let unlocked = self.0.unlock(&client, &message.uid, Zeroizing::new(message.passphrase)).await;
        answer(&self.0, &client, method, since, unlocked.map(|()| UnlockKeyResponse {}))
    }

    async fn backup(&self, request: Request<BackupRequest>) -> Result<Response<BackupResponse>, Status> {
        let Asked { client, message, method, since } = Asked::of(&self.0, "Backup", request)?;
        let copied = if message.db_path.is_empty() {
            Err(ServiceError::NoDatabasePath)
        } else {
            self.0.back_up(&client, &message.backup_dir).await
        };
        let copied = copied.map(|backup_name| BackupResponse { backup_name });
        answer(&self.0, &client, method, since, copied)
    }
}

impl SignerService {
    /// Answers the reference's `SaveEOTSKeyName`. Keys come from the keystore alone, so that it never saves
    /// anything: it says whether the key is here.
    fn save_key_name(&self, caller: Option<&Caller>, key: &[u8]) -> Result<(), ServiceError> {
        match caller {
            Some(Caller::Client(client))
                if client.permissions().operations.contains(&Operation::SaveKeyName) => {}
            Some(Caller::Client(client)) => {
                let client = client.name().to_owned();
                return Err(ServiceError::NotAllowed { client, what: Operation::SaveKeyName.as_str() });
            }
            _ => {
                let client = "without authentication".to_owned();
                return Err(ServiceError::NotAllowed { client, what: Operation::SaveKeyName.as_str() });
            }
        }
        let public_key =
            PublicKey::from_slice(key).map_err(|_| ServiceError::InvalidKey { found: key.len() })?;
        let public_key: XOnlyPublicKey = public_key.x_only_public_key().0;
        if self.lanes().any(|lane| lane.public_key == public_key) {
            return Err(ServiceError::KnownKey(public_key));
        }
        Err(ServiceError::UnknownKey(public_key))
    }
}
