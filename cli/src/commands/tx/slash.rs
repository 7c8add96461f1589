//! `tx slash`: a slashing transaction, completed.

use eots::SecretKey;
use staking_scripts::CovenantAnswer;

use super::built::Fields;
use crate::files::DelegationArgs;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The key is what `eots extract` printed. The covenant's adaptor signatures in the delegation are decrypted with it, and the staker's \
    signature is there already.\n\nExample:\n  btcstake tx slash --delegation verified.json --params params.json --provider-key-file provider.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// File with the extracted secret key of one of the stake's finality providers, 64 hex digits; - is
    /// standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    provider_key_file: SecretKey,
    /// Slash the unbonding output, when the stake has been unbonded already.
    #[arg(long)]
    unbonding: bool,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let accepted = self.files.accepted()?;
        let request = self.files.delegation.request()?;
        let answers: Vec<_> =
            self.files.delegation.covenant_answers.iter().map(CovenantAnswer::from).collect();
        let (slashing, staker, covenant): (_, _, Vec<_>) = if self.unbonding {
            let covenant = answers.into_iter().map(|answer| answer.unbonding_slashing).collect();
            (accepted.unbonding_slashing(), request.unbonding_slashing.staker, covenant)
        } else {
            let covenant = answers.into_iter().map(|answer| answer.slashing).collect();
            (accepted.slashing(), request.slashing.staker, covenant)
        };
        let transaction = slashing.slash(&staker, &covenant, &self.provider_key_file)?;
        Fields::finished(slashing.psbt(), &transaction, slashing.fee()).output()
    }
}
