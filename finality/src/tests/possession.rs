//! Account addresses, and the messages of proofs of possession.

use bech32::{ByteIterExt, Fe32IterExt};
use eots::SecretKey;
use secp256k1::{SECP256K1, XOnlyPublicKey, schnorr};
use sha2::{Digest, Sha256};

use crate::{
    AccountAddress, AccountText, InvalidAccountAddress, InvalidAccountText, Operation, PossessionMessage,
    SigningContext,
};

const ADDRESS: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

fn address(prefix: &str, bytes: &[u8]) -> AccountAddress {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse(prefix).unwrap(), bytes).unwrap().parse().unwrap()
}

fn context(chain_id: &str) -> SigningContext {
    SigningContext::consumer(Operation::FinalityProviderPop, chain_id, ADDRESS)
}

fn refused(text: &str) -> InvalidAccountAddress {
    text.parse::<AccountAddress>().unwrap_err()
}

#[test]
fn account_addresses_are_what_the_chain_writes() {
    let parsed: AccountAddress = ADDRESS.parse().unwrap();
    assert_eq!((parsed.as_str(), parsed.prefix(), parsed.to_string().as_str()), (ADDRESS, "bbn", ADDRESS));
    assert_eq!(address("bbn", parsed.as_bytes()), parsed);
    for text in ["", "bbn", "bbn1", "zz", "абв", " bbn1", "bbn1qq", "hello"] {
        assert!(matches!(refused(text), InvalidAccountAddress::NotBech32(_)), "{text}");
    }
    // Five bits more than 20 bytes have, as zeros, which the chain refuses.
    let prefix = bech32::Hrp::parse("bbn").unwrap();
    let bits = parsed.as_bytes().iter().copied().bytes_to_fes().chain([bech32::Fe32::Q]);
    let longer: String = bits.with_checksum::<bech32::Bech32>(&prefix).chars().collect();
    assert_eq!(refused(&longer), InvalidAccountAddress::NotCanonical(ADDRESS.to_owned()));
}

/// Contracts and interchain accounts have 32 bytes.
#[test]
fn account_addresses_have_20_or_32_bytes() {
    let prefix = bech32::Hrp::parse("bbn").unwrap();
    for length in 0..=40 {
        let bytes = vec![7; length];
        let text = bech32::encode::<bech32::Bech32>(prefix, &bytes).unwrap();
        match text.parse::<AccountAddress>() {
            Ok(account) => {
                assert!(matches!(length, 20 | 32), "{length}");
                assert_eq!((account.as_str(), account.as_bytes()), (text.as_str(), bytes.as_slice()));
                let message = PossessionMessage::new(SigningContext::GENESIS, account).unwrap();
                assert_eq!(*message.digest().as_ref(), <[u8; 32]>::from(Sha256::digest(bytes)));
                assert_eq!(message.text(), text);
            }
            Err(error) => {
                assert!(!matches!(length, 20 | 32), "{length}");
                assert_eq!(error, InvalidAccountAddress::Length(length));
            }
        }
    }
    assert_eq!(
        InvalidAccountAddress::Length(21).to_string(),
        "the account address holds 21 bytes; must hold 20, or 32 of a contract or interchain account"
    );
}

/// BIP-173: a decoder takes upper case, and refuses mixed case. What is signed is in lower case.
#[test]
fn account_address_in_upper_case_is_read_and_mixed_case_is_not() {
    let account: AccountAddress = ADDRESS.to_uppercase().parse().unwrap();
    assert_eq!(account, ADDRESS.parse().unwrap());
    assert_eq!((account.as_str(), account.prefix()), (ADDRESS, "bbn"));
    let message = PossessionMessage::new(SigningContext::GENESIS, account).unwrap();
    assert_eq!(message.text(), ADDRESS);
    for mixed in [ADDRESS.replace("bbn", "BBN"), ADDRESS.replacen('f', "F", 1), ADDRESS.replace("sm", "SM")] {
        let error = refused(&mixed);
        assert!(matches!(error, InvalidAccountAddress::NotBech32(_)), "{mixed}: {error}");
        assert!(error.to_string().contains("mixed"), "{error}");
    }
}

