//! `risk report`: all figures, and a page of them.

use std::path::PathBuf;

use super::page;
use crate::args::new_file::NewFile;
use crate::args::risk::{ReadRisk, RiskArgs};
use crate::view::output::Printout;
use crate::view::risk::RiskReport;

#[derive(clap::Args)]
#[command(
    after_help = "What each figure means, and what it does not, is in docs/risk.md. Where the search ends before a figure is known, it is given between bounds. The page asks for nothing else and runs \
    no scripts; it is written anew where the file is one of its own. Exit code 0 whether an attack pays or not: `risk check` answers that.\n\n\
    Examples:\n  btcstake risk report --input risk.json\n  btcstake risk report --input risk.json --html risk.html\n  btcstake risk report --store watch.db --input values.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    input: RiskArgs,
    /// Write the report as one HTML page too, with plots.
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let ReadRisk { model, stated, height, warnings } = self.input.read()?;
        // A file that cannot be written is told of before the search.
        let file =
            self.html.as_deref().map(|path| NewFile::replace("--html", path, page::MARK)).transpose()?;
        let mut report = RiskReport::of(&model, &stated, height, warnings)?;
        if let Some(file) = file {
            report.written = Some(file.write(&page::page(&model, &report))?);
        }
        Printout::of(&report)
    }
}
