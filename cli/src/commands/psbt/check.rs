//! `psbt check`: what would it do, and who has signed?

use bitcoin::{Amount, Psbt};
use eots::XOnlyPublicKey;
use serde::Serialize;
use staking_scripts::{PsbtQuorum, PsbtSignature, explain_psbt, review_psbt};

use crate::commands::tx::psbt;
use crate::output::{BAD, GOOD, Output, STRONG};

#[derive(clap::Args)]
#[command(
    after_help = "Every signature is verified, through a leaf or of a coin, over a sighash computed here. What a wallet has finished is run; an input whose \
    witness does not verify, or is of a kind that cannot be read here, is named. Of a leaf, every key that has not signed is named, and of a committee how \
    many have and must: the rest need not. Exit code 1 when something does not verify; what is only not signed yet is no fault.\n\n\
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
    /// The keys of leaves that have not signed; of a committee, more than must.
    missing: Vec<Missing>,
    /// The inputs that are no leaf of the protocol, and that nobody has signed.
    unsigned_inputs: Vec<usize>,
    covenant: Vec<Covenant>,
    invalid_witnesses: Vec<usize>,
    fee_sat: Option<u64>,
}

#[derive(Serialize)]
struct Signature {
    input: usize,
    public_key: String,
    valid: bool,
}

#[derive(Serialize)]
struct Missing {
    input: usize,
    public_key: String,
}

/// How far the quorum of an input is.
#[derive(Serialize)]
struct Covenant {
    input: usize,
    signed: usize,
    members: usize,
    quorum: u16,
}

impl From<PsbtQuorum> for Covenant {
    fn from(PsbtQuorum { input, signed, members, quorum }: PsbtQuorum) -> Self {
        Self { input, signed, members, quorum }
    }
}

impl Fields {
    /// What there is to say of an input.
    fn of_input(&self, index: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for Signature { public_key, valid, .. } in self.signatures.iter().filter(|found| found.input == index)
        {
            let mark = if *valid { format!("{GOOD}valid{GOOD:#}") } else { format!("{BAD}not valid{BAD:#}") };
            lines.push(format!("{public_key}  {mark}"));
        }
        if self.invalid_witnesses.contains(&index) {
            lines.push(format!("{BAD}finished, and its witness does not verify{BAD:#}"));
        }
        if self.unsigned_inputs.contains(&index) {
            lines.push("not signed yet".to_owned());
        }
        let missing = self.missing.iter().filter(|missing| missing.input == index);
        lines.extend(missing.map(|Missing { public_key, .. }| format!("{public_key}  has not signed")));
        let covenant = self.covenant.iter().filter(|covenant| covenant.input == index);
        lines.extend(covenant.map(|Covenant { signed, members, quorum, .. }| {
            format!("covenant: {signed} of {members} members have signed, and {quorum} must")
        }));
        lines
    }
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
        let missing =
            |(input, key): &(usize, XOnlyPublicKey)| Missing { input: *input, public_key: key.to_string() };
        let fields = Fields {
            txid: explanation.txid.to_string(),
            kind: explanation.kind.as_str(),
            valid: review.signatures.iter().all(|signature| signature.valid)
                && review.invalid_witnesses.is_empty(),
            signatures: review.signatures.iter().map(signature).collect(),
            missing: review.missing.iter().map(missing).collect(),
            unsigned_inputs: review.unsigned,
            covenant: review.quorums.into_iter().map(Covenant::from).collect(),
            invalid_witnesses: review.invalid_witnesses,
            fee_sat: review.fee.map(Amount::to_sat),
        };
        let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", fields.kind, fields.txid)];
        for index in 0..self.psbt.inputs.len() {
            lines.extend(fields.of_input(index).into_iter().map(|line| format!("input {index}  {line}")));
        }
        lines.extend(fields.fee_sat.map(|fee| format!("fee {fee} sat")));
        let output = Output::new(lines.join("\n"), &fields)?;
        Ok(if fields.valid { output } else { output.negative() })
    }
}
