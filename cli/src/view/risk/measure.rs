//! The figures, each from the library's own answer to the question.

use anyhow::{Context, anyhow};
use finality::risk::{
    Attack, Bounds, Budget, Concentration, Headroom, Ratio, RiskChain, RiskModel, Security, Slack, Threshold,
};

use super::{
    ChainPower, ChainRisk, ConcentrationFigures, CurvePoint, FigureBounds, OneMoreChain, OperatorFall,
    PowerCost, ProviderRisk, RiskAttack, RiskReport, RiskSecurity, RiskVerdict, SatBounds, TopShare, words,
};

/// The size of a graph that the search's budgets are meant for: 100 providers on 15 chains.
const USUAL_PLACES: usize = 1500;
/// The size up to which the bounds are to be equal.
const FEW_PLACES: usize = 200;

/// How much is asked of a graph: less of a large one, on which each question takes longer.
#[derive(Clone, Copy)]
struct Effort {
    places: usize,
}

impl Effort {
    fn on(model: &RiskModel) -> Self {
        let chains = 0..model.input().chains.len();
        let members = chains.filter_map(|chain| model.members(chain));
        Self { places: members.fold(0, |sum, members| sum.saturating_add(members.len())) }
    }

    /// How many operators' falls are followed by the question whether an attack pays then.
    const fn falls(self) -> usize {
        if self.places > USUAL_PLACES { 5 } else { 20 }
    }

    /// At how many values of one more chain the best attack is looked for: from nothing to one and a half
    /// times what it may hold.
    const fn points(self) -> u64 {
        if self.places > USUAL_PLACES { 3 } else { 12 }
    }

    /// What a search may do. A small graph is searched to the end where that is in reach.
    fn budget(self, budget: Budget) -> Budget {
        if self.places <= FEW_PLACES {
            return Budget { nodes: budget.nodes.saturating_mul(4), gap_ppm: 0 };
        }
        let usual = u64::try_from(USUAL_PLACES).unwrap_or(u64::MAX);
        let places = u64::try_from(self.places.max(USUAL_PLACES)).unwrap_or(u64::MAX);
        let nodes = u64::from(budget.nodes).saturating_mul(usual).checked_div(places).unwrap_or_default();
        Budget { nodes: u32::try_from(nodes).unwrap_or(u32::MAX).max(4), ..budget }
    }
}

fn scaled(model: &RiskModel, budget: Budget) -> Budget {
    Effort::on(model).budget(budget)
}

impl RiskSecurity {
    /// Returns whether an attack pays.
    pub(crate) fn of(model: &RiskModel) -> anyhow::Result<Self> {
        let security = model.graph().security(scaled(model, Budget::default()))?;
        let verdict = verdict(&security)?;
        let (attack, most_gain) = match security {
            Security::Insecure { attack, most_gain } => (Some(attack), most_gain),
            Security::Undecided { most_gain } => (None, most_gain),
            _ => (None, 0),
        };
        let slack = slack(model, Budget::default())?;
        Ok(Self {
            verdict,
            attack: attack.map(|attack| named(model, &attack)),
            most_gain_sat: sat(model.to_sat_up(most_gain)),
            gain_per_loss: slack.as_ref().and_then(gain_per_loss),
            best: slack.map(|slack| named(model, &slack.coalition)),
            overcollateralized: model.graph().is_overcollateralized(),
        })
    }
}

impl RiskReport {
    /// Returns the figures of a model. `stated` has the values of chains that the input does not state in
    /// satoshis.
    pub(crate) fn of(
        model: &RiskModel,
        stated: &[Option<String>],
        height: Option<u32>,
        warnings: Vec<String>,
    ) -> anyhow::Result<Self> {
        let input = model.input();
        let chains = (0..input.chains.len()).zip(stated);
        let chains = chains.map(|(place, stated)| chain(model, place, stated.clone()));
        let stakes = input.providers.iter().map(|provider| provider.stake_sat);
        let mut report = Self {
            height,
            slashing_rate: input.slashing_rate.to_string(),
            stake_sat: stakes.fold(0, u64::saturating_add),
            slashable_sat: sat(model.to_sat(model.graph().total_stake())),
            answers: Vec::new(),
            security: RiskSecurity::of(model)?,
            chains: chains.collect::<anyhow::Result<_>>()?,
            falls: falls(model)?,
            providers: providers(model),
            one_more_chain: one_more_chain(model)?,
            written: None,
            warnings,
        };
        report.answers = words::answers(&report);
        Ok(report)
    }
}

