//! `stake sign`: signs the pre-signed transactions as the staker.

use std::path::PathBuf;

use anyhow::bail;
use eots::SecretKey;
use finality::SigningContext;
use staking_scripts::delegation::{StakeTransaction, possession_from_json};
use staking_scripts::possession::{AccountAddress, PossessionMessage};
use staking_scripts::psbt::VersionedPsbt;
use staking_scripts::{DelegationError, ProofOfPossession};

use super::print::print_or_write;
use crate::args::argument::{self, Argument};
use crate::args::delegation::DelegationArgs;
use crate::args::files::Files;
use crate::args::input;
use crate::args::possession::possession_message;
use crate::args::psbt;
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::{Printout, warn};
use crate::view::signatures::unasked;

#[derive(clap::Args)]
#[command(
    after_help = "With a key file: --secret-key-file, and --address or --possession. With a wallet: --possession, and --slashing and \
    --unbonding-slashing, the PSBTs of `stake psbts` as it returned them.\n\nBoth slashing transactions are signed as they are in the file, whichever program built them, when they keep the rules: version 1 or 2, and at least the lowest fee. \
    What differs from those drafted here is said in a warning. The signed delegation is printed, or written to --out.\n\nExample:\n  btcstake stake sign --delegation draft.json --params params.json --secret-key-file staker.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// File with the staker's secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile, required_unless_present = "slashing")]
    secret_key_file: Option<SecretKeyPath>,
    /// The account on Babylon Genesis, as the chain writes it: bbn1…
    #[arg(long, requires = "secret_key_file")]
    address: Option<AccountAddress>,
    /// A file with the proof of possession of a wallet, as `pop verify --json` or `pop create --json` prints
    /// it, instead of --address.
    #[arg(
        long,
        value_name = "FILE",
        value_parser = argument::file(possession),
        conflicts_with = "address",
        required_unless_present = "address"
    )]
    possession: Option<Argument<(PossessionMessage, ProofOfPossession)>>,
    /// The PSBT of the stake's slashing transaction that the wallet signed: base64 or hex, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser(), requires_all = ["unbonding_slashing", "possession"], conflicts_with = "secret_key_file")]
    slashing: Option<Argument<VersionedPsbt>>,
    /// The PSBT of the unbonding stake's slashing transaction that the wallet signed: base64 or hex, or
    /// @FILE.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser(), requires = "slashing")]
    unbonding_slashing: Option<Argument<VersionedPsbt>>,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads a proof from a file. The other fields that `pop create` and `pop verify` print are not needed.
fn possession(path: &str) -> anyhow::Result<(PossessionMessage, ProofOfPossession)> {
    Ok(possession_from_json(&input::text_file(path)?)?)
}

/// Names the flag to which an error about a field is due.
fn named(error: DelegationError) -> anyhow::Error {
    let DelegationError::Field { field, cause } = error else { return error.into() };
    let flag = match field {
        "staker" => "--secret-key-file",
        "slashing_transaction" => "--slashing",
        "unbonding_slashing_transaction" => "--unbonding-slashing",
        field => field,
    };
    anyhow::Error::from_boxed(cause).context(flag)
}

impl Args {
    /// Returns the proof that is given, or makes one with the key.
    fn possession(
        &self,
        key: Option<&SecretKey>,
        signing_context: Option<SigningContext>,
    ) -> anyhow::Result<(PossessionMessage, ProofOfPossession)> {
        match (argument::read_optional(self.possession.as_ref())?, key, &self.address) {
            (Some(given), ..) => Ok(given),
            (None, Some(key), Some(address)) => {
                let message = possession_message(address, signing_context)?;
                let proof = ProofOfPossession::create_bip340(key, &message)?;
                Ok((message, proof))
            }
            _ => bail!(
                "--possession is absent; must be the wallet's proof (or --address, with --secret-key-file)"
            ),
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let mut files: Files = self.files.read()?;
        let parameters = files.parameters()?.clone();
        let key = self.secret_key_file.as_ref().map(SecretKeyPath::read).transpose()?;
        let proof = self.possession(key.as_ref(), files.chain.signing_context)?;
        let slashing = argument::read_optional(self.slashing.as_ref())?;
        let unbonding_slashing = argument::read_optional(self.unbonding_slashing.as_ref())?;
        // What is wrong with the file itself is not the signer's fault.
        let (_, mut warnings) = files.presigned()?;
        let delegation = &mut files.delegation;
        match (&key, &slashing, &unbonding_slashing) {
            (Some(key), ..) => delegation.sign_as_staker(key, &parameters).map_err(named)?,
            (None, Some(slashing), Some(later)) => {
                let (slashing, later) = (slashing.psbt(), later.psbt());
                let taken = delegation.take_staker_signatures(slashing, later, &parameters);
                for (transaction, key, path) in taken.map_err(named)? {
                    let flag = match transaction {
                        StakeTransaction::UnbondingSlashing => "--unbonding-slashing",
                        _ => "--slashing",
                    };
                    warnings.extend(unasked(flag, true, &[(key, path)]));
                }
            }
            _ => bail!(
                "no signatures are given; must be --secret-key-file, or --slashing and --unbonding-slashing"
            ),
        }
        delegation.proof_of_possession = Some(proof);
        // What leaves here is what a covenant member will accept.
        files.checked()?;
        // The delegation's JSON has no place for them.
        warnings.iter().for_each(|warning| warn(warning));
        print_or_write(files.delegation, self.out)
    }
}
