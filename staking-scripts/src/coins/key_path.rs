//! Signing of the coins that fund a stake, for wallets whose coins are Taproot outputs of one key (BIP-86).

use bitcoin::psbt::Psbt;
use bitcoin::secp256k1::SECP256K1;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{ScriptBuf, TapSighashType, TapTweakHash, TxOut, taproot};
use eots::{SecretKey, XOnlyPublicKey};

use crate::coins::coin::CoinError;

/// Returns the script pubkey of a Taproot output that `key` alone spends, through the key path (BIP-86).
pub fn key_path_script(key: &XOnlyPublicKey) -> ScriptBuf {
    ScriptBuf::new_p2tr(SECP256K1, *key, None)
}

/// Signs the coins that `psbt` spends through the key path, without finalizing it. All must pay to
/// [`key_path_script`] of the key. An input that offers a leaf is not a coin, and is not signed here.
///
/// # Errors
/// [`CoinError`] names the input that is not this key's; [`CoinError::Sign`] as [`SecretKey::sign_bip340`].
pub fn sign_key_path(psbt: &Psbt, key: &SecretKey) -> Result<Psbt, CoinError> {
    let mut psbt = psbt.clone();
    let unstated = |e: &dyn ToString| CoinError::Unstated(e.to_string());
    if psbt.inputs.is_empty() || psbt.inputs.len() != psbt.unsigned_tx.input.len() {
        return Err(unstated(&format!(
            "{} inputs, {} described",
            psbt.unsigned_tx.input.len(),
            psbt.inputs.len()
        )));
    }
    if !psbt.inputs.iter().any(is_coin) {
        return Err(unstated(&"every input offers a leaf, so none is a coin"));
    }
    let mut prevouts = Vec::new();
    for (index, input) in psbt.inputs.iter().enumerate() {
        let output = input.witness_utxo.clone().ok_or_else(|| unstated(&format!("input {index}")))?;
        if is_coin(input) && output.script_pubkey != key_path_script(key.public_key()) {
            let (script_pubkey, key) = (output.script_pubkey, *key.public_key());
            return Err(CoinError::OtherKey { index, script_pubkey, key });
        }
        prevouts.push(output);
    }
    let coins: Vec<usize> =
        (0..).zip(&psbt.inputs).filter(|(_, input)| is_coin(input)).map(|(index, _)| index).collect();
    sign_coins(&mut psbt, &coins, &prevouts, key)?;
    Ok(psbt)
}

/// Signs these inputs of `psbt`, whose coins pay to [`key_path_script`] of the key.
pub(crate) fn sign_coins(
    psbt: &mut Psbt,
    coins: &[usize],
    prevouts: &[TxOut],
    key: &SecretKey,
) -> Result<(), CoinError> {
    let unstated = |e: &dyn ToString| CoinError::Unstated(e.to_string());
    let tweak = TapTweakHash::from_key_and_tweak(*key.public_key(), None).to_scalar();
    let tweaked = key.add_x_only_tweak(&tweak).ok_or_else(|| unstated(&"the tweaked key is zero"))?;
    let mut cache = SighashCache::new(&psbt.unsigned_tx);
    for index in coins {
        let sighash = cache
            .taproot_key_spend_signature_hash(*index, &Prevouts::All(prevouts), TapSighashType::Default)
            .map_err(|e| unstated(&e))?;
        let signature = tweaked.sign_bip340(sighash)?;
        if let Some(input) = psbt.inputs.get_mut(*index) {
            input.tap_internal_key = Some(*key.public_key());
            input.tap_key_sig = Some(taproot::Signature { signature, sighash_type: TapSighashType::Default });
        }
    }
    Ok(())
}

pub(crate) fn is_coin(input: &bitcoin::psbt::Input) -> bool {
    input.tap_scripts.is_empty()
}
