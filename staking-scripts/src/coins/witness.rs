//! Finalizing of PSBTs that wallets signed. The miniscript library keeps a witness that a wallet has
//! finalized, whatever is in it; so every witness is interpreted here, and its sighash types are checked.

use bitcoin::hashes::Hash as _;
use bitcoin::script::Instruction;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::{
    EcdsaSighashType, Psbt, Script, ScriptBuf, TapLeafHash, TapSighashType, Transaction, TxIn, TxOut, ecdsa,
    taproot,
};
use miniscript::interpreter::{Interpreter, KeySigPair, SatisfiedConstraint};
use miniscript::psbt::PsbtExt;

use crate::outputs::leaf::MAX_SCRIPT;

/// Finalizes the PSBT, and verifies every input's witness against the output that it spends.
pub(crate) fn finalize_verified(psbt: &mut Psbt, prevouts: &[TxOut]) -> Result<Transaction, String> {
    psbt.finalize_mut(SECP256K1)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let transaction = psbt.clone().extract_tx_unchecked_fee_rate();
    let mut sighashes = Sighashes::new(&transaction, prevouts);
    for (index, input) in transaction.input.iter().enumerate() {
        sighashes.verify_input(index, input).map_err(|reason| format!("input {index}: {reason}"))?;
    }
    Ok(transaction)
}

/// The sighashes of a transaction's inputs; what they have in common is hashed once.
pub(crate) struct Sighashes<'a> {
    pub(crate) cache: SighashCache<&'a Transaction>,
    prevouts: &'a [TxOut],
}

impl<'a> Sighashes<'a> {
    pub(crate) fn new(transaction: &'a Transaction, prevouts: &'a [TxOut]) -> Self {
        Self { cache: SighashCache::new(transaction), prevouts }
    }

    pub(crate) const fn prevouts(&self) -> &'a [TxOut] {
        self.prevouts
    }

    /// Returns the signatures in an input's witness and scriptSig, each verified. They must cover the whole
    /// transaction: with another sighash type, somebody could use the input in another transaction.
    ///
    /// `input` is the transaction's input of this index, with the witness and the scriptSig to be verified.
    pub(crate) fn verify_input(&mut self, index: usize, input: &TxIn) -> Result<Vec<KeySigPair>, String> {
        let spent = self.prevouts.get(index).ok_or("what it spends is not known")?;
        if input.witness.iter().any(|element| element.len() > MAX_SCRIPT) {
            return Err(format!("an element of its witness is too long; must be at most {MAX_SCRIPT} bytes"));
        }
        let lock_time = self.cache.transaction().lock_time;
        let interpreter = Interpreter::from_txdata(
            &spent.script_pubkey,
            &input.script_sig,
            &input.witness,
            input.sequence,
            lock_time,
        )
        .map_err(|e| e.to_string())?;
        // The library's own verification would hash all inputs and outputs again for every signature.
        let kind = Kind::of(&interpreter, spent, input).ok_or("its kind is not known")?;
        let verify = Box::new(|pair: &KeySigPair| self.verifies(index, &kind, pair).unwrap_or(false));
        let mut signatures = Vec::new();
        for constraint in interpreter.iter_custom(verify) {
            let pair = match constraint.map_err(|e| e.to_string())? {
                SatisfiedConstraint::PublicKey { key_sig }
                | SatisfiedConstraint::PublicKeyHash { key_sig, .. } => key_sig,
                _ => continue,
            };
            if !covers_all(&pair) {
                return Err(
                    "a signature does not cover the whole transaction; must be SIGHASH_ALL or SIGHASH_DEFAULT"
                        .to_owned(),
                );
            }
            signatures.push(pair);
        }
        Ok(signatures)
    }

    fn verifies(&mut self, index: usize, kind: &Kind<'_>, pair: &KeySigPair) -> Option<bool> {
        match pair {
            KeySigPair::Ecdsa(key, given) => {
                let message = self.ecdsa(index, kind, given)?;
                Some(SECP256K1.verify_ecdsa(&message, &given.signature, &key.inner).is_ok())
            }
            KeySigPair::Schnorr(key, given) => {
                let message = self.schnorr(index, kind, given)?;
                Some(SECP256K1.verify_schnorr(&given.signature, &message, key).is_ok())
            }
        }
    }

    fn ecdsa(&mut self, index: usize, kind: &Kind<'_>, given: &ecdsa::Signature) -> Option<Message> {
        let (value, sighash_type) = (self.prevouts.get(index)?.value, given.sighash_type);
        let digest = match kind {
            Kind::Legacy(script) => {
                let hashed = self.cache.legacy_signature_hash(index, script, sighash_type.to_u32());
                hashed.ok()?.to_byte_array()
            }
            Kind::Wpkh(program) => {
                self.cache.p2wpkh_signature_hash(index, program, value, sighash_type).ok()?.to_byte_array()
            }
            Kind::Wsh(script) => {
                self.cache.p2wsh_signature_hash(index, script, value, sighash_type).ok()?.to_byte_array()
            }
            Kind::KeyPath | Kind::Leaf(_) => return None,
        };
        Some(Message::from_digest(digest))
    }

    fn schnorr(&mut self, index: usize, kind: &Kind<'_>, given: &taproot::Signature) -> Option<Message> {
        let all = Prevouts::All(self.prevouts);
        let sighash = match kind {
            Kind::KeyPath => self.cache.taproot_key_spend_signature_hash(index, &all, given.sighash_type),
            Kind::Leaf(hash) => {
                self.cache.taproot_script_spend_signature_hash(index, &all, *hash, given.sighash_type)
            }
            Kind::Legacy(_) | Kind::Wpkh(_) | Kind::Wsh(_) => return None,
        };
        Some(Message::from(sighash.ok()?))
    }
}

