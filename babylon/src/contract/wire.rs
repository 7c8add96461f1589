//! The JSON of the contracts' execute messages.

use bitcoin::secp256k1::schnorr;
use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use finality::{
    ConsumerHeight, FinalityVote, Operation, RandomnessCommitment, RandomnessProof, SignedCommitment,
    SigningContext, VoteMessage,
};
use serde::{Deserialize, Serialize};

use super::{ContractKind, ContractMessage, FinalityContract, SettlementBlock};

/// What a contract is told is none of its messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidContractMessage {
    /// It has not the form of any message.
    #[error("not a message of a finality contract")]
    Form(#[source] serde_json::Error),
    /// A field has another form than its content.
    #[error("`{field}` is {found}; must be {must}")]
    Field {
        /// The field.
        field: &'static str,
        /// What was found, cut.
        found: String,
        /// What it must be.
        must: &'static str,
    },
    /// Only contracts of the other kind take it.
    #[error("{what} is given; must be absent, as {only} take it")]
    OtherKind {
        /// What is given.
        what: &'static str,
        /// Who takes it.
        only: &'static str,
    },
    /// Of a rollup's block of Ethereum only a half is told.
    #[error("of l1_block_number and l1_block_hash_hex one is absent; both must be given, or none")]
    HalfSettled,
    /// A vote is signed for something else.
    #[error("the vote is signed in the context {found}; must be in this contract's, {expected}")]
    OtherContract {
        /// The vote's context.
        found: SigningContext,
        /// The contract's.
        expected: SigningContext,
    },
}

/// Bytes in base64.
mod base64_text {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map_err(|_| de::Error::custom("a text is not base64"))
    }
}

