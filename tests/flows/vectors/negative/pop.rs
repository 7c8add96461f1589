//! Proofs of possession.

use finality::{AccountAddress, AccountText, Operation, PossessionMessage};
use serde::Deserialize;
use serde_json::Value;
use staking_scripts::ProofOfPossession;

use super::{ACCEPT, Rule, all, check, name, public_key};
use crate::vectors::pop::NetworkName;
use crate::vectors::{Bytes, Hex, InContext};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    sig_type: i32,
    network: NetworkName,
    public_key: Hex,
    address: String,
    address_bytes: Bytes<20>,
    protobuf: Hex,
}

const POP: &[Rule] = &[
    ("address_kind", &[("UnsupportedAddress", 3)]),
    ("address_of_another", &[("Bip322", 2), ("NotSigned", 2)]),
    ("address_prefix", &[("Bip322", 2), ("NotSigned", 1)]),
    ("address_upper_case", &[("NotSigned", 1)]),
    ("annex", &[("WitnessItems", 1)]),
    ("btc_address_checksum", &[("BitcoinAddress", 2)]),
    ("btc_address_missing", &[("BitcoinAddress", 2)]),
    ("btc_address_network", &[(ACCEPT, 4)]),
    ("btc_address_of_another", &[("Bip322", 1), ("OtherAddress", 1)]),
    ("context_missing", &[("Bip322", 1), ("NotSigned", 2)]),
    ("context_of_another_operation", &[("NotSigned", 1)]),
    ("context_unexpected", &[("Bip322", 2), ("NotSigned", 2)]),
    ("full_format", &[("Witness", 2)]),
    ("hashed_once", &[("NotSigned", 1)]),
    ("header", &[("RecoveryHeader", 5)]),
    ("header_last", &[("RecoveryHeader", 1)]),
    ("high_s", &[("Bip322", 1), ("HighS", 2)]),
    ("key_above_p", &[("key: InvalidPublicKey", 1)]),
    ("key_not_on_curve", &[("key: InvalidPublicKey", 2)]),
    ("key_not_tweaked", &[("OtherAddress", 1)]),
    ("key_of_another", &[("NotSigned", 2), ("OtherAddress", 2)]),
    ("key_path_with_a_script_tree", &[("OtherAddress", 1)]),
    ("key_uncompressed", &[("NoPublicKey", 1)]),
    ("magic_without_length", &[("NotSigned", 1)]),
    ("message_hashed_twice", &[("NotSigned", 1)]),
    ("message_is_raw", &[("Bip322", 2), ("NotSigned", 1)]),
    ("message_is_the_key", &[("NotSigned", 1)]),
    ("message_is_the_text", &[("NotSigned", 1)]),
    ("message_trailing_space", &[("NotSigned", 1)]),
    ("message_without_length", &[("NotSigned", 1)]),
    ("protobuf_truncated", &[("Protobuf", 1)]),
    ("r_bit", &[("NotSigned", 1)]),
    ("r_equals_n", &[("NoSignature", 1)]),
    ("r_zero", &[("NoSignature", 1)]),
    ("randomness_above_p", &[("NotSigned", 1)]),
    ("recovery_number", &[("NoSignature", 1), ("NotSigned", 1)]),
    ("s_above_n", &[("NoSignature", 1)]),
    ("s_bit", &[("NotSigned", 1)]),
    ("s_equals_n", &[("NoSignature", 1), ("NotSigned", 1)]),
    ("s_negated", &[("NotSigned", 1)]),
    ("s_zero", &[("NoSignature", 1)]),
    ("script_path", &[("WitnessItems", 1)]),
    ("sighash", &[("SighashType", 8)]),
    ("sighash_byte", &[("Bip322", 1), ("SighashType", 2)]),
    ("sighash_byte_missing", &[("SighashType", 1)]),
    ("signature_bit", &[("Bip322", 4), ("NotSigned", 2)]),
    ("signature_halves_swapped", &[("HighS", 1), ("NotSigned", 1)]),
    ("signature_is_der", &[("Length", 1)]),
    ("signature_missing", &[("Length", 1)]),
    ("signature_too_long", &[("Length", 2)]),
    ("signature_too_short", &[("Length", 2)]),
    ("type_is_bip322", &[("Protobuf", 1)]),
    ("type_is_bip340", &[("Length", 1)]),
    ("type_is_ecdsa", &[("Length", 3)]),
    ("type_unknown", &[("UnknownType", 1)]),
    ("virtual_transaction_version", &[("Bip322", 2)]),
    ("without_magic", &[("NotSigned", 1)]),
    ("witness_empty", &[("WitnessItems", 2)]),
    ("witness_extra_item", &[("WitnessItems", 2)]),
    ("witness_item_empty", &[("NoSignature", 2)]),
    ("witness_items_swapped", &[("NoPublicKey", 1)]),
    ("witness_key_bit", &[("Bip322", 1)]),
    ("witness_missing", &[("Witness", 2)]),
    ("witness_missing_item", &[("WitnessItems", 1)]),
    ("witness_trailing_byte", &[("Witness", 2)]),
    ("witness_truncated", &[("Witness", 2)]),
];

#[test]
fn pop() {
    check("pop", 125, POP, |item: &InContext<Case>| {
        let case = &item.case;
        let address: AccountAddress = case.address.parse().unwrap();
        assert_eq!(address.as_bytes(), case.address_bytes.0, "type {} on {:?}", case.sig_type, case.network);
        let context = item.context(Operation::StakerPop);
        let message = PossessionMessage::new(context, address).unwrap();
        let proof = ProofOfPossession::from_protobuf(&case.protobuf.0).map_err(name)?;
        proof.verify(&public_key(&case.public_key.0)?, &message).map_err(name)
    });
}

/// The proof that no chain takes: over the account's text, which `eotsd pop export` signs.
#[test]
fn pop_over_the_text_of_an_account_is_one_for_tools() {
    let mut seen = 0;
    for case in all().filter(|case| case.kind == "pop" && case.rule == "message_is_the_text") {
        let InContext::<Case> { case, .. } = serde_json::from_value(Value::Object(case.input)).unwrap();
        let ProofOfPossession::Bip340(signature) =
            ProofOfPossession::from_protobuf(&case.protobuf.0).unwrap()
        else {
            panic!("type {}", case.sig_type)
        };
        let key = public_key(&case.public_key.0).unwrap();
        let text: AccountText = case.address.parse().unwrap();
        assert!(text.verify_bip340(&key, &signature));
        assert!(!"bbn1other".parse::<AccountText>().unwrap().verify_bip340(&key, &signature));
        seen += 1;
    }
    assert_eq!(seen, 1);
}
