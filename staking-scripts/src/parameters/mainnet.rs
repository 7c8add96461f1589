//! Mainnet's parameters, which are built in, and how other parameters differ from them.

use std::collections::BTreeSet;
use std::fmt;

use bitcoin::Amount;
use bitcoin::absolute::Height;

use super::rules::ParametersError;
use super::{Parameters, ParametersHistory, ParametersVersion, Phase1Parameters, StakingCap};
use crate::outputs::committee::CovenantCommittee;

/// What Babylon Genesis demands of Bitcoin's blocks (its module `btccheckpoint`). Both are depths, the number
/// of blocks on top of one: the tip has depth 0, and depth 30 is 31 confirmations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointParameters {
    /// The least depth of a block that includes a stake (`btc_confirmation_depth`, k).
    pub confirmation_depth: u32,
    /// The depth at which checkpoints are final (`checkpoint_finalization_timeout`, w). The unbonding time
    /// must be above it, and governance cannot change it.
    pub finalization_timeout: u32,
}

impl CheckpointParameters {
    /// Mainnet's, since the upgrade v1 of `bbn-1`; `data/README.md` has their source.
    pub const MAINNET: Self = Self { confirmation_depth: 30, finalization_timeout: 300 };
}

/// A version of mainnet's parameters that other parameters lack or contradict.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParametersDifference {
    /// A version is absent.
    Absent {
        /// The version's number.
        version: usize,
        /// The height from which mainnet has it in force.
        activation: Height,
    },
    /// A version is not mainnet's.
    Contradicted {
        /// The version's number.
        version: usize,
        /// The fields that differ.
        fields: Vec<DifferentField>,
    },
}

/// A field of a version that is not mainnet's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferentField {
    /// The field's name in a node's JSON.
    pub name: &'static str,
    /// The value found.
    pub found: String,
    /// Mainnet's value.
    pub expected: String,
}

impl fmt::Display for DifferentField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; must be {}", self.name, self.found, self.expected)
    }
}

impl fmt::Display for ParametersDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { version, activation } => write!(
                f,
                "version {version} is absent; must be there, as mainnet has it in force from height {activation} on"
            ),
            Self::Contradicted { version, fields } => {
                let fields: Vec<_> = fields.iter().map(ToString::to_string).collect();
                write!(f, "version {version} contradicts mainnet's: {}", fields.join(", "))
            }
        }
    }
}

impl ParametersDifference {
    /// Returns the number of the version.
    pub const fn version(&self) -> usize {
        match self {
            Self::Absent { version, .. } | Self::Contradicted { version, .. } => *version,
        }
    }
}

impl ParametersHistory<Parameters> {
    /// Returns how these versions differ from [mainnet's](Self::mainnet) that are built in, in the versions'
    /// order: each that is absent although its activation height is at most `height`, and each that is there
    /// with another value, whatever the height. Without a height every version counts. Later versions, which
    /// governance may have added, differ only by an unbonding time that mainnet cannot have. What concerns
    /// Babylon Genesis alone ([`ChainParameters`](super::ChainParameters)) is not compared.
    ///
    /// Of a single version whose number is not known ([`is_numbered`](Self::is_numbered)), those before it
    /// are not asked for, when it is one of mainnet's; after the last that is built in, that one is.
    ///
    /// # Errors
    /// [`ParametersError`], which does not occur: a test checks the data.
    pub fn differences_from_mainnet(
        &self,
        height: Option<Height>,
    ) -> Result<Vec<ParametersDifference>, ParametersError> {
        let mainnet = Self::mainnet()?;
        let first = self.first_number(&mainnet);
        let mut differences = self.compare(&mainnet, first, height, different);
        // A single version after the last that is known: what stands before it is not there to be compared.
        if let (true, Some(version)) = (first == mainnet.iter().len(), first.checked_sub(1))
            && let Some(last) = mainnet.get(version)
        {
            let activation = last.activation_height();
            differences.push(ParametersDifference::Absent { version, activation });
        }
        let later = (first..).zip(self.iter()).skip_while(|(version, _)| mainnet.get(*version).is_some());
        differences.extend(later.filter_map(|(version, found)| below_window(version, found)));
        Ok(differences)
    }

    /// Returns the number of the first version: 0, and of a single one without a number that of mainnet's
    /// version that its activation height belongs to.
    fn first_number(&self, mainnet: &Self) -> usize {
        let single = self.iter().next().filter(|_| !self.is_numbered());
        let Some(activation) = single.map(Parameters::activation_height) else { return 0 };
        match mainnet.in_force(activation) {
            Ok((number, version)) if version.activation_height() == activation => number,
            // It is later than all that are known, or an activation that mainnet does not have.
            Ok((number, _)) if number.saturating_add(1) == mainnet.iter().len() => mainnet.iter().len(),
            Ok((number, _)) => number,
            Err(_) => 0,
        }
    }
}

impl ParametersHistory<Phase1Parameters> {
    /// Returns how these versions differ from mainnet's of [phase 1](Self::mainnet_phase1), as those of
    /// Babylon Genesis are compared. Phase 1 has ended, so that a later version is a difference too.
    ///
    /// # Errors
    /// [`ParametersError`], which does not occur: a test checks the data.
    pub fn differences_from_mainnet(
        &self,
        height: Option<Height>,
    ) -> Result<Vec<ParametersDifference>, ParametersError> {
        let mainnet = Self::mainnet_phase1()?;
        let mut differences = self.compare(&mainnet, 0, height, different_phase1);
        let last = mainnet.iter().len().saturating_sub(1);
        let later = (0..self.iter().len()).skip(mainnet.iter().len());
        differences.extend(later.map(|version| {
            let expected = format!("at most {last}, with which phase 1 ended");
            let field = DifferentField { name: "version", found: version.to_string(), expected };
            ParametersDifference::Contradicted { version, fields: vec![field] }
        }));
        Ok(differences)
    }
}

