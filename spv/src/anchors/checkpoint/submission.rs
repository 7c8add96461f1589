//! A checkpoint in Bitcoin: its two transactions, and the blocks that have them.

use bitcoin::params::Params;
use bitcoin::{BlockHash, Transaction, Txid};

use super::payload::{Checkpoint, CheckpointError, CheckpointTag};
use crate::anchors::data::ReturnedData;
use crate::chain::HeaderChain;
use crate::inclusion::{InclusionError, InclusionProof};

/// A transaction with a part of a checkpoint, and the proof that a block has it.
#[derive(Debug, Clone)]
pub struct PartProof {
    /// The transaction.
    pub transaction: Transaction,
    /// The block.
    pub block: BlockHash,
    /// The proof.
    pub inclusion: InclusionProof,
}

/// Where a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlace {
    /// The transaction's id.
    pub txid: Txid,
    /// The block that has it.
    pub block: BlockHash,
    /// Its position in the block, from 0.
    pub position: u32,
}

/// A reason why two transactions do not bring a checkpoint to Bitcoin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// A transaction has no standard OP_RETURN output, or several.
    #[error("transaction {txid} of part {part} has {count} standard OP_RETURN outputs; must have one")]
    OpReturns {
        /// The part, 0 or 1.
        part: u8,
        /// The transaction.
        txid: Txid,
        /// How many such outputs it has.
        count: usize,
    },
    /// The data are no checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A block is not of the chain.
    #[error("block {block} of part {part} is not in the chain of headers; must be")]
    NotInChain {
        /// The part, 0 or 1.
        part: u8,
        /// The block.
        block: BlockHash,
    },
    /// The proof does not show that the block has the transaction.
    #[error("part {part} of the checkpoint")]
    Inclusion {
        /// The part, 0 or 1.
        part: u8,
        /// The reason.
        source: InclusionError,
    },
}

/// A checkpoint whose two transactions are in blocks of a chain. No signature is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    checkpoint: Checkpoint,
    places: [PartPlace; 2],
}

/// A submission whose checkpoint is what an epoch's validators signed. It exists only verified: by the
/// signature (`Submission::verify_signature`, with the feature `checkpoints`), or by what one's own node has
/// ([`compare_with`](Submission::compare_with)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSubmission(Submission);

/// Babylon Genesis has another checkpoint of the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the checkpoint of epoch {found} is not the one of epoch {expected} that is known; epoch, block hash, bitmap and signature must be the same"
)]
pub struct OtherCheckpoint {
    /// The epoch of the submission.
    pub found: u64,
    /// The epoch of the checkpoint that is known.
    pub expected: u64,
}

/// Returns the data of a transaction's only standard OP_RETURN output. Outputs that begin with OP_RETURN and
/// are not standard do not count, and are not looked at. `Err` has the number of standard ones.
pub fn checkpoint_payload(transaction: &Transaction) -> Result<&[u8], usize> {
    let scripts = transaction.output.iter().map(|output| output.script_pubkey.as_bytes());
    let mut standard = scripts.filter_map(ReturnedData::read_standard);
    let first = standard.next();
    match (first, standard.count()) {
        (Some(data), 0) => Ok(data),
        (first, more) => Err(usize::from(first.is_some()).saturating_add(more)),
    }
}

impl Submission {
    /// Verifies that two transactions are in blocks of `chain` and have the two parts of one checkpoint, in
    /// this order: their only standard OP_RETURN outputs, which the chain counts by the rule of
    /// [`ReturnedData::read_standard`], begin with `tag`. The blocks may be the same, and the transactions
    /// need not spend one another.
    ///
    /// # Errors
    /// [`SubmissionError`] names the part and the rule.
    pub fn verify(
        tag: CheckpointTag,
        parts: &[PartProof; 2],
        chain: &HeaderChain,
        params: &Params,
    ) -> Result<Self, SubmissionError> {
        let [first, second] = parts;
        let [first_data, second_data] = [payload(0, first)?, payload(1, second)?];
        let checkpoint = Checkpoint::from_payloads(tag, first_data, second_data)?;
        let places = [place(0, first, chain, params)?, place(1, second, chain, params)?];
        Ok(Self { checkpoint, places })
    }

    /// Returns the checkpoint.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns where the two parts are.
    pub const fn places(&self) -> &[PartPlace; 2] {
        &self.places
    }

    /// Compares the checkpoint with the one that a node of Babylon Genesis that the caller trusts has of the
    /// epoch. Who submitted it does not matter.
    ///
    /// # Errors
    /// [`OtherCheckpoint`]. One that differs and whose signature is valid proves that validators signed two
    /// blocks, and stops the chain.
    pub fn compare_with(self, known: &Checkpoint) -> Result<VerifiedSubmission, OtherCheckpoint> {
        let Checkpoint { epoch, submitter, .. } = self.checkpoint;
        if (Checkpoint { submitter, ..*known }) == self.checkpoint {
            Ok(VerifiedSubmission(self))
        } else {
            Err(OtherCheckpoint { found: epoch, expected: known.epoch })
        }
    }

    /// Returns the submission, whose signature was verified.
    #[cfg(feature = "checkpoints")]
    pub(super) const fn verified(self) -> VerifiedSubmission {
        VerifiedSubmission(self)
    }
}

impl VerifiedSubmission {
    /// Returns the submission.
    pub const fn submission(&self) -> &Submission {
        &self.0
    }
}

fn payload(part: u8, proof: &PartProof) -> Result<&[u8], SubmissionError> {
    let txid = || proof.transaction.compute_txid();
    checkpoint_payload(&proof.transaction).map_err(|count| SubmissionError::OpReturns {
        part,
        txid: txid(),
        count,
    })
}

fn place(
    part: u8,
    proof: &PartProof,
    chain: &HeaderChain,
    params: &Params,
) -> Result<PartPlace, SubmissionError> {
    let &PartProof { ref transaction, block, ref inclusion } = proof;
    let header = chain.header(&block).ok_or(SubmissionError::NotInChain { part, block })?;
    let verified = inclusion.verify(transaction, header, params);
    verified.map_err(|source| SubmissionError::Inclusion { part, source })?;
    Ok(PartPlace { txid: transaction.compute_txid(), block, position: inclusion.position() })
}
