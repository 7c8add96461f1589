//! The outputs of the commands, which `--json` prints.

pub use crate::args::risk::{RiskInput, RiskInputChain, RiskInputProvider};
pub use crate::commands::adaptor::decrypt::Output as AdaptorDecrypt;
pub use crate::commands::adaptor::recover::Output as AdaptorRecover;
pub use crate::commands::adaptor::sign::Output as AdaptorSign;
pub use crate::commands::anchor::explain::Output as AnchorExplain;
pub use crate::commands::anchor::finality::{FinalKeystone, KeystonePlace, Output as AnchorFinality};
pub use crate::commands::anchor::publish::Output as AnchorPublish;
pub use crate::commands::anchor::restore::{AnchorShown, DivergenceShown, Output as AnchorRestore};
pub use crate::commands::anchor::scan::{Output as AnchorScan, ScannedBlock, ScannedMark};
pub use crate::commands::broadcast::Output as Broadcast;
#[cfg(feature = "babylon")]
pub use crate::commands::checkpoint::headers::{Output as CheckpointHeaders, ToldHeaders};
#[cfg(feature = "babylon")]
pub use crate::commands::checkpoint::show::Output as CheckpointShow;
#[cfg(feature = "babylon")]
pub use crate::commands::checkpoint::status::{EpochStatus, NotCounted, Output as CheckpointStatus};
#[cfg(feature = "babylon")]
pub use crate::commands::checkpoint::verify::Output as CheckpointVerify;
pub use crate::commands::completions::Output as Completions;
#[cfg(all(feature = "babylon", feature = "signer"))]
pub use crate::commands::covenant::run::Output as CovenantRun;
pub use crate::commands::covenant::sign::{
    Line as CovenantSignLine, Output as CovenantSign, Signed as CovenantSigned,
};
pub use crate::commands::descriptor::{Output as Descriptor, Recognized as RecognizedDescriptor};
pub use crate::commands::eots::commit::Output as EotsCommit;
pub use crate::commands::eots::context::Output as EotsContext;
pub use crate::commands::eots::extract::Output as EotsExtract;
pub use crate::commands::eots::prove::Output as EotsProve;
pub use crate::commands::eots::randomness::Output as EotsRandomness;
pub use crate::commands::eots::sign::Output as EotsSign;
pub use crate::commands::eots::verify_batch::Output as EotsVerifyBatch;
#[cfg(feature = "babylon")]
pub use crate::commands::eots::vote::Output as EotsVote;
#[cfg(feature = "signer")]
pub use crate::commands::key::export::Output as KeyExport;
#[cfg(feature = "signer")]
pub use crate::commands::key::list::{NamedKey, Output as KeyList};
pub use crate::commands::key::public_key::Output as Key;
pub use crate::commands::params::check::{Output as ParamsCheck, VersionViolation};
pub use crate::commands::params::file::{
    Live as LiveFields, LiveFile, Numbered as NumberedLive, Phase1 as Phase1Fields, Phase1File,
};
pub use crate::commands::params::show::Output as ParamsShow;
pub use crate::commands::pop::create::Output as PopCreate;
pub use crate::commands::pop::verify::{Output as PopVerify, PossessionRecord};
#[cfg(all(feature = "babylon", feature = "signer"))]
pub use crate::commands::provider::run::Output as ProviderRun;
pub use crate::commands::psbt::check::{
    InputSignature, MissingSignature, Output as PsbtCheck, Quorum as PsbtQuorum,
};
pub use crate::commands::psbt::combine::Output as PsbtCombine;
pub use crate::commands::psbt::sign::Output as PsbtSign;
pub use crate::commands::risk::check::Output as RiskCheck;
#[cfg(feature = "signer")]
pub use crate::commands::signer::backup::Output as SignerBackup;
#[cfg(feature = "signer")]
pub use crate::commands::signer::config::Output as SignerConfig;
#[cfg(feature = "signer")]
pub use crate::commands::signer::keys::{KeyOutput as SignerKey, Output as SignerKeys};
#[cfg(feature = "signer")]
pub use crate::commands::signer::lanes::{LaneOutput as SignerLane, Output as SignerLanes};
#[cfg(feature = "signer")]
pub use crate::commands::signer::start::Output as SignerStart;
#[cfg(feature = "signer")]
pub use crate::commands::signer::unlocked::Output as SignerUnlocked;
pub use crate::commands::stake::check::Output as StakeCheck;
pub use crate::commands::stake::include::Output as StakeInclude;
pub use crate::commands::stake::psbts::Output as StakePsbts;
pub use crate::commands::status::{Output as Status, SpentBy};
pub use crate::commands::tx::explain::fields::{Output as TxExplain, SpentInput, StakeOutput, UnderVersion};
pub use crate::commands::tx::explain::known::InDelegation;
#[cfg(feature = "watch")]
pub use crate::commands::watch::add::Output as WatchAdd;
#[cfg(feature = "watch")]
pub use crate::commands::watch::evidence::Output as WatchEvidence;
#[cfg(feature = "watch")]
pub use crate::commands::watch::list::Output as WatchList;
#[cfg(feature = "watch")]
pub use crate::commands::watch::replay::Output as WatchReplay;
#[cfg(feature = "watch")]
pub use crate::commands::watch::report::Output as WatchReport;
#[cfg(feature = "watch")]
pub use crate::commands::watch::run::Output as WatchRun;
#[cfg(feature = "watch")]
pub use crate::commands::watch::show::Output as WatchShow;
#[cfg(feature = "watch")]
pub use crate::commands::watch::stats::{Output as WatchStats, ProviderStats as WatchProviderStats};
#[cfg(feature = "watch")]
pub use crate::commands::watch::view::{SpentBy as WatchSpentBy, StakeLine as WatchStake};
pub use crate::demo::{Output as Demo, ScenarioReport as DemoScenario, Step as DemoStep};
#[cfg(feature = "babylon")]
pub use crate::view::checkpoint::CheckpointPart;
pub use crate::view::delegation::DelegationOutput;
pub use crate::view::marks::{FieldValue, FormatCount, KnownMark, MarkData, MarkField};
pub use crate::view::parameters::{LiveVersion, Phase1Version};
pub use crate::view::payment::{PaymentInput, PaymentOutput};
pub use crate::view::risk::{
    ChainPower, ChainRisk, ConcentrationFigures, CurvePoint, FigureBounds, OneMoreChain, OperatorFall,
    PowerCost, ProviderRisk, RiskAttack, RiskReport, RiskSecurity, RiskVerdict, SatBounds, TopShare,
};
#[cfg(feature = "babylon")]
pub use crate::view::sent::{Output as Sent, SentTransaction, UnsignedTransaction};
pub use crate::view::taproot::OutputScripts;
pub use crate::view::transaction::BuiltTransaction;
pub use crate::view::verdict::Verdict;
pub use crate::view::violation::{Refused, Violation};

