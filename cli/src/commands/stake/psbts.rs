//! `stake psbts`: prints the PSBTs that the staker's wallet signs.

use std::path::{Path, PathBuf};

use bitcoin::Psbt;
use serde::{Deserialize, Serialize};
use staking_scripts::LeafTransaction;

use crate::args::delegation::DelegationArgs;
use crate::args::new_file::NewFile;
use crate::args::psbt::{OriginArgs, PsbtFormatArgs};
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Two lines, of base64 unless --format is hex: the slashing transaction of the stake, then that of the unbonding output; with --out mine, they are written to the files \
    mine.slashing.psbt and mine.unbonding-slashing.psbt. Both are as the delegation has them, whichever program built them, and keep the rules: version 1 or 2, and at least the lowest fee. What differs from those drafted here is said in a warning. When the wallet has signed them, \
    `stake sign --slashing @FILE --unbonding-slashing @FILE` takes them back.\n\n\
    Example:\n  btcstake stake psbts --delegation draft.json --params params.json --out mine"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    origins: OriginArgs,
    /// The prefix of two files, which must not exist: PREFIX.slashing.psbt and
    /// PREFIX.unbonding-slashing.psbt.
    #[arg(long, value_name = "PREFIX")]
    out: Option<PathBuf>,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

/// The PSBTs that the staker's wallet signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The slashing transaction of the stake, as a PSBT in base64 or as --format says.
    pub slashing_psbt: String,
    /// The slashing transaction of the unbonding output, as a PSBT in base64 or as --format says.
    pub unbonding_slashing_psbt: String,
    /// The files that they were written to.
    #[serde(skip)]
    written: Option<[String; 2]>,
    /// Warnings: what differs from the slashing transactions that are drafted here.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match &self.written {
            None => format!("{}\n{}", self.slashing_psbt, self.unbonding_slashing_psbt),
            Some([slashing, unbonding_slashing]) => format!("written to {slashing} and {unbonding_slashing}"),
        }
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read()?;
        let (mut presigned, warnings) = files.presigned()?;
        for (key, source) in self.origins.iter() {
            presigned.slashing.add_key_origin(key, source);
            presigned.unbonding_slashing.add_key_origin(key, source);
        }
        let text = |psbt: &Psbt| self.format.form().text(&psbt.clone().into());
        let slashing_psbt = text(presigned.slashing.psbt())?;
        let unbonding_slashing_psbt = text(presigned.unbonding_slashing.psbt())?;
        let written = match &self.out {
            None => None,
            Some(prefix) => {
                let begin = |ending| NewFile::begin("--out", &with_ending(prefix, ending));
                let (first, second) = (begin(".slashing.psbt")?, begin(".unbonding-slashing.psbt")?);
                let first = first.write(&format!("{slashing_psbt}\n"))?;
                Some([first, second.write(&format!("{unbonding_slashing_psbt}\n"))?])
            }
        };
        Printout::of(&Output { slashing_psbt, unbonding_slashing_psbt, written, warnings })
    }
}
