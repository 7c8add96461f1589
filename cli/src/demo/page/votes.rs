//! The two votes at one height, and the key extracted from them.

use maud::{Markup, html};

use super::super::record::Equivocation;
use super::super::report::ScenarioReport;
use super::text::{fact, long};

/// Draws both votes side by side, and whether the key extracted from them is the signer's. The secret key
/// itself is not printed: anyone can compute it from what is, but a page must have no secrets.
pub(super) fn figure(equivocation: &Equivocation, scenario: &ScenarioReport) -> Markup {
    let evidence = &equivocation.evidence;
    let votes = [
        ("Vote", "s", &evidence.canonical, &evidence.canonical_signature),
        ("Second vote", "s′", &evidence.fork, &evidence.fork_signature),
    ];
    let parity = format!("{:?}", equivocation.parity).to_lowercase();
    let matches =
        scenario.extracted_key_matches == Some(true) && equivocation.extracted == evidence.public_key;
    html! {
        figure.votes {
            div.pair {
                @for (title, name, message, signature) in votes {
                    div.vote {
                        h4 { (title) " at height " (message.height()) }
                        dl.facts {
                            (fact("block", &long(hex::encode(message.block_hash()))))
                            (fact(name, &long(signature)))
                        }
                    }
                }
            }
            dl.facts {
                (fact("R, the same in both", &long(evidence.public_randomness)))
                (fact("P, who signed", &html! { (long(evidence.public_key)) " (" (parity) " y)" }))
            }
            p.formula {
                span.nowrap { "s = k + e·d" } span.soft { " and " } span.nowrap { "s′ = k + e′·d" } span.soft { " so " }
                span.nowrap { "d = (s − s′) / (e − e′) mod n" }
            }
            p {
                "d·G = " (long(equivocation.extracted))
                @if matches {
                    " " strong.good { span.mark aria-hidden="true" { "✓" } " this is P" }
                } @else {
                    " " strong.bad { span.mark aria-hidden="true" { "✗" } " this is not P" }
                }
            }
            figcaption {
                "e and e′ are the hashes of R, P and the vote (BIP-340's challenge): everyone has them. k is the secret randomness that R commits
                to, and it cancels out because both votes used it. The secret key d is not printed here."
            }
        }
    }
}
