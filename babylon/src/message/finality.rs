//! Messages of finality: commitments to randomness, and votes.

use ::finality::{AccountAddress, FinalityVote, SignedCommitment, SigningContext};
use eots::XOnlyPublicKey;
use prost::Message as _;
use serde_json::json;

use super::{Message, base64};
use crate::proto;

/// A vote is none of Babylon Genesis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteMessageError {
    /// It was signed for another chain.
    #[error("the vote is signed for {0}; must be for Babylon Genesis")]
    OtherChain(SigningContext),
    /// Its proof is not of the chain's form.
    #[error("the proof of the randomness is not a proof of CometBFT")]
    Proof,
}

impl Message {
    /// Commits to the randomness of a range of heights.
    pub fn commit_randomness(
        signer: &AccountAddress,
        public_key: &XOnlyPublicKey,
        signed: &SignedCommitment,
    ) -> Self {
        let SignedCommitment { commitment, signature } = signed;
        let message = proto::MsgCommitPubRandList {
            signer: signer.to_string(),
            fp_btc_pk: public_key.serialize().to_vec(),
            start_height: commitment.start_height.to_u64(),
            num_pub_rand: commitment.count,
            commitment: commitment.root.to_vec(),
            sig: signature.as_ref().to_vec(),
        };
        let json = json!({
            "signer": message.signer,
            "fp_btc_pk": public_key.to_string(),
            "start_height": message.start_height.to_string(),
            "num_pub_rand": message.num_pub_rand.to_string(),
            "commitment": base64(&message.commitment),
            "sig": base64(&message.sig),
        });
        Self::new("/babylon.finality.v1.MsgCommitPubRandList", &message, signer, json)
    }

    /// Votes for a block, with the proof that the vote's randomness was committed to.
    ///
    /// # Errors
    /// [`VoteMessageError::OtherChain`] for a vote of a consumer chain: its contract takes it.
    pub fn vote(signer: &AccountAddress, vote: &FinalityVote) -> Result<Self, VoteMessageError> {
        if *vote.message.context() != SigningContext::GENESIS {
            return Err(VoteMessageError::OtherChain(*vote.message.context()));
        }
        let proof =
            proto::Proof::decode(vote.proof.to_protobuf().as_slice()).map_err(|_| VoteMessageError::Proof)?;
        let aunts: Vec<String> = proof.aunts.iter().map(base64).collect();
        let message = proto::MsgAddFinalitySig {
            signer: signer.to_string(),
            fp_btc_pk: vote.public_key.serialize().to_vec(),
            block_height: vote.message.height().to_u64(),
            pub_rand: vote.public_randomness.to_bytes().to_vec(),
            block_app_hash: vote.message.block_hash().to_vec(),
            finality_sig: vote.signature.to_bytes().to_vec(),
            proof: Some(proof.clone()),
        };
        let json = json!({
            "signer": message.signer,
            "fp_btc_pk": vote.public_key.to_string(),
            "block_height": message.block_height.to_string(),
            "pub_rand": base64(&message.pub_rand),
            "proof": {
                "total": proof.total.to_string(),
                "index": proof.index.to_string(),
                "leaf_hash": base64(&proof.leaf_hash),
                "aunts": aunts,
            },
            "block_app_hash": base64(&message.block_app_hash),
            "finality_sig": base64(&message.finality_sig),
        });
        Ok(Self::new("/babylon.finality.v1.MsgAddFinalitySig", &message, signer, json))
    }
}
