//! The parameters of phase 1, in which stakes were made before Babylon Genesis was launched.

use std::ops::RangeInclusive;

use bitcoin::absolute::Height;
use bitcoin::{Amount, PublicKey, XOnlyPublicKey};
use serde::Deserialize;
use serde_json::Value;

use super::live::{committee, has_form, several};
use super::rules::{Findings, Number, ParametersError, ParametersRule, ParametersViolation};
use super::unique;
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::timelock::Timelock;

/// The amount that must be left of the lowest staking amount after the unbonding fee.
const LEAST_AFTER_FEE: Amount = Amount::from_sat(1000);

/// One version of the parameters of phase 1. One in a [`ParametersHistory`](super::ParametersHistory) keeps
/// every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Phase1Parameters {
    /// The Bitcoin height from which on this version is in force.
    pub activation_height: Height,
    /// The cap on stakes: a total amount or a last height.
    pub cap: StakingCap,
    /// The tag of the network, the first four bytes of a stake's OP_RETURN data.
    pub tag: [u8; 4],
    /// The covenant committee.
    pub covenant: CovenantCommittee,
    /// The unbonding time in blocks.
    pub unbonding_time: Timelock,
    /// The fee of an unbonding transaction, exactly.
    pub unbonding_fee: Amount,
    /// The range of the staking amount.
    pub staking_amount: RangeInclusive<Amount>,
    /// The range of the staking time.
    pub staking_time: RangeInclusive<Timelock>,
    /// The number of confirmations of a stake, 2 or more: at the tip it has 1.
    pub confirmation_depth: u16,
}

/// The cap on stakes: a total amount or a last height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StakingCap {
    /// The total amount of all stakes.
    Amount(Amount),
    /// The last height at which stakes were accepted.
    Height(Height),
}

