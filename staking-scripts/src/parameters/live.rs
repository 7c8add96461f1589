//! The forms of parameters that nodes of Babylon Genesis and the staking API return.

use bitcoin::XOnlyPublicKey;
use serde::Deserialize;
use serde_json::Value;

use super::rules::{Findings, Number, ParametersError, ParametersRule};
use super::{ChainParameters, Parameters, unique};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::encoded::{from_base64, from_hex};
use crate::outputs::relay::UnsafeOutput;
use crate::transactions::slashing_rate::SlashingRate;

/// One version as the file has it.
#[derive(Deserialize)]
#[serde(expecting = "an object with the fields of a version")]
struct Raw {
    covenant_pks: Vec<String>,
    covenant_quorum: Number,
    min_staking_value_sat: Number,
    max_staking_value_sat: Number,
    min_staking_time_blocks: Number,
    max_staking_time_blocks: Number,
    slashing_pk_script: String,
    min_slashing_tx_fee_sat: Number,
    slashing_rate: String,
    unbonding_time_blocks: Number,
    unbonding_fee_sat: Number,
    btc_activation_height: Number,
    min_commission_rate: Option<String>,
    delegation_creation_base_gas_fee: Option<Number>,
    allow_list_expiration_height: Option<Number>,
}

/// The number that a version may have beside its fields, or beside the object that has them.
#[derive(Deserialize)]
#[serde(expecting = "an object with the fields of a version")]
struct Numbered {
    version: Option<Number>,
}

/// The versions of a file, in one of its forms.
enum File {
    /// All versions: an array, or a node's answer for them.
    Versions(Vec<Value>),
    /// A node's answer with one version, which it does not number.
    Single(Value),
    /// The network info of the staking API.
    NetworkInfo(Vec<Value>),
}

/// Said of fields of a version in two places: readers differ in which of them they use.
const BESIDE: &str = "it has fields in `params` and beside it; must have them in one place";

/// Returns whether an object has a field of a version.
fn has_fields(object: &Value) -> bool {
    const FIELDS: [&str; 12] = [
        "covenant_pks",
        "covenant_quorum",
        "min_staking_value_sat",
        "max_staking_value_sat",
        "min_staking_time_blocks",
        "max_staking_time_blocks",
        "slashing_pk_script",
        "min_slashing_tx_fee_sat",
        "slashing_rate",
        "unbonding_time_blocks",
        "unbonding_fee_sat",
        "btc_activation_height",
    ];
    FIELDS.into_iter().any(|field| object.get(field).is_some())
}

impl File {
    /// Returns the versions; `None` for a file of no form.
    ///
    /// # Errors
    /// For a file of several forms: readers differ in which of them they use.
    fn of(mut file: Value) -> Result<Option<Self>, ParametersError> {
        let places = ["/data/params/bbn", "/params/bbn", "/params", "/versions"];
        let (mut of_api, mut others) = (Vec::new(), Vec::new());
        let in_params =
            file.get("params").is_some_and(|params| params.get("bbn").is_some() && has_fields(params));
        if in_params || file.get("params").is_some() && has_fields(&file) {
            return Err(ParametersError::Form(BESIDE.to_owned()));
        }
        for place in places.into_iter().filter(|at| file.pointer(at).is_some()) {
            // What is in `params` is not beside it.
            match place {
                "/params" if of_api.contains(&"/params/bbn") => {}
                "/params" | "/versions" => others.push(place),
                place => of_api.push(place),
            }
        }
        let found: Vec<_> = of_api.iter().chain(&others).map(|at| at[1..].replace('/', ".")).collect();
        if found.len() > 1 {
            return Err(several(&found));
        }
        if let Some(Value::Array(list)) = of_api.first().and_then(|at| file.pointer_mut(at)).map(Value::take)
        {
            return Ok(Some(Self::NetworkInfo(list)));
        }
        Ok(match file.get_mut("params").map(Value::take) {
            Some(Value::Array(list)) => Some(Self::Versions(list)),
            Some(single @ Value::Object(_)) if of_api.is_empty() => Some(Self::Single(single)),
            Some(_) => None,
            None => match file {
                Value::Array(list) => Some(Self::Versions(list)),
                _ => None,
            },
        })
    }
}

