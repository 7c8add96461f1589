//! The versions of parameters by height.

use bitcoin::absolute::Height;

use super::rules::{ParametersError, ParametersViolation};
use super::{Parameters, ParametersRule, Phase1Parameters};

/// One version of the parameters: of Babylon Genesis, or of phase 1.
pub trait ParametersVersion: Sized + sealed::Sealed {
    /// Returns the Bitcoin height from which on it is in force.
    fn activation_height(&self) -> Height;
}

mod sealed {
    use super::ParametersError;

    /// A seal: only the two file forms are implemented.
    pub trait Sealed: Sized {
        /// Returns all versions of a file, and whether their numbers are known; or every rule that the file
        /// breaks.
        fn read(text: &str) -> Result<(Vec<Self>, bool), ParametersError>;
    }
}

impl ParametersVersion for Parameters {
    fn activation_height(&self) -> Height {
        self.activation_height()
    }
}

impl sealed::Sealed for Parameters {
    fn read(text: &str) -> Result<(Vec<Self>, bool), ParametersError> {
        super::live::read(text)
    }
}

impl ParametersVersion for Phase1Parameters {
    fn activation_height(&self) -> Height {
        self.activation_height
    }
}

impl sealed::Sealed for Phase1Parameters {
    fn read(text: &str) -> Result<(Vec<Self>, bool), ParametersError> {
        super::phase1::read(text).map(|versions| (versions, true))
    }
}

/// The history of parameters: all versions, at least one, version 0 first, with strictly increasing
/// activation heights. Or the one version of a node's answer that does not number it, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParametersHistory<P> {
    versions: Vec<P>,
    is_numbered: bool,
}

impl<P: ParametersVersion> ParametersHistory<P> {
    /// Reads a parameters file.
    ///
    /// The form of [`Parameters`] is a JSON array of versions, or an object with that array as `params`, as a
    /// node of Babylon Genesis prints it for `params-versions`; each version is an object with the fields, or
    /// has such an object as its `params`. Numbers may be strings. Two more forms are read: an object with
    /// one version as `params`, as a node answers `params`, which does not tell the version's number
    /// ([`is_numbered`](Self::is_numbered)); and the network info of the staking API (`/v2/network-info`),
    /// with the array at `data.params.bbn`, whose slashing scripts are hex and not base64.
    ///
    /// The phase-1 form ([`Phase1Parameters`]) is an object with the array `versions`.
    ///
    /// # Errors
    /// [`ParametersError`] with every rule that the file breaks, each with the version's number;
    /// [`ParametersError::OtherKind`] for a file with the parameters of the other kind.
    pub fn from_json(text: &str) -> Result<Self, ParametersError> {
        // Far above any chain's parameters, and small enough to be held in memory many times.
        const MOST_BYTES: usize = 1 << 20;
        if text.len() > MOST_BYTES {
            return Err(ParametersError::Form(format!(
                "it has {} bytes; must have at most {MOST_BYTES}",
                text.len()
            )));
        }
        let (versions, is_numbered) = P::read(text)?;
        let heights = versions.iter().map(ParametersVersion::activation_height);
        let order = heights.clone().zip(heights.skip(1)).zip(1_usize..);
        let violations: Vec<_> = order
            .filter(|((earlier, later), _)| earlier >= later)
            .map(|((earlier, later), version)| ParametersViolation {
                version,
                rule: ParametersRule::ActivationNotIncreasing { earlier, later },
            })
            .collect();
        ParametersError::check(violations)?;
        if versions.is_empty() { Err(ParametersError::Empty) } else { Ok(Self { versions, is_numbered }) }
    }

    /// Returns the version in force at a Bitcoin height, and its number. For a stake that is the height of
    /// the block that includes it, or the tip at registration when it is registered before that or extended.
    ///
    /// # Errors
    /// [`ParametersError::NotInForce`] before the first activation.
    pub fn in_force(&self, height: Height) -> Result<(usize, &P), ParametersError> {
        let after = self.versions.partition_point(|version| version.activation_height() <= height);
        let first = self.versions.first().map_or(Height::ZERO, ParametersVersion::activation_height);
        let number = after.checked_sub(1);
        let version = number.and_then(|number| Some((number, self.versions.get(number)?)));
        version.ok_or(ParametersError::NotInForce { height, first })
    }

    /// Returns the version of this number.
    pub fn get(&self, number: usize) -> Option<&P> {
        self.versions.get(number)
    }

    /// Returns whether the versions' numbers are known. A node that is asked for its parameters answers with
    /// the last version alone, and does not say which it is: it then has number 0 here, and a delegation that
    /// names a version by its number is checked against it, whatever the number is.
    pub const fn is_numbered(&self) -> bool {
        self.is_numbered
    }

    /// Returns all versions, from number 0 on.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &P> {
        self.versions.iter()
    }
}