fn verdict(security: &Security) -> anyhow::Result<RiskVerdict> {
    Ok(match security {
        Security::Secure => RiskVerdict::Secure,
        Security::Insecure { .. } => RiskVerdict::AttackPays,
        Security::Undecided { .. } => RiskVerdict::Undecided,
        other => return Err(anyhow!("the verdict {other:?} is not known here")),
    })
}

fn slack(model: &RiskModel, budget: Budget) -> anyhow::Result<Option<Slack>> {
    Ok(model.graph().slack(scaled(model, budget))?)
}

fn sat(amount: u128) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

fn named(model: &RiskModel, attack: &Attack) -> RiskAttack {
    RiskAttack {
        chains: model.chain_names(&attack.coalition.services),
        providers: model.provider_names(&attack.coalition.validators),
        value_sat: sat(model.to_sat(attack.profit)),
        slashed_sat: sat(model.to_sat_up(attack.stake)),
    }
}

/// A figure to be shown, in millionths.
fn shown(figure: f64) -> f64 {
    (figure * 1e6).round() / 1e6
}

/// The reciprocal of the slack's 1 + γ, which is what is lost for each satoshi that is gained.
fn gain_per_loss(slack: &Slack) -> Option<FigureBounds> {
    let inverse =
        |ratio: &Ratio| Ratio::new(ratio.denominator(), ratio.numerator()).map(|ratio| shown(ratio.to_f64()));
    let Bounds { at_least, at_most } = &slack.stake_per_profit;
    Some(FigureBounds { at_least: inverse(at_most)?, at_most: inverse(at_least) })
}

fn chain(model: &RiskModel, place: usize, stated: Option<String>) -> anyhow::Result<ChainRisk> {
    let chain = model.input().chains.get(place).context("a chain is gone")?;
    let headroom = model.headroom(place, scaled(model, Budget::QUICK))?.context("a chain is gone")?;
    let Headroom { value_sat, providers: attacked_by, with_chains: attacked_with, .. } = headroom;
    let cost = |power: ChainPower| {
        let cost = model.cost_of(place, power.of(), scaled(model, Budget::QUICK))?;
        Some(PowerCost {
            power,
            share: power.share().to_owned(),
            needed_sat: sat(cost.needed_sat),
            power_sat: SatBounds {
                at_least: sat(cost.power_sat.at_least),
                at_most: sat(cost.power_sat.at_most),
            },
            providers: cost.providers,
            slashed_sat: sat(cost.slashed_sat),
            slashable_sat: sat(cost.slashable_sat),
            operators: cost.operators?,
        })
    };
    Ok(ChainRisk {
        name: chain.name.clone(),
        value_sat: chain.value_sat,
        value: stated,
        threshold: [chain.threshold.numerator(), chain.threshold.denominator()],
        providers: model.members(place).map_or(0, std::collections::BTreeSet::len),
        power_sat: sat(model.by_operator(place).values().fold(0, |sum, power| sum.saturating_add(*power))),
        costs: ChainPower::ALL.into_iter().filter_map(cost).collect(),
        may_hold_sat: bounded(&value_sat),
        attacked_by,
        attacked_with,
        concentration: figures(&model.concentration(place)),
    })
}

/// Bounds of an amount; `None` where there is no upper one.
fn bounded(bounds: &Bounds<u128>) -> Option<SatBounds> {
    let at_most = u64::try_from(bounds.at_most).ok()?;
    Some(SatBounds { at_least: sat(bounds.at_least).min(at_most), at_most })
}

fn figures(found: &Concentration) -> ConcentrationFigures {
    let top = |operators: usize| {
        let share = found.top_share(operators).filter(|_| operators <= found.len())?;
        Some(TopShare { operators, share: shown(share.to_f64()) })
    };
    ConcentrationFigures {
        operators: found.len(),
        top_shares: [1, 3, 10].into_iter().filter_map(top).collect(),
        hhi: shown(found.hhi()),
        gini: shown(found.gini()),
        theil: shown(found.theil()),
        shannon_bits: shown(found.shannon_bits()),
        renyi_2_bits: shown(found.renyi_bits(2.0)),
        min_entropy_bits: shown(found.min_entropy_bits()),
    }
}