#[cfg(feature = "schema")]
pub use self::shapes::{SHAPES, Shape};

/// The schemas, which the tests compare with those in `schemas`.
#[cfg(feature = "schema")]
mod shapes {
    use schemars::generate::SchemaSettings;
    use schemars::{JsonSchema, Schema};
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::{
        AdaptorDecrypt, AdaptorRecover, AdaptorSign, AnchorExplain, AnchorFinality, AnchorPublish,
        AnchorRestore, AnchorScan, Broadcast, BuiltTransaction, Completions, CovenantSign, CovenantSignLine,
        DelegationOutput, Demo, Descriptor, EotsCommit, EotsContext, EotsExtract, EotsProve, EotsRandomness,
        EotsSign, EotsVerifyBatch, Key, OutputScripts, ParamsCheck, ParamsShow, PopCreate, PopVerify,
        PsbtCheck, PsbtCombine, PsbtSign, Refused, RiskCheck, RiskInput, RiskReport, StakeCheck,
        StakeInclude, StakePsbts, Status, TxExplain, Verdict,
    };

    /// The output of a command: its reader and its schema.
    #[derive(Debug, Clone, Copy)]
    pub struct Shape {
        /// The command's words, such as `tx stake`.
        pub command: &'static str,
        /// Reads a JSON object as the output, and writes it again.
        pub read: fn(Value) -> serde_json::Result<Value>,
        /// Generates the schema; a delegation has one of its own in `staking-scripts`.
        pub schema: Option<fn() -> Schema>,
    }

