//! `eots`: extractable one-time signatures.

pub(crate) mod check_commitment;
pub(crate) mod check_proof;
pub(crate) mod commit;
pub(crate) mod context;
pub(crate) mod extract;
pub(crate) mod prove;
pub(crate) mod randomness;
pub(crate) mod sign;
pub(crate) mod verify;
pub(crate) mod verify_batch;
#[cfg(feature = "babylon")]
pub(crate) mod vote;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Derive the public randomness of a finality provider for a range of heights.
    Randomness(randomness::Args),
    /// Commit to the public randomness of a range of heights.
    Commit(commit::Args),
    /// Verify a finality provider's signature over its commitment.
    CheckCommitment(check_commitment::Args),
    /// Compute the signing context of a consumer chain.
    Context(context::Args),
    /// Prove that a public randomness is in a commitment.
    Prove(prove::Args),
    /// Verify a randomness proof.
    CheckProof(check_proof::Args),
    /// Sign a message with the randomness of a height.
    Sign(sign::Args),
    /// Vote for a block.
    #[cfg(feature = "babylon")]
    Vote(vote::Args),
    /// Verify an EOTS signature.
    Verify(verify::Args),
    /// Verify many EOTS signatures at once.
    VerifyBatch(verify_batch::Args),
    /// Extract the secret key from two signatures at one height.
    Extract(extract::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Randomness(args) => args.run(),
            Self::Commit(args) => args.run(),
            Self::CheckCommitment(args) => args.run(),
            Self::Context(args) => args.run(),
            Self::Prove(args) => args.run(),
            Self::CheckProof(args) => args.run(),
            Self::Sign(args) => args.run(),
            #[cfg(feature = "babylon")]
            Self::Vote(args) => args.run(),
            Self::Verify(args) => args.run(),
            Self::VerifyBatch(args) => args.run(),
            Self::Extract(args) => args.run(),
        }
    }
}
