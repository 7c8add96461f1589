//! Proofs of possession of all three types: the reference's verified, read and written, and made again where
//! they are deterministic.

use bitcoin::Network;
use finality::{AccountAddress, Operation, PossessionMessage};
use serde::Deserialize;
use staking_scripts::ProofOfPossession;
use staking_scripts::possession::{Bip322Script, PopType};

use super::{Bytes, Hex, InContext, YCoordinate, cases};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    role: Role,
    sig_type: u8,
    network: NetworkName,
    secret_key: Bytes<32>,
    public_key: Bytes<32>,
    parity: YCoordinate,
    address: String,
    address_bytes: Hex,
    message: Hex,
    signature: Hex,
    protobuf: Hex,
    btc_address_type: Option<BitcoinAddress>,
    btc_address: Option<String>,
    sighash: Option<Sighash>,
    header: Option<Header>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Role {
    Staker,
    FinalityProvider,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum NetworkName {
    Mainnet,
    Signet,
    Regtest,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BitcoinAddress {
    P2wpkh,
    P2tr,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Sighash {
    All,
    Default,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Header {
    Compressed,
    Uncompressed,
}

/// How many were made again, by what came out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Made {
    same_bytes: usize,
    same_but_header: usize,
    valid: usize,
}

#[test]
fn proofs_of_the_reference() {
    let (mut consumers, mut bip340, mut bip322, mut ecdsa) =
        (0, Made::default(), Made::default(), Made::default());
    for (number, item) in cases::<InContext<Case>>("pop", 318) {
        let context = item.context(match item.case.role {
            Role::Staker => Operation::StakerPop,
            Role::FinalityProvider => Operation::FinalityProviderPop,
        });
        let case = &item.case;
        let key = case.secret_key.secret_key();
        assert_eq!(*key.public_key(), case.public_key.public_key(), "case {number}");
        assert_eq!(key.parity(), case.parity.into(), "case {number}");
        let address: AccountAddress = case.address.parse().unwrap();
        assert_eq!(address.as_bytes(), case.address_bytes.0, "case {number}");
        let message = PossessionMessage::new(context, address.clone()).unwrap();

        let proof = ProofOfPossession::from_protobuf(&case.protobuf.0).unwrap();
        proof.verify(key.public_key(), &message).unwrap();
        assert_eq!(proof.to_protobuf(), case.protobuf.0, "case {number}");
        let again = ProofOfPossession::from_signature_bytes(proof.proof_type(), &proof.signature_bytes());
        assert_eq!(again.as_ref(), Ok(&proof), "case {number}");

        // What the file says is signed.
        let prefix = item.consumer.as_ref().map_or("", |context| context.text.as_str());
        let signed = match proof.proof_type() {
            PopType::Bip340 => [prefix.as_bytes(), &case.address_bytes.0].concat(),
            _ => format!("{prefix}{address}").into_bytes(),
        };
        assert_eq!(case.message.0, signed, "case {number}");

        match (&proof, case.sig_type) {
            (ProofOfPossession::Bip340(signature), 0) => {
                assert_eq!(signature.serialize(), *case.signature.0);
                assert_eq!(ProofOfPossession::create_bip340(&key, &message).unwrap(), proof, "case {number}");
                bip340.same_bytes += 1;
            }
            (ProofOfPossession::Bip322(signature), 1) => {
                assert_eq!(signature.to_simple(), case.signature.0);
                assert_eq!(Some(signature.address().to_string()), case.btc_address, "case {number}");
                let (script, network) = script_and_network(case);
                let made = ProofOfPossession::create_bip322(&key, &message, script, network).unwrap();
                made.verify(key.public_key(), &message).unwrap();
                // The reference's Taproot signatures have another nonce, and two in three SIGHASH_DEFAULT.
                bip322.same_bytes += usize::from(made == proof);
                bip322.valid += usize::from(made != proof);
                let expected = script == Bip322Script::P2wpkh && case.sighash == Some(Sighash::All);
                assert_eq!(made == proof, expected, "case {number}");
            }
            (ProofOfPossession::Ecdsa(signature), 2) => {
                assert_eq!(signature.to_bytes(), *case.signature.0);
                let made = ProofOfPossession::create_ecdsa(&key, &message).unwrap().signature_bytes();
                assert_eq!(made[1..], case.signature.0[1..], "case {number}");
                // The two headers are 4 apart.
                let difference = made[0] - case.signature.0[0];
                assert_eq!(
                    difference,
                    if case.header == Some(Header::Compressed) { 0 } else { 4 },
                    "case {number}"
                );
                ecdsa.same_bytes += usize::from(difference == 0);
                ecdsa.same_but_header += usize::from(difference != 0);
            }
            _ => panic!("case {number} has another type"),
        }
        consumers += usize::from(!context.is_genesis());
    }
    assert_eq!(consumers, 24);
    assert_eq!(bip340, Made { same_bytes: 118, ..Made::default() });
    assert_eq!(bip322, Made { same_bytes: 50, valid: 50, ..Made::default() });
    assert_eq!(ecdsa, Made { same_bytes: 84, same_but_header: 16, ..Made::default() });
}

/// Contracts and interchain accounts have 32 bytes. The reference reads each address in upper case too.
#[test]
fn proofs_of_the_reference_for_accounts_of_32_bytes() {
    for (number, item) in cases::<InContext<Case>>("accounts", 60) {
        let context = item.context(match item.case.role {
            Role::Staker => Operation::StakerPop,
            Role::FinalityProvider => Operation::FinalityProviderPop,
        });
        let case = &item.case;
        let key = case.secret_key.secret_key();
        assert_eq!(*key.public_key(), case.public_key.public_key(), "case {number}");
        let address: AccountAddress = case.address.parse().unwrap();
        assert_eq!((address.as_bytes(), address.as_bytes().len()), (case.address_bytes.0.as_slice(), 32));
        assert_eq!(case.address.to_uppercase().parse(), Ok(address.clone()), "case {number}");
        assert!(format!("B{}", &case.address[1..]).parse::<AccountAddress>().is_err(), "case {number}");
        let message = PossessionMessage::new(context, address).unwrap();
        let proof = ProofOfPossession::from_protobuf(&case.protobuf.0).unwrap();
        proof.verify(key.public_key(), &message).unwrap();
        assert_eq!(proof.to_protobuf(), case.protobuf.0, "case {number}");
        if proof.proof_type() == PopType::Bip340 {
            assert_eq!(ProofOfPossession::create_bip340(&key, &message).unwrap(), proof, "case {number}");
        }
    }
}

fn script_and_network(case: &Case) -> (Bip322Script, Network) {
    let script = match case.btc_address_type.unwrap() {
        BitcoinAddress::P2wpkh => Bip322Script::P2wpkh,
        BitcoinAddress::P2tr => Bip322Script::P2tr,
    };
    let network = match case.network {
        NetworkName::Mainnet => Network::Bitcoin,
        NetworkName::Signet => Network::Signet,
        NetworkName::Regtest => Network::Regtest,
    };
    (script, network)
}