    const fn shape<T: JsonSchema + DeserializeOwned + serde::Serialize>(command: &'static str) -> Shape {
        Shape { command, read: read::<T>, schema: Some(schema::<T>) }
    }

    const fn delegation<T: DeserializeOwned + serde::Serialize>(command: &'static str) -> Shape {
        Shape { command, read: read::<T>, schema: None }
    }

    fn read<T: DeserializeOwned + serde::Serialize>(value: Value) -> serde_json::Result<Value> {
        serde_json::to_value(serde_json::from_value::<T>(value)?)
    }

    fn schema<T: JsonSchema>() -> Schema {
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
    }

    /// The outputs of every command, by the words of the command. `covenant sign` prints the lines of
    /// `covenant sign (several)` for several delegations; commands that need a stake which breaks no rule
    /// print `(refused)` in place of their own.
    pub const SHAPES: &[Shape] = &[
        shape::<AdaptorDecrypt>("adaptor decrypt"),
        shape::<AdaptorRecover>("adaptor recover"),
        shape::<AdaptorSign>("adaptor sign"),
        shape::<Verdict>("adaptor verify"),
        shape::<AnchorExplain>("anchor explain"),
        shape::<AnchorFinality>("anchor finality"),
        shape::<AnchorPublish>("anchor publish"),
        shape::<AnchorRestore>("anchor restore"),
        shape::<AnchorScan>("anchor scan"),
        shape::<Broadcast>("broadcast"),
        #[cfg(feature = "babylon")]
        shape::<super::CheckpointHeaders>("checkpoint headers"),
        #[cfg(feature = "babylon")]
        shape::<super::CheckpointShow>("checkpoint show"),
        #[cfg(feature = "babylon")]
        shape::<super::CheckpointStatus>("checkpoint status"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("checkpoint submit"),
        #[cfg(feature = "babylon")]
        shape::<super::CheckpointVerify>("checkpoint verify"),
        shape::<Completions>("completions"),
        shape::<Verdict>("covenant check"),
        #[cfg(all(feature = "babylon", feature = "signer"))]
        shape::<super::CovenantRun>("covenant run"),
        shape::<CovenantSign>("covenant sign"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("covenant submit"),
        shape::<Demo>("demo"),
        shape::<Descriptor>("descriptor"),
        shape::<Verdict>("eots check-commitment"),
        shape::<Verdict>("eots check-proof"),
        shape::<EotsCommit>("eots commit"),
        shape::<EotsContext>("eots context"),
        shape::<EotsExtract>("eots extract"),
        shape::<EotsProve>("eots prove"),
        shape::<EotsRandomness>("eots randomness"),
        shape::<EotsSign>("eots sign"),
        #[cfg(feature = "babylon")]
        shape::<super::EotsVote>("eots vote"),
        shape::<Verdict>("eots verify"),
        shape::<EotsVerifyBatch>("eots verify-batch"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("evidence submit"),
        #[cfg(feature = "signer")]
        shape::<super::KeyExport>("key export"),
        #[cfg(feature = "signer")]
        shape::<Key>("key import"),
        #[cfg(feature = "signer")]
        shape::<super::KeyList>("key list"),
        shape::<Key>("key new"),
        #[cfg(feature = "signer")]
        shape::<Key>("key restore"),
        shape::<Key>("key show"),
        shape::<ParamsCheck>("params check"),
        shape::<ParamsShow>("params show"),
        shape::<PopCreate>("pop create"),
        shape::<PopVerify>("pop verify"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("provider commit"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("provider edit"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("provider register"),
        #[cfg(all(feature = "babylon", feature = "signer"))]
        shape::<super::ProviderRun>("provider run"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("provider unjail"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("provider vote"),
        shape::<PsbtCheck>("psbt check"),
        shape::<PsbtCombine>("psbt combine"),
        shape::<BuiltTransaction>("psbt finalize"),
        shape::<PsbtSign>("psbt sign"),
        shape::<RiskCheck>("risk check"),
        shape::<RiskInput>("risk example"),
        shape::<RiskReport>("risk report"),
        shape::<OutputScripts>("script slashing-refund"),
        shape::<OutputScripts>("script staking"),
        shape::<OutputScripts>("script unbonding"),
        #[cfg(feature = "signer")]
        shape::<super::SignerBackup>("signer backup"),
        #[cfg(feature = "signer")]
        shape::<super::SignerConfig>("signer config"),
        #[cfg(feature = "signer")]
        shape::<super::SignerLanes>("signer export"),
        #[cfg(feature = "signer")]
        shape::<super::SignerLanes>("signer import"),
        #[cfg(feature = "signer")]
        shape::<super::SignerLanes>("signer init"),
        #[cfg(feature = "signer")]
        shape::<super::SignerKeys>("signer keys"),
        #[cfg(feature = "signer")]
        shape::<super::SignerUnlocked>("signer lock"),
        #[cfg(feature = "signer")]
        shape::<super::SignerLanes>("signer prune"),
        #[cfg(feature = "signer")]
        shape::<super::SignerStart>("signer start"),
        #[cfg(feature = "signer")]
        shape::<super::SignerLanes>("signer status"),
        #[cfg(feature = "signer")]
        shape::<super::SignerUnlocked>("signer unlock"),
        #[cfg(feature = "signer")]
        shape::<super::SignerLanes>("signer watermark"),
        shape::<StakeCheck>("stake check"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("stake register"),
        #[cfg(feature = "babylon")]
        shape::<super::Sent>("stake undelegate"),
        shape::<StakePsbts>("stake psbts"),
        shape::<Status>("status"),
        shape::<BuiltTransaction>("tx bump"),
        shape::<BuiltTransaction>("tx extend"),
        shape::<BuiltTransaction>("tx slash"),
        shape::<BuiltTransaction>("tx stake"),
        shape::<BuiltTransaction>("tx unbond"),
        shape::<BuiltTransaction>("tx withdraw"),
        shape::<BuiltTransaction>("tx withdraw-phase1"),
        shape::<TxExplain>("tx explain"),
        shape::<CovenantSignLine>("covenant sign (several)"),
        shape::<Refused>("(refused)"),
        delegation::<DelegationOutput>("stake add"),
        delegation::<StakeInclude>("stake include"),
        delegation::<DelegationOutput>("stake phase1"),
        delegation::<DelegationOutput>("stake sign"),
        #[cfg(feature = "watch")]
        shape::<super::WatchAdd>("watch add"),
        #[cfg(feature = "watch")]
        shape::<super::WatchEvidence>("watch evidence"),
        #[cfg(feature = "watch")]
        shape::<super::WatchList>("watch list"),
        #[cfg(feature = "watch")]
        shape::<super::WatchReplay>("watch replay"),
        #[cfg(feature = "watch")]
        shape::<super::WatchReport>("watch report"),
        #[cfg(feature = "watch")]
        shape::<super::WatchRun>("watch run"),
        #[cfg(feature = "watch")]
        shape::<super::WatchShow>("watch show"),
        #[cfg(feature = "watch")]
        shape::<super::WatchStats>("watch stats"),
    ];
}
