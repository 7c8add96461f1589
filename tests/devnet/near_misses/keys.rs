//! Keys that are given twice, and proofs of possession that are almost good.

use babylon::Message;
use bitcoin::Network;
use bitcoin::secp256k1::constants::CURVE_ORDER;
use eots::SecretKey;
use finality::{Operation, PossessionMessage, SigningContext};
use staking_scripts::outputs::{ConsumerProviders, StakedTo};
use staking_scripts::possession::{Bip322Script, CompactSignature};
use staking_scripts::testing::key;
use staking_scripts::{Delegation, ProofOfPossession};

use super::Change::{AsItIs, Plan};
use super::{ACCEPTED, Row, Says, Setting, judge, network, row};
use crate::staking::{possession, prove_possession, provider_message};

const TWICE: Says = (&["parties"], "duplicated key in script");
const NOT_PROVEN: Says = (&["possession"], "the proof of possession is not valid");

const KEYS: &[Row] = &[
    row(
        "the provider stakes to itself",
        AsItIs(|it, setting| stake_as(it, setting, &key("provider", 0))),
        TWICE,
    ),
    row(
        "a covenant member stakes",
        AsItIs(|it, setting| stake_as(it, setting, &setting.devnet.covenant[0])),
        TWICE,
    ),
    row(
        "a stake to a covenant member",
        AsItIs(|it, setting| {
            it.staked_to = StakedTo::Genesis(*setting.devnet.covenant[1].public_key());
        }),
        TWICE,
    ),
    row(
        "two providers",
        Plan(|plan| {
            let keys =
                [0, 1].map(|number| (format!("chain-{number}"), *key("provider", number).public_key()));
            plan.staked_to = StakedTo::Consumers(ConsumerProviders::new(keys).unwrap());
        }),
        (&["stake_kind"], "it must contain exactly one"),
    ),
];

const PROOFS: &[Row] = &[
    row(
        "a proof for another account",
        AsItIs(|it, setting| {
            let other = key("account", 0).to_bytes();
            let other = babylon::AccountKey::from_bytes(&other).unwrap().address().unwrap();
            prove(it, setting, |_| prove_possession(setting.staker, &other).1);
        }),
        (&["possession"], "failed to verify pop.BtcSig: the proof of possession is not valid"),
    ),
    row(
        "a proof of another key",
        AsItIs(|it, setting| {
            prove(it, setting, |message| {
                ProofOfPossession::create_bip340(&key("provider", 0), message).unwrap()
            });
        }),
        NOT_PROVEN,
    ),
    row(
        "a proof for a consumer chain",
        AsItIs(|it, setting| {
            let address = setting.devnet.account().address().clone();
            let context = SigningContext::consumer(Operation::StakerPop, "a-consumer", &address.to_string());
            let message = PossessionMessage::new(context, address).unwrap();
            let proof = ProofOfPossession::create_bip340(setting.staker, &message).unwrap();
            it.proof_of_possession = Some((message, proof));
        }),
        (&["signing_context"], "the proof of possession is not valid"),
    ),
    row(
        "BIP-322 of an address of mainnet",
        AsItIs(|it, setting| prove(it, setting, |message| bip322(setting, message, Network::Bitcoin))),
        ACCEPTED,
    ),
    row(
        "ECDSA of an uncompressed key",
        AsItIs(|it, setting| prove(it, setting, |message| ecdsa(setting, message, |bytes| bytes[0] -= 4))),
        ACCEPTED,
    ),
    row(
        "ECDSA with the header of a SegWit address",
        AsItIs(|it, setting| prove(it, setting, |message| ecdsa(setting, message, |bytes| bytes[0] += 8))),
        NOT_PROVEN,
    ),
    row(
        "ECDSA with the high s",
        AsItIs(|it, setting| prove(it, setting, |message| ecdsa(setting, message, negate_s))),
        NOT_PROVEN,
    ),
    row(
        "ECDSA of another message",
        AsItIs(|it, setting| {
            let of_provider = possession(&"bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap());
            prove(it, setting, |_| ecdsa(setting, &of_provider, |_| ()));
        }),
        NOT_PROVEN,
    ),
];

/// Makes it another's stake, with that one's proof.
fn stake_as(delegation: &mut Delegation, setting: &Setting<'_>, staker: &SecretKey) {
    delegation.staker = *staker.public_key();
    let address = setting.devnet.account().address().clone();
    delegation.proof_of_possession = Some(prove_possession(staker, &address));
}

/// Gives it another proof for the account that registers it.
fn prove(
    delegation: &mut Delegation,
    setting: &Setting<'_>,
    make: impl Fn(&PossessionMessage) -> ProofOfPossession,
) {
    let message = possession(setting.devnet.account().address());
    let proof = make(&message);
    delegation.proof_of_possession = Some((message, proof));
}

fn bip322(setting: &Setting<'_>, message: &PossessionMessage, network: Network) -> ProofOfPossession {
    ProofOfPossession::create_bip322(setting.staker, message, Bip322Script::P2wpkh, network).unwrap()
}

fn ecdsa(setting: &Setting<'_>, message: &PossessionMessage, change: fn(&mut [u8; 65])) -> ProofOfPossession {
    let made = ProofOfPossession::create_ecdsa(setting.staker, message).unwrap();
    let mut bytes: [u8; 65] = made.signature_bytes().try_into().unwrap();
    change(&mut bytes);
    ProofOfPossession::Ecdsa(CompactSignature::from_bytes(bytes))
}

/// Makes of s its negative, and turns the bit of the header that says which y the randomness has.
fn negate_s(bytes: &mut [u8; 65]) {
    let mut borrow = 0;
    for (byte, order) in bytes[33..].iter_mut().zip(CURVE_ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    bytes[0] = 31 + ((bytes[0] - 31) ^ 1);
}

#[test]
fn keys_that_are_given_twice_are_judged_alike() {
    let Some(devnet) = network() else { return };
    // The chain looks whether a provider is registered before it looks at the keys.
    let account = devnet.new_account(1);
    let address = account.address().unwrap();
    let member = &devnet.covenant[1];
    let (_, proof) = prove_possession(member, &address);
    let register: Message = provider_message(&address, member, &proof);
    devnet.verdict(&account, &[register]).unwrap();
    judge(&devnet, KEYS);
}

#[test]
fn proofs_that_are_almost_good_are_judged_alike() {
    let Some(devnet) = network() else { return };
    judge(&devnet, PROOFS);
}
