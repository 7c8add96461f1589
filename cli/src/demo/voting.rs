//! The finality providers' part of a scenario: they vote, one of them twice, and its key is extracted.

use anyhow::ensure;
use eots::SecretKey;
use finality::{Evidence, Signer, UnprotectedSigner};

use super::consumer_chain::{ConsumerChain, second_vote, signer_chain};
use super::record::Equivocation;
use super::stage::Stage;

/// How many heights the finality providers vote honestly on before one of them equivocates.
const HONEST_HEIGHTS: usize = 3;

/// Lets the providers vote, the offender twice, and extracts its key from the two votes. Returns the key, and
/// whether it is the offender's.
pub(crate) fn equivocate(stage: &mut Stage<'_>, offender: &SecretKey) -> anyhow::Result<(SecretKey, bool)> {
    // Without a signing record, so that the provider can equivocate.
    let signers = stage.cast.providers.iter().map(|key| UnprotectedSigner::new(key.clone(), signer_chain()));
    let mut chain = ConsumerChain::new(signers)?;
    say_committed(stage, &chain, "");
    vote_honestly(stage, &mut chain, "")?;
    let tally = chain.next_block()?;
    // A signer with a signing record would refuse: the record has the first vote at this height.
    let evidence = second_vote(tally, chain.vote_for_fork(offender.public_key())?)?;
    let (height, parity) = (evidence.fork.height(), parity(offender));
    let public_key = offender.public_key();
    stage.say("equivocate", format!("{public_key} ({parity} y) signs two blocks at height {height}"));
    extract(stage, offender, evidence)
}

/// Says what the providers have committed to, and how.
pub(crate) fn say_committed<S: Signer>(stage: &mut Stage<'_>, chain: &ConsumerChain<S>, how: &str) {
    let (providers, committed) = (chain.providers(), chain.committed());
    stage.say(
        "commit randomness",
        format!("{providers} finality providers, each for {committed} heights of the consumer chain{how}"),
    );
}

/// Makes some blocks, on each of which every provider votes once.
pub(crate) fn vote_honestly<S: Signer>(
    stage: &mut Stage<'_>,
    chain: &mut ConsumerChain<S>,
    how: &str,
) -> anyhow::Result<()> {
    let providers = chain.providers();
    for height in 1..=HONEST_HEIGHTS {
        let votes = chain.next_block()?.votes().count();
        stage.say(
            "vote",
            format!(
                "consumer chain at height {height}: {votes} of {providers} vote{how}, the block is final"
            ),
        );
    }
    Ok(())
}

/// Extracts the offender's key from the evidence, and keeps both for the page. Returns the key, and whether
/// it is the offender's.
pub(crate) fn extract(
    stage: &mut Stage<'_>,
    offender: &SecretKey,
    evidence: Evidence,
) -> anyhow::Result<(SecretKey, bool)> {
    let extracted = evidence.extract()?;
    let matches = extracted.with_parity(offender.parity()).to_bytes() == offender.to_bytes();
    ensure!(matches, "the key extracted is not the finality provider's");
    let (extracted_key, parity) = (*extracted.public_key(), offender.parity());
    stage.equivocation = Some(Equivocation { evidence, extracted: extracted_key, parity });
    stage.say("extract", "its secret key, from the two votes alone: it is the finality provider's");
    Ok((extracted, matches))
}

/// Returns the parity of a provider's key, in a word.
pub(crate) fn parity(provider: &SecretKey) -> String {
    format!("{:?}", provider.parity()).to_lowercase()
}
