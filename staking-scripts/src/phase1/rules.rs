//! What a phase-1 stake is judged by: a version of the parameters, and where the stake stands.

use bitcoin::Amount;
use bitcoin::absolute::Height;

use super::error::Phase1Error;
use crate::parameters::{CommonParameters, Parameters, ParametersHistory, Phase1Parameters, StakingCap};

/// One version of the parameters, in either form, and where the stake stands, as far as that is known: the
/// rules of what is not known are not checked, and [`not_checked`](Self::not_checked) names them.
#[derive(Debug, Clone, Copy)]
pub struct Phase1Rules<'a> {
    parameters: CommonParameters<'a>,
    /// The activation height of the next version.
    until: Option<Height>,
    height: Option<Height>,
    staked: Option<Amount>,
}

impl<'a> From<CommonParameters<'a>> for Phase1Rules<'a> {
    fn from(parameters: CommonParameters<'a>) -> Self {
        Self { parameters, until: None, height: None, staked: None }
    }
}

impl<'a> From<&'a Phase1Parameters> for Phase1Rules<'a> {
    fn from(parameters: &'a Phase1Parameters) -> Self {
        CommonParameters::from(parameters).into()
    }
}

impl<'a> From<&'a Parameters> for Phase1Rules<'a> {
    fn from(parameters: &'a Parameters) -> Self {
        CommonParameters::from(parameters).into()
    }
}

impl<'a> Phase1Rules<'a> {
    /// Returns the rules of every version of a history, from number 0 on; each ends where the next begins.
    pub fn of_history<P>(history: &'a ParametersHistory<P>) -> Vec<Self>
    where
        &'a P: Into<CommonParameters<'a>>,
        P: crate::parameters::ParametersVersion,
    {
        let next = history.iter().skip(1).map(|version| Some(version.activation_height())).chain([None]);
        history
            .iter()
            .zip(next)
            .map(|(version, until)| Self { until, ..Self::from(version.into()) })
            .collect()
    }

    /// Returns the rules for a stake in the block of this height.
    #[must_use]
    pub const fn at(self, height: Height) -> Self {
        Self { height: Some(height), ..self }
    }

    /// Returns the rules for a stake after active ones that hold this sum together.
    #[must_use]
    pub const fn after(self, staked: Amount) -> Self {
        Self { staked: Some(staked), ..self }
    }

    /// Returns the version of the parameters.
    pub const fn parameters(&self) -> &CommonParameters<'a> {
        &self.parameters
    }

    /// Returns the height of the block, where it is known.
    pub const fn height(&self) -> Option<Height> {
        self.height
    }

    /// Returns the machine names of the rules that cannot be checked: the tag and the cap under parameters of
    /// Babylon Genesis, which have none; the height, and the cap, where it is not known where the stake
    /// stands.
    pub fn not_checked(&self) -> Vec<&'static str> {
        let tag = self.parameters.tag.is_none().then_some("op_return_tag");
        let height = self.height.is_none().then_some("height");
        let (cap_height, staking_cap) = match self.parameters.cap {
            Some(StakingCap::Height(_)) => (self.height.is_none(), false),
            Some(StakingCap::Amount(_)) => (false, self.staked.is_none()),
            None => (true, true),
        };
        let cap_height = cap_height.then_some("cap_height");
        [tag, height, cap_height, staking_cap.then_some("staking_cap")].into_iter().flatten().collect()
    }

    /// Returns the rules of the height and the cap that a stake breaks where it stands.
    pub(super) fn broken_by_place(&self) -> impl Iterator<Item = Phase1Error> {
        let (from, until) = (self.parameters.activation_height, self.until);
        let outside = |height: &Height| *height < from || until.is_some_and(|until| *height >= until);
        let not_in_force = self.height.filter(outside);
        let not_in_force = not_in_force.map(|height| Phase1Error::NotInForce { height, from, until });
        let cap = match self.parameters.cap {
            Some(StakingCap::Height(cap)) => {
                let above = self.height.filter(|height| *height > cap);
                above.map(|height| Phase1Error::CapHeight { height, cap })
            }
            Some(StakingCap::Amount(cap)) => {
                let reached = self.staked.filter(|staked| *staked >= cap);
                reached.map(|staked| Phase1Error::StakingCap { staked, cap })
            }
            None => None,
        };
        not_in_force.into_iter().chain(cap)
    }
}
