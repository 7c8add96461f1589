//! The client of a signer: a finality provider's [`Signer`] over gRPC.

mod answers;
mod connection;
mod error;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eots::{PublicRandomness, Signature, XOnlyPublicKey, verify};
use finality::{
    ConsumerHeight, FinalityVote, PossessionMessage, ProvenVotes, RandomnessCommitment, RandomnessSchedule,
    SignedCommitment, Signer, SignerChain, VoteMessage, VoteSignature,
};
use secp256k1::schnorr;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

pub use self::answers::{RemoteKey, RemoteLane};
use self::answers::{bytes_32, public_randomness, randomness_proof, remote_key};
use self::connection::Requests;
pub use self::connection::{ClientTls, Connection};
pub use self::error::{InvalidAnswer, RemoteError};
use crate::wire::own::signer_client::SignerClient;
use crate::wire::{MAX_MESSAGE_BYTES, own as wire};

/// The path of a method of our own interface.
macro_rules! path {
    ($method:literal) => {
        concat!("/btcstake.signer.v1.Signer/", $method)
    };
}

/// A signer that runs elsewhere. Its calls block; it must not be used from within an asynchronous runtime.
pub struct RemoteSigner {
    runtime: tokio::runtime::Runtime,
    client: SignerClient<Channel>,
    requests: Arc<Requests>,
}

impl std::fmt::Debug for RemoteSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemoteSigner({:?})", self.requests)
    }
}

impl RemoteSigner {
    /// Connects.
    ///
    /// # Errors
    /// [`RemoteError::Url`], [`RemoteError::Connect`].
    pub fn connect(connection: Connection) -> Result<Self, RemoteError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(RemoteError::Runtime)?;
        let (channel, requests) = runtime.block_on(connection.open())?;
        let client = SignerClient::new(channel)
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        Ok(Self { runtime, client, requests: Arc::new(requests) })
    }

    /// Waits for an answer, within a bound: a signer whose disk hangs answers nothing for ever.
    fn wait<T>(&self, answer: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, RemoteError> {
        let within = async { timeout(ANSWER_WITHIN, answer).await };
        match self.runtime.block_on(within) {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(no_answer()),
        }
    }

    /// Returns the keys that this client may use, and what is known of each on each chain.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn status(&self) -> Result<Vec<RemoteKey>, RemoteError> {
        let request = self.requests.make(path!("Status"), wire::StatusRequest {})?;
        let answer = self.wait(self.client.clone().status(request))?;
        answer.keys.into_iter().map(remote_key).collect()
    }

    /// Unlocks a key. One that is unlocked stays so.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn unlock(&self, public_key: &XOnlyPublicKey, passphrase: &str) -> Result<(), RemoteError> {
        let public_key = public_key.serialize().to_vec();
        let message = wire::UnlockRequest { public_key, passphrase: passphrase.to_owned() };
        let request = self.requests.make(path!("Unlock"), message)?;
        self.wait(self.client.clone().unlock(request))?;
        Ok(())
    }

    /// Locks a key.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn lock(&self, public_key: &XOnlyPublicKey) -> Result<(), RemoteError> {
        let message = wire::LockRequest { public_key: public_key.serialize().to_vec() };
        let request = self.requests.make(path!("Lock"), message)?;
        self.wait(self.client.clone().lock(request))?;
        Ok(())
    }

    /// Copies the signing database to a new file in a folder of the signer's machine, and returns the file's
    /// name.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn back_up(&self, folder: &str) -> Result<String, RemoteError> {
        let message = wire::BackupRequest { folder: folder.to_owned() };
        let request = self.requests.make(path!("Backup"), message)?;
        Ok(self.wait(self.client.clone().backup(request))?.file)
    }

    /// Returns the signer of a key on a chain.
    pub const fn signer(self, public_key: XOnlyPublicKey, chain: SignerChain) -> RemoteLaneSigner {
        RemoteLaneSigner { remote: self, public_key, chain }
    }
}

