//! `watch report`: a status page.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::{Deserialize, Serialize};
use staking_scripts::StakeStatus;
use watch::{StakeOutput, Statistics, Stored, TrackedStake};

use super::bitcoin::BitcoinArgs;
use super::store::StoreArgs;
use super::view::providers;
use crate::args::new_file::NewFile;
use crate::view::output::{CommandOutput, Printout};
use crate::view::page::{HEAD, REPORT_STYLE};

const STYLE: &str = include_str!("report.css");
/// How many slashed stakes, and providers, the page has; `watch list` has all.
const MOST_ROWS: usize = 500;

#[derive(clap::Args)]
#[command(
    after_help = "The page asks for nothing else and runs no scripts. It is written anew where the file is one of its own.\n\n\
    Example:\n  btcstake watch report --store watch.db --out status.html --node URL --cookie-file FILE"
)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// The file to write.
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    /// With a node, the page says how many blocks the watchtower is behind it.
    #[command(flatten)]
    bitcoin: BitcoinArgs,
}

/// What the page says, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The file.
    pub written: String,
    /// The height of the last block that the watchtower has judged.
    pub height: u32,
    /// How many blocks it is behind the node; null without one.
    pub blocks_behind: Option<u32>,
    /// How many stakes have each status.
    pub stakes: BTreeMap<String, u64>,
    /// How many stakes are slashed, or to be.
    pub slashes: usize,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!("wrote {} of height {}", self.written, self.height)
    }
}

/// All statuses, in the order of a stake's life.
const STATUSES: [StakeStatus; 8] = [
    StakeStatus::Pending,
    StakeStatus::Verified,
    StakeStatus::Active,
    StakeStatus::Unbonding,
    StakeStatus::Unbonded,
    StakeStatus::Expired,
    StakeStatus::Withdrawn,
    StakeStatus::Slashed,
];

/// What a slash is about.
struct Slash<'a> {
    stake: &'a TrackedStake,
    status: StakeStatus,
    /// In words.
    state: String,
    is_open: bool,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (_, stored) = self.store.read()?;
        let tip = match self.bitcoin.is_given() {
            false => None,
            true => Some(self.bitcoin.connect()?.tip().context("--node")?),
        };
        let height = stored.tracker.height();
        let behind = tip.map(|tip| tip.height.to_u32().saturating_sub(height));
        let (mut counts, mut amounts) = (BTreeMap::new(), BTreeMap::new());
        for (_, stake) in stored.tracker.stakes() {
            let status = stake.state(height, stored.depth).status.as_str();
            *counts.entry(status).or_insert(0_u64) =
                counts.get(status).map_or(1, |count| count.saturating_add(1));
            let amount = amounts.entry(status).or_insert(0_u64);
            *amount = amount.saturating_add(stake.amount_sat());
        }
        let slashes = slashes(&stored);
        let statistics = stored.tracker.statistics(height, stored.depth);
        let page = page(&stored, behind, &counts, &amounts, &slashes, &statistics);
        let written = NewFile::replace("--out", &self.out, STYLE_MARK)?.write(&page)?;
        let stakes = STATUSES.map(|status| {
            (status.as_str().to_owned(), counts.get(status.as_str()).copied().unwrap_or_default())
        });
        Printout::of(&Output {
            written,
            height,
            blocks_behind: behind,
            stakes: stakes.into_iter().collect(),
            slashes: slashes.len(),
        })
    }
}

/// By what a page of this command is known.
const STYLE_MARK: &str = "<title>Watchtower</title>";

/// Returns the stakes of providers that equivocated, and those that are slashed.
fn slashes(stored: &Stored) -> Vec<Slash<'_>> {
    let (tracker, depth) = (&stored.tracker, stored.depth);
    let mut all = Vec::new();
    for (_, stake) in tracker.stakes() {
        let mut keys = stake.providers().iter().filter_map(|id| tracker.provider(*id));
        let is_accused = keys.any(|key| stored.accused.contains(key));
        let slashing = stake.slashing();
        if !is_accused && slashing.is_none() {
            continue;
        }
        let status = stake.state(tracker.height(), depth).status;
        let (state, is_open) = match slashing {
            Some((_, spend)) => {
                let blocks = tracker.height().saturating_sub(spend.height);
                let evidence = if is_accused { "" } else { ", without evidence" };
                match blocks >= depth {
                    true => (format!("slashed for good at height {}{evidence}", spend.height), false),
                    false => (
                        format!(
                            "slashed at height {}, {blocks} of {depth} blocks deep{evidence}",
                            spend.height
                        ),
                        true,
                    ),
                }
            }
            None => {
                let spent = stake.spend(StakeOutput::Unbonding).or_else(|| stake.spend(StakeOutput::Staking));
                match (stake.included_height(), spent) {
                    (None, _) => ("in no block yet".to_owned(), true),
                    (Some(_), None) => ("to be slashed".to_owned(), true),
                    (Some(_), Some(_)) if status == StakeStatus::Unbonding => {
                        ("unbonding, to be slashed".to_owned(), true)
                    }
                    (Some(_), Some(spend)) => {
                        (format!("spent by {} at height {}", spend.txid, spend.height), false)
                    }
                }
            }
        };
        all.push(Slash { stake, status, state, is_open });
    }
    // What is not over comes first.
    all.sort_by_key(|slash| (!slash.is_open, slash.stake.outpoint().txid));
    all
}

