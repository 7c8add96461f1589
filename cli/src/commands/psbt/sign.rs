//! `psbt sign`: signs as the staker, on a machine that has only the PSBT and the key.

use std::io::Write;

use anyhow::Context;
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, ScriptBuf, XOnlyPublicKey};
use serde::{Deserialize, Serialize};
use staking_scripts::explain::explain_psbt;
use staking_scripts::psbt::{PaymentSummary, VersionedPsbt, sign_psbt, summarize_psbt};

use crate::args::argument::Argument;
use crate::args::money;
use crate::args::network::NetworkName;
use crate::args::psbt::{self, PsbtFormatArgs};
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::{CommandOutput, Printout};
use crate::view::payment::{Payment, PaymentInput, PaymentOutput};
use crate::view::signatures::{check_weight, passed_on, remarks};
use crate::view::text::{BAD, STRONG};
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "Signs the inputs whose one offered leaf has the key as its staker, and coins that pay to the key's own Taproot address; the other inputs are left as they are. Nothing is signed \
    as a covenant member (`btcstake covenant sign` checks what it signs) or as a finality provider. What it spends and pays, and to whom, is printed to standard error before anything is signed; --expect-to and --expect-change pin it for a script.\n\n\
    Example:\n  btcstake psbt sign --psbt @unbonding.psbt --secret-key-file staker.key"
)]
pub(crate) struct Args {
    /// The PSBT, of version 0 or 2: base64 or hex, or @FILE of either or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser())]
    psbt: Argument<VersionedPsbt>,
    /// File with the secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    /// The Bitcoin network of the addresses.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    /// An address that must be paid. With this or --expect-change, nothing is signed that pays to any other
    /// address but outputs of the key's own stake; may be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = money::address)]
    expect_to: Vec<Address<NetworkUnchecked>>,
    /// An address that change may go to; may be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = money::address)]
    expect_change: Vec<Address<NetworkUnchecked>>,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

/// The PSBT with more signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The PSBT, in base64 or as --format says.
    pub psbt: String,
    /// How many inputs were signed.
    pub signed_inputs: usize,
    /// What the inputs spend.
    pub inputs: Vec<PaymentInput>,
    /// What the outputs pay, and to whom.
    pub outputs: Vec<PaymentOutput>,
    /// The fee in satoshis.
    pub fee_sat: Option<u64>,
    /// The fee rate in satoshis for 1000 virtual bytes, with all witnesses.
    pub fee_rate_sat_per_kvb: Option<u64>,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.psbt.clone()
    }
}

impl Args {
    /// Refuses outputs that are not expected, when something is.
    fn check_expected(&self, summary: &PaymentSummary, key: &XOnlyPublicKey) -> anyhow::Result<()> {
        if self.expect_to.is_empty() && self.expect_change.is_empty() {
            return Ok(());
        }
        let scripts = |flag, given: &[Address<NetworkUnchecked>]| {
            let scripts = given.iter().map(|address| money::on_network(flag, address, self.network));
            scripts.collect::<anyhow::Result<Vec<_>>>()
        };
        let to = scripts("--expect-to", &self.expect_to)?;
        let change = scripts("--expect-change", &self.expect_change)?;
        let payment = Payment::new(summary, self.network.into());
        let found = summary.unexpected(key, &[to.as_slice(), &change].concat());
        let outputs = found.into_iter().filter_map(|index| Some((index, payment.outputs.get(index)?)));
        let unexpected = outputs.map(|(index, output)| {
            let place = output.address.as_ref().unwrap_or(&output.script_pubkey);
            format!("output {index} pays {} sat to {place} ({})", output.amount_sat, output.owner)
        });
        let is_paid =
            |script: &ScriptBuf| summary.outputs.iter().any(|paid| paid.output.script_pubkey == *script);
        let unpaid = to.iter().zip(&self.expect_to).filter(|(script, _)| !is_paid(script));
        let unpaid = unpaid
            .map(|(_, address)| format!("no output pays to --expect-to {}", address.assume_checked_ref()));
        match unexpected.chain(unpaid).collect::<Vec<_>>() {
            none if none.is_empty() => Ok(()),
            all => Err(Refused::because("expected_outputs", all.join("; ")).into()),
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (given, key) = (self.psbt.read()?, self.secret_key_file.read()?);
        let psbt = given.psbt();
        check_weight(psbt)?;
        let explanation = explain_psbt(psbt);
        let summary = summarize_psbt(psbt, &explanation, Some(key.public_key()));
        let mut payment = Payment::new(&summary, self.network.into());
        payment.warnings.extend(remarks(&given));
        // Shown before anything is signed, whatever standard output is for.
        let head = format!("{STRONG}{}{STRONG:#} {}", explanation.kind.as_str(), explanation.txid);
        let warnings = payment.warnings.iter().map(|warning| format!("{BAD}warning:{BAD:#} {warning}"));
        let lines: Vec<_> = [head].into_iter().chain(payment.lines()).chain(warnings).collect();
        let _printed = writeln!(anstream::stderr().lock(), "{}", lines.join("\n"));
        self.check_expected(&summary, key.public_key())?;
        let (psbt, signed_inputs) = sign_psbt(psbt, &key).context("--psbt")?;
        let Payment { inputs, outputs, fee_sat, fee_rate_sat_per_kvb, mut warnings } = payment;
        let several = passed_on(&psbt);
        for warning in &several {
            let _printed = writeln!(anstream::stderr().lock(), "{BAD}warning:{BAD:#} {warning}");
        }
        warnings.extend(several);
        Printout::of(&Output {
            psbt: self.format.form().text(&given.with_psbt(psbt))?,
            signed_inputs,
            inputs,
            outputs,
            fee_sat,
            fee_rate_sat_per_kvb,
            warnings,
        })
    }
}
