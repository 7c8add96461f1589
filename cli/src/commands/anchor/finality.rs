//! `anchor finality`: how final published keystones are.

use serde::{Deserialize, Serialize};
use spv::anchors::{Keystone, KeystoneFinality, KeystoneHash, SUPER_FINALITY};

use crate::args::argument::{self, Argument};
use crate::args::blocks::BlockRangeArgs;
use crate::args::keystones::{self, Publication, Published};
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::{BAD, GOOD};

#[derive(clap::Args)]
#[command(
    after_help = "A keystone has the confirmations of its own first publication, or of a descendant's where that is deeper: 0 in the last block. From 10 on it is super final, by heminetwork's code. \
    Publications below --from are not seen, so that a keystone may have more than is told; above 20 the number is not the greatest. With --keystone, exit code 1 unless each of them is super final.\n\n\
    Example:\n  btcstake anchor finality --node URL --cookie-file FILE --from 900000 --keystones hemi.txt"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: BlockRangeArgs,
    /// Only this keystone, once for each: its 76 bytes, these after HEMI, or the script that pushes them:
    /// hex, @FILE or -.
    #[arg(long, value_name = "BYTES", value_parser = keystones::parser())]
    keystone: Vec<Argument<Keystone>>,
    /// The keystones of Hemi's chain, as its node has them: a file with one a line, in hex. Without it all
    /// that are published count, and anybody can publish one that names another as the one before it.
    #[arg(long, value_name = "FILE", value_parser = keystones::file())]
    keystones: Option<Argument<Vec<Keystone>>>,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
}

/// How final keystones are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The height of the first block that was read.
    pub from_height: u32,
    /// The height of the last block that was read.
    pub to_height: u32,
    /// The height of the tip that it is of.
    pub tip_height: u32,
    /// From so many effective confirmations on, a keystone is super final.
    pub super_finality_from: u32,
    /// The keystones, in the order of their blocks on Hemi.
    pub keystones: Vec<FinalKeystone>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// How final a keystone is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FinalKeystone {
    /// The keystone's hash, as Hemi's interfaces show it.
    pub keystone_hash: String,
    /// The height of its block on Hemi.
    pub l2_block_number: u32,
    /// The hash of that block, cut to 12 bytes, in hex.
    pub ep_hash: String,
    /// How many blocks of the range publish it.
    pub publication_count: usize,
    /// Its first publication in the range; null where there is none.
    pub first_publication: Option<KeystonePlace>,
    /// How many blocks are on top of the deepest publication of itself or of a descendant.
    pub effective_confirmations: u32,
    /// Whether these make it super final.
    pub super_finality: bool,
    /// Which keystone that deepest publication is of; null where there is none.
    pub confirmed_by: Option<String>,
}

/// Where a keystone is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeystonePlace {
    /// The height of the block.
    pub height: u32,
    /// The hash of the block.
    pub bitcoin_block: String,
    /// The transaction's id, in display order.
    pub txid: String,
    /// The output, from 0.
    pub index: u32,
}

impl From<&Publication> for KeystonePlace {
    fn from(found: &Publication) -> Self {
        let Publication { height, block, txid, index } = found;
        let (height, index) = (*height, *index);
        Self { height, bitcoin_block: block.to_string(), txid: txid.to_string(), index }
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let Self { from_height, to_height, tip_height, keystones, .. } = self;
        let count = keystones.len();
        let mut lines =
            vec![format!("blocks {from_height} to {to_height}, the last is {tip_height}: {count} keystones")];
        for found in keystones {
            let verdict = match (found.super_finality, &found.confirmed_by) {
                (true, _) => format!("{GOOD}super final{GOOD:#}"),
                (false, Some(_)) => "not super final".to_owned(),
                (false, None) => format!("{BAD}not published{BAD:#}"),
            };
            let FinalKeystone { keystone_hash, l2_block_number, effective_confirmations, .. } = found;
            lines.push(format!(
                "{keystone_hash}  block {l2_block_number} of Hemi's  {effective_confirmations} effective confirmations  {verdict}"
            ));
            if let Some(KeystonePlace { height, txid, index, .. }) = &found.first_publication {
                lines.push(format!("  first published at height {height}: {txid}, output {index}"));
            }
            let other = found.confirmed_by.as_ref().filter(|by| *by != keystone_hash);
            lines.extend(other.map(|by| format!("  confirmed by its descendant {by}")));
        }
        lines.join("\n")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Returns how final a keystone is.
fn told(
    published: &Published,
    finality: &KeystoneFinality,
    (hash, keystone): (KeystoneHash, &Keystone),
    tip: u32,
) -> FinalKeystone {
    let known = finality.confirmations(hash, tip);
    let place = published.keystones.get(&hash);
    FinalKeystone {
        keystone_hash: hash.to_string(),
        l2_block_number: keystone.l2_block_number,
        ep_hash: hex::encode(keystone.ep_hash),
        publication_count: place.map_or(0, |(_, count, _)| *count),
        first_publication: place.map(|(.., first)| KeystonePlace::from(first)),
        effective_confirmations: known.map_or(0, |known| known.effective_confirmations),
        super_finality: known.is_some_and(|known| known.super_finality),
        confirmed_by: known.and_then(|known| known.publication).map(|(.., by)| by.to_string()),
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let asked = argument::read_all(&self.keystone)?;
        let of_hemi = argument::read_optional(self.keystones.as_ref())?;
        let node = self.node.connect_without_search(self.network)?;
        let range = self.range.on(&*node)?;
        let (published, tip) = (Published::read(&*node, &range)?, range.tip.height.to_u32());
        let mut warnings = Vec::new();
        if of_hemi.is_none() {
            warnings.push(
                "every keystone that is published counts, and anybody can publish one: these are confirmations of some commitment, unless --keystones says which are of Hemi's chain"
                    .to_owned(),
            );
        }
        let mut finality = published.finality(of_hemi.as_deref());
        let mut keystones: Vec<_> = if asked.is_empty() {
            let of_chain = of_hemi.as_deref().unwrap_or_default().iter().copied();
            let found = published.keystones.values().map(|(keystone, ..)| *keystone);
            if of_hemi.is_some() { of_chain.collect() } else { found.collect() }
        } else {
            for keystone in &asked {
                if of_hemi.as_ref().is_none_or(|all| all.contains(keystone)) {
                    finality.add(*keystone);
                } else {
                    let hash = keystone.hash();
                    warnings.push(format!("the keystone {hash} is not in --keystones: it is of no chain"));
                }
            }
            asked.clone()
        };
        keystones.sort_by_key(|keystone| (keystone.l2_block_number, keystone.hash()));
        keystones.dedup();
        let keystones: Vec<_> = keystones
            .iter()
            .map(|keystone| told(&published, &finality, (keystone.hash(), keystone), tip))
            .collect();
        let all_final = asked.is_empty() || keystones.iter().all(|keystone| keystone.super_finality);
        let output = Output {
            from_height: range.from,
            to_height: range.to,
            tip_height: tip,
            super_finality_from: SUPER_FINALITY,
            keystones,
            warnings,
        };
        // Without --keystone nothing is asked of one.
        Ok(Printout::of(&output)?.with_exit(Exit::of(all_final)))
    }
}
