//! The finality contracts of consumer chains: what a Cosmos chain's own contract takes, and what a rollup's
//! contract on Babylon Genesis takes.
//!
//! They take the same content as Babylon Genesis does, as JSON: bytes in base64, 64-bit numbers as numbers.
//! What is signed begins with the signing context of the contract.

mod wire;

use eots::XOnlyPublicKey;
use finality::{AccountAddress, FinalityVote, Operation, SignedCommitment, SignerChain, SigningContext};

pub use self::wire::InvalidContractMessage;

/// Which chains a contract secures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractKind {
    /// The Cosmos chain on which it is. Votes are over the AppHash.
    Cosmos,
    /// A rollup; it is on Babylon Genesis itself. Votes are over the hash of the rollup's block.
    Rollup,
}

/// A finality contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalityContract {
    /// Which chain it secures.
    pub kind: ContractKind,
    /// The id of the chain on which it is: the Cosmos chain's own, that of Babylon Genesis for a rollup.
    pub chain_id: String,
    /// Its address.
    pub address: AccountAddress,
}

/// Where a rollup's block is on Ethereum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementBlock {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What a finality contract is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContractMessage {
    /// A commitment to randomness.
    Commit {
        /// The finality provider.
        public_key: XOnlyPublicKey,
        /// The commitment.
        signed: SignedCommitment,
    },
    /// A vote.
    Vote {
        /// The vote.
        vote: Box<FinalityVote>,
        /// Of a rollup's block, where the voter says it: the block of Ethereum that it is derived from.
        settled_in: Option<SettlementBlock>,
    },
    /// A finality provider that was jailed wants to vote again.
    Unjail {
        /// The finality provider.
        public_key: XOnlyPublicKey,
    },
}

impl FinalityContract {
    /// Returns the signing context of an operation.
    pub fn context(&self, operation: Operation) -> SigningContext {
        SigningContext::consumer(operation, &self.chain_id, self.address.as_str())
    }

    /// Returns the chain for which a signer signs, whose blocks have this chain id.
    pub fn signer_chain(&self, voted_chain_id: impl Into<String>) -> SignerChain {
        SignerChain::consumer(voted_chain_id, &self.chain_id, self.address.as_str())
    }

    /// Returns the JSON that the contract takes.
    ///
    /// # Errors
    /// [`InvalidContractMessage`]: the message is none of this contract's kind, or a vote is signed for
    /// another contract.
    pub fn write(&self, message: &ContractMessage) -> Result<String, InvalidContractMessage> {
        wire::write(self, message)
    }

    /// Reads the JSON that the contract takes. Signatures are not verified: [`SignedCommitment::verify`] and
    /// [`FinalityVote::verify`] do, as the contract does.
    ///
    /// # Errors
    /// [`InvalidContractMessage`] names what is wrong.
    pub fn read(&self, json: &str) -> Result<ContractMessage, InvalidContractMessage> {
        wire::read(self, json)
    }
}
