//! Requests of a client that binds each to a method, a time and a nonce.

use signer::auth::{BOUND_HEADER, BoundAuth, SharedSecret};
use signer::wire::own::VoteRequest;
use tonic::Request;
use zeroize::Zeroizing;

use crate::harness::{ALICE, Home, chain_id, uid};

const SECRET: &str = "a secret of 32 bytes, and longer";

/// The one client there is.
pub(crate) const CLIENT: &str = r#"
[[client]]
name = "operator"
auth_secret_file = "operator.secret"
operations = ["vote"]
requests_per_second = 100000
"#;

pub(crate) fn home() -> Home {
    let home = Home::new();
    home.write("operator.secret", SECRET);
    home
}

/// A vote, and the header that goes with it: whoever has captured both can send them again.
#[derive(Clone)]
pub(crate) struct Captured {
    pub(crate) height: u64,
    pub(crate) block: u8,
    pub(crate) time: u64,
    header: String,
}

impl Captured {
    /// Makes a request at a time, whose nonce is the number.
    pub(crate) fn new(height: u64, block: u8, time: u64, number: u64) -> Self {
        let secret = SharedSecret::new(Zeroizing::new(SECRET.as_bytes().to_vec()));
        let mut captured = Self { height, block, time, header: String::new() };
        let body = prost::Message::encode_to_vec(&captured.vote());
        let nonce = u128::from(number).to_be_bytes();
        let auth = BoundAuth::new(&secret, "/btcstake.signer.v1.Signer/Vote", &body, time, nonce);
        captured.header = auth.to_header();
        captured
    }

    fn vote(&self) -> VoteRequest {
        VoteRequest {
            public_key: uid(ALICE),
            chain_id: chain_id(0),
            height: self.height,
            block_hash: vec![self.block; 32],
            ..VoteRequest::default()
        }
    }

    pub(crate) fn request(&self) -> Request<VoteRequest> {
        let mut request = Request::new(self.vote());
        request.metadata_mut().insert(BOUND_HEADER, self.header.parse().unwrap());
        request
    }
}
