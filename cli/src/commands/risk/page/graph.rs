//! Who secures what: operators and chains as SVG, the best attack among them marked.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use finality::risk::RiskModel;
use maud::{Markup, html};

use super::plot::{at, float, share};
use crate::view::risk::words::shortened;
use crate::view::risk::{ChainRisk, OperatorFall, RiskReport, RiskVerdict};

const WIDTH: f64 = 720.0;
/// The middles of the two columns of nodes.
const OPERATORS: f64 = 220.0;
const CHAINS: f64 = 500.0;
const ROW: f64 = 30.0;
const MARGIN: f64 = 26.0;
/// How many of each are drawn; the tables have more.
pub(super) const MOST: usize = 30;
/// How long a name may be in the drawing.
const LETTERS: usize = 22;

/// A name as it is drawn.
pub(super) fn short(name: &str) -> String {
    shortened(name, LETTERS)
}

/// What is drawn, and who attacks what.
struct Drawing<'a> {
    model: &'a RiskModel,
    operators: Vec<&'a OperatorFall>,
    chains: Vec<&'a ChainRisk>,
    attackers: BTreeSet<&'a str>,
    attacked: BTreeSet<&'a str>,
}

/// Draws the graph: a line is as thick as the operator's share of the chain's power.
pub(super) fn graph(model: &RiskModel, report: &RiskReport) -> Markup {
    let attack = report.security.attack.as_ref().or(report.security.best.as_ref());
    let mut operators: Vec<&OperatorFall> = report.falls.iter().collect();
    operators.sort_by_key(|fall| Reverse(fall.stake_sat));
    operators.truncate(MOST);
    let names: BTreeSet<&String> = attack.iter().flat_map(|attack| &attack.providers).collect();
    let attackers = report.providers.iter().filter(|provider| names.contains(&provider.name));
    let drawing = Drawing {
        model,
        operators,
        chains: report.chains.iter().take(MOST).collect(),
        attackers: attackers.map(|provider| provider.operator.as_str()).collect(),
        attacked: attack.iter().flat_map(|attack| attack.chains.iter().map(String::as_str)).collect(),
    };
    let pays = report.security.verdict == RiskVerdict::AttackPays;
    html! { figure class=(if pays { "graph pays" } else { "graph" }) { (drawing.draw()) } }
}

/// Returns a class, for what takes part in the attack and for what does not.
const fn class(name: (&'static str, &'static str), hot: bool) -> &'static str {
    if hot { name.1 } else { name.0 }
}

impl Drawing<'_> {
    fn rows(&self) -> usize {
        self.operators.len().max(self.chains.len())
    }

    /// The middle of a row in a column of so many.
    fn y(&self, row: usize, count: usize) -> f64 {
        MARGIN + ROW * (float(row) + float(self.rows().saturating_sub(count)) / 2.0)
    }

    fn draw(&self) -> Markup {
        let height = MARGIN * 2.0 + ROW * float(self.rows().saturating_sub(1));
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img"
                aria-label="Operators on the left, chains on the right, and who secures what"
            {
                @for row in 0..self.chains.len() { (self.edges(row)) }
                @for row in 0..self.operators.len() { (self.operator(row)) }
                @for row in 0..self.chains.len() { (self.chain(row)) }
            }
        }
    }

    /// The lines to a chain.
    fn edges(&self, column: usize) -> Markup {
        let Some(chain) = self.chains.get(column) else { return Markup::default() };
        let place = self.model.chain(&chain.name);
        let powers = place.map(|place| self.model.by_operator(place)).unwrap_or_default();
        let y2 = at(self.y(column, self.chains.len()));
        let edge = |(row, fall): (usize, &&OperatorFall)| {
            let power = powers.get(&fall.operator).and_then(|power| u64::try_from(*power).ok());
            let part = share(power.filter(|power| *power > 0)?, chain.power_sat);
            let hot = self.attacked.contains(chain.name.as_str())
                && self.attackers.contains(fall.operator.as_str());
            let said = format!("{} has {:.1} % of {}", fall.operator, 100.0 * part, chain.name);
            Some(html! {
                line class=(class(("edge", "edge hot"), hot)) stroke-width=(at(0.8 + 11.0 * part))
                    x1=(at(OPERATORS)) y1=(at(self.y(row, self.operators.len()))) x2=(at(CHAINS)) y2=(y2)
                {
                    title { (said) }
                }
            })
        };
        html! { @for edge in self.operators.iter().enumerate().filter_map(edge) { (edge) } }
    }

    fn operator(&self, row: usize) -> Markup {
        let Some(fall) = self.operators.get(row) else { return Markup::default() };
        let largest = self.operators.first().map_or(0, |fall| fall.stake_sat);
        let radius = 4.0 + 8.0 * share(fall.stake_sat, largest).sqrt();
        let y = self.y(row, self.operators.len());
        let class = class(("node", "node hot"), self.attackers.contains(fall.operator.as_str()));
        let said = format!("{}: {} sat staked", fall.operator, fall.stake_sat);
        html! {
            circle class=(class) cx=(at(OPERATORS)) cy=(at(y)) r=(at(radius)) { title { (said) } }
            text.end x=(at(OPERATORS - 18.0)) y=(at(y + 5.0)) { (short(&fall.operator)) }
        }
    }

    fn chain(&self, row: usize) -> Markup {
        let Some(chain) = self.chains.get(row) else { return Markup::default() };
        let y = self.y(row, self.chains.len());
        let class = class(("node", "node hot"), self.attacked.contains(chain.name.as_str()));
        let said = format!("{}: holds {} sat", chain.name, chain.value_sat);
        html! {
            rect class=(class) x=(at(CHAINS - 8.0)) y=(at(y - 8.0)) width="16" height="16" rx="3" {
                title { (said) }
            }
            text x=(at(CHAINS + 18.0)) y=(at(y + 5.0)) { (short(&chain.name)) }
        }
    }
}
