//! `signer keys`: what a signer that runs knows.

use serde::{Deserialize, Serialize};
use signer::client::{RemoteKey, RemoteSigner};

use super::lanes::{LaneOutput, shown_chain};
use crate::args::remote::{RemoteArgs, refused};
use crate::view::output::{CommandOutput, Printout};
use crate::view::text::{BAD, STRONG, line, plain};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake signer keys --signer URL --signer-secret-file operator.secret")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: RemoteArgs,
}

/// The keys of a signer that this client may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The keys.
    pub keys: Vec<KeyOutput>,
}

/// A key of a signer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyOutput {
    /// Its name.
    pub name: String,
    /// The public key.
    pub public_key: String,
    /// Whether it signs.
    pub unlocked: bool,
    /// The chains whose lane the signing database knows.
    pub lanes: Vec<LaneOutput>,
    /// The chains on which it signs nothing, as nobody registered it there (`signer init`), in hex.
    pub unregistered_chain_ids_hex: Vec<String>,
}

impl KeyOutput {
    fn new(key: &RemoteKey) -> Self {
        let (known, unknown): (Vec<_>, Vec<_>) = key.lanes.iter().partition(|lane| lane.registered);
        Self {
            name: key.name.clone(),
            public_key: key.public_key.to_string(),
            unlocked: key.unlocked,
            lanes: known.iter().map(|lane| LaneOutput::new(&lane.lane, &lane.state)).collect(),
            unregistered_chain_ids_hex: unknown.iter().map(|lane| hex::encode(&lane.lane.chain_id)).collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let state = if self.unlocked { String::new() } else { format!("  {BAD}locked{BAD:#}") };
        let mut lines = vec![format!("{STRONG}{}{STRONG:#}  {}{state}", plain(&self.name), self.public_key)];
        lines.extend(self.lanes.iter().flat_map(LaneOutput::lines));
        let unknown = self.unregistered_chain_ids_hex.iter();
        lines.extend(unknown.map(|chain| line("not registered", shown_chain(chain))));
        lines
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        if self.keys.is_empty() {
            return "no key".to_owned();
        }
        self.keys.iter().flat_map(KeyOutput::lines).collect::<Vec<_>>().join("\n")
    }
}

impl Output {
    /// Asks a signer.
    pub(super) fn of(remote: &RemoteSigner) -> anyhow::Result<Self> {
        let keys = remote.status().map_err(refused)?;
        Ok(Self { keys: keys.iter().map(KeyOutput::new).collect() })
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        Printout::of(&Output::of(&self.remote.connect()?)?)
    }
}
