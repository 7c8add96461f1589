//! `eots check-proof`: verifies a randomness proof.

use anyhow::{Context, anyhow};
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use eots::PublicRandomness;
use finality::{ConsumerHeight, RandomnessCommitment, RandomnessProof, RandomnessTree};
use serde::Deserialize;

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Claimed, Content};
use crate::view::output::Printout;
use crate::view::verdict::Verdict;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake eots check-proof --count 1 --index 0 \
    --root 240cd3c15b2e8e958dc0af9591c6720a2a8a413a05420bb1f4faa864091cfa93 \
    --public-randomness c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf --proof 08011a20240cd3c15b2e8e958dc0af9591c6720a2a8a413a05420bb1f4faa864091cfa93")]
pub(crate) struct Args {
    /// The commitment's root.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    root: Argument<[u8; 32]>,
    /// How many heights the commitment covers.
    #[arg(long, allow_negative_numbers = true)]
    count: u64,
    /// The index of this public randomness, from 0.
    #[arg(long, allow_negative_numbers = true)]
    index: u64,
    /// The public randomness.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_randomness))]
    public_randomness: Argument<PublicRandomness>,
    /// The proof: the JSON that `eots prove` prints, or that of a vote in a node's answer, or the protobuf as
    /// hex; or @FILE of one of them, or of the raw protobuf.
    #[arg(long, value_name = "PROOF", value_parser = argument::value(proof))]
    proof: Argument<Claimed<RandomnessProof>>,
}

/// The JSON that `prove` prints, or a node's: numbers as text and hashes in base64. Fields that say the same
/// twice must agree.
#[derive(Deserialize)]
struct Printed {
    total: Number,
    index: Number,
    leaf_hash: Hash,
    aunts: Vec<Hash>,
    public_randomness: Option<PublicRandomness>,
    protobuf: Option<String>,
}

/// A number, as a number or as text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a whole number, as a number or as text")]
enum Number {
    Number(u64),
    Text(String),
}

impl Number {
    fn read(self) -> anyhow::Result<u64> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Text(text) => text.parse().map_err(|_| anyhow!("{text:?} is not a whole number")),
        }
    }
}

/// A hash of 32 bytes, in hex or in base64.
#[derive(Deserialize)]
#[serde(transparent)]
struct Hash(String);

impl Hash {
    fn read(&self) -> anyhow::Result<[u8; 32]> {
        let Self(text) = self;
        let bytes = hex::decode(text).ok().or_else(|| BASE64_STANDARD.decode(text).ok());
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        hash.ok_or_else(|| anyhow!("a hash is not 32 bytes in hex or base64"))
    }
}

fn from_json(text: &str) -> anyhow::Result<Claimed<RandomnessProof>> {
    let what = "not a proof's JSON";
    let printed: Printed = serde_json::from_str(text).context(what).map_err(|e| anyhow!("{e:#}"))?;
    let Printed { total, index, leaf_hash, aunts, public_randomness, protobuf } = printed;
    let read = || -> anyhow::Result<RandomnessProof> {
        let (total, index) = (total.read()?, index.read()?);
        let aunts = aunts.iter().map(Hash::read).collect::<anyhow::Result<_>>()?;
        Ok(RandomnessProof { total, index, leaf_hash: leaf_hash.read()?, aunts })
    };
    let proof = read().context(what).map_err(|e| anyhow!("{e:#}"))?;
    let agrees = protobuf.is_none_or(|protobuf| protobuf == hex::encode(proof.to_protobuf()));
    // Of the public randomness, the leaf hash is the hash.
    let leaf = |public: PublicRandomness| {
        RandomnessTree::new(ConsumerHeight(0), &[public]).map(|tree| tree.commitment().root)
    };
    let public = public_randomness.is_none_or(|public| leaf(public) == Ok(proof.leaf_hash));
    let contradicts = || "the proof's JSON contradicts itself".to_owned();
    Ok(Claimed::new(if agrees && public { Ok(proof) } else { Err(contradicts()) }))
}

fn from_protobuf(bytes: &[u8]) -> Claimed<RandomnessProof> {
    Claimed::new(RandomnessProof::from_protobuf(bytes).map_err(|error| format!("{:#}", anyhow!(error))))
}

fn from_text(text: &str) -> anyhow::Result<Claimed<RandomnessProof>> {
    match text.trim() {
        json if json.starts_with('{') => from_json(json),
        digits => {
            let bytes =
                hex::decode(input::unfolded(digits)).map_err(|e| anyhow!("neither JSON nor hex: {e}"))?;
            Ok(from_protobuf(&bytes))
        }
    }
}

fn proof(text: &str) -> anyhow::Result<Claimed<RandomnessProof>> {
    if !text.starts_with('@') && text != "-" {
        return from_text(text);
    }
    let content = Content::of(text)?;
    let is_text =
        |text: &&str| text.starts_with('{') || input::unfolded(text).bytes().all(|b| b.is_ascii_hexdigit());
    match content.text().filter(is_text) {
        Some(text) => from_text(text),
        None => Ok(from_protobuf(content.bytes())),
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        Verdict::print(self.verify()?)
    }

    /// Returns whether it verifies; fails when an argument cannot be read.
    fn verify(&self) -> anyhow::Result<anyhow::Result<()>> {
        // The proof speaks of positions only, so any start height will do.
        let commitment = RandomnessCommitment {
            start_height: ConsumerHeight(0),
            count: self.count,
            root: self.root.read()?,
        };
        let (public_randomness, proof) = (self.public_randomness.read()?, self.proof.read()?);
        let verify =
            || Ok(commitment.verify(ConsumerHeight(self.index), &public_randomness, proof.get()?)?);
        Ok(verify())
    }
}
