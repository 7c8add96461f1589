//! The vectors of the reference implementation (`tests/vectors/eots` and `tests/vectors/staking`, see
//! `tests/interop`), through our library in both directions.

mod adaptor;
mod commit;
mod contracts;
mod derive;
mod extract;
mod negative;
mod pop;
mod schemas;
mod sign;
mod staking;
mod typescript;
mod votes;

use std::fs;
use std::path::Path;

use eots::{Parity, SecretKey, XOnlyPublicKey};
use finality::{Operation, PossessionMessage, SigningContext};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use staking_scripts::outputs::{ConsumerProviders, InvalidParties};
use staking_scripts::testing::{consumer_possession, consumer_rules, possession};
use staking_scripts::{ChainRules, ProofOfPossession, StakedTo};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<C> {
    kind: String,
    description: String,
    source: String,
    cases: Vec<C>,
}

/// The cases of a kind with their numbers; the test says how many it expects.
fn cases<C: DeserializeOwned>(kind: &str, count: usize) -> impl Iterator<Item = (usize, C)> {
    cases_of("eots", kind, count)
}

/// As [`cases`], of a named set of vectors.
fn cases_of<C: DeserializeOwned>(set: &str, kind: &str, count: usize) -> impl Iterator<Item = (usize, C)> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(set).join(kind).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: File<C> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(file.kind, kind);
    assert!(!file.description.is_empty() && !file.source.is_empty());
    assert_eq!(file.cases.len(), count, "cases in {}", path.display());
    file.cases.into_iter().enumerate()
}

/// Bytes of any length, written as lower-case hex.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(&text).map_err(D::Error::custom)?;
        if hex::encode(&bytes) == text { Ok(Self(bytes)) } else { Err(D::Error::custom("upper-case hex")) }
    }
}

/// Exactly so many bytes, written as lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bytes<const N: usize>([u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Hex(bytes) = Hex::deserialize(deserializer)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|bytes| D::Error::custom(format!("{} bytes, not {N}", bytes.len())))
    }
}

impl Bytes<32> {
    fn secret_key(&self) -> SecretKey {
        SecretKey::from_bytes(&self.0).unwrap()
    }

    fn public_key(&self) -> XOnlyPublicKey {
        XOnlyPublicKey::from_slice(&self.0).unwrap()
    }

    fn signature(&self) -> eots::Signature {
        eots::Signature::from_bytes(self.0).unwrap()
    }

    fn public_randomness(&self) -> eots::PublicRandomness {
        eots::PublicRandomness::from_bytes(self.0)
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum YCoordinate {
    Even,
    Odd,
}

impl From<YCoordinate> for Parity {
    fn from(y: YCoordinate) -> Self {
        match y {
            YCoordinate::Even => Self::Even,
            YCoordinate::Odd => Self::Odd,
        }
    }
}

/// A case with its signing context.
struct InContext<C> {
    consumer: Option<Context>,
    case: C,
}

struct Context {
    text: String,
    chain_id: String,
    address: String,
}

impl<C> InContext<C> {
    /// The signing context. It is the one that our library makes for this operation.
    fn context(&self, operation: Operation) -> SigningContext {
        let Some(Context { text, chain_id, address }) = &self.consumer else {
            return SigningContext::GENESIS;
        };
        let context = SigningContext::consumer(operation, chain_id, address);
        assert_eq!(context.to_string(), *text, "{chain_id} {address}");
        assert_eq!(text.parse(), Ok(context));
        context
    }
}

impl<'de, C: DeserializeOwned> Deserialize<'de> for InContext<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            dialect: String,
            context: String,
            context_chain_id: Option<String>,
            context_address: Option<String>,
            /// What is left is the case; it denies what it does not know.
            #[serde(flatten)]
            case: Map<String, Value>,
        }
        let fields = Fields::deserialize(deserializer)?;
        let consumer = match (fields.dialect.as_str(), fields.context_chain_id, fields.context_address) {
            ("genesis", None, None) if fields.context.is_empty() => None,
            ("consumer", Some(chain_id), Some(address)) => {
                Some(Context { text: fields.context, chain_id, address })
            }
            (other, _, _) => return Err(D::Error::custom(format!("not the fields of dialect {other}"))),
        };
        let case = serde_json::from_value(Value::Object(fields.case)).map_err(D::Error::custom)?;
        Ok(Self { consumer, case })
    }
}

/// The rules for this many finality providers (one is of genesis, several are of consumer chains), and a
/// proof of possession under them.
fn chain_rules(providers: usize, staker: &SecretKey) -> (ChainRules, (PossessionMessage, ProofOfPossession)) {
    match providers {
        0 | 1 => (ChainRules::MAINNET, possession(staker)),
        _ => (consumer_rules(), consumer_possession(staker)),
    }
}

/// A stake to these finality providers: to one of genesis, or to several of consumer chains.
fn staked_to(providers: &[XOnlyPublicKey]) -> Result<StakedTo, InvalidParties> {
    match providers {
        [one] => Ok(StakedTo::Genesis(*one)),
        several => {
            let named = several.iter().enumerate().map(|(chain, key)| (format!("chain-{chain}"), *key));
            ConsumerProviders::new(named).map(StakedTo::Consumers)
        }
    }
}