/// Every single character changed, left out or doubled, in the data and in the prefix.
#[test]
fn mistyped_account_address_is_called_that() {
    let alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let mut seen = 0;
    for place in (0..ADDRESS.len()).filter(|place| *place != 3) {
        let mut mistyped = vec![
            [&ADDRESS[..place], &ADDRESS[place + 1..]].concat(),
            [&ADDRESS[..=place], &ADDRESS[place..]].concat(),
        ];
        for other in alphabet.chars().filter(|other| !ADDRESS[place..].starts_with(*other)) {
            mistyped.push([&ADDRESS[..place], &other.to_string(), &ADDRESS[place + 1..]].concat());
        }
        for text in mistyped.into_iter().filter(|text| text != ADDRESS) {
            let error = refused(&text);
            assert!(matches!(error, InvalidAccountAddress::Mistyped(_)), "{text}: {error}");
            seen += 1;
        }
    }
    assert!(seen > 1300, "{seen}");
    assert_eq!(
        refused("bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsn").to_string(),
        "the account address is mistyped: its checksum is wrong; must be as the chain writes it"
    );
    // Characters that bech32 has not, as they look like others.
    assert_eq!(
        refused("bbn1f04czxeqprnos9fe7kdzqyde2e6nqj63dllwsm").to_string(),
        "the account address is mistyped: no address has 'o' at that place; must be as the chain writes it"
    );
}

/// Bitcoin addresses: version 0 is bech32, version 1 is bech32m.
#[test]
fn bitcoin_address_is_no_account() {
    for text in [
        "bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l",
        "bc1ppv609nr0vr25u07u95waq5lucwfm6tde4nydujnu8npg4q75mr5sxq8lt3",
        "BC1Q9VZA2E8X573NCZRLZMS0WVX3GSQJX7VAVGKX0L",
    ] {
        let error = refused(text);
        assert_eq!(error, InvalidAccountAddress::SegwitAddress("bc".to_owned()), "{text}");
        assert_eq!(
            error.to_string(),
            "a SegWit address (bc1…) is given; must be an account's, bbn1… on Babylon Genesis"
        );
    }
}

/// The messages, computed apart from the code.
#[test]
fn possession_message_has_the_context_before_the_account() {
    let account: AccountAddress = ADDRESS.parse().unwrap();
    let genesis = PossessionMessage::new(SigningContext::GENESIS, account.clone()).unwrap();
    assert_eq!(*genesis.digest().as_ref(), <[u8; 32]>::from(Sha256::digest(account.as_bytes())));
    assert_eq!(genesis.text(), ADDRESS);
    let context = context("c");
    let consumer = PossessionMessage::new(context, account.clone()).unwrap();
    let bytes = [context.to_string().as_bytes(), account.as_bytes()].concat();
    assert_eq!(*consumer.digest().as_ref(), <[u8; 32]>::from(Sha256::digest(bytes)));
    assert_eq!(consumer.text(), format!("{context}{ADDRESS}"));
    assert_eq!((consumer.context(), consumer.address()), (&context, &account));
}

#[test]
fn accounts_of_other_chains_need_a_context() {
    let other = address("osmo", &[7; 20]);
    assert_eq!(
        PossessionMessage::new(SigningContext::GENESIS, other.clone()).unwrap_err().to_string(),
        "the account osmo1qurswpc8qurswpc8qurswpc8qurswpc8mg52kn is not one of Babylon Genesis; must begin with bbn1, \
         or a consumer chain's signing context must be given"
    );
    PossessionMessage::new(context("c"), other).unwrap();
}

#[test]
fn possession_proof_is_of_one_key_one_account_and_one_context() {
    let (key, other) = (SecretKey::from_bytes(&[1; 32]).unwrap(), SecretKey::from_bytes(&[2; 32]).unwrap());
    let message = |context, bytes: [u8; 20]| PossessionMessage::new(context, address("bbn", &bytes)).unwrap();
    let genesis = message(SigningContext::GENESIS, [7; 20]);
    let signature = genesis.sign_bip340(&key).unwrap();
    SECP256K1.verify_schnorr(&signature, &genesis.digest(), key.public_key()).unwrap();
    assert!(genesis.verify_bip340(key.public_key(), &signature));
    assert_eq!(genesis.sign_bip340(&key).unwrap(), signature, "the same bytes each time");
    assert!(!genesis.verify_bip340(other.public_key(), &signature));
    for wrong in [message(SigningContext::GENESIS, [8; 20]), message(context("c"), [7; 20])] {
        assert!(!wrong.verify_bip340(key.public_key(), &signature));
    }
    let consumer = message(context("c"), [7; 20]);
    let signature = consumer.sign_bip340(&key).unwrap();
    assert!(consumer.verify_bip340(key.public_key(), &signature));
    assert!(!message(context("d"), [7; 20]).verify_bip340(key.public_key(), &signature));
}