/// A finality provider's signer on one chain, which runs elsewhere. Every answer is verified.
#[derive(Debug)]
pub struct RemoteLaneSigner {
    remote: RemoteSigner,
    public_key: XOnlyPublicKey,
    chain: SignerChain,
}

impl RemoteLaneSigner {
    fn key(&self) -> Vec<u8> {
        self.public_key.serialize().to_vec()
    }

    fn chain_id(&self) -> Vec<u8> {
        self.chain.chain_id.clone().into_bytes()
    }

    fn vote_request(
        &self,
        vote: &VoteMessage,
        commitment: Option<RandomnessSchedule>,
    ) -> Result<Request<wire::VoteRequest>, RemoteError> {
        let message = wire::VoteRequest {
            public_key: self.key(),
            chain_id: self.chain_id(),
            height: vote.height().to_u64(),
            block_hash: vote.block_hash().to_vec(),
            context: vote.context().as_str().to_owned(),
            commitment: commitment.map(range),
        };
        self.remote.requests.make(path!("Vote"), message)
    }

    /// Reads the answer to a vote, and verifies it.
    fn voted(
        &self,
        vote: &VoteMessage,
        answer: wire::VoteResponse,
    ) -> Result<(VoteSignature, Option<wire::RandomnessProof>), RemoteError> {
        let randomness = bytes_32("public randomness", &answer.public_randomness)?;
        let public_randomness = PublicRandomness::from_bytes(randomness);
        let signature = Signature::from_bytes(bytes_32("signature", &answer.signature)?)
            .map_err(|_| InvalidAnswer::Signature)?;
        verify(&self.public_key, &public_randomness, &vote.to_bytes(), &signature)
            .map_err(|_| InvalidAnswer::Signature)?;
        Ok((VoteSignature { public_randomness, signature }, answer.proof))
    }
}

/// How long an answer may take: that of a list of all heights that one may have, on a slow machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

fn no_answer() -> RemoteError {
    let message = format!("no answer within {} seconds", ANSWER_WITHIN.as_secs());
    RemoteError::Failed { code: Code::DeadlineExceeded, message }
}

/// How many votes are asked for at once: the signer makes one durable write of all that arrive meanwhile.
const VOTES_AT_ONCE: usize = 64;

/// Has votes signed, several at a time, and returns the answers in their order.
async fn ask_at_once(
    client: SignerClient<Channel>,
    requests: Vec<Result<Request<wire::VoteRequest>, RemoteError>>,
) -> Vec<Result<wire::VoteResponse, RemoteError>> {
    let mut answers = BTreeMap::new();
    let mut asking = JoinSet::new();
    let mut left = requests.into_iter().enumerate();
    loop {
        while let Some((place, request)) = (asking.len() < VOTES_AT_ONCE).then(|| left.next()).flatten() {
            let mut client = client.clone();
            asking.spawn(async move {
                let answer = match request {
                    Ok(request) => match timeout(ANSWER_WITHIN, client.vote(request)).await {
                        Ok(answer) => answer.map(Response::into_inner).map_err(Into::into),
                        Err(_) => Err(no_answer()),
                    },
                    Err(error) => Err(error),
                };
                (place, answer)
            });
        }
        match asking.join_next().await {
            None => return answers.into_values().collect(),
            Some(Ok((place, answer))) => drop(answers.insert(place, answer)),
            // None of them panics, and nobody stops them.
            Some(Err(_)) => {}
        }
    }
}

const fn range(schedule: RandomnessSchedule) -> wire::Range {
    wire::Range { start_height: schedule.start_height().to_u64(), count: schedule.count() }
}

fn bip340(bytes: &[u8]) -> Result<schnorr::Signature, RemoteError> {
    schnorr::Signature::from_slice(bytes)
        .map_err(|_| InvalidAnswer::Length { what: "signature", found: bytes.len(), expected: 64 }.into())
}

impl Signer for RemoteLaneSigner {
    type Error = RemoteError;

    fn public_key(&self) -> XOnlyPublicKey {
        self.public_key
    }

