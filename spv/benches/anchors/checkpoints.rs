//! A checkpoint of 100 validators, beside the pairing check alone.

use blst::BLST_ERROR;
use blst::min_sig::{AggregatePublicKey, PublicKey, Signature};
use spv::anchors::ValidatorSet;
use spv::testing::TestValidators;

use crate::measure::Ratio::Time;
use crate::measure::{Table, each};

const VALIDATORS: usize = 100;
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";
const PAIRING: &str = "blst's pairing check";

pub(crate) fn measure(table: &mut Table) {
    let validators = TestValidators::new(&[1000; VALIDATORS]);
    let set = validators.set(7);
    let checkpoint = validators.checkpoint(7, [3; 32], 0..VALIDATORS);
    let verify = each(&[()], |()| set.verify(&checkpoint).expect("valid"));

    // The sum of the keys, the signature as a point of the group, and nothing else to do.
    let keys = validators.validators().iter();
    let keys: Vec<_> = keys.map(|one| PublicKey::key_validate(&one.bls_key).expect("a key")).collect();
    let keys: Vec<_> = keys.iter().collect();
    let sum = AggregatePublicKey::aggregate(&keys, false).expect("keys").to_public_key();
    let signature = Signature::sig_validate(&checkpoint.bls_multi_signature, true).expect("a point");
    let message = checkpoint.signed_message();
    let check = || {
        each(&[()], |()| {
            let found = signature.verify(false, &message, DOMAIN, &[], &sum, false);
            assert_eq!(found, BLST_ERROR::BLST_SUCCESS);
        })
    };
    table.row("checkpoint of 100 validators", PAIRING, Time(Some(1.5)), verify, check());
    let read = each(&[()], |()| {
        ValidatorSet::in_bitmap_order(7, validators.validators()).expect("a set").verify(&checkpoint)
    });
    table.row("and their keys validated first", PAIRING, Time(None), read, check());
}
