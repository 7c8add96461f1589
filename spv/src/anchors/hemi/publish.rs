//! The transaction that publishes a keystone, as data for whoever makes a PSBT of it.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};

use super::keystone::Keystone;

/// A reason why a coin does not pay for the publication of a keystone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicationError {
    /// The coin is worth less than the fee.
    #[error("the coin is worth {coin}; must be worth at least the fee of {fee}")]
    CoinTooSmall {
        /// What the coin is worth.
        coin: Amount,
        /// The fee.
        fee: Amount,
    },
    /// The change would be dust, which nodes do not relay.
    #[error("the change is {change}; must be at least {least}, or nodes do not relay it")]
    Dust {
        /// The change.
        change: Amount,
        /// The least change to this script.
        least: Amount,
    },
}

/// A transaction that publishes a keystone: version 2, one input, the change, and an OP_RETURN output worth
/// nothing, in the order of Hemi's own miner (heminetwork 7e74ba9a, `service/popm`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicationTransaction {
    /// The coin that pays.
    pub coin: OutPoint,
    /// The coin's output, which signers ask for.
    pub coin_output: TxOut,
    /// The outputs: the change, and the keystone.
    pub outputs: [TxOut; 2],
    /// The fee.
    pub fee: Amount,
}

impl PublicationTransaction {
    /// Returns the transaction that publishes `keystone`, pays `fee` out of the coin, and the rest to
    /// `change`.
    ///
    /// # Errors
    /// [`PublicationError`] when the coin does not pay the fee and a change that nodes relay.
    pub fn new(
        keystone: &Keystone,
        (coin, coin_output): (OutPoint, TxOut),
        change: ScriptBuf,
        fee: Amount,
    ) -> Result<Self, PublicationError> {
        let too_small = PublicationError::CoinTooSmall { coin: coin_output.value, fee };
        let (value, least) =
            (coin_output.value.checked_sub(fee).ok_or(too_small)?, change.minimal_non_dust());
        if value < least {
            return Err(PublicationError::Dust { change: value, least });
        }
        let outputs = [
            TxOut { value, script_pubkey: change },
            TxOut { value: Amount::ZERO, script_pubkey: keystone.script_pubkey() },
        ];
        Ok(Self { coin, coin_output, outputs, fee })
    }

    /// Returns the transaction without its signature. It may be replaced by one with a higher fee (BIP-125).
    pub fn unsigned_transaction(&self) -> Transaction {
        let input = TxIn {
            previous_output: self.coin,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        };
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![input],
            output: self.outputs.to_vec(),
        }
    }
}
