//! A transaction that a command has built.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, FeeRate, Psbt, Transaction, psbt};
use serde::{Deserialize, Serialize};
use staking_scripts::delegation::PresignedTransactions;
use staking_scripts::psbt::VersionedPsbt;

use super::fee::{odd_part, odd_rate, shown};
use super::output::{CommandOutput, Printout};
use super::psbt::PsbtForm;

/// A transaction that a command has built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BuiltTransaction {
    /// The transaction id, in display order.
    pub txid: String,
    /// The PSBT, in base64 or as --format says.
    pub psbt: String,
    /// The transaction in hex; null while signatures are missing.
    pub transaction: Option<String>,
    /// The fee in satoshis.
    pub fee_sat: u64,
    /// The virtual size: with all signatures, where that is known.
    pub vsize: usize,
    /// Warnings.
    pub warnings: Vec<String>,
    /// The inputs' amount, in satoshis.
    #[serde(skip)]
    pub(crate) moved_sat: u64,
    /// The PSBT itself, whose text is made when it is printed.
    #[serde(skip)]
    pub(crate) built: Option<Box<VersionedPsbt>>,
}

impl BuiltTransaction {
    /// Returns a transaction that lacks signatures, with its virtual size once it has them, where that is
    /// known.
    pub(crate) fn unsigned(psbt: &Psbt, fee: Amount, vsize: Option<u64>) -> Self {
        let fields = Self::new(psbt, None, fee);
        let vsize = vsize.and_then(|vsize| usize::try_from(vsize).ok()).unwrap_or(fields.vsize);
        Self { vsize, ..fields }
    }

    /// Returns a transaction that can be broadcast.
    pub(crate) fn finalized(psbt: &Psbt, transaction: &Transaction, fee: Amount) -> Self {
        Self::new(psbt, Some(transaction), fee)
    }

    fn new(psbt: &Psbt, transaction: Option<&Transaction>, fee: Amount) -> Self {
        let shown = transaction.unwrap_or(&psbt.unsigned_tx);
        let built = transaction.map_or_else(|| psbt.clone(), |transaction| finalized(psbt, transaction));
        Self {
            txid: shown.compute_txid().to_string(),
            psbt: String::new(),
            built: Some(Box::new(built.into())),
            transaction: transaction.map(serialize_hex),
            fee_sat: fee.to_sat(),
            vsize: shown.vsize(),
            warnings: Vec::new(),
            moved_sat: shown
                .output
                .iter()
                .fold(fee, |sum, output| sum.checked_add(output.value).unwrap_or(Amount::MAX))
                .to_sat(),
        }
    }

    /// Adds warnings about a chosen fee that may be a mistake: by its rate, where it is known, and by its
    /// part of the amount.
    pub(crate) fn question_fee(mut self, rate: Option<FeeRate>) -> Self {
        let odd = rate.and_then(odd_rate);
        self.warnings.extend(odd.map(|odd| format!("--fee-rate: {odd}")));
        self.warnings.extend(odd_part(Amount::from_sat(self.fee_sat), Amount::from_sat(self.moved_sat)));
        self
    }

    /// Takes the version of the PSBT that came in.
    pub(crate) fn in_version_of(mut self, given: &VersionedPsbt) -> Self {
        self.built = self.built.map(|built| Box::new(given.with_psbt(built.into_psbt())));
        self
    }

    /// Prints the transaction, with its PSBT in this form.
    pub(crate) fn print(self, form: PsbtForm) -> anyhow::Result<Printout> {
        Printout::of(&self.with_psbt_text(form)?)
    }

    /// Returns the transaction with the text of its PSBT, in this form.
    pub(crate) fn with_psbt_text(mut self, form: PsbtForm) -> anyhow::Result<Self> {
        if let Some(built) = &self.built {
            self.psbt = form.text(built)?;
        }
        Ok(self)
    }
}

impl CommandOutput for BuiltTransaction {
    /// Returns only what the next step reads: the transaction, or the PSBT while signatures are missing.
    fn text(&self) -> String {
        self.transaction.as_ref().unwrap_or(&self.psbt).clone()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Returns the PSBT with the witnesses of the transaction, finalized as BIP-174 says.
fn finalized(psbt: &Psbt, transaction: &Transaction) -> Psbt {
    let mut psbt = psbt.clone();
    for (input, finalized) in psbt.inputs.iter_mut().zip(&transaction.input) {
        let given = std::mem::take(input);
        *input = psbt::Input {
            final_script_witness: Some(finalized.witness.clone()).filter(|witness| !witness.is_empty()),
            final_script_sig: Some(finalized.script_sig.clone()).filter(|script| !script.is_empty()),
            witness_utxo: given.witness_utxo,
            non_witness_utxo: given.non_witness_utxo,
            proprietary: given.proprietary,
            unknown: given.unknown,
            ..psbt::Input::default()
        };
    }
    psbt
}

/// Warns of pre-signed transactions whose fee rate is below the rate that is paid today.
pub(crate) fn fixed_fee_warnings(presigned: &PresignedTransactions, rate: FeeRate) -> Vec<String> {
    let below = presigned.below_rate(rate).into_iter().map(|(part, own)| {
        format!(
            "the parameters fix the fee of the {part} at {} sat/vB, below the {} sat/vB of today; nobody can raise it",
            shown(own),
            shown(rate)
        )
    });
    below.collect()
}
