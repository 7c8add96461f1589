//! Account addresses, and the messages of proofs of possession.

use eots::SecretKey;
use secp256k1::SECP256K1;
use sha2::{Digest, Sha256};

use crate::{AccountAddress, InvalidAccountAddress, Operation, PossessionMessage, SigningContext};

const ADDRESS: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

fn address(prefix: &str, bytes: [u8; 20]) -> AccountAddress {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse(prefix).unwrap(), &bytes).unwrap().parse().unwrap()
}

fn context(chain_id: &str) -> SigningContext {
    SigningContext::consumer(Operation::FinalityProviderPop, chain_id, ADDRESS)
}

#[test]
fn account_addresses_are_what_the_chain_writes() {
    let parsed: AccountAddress = ADDRESS.parse().unwrap();
    assert_eq!((parsed.as_str(), parsed.prefix(), parsed.to_string().as_str()), (ADDRESS, "bbn", ADDRESS));
    assert_eq!(address("bbn", parsed.to_bytes()), parsed);
    let error = |text: &str| text.parse::<AccountAddress>().unwrap_err();
    for text in ["", "bbn", "bbn1", "zz", "абв", "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsn", " bbn1"] {
        assert!(matches!(error(text), InvalidAccountAddress::NotBech32(_)), "{text}");
    }
    assert_eq!(error(&ADDRESS.to_uppercase()), InvalidAccountAddress::NotCanonical(ADDRESS.to_owned()));
    // Bitcoin addresses: version 0 is bech32, version 1 is bech32m.
    let bitcoin = error("bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l");
    assert!(matches!(bitcoin, InvalidAccountAddress::NotCanonical(_)), "{bitcoin}");
    let taproot = error("bc1ppv609nr0vr25u07u95waq5lucwfm6tde4nydujnu8npg4q75mr5sxq8lt3");
    assert!(matches!(taproot, InvalidAccountAddress::NotBech32(_)), "{taproot}");
    let prefix = bech32::Hrp::parse("bbn").unwrap();
    for length in [0, 19, 21, 32] {
        let text = bech32::encode::<bech32::Bech32>(prefix, &vec![7; length]).unwrap();
        assert_eq!(error(&text), InvalidAccountAddress::Length(length));
        let text = bech32::encode::<bech32::Bech32m>(prefix, &vec![7; length]).unwrap();
        assert!(matches!(error(&text), InvalidAccountAddress::NotBech32(_)));
    }
}

/// The messages, computed apart from the code.
#[test]
fn possession_message_has_the_context_before_the_account() {
    let account: AccountAddress = ADDRESS.parse().unwrap();
    let genesis = PossessionMessage::new(SigningContext::GENESIS, account.clone()).unwrap();
    assert_eq!(*genesis.digest().as_ref(), <[u8; 32]>::from(Sha256::digest(account.to_bytes())));
    assert_eq!(genesis.text(), ADDRESS);
    let context = context("c");
    let consumer = PossessionMessage::new(context, account.clone()).unwrap();
    let bytes = [context.to_string().as_bytes(), &account.to_bytes()].concat();
    assert_eq!(*consumer.digest().as_ref(), <[u8; 32]>::from(Sha256::digest(bytes)));
    assert_eq!(consumer.text(), format!("{context}{ADDRESS}"));
    assert_eq!((consumer.context(), consumer.address()), (&context, &account));
}

#[test]
fn accounts_of_other_chains_need_a_context() {
    let other = address("osmo", [7; 20]);
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
    let message = |context, bytes| PossessionMessage::new(context, address("bbn", bytes)).unwrap();
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