fn falls(model: &RiskModel) -> anyhow::Result<Vec<OperatorFall>> {
    let budget = scaled(model, Budget::QUICK);
    let most = Effort::on(model).falls();
    let falls = model.falls().into_iter().enumerate().map(|(place, fall)| {
        let without = (place < most).then(|| model.security_without(&fall.operator, budget)).transpose()?;
        let providers = model.providers_of(&fall.operator);
        let stakes = providers.iter().filter_map(|place| model.input().providers.get(*place));
        Ok(OperatorFall {
            stake_sat: stakes.fold(0, |sum, provider| sum.saturating_add(provider.stake_sat)),
            operator: fall.operator,
            secures: fall.secures,
            stalls: fall.stalls,
            finalizes_twice: fall.finalizes_twice,
            finalizes_alone: fall.finalizes_alone,
            without_it: without.as_ref().map(verdict).transpose()?,
        })
    });
    falls.collect()
}

fn providers(model: &RiskModel) -> Vec<ProviderRisk> {
    let (leverage, stakes) = (model.graph().leverage(), model.graph().stakes());
    let providers = model.input().providers.iter().zip(leverage).zip(stakes).enumerate();
    let of =
        |(place, ((provider, chains), slashable)): (usize, ((&finality::risk::RiskProvider, _), &u128))| {
            let on = (0..model.input().chains.len())
                .filter(|chain| model.members(*chain).is_some_and(|members| members.contains(&place)));
            let values = on.filter_map(|chain| model.input().chains.get(chain)).map(|chain| chain.value_sat);
            ProviderRisk {
                name: provider.name.clone(),
                operator: provider.operator.clone().unwrap_or_else(|| provider.name.clone()),
                stake_sat: provider.stake_sat,
                slashable_sat: sat(model.to_sat(*slashable)),
                chains,
                value_sat: values.fold(0, u64::saturating_add),
            }
        };
    providers.map(of).collect()
}

/// The model with one more chain, the last; `None` where it would be too much.
fn with_one_more(model: &RiskModel, value_sat: u64) -> Option<RiskModel> {
    let mut input = model.input().clone();
    // A name that no chain has.
    let longest = input.chains.iter().map(|chain| chain.name.len()).max().unwrap_or_default();
    let name = "+".repeat(longest.saturating_add(1));
    input.chains.push(RiskChain { name, value_sat, threshold: Threshold::THIRD, secured_by: None });
    RiskModel::new(input).ok()
}

fn one_more_chain(model: &RiskModel) -> anyhow::Result<OneMoreChain> {
    let none = OneMoreChain { may_hold_sat: None, curve: Vec::new() };
    let Some(empty) = with_one_more(model, 0) else { return Ok(none) };
    // With more chains than the search takes, the question stays open.
    let budget = scaled(model, Budget::QUICK);
    let Ok(found) = empty.headroom(model.input().chains.len(), budget) else { return Ok(none) };
    let may_hold_sat = found.and_then(|found| bounded(&found.value_sat));
    let most = may_hold_sat.map_or(0, |bounds| bounds.at_most);
    let mut curve = Vec::new();
    let points = Effort::on(model).points();
    for point in (0..=points).filter(|_| most > 0) {
        let value = u128::from(most).saturating_mul(u128::from(point).saturating_mul(3));
        let value_sat = sat(value.checked_div(u128::from(points).saturating_mul(2)).unwrap_or_default());
        let Some(with) = with_one_more(model, value_sat) else { break };
        // Without any value there is nothing to gain.
        let nothing = FigureBounds { at_least: 0.0, at_most: Some(0.0) };
        let gain_per_loss = slack(&with, Budget::QUICK)?.map_or(Some(nothing), |slack| gain_per_loss(&slack));
        curve.push(CurvePoint { value_sat, gain_per_loss });
    }
    Ok(OneMoreChain { may_hold_sat, curve })
}
