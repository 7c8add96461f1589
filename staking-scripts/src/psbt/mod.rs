//! Review, signing and finalizing of a PSBT by itself, without the delegation that it belongs to.

mod review;
mod sign;
mod summary;
mod verifier;

pub use self::review::{PsbtQuorum, PsbtReview, PsbtSignature, PsbtSigner, review_psbt};
pub use self::sign::{PsbtSigningError, finalize_psbt, sign_psbt};
pub use self::summary::{InputSummary, OutputOwner, OutputSummary, PaymentSummary, summarize_psbt};

use bitcoin::{Psbt, TxOut};

use crate::transactions::shown::spent_outputs;

/// Returns the outputs that the inputs spend; `None` when the PSBT does not have all of them.
fn prevouts(psbt: &Psbt) -> Option<Vec<TxOut>> {
    let spent: Option<Vec<_>> = spent_outputs(psbt).into_iter().collect();
    spent.filter(|spent| spent.len() == psbt.unsigned_tx.input.len())
}