/// Bytes in base64, as an item of a list.
#[derive(Serialize, Deserialize)]
struct Bytes(#[serde(with = "base64_text")] Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Execute {
    CommitPublicRandomness {
        fp_pubkey_hex: String,
        start_height: u64,
        num_pub_rand: u64,
        commitment: Bytes,
        signature: Bytes,
    },
    SubmitFinalitySignature(Box<Vote>),
    Unjail {
        fp_pubkey_hex: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vote {
    fp_pubkey_hex: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l1_block_number: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l1_block_hash_hex: Option<String>,
    height: u64,
    pub_rand: Bytes,
    proof: Proof,
    block_hash: Bytes,
    signature: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    total: u64,
    index: u64,
    leaf_hash: Bytes,
    aunts: Vec<Bytes>,
}

/// More siblings than any tree has.
const MOST_AUNTS: usize = 100;

pub(super) fn write(
    contract: &FinalityContract,
    message: &ContractMessage,
) -> Result<String, InvalidContractMessage> {
    let execute = match message {
        ContractMessage::Commit { public_key, signed: SignedCommitment { commitment, signature } } => {
            Execute::CommitPublicRandomness {
                fp_pubkey_hex: public_key.to_string(),
                start_height: commitment.start_height.to_u64(),
                num_pub_rand: commitment.count,
                commitment: Bytes(commitment.root.to_vec()),
                signature: Bytes(signature.as_ref().to_vec()),
            }
        }
        ContractMessage::Vote { vote, settled_in } => {
            let (found, expected) = (*vote.message.context(), contract.context(Operation::FinalityVote));
            if found != expected {
                return Err(InvalidContractMessage::OtherContract { found, expected });
            }
            check_settled(contract, settled_in.is_some())?;
            let proof = &vote.proof;
            Execute::SubmitFinalitySignature(Box::new(Vote {
                fp_pubkey_hex: vote.public_key.to_string(),
                l1_block_number: settled_in.map(|block| block.number),
                l1_block_hash_hex: settled_in.map(|block| hex::encode(block.hash)),
                height: vote.message.height().to_u64(),
                pub_rand: Bytes(vote.public_randomness.to_bytes().to_vec()),
                proof: Proof {
                    total: proof.total,
                    index: proof.index,
                    leaf_hash: Bytes(proof.leaf_hash.to_vec()),
                    aunts: proof.aunts.iter().map(|aunt| Bytes(aunt.to_vec())).collect(),
                },
                block_hash: Bytes(vote.message.block_hash().to_vec()),
                signature: Bytes(vote.signature.to_bytes().to_vec()),
            }))
        }
        ContractMessage::Unjail { public_key } => {
            check_unjails(contract)?;
            Execute::Unjail { fp_pubkey_hex: public_key.to_string() }
        }
    };
    serde_json::to_string(&execute).map_err(InvalidContractMessage::Form)
}

pub(super) fn read(
    contract: &FinalityContract,
    json: &str,
) -> Result<ContractMessage, InvalidContractMessage> {
    match serde_json::from_str(json).map_err(InvalidContractMessage::Form)? {
        Execute::CommitPublicRandomness {
            fp_pubkey_hex,
            start_height,
            num_pub_rand,
            commitment,
            signature,
        } => {
            let commitment = RandomnessCommitment {
                start_height: ConsumerHeight(start_height),
                count: num_pub_rand,
                root: hash("commitment", &commitment)?,
            };
            let signature = schnorr_signature(&signature)?;
            let public_key = key(&fp_pubkey_hex)?;
            Ok(ContractMessage::Commit { public_key, signed: SignedCommitment { commitment, signature } })
        }
        Execute::SubmitFinalitySignature(vote) => read_vote(contract, &vote),
        Execute::Unjail { fp_pubkey_hex } => {
            check_unjails(contract)?;
            Ok(ContractMessage::Unjail { public_key: key(&fp_pubkey_hex)? })
        }
    }
}

fn read_vote(contract: &FinalityContract, vote: &Vote) -> Result<ContractMessage, InvalidContractMessage> {
    let settled_in = match (vote.l1_block_number, &vote.l1_block_hash_hex) {
        (None, None) => None,
        (Some(number), Some(text)) => {
            let mut hash = [0; 32];
            hex::decode_to_slice(text, &mut hash)
                .map_err(|_| field("l1_block_hash_hex", text, "64 hex digits"))?;
            Some(SettlementBlock { number, hash })
        }
        _ => return Err(InvalidContractMessage::HalfSettled),
    };
    check_settled(contract, settled_in.is_some())?;
    if vote.proof.aunts.len() > MOST_AUNTS {
        let found = vote.proof.aunts.len().to_string();
        return Err(field("aunts", &found, "at most 100 hashes"));
    }
    let context = contract.context(Operation::FinalityVote);
    let (height, block_hash) = (ConsumerHeight(vote.height), hash("block_hash", &vote.block_hash)?);
    let (randomness, signature) = (hash("pub_rand", &vote.pub_rand)?, hash("signature", &vote.signature)?);
    let vote = FinalityVote {
        public_key: key(&vote.fp_pubkey_hex)?,
        message: VoteMessage::new(context, height, block_hash),
        public_randomness: PublicRandomness::from_bytes(randomness),
        proof: RandomnessProof {
            total: vote.proof.total,
            index: vote.proof.index,
            leaf_hash: hash("leaf_hash", &vote.proof.leaf_hash)?,
            aunts: vote.proof.aunts.iter().map(|aunt| hash("aunts", aunt)).collect::<Result<_, _>>()?,
        },
        signature: Signature::from_bytes(signature)
            .map_err(|_| field("signature", &hex::encode(signature), "below the group order"))?,
    };
    Ok(ContractMessage::Vote { vote: Box::new(vote), settled_in })
}

fn check_settled(contract: &FinalityContract, is_given: bool) -> Result<(), InvalidContractMessage> {
    let only = "only contracts of rollups";
    match contract.kind {
        ContractKind::Cosmos if is_given => {
            Err(InvalidContractMessage::OtherKind { what: "a block of Ethereum", only })
        }
        _ => Ok(()),
    }
}

fn check_unjails(contract: &FinalityContract) -> Result<(), InvalidContractMessage> {
    let only = "only contracts of Cosmos chains";
    match contract.kind {
        ContractKind::Rollup => Err(InvalidContractMessage::OtherKind { what: "unjail", only }),
        ContractKind::Cosmos => Ok(()),
    }
}

fn field(field: &'static str, found: &str, must: &'static str) -> InvalidContractMessage {
    InvalidContractMessage::Field {
        field,
        found: format!("{:?}", found.chars().take(80).collect::<String>()),
        must,
    }
}

fn hash(name: &'static str, Bytes(bytes): &Bytes) -> Result<[u8; 32], InvalidContractMessage> {
    let length = || field(name, &format!("{} bytes", bytes.len()), "32 bytes");
    bytes.as_slice().try_into().map_err(|_| length())
}

fn key(text: &str) -> Result<XOnlyPublicKey, InvalidContractMessage> {
    text.parse().map_err(|_| field("fp_pubkey_hex", text, "an x-only public key in hex"))
}

fn schnorr_signature(Bytes(bytes): &Bytes) -> Result<schnorr::Signature, InvalidContractMessage> {
    schnorr::Signature::from_slice(bytes)
        .map_err(|_| field("signature", &format!("{} bytes", bytes.len()), "64 bytes of a Schnorr signature"))
}