/// Returns the error of a file that has versions in several places.
pub(super) fn several(found: &[impl AsRef<str>]) -> ParametersError {
    let found: Vec<_> = found.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    ParametersError::Form(format!("it has {}; must have one of them", found.join(" and ")))
}

/// Returns the versions of a file, and whether their numbers are known.
pub(super) fn read(text: &str) -> Result<(Vec<Parameters>, bool), ParametersError> {
    let form = |error: serde_json::Error| ParametersError::form(&error);
    let file = unique::parse(text).map_err(form)?;
    let is_phase1 = file.get("versions").is_some();
    let (list, is_numbered, script) = match File::of(file)? {
        _ if is_phase1 => {
            let (found, expected) = ("phase-1 parameters", "those of Babylon Genesis");
            return Err(ParametersError::OtherKind { found, expected });
        }
        Some(File::Versions(list)) => (list, true, Script::Base64),
        Some(File::Single(version)) => (vec![version], false, Script::Base64),
        Some(File::NetworkInfo(list)) => (list, true, Script::Hex),
        None => {
            return Err(ParametersError::Form(
                "an array of versions is expected, or an object with that array or with one version as `params`, or \
                 the staking API's network info"
                    .to_owned(),
            ));
        }
    };
    let (mut versions, mut violations) = (Vec::with_capacity(list.len()), Vec::new());
    for (place, mut entry) in list.into_iter().enumerate() {
        let in_version =
            |error: serde_json::Error| ParametersError::Form(format!("version {place}: {error}"));
        let Numbered { version } = Numbered::deserialize(&entry).map_err(in_version)?;
        let beside = has_fields(&entry);
        let fields = match entry.get_mut("params") {
            Some(_) if beside => {
                return Err(ParametersError::Form(format!("version {place}: {BESIDE}")));
            }
            Some(fields) => fields.take(),
            None => entry,
        };
        let raw = Raw::deserialize(fields).map_err(in_version)?;
        let mut findings = Findings::default();
        if let Some(Number(number)) = version {
            findings.require(u64::try_from(place) == Ok(number), || ParametersRule::Number(number));
        }
        versions.extend(raw.check(script, &mut findings));
        violations.extend(findings.of_version(place));
    }
    ParametersError::check(violations)?;
    Ok((versions, is_numbered))
}

/// Returns whether a file has parameters of this form, by the first version's activation height.
pub(super) fn has_form(file: &Value) -> bool {
    let first = match File::of(file.clone()) {
        Ok(Some(File::Versions(list) | File::NetworkInfo(list))) => list.into_iter().next(),
        Ok(Some(File::Single(version))) => Some(version),
        Ok(None) | Err(_) => None,
    };
    first.is_some_and(|entry| entry.get("params").unwrap_or(&entry).get("btc_activation_height").is_some())
}

/// The encoding of the slashing script.
#[derive(Clone, Copy)]
enum Script {
    Base64,
    Hex,
}

impl Script {
    fn read(self, text: &str) -> Result<bitcoin::ScriptBuf, ParametersRule> {
        let (bytes, name) = match self {
            Self::Base64 => (from_base64(text), "base64"),
            Self::Hex => (from_hex(text), "hex"),
        };
        let wrong = |why| ParametersRule::SlashingScript(text.to_owned(), format!("{name}: {why}"));
        bytes.map(bitcoin::ScriptBuf::from_bytes).map_err(wrong)
    }
}

