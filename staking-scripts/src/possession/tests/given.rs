//! Proofs as wallets give them: their forms are told apart, and what is wrong with one is named.

use ::bip322::LockParams;
use bitcoin::absolute::LockTime;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hex::DisplayHex;
use bitcoin::transaction::Version;
use bitcoin::{Address, Amount, CompressedPublicKey, Network, PrivateKey, Sequence, Transaction};

use super::*;

/// A key, its proofs in every form, and the type that each is of.
struct Forms {
    key: SecretKey,
    message: PossessionMessage,
}

impl Forms {
    fn new() -> Self {
        Self { key: key("forms"), message: genesis() }
    }

    fn bip322(&self, script: Bip322Script) -> Bip322Signature {
        let made = ProofOfPossession::create_bip322(&self.key, &self.message, script, Network::Bitcoin);
        let ProofOfPossession::Bip322(signature) = made.unwrap() else { panic!() };
        signature
    }

    fn private(&self) -> PrivateKey {
        self.key.lend(|secret| PrivateKey::new(*secret, Network::Bitcoin))
    }

    fn full(&self, address: &Address, locks: LockParams) -> Transaction {
        ::bip322::sign_full(address, self.message.text(), &[self.private()], None, locks).unwrap()
    }

    fn nested(&self) -> Address {
        let public = self.key.lend(|secret| secret.public_key(SECP256K1));
        Address::p2shwpkh(&CompressedPublicKey(public), Network::Bitcoin)
    }

    fn read(&self, proof_type: PopType, given: &GivenProof) -> Result<ProofOfPossession, PossessionError> {
        let proof = given.read(proof_type, self.key.public_key(), Network::Bitcoin)?;
        proof.verify(self.key.public_key(), &self.message)?;
        Ok(proof)
    }

    /// The text of each form, with its type and its name.
    fn texts(&self) -> Vec<(PopType, &'static str, String)> {
        let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let mut texts = Vec::new();
        let bip340 = ProofOfPossession::create_bip340(&self.key, &self.message).unwrap();
        let ecdsa = ProofOfPossession::create_ecdsa(&self.key, &self.message).unwrap();
        for (proof_type, name, proof) in [
            (PopType::Bip340, "a BIP-340 signature (64 bytes)", &bip340),
            (PopType::Ecdsa, "an ECDSA signature (65 bytes)", &ecdsa),
        ] {
            texts.push((proof_type, name, base64(&proof.signature_bytes())));
            texts.push((proof_type, name, proof.signature_bytes().to_lower_hex_string()));
        }
        for script in SCRIPTS {
            let signature = self.bip322(script);
            let simple = signature.to_simple();
            let full = serialize(&self.full(signature.address(), LockParams::default()));
            let proof = ProofOfPossession::Bip322(signature);
            for (name, text) in [
                ("a simple BIP-322 proof", base64(&simple)),
                ("a simple BIP-322 proof", format!("smp{}", base64(&simple))),
                ("a simple BIP-322 proof", simple.to_upper_hex_string()),
                ("a full BIP-322 proof", base64(&full)),
                ("a full BIP-322 proof", format!("ful{}", base64(&full))),
                ("the chain's message BIP322Sig", base64(&proof.signature_bytes())),
                ("the chain's message BIP322Sig", proof.signature_bytes().to_lower_hex_string()),
            ] {
                texts.push((PopType::Bip322, name, text));
            }
            let name = "the chain's message ProofOfPossessionBTC of type BIP-322";
            texts.push((PopType::Bip322, name, base64(&proof.to_protobuf())));
        }
        for (proof_type, name, proof) in [
            (PopType::Bip340, "the chain's message ProofOfPossessionBTC of type BIP-340", bip340),
            (PopType::Ecdsa, "the chain's message ProofOfPossessionBTC of type ECDSA", ecdsa),
        ] {
            texts.push((proof_type, name, proof.to_protobuf().to_lower_hex_string()));
        }
        texts
    }
}

/// Each form is read under its type and verifies; under another type it is named, with what that type takes.
#[test]
fn given_proofs_are_told_apart() {
    let forms = Forms::new();
    let expected = [
        (PopType::Bip340, "a BIP-340 signature of 64 bytes"),
        (PopType::Bip322, "a BIP-322 proof: simple (smp…), full (ful…), or the chain's message BIP322Sig"),
        (PopType::Ecdsa, "an ECDSA signature of 65 bytes, of a Bitcoin signed message"),
    ];
    for (proof_type, name, text) in forms.texts() {
        let given = GivenProof::from_text(&text).unwrap();
        assert_eq!(given.to_string(), name, "{text}");
        assert_eq!(GivenProof::from_bytes(given.bytes().to_vec()), given);
        for (other, expected) in expected {
            let read = forms.read(other, &given);
            if other == proof_type {
                assert_eq!(read.unwrap().proof_type(), proof_type, "{text}");
            } else {
                assert_eq!(read.unwrap_err().to_string(), format!("found {name}; must be {expected}"));
            }
        }
    }
    // White space, as mail folds it.
    let (proof_type, _, text) =
        forms.texts().into_iter().find(|(_, _, text)| text.starts_with("smp")).unwrap();
    let folded = format!("  {}\r\n\t{}\n", &text[..40], &text[40..]);
    forms.read(proof_type, &GivenProof::from_text(&folded).unwrap()).unwrap();
}

