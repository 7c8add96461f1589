//! The answers in words, one line for each question.

use super::{
    ChainPower, ChainRisk, ConcentrationFigures, FigureBounds, OperatorFall, PowerCost, RiskReport,
    RiskSecurity, RiskVerdict, SatBounds,
};
use crate::view::text::STRONG;

/// How many names a line has; the JSON has all.
const NAMES: usize = 4;
/// How long a name may be in a line, or in a drawing.
const LETTERS: usize = 32;
/// How many operators' falls have a line.
const FALLS: usize = 20;

/// The beginning and the end of a name that is longer than this.
pub(crate) fn shortened(name: &str, letters: usize) -> String {
    let count = name.chars().count();
    if count <= letters {
        return name.to_owned();
    }
    let head: String = name.chars().take(10).collect();
    let tail: String = name.chars().skip(count.saturating_sub(8)).collect();
    format!("{head}…{tail}")
}

/// A name in a line.
fn quoted(name: &str) -> String {
    format!("{:?}", shortened(name, LETTERS))
}

/// Names in a line.
fn names(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES).map(|name| shortened(name, LETTERS)).collect();
    let text = shown.join(", ");
    match names.len().saturating_sub(NAMES) {
        0 if names.is_empty() => "nobody".to_owned(),
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn bounds(bounds: SatBounds) -> String {
    match bounds {
        SatBounds { at_least, at_most } if at_least == at_most => format!("{at_most} sat"),
        SatBounds { at_least, at_most } => format!("between {at_least} and {at_most} sat"),
    }
}

fn figure(found: FigureBounds) -> String {
    match found {
        FigureBounds { at_least, at_most: Some(at_most) } if at_least >= at_most => format!("{at_least:.4}"),
        FigureBounds { at_least, at_most: Some(at_most) } => {
            format!("between {at_least:.4} and {at_most:.4}")
        }
        FigureBounds { at_least, at_most: None } => format!("at least {at_least:.4}"),
    }
}

/// What does stalling, or double-finalizing, a chain cost?
fn cost(chain: &ChainRisk, cost: &PowerCost) -> String {
    let PowerCost { power, share, power_sat, providers, slashed_sat, slashable_sat, operators, .. } = cost;
    let what = match power {
        ChainPower::Stall => "stalling",
        ChainPower::FinalizeTwice => "finalizing two blocks of one height of",
        ChainPower::FinalizeAlone => "finalizing alone on",
    };
    let costs = match power {
        ChainPower::Stall => format!("0 sat are slashed, as silence is not ({slashable_sat} could be)"),
        // Nobody is slashed for what is final once.
        ChainPower::FinalizeAlone => format!("{slashable_sat} sat are at stake"),
        ChainPower::FinalizeTwice => format!("{slashed_sat} sat are slashed"),
    };
    let all = chain.power_sat;
    let by = names(providers);
    let count = if *operators == 1 { "1 operator".to_owned() } else { format!("{operators} operators") };
    format!(
        "{what} {}: {costs}; it takes {} of {all} ({share}), held by {by}; {count} can",
        quoted(&chain.name),
        bounds(*power_sat)
    )
}

/// Which set of chains pays an attacker?
pub(super) fn security(found: &RiskSecurity) -> String {
    let rate = match (&found.best, found.gain_per_loss) {
        (Some(best), Some(rate)) => format!(
            "; the best, on {} by {}, gains {} sat for each it loses",
            names(&best.chains),
            names(&best.providers),
            figure(rate)
        ),
        (Some(best), None) => format!("; an attack on {} loses nothing", names(&best.chains)),
        (None, _) => "; no chain has a value".to_owned(),
    };
    let most = found.most_gain_sat;
    match (found.verdict, &found.attack) {
        (RiskVerdict::AttackPays, Some(attack)) => {
            let gain = attack.value_sat.saturating_sub(attack.slashed_sat);
            let more = match most > gain.saturating_add(1) {
                true => format!("; none gains more than {most} above its cost"),
                false => String::new(),
            };
            format!(
                "an attack pays: on {}, it gains {} sat and costs {}, by {}{more}",
                names(&attack.chains),
                attack.value_sat,
                attack.slashed_sat,
                names(&attack.providers)
            )
        }
        (RiskVerdict::Secure, _) => format!("no set of chains pays an attacker{rate}"),
        (_, _) => format!(
            "undecided: no attack that pays was found, and none gains more than {most} sat above its cost{rate}"
        ),
    }
}

/// How much value may a chain hold?
fn holds(chain: &ChainRisk) -> String {
    let name = quoted(&chain.name);
    let Some(may_hold) = chain.may_hold_sat else {
        return format!("{name} may hold any value");
    };
    let value = chain.value_sat;
    let verdict = if value > may_hold.at_most {
        "too much"
    } else if value <= may_hold.at_least {
        "within it"
    } else {
        "undecided"
    };
    let with = match chain.attacked_with.is_empty() {
        true => String::new(),
        false => format!(", with {}", names(&chain.attacked_with)),
    };
    format!(
        "{name} may hold {} before an attack on it pays, and holds {value}: {verdict}; beyond, it is attacked by {}{with}",
        bounds(may_hold),
        names(&chain.attacked_by)
    )
}

/// Which provider's fall takes how many chains along?
fn fall(fall: &OperatorFall, chains: usize) -> String {
    let OperatorFall { operator, stalls, finalizes_twice, .. } = fall;
    let operator = quoted(operator);
    let mut text = match stalls.len() {
        0 => format!("the fall of {operator} stalls none of {chains} chains"),
        count => format!("the fall of {operator} stalls {count} of {chains} chains: {}", names(stalls)),
    };
    if !finalizes_twice.is_empty() {
        text.push_str(&format!("; it can finalize twice on {}", finalizes_twice.len()));
    }
    match fall.without_it {
        Some(RiskVerdict::AttackPays) => text.push_str("; without it an attack pays"),
        Some(RiskVerdict::Undecided) => text.push_str("; without it an attack may pay"),
        Some(RiskVerdict::Secure) | None => {}
    }
    text
}

fn one_more(report: &RiskReport) -> String {
    match report.one_more_chain.may_hold_sat {
        Some(may_hold) => {
            format!(
                "one more chain on all providers may hold {}, with the others as they are",
                bounds(may_hold)
            )
        }
        None => "one more chain on all providers may hold any value, or the question is too large".to_owned(),
    }
}

/// Returns the answers, in the order of the questions.
pub(super) fn answers(report: &RiskReport) -> Vec<String> {
    let count = report.chains.len();
    let mut lines = Vec::new();
    for chain in &report.chains {
        if chain.costs.is_empty() {
            lines.push(format!("no stake secures {}: cheating it costs nothing", quoted(&chain.name)));
        }
        // To finalize alone is no offence: the fields have it.
        let asked = chain.costs.iter().filter(|cost| cost.power != ChainPower::FinalizeAlone);
        lines.extend(asked.map(|found| cost(chain, found)));
    }
    lines.push(security(&report.security));
    lines.extend(report.chains.iter().map(holds));
    lines.push(one_more(report));
    let falls = || {
        report.falls.iter().filter(|it| {
            !it.stalls.is_empty() || it.without_it.is_some_and(|found| found != RiskVerdict::Secure)
        })
    };
    lines.extend(falls().take(FALLS).map(|it| fall(it, count)));
    match falls().count().saturating_sub(FALLS) {
        0 if falls().next().is_none() => lines.push("no operator's fall stalls a chain".to_owned()),
        0 => {}
        more => lines.push(format!("{more} more operators stall a chain when they fall")),
    }
    lines
}

fn concentration(name: &str, costs: &[PowerCost], found: &ConcentrationFigures) -> String {
    let nakamoto: Vec<_> = costs.iter().map(|cost| format!("{} by {}", cost.share, cost.operators)).collect();
    let top: Vec<_> = found
        .top_shares
        .iter()
        .map(|top| format!("the largest {} {:.1} %", top.operators, 100.0 * top.share))
        .collect();
    format!(
        "{}: operators {}; {}; {}; HHI {:.0}, Gini {:.3}, Theil {:.3}, entropy {:.2} bits (order 2: {:.2}, min: {:.2})",
        quoted(name),
        found.operators,
        nakamoto.join(", "),
        top.join(", "),
        found.hhi,
        found.gini,
        found.theil,
        found.shannon_bits,
        found.renyi_2_bits,
        found.min_entropy_bits
    )
}

/// Returns the report as text.
pub(super) fn text(report: &RiskReport) -> String {
    let at = report.height.map(|height| format!(" at height {height}")).unwrap_or_default();
    let mut lines = vec![format!(
        "{} sat are staked to {} providers{at}; at the slashing rate {}, {} sat can be slashed",
        report.stake_sat,
        report.providers.len(),
        report.slashing_rate,
        report.slashable_sat
    )];
    lines.extend(report.answers.iter().cloned());
    let measured: Vec<_> = report.chains.iter().filter(|chain| chain.concentration.operators > 0).collect();
    if !measured.is_empty() {
        lines.push(format!("\n{STRONG}concentration, by operator{STRONG:#}"));
    }
    lines.extend(measured.iter().map(|it| concentration(&it.name, &it.costs, &it.concentration)));
    if let Some(written) = &report.written {
        lines.push(format!("\nwrote {written}"));
    }
    lines.join("\n")
}
