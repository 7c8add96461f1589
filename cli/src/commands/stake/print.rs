//! The output of the commands that change a delegation.

use std::path::PathBuf;

use staking_scripts::Delegation;

use crate::args::delegation::write_new;
use crate::view::delegation::DelegationOutput;
use crate::view::output::Printout;

/// Prints a delegation, or writes it to a new file.
pub(super) fn print_or_write(delegation: Delegation, out: Option<PathBuf>) -> anyhow::Result<Printout> {
    print_or_write_with(delegation, out, Vec::new())
}

/// Does so with warnings, which are for people: a delegation's JSON has no place for them.
pub(super) fn print_or_write_with(
    delegation: Delegation,
    out: Option<PathBuf>,
    warnings: Vec<String>,
) -> anyhow::Result<Printout> {
    let written = out.map(|path| write_new(&path, &delegation.to_json())).transpose()?;
    Printout::of(&DelegationOutput::new(delegation, written).with_warnings(warnings))
}