fn sat(amount: u64) -> String {
    bitcoin::Amount::from_sat(amount).to_string_in(bitcoin::Denomination::Bitcoin)
}

fn share(part: u64, all: u64) -> u64 {
    u64::try_from(u128::from(part).saturating_mul(100).checked_div(all.into()).unwrap_or_default())
        .unwrap_or_default()
}

fn page(
    stored: &Stored,
    behind: Option<u32>,
    counts: &BTreeMap<&str, u64>,
    amounts: &BTreeMap<&str, u64>,
    slashes: &[Slash<'_>],
    statistics: &Statistics,
) -> String {
    let open = slashes.iter().filter(|slash| slash.is_open).count();
    let tip = stored.tracker.tip();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (PreEscaped(HEAD))
                (PreEscaped(STYLE_MARK))
                style { (PreEscaped(REPORT_STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Watchtower" }
                    p { "Bitcoin block " strong { (tip.height) } " " code { (tip.hash) } }
                    dl.facts {
                        (fact("stakes", stored.tracker.stakes().len()))
                        (fact("active", format!("{} BTC", sat(statistics.active_sat))))
                        (fact("slashes under way", open))
                        (fact("blocks behind the node", behind.map_or_else(|| "not asked".to_owned(), |blocks| blocks.to_string())))
                        (fact("depth that counts", stored.depth))
                    }
                    @if stored.looks_back > 0 {
                        p.warn { "Blocks are still looked at again for " (stored.looks_back) " stakes: some of them may have another state." }
                    }
                }
                main {
                    section {
                        h2 { "Stakes by state" }
                        table {
                            thead { tr { th scope="col" { "State" } th.number scope="col" { "Stakes" } th.number scope="col" { "BTC" } } }
                            tbody {
                                @for status in STATUSES.map(StakeStatus::as_str) {
                                    tr {
                                        th scope="row" { (badge(status)) }
                                        td.number { (counts.get(status).copied().unwrap_or_default()) }
                                        td.number { (sat(amounts.get(status).copied().unwrap_or_default())) }
                                    }
                                }
                            }
                        }
                    }
                    (slash_table(stored, slashes))
                    (provider_table(stored, statistics))
                }
            }
        }
    };
    page.into_string()
}

fn fact(name: &str, value: impl std::fmt::Display) -> Markup {
    html! { div { dt { (name) } dd { (value.to_string()) } } }
}

fn badge(status: &str) -> Markup {
    html! { span class={ "status " (status.to_ascii_lowercase()) } { (status) } }
}

fn more(all: usize) -> Markup {
    html! {
        @if all > MOST_ROWS { p.soft { "and " (all.saturating_sub(MOST_ROWS)) " more" } }
    }
}

fn slash_table(stored: &Stored, slashes: &[Slash<'_>]) -> Markup {
    html! {
        section {
            h2 { "Slashes" }
            @if slashes.is_empty() {
                p.soft { "No finality provider equivocated, by what is known here." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Stake" } th.number scope="col" { "BTC" } th scope="col" { "Finality provider" } th scope="col" { "What became of it" } } }
                    tbody {
                        @for slash in slashes.iter().take(MOST_ROWS) {
                            tr {
                                td { code { (slash.stake.outpoint().txid) } }
                                td.number { (sat(slash.stake.amount_sat())) }
                                td { @for key in providers(slash.stake, &stored.tracker) { code { (key) } " " } }
                                td { (badge(slash.status.as_str())) " " (slash.state) }
                            }
                        }
                    }
                }
                (more(slashes.len()))
            }
        }
    }
}

fn provider_table(stored: &Stored, statistics: &Statistics) -> Markup {
    let mut providers: Vec<_> = statistics.providers.iter().collect();
    providers.sort_by_key(|it| (std::cmp::Reverse(it.active_sat), it.provider));
    html! {
        section {
            h2 { "Finality providers" }
            @if providers.is_empty() {
                p.soft { "No stake is known." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Public key" } th.number scope="col" { "Active stakes" } th.number scope="col" { "BTC" } th scope="col" { "Share" } } }
                    tbody {
                        @for it in providers.iter().take(MOST_ROWS) {
                            @let percent = share(it.active_sat, statistics.active_sat);
                            tr {
                                td {
                                    code { (it.provider) }
                                    @if stored.accused.contains(&it.provider) { " " span.status.slashed { "EQUIVOCATED" } }
                                }
                                td.number { (it.active_stakes) }
                                td.number { (sat(it.active_sat)) }
                                td { meter min="0" max="100" value=(percent) { (percent) " %" } " " (percent) " %" }
                            }
                        }
                    }
                }
                (more(providers.len()))
            }
        }
    }
}
