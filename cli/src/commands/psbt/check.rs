//! `psbt check`: what would it do, and who has signed?

use bitcoin::{Amount, Psbt};
use serde::Serialize;
use staking_scripts::{PsbtSignature, explain_psbt, review_psbt};

use crate::commands::tx::psbt;
use crate::output::{BAD, GOOD, Output, STRONG};

#[derive(clap::Args)]
#[command(
    after_help = "Every signature is verified, through a leaf or of a coin, over a sighash computed here. What a wallet has finished is run; an input whose \
    witness does not verify, or is of a kind that cannot be read here, is named. Exit code 1 when something does not verify.\n\n\
    Example:\n  btcstake psbt check --psbt @unbonding.psbt"
)]
pub(crate) struct Args {
    /// The PSBT: base64, or @FILE of base64 or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt)]
    psbt: Psbt,
}

#[derive(Serialize)]
struct Fields {
    txid: String,
    kind: &'static str,
    valid: bool,
    signatures: Vec<Signature>,
    missing: Vec<String>,
    invalid_witnesses: Vec<usize>,
    fee_sat: Option<u64>,
}

#[derive(Serialize)]
struct Signature {
    input: usize,
    public_key: String,
    valid: bool,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let explanation = explain_psbt(&self.psbt);
        let review = review_psbt(&self.psbt);
        let signature = |found: &PsbtSignature| Signature {
            input: found.input,
            public_key: found.signer.to_string(),
            valid: found.valid,
        };
        let fields = Fields {
            txid: explanation.txid.to_string(),
            kind: explanation.kind.as_str(),
            valid: review.signatures.iter().all(|signature| signature.valid) && review.invalid_witnesses.is_empty(),
            signatures: review.signatures.iter().map(signature).collect(),
            missing: review.missing.iter().map(|(_, key)| key.to_string()).collect(),
            invalid_witnesses: review.invalid_witnesses,
            fee_sat: review.fee.map(Amount::to_sat),
        };
        let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", fields.kind, fields.txid)];
        for Signature { input, public_key, valid } in &fields.signatures {
            let mark = if *valid { format!("{GOOD}valid{GOOD:#}") } else { format!("{BAD}not valid{BAD:#}") };
            lines.push(format!("input {input}  {public_key}  {mark}"));
        }
        let invalid = fields.invalid_witnesses.iter();
        lines.extend(
            invalid.map(|input| format!("input {input}  {BAD}finished, and its witness does not verify{BAD:#}")),
        );
        lines.push(format!("{} keys of the leaves have not signed", fields.missing.len()));
        lines.extend(fields.fee_sat.map(|fee| format!("fee {fee} sat")));
        let output = Output::new(lines.join("\n"), &fields)?;
        Ok(if fields.valid { output } else { output.negative() })
    }
}
