//! What a flow did, as one page of HTML that asks for nothing else.

use std::time::Duration;

use bitcoin::Amount;
use finality::Evidence;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::journal::Deed;

/// The look of the demo's page.
const STYLE: &str = include_str!("../../cli/src/demo/page/page.css");
/// And what a table needs beyond it.
const MORE: &str = "table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; \
    padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--line); } td.at { white-space: nowrap; \
    font-variant-numeric: tabular-nums; } .scroll { overflow-x: auto; }";
const HEAD: &str = concat!(
    r#"<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>"#,
    r#"<meta name="color-scheme" content="light dark"/>"#,
    r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>"#,
    r#"<link rel="icon" href="data:,"/>"#,
);

/// What is on the page beside the deeds.
pub(crate) struct Facts {
    pub(crate) chain_id: String,
    pub(crate) evidence: Evidence,
    /// What was burnt.
    pub(crate) burnt: Amount,
    pub(crate) took: Duration,
    pub(crate) cpu: Option<Duration>,
}

/// Returns the page.
pub(crate) fn page(deeds: &[(Duration, Deed)], facts: &Facts) -> String {
    let title = "A stake on a network of the secured chain";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { (PreEscaped(HEAD)) title { (title) } style { (PreEscaped(STYLE)) (PreEscaped(MORE)) } }
            body {
                header.top {
                    h1 { (title) }
                    p.lede {
                        "From an empty folder to a stake that is slashed on Bitcoin and reported to " code { (facts.chain_id) }
                        ", in " (seconds(facts.took)) ". The chain is its own node of one validator, Bitcoin is Bitcoin Core's
                        engine on regtest; everything between them went through this toolkit."
                    }
                    @if let Some(cpu) = facts.cpu {
                        p.lede.soft { "The toolkit took " (seconds(cpu)) " of a processor for it. Coins and keys are worthless ones." }
                    }
                }
                main {
                    @for part in parts(deeds) { (section(part)) }
                    (revealed(facts))
                }
            }
        }
    };
    page.into_string()
}

/// The deeds, part by part.
fn parts(deeds: &[(Duration, Deed)]) -> impl Iterator<Item = &[(Duration, Deed)]> {
    deeds.chunk_by(|_, next| !matches!(next.1, Deed::Part { .. }))
}

fn section(part: &[(Duration, Deed)]) -> Markup {
    let (rows, heading) = match part {
        [(_, Deed::Part { title, text }), rows @ ..] => (rows, Some((*title, text.as_str()))),
        rows => (rows, None),
    };
    html! {
        section {
            @if let Some((title, text)) = heading { h2 { (title) } p { (text) } }
            @if !rows.is_empty() {
                div.scroll { table {
                    thead { tr { th { "at" } th { "chain" } th { "transaction" } th { "block" } th { "cost" } } }
                    tbody { @for (at, deed) in rows { (row(*at, deed)) } }
                } }
            }
        }
    }
}

fn row(at: Duration, deed: &Deed) -> Markup {
    html! {
        tr {
            td.at { (seconds(at)) }
            @match deed {
                Deed::Part { .. } => {}
                Deed::Sent { sent, kinds } => {
                    td.at { "secured chain" }
                    td { (kinds.join(", ")) br; code.long { (hex::encode_upper(sent.hash)) } }
                    td { (sent.executed.height.to_u64()) }
                    td.at { (sent.fee.amount) (sent.fee.denom) br; (sent.executed.gas_used) " gas" }
                }
                Deed::Confirmed { transaction, height } => {
                    td.at { "Bitcoin" }
                    td { (outputs(transaction)) br; code.long { (transaction.compute_txid()) } }
                    td { (height) }
                    td.at { (transaction.vsize()) " vB" }
                }
            }
        }
    }
}

/// What a transaction pays, in words.
fn outputs(transaction: &bitcoin::Transaction) -> String {
    let one = |output: &bitcoin::TxOut| match (output.script_pubkey.is_op_return(), output.value) {
        (true, Amount::ZERO) => "data".to_owned(),
        (true, value) => format!("{} sat burnt", value.to_sat()),
        (false, value) => format!("{} sat", value.to_sat()),
    };
    transaction.output.iter().map(one).collect::<Vec<_>>().join(" + ")
}

fn revealed(facts: &Facts) -> Markup {
    let evidence = &facts.evidence;
    html! {
        section {
            h2 { "What two votes revealed" }
            p {
                "The finality provider " code.long { (evidence.public_key) } " voted for two blocks at height "
                (evidence.canonical.height()) ". One subtraction and one division give its secret key, and with it "
                (facts.burnt.to_sat()) " sat of the stake were burnt."
            }
            div.scroll { table {
                thead { tr { th { "vote" } th { "AppHash" } th { "signature" } } }
                tbody {
                    tr { td { "the chain's" } td { code.long { (hex::encode(evidence.canonical.block_hash())) } }
                        td { code.long { (evidence.canonical_signature) } } }
                    tr { td { "the fork's" } td { code.long { (hex::encode(evidence.fork.block_hash())) } }
                        td { code.long { (evidence.fork_signature) } } }
                }
            } }
            p.soft { "Public randomness of both: " code.long { (evidence.public_randomness) } }
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
