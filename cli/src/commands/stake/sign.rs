//! `stake sign`: the staker's signatures over what is signed in advance.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use bitcoin::Psbt;
use eots::SecretKey;
use serde::Deserialize;
use staking_scripts::{
    AccountAddress, Claim, DelegationError, PossessionField, PossessionKind, ProofOfPossession,
};

use crate::commands::pop::claim;
use crate::commands::tx::psbt;
use crate::files::{self, DelegationArgs};
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "With the key at hand: --secret-key-file, and --address or --possession. With a wallet: --possession, and --slashing and \
    --unbonding-slashing, the PSBTs of `stake psbts` as it returned them.\n\nBoth slashing transactions are computed anew from the other fields and must be those of the file. The signed delegation is printed, \
    or written to --out.\n\nExample:\n  btcstake stake sign --delegation draft.json --params params.json --secret-key-file staker.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// File with the staker's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile, required_unless_present = "slashing")]
    secret_key_file: Option<SecretKey>,
    /// The account on the secured chain, as the chain writes it: bbn1…
    #[arg(long, requires = "secret_key_file")]
    address: Option<AccountAddress>,
    /// A file with the proof of possession, as `pop create --json` prints it, in the place of --address: the
    /// proof that a wallet gave.
    #[arg(long, value_name = "FILE", value_parser = possession, conflicts_with = "address", required_unless_present = "address")]
    possession: Option<PossessionField>,
    /// The PSBT of the stake's slashing transaction that the wallet signed: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = psbt, requires_all = ["unbonding_slashing", "possession"], conflicts_with = "secret_key_file")]
    slashing: Option<Psbt>,
    /// The PSBT of the unbonding stake's slashing transaction that the wallet signed: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = psbt, requires = "slashing")]
    unbonding_slashing: Option<Psbt>,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A proof in a file. What else `pop create` says is not needed.
fn possession(path: &str) -> anyhow::Result<PossessionField> {
    #[derive(Deserialize)]
    struct Given {
        #[serde(rename = "type")]
        kind: PossessionKind,
        address: String,
        signature: String,
        signing_context: Option<String>,
    }
    let Given { kind, address, signature, signing_context } = serde_json::from_str(&input::text_file(path)?)?;
    Ok(PossessionField { kind, address, signature, signing_context })
}

/// The flag to which an error about a field is due.
fn named(error: DelegationError) -> anyhow::Error {
    let DelegationError::Field { field, reason } = error else { return error.into() };
    let flag = match field {
        "staker" => "--secret-key-file",
        "slashing_transaction" => "--slashing",
        "unbonding_slashing_transaction" => "--unbonding-slashing",
        "proof_of_possession" => "--possession",
        field => field,
    };
    anyhow!("{flag}: {reason}")
}

impl Args {
    /// The proof that is given, or one made with the key.
    fn possession(&self) -> anyhow::Result<(Claim, ProofOfPossession)> {
        match (&self.possession, &self.secret_key_file, &self.address) {
            (Some(given), ..) => given.read().map_err(named),
            (None, Some(key), Some(address)) => {
                let claim = claim(address, self.files.chain.signing_context)?;
                let proof = ProofOfPossession::create_bip340(key, &claim);
                Ok((claim, proof))
            }
            _ => bail!(
                "--possession is needed, the proof that the wallet gave; with --secret-key-file, --address will do"
            ),
        }
    }

    pub(crate) fn run(mut self) -> anyhow::Result<Output> {
        let parameters = self.files.parameters()?.clone();
        let proof = self.possession()?;
        let delegation = &mut self.files.delegation;
        // What is wrong with the file itself is not the signer's fault.
        delegation.planned(&parameters).context("--delegation")?;
        match (&self.secret_key_file, &self.slashing, &self.unbonding_slashing) {
            (Some(key), ..) => delegation.sign_as_staker(key, &proof, &parameters).map_err(named)?,
            (None, Some(slashing), Some(later)) => {
                delegation.take_staker_signatures(slashing, later, &proof, &parameters).map_err(named)?;
            }
            _ => bail!("--secret-key-file, or --slashing and --unbonding-slashing, are needed"),
        }
        // What leaves here is what a covenant member will accept.
        self.files.accepted()?;
        finish(&self.files.delegation.to_json(), self.out, &self.files.delegation)
    }
}

/// Prints a delegation, or writes it to a file.
pub(super) fn finish(
    text: &str,
    out: Option<PathBuf>,
    delegation: &staking_scripts::DelegationFile,
) -> anyhow::Result<Output> {
    match out {
        None => Output::new(text, delegation),
        Some(path) => {
            let path = files::write_new(&path, text)?;
            Output::new(format!("written to {path}"), delegation)
        }
    }
}
