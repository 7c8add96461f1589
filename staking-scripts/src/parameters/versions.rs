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
        /// Returns all versions of a file, or every rule that it breaks.
        fn read(text: &str) -> Result<Vec<Self>, ParametersError>;
    }
}

impl ParametersVersion for Parameters {
    fn activation_height(&self) -> Height {
        self.activation_height()
    }
}

impl sealed::Sealed for Parameters {
    fn read(text: &str) -> Result<Vec<Self>, ParametersError> {
        super::live::read(text)
    }
}

impl ParametersVersion for Phase1Parameters {
    fn activation_height(&self) -> Height {
        self.activation_height
    }
}

impl sealed::Sealed for Phase1Parameters {
    fn read(text: &str) -> Result<Vec<Self>, ParametersError> {
        super::phase1::read(text)
    }
}

/// The history of parameters: all versions, at least one, version 0 first, with strictly increasing
/// activation heights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParametersHistory<P>(Vec<P>);

impl<P: ParametersVersion> ParametersHistory<P> {
    /// Reads a parameters file.
    ///
    /// The form of [`Parameters`] is a JSON array of versions, or an object with that array as `params`, as a
    /// node of Babylon Genesis prints it; each version is an object with the fields, or has such an object as
    /// its `params`. Numbers may be strings. The phase-1 form ([`Phase1Parameters`]) is an object with the
    /// array `versions`.
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
        let versions = P::read(text)?;
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
        if versions.is_empty() { Err(ParametersError::Empty) } else { Ok(Self(versions)) }
    }

    /// Returns the version in force at a Bitcoin height, and its number. For a stake that is the height of
    /// the block that includes it, or the tip at registration when it is registered before that or extended.
    ///
    /// # Errors
    /// [`ParametersError::NotInForce`] before the first activation.
    pub fn in_force(&self, height: Height) -> Result<(usize, &P), ParametersError> {
        let after = self.0.partition_point(|version| version.activation_height() <= height);
        let first = self.0.first().map_or(Height::ZERO, ParametersVersion::activation_height);
        let number = after.checked_sub(1);
        let version = number.and_then(|number| Some((number, self.0.get(number)?)));
        version.ok_or(ParametersError::NotInForce { height, first })
    }

    /// Returns the version of this number.
    pub fn get(&self, number: usize) -> Option<&P> {
        self.0.get(number)
    }

    /// Returns all versions, from number 0 on.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &P> {
        self.0.iter()
    }
}