    fn public_randomness(&self, list: RandomnessSchedule) -> Result<Vec<PublicRandomness>, RemoteError> {
        let message = wire::PublicRandomnessRequest {
            public_key: self.key(),
            chain_id: self.chain_id(),
            range: Some(range(list)),
            interval: Some(list.interval()),
        };
        let request = self.remote.requests.make(path!("PublicRandomness"), message)?;
        let answer = self.remote.wait(self.remote.client.clone().public_randomness(request))?;
        public_randomness(&answer.public_randomness, list.count())
    }

    fn commit(&self, list: RandomnessSchedule) -> Result<SignedCommitment, RemoteError> {
        if list.interval() != 1 && list.count() > 1 {
            return Err(InvalidAnswer::Sparse { interval: list.interval() }.into());
        }
        let (public_key, chain_id) = (self.key(), self.chain_id());
        let message = wire::CommitRequest { public_key, chain_id, range: Some(range(list)) };
        let request = self.remote.requests.make(path!("Commit"), message)?;
        let answer = self.remote.wait(self.remote.client.clone().commit(request))?;
        let root = bytes_32("root", &answer.root)?;
        let commitment =
            RandomnessCommitment { start_height: list.start_height(), count: list.count().into(), root };
        let signed = SignedCommitment { commitment, signature: bip340(&answer.signature)? };
        signed.verify(&self.public_key, &self.chain.commitment_context).map_err(InvalidAnswer::Commitment)?;
        Ok(signed)
    }

    fn vote(&self, vote: &VoteMessage) -> Result<VoteSignature, RemoteError> {
        let request = self.vote_request(vote, None)?;
        let answer = self.remote.wait(self.remote.client.clone().vote(request))?;
        Ok(self.voted(vote, answer)?.0)
    }

    /// Each is a request of its own, several at a time. That the proofs are of the commitment is for whoever
    /// knows its root: [`FinalityVote::verify`].
    fn prove_votes(
        &self,
        range: RandomnessSchedule,
        messages: &[VoteMessage],
    ) -> Result<ProvenVotes<RemoteError>, RemoteError> {
        let in_range = |height: ConsumerHeight| {
            let above = height.to_u64().checked_sub(range.start_height().to_u64());
            above.is_some_and(|above| above < u64::from(range.count()))
        };
        let request = |vote: &VoteMessage| match in_range(vote.height()) {
            true => self.vote_request(vote, Some(range)),
            // It would be signed, and proven by nothing.
            false => Err(InvalidAnswer::Proof.into()),
        };
        let requests = messages.iter().map(request).collect();
        let asked = ask_at_once(self.remote.client.clone(), requests);
        let answers = self.remote.runtime.block_on(asked);
        let proven = |(message, answer): (&VoteMessage, Result<wire::VoteResponse, RemoteError>)| {
            let (VoteSignature { public_randomness, signature }, proof) = self.voted(message, answer?)?;
            let proof = proof.ok_or(InvalidAnswer::Proof).and_then(randomness_proof)?;
            if !proof.is_for(&public_randomness) {
                return Err(InvalidAnswer::Proof.into());
            }
            let (public_key, message) = (self.public_key, *message);
            Ok(FinalityVote { public_key, message, public_randomness, proof, signature })
        };
        Ok(messages.iter().zip(answers).map(proven).collect())
    }

    fn prove_possession(&self, message: &PossessionMessage) -> Result<schnorr::Signature, RemoteError> {
        let asked = wire::ProvePossessionRequest {
            public_key: self.key(),
            address: message.address().as_str().to_owned(),
            context: message.context().as_str().to_owned(),
        };
        let request = self.remote.requests.make(path!("ProvePossession"), asked)?;
        let answer = self.remote.wait(self.remote.client.clone().prove_possession(request))?;
        let signature = bip340(&answer.signature)?;
        if message.verify_bip340(&self.public_key, &signature) {
            return Ok(signature);
        }
        Err(InvalidAnswer::Signature.into())
    }
}
