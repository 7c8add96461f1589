//! `btcstake`: see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    btcstake::run(std::env::args_os())
}
