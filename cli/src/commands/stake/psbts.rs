//! `stake psbts`: what the staker's wallet signs.

use serde::Serialize;

use crate::commands::tx::OriginArgs;
use crate::files::DelegationArgs;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Two lines of base64: the slashing transaction of the stake, then that of the unbonding stake. Both are computed anew from the other \
    fields. `stake sign --slashing --unbonding-slashing` takes them back.\n\nExample:\n  btcstake stake psbts --delegation draft.json --params params.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

#[derive(Serialize)]
struct Fields {
    slashing: String,
    unbonding_slashing: String,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let mut planned = self.files.delegation.planned(self.files.parameters()?)?;
        for (key, source) in self.origins.iter() {
            planned.slashing.add_key_origin(key, source);
            planned.unbonding_slashing.add_key_origin(key, source);
        }
        let fields = Fields {
            slashing: planned.slashing.psbt().to_string(),
            unbonding_slashing: planned.unbonding_slashing.psbt().to_string(),
        };
        Output::new(format!("{}\n{}", fields.slashing, fields.unbonding_slashing), &fields)
    }
}