impl<P: ParametersVersion> ParametersHistory<P> {
    /// Returns how these versions, of which `first` is the number of the first, differ from mainnet's.
    fn compare(
        &self,
        mainnet: &Self,
        first: usize,
        height: Option<Height>,
        different: impl Fn(&P, &P) -> Vec<DifferentField>,
    ) -> Vec<ParametersDifference> {
        let is_active = |version: &P| height.is_none_or(|at| version.activation_height() <= at);
        let mut differences = Vec::new();
        for (version, expected) in mainnet.iter().enumerate().skip(first) {
            let place = version.checked_sub(first);
            match place.and_then(|place| self.get(place)) {
                Some(found) => {
                    let fields = different(found, expected);
                    if !fields.is_empty() {
                        differences.push(ParametersDifference::Contradicted { version, fields });
                    }
                }
                None if is_active(expected) => differences
                    .push(ParametersDifference::Absent { version, activation: expected.activation_height() }),
                None => {}
            }
        }
        differences
    }
}

/// Returns the difference of a version with an unbonding time that mainnet's chain refuses.
fn below_window(version: usize, found: &Parameters) -> Option<ParametersDifference> {
    let window = CheckpointParameters::MAINNET.finalization_timeout;
    let time = found.unbonding_time().blocks();
    let field = DifferentField {
        name: "unbonding_time_blocks",
        found: time.to_string(),
        expected: format!("above {window}, the depth at which checkpoints are final"),
    };
    (u32::from(time) <= window).then(|| ParametersDifference::Contradicted { version, fields: vec![field] })
}

/// A field of a version: its name in the file, and its value as a text.
type Field<P> = (&'static str, fn(&P) -> String);

/// Returns the fields in which a version differs from mainnet's.
fn different(found: &Parameters, expected: &Parameters) -> Vec<DifferentField> {
    const FIELDS: [Field<Parameters>; 11] = [
        ("btc_activation_height", |version| version.activation_height().to_string()),
        ("covenant_quorum", |version| version.covenant().quorum().to_string()),
        ("min_staking_value_sat", |version| sat(*version.staking_amount().start())),
        ("max_staking_value_sat", |version| sat(*version.staking_amount().end())),
        ("min_staking_time_blocks", |version| version.staking_time().start().to_string()),
        ("max_staking_time_blocks", |version| version.staking_time().end().to_string()),
        ("slashing_pk_script", |version| version.slashing_pk_script().to_hex_string()),
        ("slashing_rate", |version| version.slashing_rate().to_string()),
        ("min_slashing_tx_fee_sat", |version| sat(version.min_slashing_fee())),
        ("unbonding_time_blocks", |version| version.unbonding_time().to_string()),
        ("unbonding_fee_sat", |version| sat(version.unbonding_fee())),
    ];
    fields(found, expected, &FIELDS, Parameters::covenant)
}

/// Returns the fields in which a version of phase 1 differs from mainnet's.
fn different_phase1(found: &Phase1Parameters, expected: &Phase1Parameters) -> Vec<DifferentField> {
    const FIELDS: [Field<Phase1Parameters>; 11] = [
        ("activation_height", |version| version.activation_height.to_string()),
        ("covenant_quorum", |version| version.covenant.quorum().to_string()),
        ("min_staking_amount", |version| sat(*version.staking_amount.start())),
        ("max_staking_amount", |version| sat(*version.staking_amount.end())),
        ("min_staking_time", |version| version.staking_time.start().to_string()),
        ("max_staking_time", |version| version.staking_time.end().to_string()),
        ("cap", |version| match version.cap {
            StakingCap::Amount(cap) => format!("staking_cap {}", sat(cap)),
            StakingCap::Height(cap) => format!("cap_height {cap}"),
        }),
        ("tag", |version| hex::encode(version.tag)),
        ("unbonding_time", |version| version.unbonding_time.to_string()),
        ("unbonding_fee", |version| sat(version.unbonding_fee)),
        ("confirmation_depth", |version| version.confirmation_depth.to_string()),
    ];
    fields(found, expected, &FIELDS, |version| &version.covenant)
}

/// Returns the committee and the fields of a version that are not mainnet's.
fn fields<P>(
    found: &P,
    expected: &P,
    fields: &[Field<P>],
    covenant: fn(&P) -> &CovenantCommittee,
) -> Vec<DifferentField> {
    let members = |version: &P| -> BTreeSet<_> {
        covenant(version).members().iter().map(|member| member.serialize()).collect()
    };
    let (own, mainnets) = (members(found), members(expected));
    let committee = (own != mainnets).then(|| DifferentField {
        name: "covenant_pks",
        found: format!("{} keys, of which {} are mainnet's", own.len(), own.intersection(&mainnets).count()),
        expected: format!("mainnet's {}", mainnets.len()),
    });
    let others = fields.iter().filter_map(|(name, value)| {
        let (found, expected) = (value(found), value(expected));
        (found != expected).then(|| DifferentField { name, found: cut(&found), expected })
    });
    committee.into_iter().chain(others).collect()
}

fn sat(amount: Amount) -> String {
    amount.to_sat().to_string()
}

/// Returns the beginning of a value: a script may be long.
fn cut(value: &str) -> String {
    value.chars().take(80).collect()
}
