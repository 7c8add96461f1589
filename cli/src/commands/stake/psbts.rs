//! `stake psbts`: what the staker's wallet signs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::commands::tx::OriginArgs;
use crate::files::DelegationArgs;
use crate::new_file::NewFile;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Two lines of base64: the slashing transaction of the stake, then that of the unbonding stake; with --out mine, they go into the files \
    mine.slashing.psbt and mine.unbonding-slashing.psbt. Both are computed anew from the other fields. When the wallet has signed them, \
    `stake sign --slashing @FILE --unbonding-slashing @FILE` takes them back.\n\n\
    Example:\n  btcstake stake psbts --delegation draft.json --params params.json --out mine"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    origins: OriginArgs,
    /// What the names of two files begin with, which must not exist: PREFIX.slashing.psbt and
    /// PREFIX.unbonding-slashing.psbt.
    #[arg(long, value_name = "PREFIX")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Fields {
    slashing: String,
    unbonding_slashing: String,
}

fn with_ending(prefix: &Path, ending: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let mut planned = self.files.delegation.planned(self.files.parameters()?).context("--delegation")?;
        for (key, source) in self.origins.iter() {
            planned.slashing.add_key_origin(key, source);
            planned.unbonding_slashing.add_key_origin(key, source);
        }
        let fields = Fields {
            slashing: planned.slashing.psbt().to_string(),
            unbonding_slashing: planned.unbonding_slashing.psbt().to_string(),
        };
        let text = match &self.out {
            None => format!("{}\n{}", fields.slashing, fields.unbonding_slashing),
            Some(prefix) => {
                let begin = |ending| NewFile::begin("--out", &with_ending(prefix, ending));
                let (slashing, later) = (begin(".slashing.psbt")?, begin(".unbonding-slashing.psbt")?);
                let slashing = slashing.write(&format!("{}\n", fields.slashing))?;
                let later = later.write(&format!("{}\n", fields.unbonding_slashing))?;
                format!("written to {slashing} and {later}")
            }
        };
        Output::new(text, &fields)
    }
}