/// What a full proof holds is the simple proof, whose address is that of its witness.
#[test]
fn full_proof_of_simple_form_is_the_simple_one() {
    let forms = Forms::new();
    for script in SCRIPTS {
        let made = forms.bip322(script);
        let full = forms.full(made.address(), LockParams::default());
        let read = Bip322Signature::from_full(&full, forms.key.public_key(), Network::Bitcoin).unwrap();
        assert_eq!(read.address(), made.address());
        assert_eq!(deserialize::<bitcoin::Witness>(&read.to_simple()).unwrap(), full.input[0].witness);
        read.verify(forms.key.public_key(), &forms.message.text()).unwrap();
        // Of another message, so another virtual transaction is spent.
        assert!(read.verify(forms.key.public_key(), "another").is_err());
    }
}

#[test]
fn full_proof_that_no_simple_one_can_be_is_refused() {
    let forms = Forms::new();
    let address = forms.bip322(Bip322Script::P2tr).address().clone();
    let error = |transaction: &Transaction| {
        let given = GivenProof::from_bytes(serialize(transaction));
        assert_eq!(given.to_string(), "a full BIP-322 proof");
        forms.read(PopType::Bip322, &given).unwrap_err().to_string()
    };
    let says = |field: &str, found: &str, expected: &str| {
        format!(
            "the full BIP-322 proof has the {field} {found}; must have {expected}, as a simple proof, which chains take"
        )
    };
    let later = LockParams { lock_time: LockTime::from_consensus(800_000), sequence: Sequence::ZERO };
    assert_eq!(error(&forms.full(&address, later)), says("version", "2", "0"));
    let sound = || forms.full(&address, LockParams::default());
    let mut changed = sound();
    changed.lock_time = LockTime::from_consensus(7);
    assert_eq!(error(&changed), says("nLockTime", "7", "0"));
    let mut changed = sound();
    changed.input[0].sequence = Sequence(5);
    assert_eq!(error(&changed), says("nSequence", "5", "0"));
    let mut changed = sound();
    changed.input.push(changed.input[0].clone());
    assert_eq!(error(&changed), says("number of inputs and outputs", "2 and 1", "1 and 1"));
    let mut changed = sound();
    changed.output[0].value = Amount::from_sat(1);
    assert!(error(&changed).starts_with("the full BIP-322 proof has the output 0.00000001 BTC to "));
    let mut changed = sound();
    changed.version = Version(1);
    assert_eq!(error(&changed), says("version", "1", "0"));
    let mut changed = sound();
    changed.input[0].script_sig = bitcoin::ScriptBuf::from_bytes(vec![0x51]);
    assert_eq!(error(&changed), says("scriptSig", "51", "empty, as P2WPKH and P2TR have it"));
    let mut changed = sound();
    changed.input[0].previous_output.vout = 1;
    assert_eq!(error(&changed), says("output index of its input", "1", "0"));
    let mut changed = sound();
    changed.input[0].previous_output.txid = bitcoin::Txid::from_byte_array([7; 32]);
    // It verifies only where what it spends is what a simple one spends: the signature covers it.
    let read = Bip322Signature::from_full(&changed, forms.key.public_key(), Network::Bitcoin).unwrap();
    read.verify(forms.key.public_key(), &forms.message.text()).unwrap();
}

/// The nested address of a wallet is named, in each form that it can come in.
#[test]
fn nested_address_is_named() {
    let forms = Forms::new();
    let nested = forms.nested();
    let expected = format!(
        "the proof is of the address {nested}, which is P2SH (nested SegWit); must be of a P2WPKH or P2TR address"
    );
    let full = forms.full(&nested, LockParams::default());
    let simple = serialize(&full.input[0].witness);
    let address = nested.to_string();
    let message = [
        &[0x0a, u8::try_from(address.len()).unwrap()],
        address.as_bytes(),
        &[0x12, u8::try_from(simple.len()).unwrap()],
        &simple,
    ]
    .concat();
    for bytes in [serialize(&full), simple, message] {
        let given = GivenProof::from_bytes(bytes);
        assert_eq!(forms.read(PopType::Bip322, &given).unwrap_err().to_string(), expected, "{given}");
    }
}

