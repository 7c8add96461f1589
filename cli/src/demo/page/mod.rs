//! The demo's report as one page of HTML: it asks for nothing else, runs no scripts, and is well-formed XML
//! besides.
//!
//! Everything in it is read from the transactions that were played, through the library's own
//! [`staking_scripts::explain()`].

mod life;
mod lifeline;
mod output;
mod scenario;
mod script;
mod text;
mod transaction;
mod votes;
mod who;

use bitcoin::XOnlyPublicKey;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::text::{blocks, fact, list, long, sat};
use self::who::chip;
use super::record::{Background, Locked, Role};
use super::report::Output;
use super::scenarios::Scenario;
use crate::view::page::HEAD;

const STYLE: &str = include_str!("page.css");

/// Returns the report as a page of HTML.
pub(crate) fn page(report: &Output, background: &Background) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (PreEscaped(HEAD))
                title { "The life of a Bitcoin stake" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.top { (opening(report)) }
                main {
                    (players(report, background))
                    (rules(report, background))
                    @for scenario in &report.scenarios { (scenario::section(scenario, background)) }
                    (scripts(report, background))
                }
                footer { (closing(report)) }
            }
        }
    };
    page.into_string()
}

/// Returns the text with a capital letter at its start.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Draws the title, what the page is about, and the list of scenarios.
fn opening(report: &Output) -> Markup {
    html! {
        h1 { "The life of a Bitcoin stake" }
        p.lede {
            "A staker locks bitcoin in a Taproot output with three spend paths. What follows was played on a chain: every transaction was
            validated by " (report.node) ", and what is marked as refused, it refused."
        }
        p.lede.soft {
            "All keys come from the seed " (long(&report.seed)) ", which everyone can read here: these are worthless coins on regtest. Never use
            the seed, or a key made of it, for anything else."
        }
        nav aria-label="Scenarios" {
            ol {
                @for scenario in &report.scenarios {
                    @let (confirmed, refused) = scenario::summary(scenario);
                    li {
                        a href={ "#" (scenario.name) } { (scenario.name) }
                        span.title { (sentence(&scenario.title)) }
                        span.soft { (confirmed) " confirmed, " (refused) " refused" }
                        (scenario::status(&scenario.final_status))
                    }
                }
            }
            p { a href="#scripts" { "The scripts, line by line" } }
        }
    }
}

/// Draws the participants, with those of their keys that are in the outputs that were on the chain.
fn players(report: &Output, background: &Background) -> Markup {
    let outputs = || report.scenarios.iter().flat_map(|scenario| &scenario.outputs);
    let leaves = || outputs().flat_map(|locked| locked.taproot.leaves()).map(|leaf| &leaf.keys);
    let takes_part = |key: &XOnlyPublicKey| leaves().any(|keys| keys.in_script_order().any(|one| one == key));
    let committee = leaves().map(|keys| keys.covenant().0.len()).max().unwrap_or_default();
    let roles: Vec<_> = background.roles.iter().filter(|(_, key)| takes_part(key)).collect();
    let members = roles.iter().filter(|(role, _)| matches!(role, Role::CovenantMember(_))).count();
    let keys = |wanted: fn(&Role) -> bool| {
        let found: Vec<_> = roles.iter().filter(|(role, _)| wanted(role)).collect();
        html! {
            details {
                summary { @if found.len() == 1 { "Its key" } @else { "Their " (found.len()) " keys" } }
                ul.keys { @for (role, key) in &found { li { (chip(*role)) " " (long(key)) } } }
            }
        }
    };
    html! {
        section.players aria-labelledby="players" {
            h2 id="players" { "The participants" }
            div.cards {
                article {
                    h3 { (chip(Role::Staker)) " Staker" }
                    p { "Owns the coins, and must sign on every path. Signs both slashing transactions before the stake is broadcast." }
                    (keys(|role| matches!(role, Role::Staker)))
                }
                article {
                    h3 { (chip(Role::FinalityProvider(1))) " Finality providers" }
                    p {
                        "Vote on the blocks of Babylon Genesis or a consumer chain. Two votes at one height reveal the provider's key, and only
                        with that key can a stake be slashed."
                    }
                    (keys(|role| matches!(role, Role::FinalityProvider(_))))
                }
                article {
                    h3 { (chip(Role::CovenantMember(1))) " Covenant committee" }
                    p {
                        "Signs with exactly " (background.quorum) " of " (committee) " members, towards the agreed transactions
                        only. Its signatures for slashing are encrypted to the finality providers' keys. Members are numbered as the
                        parameters list them; scripts have their keys in ascending order."
                        @if members > committee { " When the stake is extended, the committee has changed." }
                    }
                    (keys(|role| matches!(role, Role::CovenantMember(_))))
                }
            }
            p.soft {
                "Where a path is taken or tried, " span.chip.member { "C1" } " has an element in the witness, and "
                span.chip.member.empty { "C2" } " an empty one. The numbers "
                span.number { "1" } ", " span.number { "2" } " … count the steps of a scenario."
            }
        }
    }
}

