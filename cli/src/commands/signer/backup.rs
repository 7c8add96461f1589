//! `signer backup`: copies a signing database, also that of a signer that runs.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::lanes::{LaneOutput, Output as Lanes};
use crate::args::protection::ProtectionArgs;
use crate::args::remote::{RemoteArgs, refused};
use crate::view::output::{CommandOutput, Printout};
use crate::view::text::{line, plain};

#[derive(clap::Args)]
#[command(
    mut_group("store", |group| group.required(false)),
    mut_arg("protection", |arg| arg.required_unless_present_any(["signer", "config"]).conflicts_with("signer")),
    mut_arg("config", |arg| arg.conflicts_with("signer")),
    mut_arg("signer", |arg| arg.requires("out_folder").help(
        "A signer that runs (`btcstake signer start`), which copies its own database: http://127.0.0.1:12582, or \
         https://HOST:PORT"
    )),
    mut_arg("signer_public_key", |arg| arg.hide(true)),
    after_help = "The copy is marked: no command opens it until `signer init` says from which height on, as nobody knows what was signed since.\n\n\
    A database that a signer has open is copied by that signer (--signer), into a folder of its own host. The client needs the operation \
    `backup`.\n\nExamples:\n  btcstake signer backup --protection signing.db --out backup.db\n  \
    btcstake signer backup --signer URL --signer-secret-file operator.secret --out-folder /var/lib/btcstake-signer/backups"
)]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    /// The copy, which must not exist.
    #[arg(long, value_name = "FILE", required_unless_present = "signer", conflicts_with = "signer")]
    out: Option<PathBuf>,
    #[command(flatten)]
    remote: RemoteArgs,
    /// With --signer: the folder of the copy on the signer's own host, an absolute path. It is made in one
    /// that is there, where its name has no point; the signer names the copy, by the time.
    #[arg(long, value_name = "FOLDER", requires = "signer")]
    out_folder: Option<String>,
}

/// A copy of a signing database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The copy; with `--signer`, on the signer's own host.
    pub file: String,
    /// A number that rises with every write; null with `--signer`.
    pub generation: Option<u64>,
    /// The lanes: each a finality provider's key on one chain; null with `--signer` (`signer keys` asks it).
    pub lanes: Option<Vec<LaneOutput>>,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let lanes = self.lanes.iter().flatten().flat_map(LaneOutput::lines);
        lanes.chain([line("copy", plain(&self.file))]).collect::<Vec<_>>().join("\n")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match &self.out_folder {
            Some(folder) => self.copy_remotely(folder),
            None => self.copy(self.out.as_deref().context("--out is absent; must be given")?),
        }
    }

    fn copy(&self, out: &Path) -> anyhow::Result<Printout> {
        let opened = self.protection.open()?;
        let Some(back_up) = &opened.back_up else {
            bail!("the signing database is in PostgreSQL; must be backed up with its own tools (`pg_dump`)");
        };
        back_up.back_up(out).context("--out")?;
        let lanes = opened.store.lanes()?;
        let Lanes { generation, lanes, warnings } = Lanes::of(&*opened.store, &lanes)?;
        let file = out.display().to_string();
        Printout::of(&Output { file, generation: Some(generation), lanes: Some(lanes), warnings })
    }

    /// Has a signer that runs copy its database.
    fn copy_remotely(&self, folder: &str) -> anyhow::Result<Printout> {
        // This host may be of another kind than the signer's, which has the last word.
        let is_absolute = Path::new(folder).has_root();
        ensure!(is_absolute, "--out-folder {folder:?}: must be an absolute path, on the signer's own host");
        let name = self.remote.connect()?.back_up(folder).map_err(refused)?;
        let file = Path::new(folder).join(name).display().to_string();
        Printout::of(&Output { file, generation: None, lanes: None, warnings: Vec::new() })
    }
}