#[test]
fn prefix_of_another_form_is_named() {
    let forms = Forms::new();
    let signature = forms.bip322(Bip322Script::P2tr);
    let simple = BASE64_STANDARD.encode(signature.to_simple());
    let full = BASE64_STANDARD.encode(serialize(&forms.full(signature.address(), LockParams::default())));
    let error = |text: String| GivenProof::from_text(&text).unwrap_err().to_string();
    let rule = "must be smp before a simple proof, ful before a full one, pof before one of funds";
    assert_eq!(error(format!("ful{simple}")), format!("found a simple BIP-322 proof after ful; {rule}"));
    assert_eq!(error(format!("smp{full}")), format!("found a full BIP-322 proof after smp; {rule}"));
    assert_eq!(error(format!("pof{simple}")), format!("found a simple BIP-322 proof after pof; {rule}"));
    assert!(matches!(GivenProof::from_text(&format!("smp{simple}!")), Err(PossessionError::Text)));
    assert_eq!(error("no proof".to_owned()), "neither hex nor base64");
    // The vector of BIP-322 with a wrong prefix.
    let wrong = "fulAUDZwFXUp+adN+/UZj5dVrGAbB3zKs1Vcalz5fCF9srxS63eSWNGvH1NYbrBkPt1BJDUyWUz9zgUxfc63/QheT6M";
    assert!(GivenProof::from_text(wrong).is_err());
    // A BIP-340 signature whose base64 begins so by chance.
    let chance = format!("smp{}", &BASE64_STANDARD.encode([7; 64])[3..]);
    assert_eq!(GivenProof::from_text(&chance).unwrap().to_string(), "a BIP-340 signature (64 bytes)");
}

/// A proof of funds (BIP-322) is a PSBT.
#[test]
fn proof_of_funds_is_named() {
    let forms = Forms::new();
    let address = forms.bip322(Bip322Script::P2tr).address().clone();
    let to_spend = ::bip322::create_to_spend(&address, forms.message.text()).unwrap();
    let psbt = ::bip322::create_to_sign(&to_spend, None, LockParams::default()).unwrap();
    for text in
        [BASE64_STANDARD.encode(psbt.serialize()), format!("pof{}", BASE64_STANDARD.encode(psbt.serialize()))]
    {
        let given = GivenProof::from_text(&text).unwrap();
        let error = forms.read(PopType::Bip322, &given).unwrap_err().to_string();
        assert!(
            error.starts_with("found a BIP-322 proof of funds; must be a BIP-322 proof: simple"),
            "{error}"
        );
    }
}

#[test]
fn bytes_of_no_form_are_counted() {
    let forms = Forms::new();
    let error = |proof_type, bytes: &[u8]| {
        forms.read(proof_type, &GivenProof::from_bytes(bytes.to_vec())).unwrap_err().to_string()
    };
    assert_eq!(error(PopType::Bip340, &[0; 63]), "the signature has 63 bytes; must have 64");
    assert_eq!(error(PopType::Ecdsa, &[0; 66]), "the signature has 66 bytes; must have 65");
    let bip322 = error(PopType::Bip322, &[0xff; 30]);
    assert!(
        bip322.starts_with("found 30 bytes of no form that a proof has; must be a BIP-322 proof"),
        "{bip322}"
    );
    assert!(error(PopType::Bip322, b"\x0a\x03abc").contains("the Bitcoin address of the BIP-322 signature"));
    // The chain's message of a type that is none.
    let message = [8, 3, 18, 1, 7];
    assert_eq!(error(PopType::Bip322, &message), "the type of the proof of possession is 3; must be 0 to 2");
    // A mistyped address in the chain's message.
    let mistyped = b"\x0a\x2abc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0m\x12\x01\x00";
    assert_eq!(
        error(PopType::Bip322, mistyped),
        "the Bitcoin address of the BIP-322 signature: the address is mistyped: its checksum is wrong"
    );
}

proptest! {
    /// Any bytes and any text give a proof or an error, and never a proof that verifies.
    #[test]
    fn given_bytes_never_verify(bytes in proptest::collection::vec(any::<u8>(), 0..150), first in 0_u8..32) {
        let forms = Forms::new();
        for bytes in [bytes.clone(), [&[first], bytes.as_slice()].concat()] {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let base64 = ["", "smp", "ful", "pof"].map(|prefix| format!("{prefix}{}", BASE64_STANDARD.encode(&bytes)));
            let read = base64.iter().chain([&text]).filter_map(|text| GivenProof::from_text(text).ok());
            for given in read.chain([GivenProof::from_bytes(bytes)]) {
                for proof_type in [PopType::Bip340, PopType::Bip322, PopType::Ecdsa] {
                    prop_assert!(forms.read(proof_type, &given).is_err());
                }
            }
        }
    }
}