/// Draws the parameters of the stakes; those of extended stakes only if one was extended.
fn rules(report: &Output, background: &Background) -> Markup {
    let rules = &background.rules;
    let extends = report.scenarios.iter().any(|scenario| scenario.name == Scenario::Extend.name());
    let hundredths = f64::from(rules.slashing_rate.ten_thousandths()) / 100.0;
    html! {
        section.rules aria-labelledby="rules" {
            h2 id="rules" { "The parameters" }
            dl.figures {
                (fact("stake", &sat(rules.stake)))
                @if extends { (fact("stake, extended", &sat(rules.extended_stake))) }
                (fact("staking time", &html! { (blocks(rules.staking_time.blocks().into())) }))
                @if extends {
                    (fact("staking time, extended", &html! { (blocks(rules.extended_staking_time.blocks().into())) }))
                }
                (fact("unbonding time", &html! { (blocks(rules.unbonding_time.blocks().into())) }))
                (fact("unbonding fee", &sat(rules.unbonding_fee)))
                (fact("slashed", &html! { (hundredths) "\u{202f}%" }))
                (fact("slashing fee", &sat(rules.slashing_fee)))
            }
        }
    }
}

/// Draws the scripts of every output that was on the chain, each output once.
fn scripts(report: &Output, background: &Background) -> Markup {
    let mut seen: Vec<&Locked> = Vec::new();
    for locked in report.scenarios.iter().flat_map(|scenario| &scenario.outputs) {
        if !seen.iter().any(|known| known.taproot == locked.taproot) {
            seen.push(locked);
        }
    }
    let names: Vec<_> = seen.iter().map(|locked| format!("the {}", locked.name)).collect();
    html! {
        section #scripts aria-labelledby="scripts-title" {
            h2 #scripts-title { "The scripts, line by line" }
            p {
                "Taken apart from the bytes of " (list(&names)) ". An element of the witness that is neither empty nor a valid signature of its key fails
                the script at once (BIP-342), so signatures are counted, never guessed."
            }
            @for (number, locked) in seen.iter().enumerate() {
                (script::section(locked, number == 0, background))
            }
        }
    }
}

/// Draws the command that plays the same again.
fn closing(report: &Output) -> Markup {
    let only = match report.scenarios.as_slice() {
        [one] => format!(" --scenario {}", one.name),
        _ => String::new(),
    };
    html! {
        p { "The same seed plays with the same keys again:" }
        p { code.long { "btcstake demo" (only) " --report again.html --seed " (report.seed) } }
        p.soft { "Made by btcstake " (env!("CARGO_PKG_VERSION")) ". This page loads nothing and runs no scripts." }
    }
}

#[cfg(test)]
mod tests {
    use chain::EmbeddedRegtest;

    use super::super::cast::Cast;
    use super::super::record::Background;
    use super::super::{ScenarioName, play};
    use super::page;

    #[test]
    fn what_it_is_told_is_escaped() {
        let node = EmbeddedRegtest::in_memory().unwrap();
        let report = play(&node, "<script>\"&", &[7; 32], ScenarioName::Expire).unwrap();
        let page = page(&report, &Background::new(&Cast::new(&[7; 32]).unwrap()));
        assert!(page.contains("&lt;script&gt;&quot;&amp;") && !page.contains("<script"));
    }
}
