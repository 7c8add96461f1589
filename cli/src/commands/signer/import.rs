//! `signer import`: takes over records and watermarks of another signer.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use signer::import::{self, Database};
use signer::interchange::{Interchange, LaneHistory};
use signer::protection::HeightRange;

use super::lanes::Output;
use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::protection::{ProtectionArgs, height_range};
use crate::args::secret::shown_path;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "Both sides are merged to the stricter: low watermarks rise to the highest height that the file brings, and records that are here stay. The \
    other signer must not sign any more: the database of a daemon that runs is refused. Exit code 1 when the file has another message at a height than the record here: both were signed.\n\nExample:\n  \
    btcstake signer import --protection signing.db --file records.json"
)]
#[group(id = "records", required = true, multiple = false, args = ["file", "eotsd_database"])]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    /// What `signer export` wrote; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = argument::file(interchange))]
    file: Option<Argument<Interchange>>,
    /// The database of the reference daemon (eotsd), which must not run.
    #[arg(long, value_name = "FILE")]
    eotsd_database: Option<PathBuf>,
    /// Heights whose randomness the other signer has committed to (once for each range), of a file with one
    /// key on one chain: votes for them are signed.
    #[arg(long, value_name = "FIRST:LAST", value_parser = height_range)]
    committed: Vec<HeightRange>,
}

fn interchange(path: &str) -> anyhow::Result<Interchange> {
    Ok(Interchange::from_json(&input::text_file(path)?)?)
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (mut warnings, mut database) = (Vec::new(), None);
        let mut brought = match (&self.file, &self.eotsd_database) {
            (_, Some(path)) => {
                let name = || format!("--eotsd-database {}", shown_path(&path.to_string_lossy()));
                let found = database.insert(Database::open(path).with_context(name)?);
                warnings.extend(found.damaged_meta().map(|fault| {
                    format!(
                        "{}: its other meta page is damaged ({fault}); the last record may be missing",
                        name()
                    )
                }));
                import::interchange(found).with_context(name)?
            }
            (Some(file), None) => file.read().with_context(|| file.name())?,
            (None, None) => anyhow::bail!("--file is absent; must be given, or --eotsd-database"),
        };
        if !self.committed.is_empty() {
            let count = brought.lanes.len();
            let [only] = brought.lanes.as_mut_slice() else {
                anyhow::bail!(
                    "--committed is given, and the file has {count} keys on chains; must have 1 (without it here, \
                     `signer init … --committed FIRST:LAST` says it for each key on each chain)"
                );
            };
            only.committed.extend(self.committed);
        }
        ensure!(!brought.lanes.is_empty(), "the file has no record and no watermark; must have one");
        if self.file.is_some() {
            let unstopped = brought.lanes.iter().filter(|lane| lane.watermarks.high.is_none());
            warnings.extend(unstopped.map(|LaneHistory { lane, .. }| {
                format!("the file has no high watermark of {lane}: the signer that it comes from may sign on")
            }));
        }
        let store = self.protection.open()?.store;
        let merged = brought.import(&*store)?;
        // Its lock is kept until the records are here.
        drop(database);
        let (lanes, changed): (Vec<_>, Vec<_>) = merged.into_iter().unzip();
        for (lane, changed) in lanes.iter().zip(&changed) {
            warnings.extend(changed.contradicted.iter().map(|height| {
                format!(
                    "two messages were signed at height {height} by {lane}: whoever has both signatures has the secret key; stop signing with it"
                )
            }));
        }
        let output = Output::of(&*store, &lanes)?.with(&changed);
        Printout::of(&Output { warnings, ..output })
    }
}
