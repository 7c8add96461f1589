//! `psbt check`: what would it do, and who has signed?

use bitcoin::{Amount, Psbt};
use serde::Serialize;
use staking_scripts::explain_psbt;

use super::{leaf_sighash, offered_leaf, prevouts, sum, verifies};
use crate::commands::tx::psbt;
use crate::output::{BAD, GOOD, Output, STRONG};

#[derive(clap::Args)]
#[command(
    after_help = "Every signature through a leaf of the protocol is verified over a sighash computed here. Exit code 1 when one does not verify.\n\n\
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
        let psbt = &self.psbt;
        let explanation = explain_psbt(psbt);
        let spent = prevouts(psbt);
        let (mut signatures, mut missing) = (Vec::new(), Vec::new());
        for (index, input) in psbt.inputs.iter().enumerate() {
            for ((key, hash), signature) in &input.tap_script_sigs {
                let sighash = spent.as_ref().and_then(|spent| leaf_sighash(psbt, spent, index, *hash));
                let valid = sighash.is_some_and(|sighash| verifies(key, signature, sighash));
                signatures.push(Signature { input: index, public_key: key.to_string(), valid });
            }
            let Some((hash, keys)) = offered_leaf(input) else { continue };
            let signed = |key| input.tap_script_sigs.contains_key(&(key, hash));
            let absent = keys.in_script_order().filter(|key| !signed(**key)).map(ToString::to_string);
            missing.extend(absent);
        }
        let held = spent.and_then(|spent| sum(&spent));
        let fee = held.zip(sum(&psbt.unsigned_tx.output));
        let fields = Fields {
            txid: explanation.txid.to_string(),
            kind: explanation.kind.as_str(),
            valid: signatures.iter().all(|signature| signature.valid),
            signatures,
            missing,
            fee_sat: fee.and_then(|(held, paid)| held.checked_sub(paid)).map(Amount::to_sat),
        };
        let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", fields.kind, fields.txid)];
        for Signature { input, public_key, valid } in &fields.signatures {
            let mark = if *valid { format!("{GOOD}valid{GOOD:#}") } else { format!("{BAD}not valid{BAD:#}") };
            lines.push(format!("input {input}  {public_key}  {mark}"));
        }
        lines.push(format!("{} keys of the leaves have not signed", fields.missing.len()));
        lines.extend(fields.fee_sat.map(|fee| format!("fee {fee} sat")));
        let output = Output::new(lines.join("\n"), &fields)?;
        Ok(if fields.valid { output } else { output.negative() })
    }
}
