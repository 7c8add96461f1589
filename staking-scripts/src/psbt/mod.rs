//! PSBTs by themselves, without the delegation that they belong to: reading and writing in their versions and
//! encodings, review, signing and finalizing.

mod encoding;
mod invalid;
mod keyvalue;
mod review;
mod several;
mod sign;
mod summary;
mod verifier;
mod version0;
mod version2;
mod weight;

pub use self::encoding::{PsbtVersion, VersionedPsbt};
pub use self::invalid::{InvalidPsbt, PsbtMap};
pub use self::review::{PsbtQuorum, PsbtReview, PsbtSignature, PsbtSigner, review_psbt};
pub use self::several::keys_of_several_leaves;
pub use self::sign::{PsbtSigningError, finalize_psbt, sign_psbt};
pub use self::summary::{
    InputSummary, OutputOwner, OutputSummary, PaymentSummary, summarize_psbt, unproven_amounts,
};
pub use self::weight::check_psbt_weight;

use bitcoin::{Psbt, TxOut};

use crate::transactions::shown::spent_outputs;

/// Returns the outputs that the inputs spend; `None` when the PSBT does not have all of them.
fn prevouts(psbt: &Psbt) -> Option<Vec<TxOut>> {
    let spent: Option<Vec<_>> = spent_outputs(psbt).into_iter().collect();
    spent.filter(|spent| spent.len() == psbt.unsigned_tx.input.len())
}