impl Raw {
    /// Returns the version, or `None` with the rules that it breaks in `findings`.
    fn check(self, script: Script, findings: &mut Findings) -> Option<Parameters> {
        let covenant = self.covenant(findings);
        let least = findings.amount("min_staking_value_sat", self.min_staking_value_sat);
        let most = findings.amount("max_staking_value_sat", self.max_staking_value_sat);
        let staking_amount = findings.amounts(least, most);
        let shortest = findings.time("min_staking_time_blocks", self.min_staking_time_blocks);
        let longest = findings.time("max_staking_time_blocks", self.max_staking_time_blocks);
        let staking_time = findings.times(shortest, longest);
        let slashing_pk_script = findings.note(script.read(&self.slashing_pk_script));
        let destination = slashing_pk_script.as_ref().and_then(|script| {
            let checked = UnsafeOutput::check_slashing_script(script).map(|()| script);
            findings.note(checked.map_err(ParametersRule::SlashingDestination))
        });
        let rate = self.slashing_rate.parse::<SlashingRate>();
        let slashing_rate =
            findings.note(rate.map_err(|_| ParametersRule::SlashingRate(self.slashing_rate.clone())));
        let min_slashing_fee = findings.amount("min_slashing_tx_fee_sat", self.min_slashing_tx_fee_sat);
        let unbonding_time = findings.time("unbonding_time_blocks", self.unbonding_time_blocks);
        let unbonding_fee = findings.amount("unbonding_fee_sat", self.unbonding_fee_sat);
        let activation_height = findings.height("btc_activation_height", self.btc_activation_height);
        if let Some(rate) = &self.min_commission_rate {
            findings.require(is_part_of_one(rate), || ParametersRule::CommissionRate(rate.clone()));
        }
        if let (Some(fee), Some(least)) = (unbonding_fee, least) {
            findings.require(fee < least, || ParametersRule::UnbondingFeeTooHigh { fee, least });
            if let (Some(left), Some(script), Some(rate)) =
                (least.checked_sub(fee), destination, slashing_rate)
            {
                findings.dust(rate.slashed_amount(left), script);
            }
        }
        Some(Parameters {
            activation_height: activation_height?,
            covenant: covenant?,
            staking_amount: staking_amount?,
            staking_time: staking_time?,
            slashing_pk_script: slashing_pk_script?,
            slashing_rate: slashing_rate?,
            min_slashing_fee: min_slashing_fee?,
            unbonding_time: unbonding_time?,
            unbonding_fee: unbonding_fee?,
            chain: ChainParameters {
                min_commission_rate: self.min_commission_rate,
                delegation_creation_base_gas_fee: self
                    .delegation_creation_base_gas_fee
                    .map(|Number(fee)| fee),
                allow_list_expiration_height: self.allow_list_expiration_height.map(|Number(height)| height),
            },
        })
    }

    fn covenant(&self, findings: &mut Findings) -> Option<CovenantCommittee> {
        let key = |text: &String| {
            text.parse::<XOnlyPublicKey>()
                .map_err(|_| ParametersRule::CovenantKey(text.clone(), "an x-only key: 64 hex digits"))
        };
        let keys: Vec<_> = self.covenant_pks.iter().map(|text| findings.note(key(text))).collect();
        let covenant =
            committee(keys.into_iter().collect::<Option<Vec<_>>>()?, self.covenant_quorum, findings)?;
        let (quorum, members) = (covenant.quorum(), covenant.members().len());
        let majority = usize::from(quorum).saturating_mul(2) > members;
        findings.require(majority, || ParametersRule::NoMajority { quorum, members });
        Some(covenant)
    }
}

/// Returns the committee of these keys and this quorum.
pub(super) fn committee(
    keys: Vec<XOnlyPublicKey>,
    Number(quorum): Number,
    findings: &mut Findings,
) -> Option<CovenantCommittee> {
    // A quorum that does not fit is above any number of members.
    let committee = CovenantCommittee::new(keys, u16::try_from(quorum).unwrap_or(u16::MAX));
    findings.note(committee.map_err(ParametersRule::Committee))
}

/// Returns whether a text is a decimal number from 0 to 1.
fn is_part_of_one(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = !decimals.is_empty() && decimals.bytes().all(|byte| byte.is_ascii_digit());
    digits && (whole == "0" || whole == "1" && decimals.bytes().all(|byte| byte == b'0'))
}
