//! `psbt check`: what would it do, and who has signed?

use bitcoin::{Amount, Psbt};
use serde::Serialize;
use staking_scripts::{PsbtSignature, explain_psbt, review_psbt};

use crate::commands::tx::psbt;
use crate::output::{BAD, GOOD, Output, STRONG};

#[derive(clap::Args)]
#[command(
    after_help = "Every signature is verified, through a leaf or of a coin, over a sighash computed here. Of inputs that a wallet has finished, those that spend through a leaf \
    of the protocol are read; the others are named. Exit code 1 when one does not verify.\n\n\
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
    unread_inputs: Vec<usize>,
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
            valid: review.signatures.iter().all(|signature| signature.valid),
            signatures: review.signatures.iter().map(signature).collect(),
            missing: review.missing.iter().map(|(_, key)| key.to_string()).collect(),
            unread_inputs: review.unread,
            fee_sat: review.fee.map(Amount::to_sat),
        };
        let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", fields.kind, fields.txid)];
        for Signature { input, public_key, valid } in &fields.signatures {
            let mark = if *valid { format!("{GOOD}valid{GOOD:#}") } else { format!("{BAD}not valid{BAD:#}") };
            lines.push(format!("input {input}  {public_key}  {mark}"));
        }
        let unread = fields.unread_inputs.iter();
        lines.extend(unread.map(|input| format!("input {input}  finished, and not read here")));
        lines.push(format!("{} keys of the leaves have not signed", fields.missing.len()));
        lines.extend(fields.fee_sat.map(|fee| format!("fee {fee} sat")));
        let output = Output::new(lines.join("\n"), &fields)?;
        Ok(if fields.valid { output } else { output.negative() })
    }
}
