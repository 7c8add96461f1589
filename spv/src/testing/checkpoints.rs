//! Checkpoints for regtest: validators whose keys are made here, what they sign, and the blocks that have it.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Transaction, TxOut};
use blst::min_sig::{AggregateSignature, SecretKey};

use super::transaction;
use crate::anchors::{Checkpoint, CheckpointTag, EpochValidator, ValidatorSet};

/// The domain of the signatures, as the reference has it.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// Validators of a chain of one's own, in the order of the bitmap. Their secrets follow from their numbers,
/// and are known to everybody.
pub struct TestValidators {
    secrets: Vec<SecretKey>,
    validators: Vec<EpochValidator>,
}

impl TestValidators {
    /// Returns validators with these powers, at most 104. Their addresses rise.
    pub fn new(powers: &[u64]) -> Self {
        let secrets: Vec<SecretKey> = (0..powers.len())
            .map(|number| {
                let seed = sha256::Hash::hash(&number.to_be_bytes()).to_byte_array();
                SecretKey::key_gen(&seed, b"").unwrap()
            })
            .collect();
        let validators = secrets.iter().zip(powers).enumerate();
        let validators = validators.map(|(number, (secret, power))| {
            let mut address = vec![0; 20];
            address[..8].copy_from_slice(&(number as u64).to_be_bytes());
            EpochValidator { address, bls_key: secret.sk_to_pk().compress(), power: *power }
        });
        Self { validators: validators.collect(), secrets }
    }

    /// Returns the validators, as a node lists them.
    pub fn validators(&self) -> &[EpochValidator] {
        &self.validators
    }

    /// Returns their set in an epoch.
    pub fn set(&self, epoch: u64) -> ValidatorSet {
        ValidatorSet::in_bitmap_order(epoch, &self.validators).unwrap()
    }

    /// Returns the checkpoint of an epoch whose last block has this hash, signed by the validators at these
    /// places: at least one.
    pub fn checkpoint(
        &self,
        epoch: u64,
        block_hash: [u8; 32],
        signers: impl IntoIterator<Item = usize>,
    ) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            epoch,
            block_hash,
            bitmap: [0; 13],
            submitter: [7; 20],
            bls_multi_signature: [0; 48],
        };
        let message = checkpoint.signed_message();
        let signatures = signers.into_iter().map(|place| {
            checkpoint.bitmap[place / 8] |= 1 << (place % 8);
            self.secrets[place].sign(&message, DOMAIN, b"")
        });
        let signatures: Vec<_> = signatures.collect();
        let signatures: Vec<_> = signatures.iter().collect();
        let sum = AggregateSignature::aggregate(&signatures, false).unwrap();
        checkpoint.bls_multi_signature = sum.to_signature().compress();
        checkpoint
    }
}

/// Returns two transactions that bring a checkpoint to Bitcoin, in the order of the parts. They spend coins
/// that there are not, and differ with the seed.
pub fn checkpoint_transactions(checkpoint: &Checkpoint, tag: CheckpointTag, seed: u32) -> [Transaction; 2] {
    let mut seeds = seed * 2..;
    checkpoint.script_pubkeys(tag).map(|script_pubkey| {
        let mut transaction = transaction(seeds.next().unwrap(), vec![0x51; 34]);
        transaction.output.push(TxOut { value: bitcoin::Amount::ZERO, script_pubkey });
        transaction
    })
}