/// The proofs in finality-provider's tests of `eotsd pop export` (`pop_test.go`): `eotsPublicKey`,
/// `eotsSignBaby` in hex, `babyAddress`.
const EXPORTED: [(&str, &str, &str); 2] = [
    (
        "3d0bebcbe800236ce8603c5bb1ab6c2af0932e947db4956a338f119797c37f1e",
        "a51eafc60534817abe56a3becbb747a598074f3df3af985da975e1d16716364a949d18c7ae2ce16001c3315f2087\
         8be4b383eacca008819efbf56ab07f952b5d",
        ADDRESS,
    ),
    (
        "b1bc317bacf02fba17abea4f695c89997d55fe513a56ad8126237226212dd487",
        "2fdc187feae0d9f411cf2dab6aed8c4cef55e6c101092516b56731271c1e4abbe40e947ab494f02b3dc16b473fab\
         bc8d093f75020ec7e2b28c5612a6c8de2d91",
        "bbn1ayrme3m73xv294t50k7v5pfj6pauyps03atepn",
    ),
];

#[test]
fn proof_over_the_text_of_an_account_is_that_of_eotsd() {
    for (number, (key, signature, account)) in EXPORTED.into_iter().enumerate() {
        let text: AccountText = account.parse().unwrap();
        assert_eq!(text.as_str(), account);
        assert_eq!(*text.digest().as_ref(), <[u8; 32]>::from(Sha256::digest(account)));
        let key: XOnlyPublicKey = key.parse().unwrap();
        let signature: schnorr::Signature = signature.parse().unwrap();
        assert!(text.verify_bip340(&key, &signature));
        let (other_key, _, other) = EXPORTED[1 - number];
        assert!(!other.parse::<AccountText>().unwrap().verify_bip340(&key, &signature));
        assert!(!text.verify_bip340(&other_key.parse().unwrap(), &signature));
        // The chain's proof is over the bytes of the account: neither is the other.
        let message = PossessionMessage::new(SigningContext::GENESIS, account.parse().unwrap()).unwrap();
        assert!(!message.verify_bip340(&key, &signature));
        let ours = SecretKey::from_bytes(&[1; 32]).unwrap();
        let made = text.sign_bip340(&ours).unwrap();
        assert!(text.verify_bip340(ours.public_key(), &made));
        assert_eq!(text.sign_bip340(&ours).unwrap(), made, "the same bytes each time");
        assert!(!message.verify_bip340(ours.public_key(), &made));
        assert!(!text.verify_bip340(ours.public_key(), &message.sign_bip340(&ours).unwrap()));
    }
}

/// Accounts of any form, and texts whose hash a chain could take for a message of its own.
#[test]
fn text_of_an_account_is_no_message_of_a_chain() {
    let read = |text: &str| text.parse::<AccountText>();
    for account in [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "osmo1qurswpc8qurswpc8qurswpc8qurswpc8mg52kn",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        &ADDRESS.to_uppercase(),
        "a",
    ] {
        assert_eq!(read(account).unwrap().as_str(), account);
    }
    for text in ["", "with space", "line\n", "nul\0", "ä", "tab\t"] {
        assert_eq!(read(text), Err(InvalidAccountText::Characters), "{text:?}");
    }
    // The bytes of an account, which happen to be readable, alone and after a signing context: the digests
    // are those of the chain's proofs for that account.
    let context = context("c");
    for length in [20, 32] {
        let bytes = vec![b'x'; length];
        let account = address("bbn", &bytes);
        for context in [SigningContext::GENESIS, context] {
            let text = format!("{context}{}", "x".repeat(length));
            let text = if context.is_genesis() { "x".repeat(length) } else { text };
            let message = PossessionMessage::new(context, account.clone()).unwrap();
            assert_eq!(*message.digest().as_ref(), <[u8; 32]>::from(Sha256::digest(&text)));
            assert_eq!(read(&text), Err(InvalidAccountText::Ambiguous(text.len())));
        }
    }
    read(&"x".repeat(64 + 20)).unwrap();
    for length in [19, 21, 31, 33] {
        read(&"x".repeat(length)).unwrap();
    }
}
