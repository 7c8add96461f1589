//! `psbt check`: explains a PSBT, and verifies every signature in it.

use anyhow::Context;
use eots::XOnlyPublicKey;
use serde::{Deserialize, Serialize};
use staking_scripts::explain::explain_psbt;
use staking_scripts::psbt::{PsbtQuorum, PsbtSignature, VersionedPsbt, review_psbt, summarize_psbt};
use staking_scripts::transactions::unsettled_inputs;

use crate::args::argument::Argument;
use crate::args::network::NetworkName;
use crate::args::psbt;
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::payment::{self, Payment, PaymentInput, PaymentOutput};
use crate::view::signatures::{check_weight, remarks, several_leaves};
use crate::view::text::{BAD, GOOD, STRONG};

#[derive(clap::Args)]
#[command(
    after_help = "Every signature is verified, of a leaf or of a coin, over a sighash computed here. The witness of a finalized input is verified too; an input whose \
    witness does not verify, or is of a kind that cannot be verified here, is named. Of a leaf, every key that has not signed is named, and of a committee how \
    many have signed and how many must. Exit code 1 when something does not verify; a missing signature is not a fault. A transaction that is too heavy to be relayed, with its \
    witnesses or the least ones that it will need, is refused before anything is verified.\n\n\
    Example:\n  btcstake psbt check --psbt @unbonding.psbt"
)]
pub(crate) struct Args {
    /// The PSBT, of version 0 or 2: base64 or hex, or @FILE of either or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser())]
    psbt: Argument<VersionedPsbt>,
    /// The Bitcoin network of the addresses that are shown.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
}

/// What a PSBT's transaction is, and who has signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The transaction id, in display order, when it is signed. A warning names the inputs whose signing
    /// changes it.
    pub txid: String,
    /// What the transaction is in the staking protocol.
    pub kind: String,
    /// Whether every signature and every final witness verifies.
    pub valid: bool,
    /// The signatures.
    pub signatures: Vec<InputSignature>,
    /// The keys of leaves that have not signed; of a committee all of them, also more than must sign.
    pub missing: Vec<MissingSignature>,
    /// The inputs that spend no leaf of a stake and are not signed.
    pub unsigned_inputs: Vec<usize>,
    /// The covenant signatures of each input, beside the quorum.
    pub quorums: Vec<Quorum>,
    /// The finalized inputs whose witness does not verify.
    pub invalid_witnesses: Vec<usize>,
    /// What the inputs spend.
    pub inputs: Vec<PaymentInput>,
    /// What the outputs pay, and to whom.
    pub outputs: Vec<PaymentOutput>,
    /// The fee in satoshis; null when the PSBT does not say what its inputs spend.
    pub fee_sat: Option<u64>,
    /// The fee rate in satoshis for 1000 virtual bytes, with the witnesses that are there or the least ones
    /// that will be; null where the fee is unknown.
    pub fee_rate_sat_per_kvb: Option<u64>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A signature of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InputSignature {
    /// The input, from 0.
    pub input: usize,
    /// The signer.
    pub public_key: String,
    /// The spend path of the leaf that it is for; null for a coin, and for a leaf that is not of the output.
    pub path: Option<String>,
    /// Whether it verifies.
    pub valid: bool,
}

/// A key that has not signed an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MissingSignature {
    /// The input, from 0.
    pub input: usize,
    /// The key.
    pub public_key: String,
}

/// The number of covenant signatures of an input, beside the quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// The input, from 0.
    pub input: usize,
    /// How many covenant members have signed.
    pub signed: usize,
    /// How many members there are.
    pub members: usize,
    /// How many must sign.
    pub quorum: u16,
}

impl From<PsbtQuorum> for Quorum {
    fn from(PsbtQuorum { input, signed, members, quorum }: PsbtQuorum) -> Self {
        Self { input, signed, members, quorum }
    }
}

impl Output {
    /// The lines of text about an input.
    fn of_input(&self, index: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for InputSignature { public_key, path, valid, .. } in
            self.signatures.iter().filter(|found| found.input == index)
        {
            let mark = if *valid { format!("{GOOD}valid{GOOD:#}") } else { format!("{BAD}not valid{BAD:#}") };
            let path = path.as_ref().map(|path| format!(" for the {path} path")).unwrap_or_default();
            lines.push(format!("{public_key}  {mark}{path}"));
        }
        if self.invalid_witnesses.contains(&index) {
            lines.push(format!("{BAD}finalized, and its witness does not verify{BAD:#}"));
        }
        if self.unsigned_inputs.contains(&index) {
            lines.push("not signed yet".to_owned());
        }
        let missing = self.missing.iter().filter(|missing| missing.input == index);
        lines.extend(
            missing.map(|MissingSignature { public_key, .. }| format!("{public_key}  has not signed")),
        );
        let quorums = self.quorums.iter().filter(|quorum| quorum.input == index);
        lines.extend(quorums.map(|Quorum { signed, members, quorum, .. }| {
            format!("covenant: {signed} of {members} members have signed; the quorum is {quorum}")
        }));
        lines
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let mut lines = vec![format!("{STRONG}{}{STRONG:#} {}", self.kind, self.txid)];
        lines.extend(payment::lines(&self.inputs, &self.outputs, self.fee_sat, self.fee_rate_sat_per_kvb));
        for index in 0..self.inputs.len() {
            lines.extend(self.of_input(index).into_iter().map(|line| format!("input {index}  {line}")));
        }
        lines.join("\n")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn exit(&self) -> Exit {
        Exit::of(self.valid)
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let given = self.psbt.read()?;
        let psbt = given.psbt();
        // Before anything that takes long.
        check_weight(psbt)?;
        let (explanation, review) = (explain_psbt(psbt), review_psbt(psbt).context("--psbt")?);
        let signature = |found: &PsbtSignature| InputSignature {
            input: found.input,
            public_key: found.signer.to_string(),
            path: found.path.map(|path| path.to_string()),
            valid: found.valid,
        };
        let missing = |(input, key): &(usize, XOnlyPublicKey)| MissingSignature {
            input: *input,
            public_key: key.to_string(),
        };
        let summary = summarize_psbt(psbt, &explanation, None);
        let payment = Payment::new(&summary, self.network.into());
        let several = several_leaves(&review.several_leaves);
        let unsettled = unsettled_inputs(psbt).into_iter().map(|input| {
            format!("input {input}: it gets a scriptSig that is not known yet, so signing changes the transaction's id")
        });
        Printout::of(&Output {
            txid: explanation.txid.to_string(),
            kind: explanation.kind.as_str().to_owned(),
            valid: review.signatures.iter().all(|signature| signature.valid)
                && review.invalid_witnesses.is_empty(),
            signatures: review.signatures.iter().map(signature).collect(),
            missing: review.missing.iter().map(missing).collect(),
            unsigned_inputs: review.unsigned,
            quorums: review.quorums.into_iter().map(Quorum::from).collect(),
            invalid_witnesses: review.invalid_witnesses,
            inputs: payment.inputs,
            outputs: payment.outputs,
            fee_sat: payment.fee_sat,
            fee_rate_sat_per_kvb: payment.fee_rate_sat_per_kvb,
            warnings: payment
                .warnings
                .into_iter()
                .chain(several)
                .chain(unsettled)
                .chain(remarks(&given))
                .collect(),
        })
    }
}
