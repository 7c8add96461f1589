#![doc = include_str!("../README.md")]

mod args;
mod commands;
pub mod demo;
pub mod outputs;
#[cfg(feature = "signer")]
mod process;
#[cfg(all(feature = "babylon", feature = "signer"))]
mod running;
mod view;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::commands::Command;
use crate::view::output;
pub use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::violation::Refused;

/// Bitcoin staking from the command line, for stakers, finality providers, covenant members and watchtowers.
///
/// A byte argument is hex, or @FILE for the raw bytes of a file, or - for standard input. Secrets are read
/// from files only.
#[derive(Parser)]
#[command(
    name = "btcstake",
    version,
    max_term_width = 120,
    after_help = "A stake begins with `tx stake`, which writes its delegation: the JSON file that the staker signs (`stake sign`), covenant members sign \
    (`covenant sign`, `stake add`), and every later step reads. Most steps also read a parameters file: the parameters of Babylon Genesis for stakes \
    (`params show --network mainnet --all --json` writes one). The README goes through all of it in one block for the shell.\n\n\
    Exit codes: 0 when it is done or valid, 1 for a negative answer (not valid, refused, rejected), 2 for wrong usage or a failure."
)]
struct Cli {
    /// Print exactly one JSON object.
    #[arg(long, global = true)]
    json: bool,
    /// Read key files that others than their owner may read.
    #[arg(long, global = true)]
    allow_loose_permissions: bool,
    #[cfg(feature = "signer")]
    #[command(flatten)]
    keystore: args::keystore::KeystoreArgs,

    #[command(subcommand)]
    command: Command,
}

/// Returns the whole command line as clap knows it: for completions, and for tests that read the help.
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the command line with these arguments, the program's name first, and prints its output.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    #[cfg(feature = "watch")]
    let args = match args::config_file::with_file(Cli::command, ("watch", "run"), args) {
        Ok(args) => args,
        Err(error) => return output::print_failure(&error),
    };
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no failures. Where printing fails nothing is left
            // to do.
            let _printed = if error.use_stderr() {
                // It may name a secret that was given in a wrong place.
                let shown = args::secret::hide_secrets(&error.render().to_string());
                write!(std::io::stderr(), "{}", args::secret::hide_mnemonics(&shown))
            } else {
                error.print()
            };
            return if error.use_stderr() { ExitCode::from(output::FAILED) } else { ExitCode::SUCCESS };
        }
    };
    if cli.allow_loose_permissions {
        args::secret::allow_loose_permissions();
    }
    #[cfg(feature = "signer")]
    if let Err(error) = cli.keystore.give() {
        return output::print_failure(&error);
    }
    match cli.command.run(command_line, cli.json) {
        Ok(output) => output.print(cli.json),
        Err(error) => match error.downcast::<Refused>().map(|refused| Printout::of(&refused)) {
            Ok(Ok(refused)) => refused.print(cli.json),
            Ok(Err(error)) | Err(error) => output::print_failure(&error),
        },
    }
}