/// How an input is spent, with the script that its sighash commits to.
enum Kind<'a> {
    /// The script pubkey, or the redeem script.
    Legacy(&'a Script),
    /// The witness program.
    Wpkh(&'a Script),
    /// The witness script.
    Wsh(&'a Script),
    KeyPath,
    Leaf(TapLeafHash),
}

impl<'a> Kind<'a> {
    /// The interpreter has checked that the scripts are those that the output commits to.
    fn of(interpreter: &Interpreter<'_>, spent: &'a TxOut, input: &'a TxIn) -> Option<Self> {
        let script_pubkey: &'a ScriptBuf = &spent.script_pubkey;
        let program = if script_pubkey.is_p2sh() { last_push(&input.script_sig)? } else { script_pubkey };
        let from_end = |number: usize| {
            let at = input.witness.len().checked_sub(number)?;
            input.witness.nth(at).map(Script::from_bytes)
        };
        if interpreter.is_legacy() {
            Some(Self::Legacy(program))
        } else if interpreter.is_segwit_v0() && program.is_p2wpkh() {
            Some(Self::Wpkh(program))
        } else if interpreter.is_segwit_v0() {
            from_end(1).map(Self::Wsh)
        } else if interpreter.is_taproot_v1_key_spend() {
            Some(Self::KeyPath)
        } else {
            let script = from_end(2)?;
            Some(Self::Leaf(TapLeafHash::from_script(script, LeafVersion::TapScript)))
        }
    }
}

fn last_push(script_sig: &Script) -> Option<&Script> {
    match script_sig.instructions().last()?.ok()? {
        Instruction::PushBytes(bytes) => Some(Script::from_bytes(bytes.as_bytes())),
        Instruction::Op(_) => None,
    }
}

fn covers_all(pair: &KeySigPair) -> bool {
    match pair {
        KeySigPair::Ecdsa(_, signature) => signature.sighash_type == EcdsaSighashType::All,
        KeySigPair::Schnorr(_, signature) => {
            matches!(signature.sighash_type, TapSighashType::Default | TapSighashType::All)
        }
    }
}
