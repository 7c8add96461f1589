//! The tapscript sighash, and the sums that fees are computed from.

use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{Amount, TapLeafHash, TapSighash, TapSighashType, Transaction, TxOut};

/// Returns the sum of outputs; `None` on overflow.
pub(crate) fn sum(outputs: &[TxOut]) -> Option<Amount> {
    outputs.iter().try_fold(Amount::ZERO, |sum, out| sum.checked_add(out.value))
}

/// Returns the tapscript sighash of an input (BIP-341, SIGHASH_DEFAULT); `None` when the transaction has
/// another number of inputs than there are prevouts.
pub(crate) fn leaf_sighash(
    transaction: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    leaf: TapLeafHash,
) -> Option<TapSighash> {
    SighashCache::new(transaction)
        .taproot_script_spend_signature_hash(input, &Prevouts::All(prevouts), leaf, TapSighashType::Default)
        .ok()
}