#[derive(Deserialize)]
#[serde(expecting = "an object with the array `versions`")]
struct File {
    versions: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with the fields of a version")]
struct Raw {
    version: Number,
    activation_height: Number,
    staking_cap: Option<Number>,
    cap_height: Option<Number>,
    tag: String,
    covenant_pks: Vec<String>,
    covenant_quorum: Number,
    unbonding_time: Number,
    unbonding_fee: Number,
    min_staking_amount: Number,
    max_staking_amount: Number,
    min_staking_time: Number,
    max_staking_time: Number,
    confirmation_depth: Number,
}

pub(super) fn read(text: &str) -> Result<Vec<Phase1Parameters>, ParametersError> {
    let value = unique::parse(text).map_err(|error| ParametersError::form(&error))?;
    let places: Vec<_> =
        ["versions", "params", "data"].into_iter().filter(|name| value.get(name).is_some()).collect();
    if places.len() > 1 && value.get("versions").is_some() {
        return Err(several(&places));
    }
    let other = other_kind(&value);
    let file =
        File::deserialize(value).map_err(|error| other.unwrap_or_else(|| ParametersError::form(&error)))?;
    let (mut versions, mut caps, mut violations) = (Vec::<Phase1Parameters>::new(), Vec::new(), Vec::new());
    for (place, raw) in file.versions.into_iter().enumerate() {
        let mut findings = Findings::default();
        if let Some(version) = raw.check(place, &mut findings) {
            caps.push((place, version.cap));
            versions.push(version);
        }
        violations.extend(findings.of_version(place));
    }
    violations.extend(falling_caps(caps));
    ParametersError::check(violations)?;
    Ok(versions)
}

/// Returns the error of a file that has the parameters of Babylon Genesis.
fn other_kind(file: &Value) -> Option<ParametersError> {
    let (found, expected) = ("parameters of Babylon Genesis", "those of phase 1");
    has_form(file).then_some(ParametersError::OtherKind { found, expected })
}

/// Returns a violation for each staking cap that is below the one before it; versions with a cap height may
/// stand between them. A cap height may fall: each closes its own version.
fn falling_caps(caps: Vec<(usize, StakingCap)>) -> Vec<ParametersViolation> {
    let (mut earlier, mut found) = (Amount::ZERO, Vec::new());
    for (version, cap) in caps {
        let StakingCap::Amount(later) = cap else { continue };
        if later < earlier {
            found.push(ParametersViolation { version, rule: ParametersRule::CapFalls { earlier, later } });
        }
        earlier = later;
    }
    found
}

impl Raw {
    fn check(self, place: usize, findings: &mut Findings) -> Option<Phase1Parameters> {
        let Number(number) = self.version;
        findings.require(u64::try_from(place) == Ok(number), || ParametersRule::Number(number));
        let activation_height = findings.height("activation_height", self.activation_height);
        findings.require(activation_height != Some(Height::ZERO), || ParametersRule::ActivationZero);
        let tag = hex::decode(&self.tag).ok().and_then(|tag| tag.try_into().ok());
        let tag: Option<[u8; 4]> = findings.note(tag.ok_or(ParametersRule::Tag(self.tag.clone())));
        let covenant = self.covenant(findings);
        let unbonding_time = findings.time("unbonding_time", self.unbonding_time);
        let unbonding_fee = findings.amount("unbonding_fee", self.unbonding_fee);
        let least = findings.amount("min_staking_amount", self.min_staking_amount);
        let most = findings.amount("max_staking_amount", self.max_staking_amount);
        let staking_amount = findings.amounts(least, most);
        let shortest = findings.time("min_staking_time", self.min_staking_time);
        let longest = findings.time("max_staking_time", self.max_staking_time);
        let staking_time = findings.times(shortest, longest);
        let cap = self.cap(most, findings);
        if let (Some(least), Some(fee)) = (least, unbonding_fee) {
            let enough = fee.checked_add(LEAST_AFTER_FEE).is_some_and(|needed| least >= needed);
            findings.require(enough, || ParametersRule::LeastAmountTooLow { least, fee });
        }
        let Number(depth) = self.confirmation_depth;
        let depth = u16::try_from(depth).ok().filter(|depth| *depth > 1).ok_or(depth);
        let confirmation_depth = findings.note(depth.map_err(ParametersRule::ConfirmationDepth));
        Some(Phase1Parameters {
            activation_height: activation_height?,
            cap: cap?,
            tag: tag?,
            covenant: covenant?,
            unbonding_time: unbonding_time?,
            unbonding_fee: unbonding_fee?,
            staking_amount: staking_amount?,
            staking_time: staking_time?,
            confirmation_depth: confirmation_depth?,
        })
    }

    fn covenant(&self, findings: &mut Findings) -> Option<CovenantCommittee> {
        let key = |text: &String| {
            let compressed = text.parse::<PublicKey>().ok().filter(|key| key.compressed);
            compressed
                .map(XOnlyPublicKey::from)
                .ok_or_else(|| ParametersRule::CovenantKey(text.clone(), "a compressed key: 66 hex digits"))
        };
        let keys: Vec<_> = self.covenant_pks.iter().map(|text| findings.note(key(text))).collect();
        committee(keys.into_iter().collect::<Option<Vec<_>>>()?, self.covenant_quorum, findings)
    }

    fn cap(&self, most: Option<Amount>, findings: &mut Findings) -> Option<StakingCap> {
        // In the files a cap of 0 stands for no cap.
        let given = |cap: Option<Number>| cap.filter(|cap| *cap != Number(0));
        match (given(self.staking_cap), given(self.cap_height)) {
            (Some(cap), None) => {
                let cap = findings.amount("staking_cap", cap)?;
                let most = most?;
                findings.require(cap >= most, || ParametersRule::CapTooLow { cap, most });
                Some(StakingCap::Amount(cap))
            }
            (None, Some(height)) => findings.height("cap_height", height).map(StakingCap::Height),
            _ => findings.note(Err(ParametersRule::OneCap)),
        }
    }
}
