//! A transaction under the versions of the parameters.

use bitcoin::absolute::Height;
use bitcoin::{Amount, Transaction};
use staking_scripts::delegation::broken_rules;
use staking_scripts::outputs::{OpReturnData, OpReturnError, ProtocolOutput};
use staking_scripts::phase1::{Phase1Rules, Phase1Stake, contradictions, contradictions_in};
use staking_scripts::{Explanation, StakeViolation};

use super::fields::UnderVersion;
use crate::args::parameters::AnyParameters;
use crate::args::stake::PlaceArgs;
use crate::view::violation::Violation;

/// What is judged, and where it stands.
pub(super) struct Judged<'a> {
    pub(super) transaction: &'a Transaction,
    pub(super) explanation: &'a Explanation,
    /// The sum of the inputs.
    pub(super) held: Option<Amount>,
    pub(super) height: Option<Height>,
    pub(super) place: &'a PlaceArgs,
}

/// The verdict of every version, and the staking outputs of a phase-1 stake, rebuilt from its OP_RETURN data
/// and the committee.
pub(super) struct Verdicts {
    pub(super) versions: Vec<UnderVersion>,
    pub(super) stakes: Vec<ProtocolOutput>,
}

impl Judged<'_> {
    /// Judges the transaction under every version.
    pub(super) fn under(&self, params: &AnyParameters) -> Verdicts {
        let said = OpReturnData::of(self.transaction);
        // What spends a leaf of the protocol is no phase-1 stake, whatever its OP_RETURN says.
        let claims = !matches!(said, Err(OpReturnError::Absent)) && self.explanation.spent.is_empty();
        let (mut versions, mut stakes) = (Vec::new(), Vec::new());
        for (version, rules) in params.rules().into_iter().enumerate() {
            if !claims {
                let found = broken_rules(self.explanation, self.transaction, self.held, *rules.parameters());
                versions.push(UnderVersion::new(version, &found, Vec::new()));
                continue;
            }
            let rules = self.place.on(rules, self.height);
            let (found, stake) = self.as_phase1(said.ok().as_ref(), rules);
            versions.push(UnderVersion::new(version, &found, rules.not_checked()));
            stakes.extend(stake);
        }
        Verdicts { versions, stakes }
    }

    /// Returns the rules that the transaction breaks as a phase-1 stake, and its staking output.
    fn as_phase1(
        &self,
        said: Option<&OpReturnData>,
        rules: Phase1Rules<'_>,
    ) -> (Vec<StakeViolation>, Option<ProtocolOutput>) {
        let error = match Phase1Stake::find(self.transaction, rules) {
            Ok(stake) => {
                let output = ProtocolOutput::Staking(stake.staking.output().clone());
                return (stake.broken.into_iter().map(StakeViolation::Phase1).collect(), Some(output));
            }
            Err(error) => error,
        };
        let known = self.contradictions();
        let hidden = match said {
            Some(said) if known.is_empty() => contradictions_in(self.transaction, said, *rules.parameters()),
            _ => Vec::new(),
        };
        let all = [error].into_iter().chain(hidden).map(StakeViolation::Phase1);
        (all.chain(known).collect(), None)
    }

    /// Returns what the OP_RETURN data and the staking outputs that are recognised say differently.
    pub(super) fn contradictions(&self) -> Vec<StakeViolation> {
        let Some(said) = self.explanation.op_return.as_ref() else { return Vec::new() };
        let outputs = self.explanation.outputs.iter().filter_map(|paid| match &paid.output {
            ProtocolOutput::Staking(output) => Some(output),
            ProtocolOutput::Unbonding(_) | ProtocolOutput::SlashingRefund(_) => None,
        });
        outputs.flat_map(|output| contradictions(said, output)).map(StakeViolation::Phase1).collect()
    }
}

impl UnderVersion {
    fn new(version: usize, found: &[StakeViolation], not_checked: Vec<&'static str>) -> Self {
        Self {
            version,
            violations: found.iter().map(Violation::from).collect(),
            not_checked: not_checked.into_iter().map(ToOwned::to_owned).collect(),
        }
    }
}
